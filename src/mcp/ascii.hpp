#pragma once

#include <string_view>

#include "base/ascii_case.hpp"

/// ASCII case, as HTTP field names compare (RFC 9110 section 5.1).
namespace callgate::mcp {

using ascii::lower;

inline bool equal_fold(std::string_view a, std::string_view b) { return ascii::equal(a, b); }

inline bool starts_with_fold(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equal_fold(text.substr(0, prefix.size()), prefix);
}

}  // namespace callgate::mcp
