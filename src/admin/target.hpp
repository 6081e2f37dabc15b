#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"

namespace callgate::admin {

/// A request target taken apart: `/api/v1/approvals?state=waiting`.
struct Target {
  std::vector<std::string> path;  ///< segments, percent-decoded; `/` gives none
  std::vector<std::pair<std::string, std::string>> query;
};

/// Errors: `invalid`: not in origin form, an empty or dot segment, a percent
/// sequence that is broken or hides a slash or a control character, a query key
/// twice. One spelling of each path: nothing is normalised.
Result<Target> read_target(std::string_view target);

}  // namespace callgate::admin
