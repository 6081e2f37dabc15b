#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "classify/classification.hpp"
#include "generate/policy.hpp"

/// What a catalogue is made from. Values and views; the documents behind them
/// are the caller's.
namespace callgate::catalogue {

/// What a server says of itself in its handshake (`serverInfo`): its own word, which
/// nobody has checked. Hostile; empty texts were not said.
struct OwnWord {
  std::string name;
  std::string title;
  std::string version;
  bool any() const { return !name.empty() || !title.empty() || !version.empty(); }
};

/// Who gave a server the name that it goes by here.
enum class Named : std::uint8_t { by_operator, by_nobody };

/// A server as the registry, or a saved list, knows it. All texts may be hostile;
/// empty ones are not shown. Commands, variables and headers are no part of it.
struct ServerFacts {
  std::string id;
  Named named = Named::by_operator;
  OwnWord says;
  std::string package;    ///< `name (registry)`
  std::string version;    ///< what is installed, not what the server says of itself
  std::string address;    ///< host alone
  std::string transport;
  std::string protocol;   ///< revision that it answered
  std::string listed_at;  ///< a date
  /// Whether it is reached by HTTP, not started.
  bool is_remote() const { return !address.empty() || (!transport.empty() && transport != "stdio"); }
};

/// What people call the server: its id, or where nobody gave it one what it calls itself, cut to a line.
std::string called(const ServerFacts& server);

/// What the registry has of one tool. Dates are its own; empty ones are not known.
struct KeptFacts {
  enum class State : std::uint8_t {
    pinned,       ///< and nothing else is offered
    quarantined,  ///< another definition is offered since
    unpinned,     ///< offered, and nobody has accepted it
  };
  State state = State::pinned;
  std::string pinned_on;
  std::string offered_on;
  std::string difference;  ///< between what is pinned and what is offered, for people
};
std::string_view word(KeptFacts::State state);  ///< `pinned`, `quarantined`, `new`

/// One server with its tools. `tools` and `definitions` have the same order;
/// `policy` has rules for those of them that can have one.
struct ServerInput {
  ServerFacts facts;
  std::vector<json::Value> definitions;
  std::vector<classify::Classification> tools;
  generate::Generated policy;
  std::vector<KeptFacts> kept;  ///< of each tool; empty: the list is no registry's
};

}  // namespace callgate::catalogue
