#include "generate/policy_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "generate/trial.hpp"
#include "generate/yaml_writer.hpp"

namespace callgate::generate {
namespace {

bool is_of(std::string_view text, std::string_view also) {
  return std::ranges::all_of(text, [also](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || also.contains(c); });
}

/// Whether CEL takes it as a name: a keyword is none.
bool is_identifier(std::string_view name) {
  constexpr std::array<std::string_view, 4> keywords{"true", "false", "null", "in"};
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && is_of(name, "_") && std::ranges::find(keywords, name) == keywords.end();
}

std::string condition(const Case& each) {
  std::string values;
  for (const std::string& value : each.values) values += (values.empty() ? "" : ", ") + json::quoted(value);
  const bool identifier = is_identifier(each.argument);
  const std::string place = identifier ? "args." + each.argument : each.optional ? "args.`" + each.argument + "`" : "args[" + json::quoted(each.argument) + "]";
  const std::string asks = each.values.size() == 1 ? place + " == " + values : fmt::format("{} in [{}]", place, values);
  if (!each.optional) return asks;
  return each.missing ? fmt::format("!has({}) || {}", place, asks) : fmt::format("has({}) && {}", place, asks);
}

void append_arguments(std::string& out, const Rule& rule) {
  out += "    arguments:\n";
  if (!rule.clauses.empty() || !rule.other_arguments.empty()) out += "      properties:\n";
  for (const Clause& clause : rule.clauses) {
    if (!clause.comment.empty()) out += fmt::format("        # {}\n", clause.comment);
    out += fmt::format("        {}: {}\n", yaml_string(clause.argument), yaml_flow(clause.schema));
  }
  if (rule.closed) {
    for (const std::string& other : rule.other_arguments) out += fmt::format("        {}: true\n", yaml_string(other));
  }
  std::string required;
  for (const Clause& clause : rule.clauses) {
    if (clause.required) required += (required.empty() ? "" : ", ") + yaml_string(clause.argument);
  }
  if (!required.empty()) out += fmt::format("      required: [{}]\n", required);
  if (rule.closed) out += "      additionalProperties: false\n";
}

bool fits_one_line(const Rule& rule) { return rule.reason.empty() && !rule.limit && rule.clauses.empty() && !rule.closed && rule.cases.empty(); }

}  // namespace

bool can_be_asked_for(std::string_view argument) { return is_identifier(argument) || (!argument.empty() && is_of(argument, "_-./ ")); }

std::string window_text(std::chrono::seconds window) {
  const auto seconds = window.count();
  if (seconds % 86'400 == 0) return fmt::format("{}d", seconds / 86'400);
  return seconds % 3600 == 0 ? fmt::format("{}h", seconds / 3600) : fmt::format("{}s", seconds);
}

std::string rule_text(const Rule& rule) {
  std::string out;
  const auto line = std::back_inserter(out);
  for (const std::string& note : rule.notes) fmt::format_to(line, "  # {}\n", note);
  const std::string_view action = policy::word(rule.action);
  if (fits_one_line(rule)) {
    fmt::format_to(line, "  {}: {{action: {}}}\n", yaml_string(rule.tool), action);
    return out;
  }
  fmt::format_to(line, "  {}:\n    action: {}\n", yaml_string(rule.tool), action);
  if (!rule.reason.empty()) fmt::format_to(line, "    reason: {}\n", yaml_string(rule.reason));
  if (rule.limit) fmt::format_to(line, "    rate_limit: {{max: {}, window: {}}}  # {}\n", rule.limit->max, window_text(rule.limit->window), rule.limit->why);
  if (!rule.clauses.empty() || rule.closed) append_arguments(out, rule);
  if (!rule.cases.empty()) out += "    cases:\n";
  for (const Case& each : rule.cases) {
    fmt::format_to(line, "      - when: {}\n        action: {}\n", yaml_string(condition(each)), policy::word(each.action));
    if (!each.reason.empty()) fmt::format_to(line, "        reason: {}\n", yaml_string(each.reason));
    if (each.limit) fmt::format_to(line, "        rate_limit: {{max: {}, window: {}}}  # {}\n", each.limit->max, window_text(each.limit->window), each.limit->why);
  }
  return out;
}

std::string tests_text(const Rule& rule) {
  std::string out;
  for (const Expected& test : rule.tests) {
    fmt::format_to(std::back_inserter(out), "  - {{call: {{tool: {}, arguments: {}}}, verdict: {}{}}}\n", yaml_string(rule.tool), yaml_flow(test.arguments),
                   policy::word(test.verdict), test.rule.empty() ? "" : ", rule: " + yaml_string(test.rule));
  }
  return out;
}

std::string policy_text(std::span<const Rule> rules, std::string_view heading) {
  std::string out;
  while (!heading.empty()) {
    const std::size_t end = heading.find('\n');
    out += fmt::format("# {}\n", heading.substr(0, end));
    heading.remove_prefix(end == std::string_view::npos ? heading.size() : end + 1);
  }
  out += "callgate: 1\ndefault: deny   # whatever no rule names\n";
  std::string tests;
  if (!rules.empty()) out += "\ntools:\n";
  for (const Rule& rule : rules) {
    out += rule_text(rule);
    tests += tests_text(rule);
  }
  if (!tests.empty()) out += "\nexpect:\n" + tests;
  return out;
}

}  // namespace callgate::generate
