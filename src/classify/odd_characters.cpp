#include "classify/odd_characters.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

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

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

/// Whether the eight bytes at `at` are all letters, digits, signs or blanks of ASCII.
bool are_plain(std::string_view text, std::size_t at) {
  constexpr std::uint64_t ones = 0x0101010101010101U;
  std::uint64_t eight = 0;
  std::memcpy(&eight, text.data() + at, sizeof eight);
  const std::uint64_t below_blank = (eight - ones * 0x20U) & ~eight;
  const std::uint64_t no_delete = eight ^ (ones * 0x7FU);
  return ((eight | below_blank | ((no_delete - ones) & ~no_delete)) & (ones * 0x80U)) == 0;
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

std::optional<HiddenPart> hidden_part(std::string_view text) {
  constexpr std::size_t most_lines = 8;
  constexpr std::size_t most_blanks = 80;
  constexpr std::size_t longest_shown = 160;
  const auto part = [text](std::size_t start, std::size_t end, std::string_view says) {
    end = std::min({end, start + longest_shown, text.size()});
    while (end < text.size() && (byte_at(text, end) & 0xC0U) == 0x80U) --end;
    return HiddenPart{start, end, says};
  };
  if (const std::size_t at = text.find("<!--"); at != std::string_view::npos) {
    const std::size_t end = text.find("-->", at);
    return part(at, end == std::string_view::npos ? text.size() : end + 3, "a comment that whoever sees the text rendered does not see");
  }
  // Whatever is as long as nine empty lines covers every eighth byte.
  for (std::size_t at = 0; at < text.size(); at += most_lines) {
    if (!is_blank(text[at])) continue;
    std::size_t start = at;
    while (start > 0 && is_blank(text[start - 1])) --start;
    const std::size_t end = text.find_first_not_of(" \t\r\n", at);
    if (end == std::string_view::npos) break;
    const std::string_view run = text.substr(start, end - start);
    if (std::cmp_greater(std::ranges::count(run, '\n'), most_lines) || run.size() - std::min(run.size(), run.rfind('\n') + 1) > most_blanks) {
      return part(end, text.size(), "stands behind so much empty space that it leaves the screen");
    }
    at = end - end % most_lines;
  }
  return std::nullopt;
}

bool has_odd_characters(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    if (text.size() - at >= sizeof(std::uint64_t) && are_plain(text, at)) {
      at += sizeof(std::uint64_t);
      continue;
    }
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
