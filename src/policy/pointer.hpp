#pragma once

#include <string>
#include <string_view>

namespace callgate::policy {

/// One reference token of a JSON Pointer, escaped (RFC 6901 section 3).
inline std::string pointer_token(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace callgate::policy
