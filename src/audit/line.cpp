#include "audit/line.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace callgate::audit {
namespace {

constexpr std::string_view prefix = "segment-";
constexpr std::string_view suffix = ".jsonl";

/// Two digits at a time from a text of the form that the journal writes.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t count) {
  int number = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + (c - '0');
  }
  return number;
}

std::string_view cut(std::string_view text) {
  if (text.size() <= max_text) return text;
  std::size_t end = max_text;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return text.substr(0, end);
}

}  // namespace

std::optional<std::int64_t> wall_ms_of(std::string_view text) {
  if (text.size() != 24) return std::nullopt;
  const auto year = digits(text, 0, 4);
  const auto month = digits(text, 5, 2);
  const auto day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2);
  const auto minute = digits(text, 14, 2);
  const auto second = digits(text, 17, 2);
  const auto milli = digits(text, 20, 3);
  if (!year || !month || !day || !hour || !minute || !second || !milli) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t wall = (((days * 24 + *hour) * 60 + *minute) * 60 + *second) * 1000 + *milli;
  // Other separators would not come back.
  return utc_text(wall) == text ? std::optional(wall) : std::nullopt;
}

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
