#include "policy/values.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "base/suggest.hpp"

namespace callgate::policy {
namespace {

std::string alternatives(std::span<const std::string_view> words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += fmt::format("`{}`", words[i]);
  }
  return out;
}

void wrong(const yaml::Member& member, std::string_view remedy, Report& report) {
  report.fault(member.value.mark, fmt::format("`{}` is {}: {}", member.key, yaml::describe(member.value), remedy));
}

std::optional<std::uint64_t> digits(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Seconds in the unit that ends a duration; nothing for any other character.
std::optional<std::uint64_t> unit_seconds(char unit) {
  switch (unit) {
    case 's': return 1;
    case 'm': return 60;
    case 'h': return 3600;
    case 'd': return 86'400;
    default: return std::nullopt;
  }
}

std::optional<std::uint64_t> duration_seconds(const yaml::Node& node) {
  if (!node.is_scalar() || node.text.empty()) return std::nullopt;
  if (node.type() == yaml::Type::number) return digits(node.text);
  const std::optional<std::uint64_t> unit = unit_seconds(node.text.back());
  const std::optional<std::uint64_t> count = digits(std::string_view(node.text).substr(0, node.text.size() - 1));
  if (!unit || !count || *count > UINT64_MAX / *unit) return std::nullopt;
  return *count * *unit;
}

}  // namespace

std::optional<std::string_view> read_word(const yaml::Member& member, std::span<const std::string_view> words, Report& report) {
  const yaml::Node& node = member.value;
  if (node.is_scalar()) {
    const auto found = std::ranges::find(words, node.text);
    if (found != words.end()) return *found;
    const std::string nearest = did_you_mean(node.text, words);
    if (!nearest.empty()) {
      report.fault(node.mark, fmt::format("`{}` is {}{}", member.key, yaml::ticked(node.text), nearest));
      return std::nullopt;
    }
  }
  wrong(member, fmt::format("write {}", alternatives(words)), report);
  return std::nullopt;
}

std::optional<bool> read_boolean(const yaml::Member& member, Report& report) {
  if (member.value.is_scalar() && member.value.type() == yaml::Type::boolean) return member.value.text == "true";
  wrong(member, "write `true` or `false`, without quotes", report);
  return std::nullopt;
}

std::optional<std::uint64_t> read_count(const yaml::Member& member, std::uint64_t most, Report& report) {
  const yaml::Node& node = member.value;
  if (node.is_scalar() && node.type() == yaml::Type::number) {
    const std::optional<std::uint64_t> value = digits(node.text);
    if (value && *value <= most) return value;
  }
  wrong(member, fmt::format("write a whole number from 0 to {}, without quotes", most), report);
  return std::nullopt;
}

std::optional<std::chrono::seconds> read_duration(const yaml::Member& member, std::chrono::seconds longest, Report& report) {
  const std::optional<std::uint64_t> seconds = duration_seconds(member.value);
  if (!seconds) {
    wrong(member, "write whole seconds, such as `60`, or `30s`, `5m`, `1h`, `1d`", report);
    return std::nullopt;
  }
  if (*seconds == 0 || *seconds > static_cast<std::uint64_t>(longest.count())) {
    wrong(member, fmt::format("write a time from `1s` to `{}d`", longest.count() / 86'400), report);
    return std::nullopt;
  }
  return std::chrono::seconds(static_cast<std::int64_t>(*seconds));
}

std::optional<std::string> read_text(const yaml::Member& member, Report& report) {
  const yaml::Node& node = member.value;
  if (node.is_scalar() && node.type() == yaml::Type::text && !node.text.empty()) return node.text;
  wrong(member, node.is_scalar() && !node.text.empty() ? "write it in quotes if it is meant as text" : "write some text", report);
  return std::nullopt;
}

std::optional<std::string> read_sentence(const yaml::Member& member, Report& report) {
  constexpr std::size_t longest = 1000;
  std::optional<std::string> text = read_text(member, report);
  if (!text) return std::nullopt;
  while (text->ends_with('\n')) text->pop_back();
  const bool one_line = std::ranges::none_of(*text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (text->empty() || !one_line || text->size() > longest) {
    wrong(member, fmt::format("write one sentence on one line, at most {} bytes", longest), report);
    return std::nullopt;
  }
  return text;
}

bool is_mapping(const yaml::Node& node, std::string_view key, std::string_view holds, Report& report) {
  if (node.is_mapping()) return true;
  report.fault(node.mark, fmt::format("`{}` is {}: {}", key, yaml::describe(node), holds));
  return false;
}

}  // namespace callgate::policy
