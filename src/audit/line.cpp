#include "audit/line.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstring>

#include "base/json.hpp"

namespace callgate::audit {
namespace {

constexpr std::string_view prefix = "segment-";
constexpr std::string_view suffix = ".jsonl";

constexpr std::uint64_t in_each(std::uint64_t byte) { return byte * 0x0101010101010101U; }
constexpr std::uint64_t high_bits = in_each(0x80);

/// A high bit for each byte below `bound` (at most 0x80); exact where no byte has its own high bit.
constexpr std::uint64_t below(std::uint64_t word, std::uint64_t bound) { return (word - in_each(bound)) & ~word & high_bits; }
constexpr std::uint64_t equal(std::uint64_t word, std::uint64_t byte) { return below(word ^ in_each(byte), 1); }

/// Whether each of eight bytes is printable ASCII and neither quote nor backslash.
/// Borrows between bytes can only make a plain word look otherwise, never the other way round.
constexpr bool is_plain_word(std::uint64_t word) {
  return ((word & high_bits) | below(word, 0x20) | equal(word, '"') | equal(word, '\\') | equal(word, 0x7f)) == 0;
}

/// Printable ASCII without quote and backslash: its own JSON form.
bool is_plain(std::string_view text) {
  if (text.empty()) return true;  // may have no address at all
  std::uint64_t word = 0;
  std::size_t at = 0;
  for (; at + 8 <= text.size(); at += 8) {
    std::memcpy(&word, text.data() + at, 8);
    if (!is_plain_word(word)) return false;
  }
  word = in_each('a');
  std::memcpy(&word, text.data() + at, text.size() - at);
  return at == text.size() || is_plain_word(word);
}

std::string_view cut(std::string_view text) {
  if (text.size() <= max_text) return text;
  std::size_t end = max_text;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace

std::string segment_name(std::uint64_t number) { return fmt::format("{}{:08}{}", prefix, number, suffix); }

std::uint64_t segment_number(std::string_view name) {
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return 0;
  const std::string_view digits = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  if (digits.size() < 8) return 0;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size() || segment_name(number) != name) return 0;
  return number;
}

void append_text(std::string& out, std::string_view text) {
  const std::string_view kept = cut(text);
  if (!is_plain(kept)) {
    json::append_quoted(out, kept);
  } else {
    out += '"';
    out += kept;
    out += '"';
  }
  if (kept.size() == text.size()) return;
  out.insert(out.size() - 1, "…");
}

}  // namespace callgate::audit
