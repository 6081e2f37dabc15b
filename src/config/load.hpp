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

struct Loaded {
  std::optional<Config> config;  ///< nothing where there is a fault
  std::vector<Error> faults;     ///< all of them, in the order of the file
  bool without_policy = false;   ///< one of them: a server has no policy
};

/// Reads the text of `callgate.yaml`. `file` names it in messages; paths in it
/// are relative to its folder. Unknown and duplicate keys, wrong types and what
/// this version cannot do yet are faults (S23).
Loaded parse_config(std::string_view text, const std::filesystem::path& file, const Environment& environment);

/// The same for the file itself.
Loaded load_config(const std::filesystem::path& file, const Environment& environment);

}  // namespace callgate::config
