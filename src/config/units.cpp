#include "config/units.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

namespace callgate::config {
namespace {

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

constexpr std::array duration_units{Unit{"ms", 1},         Unit{"s", 1000},        Unit{"m", 60'000},
                                    Unit{"h", 3'600'000},  Unit{"d", 86'400'000},  Unit{"", 1000}};
constexpr std::array size_units{Unit{"B", 1}, Unit{"KiB", 1024}, Unit{"MiB", 1024 * 1024}, Unit{"GiB", 1024 * 1024 * 1024}, Unit{"", 1}};

constexpr std::uint64_t max_milliseconds = 3650ULL * 86'400'000;
constexpr std::uint64_t max_size = 1ULL << 40U;

struct Amount {
  std::uint64_t number = 0;
  std::string_view suffix;
};

/// Digits, then the unit; no sign, no blanks, no fraction.
std::optional<Amount> take_apart(std::string_view text) {
  Amount amount;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), amount.number);
  if (problem != std::errc{}) return std::nullopt;
  amount.suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  return amount;
}

template <std::size_t N>
std::optional<std::uint64_t> parse_amount(std::string_view text, const std::array<Unit, N>& units, std::uint64_t max) {
  const auto amount = take_apart(text);
  if (!amount) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.suffix != amount->suffix) continue;
    if (amount->number > max / unit.factor) return std::nullopt;
    return amount->number * unit.factor;
  }
  return std::nullopt;
}

}  // namespace

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto value = parse_amount(text, duration_units, max_milliseconds);
  if (!value) {
    return fail(ErrorKind::invalid, fmt::format("`{}` is no duration; write `250ms`, `30s`, `5m`, `1h` or `90d` (at most ten years)", text));
  }
  return std::chrono::milliseconds(static_cast<std::int64_t>(*value));
}

Result<std::size_t> parse_size(std::string_view text) {
  const auto value = parse_amount(text, size_units, max_size);
  if (!value) return fail(ErrorKind::invalid, fmt::format("`{}` is no size; write `512B`, `64KiB`, `4MiB` or `1GiB`", text));
  return static_cast<std::size_t>(*value);
}

}  // namespace callgate::config
