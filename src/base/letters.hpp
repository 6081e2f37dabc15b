#pragma once

#include <string>
#include <string_view>

/// ASCII, whatever the locale.
namespace callgate {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_small(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool is_large(char c) { return c >= 'A' && c <= 'Z'; }

/// Large letters made small; all else stays.
inline std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = is_large(c) ? static_cast<char>(c | 0x20) : c;
  return out;
}

}  // namespace callgate
