#include "policy/rule_reader.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/json_pointer.hpp"
#include "base/suggest.hpp"
#include "policy/argument_schema.hpp"
#include "policy/case_reader.hpp"
#include "policy/limit_reader.hpp"
#include "policy/resource_uri.hpp"
#include "policy/sentence.hpp"
#include "policy/values.hpp"
#include "policy/vocabulary.hpp"

namespace callgate::policy {
namespace {

constexpr std::array<std::string_view, 4> action_words = {"allow", "deny", "hide", "require_approval"};

Place place(Part part) {
  if (part == Part::tools || part == Part::classes) return Place::tool_rule;
  return part == Part::prompts ? Place::prompt_rule : Place::resource_rule;
}

/// Keys that no name can ever equal.
void check_key(const yaml::Member& member, Part part, Report& report) {
  const std::string& key = member.key;
  if (key.empty()) return report.fault(member.key_mark, fmt::format("an empty key under `{}`: write a name", word(part)));
  if (part == Part::classes && std::ranges::find(class_keys(), key) == class_keys().end()) {
    const std::string nearest = did_you_mean(key, class_keys());
    return report.fault(member.key_mark, fmt::format("{} is no class{}", yaml::ticked(key),
                                                     !nearest.empty() ? nearest
                                                                      : ": write `Read`, `Write`, `Execute`, `Destructive` or `Financial`, or "
                                                                        "`risk>=` with `Low`, `Medium`, `High` or `Critical`"));
  }
  if (part == Part::tools) {
    const std::size_t least = static_cast<std::size_t>(std::ranges::count_if(key, [](char c) { return c != '*'; }));
    if (least > longest_tool_name) {
      report.warn(member.key_mark, fmt::format("{} can never decide: names of tools have at most {} bytes", yaml::ticked(key),
                                               longest_tool_name));
    }
  }
  if (part != Part::resources) return;
  const std::optional<std::string> normal = normal_uri_key(key);
  if (!normal) {
    report.fault(member.key_mark, fmt::format("{} can never match: write the address plainly, without escapes, `..`, `.`, `\\`, "
                                              "user info and blanks around it",
                                              yaml::ticked(key)));
  } else if (*normal != key) {
    report.fault(member.key_mark, fmt::format("{} can never match, addresses are compared in their plain form: write {}",
                                              yaml::ticked(key), yaml::ticked(*normal)));
  }
}

void read_rule_mode(const yaml::Member& member, Report& report) {
  static constexpr std::array<std::string_view, 1> words = {"enforce"};
  if (member.value.is_scalar() && member.value.text == "shadow") {
    return report.fault(member.value.mark, not_supported("mode: shadow"), ErrorKind::unsupported);
  }
  read_word(member, words, report);
}

Verdict read_action(const yaml::Member& rule, Report& report) {
  const yaml::Member* action = rule.value.find("action");
  if (action == nullptr) {
    report.fault(rule.key_mark, fmt::format("{} has no `action`: write `allow`, `deny`, `hide` or `require_approval`",
                                            yaml::ticked(rule.key)));
    return Verdict::deny;
  }
  const auto read = read_word(*action, action_words, report);
  return read ? verdict_of(*read).value_or(Verdict::deny) : Verdict::deny;
}

/// Settings that nothing of this rule ever looks at.
void warn_without_effect(const yaml::Member& member, const Rule& rule, Report& report) {
  static constexpr std::array<std::string_view, 5> guards = {"rate_limit", "arguments", "validate", "approval", "cases"};
  const auto asks = [](const Case& each) { return each.action == Verdict::require_approval; };
  for (const std::string_view key : guards) {
    const yaml::Member* setting = member.value.find(key);
    if (setting == nullptr) continue;
    const bool refuses = rule.hides() || (rule.action == Verdict::deny && member.value.find("cases") == nullptr);
    const bool may_ask = rule.action == Verdict::require_approval || std::ranges::any_of(rule.cases, asks);
    if (!refuses && (key != "approval" || may_ask)) continue;
    report.warn(setting->key_mark, fmt::format("`{}` has no effect: the action of {} is `{}`", key, yaml::ticked(rule.key),
                                               word(rule.action)));
  }
}

/// Everything of the compiled rule that an approval was given for.
std::string digest_text(const Rule& rule, std::string_view arguments) {
  std::string text = fmt::format("rule={}\naction={}\nvalidate={}\narguments={}\ntimeout={}\nreason={}\n", rule.pointer,
                                 word(rule.action), rule.checks_own_schema, arguments, rule.approval ? rule.approval->timeout.count() : 0,
                                 rule.has_author_reason ? rule.reason : "");
  if (rule.approval && rule.approval->self) text += "self=true\n";
  std::vector<std::string_view> limits;
  for (const RateLimit& limit : rule.limits) limits.push_back(limit.id);
  std::ranges::sort(limits);
  for (const std::string_view limit : limits) text += fmt::format("limit={}\n", limit);
  return text + cases_text(rule.cases);
}

void read_parts(const yaml::Node& node, Part part, Rule& rule, std::string& arguments, Report& report) {
  if (const yaml::Member* member = node.find("reason")) {
    if (auto reason = read_sentence(*member, report)) {
      rule.reason = std::move(*reason);
      rule.has_author_reason = true;
    }
  }
  if (const yaml::Member* member = node.find("mode")) read_rule_mode(*member, report);
  if (const yaml::Member* member = node.find("rate_limit")) rule.limits = read_limits(*member, rule.pointer, report);
  if (const yaml::Member* member = node.find("approval")) rule.approval = read_approval(*member, report);
  if (const yaml::Member* member = node.find("validate"); member != nullptr && place(part) == Place::tool_rule) {
    rule.checks_own_schema = read_boolean(*member, report).value_or(true);
  }
  if (const yaml::Member* member = node.find("arguments"); member != nullptr && part != Part::resources) {
    if (auto read = read_argument_schema(*member, report)) {
      rule.arguments = std::move(read->schema);
      rule.named_keys.add(read->words.names, read->words.names_by_pattern);
      rule.names_pointer = rule.arguments_pointer;
      arguments = std::move(read->canonical);
    }
  }
}

/// Cases know the limits and the approval of their rule, so these come first.
void read_rule_cases(const yaml::Node& node, Part part, Rule& rule, Report& report) {
  const yaml::Member* member = node.find("cases");
  if (member == nullptr || place(part) != Place::tool_rule) return;
  rule.cases = read_cases(*member, rule, CasesOf::rule, report);
  name_case_keys(rule);
}

/// What is left to do once all parts are there.
void complete(Rule& rule, Part part, std::string_view arguments) {
  if (!rule.has_author_reason) rule.reason = action_sentence(rule.action, thing(part));
  if (rule.action == Verdict::require_approval && !rule.approval) rule.approval.emplace();
  const std::string digest = digest_text(rule, arguments);
  for (std::size_t i = 0; i < rule.cases.size(); ++i) {
    if (rule.cases[i].approval) rule.cases[i].approval->rule_digest = fmt::format("{}case={}\n", digest, i);
  }
  if (rule.action != Verdict::require_approval) {
    rule.approval.reset();
  } else {
    rule.approval->rule_digest = digest;
  }
}

}  // namespace

std::string_view word(Part part) {
  if (part == Part::tools) return "tools";
  if (part == Part::classes) return "classes";
  return part == Part::prompts ? "prompts" : "resources";
}

std::string_view thing(Part part) {
  if (part == Part::classes) return "tool";
  const std::string_view plural = word(part);
  return plural.substr(0, plural.size() - 1);
}

void name_case_keys(Rule& rule) {
  for (const Case& each : rule.cases) {
    const cel::NamesRead read = each.when.names_read();
    if (read.names.empty() && !read.any) continue;
    rule.named_keys.add(read.names, read.any);
    if (rule.names_pointer.empty()) rule.names_pointer = each.pointer;
  }
}

std::optional<Rule> read_rule(const yaml::Member& member, Part part, const Rule* everywhere, Report& report) {
  check_key(member, part, report);
  if (!is_mapping(member.value, member.key, "write a rule, such as `{action: allow}`", report)) return std::nullopt;
  check_keys(member.value, place(part), report);

  Rule rule;
  rule.key = member.key;
  rule.pointer = fmt::format("/{}/{}", word(part), json::pointer_token(member.key));
  rule.arguments_pointer = rule.pointer + "/arguments";
  rule.mark = member.key_mark;
  rule.action = read_action(member, report);
  std::string arguments;
  read_parts(member.value, part, rule, arguments, report);
  for (const RateLimit& limit : rule.limits) rule.limit_list.push_back(&limit);
  if (everywhere != nullptr) rule.limit_list.insert(rule.limit_list.end(), everywhere->limit_list.begin(), everywhere->limit_list.end());
  read_rule_cases(member.value, part, rule, report);
  warn_without_effect(member, rule, report);
  complete(rule, part, arguments);
  return rule;
}

}  // namespace callgate::policy
