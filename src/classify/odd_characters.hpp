#pragma once

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

}  // namespace callgate::classify
