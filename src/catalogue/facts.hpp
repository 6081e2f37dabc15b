#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "classify/classification.hpp"
#include "generate/policy.hpp"

/// What a catalogue is made from. Values and views; the documents behind them
/// are the caller's.
namespace callgate::catalogue {

/// A server as the registry, or a saved list, knows it. All texts may be hostile;
/// empty ones are not shown. Commands, variables and headers are no part of it.
struct ServerFacts {
  std::string id;
  std::string package;    ///< `name (registry)`
  std::string version;    ///< what is installed, not what the server says of itself
  std::string address;    ///< host alone
  std::string transport;
  std::string protocol;   ///< revision that it answered
  std::string listed_at;  ///< a date
};

/// One server with its tools. `tools` and `definitions` have the same order;
/// `policy` has rules for those of them that can have one.
struct ServerInput {
  ServerFacts facts;
  std::vector<json::Value> definitions;
  std::vector<classify::Classification> tools;
  generate::Generated policy;
};

}  // namespace callgate::catalogue
