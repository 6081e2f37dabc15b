#include "audit/shape.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

namespace callgate::audit {
namespace {

using Kind = Shape::Kind;

constexpr std::int64_t largest_number = 1'000'000'000'000'000;  ///< 10^15: every reader holds it exactly
constexpr std::int64_t least_whole = 10;     ///< first bucket of whole numbers
constexpr std::int64_t least_fraction = 1;   ///< and of others
constexpr std::int64_t least_length = 8;
constexpr std::int64_t largest_length = 1'048'576;
constexpr std::int64_t least_count = 4;
constexpr std::size_t longest_classed = 256;  ///< bytes of a text whose characters are looked at

constexpr std::array<std::string_view, 7> kind_words{"null", "boolean", "integer", "number", "string", "array", "object"};
constexpr std::array<std::string_view, 8> letter_words{"digits", "hex", "identifier", "path", "url", "word", "line", "text"};

// Numbers ---------------------------------------------------------------------

/// Where the digits of a number stand, as exact decimals: its value lies in
/// [first × 10^exponent, (first + 1) × 10^exponent).
struct Digits {
  bool negative = false;
  bool whole = true;  ///< without a fractional part
  bool rest = false;  ///< digits other than zero follow the first
  unsigned first = 0;  ///< the first that is not zero; 0: the number is zero
  std::int64_t exponent = 0;  ///< of that digit
};

/// The exponent as written, held within what no bucket reaches: a longer one changes nothing.
std::int64_t exponent_of(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  for (const char c : text) value = std::min<std::int64_t>(value * 10 + (c - '0'), std::int64_t{1} << 40);
  return negative ? -value : value;
}

Digits digits_of(std::string_view text) {
  Digits digits{.negative = text.starts_with('-')};
  if (digits.negative) text.remove_prefix(1);
  const std::size_t end = std::min(text.find_first_of("eE"), text.size());
  const std::string_view mantissa = text.substr(0, end);
  std::int64_t place = static_cast<std::int64_t>(std::min(mantissa.find('.'), mantissa.size())) - 1;
  std::int64_t last = 0;
  for (const char c : mantissa) {
    if (c == '.') continue;
    if (c != '0') {
      if (digits.first == 0) {
        digits.first = static_cast<unsigned>(c - '0');
        digits.exponent = place;
      } else {
        digits.rest = true;
      }
      last = place;
    }
    --place;
  }
  if (digits.first == 0) return digits;
  const std::int64_t shift = end < text.size() ? exponent_of(text.substr(end + 1)) : 0;
  digits.exponent += shift;
  digits.whole = last + shift >= 0;
  return digits;
}

/// The smallest of 1, 2, 5, 10, 20, … that is not below the number without its sign; nothing beyond 10^15.
std::optional<std::int64_t> bound_of(const Digits& digits) {
  const std::int64_t least = digits.whole ? least_whole : least_fraction;
  if (digits.first == 0 || digits.exponent < 0) return least;
  if (digits.exponent > 15) return std::nullopt;
  std::int64_t power = 1;
  for (std::int64_t i = 0; i < digits.exponent; ++i) power *= 10;
  const auto fits = [&](unsigned digit) { return digits.first < digit || (digits.first == digit && !digits.rest); };
  const std::int64_t bound = power * (fits(1) ? 1 : fits(2) ? 2 : fits(5) ? 5 : 10);
  return bound > largest_number ? std::nullopt : std::optional(std::max(bound, least));
}

/// The end of the bucket before; 0 where there is none.
std::int64_t least_round(std::int64_t bound, bool whole) {
  if (bound <= (whole ? least_whole : least_fraction)) return 0;
  std::int64_t power = 1;
  while (power <= bound / 10) power *= 10;
  return bound / power == 5 ? 2 * power : bound / 2;
}

/// Whether a bucket of numbers ends there.
bool ends_bucket(std::int64_t bound, bool whole) {
  if (bound < (whole ? least_whole : least_fraction)) return false;
  while (bound % 10 == 0) bound /= 10;
  return bound == 1 || bound == 2 || bound == 5;
}

void set_bucket(Shape& shape, std::optional<std::int64_t> bound, bool negative) {
  const std::int64_t near = bound ? least_round(*bound, shape.kind == Kind::integer) : largest_number;
  if (negative) {
    shape.most = -near;
    if (bound) shape.least = -*bound;
  } else {
    shape.least = near;
    shape.most = bound;
  }
}

Shape number_shape(std::string_view text) {
  const Digits digits = digits_of(text);
  Shape shape{.kind = digits.whole ? Kind::integer : Kind::number};
  set_bucket(shape, bound_of(digits), digits.negative && digits.first != 0);
  return shape;
}

// Texts and lists -------------------------------------------------------------

void set_size(Shape& shape, std::size_t size, std::int64_t first) {
  std::int64_t bound = first;
  while (bound <= largest_length && static_cast<std::uint64_t>(bound) < size) bound *= 2;
  shape.least = bound == first ? 0 : bound / 2 + 1;
  if (bound <= largest_length) shape.most = bound;
}

/// One bit for each set of characters that does not hold it, so that a text's are found by `or`.
enum : std::uint8_t { not_digits = 1, not_hex = 2, not_identifier = 4, not_path = 8, not_word = 16, not_line = 32 };

constexpr std::uint8_t outside(unsigned char c) {
  const bool digit = c >= '0' && c <= '9';
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  const bool hex = digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  const bool identifier = digit || letter || c == '_' || c == '-';
  const bool path = identifier || c == '.' || c == '/' || c == '~' || c == '@' || c == '+';
  unsigned bits = 0;
  if (!digit) bits |= not_digits;
  if (!hex) bits |= not_hex;
  if (!identifier) bits |= not_identifier;
  if (!path) bits |= not_path;
  if (c <= ' ' || c >= 0x7f) bits |= not_word;
  if (c < ' ' || c == 0x7f) bits |= not_line;
  return static_cast<std::uint8_t>(bits);
}

constexpr auto outsiders = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 256; ++c) table[c] = outside(static_cast<unsigned char>(c));
  return table;
}();

unsigned hex_value(std::string_view digits) {
  unsigned value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

/// Bytes that go on a character of UTF-8, eight at a time: texts may be long, and every call is looked at.
std::size_t continuations(std::string_view bytes) {
  constexpr std::uint64_t high_bit_of_each = 0x8080808080808080U;
  std::size_t count = 0;
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    count += static_cast<std::size_t>(std::popcount(word & ~(word << 1U) & high_bit_of_each));
    bytes.remove_prefix(8);
  }
  for (const char c : bytes) count += (static_cast<unsigned char>(c) & 0xc0U) == 0x80U ? 1U : 0U;
  return count;
}

/// What a text is made of, read over its escapes. Pre: the reader accepted it.
struct Walk {
  std::size_t characters = 0;
  std::uint8_t bits = 0;

  void plain(std::string_view bytes) { characters += bytes.size() - continuations(bytes); }
  void look(std::string_view bytes) {
    for (const char c : bytes) bits |= outsiders[static_cast<unsigned char>(c)];
  }
  /// At a backslash; answers how many bytes the escape has.
  std::size_t escape(std::string_view rest) {
    ++characters;
    const char sign = rest[1];
    if (sign == 'u') {
      const unsigned code = hex_value(rest.substr(2, 4));
      bits |= code < 0x80 ? outsiders[code] : outsiders[0x80];
      return code >= 0xd800 && code < 0xdc00 ? 12 : 6;
    }
    bits |= sign == '"' || sign == '\\' || sign == '/' ? outsiders[static_cast<unsigned char>(sign)] : outsiders[0];
    return 2;
  }
  void whole(std::string_view raw) {
    while (!raw.empty()) {
      const std::size_t end = std::min(raw.find('\\'), raw.size());
      plain(raw.substr(0, end));
      look(raw.substr(0, end));
      raw.remove_prefix(end);
      if (!raw.empty()) raw.remove_prefix(escape(raw));
    }
  }
};

bool begins_as_url(std::string_view raw) {
  const std::size_t colon = raw.find("://");
  if (colon == std::string_view::npos || colon == 0 || raw[0] < 'a' || raw[0] > 'z') return false;
  return std::ranges::all_of(raw.substr(0, colon), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '.' || c == '-'; });
}

Letters letters_of(std::uint8_t bits, std::string_view raw) {
  if ((bits & not_line) != 0) return Letters::text;
  if ((bits & not_word) != 0) return Letters::line;
  if ((bits & not_path) != 0) return begins_as_url(raw) ? Letters::url : Letters::word;
  if ((bits & not_identifier) != 0) return Letters::path;
  if ((bits & not_hex) != 0) return Letters::identifier;
  return (bits & not_digits) != 0 ? Letters::hex : Letters::digits;
}

Shape string_shape(json::Value value) {
  const std::string_view raw = value.raw_string();
  Walk walk;
  Shape shape{.kind = Kind::string};
  if (raw.size() <= longest_classed) {
    walk.whole(raw);
    if (!raw.empty()) shape.letters = letters_of(walk.bits, raw);
  } else if (value.has_escapes()) {
    walk.whole(raw);
  } else {
    walk.plain(raw);
  }
  set_size(shape, walk.characters, least_length);
  return shape;
}

// Words -----------------------------------------------------------------------

std::string_view first_word(const Shape& shape) {
  if (shape.kind == Kind::string && !shape.type_only) return word(shape.letters);
  return kind_words[static_cast<std::size_t>(shape.kind)];
}

bool has_bucket(Kind kind) { return kind == Kind::integer || kind == Kind::number || kind == Kind::string || kind == Kind::array; }

void append_number(std::string& out, std::int64_t number) {
  std::array<char, 20> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

/// What words without their bucket say.
std::optional<Shape> read_first(std::string_view words) {
  if (words == "object+") return Shape{.kind = Kind::object, .more = true};
  if (const auto kind = std::ranges::find(kind_words, words); kind != kind_words.end()) {
    Shape shape{.kind = static_cast<Kind>(kind - kind_words.begin())};
    shape.type_only = has_bucket(shape.kind);
    return shape;
  }
  const auto letters = std::ranges::find(letter_words, words);
  if (letters == letter_words.end()) return std::nullopt;
  return Shape{.kind = Kind::string, .letters = static_cast<Letters>(letters - letter_words.begin())};
}

/// Puts the bucket in that ends at `bound`, or lies beyond it; false where none does.
bool set_read(Shape& shape, std::int64_t bound, bool beyond) {
  const std::int64_t size = bound < 0 ? -bound : bound;
  const bool sized = shape.kind == Kind::string || shape.kind == Kind::array;
  if (sized) {
    set_size(shape, beyond ? static_cast<std::size_t>(size) + 1 : static_cast<std::size_t>(size), shape.kind == Kind::string ? least_length : least_count);
    return true;
  }
  set_bucket(shape, beyond ? std::nullopt : std::optional(size), bound < 0);
  return ends_bucket(size, shape.kind == Kind::integer);
}

}  // namespace

std::string_view word(Letters letters) { return letter_words[static_cast<std::size_t>(letters)]; }

Shape type_of(json::Value value) {
  switch (value.kind()) {
    case json::Kind::null: return {.kind = Kind::null};
    case json::Kind::boolean: return {.kind = Kind::boolean};
    case json::Kind::number: return {.kind = digits_of(value.text()).whole ? Kind::integer : Kind::number, .type_only = true};
    case json::Kind::string: return {.kind = Kind::string, .type_only = true};
    case json::Kind::array: return {.kind = Kind::array, .type_only = true};
    case json::Kind::object: break;
  }
  return {.kind = Kind::object, .more = value.size() > 0};
}

Shape shape_of(json::Value value) {
  if (value.is_number()) return number_shape(value.text());
  if (value.is_string()) return string_shape(value);
  Shape shape = type_of(value);
  if (!value.is_array()) return shape;
  shape.type_only = false;
  set_size(shape, value.size(), least_count);
  return shape;
}

void append_words(std::string& out, const Shape& shape) {
  out += first_word(shape);
  if (shape.more) out += '+';
  if (shape.type_only || !has_bucket(shape.kind)) return;
  const bool number = shape.kind == Kind::integer || shape.kind == Kind::number;
  // A bucket of negative numbers is told by its far end, as others are.
  if (number && shape.most && *shape.most <= 0) {
    out += shape.least ? ">=" : "<";
    append_number(out, shape.least ? *shape.least : *shape.most);
  } else {
    out += shape.most ? "<=" : ">";
    append_number(out, shape.most ? *shape.most : number ? *shape.least : *shape.least - 1);
  }
}

std::optional<Shape> read_shape(std::string_view words) {
  const std::size_t sign = words.find_first_of("<>");
  std::optional<Shape> shape = read_first(words.substr(0, sign));
  if (!shape || sign == std::string_view::npos) return shape && shape->kind == Kind::string && !shape->type_only ? std::nullopt : shape;
  if (!has_bucket(shape->kind)) return std::nullopt;
  const std::size_t digits = words.find_first_of("-0123456789", sign);
  std::int64_t bound = 0;
  if (digits == std::string_view::npos) return std::nullopt;
  const auto [end, problem] = std::from_chars(words.data() + digits, words.data() + words.size(), bound);
  if (problem != std::errc() || bound < -largest_number || bound > largest_number || bound == 0) return std::nullopt;
  shape->type_only = false;
  if (!set_read(*shape, bound, !words.substr(sign, digits - sign).ends_with('='))) return std::nullopt;
  // Only what is written so was written by us: other sizes and signs do not come back.
  std::string again;
  append_words(again, *shape);
  return again == words ? shape : std::nullopt;
}

}  // namespace callgate::audit
