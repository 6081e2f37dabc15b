#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"

/// What an argument looked like, told so coarsely that its value stays unknown:
/// its type, and for numbers, texts and lists the bucket that it fell into. No
/// bucket of numbers holds fewer than ten whole ones. Meaning and words:
/// docs/journal.md, "Shapes of arguments". Pure; any thread.
namespace callgate::audit {

/// Which characters a text is made of, narrowest first; each but `url` holds those before it.
enum class Letters : std::uint8_t {
  digits,      ///< 0-9
  hex,         ///< 0-9 a-f A-F
  identifier,  ///< ASCII letters, digits, `_`, `-`
  path,        ///< those and `.` `/` `~` `@` `+`
  url,         ///< printable ASCII without blanks that begins with a scheme and `://`
  word,        ///< printable ASCII without blanks
  line,        ///< no ASCII control characters
  text,        ///< anything; also what was not looked at: an empty text, or one over 256 bytes
};
std::string_view word(Letters letters);

struct Shape {
  enum class Kind : std::uint8_t { null, boolean, integer, number, string, array, object };
  Kind kind = Kind::null;
  bool type_only = false;  ///< kept back: nothing but the kind is known
  bool more = false;       ///< of an object: it holds members that have no shape of their own
  Letters letters = Letters::text;  ///< of a string
  /// The bucket: of a number its value, of a string its length in characters, of
  /// an array its elements lies between them, both ends included. Nothing: open.
  std::optional<std::int64_t> least;
  std::optional<std::int64_t> most;

  bool operator==(const Shape&) const = default;
};

/// The shape of a value; an object's members are not looked at. Linear in the
/// text of a number and in that of a string, without a copy.
Shape shape_of(json::Value value);
/// The kind alone.
Shape type_of(json::Value value);

inline constexpr std::size_t longest_shape = 32;  ///< bytes of the text of one
/// Appends its words, as in `integer<=500`: no quotes, nothing that needs an escape.
void append_words(std::string& out, const Shape& shape);
/// What such words say; nothing for any other text.
std::optional<Shape> read_shape(std::string_view words);

}  // namespace callgate::audit
