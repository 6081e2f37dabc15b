#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "classify/classification.hpp"
#include "classify/classifier.hpp"
#include "config/config.hpp"
#include "config/environment.hpp"

namespace callgate::cli {

/// The command line of `callgate scan`.
struct ScanFlags {
  bool help = false;
  bool json = false;
  bool long_form = false;                     ///< evidence and signals too
  classify::Hinting hinting = classify::Hinting::untrusted;
  std::optional<classify::Risk> fail_on;
  std::vector<std::string> files;             ///< `--tools`: saved lists
  std::optional<std::string> client_config;
  std::optional<config::Server> server;       ///< behind `--` or `--upstream`
  std::filesystem::path data;
  std::chrono::milliseconds timeout{60'000};  ///< for each answer of a server
};

/// Errors: `invalid`, naming the word that does not fit; those of the data folder's default.
Result<ScanFlags> read_scan_flags(std::span<const std::string_view> args, const config::Environment& environment);

}  // namespace callgate::cli
