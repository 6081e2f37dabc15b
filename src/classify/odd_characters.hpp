#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace callgate::classify {

/// Whether a text holds what hides in a terminal or turns its direction:
/// control characters other than line ends and tabs, invisible and
/// bidirectional ones, tags (U+E0000…), or bytes that are no UTF-8.
bool has_odd_characters(std::string_view text);

/// Whether letters of several of these stand in one name: Latin, Greek,
/// Cyrillic, Armenian, Cherokee, and the styled copies of Latin ones. Each has
/// letters that look like another's.
bool has_mixed_scripts(std::string_view name);

/// Where a text goes on out of a reader's sight: in a comment of HTML, or behind so many blanks or empty lines that it
/// leaves the screen. Nothing where it does not.
struct HiddenPart {
  std::size_t start = 0;
  std::size_t end = 0;
  std::string_view says;
};
std::optional<HiddenPart> hidden_part(std::string_view text);

}  // namespace callgate::classify
