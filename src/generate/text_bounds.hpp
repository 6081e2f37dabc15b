#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Bounds of an argument that only its description states. Read only where the
/// text leaves no doubt: a wrong bound refuses good calls. Linear time.
namespace callgate::generate {

/// What may be bounded, from the argument's type.
enum class Bounded : std::uint8_t { text, number, list, free_object };

struct TextBounds {
  std::optional<std::uint64_t> min_length;  ///< characters
  std::optional<std::uint64_t> max_length;
  std::optional<std::int64_t> minimum;
  std::optional<std::int64_t> maximum;
  std::optional<std::uint64_t> max_items;
  std::string pattern;  ///< anchored, of one class of characters after another; empty: none
  std::string key;      ///< of a free object: the one key that it may hold; the bounds are then those of its text
  std::vector<std::string> quotes;  ///< what was read, each as it stands in the text; hostile

  bool any() const {
    return min_length || max_length || minimum || maximum || max_items || !pattern.empty() || !key.empty();
  }
};

TextBounds read_text_bounds(std::string_view description, Bounded what);

/// What the tool's own text says of an argument, on the line that begins with its name (`name: …`, `- name (string):
/// …`); empty where it has no such line, or several.
std::string_view line_about(std::string_view argument, std::string_view text);

}  // namespace callgate::generate
