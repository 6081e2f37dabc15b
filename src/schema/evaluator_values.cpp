// Checks of one value by itself: const, enum, numbers, strings.

#include <algorithm>
#include <bit>
#include <cstring>

#include "schema/evaluator.hpp"

namespace callgate::schema {
namespace {

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

/// Eight bytes at a time: a continuation byte has bit 7 and not bit 6.
std::size_t count_plain(std::string_view text) {
  std::size_t continuations = 0;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, sizeof word);
    continuations += static_cast<std::size_t>(std::popcount(word & ~(word << 1) & 0x8080'8080'8080'8080U));
  }
  for (; i < text.size(); ++i) continuations += is_continuation(text[i]) ? 1 : 0;
  return text.size() - continuations;
}

/// Of a string as it stands in the text, escapes included; the reader has checked it.
std::size_t count_code_points(std::string_view raw) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (is_continuation(raw[i])) continue;
    ++count;
    if (raw[i] != '\\') continue;
    ++i;
    if (raw[i] != 'u') continue;
    const bool high_surrogate = (raw[i + 1] == 'd' || raw[i + 1] == 'D') && raw[i + 2] != '0' && raw[i + 2] <= 'b' &&
                                std::string_view("89abAB").find(raw[i + 2]) != std::string_view::npos;
    i += high_surrogate ? 10 : 4;  // the low surrogate follows as an escape of its own
  }
  return count;
}

bool accepts_number(const ValueSet& set, const Decimal& number) {
  return std::ranges::binary_search(set.numbers, number, [](const Decimal& a, const Decimal& b) { return a < b; });
}

}  // namespace

bool Evaluator::check_values(const Block& block, json::Value value) {
  for (const ValueSet& set : block.values) {
    bool accepted = false;
    switch (value.kind()) {
      case json::Kind::null:
        accepted = set.accepts_null;
        break;
      case json::Kind::boolean:
        accepted = value.boolean() ? set.accepts_true : set.accepts_false;
        break;
      case json::Kind::number: {
        if (set.numbers.empty()) break;
        const auto number = read_number(block, value);
        accepted = number && accepts_number(set, *number);
        break;
      }
      case json::Kind::string: {
        if (set.strings.empty()) break;
        std::string scratch;
        const auto text = read_string(block, value, scratch);
        accepted = text && std::ranges::binary_search(set.strings, *text, std::less<>());
        break;
      }
      default: {
        if (set.containers.empty()) break;
        if (!spend(value.text().size() / 16, block, value)) return false;
        std::string canonical;
        json::append_canonical(canonical, value);
        accepted = std::ranges::binary_search(set.containers, canonical);
      }
    }
    if (!accepted) return failed(block, value, set.keyword);
  }
  return true;
}

bool Evaluator::check_number(const Block& block, json::Value value) {
  const auto number = read_number(block, value);
  if (!number) return false;
  const NumberRules& rules = *block.number;
  if (rules.minimum && *number < *rules.minimum) return failed(block, value, "minimum");
  if (rules.maximum && *number > *rules.maximum) return failed(block, value, "maximum");
  if (rules.exclusive_minimum && *number <= *rules.exclusive_minimum) return failed(block, value, "exclusiveMinimum");
  if (rules.exclusive_maximum && *number >= *rules.exclusive_maximum) return failed(block, value, "exclusiveMaximum");
  if (rules.multiple_of && !number->multiple_of(*rules.multiple_of)) return failed(block, value, "multipleOf");
  return true;
}

bool Evaluator::check_string(const Block& block, json::Value value) {
  const StringRules& rules = *block.string;
  const std::string_view raw = value.raw_string();
  // A code point takes one to four bytes, so most lengths need no counting.
  const bool plain = !value.has_escapes();
  const bool surely_short = raw.size() <= rules.max;
  const bool surely_long = rules.min == 0 || (plain && raw.size() / 4 >= rules.min);
  if (!surely_short || !surely_long) {
    if (!spend(raw.size() / 64, block, value)) return false;
    const std::size_t length = plain ? count_plain(raw) : count_code_points(raw);
    if (length < rules.min) return failed(block, value, "minLength");
    if (length > rules.max) return failed(block, value, "maxLength");
  }
  if (rules.pattern == nullptr) return true;
  std::string scratch;
  const auto text = read_string(block, value, scratch);
  return (text && matches(block, *rules.pattern, *text, value, "pattern")) || failed(block, value, "pattern");
}

}  // namespace callgate::schema
