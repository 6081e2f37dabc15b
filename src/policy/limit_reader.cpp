#include "policy/limit_reader.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/sha256.hpp"
#include "base/suggest.hpp"
#include "policy/values.hpp"
#include "policy/vocabulary.hpp"

namespace callgate::policy {
namespace {

// Exact windows keep a mark for each call: these bounds keep one counter in memory.
constexpr std::uint64_t most_calls = 1'000'000'000;
constexpr std::chrono::seconds longest_window = std::chrono::days(366);

constexpr std::array<std::string_view, 3> per_words = {"session", "grant", "server"};
constexpr std::array<std::string_view, 2> later_per_words = {"principal", "tool"};

std::optional<Per> read_one_per(const yaml::Node& node, Report& report) {
  if (!node.is_scalar() || node.text.empty()) {
    report.fault(node.mark, fmt::format("`per` is {}: write `session`, `grant` or `server`, or a list of them", yaml::describe(node)));
    return std::nullopt;
  }
  const auto found = std::ranges::find(per_words, node.text);
  if (found != per_words.end()) return static_cast<Per>(found - per_words.begin());
  const bool later = std::ranges::find(later_per_words, node.text) != later_per_words.end();
  const std::string nearest = later ? std::string() : did_you_mean(node.text, per_words);
  if (!nearest.empty()) {
    report.fault(node.mark, fmt::format("`per` is {}{}", yaml::ticked(node.text), nearest));
  } else {
    // Any other text is an expression of the language.
    report.fault(node.mark, fmt::format("`per` is {}, which is not supported yet by this version: write `session`, `grant` or `server`",
                                        yaml::ticked(node.text)),
                 ErrorKind::unsupported);
  }
  return std::nullopt;
}

std::optional<std::vector<Per>> read_per(const yaml::Member& member, Report& report) {
  const yaml::Node& node = member.value;
  std::vector<Per> keys;
  if (!node.is_sequence()) {
    const std::optional<Per> per = read_one_per(node, report);
    if (!per) return std::nullopt;
    return std::vector<Per>{*per};
  }
  if (node.items.empty()) report.fault(node.mark, "`per` is an empty list: write `session`, `grant` or `server`");
  for (const yaml::Node& item : node.items) {
    const std::optional<Per> per = read_one_per(item, report);
    if (!per) continue;
    if (std::ranges::find(keys, *per) != keys.end()) {
      report.fault(item.mark, fmt::format("{} stands twice in `per`: keep one", yaml::ticked(item.text)));
    } else {
      keys.push_back(*per);
    }
  }
  if (keys.size() != node.items.size() || keys.empty()) return std::nullopt;
  std::ranges::sort(keys);
  return keys;
}

const yaml::Member* needed(const yaml::Node& limit, std::string_view key, std::string_view example, Report& report) {
  const yaml::Member* member = limit.find(key);
  if (member == nullptr) report.fault(limit.mark, fmt::format("`rate_limit` has no `{}`: write for example `{}`", key, example));
  return member;
}

/// Journals cut long texts, and then nobody could count such a limit again.
constexpr std::size_t longest_pointer = 512;
/// All limits of a call go into one record.
constexpr std::size_t most_limits = 64;

std::string limit_id(const RateLimit& limit, std::string_view rule_pointer) {
  std::string per;
  for (const Per each : limit.per) per += fmt::format("{}{}", per.empty() ? "" : "+", word(each));
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit.window);
  const std::string rule = rule_pointer.size() <= longest_pointer ? std::string(rule_pointer) : "sha256:" + sha256_hex(rule_pointer);
  return fmt::format("{} max={} window={}s per={}", rule, limit.max, seconds.count(), per);
}

std::optional<RateLimit> read_limit(const yaml::Node& node, std::string_view rule_pointer, Report& report) {
  if (!is_mapping(node, "rate_limit", "write for example `{max: 10, window: 60s}`", report)) return std::nullopt;
  check_keys(node, Place::rate_limit, report);
  // That says it all of a sum, whose `max` is an amount.
  const bool sum = node.find("sum") != nullptr;
  const yaml::Member* max = sum ? nullptr : needed(node, "max", "max: 10", report);
  const yaml::Member* window = needed(node, "window", "window: 60s", report);
  const yaml::Member* per = node.find("per");

  const auto calls = max != nullptr ? read_count(*max, most_calls, report) : std::nullopt;
  const auto length = window != nullptr ? read_duration(*window, longest_window, report) : std::nullopt;
  auto keys = per != nullptr ? read_per(*per, report) : std::vector<Per>{Per::session};
  if (!calls || !length || !keys) return std::nullopt;
  RateLimit limit{.max = *calls, .window = *length, .per = std::move(*keys)};
  limit.id = limit_id(limit, rule_pointer);
  return limit;
}

}  // namespace

std::vector<RateLimit> read_limits(const yaml::Member& member, std::string_view rule_pointer, Report& report) {
  std::vector<RateLimit> limits;
  const yaml::Node& node = member.value;
  if (!node.is_sequence()) {
    if (auto limit = read_limit(node, rule_pointer, report)) {
      limit->pointer = fmt::format("{}/rate_limit", rule_pointer);
      limits.push_back(std::move(*limit));
    }
    return limits;
  }
  if (node.items.empty()) report.fault(node.mark, "`rate_limit` is an empty list: write a limit or leave it out");
  if (node.items.size() > most_limits) {
    report.fault(node.mark, fmt::format("`rate_limit` has {} limits: at most {} fit one rule", node.items.size(), most_limits));
    return limits;
  }
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    auto limit = read_limit(node.items[i], rule_pointer, report);
    if (!limit) continue;
    // Two of one id would count every call twice.
    if (std::ranges::find(limits, limit->id, &RateLimit::id) != limits.end()) {
      report.fault(node.items[i].mark, "this limit stands twice in the list: keep one");
      continue;
    }
    limit->pointer = fmt::format("{}/rate_limit/{}", rule_pointer, i);
    limits.push_back(std::move(*limit));
  }
  return limits;
}

}  // namespace callgate::policy
