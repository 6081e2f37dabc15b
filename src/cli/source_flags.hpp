#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "classify/classifier.hpp"
#include "config/config.hpp"
#include "config/environment.hpp"

namespace callgate::cli {

/// Where a command takes tools from, and what else stands on its command line.
struct SourceFlags {
  bool help = false;
  std::vector<std::string> files;             ///< `--tools`: saved lists
  std::optional<std::string> client_config;
  std::optional<config::Server> server;       ///< behind `--` or `--upstream`; or a name alone
  std::optional<std::string> kept;            ///< `--server`: what is pinned of that server in the data folder
  std::optional<std::string> config;          ///< the callgate.yaml that says how a server's tools are judged
  std::filesystem::path data;
  bool names_data = false;                    ///< `--data` was given
  bool named = false;                         ///< `--name` was given
  std::chrono::milliseconds timeout{60'000};  ///< for each answer of a server
  classify::Hinting hinting = classify::Hinting::untrusted;
  std::map<std::string_view, std::string> values;   ///< the command's own flags with a value
  std::vector<std::string_view> switches;           ///< and those without

  bool has(std::string_view name) const;
  const std::string* value(std::string_view flag) const;  ///< null where it was not given
};

/// What a command takes beside the flags of every source.
struct SourceGrammar {
  std::string_view command;                  ///< `scan`
  std::string_view verb;                     ///< of "say what to …"
  std::vector<std::string_view> values = {};
  std::vector<std::string_view> switches = {};
};

/// Errors: `invalid`, naming the word that does not fit; those of the data folder's default.
Result<SourceFlags> read_source_flags(const SourceGrammar& grammar, std::span<const std::string_view> args, const config::Environment& environment);

}  // namespace callgate::cli
