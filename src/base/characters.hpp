#pragma once

#include <cstddef>
#include <string_view>

namespace callgate {

/// One character of UTF-8. A byte that begins none is `broken` and stands alone.
struct Character {
  char32_t code = 0;
  std::size_t size = 1;  ///< bytes
  bool broken = false;
};

/// The first character. Continuation bytes are taken as they come: names and
/// definitions have passed the strict reader. Pre: not empty.
inline Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {.code = lead};
  const std::size_t size = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
  if (size == 1 || size > text.size()) return {.code = lead, .broken = true};
  auto code = static_cast<char32_t>(lead & (0x7FU >> size));
  for (std::size_t i = 1; i < size; ++i) code = (code << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  return {.code = code, .size = size};
}

struct CharacterRange {
  char32_t first;
  char32_t last;
};

}  // namespace callgate
