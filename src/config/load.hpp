#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "config/environment.hpp"

namespace callgate::config {

/// What the command line says over the file. What it leaves empty stays as the
/// file has it.
struct Overrides {
  std::vector<Endpoint> listen;
  std::optional<Endpoint> admin_listen;
  std::string public_url;
  std::vector<std::string> hosts;  ///< besides those of the file
  std::optional<Auth> auth;
};

struct Loaded {
  std::optional<Config> config;  ///< nothing where there is a fault or conflict
  std::vector<Error> faults;     ///< all of them, in the order of the file
  std::vector<Error> conflicts;  ///< what the overrides do not go together with, themselves or the file; without places
  bool unreadable = false;       ///< the only one: the file cannot be read
};

/// Reads the text of `callgate.yaml`. `file` names it in messages; paths in it
/// are relative to its folder. Unknown and duplicate keys, wrong types and what
/// this version cannot do yet are faults (S23). Defaults and what must go together
/// are judged with the overrides in place.
Loaded parse_config(std::string_view text, const std::filesystem::path& file, const Environment& environment,
                    const Overrides& overrides = {});

/// The same for the file itself.
Loaded load_config(const std::filesystem::path& file, const Environment& environment, const Overrides& overrides = {});

}  // namespace callgate::config
