#pragma once

#include <cstddef>
#include <string_view>

#include "base/yaml.hpp"

namespace callgate::policy {

/// Where byte `at` of a scalar's text stands in the file `text`: through quotes,
/// doubled quotes, escapes, blocks and folded lines. The scalar's own place where
/// the two cannot be laid side by side.
yaml::Mark place_in_scalar(std::string_view text, const yaml::Node& scalar, std::size_t at);

}  // namespace callgate::policy
