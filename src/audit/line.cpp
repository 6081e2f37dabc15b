#include "audit/line.hpp"

#include <fmt/format.h>

#include <charconv>

#include "base/json.hpp"

namespace callgate::audit {
namespace {

constexpr std::string_view prefix = "segment-";
constexpr std::string_view suffix = ".jsonl";

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
  json::append_quoted(out, kept);
  if (kept.size() == text.size()) return;
  out.insert(out.size() - 1, "…");
}

}  // namespace callgate::audit
