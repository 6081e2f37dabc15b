#include "generate/wish_standing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "generate/policy_patch.hpp"
#include "generate/policy_text.hpp"
#include "generate/rule_body.hpp"
#include "generate/trial.hpp"
#include "generate/yaml_writer.hpp"
#include "policy/program.hpp"

namespace callgate::generate {
namespace {

using policy::Verdict;

std::string shown(std::string_view json) { return comment_line(yaml_flow(json), 200); }

policy::Deciding deciding(const Standing& standing, const std::string& tool) {
  const policy::KnownTool* known = standing.tools.find(tool);
  return policy::deciding_rules(standing.loaded.policy->program(), tool, known == nullptr ? policy::ToolClass{} : known->is);
}

Verdict most_of(const policy::Rule& rule) {
  Verdict most = rule.action;
  if (rule.hides()) return most;
  for (const policy::Case& each : rule.cases) most = std::max(most, each.action);
  return most;
}

/// Says no more than what happens, and why.
bool is_bare(const RuleBody& body) {
  return std::ranges::all_of(body, [](const auto& each) { return each.first == "action" || each.first == "reason"; });
}

/// The rule of one tool: what it was, and what becomes of it.
class Change {
 public:
  Change(const Standing& standing, const yaml::Node& file, const Rule& rule, bool acts, Wished& wished) : rule_(rule), acts_(acts), wished_(wished) {
    const policy::Deciding by = deciding(standing, rule.tool);
    take(file, *by.first);
    if (by.second != nullptr) take_second(file, *by.first, *by.second);
  }

  /// Nothing where the rule says the same as before.
  std::optional<RuleBody> run() {
    body_ = before_;
    if (acts_ && rule_.action <= Verdict::deny) {
      refuse();
    } else {
      if (acts_) act();
      limit();
      bound();
    }
    if (body_ == before_) return std::nullopt;
    tell_counters();
    return body_;
  }

 private:
  void take(const yaml::Node& file, const policy::Rule& rule) {
    action_ = rule.action;
    pointer_ = rule.pointer;
    if (rule.pointer.starts_with("/tools/") || rule.pointer.starts_with("/classes/")) before_ = rule_body(yaml::at_pointer(file, rule.pointer));
    set_member(before_, "action", json::quoted(policy::word(action_)));
  }

  /// Of a category and a risk the stricter one stands; two that say more than an action make no single rule.
  void take_second(const yaml::Node& file, const policy::Rule& first, const policy::Rule& second) {
    const RuleBody other = rule_body(yaml::at_pointer(file, second.pointer));
    const bool first_says_more = !is_bare(before_);
    const bool second_says_more = !is_bare(other);
    const policy::Rule& says_more = first_says_more ? first : second;
    // What the other one does not let pass must not pass by a case, or by a check that is switched off, of this one.
    const Verdict stricter = std::min(first.action, second.action);
    const bool lets_more_pass = !says_more.checks_own_schema || std::ranges::any_of(says_more.cases, [stricter](const policy::Case& each) { return each.action > stricter; });
    if ((first_says_more && second_says_more) || (first_says_more != second_says_more && lets_more_pass)) {
      wished_.faults.push_back(fmt::format("`{}` is judged by `{}` and `{}` at once, which make no single rule: write its rule under `tools` yourself, then wish again", comment_line(rule_.tool), pointer_, second.pointer));
      return;
    }
    if (second_says_more) before_ = other;
    if (second.action < action_) {
      action_ = second.action;
      pointer_ = second.pointer;
    }
    set_member(before_, "action", json::quoted(policy::word(action_)));
  }

  void say(const std::string& what) { wished_.dropped.push_back(fmt::format("{}: {}", comment_line(rule_.tool), what)); }

  void refuse() {
    for (const auto& [key, value] : before_) {
      if (key != "action" && key != "reason") say(fmt::format("`{}` of `{}` is dropped with it: {}", key, pointer_, shown(value)));
    }
    if (action_ == rule_.action && is_bare(before_)) return;
    body_ = {{"action", json::quoted(policy::word(rule_.action))}};
  }

  void act() {
    // What no rule names is new, and no part of the policy goes with it.
    if (rule_.action > action_ && pointer_ != "/default") say(fmt::format("loosened: `{}` of `{}` becomes `{}`", policy::word(action_), pointer_, policy::word(rule_.action)));
    if (rule_.action == action_) return drop_milder_cases();
    set_member(body_, "action", json::quoted(policy::word(rule_.action)));
    take_out(body_, "reason");  // it says why the other action stands
    if (const std::string* approval = part_of(body_, "approval"); approval != nullptr && rule_.action != Verdict::require_approval) {
      say(fmt::format("`approval` of `{}` is dropped, nobody is asked: {}", pointer_, shown(*approval)));
      take_out(body_, "approval");
    }
    drop_milder_cases();
  }

  /// Who wishes to be asked is asked always: a case that lets calls through unasked would undo that.
  void drop_milder_cases() {
    const std::string* cases = part_of(body_, "cases");
    if (cases == nullptr || rule_.action != Verdict::require_approval) return;
    const auto document = json::OwnedDocument::parse(*cases);
    if (!document || !(*document)->root().is_array()) return;
    std::string kept;
    for (const json::Value each : (*document)->root().elements()) {
      const auto action = each.find("action");
      if (action && action->equals("allow")) {
        say(fmt::format("a case of `{}` that lets calls through unasked is dropped: {}", pointer_, shown(each.text())));
      } else {
        kept += (kept.empty() ? "" : ",") + std::string(each.text());
      }
    }
    if (kept.empty()) take_out(body_, "cases");
    else set_member(body_, "cases", "[" + kept + "]");
  }

  void limit() {
    if (!rule_.limit) return;
    const std::string limit = fmt::format(R"({{"max":{},"window":"{}"}})", rule_.limit->max, window_text(rule_.limit->window));
    if (const std::string* old = part_of(body_, "rate_limit")) {
      if (*old == limit) return;
      say(fmt::format("`rate_limit` of `{}` is replaced: {} becomes {}", pointer_, shown(*old), shown(limit)));
    }
    set_member(body_, "rate_limit", limit);
  }

  /// Puts the wished conditions in the place of what the rule asked of the same arguments.
  void bound() {
    if (rule_.clauses.empty()) return;
    const std::string* old = part_of(body_, "arguments");
    const auto document = json::OwnedDocument::parse(old == nullptr ? "{}" : *old);
    const json::Value schema = (*document)->root();
    const auto old_properties = schema.find("properties");
    Arguments properties = members_of(old_properties ? *old_properties : json::Value());
    for (const Clause& clause : rule_.clauses) {
      const auto was = std::ranges::find(properties, clause.argument, &Arguments::value_type::first);
      if (was != properties.end() && was->second != clause.schema) say(fmt::format("what `{}` asks of `{}` is replaced: {} becomes {}", pointer_, comment_line(clause.argument), shown(was->second), shown(clause.schema)));
      set_member(properties, clause.argument, clause.schema);
    }
    Arguments whole = members_of(schema);
    set_member(whole, "properties", json_of(properties));
    set_member(whole, "required", required(schema));
    set_member(body_, "arguments", json_of(whole));
  }

  static Arguments members_of(json::Value object) {
    Arguments members;
    if (!object || !object.is_object()) return members;
    for (const json::Member each : object.members()) members.emplace_back(each.key.string(), std::string(each.value.text()));
    return members;
  }

  std::string required(json::Value schema) const {
    std::vector<std::string> names;
    if (const auto old = schema.find("required"); old && old->is_array()) {
      for (const json::Value each : old->elements()) names.emplace_back(each.text());
    }
    for (const Clause& clause : rule_.clauses) {
      if (std::ranges::find(names, json::quoted(clause.argument)) == names.end()) names.push_back(json::quoted(clause.argument));
    }
    std::string text;
    for (const std::string& each : names) text += (text.empty() ? "" : ",") + each;
    return "[" + text + "]";
  }

  /// Limits of a key count what all of its tools do, and a key of its own counts anew.
  void tell_counters() {
    if (pointer_ == "/tools/" + rule_.tool || part_of(body_, "rate_limit") == nullptr || part_of(before_, "rate_limit") == nullptr || rule_.limit) return;
    say(fmt::format("loosened: the limit of `{}` counted its tools together; `{}` has a rule of its own now and is counted by itself: {}", pointer_, comment_line(rule_.tool), shown(*part_of(before_, "rate_limit"))));
  }

  const Rule& rule_;
  bool acts_;
  Wished& wished_;
  RuleBody before_;
  RuleBody body_;
  Verdict action_ = Verdict::deny;
  std::string pointer_;
};

std::string shown_call(const policy::Call& call) {
  const std::string_view thing = call.action == policy::Action::tool_call ? "" : call.action == policy::Action::prompt_get ? "prompt " : "resource ";
  return fmt::format("{}{}", thing, comment_line(call.name));
}

/// Which tests of the policy in force still hold.
std::vector<bool> holding(const Standing& standing, const policy::Policy& now, Wished& wished) {
  std::vector<bool> keeps;
  for (const policy::Expectation& each : standing.loaded.expectations) {
    const policy::Outcome outcome = policy::run(now, each, &standing.tools);
    // One that did not hold before is the policy's own affair.
    const bool held = policy::run(*standing.loaded.policy, each, &standing.tools).held;
    keeps.push_back(outcome.held || !held);
    if (!keeps.back()) wished.dropped.push_back(fmt::format("{}: the test at {} holds no more and is taken out: `{}` is `{}` now", shown_call(each.call), each.where, policy::word(each.verdict), policy::word(outcome.decision.verdict)));
  }
  return keeps;
}

/// The tests of a rule that hold beside what stays of the rule before.
std::string holding_tests(Rule& rule, const policy::Policy& now, const policy::ToolList& tools, std::vector<std::string>& notes) {
  const auto verdict = [&](const Expected& test) {
    const auto call = policy::parse_call(fmt::format(R"({{"tool":{},"arguments":{}}})", json::quoted(rule.tool), test.arguments));
    return call ? policy::judge_fresh(now, *call, &tools) : policy::Decision{};
  };
  std::erase_if(rule.tests, [&](Expected& test) {
    const policy::Decision decision = verdict(test);
    if (decision.rule != test.rule) test.rule.clear();
    if (decision.verdict < test.verdict && test.verdict == rule.action)
      notes.push_back(fmt::format("{}: what stays of the policy in force decides otherwise than is wished: with {} it is `{}`, by `{}`", comment_line(rule.tool), shown(test.arguments), policy::word(decision.verdict), decision.rule));
    return decision.verdict != test.verdict;
  });
  return tests_text(rule);
}

}  // namespace

policy::Verdict standing_action(const Standing& standing, const std::string& tool) {
  const policy::Deciding by = deciding(standing, tool);
  const Verdict first = most_of(*by.first);
  return by.second == nullptr ? first : std::min(first, most_of(*by.second));
}

void lay_over(Wished& wished, const Standing& standing, std::string_view heading, const std::set<std::string>& only_limited) {
  const yaml::Parsed file = yaml::parse(standing.text, "policy");
  if (!file.root || !file.faults.empty() || standing.loaded.policy == nullptr) {
    wished.faults.emplace_back("the policy in force has faults of its own: mend it first, see `callgate policy check`");
    return;
  }
  PolicyPatch::Bodies bodies;
  for (const Rule& rule : wished.policy.rules) {
    if (auto body = Change(standing, *file.root, rule, !only_limited.contains(rule.tool), wished).run()) bodies.emplace_back(rule.tool, std::move(*body));
  }
  if (!wished.faults.empty()) return;
  if (bodies.empty()) {
    wished.policy.text = standing.text;
    wished.notes.emplace_back("the policy in force does already what is wished");
    return;
  }
  bool comments_kept = true;
  const PolicyPatch patch(standing.text, *file.root, bodies, heading);
  const std::vector<bool> none(standing.loaded.expectations.size(), false);
  const policy::Loaded bare = policy::load(patch.write(none, {}, comments_kept), "draft", &standing.tools);
  for (const Error& each : bare.faults) wished.faults.push_back(fmt::format("the wish makes no policy of the one in force: {}: {}", each.where, each.message));
  if (!wished.faults.empty()) return;
  const std::vector<bool> keeps = holding(standing, *bare.policy, wished);
  std::string tests;
  for (Rule& rule : wished.policy.rules) {
    const bool changed = std::ranges::find(bodies, rule.tool, [](const auto& each) { return each.first; }) != bodies.end();
    if (changed) tests += holding_tests(rule, *bare.policy, standing.tools, wished.notes);
  }
  wished.policy.text = patch.write(keeps, tests, comments_kept);
  if (!patch.same(wished.policy.text)) wished.faults.emplace_back("the wish cannot be laid over the policy in force: parts of it would not be kept");
  if (!comments_kept) wished.notes.emplace_back("the policy in force is written anew, and its comments are not kept: its rules do not stand on lines of their own");
}

}  // namespace callgate::generate
