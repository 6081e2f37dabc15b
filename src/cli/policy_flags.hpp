#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace callgate::cli {

/// Which of `policy check`, `policy test`, `policy explain` and `policy diff` is meant.
enum class PolicyVerb : std::uint8_t { check, test, explain, diff };
std::string_view word(PolicyVerb verb);

/// Their command lines; members that a verb does not know stay empty.
struct PolicyFlags {
  bool help = false;
  bool json = false;
  bool strict = false;                ///< check: warnings count as faults
  std::vector<std::string> files;     ///< check: one or more; diff: two; the others: one
  std::optional<std::string> tools;   ///< a saved list of tools
  std::optional<std::string> server;  ///< the server whose pinned tools are meant instead
  std::optional<std::string> name;    ///< what the server is called, where `server` does not say it
  std::optional<std::string> data;    ///< the data folder that holds the pins
  std::optional<std::string> config;  ///< the callgate.yaml that says how that server's tools are judged
  std::optional<std::string> call;    ///< explain
};

/// Error: `invalid`, naming the word that does not fit.
Result<PolicyFlags> read_policy_flags(std::span<const std::string_view> args, PolicyVerb verb);

}  // namespace callgate::cli
