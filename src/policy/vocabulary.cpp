#include "policy/vocabulary.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include <fmt/format.h>

#include "base/suggest.hpp"

namespace callgate::policy {
namespace {

using Words = std::span<const std::string_view>;

constexpr std::array<std::string_view, 12> file_keys = {"callgate", "default",  "mode",        "tools", "classes", "everywhere", "resources",
                                                        "prompts",  "sampling", "elicitation", "roots", "expect"};
constexpr std::array<std::string_view, 8> tool_keys = {"action",   "reason",   "rate_limit", "arguments",
                                                       "validate", "approval", "mode",       "cases"};
constexpr std::array<std::string_view, 6> prompt_keys = {"action", "reason", "rate_limit", "arguments", "approval", "mode"};
constexpr std::array<std::string_view, 5> resource_keys = {"action", "reason", "rate_limit", "approval", "mode"};
constexpr std::array<std::string_view, 5> case_keys = {"when", "action", "reason", "rate_limit", "approval"};
constexpr std::array<std::string_view, 2> everywhere_keys = {"cases", "rate_limit"};
constexpr std::array<std::string_view, 3> limit_keys = {"max", "window", "per"};
constexpr std::array<std::string_view, 2> approval_keys = {"timeout", "self"};
constexpr std::array<std::string_view, 3> expectation_keys = {"call", "verdict", "rule"};
constexpr std::array<std::string_view, 4> call_keys = {"tool", "resource", "prompt", "arguments"};

/// Keys of the language that this version refuses, wherever they stand.
constexpr std::array<std::string_view, 10> later_keys = {"cases",     "sum",    "redact", "result", "repeat", "on_limit",
                                                         "approvers", "quorum", "edit",   "remember"};

struct Row {
  Place place;
  Words keys;
  std::string_view name;
};

const std::array<Row, 10>& rows() {
  static constexpr std::array<Row, 10> table = {{
      {Place::file, file_keys, "at the top of the file"},
      {Place::tool_rule, tool_keys, "in a rule"},
      {Place::prompt_rule, prompt_keys, "in a rule for a prompt"},
      {Place::resource_rule, resource_keys, "in a rule for a resource"},
      {Place::rule_case, case_keys, "in a case"},
      {Place::everywhere, everywhere_keys, "in `everywhere`"},
      {Place::rate_limit, limit_keys, "in `rate_limit`"},
      {Place::approval, approval_keys, "in `approval`"},
      {Place::expectation, expectation_keys, "in `expect`"},
      {Place::call, call_keys, "in `call`"},
  }};
  return table;
}

bool holds(Words words, std::string_view word) { return std::ranges::find(words, word) != words.end(); }

std::string listed(Words words) {
  std::string out;
  for (const std::string_view word : words) out += fmt::format("{}`{}`", out.empty() ? "" : ", ", word);
  return out;
}

/// Why this key does not stand here, and what does.
std::string unknown_key(std::string_view key, const Row& here) {
  for (const Row& row : rows()) {
    if (row.place != here.place && holds(row.keys, key)) {
      return fmt::format("`{}` does not stand {}, only {}", key, here.name, row.name);
    }
  }
  const std::string nearest = did_you_mean(key, here.keys);
  if (!nearest.empty()) return fmt::format("unknown key {}{}", yaml::ticked(key), nearest);
  return fmt::format("unknown key {}; {} there may be {}", yaml::ticked(key), here.name, listed(here.keys));
}

}  // namespace

std::string not_supported(std::string_view what) {
  return fmt::format("{} is not supported yet by this version: remove it", yaml::ticked(what));
}

void check_keys(const yaml::Node& mapping, Place place, Report& report) {
  const Row& here = *std::ranges::find(rows(), place, &Row::place);
  for (const yaml::Member& member : mapping.members) {
    if (holds(here.keys, member.key)) continue;
    if (holds(later_keys, member.key)) {
      report.fault(member.key_mark, not_supported(member.key), ErrorKind::unsupported);
    } else {
      report.fault(member.key_mark, unknown_key(member.key, here));
    }
  }
}

}  // namespace callgate::policy
