#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/error.hpp"
#include "classify/classification.hpp"
#include "cli/source_flags.hpp"

namespace callgate::cli {

/// The command line of `callgate scan`.
struct ScanFlags : SourceFlags {
  bool json = false;
  bool long_form = false;  ///< evidence and signals too
  std::optional<classify::Risk> fail_on;
};

/// Errors: `invalid`, naming the word that does not fit; those of the data folder's default.
Result<ScanFlags> read_scan_flags(std::span<const std::string_view> args, const config::Environment& environment);

}  // namespace callgate::cli
