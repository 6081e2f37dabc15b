#include "classify/odd_characters.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/characters.hpp"

namespace callgate::classify {
namespace {

unsigned char byte_at(std::string_view text, std::size_t at) { return static_cast<unsigned char>(text[at]); }

/// The length of the character at `at`, 0 where the bytes are none.
std::size_t length_at(std::string_view text, std::size_t at) {
  const unsigned char lead = byte_at(text, at);
  const std::size_t size = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (size == 0 || text.size() - at < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte_at(text, at + i) & 0xC0U) != 0x80U) return 0;
  }
  return size;
}

bool is_odd_wide(std::string_view text, std::size_t at, std::size_t size) {
  const unsigned char second = byte_at(text, at + 1);
  if (size == 2) return byte_at(text, at) == 0xC2 && (second < 0xA0 || second == 0xAD);  // C1 controls, soft hyphen
  if (size == 4) return byte_at(text, at) == 0xF3 && second == 0xA0;                     // tags, further selectors
  const unsigned char third = byte_at(text, at + 2);
  if (byte_at(text, at) == 0xE2 && second == 0x80) return (third >= 0x8B && third <= 0x8F && third != 0x8D) || (third >= 0xAA && third <= 0xAE);
  if (byte_at(text, at) == 0xE2 && second == 0x81) return third >= 0xA0 && third <= 0xAF;
  return byte_at(text, at) == 0xEF && second == 0xBB && third == 0xBF;
}

/// A run of characters of one script. 0 stands for none.
struct Letters {
  CharacterRange range;
  std::uint8_t script;
};

constexpr std::array scripts{
    Letters{{0x0041, 0x005A}, 1}, Letters{{0x0061, 0x007A}, 1}, Letters{{0x00C0, 0x024F}, 1}, Letters{{0x0250, 0x02AF}, 2},   Letters{{0x0370, 0x03FF}, 4},
    Letters{{0x0400, 0x052F}, 8}, Letters{{0x0531, 0x0588}, 16}, Letters{{0x13A0, 0x13FF}, 32}, Letters{{0x1E00, 0x1EFF}, 1}, Letters{{0x1F00, 0x1FFF}, 4},
    Letters{{0x24B6, 0x24E9}, 2}, Letters{{0xAB70, 0xABBF}, 32}, Letters{{0xFF21, 0xFF5A}, 2},  Letters{{0x1D400, 0x1D7FF}, 2},
};

std::uint8_t script_of(char32_t c) {
  const auto found = std::ranges::find_if(scripts, [c](const Letters& each) { return each.range.first <= c && c <= each.range.last; });
  return found == scripts.end() ? std::uint8_t{0} : found->script;
}

}  // namespace

bool has_mixed_scripts(std::string_view name) {
  unsigned seen = 0;
  while (!name.empty()) {
    const Character next = first_character(name);
    if (!next.broken) seen |= script_of(next.code);
    name.remove_prefix(next.size);
  }
  return (seen & (seen - 1U)) != 0;
}

bool has_odd_characters(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const unsigned char byte = byte_at(text, at);
    if (byte < 0x80) {
      if ((byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t') || byte == 0x7F) return true;
      ++at;
      continue;
    }
    const std::size_t size = length_at(text, at);
    if (size == 0 || is_odd_wide(text, at, size)) return true;
    at += size;
  }
  return false;
}

}  // namespace callgate::classify
