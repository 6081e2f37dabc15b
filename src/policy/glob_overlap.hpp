#pragma once

#include <optional>
#include <string>

#include "policy/glob.hpp"

namespace callgate::policy {

/// A shortest text that both patterns match; nothing where there is none. `x` stands for any
/// character. Takes time as the product of their lengths.
std::optional<std::string> matched_by_both(const Glob& a, const Glob& b);

}  // namespace callgate::policy
