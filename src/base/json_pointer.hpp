#pragma once

#include <string>
#include <string_view>

namespace callgate::json {

/// Appends one reference token of a JSON Pointer, escaped, without its slash (RFC 6901 section 3).
inline void append_token(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
}

inline std::string pointer_token(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  append_token(out, text);
  return out;
}

}  // namespace callgate::json
