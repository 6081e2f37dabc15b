#include "policy/explain.hpp"

#include <array>

#include <fmt/format.h>

#include "base/yaml.hpp"
#include "policy/program.hpp"
#include "policy/resource_uri.hpp"

namespace callgate::policy {
namespace {

constexpr std::array<std::string_view, 8> titles = {
    "one well-formed call", "known and not hidden", "denied outright",   "arguments",
    "action of the rule",   "limits",               "approval",          "record and forward",
};

/// The step that a verdict comes from.
int deciding_step(const Decision& decision, bool tied) {
  switch (decision.verdict) {
    case Verdict::unknown_tool:
    case Verdict::hide:
    case Verdict::quarantined: return 2;
    case Verdict::deny: return 3;
    case Verdict::fault: return tied ? 3 : 4;
    case Verdict::invalid_arguments: return 4;
    case Verdict::rate_limited: return 6;
    case Verdict::require_approval: return 7;
    case Verdict::allow: return 8;
  }
  return 3;
}

RuleSet::Choice choose(const Program& program, const Call& call) {
  const RuleSet& rules = rules_for(program, call.action);
  if (call.action == Action::tool_call || call.action == Action::prompt_get) return rules.choose(call.name);
  const auto uri = normal_uri(call.name);
  return uri ? choose_resource(program, *uri) : RuleSet::Choice{};
}

std::string limits_text(const Rule& rule) {
  if (rule.limits.empty()) return "the rule has none";
  std::string text;
  for (const RateLimit& limit : rule.limits) {
    std::string per;
    for (const Per each : limit.per) per += fmt::format("{}{}", per.empty() ? "" : " and ", word(each));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit.window).count();
    text += fmt::format("{}at most {} in any {} s, per {}", text.empty() ? "" : "; ", limit.max, seconds, per);
  }
  return text + "; nothing is counted here";
}

std::string arguments_text(const Rule& rule, const Call& call, const ToolList* tools) {
  if (call.action == Action::resource_read) return "a resource takes none";
  std::string own;
  if (call.action == Action::tool_call) {
    own = tools == nullptr ? "the tool's own schema is not looked at without a list of tools; " : "they fit the tool's own schema; ";
    if (!rule.checks_own_schema) own = "`validate: false`: the tool's own schema is not looked at; ";
  }
  return own + (rule.arguments == nullptr ? "the rule asks nothing of them" : fmt::format("they fit `{}`", rule.arguments_pointer));
}

std::string known_text(const Rule& rule, const Call& call, const ToolList* tools) {
  const std::string by = fmt::format("rule `{}` speaks of it", rule.pointer);
  if (call.action != Action::tool_call) return by;
  return (tools == nullptr ? "taken as known, no list of tools was given; " : "it is in the list of tools; ") + by;
}

/// What a step that lets the call go on found.
std::string passed(int step, const Rule& rule, const Call& call, const ToolList* tools) {
  switch (step) {
    case 1: return "yes";
    case 2: return known_text(rule, call, tools);
    case 3: return "no";
    case 4: return arguments_text(rule, call, tools);
    case 5: return fmt::format("`{}`", word(rule.action));
    case 6: return limits_text(rule);
    case 7: return "none is asked";
    default: return "the limits are taken, the record is written, the call goes to the server";
  }
}

}  // namespace

Explanation explain(const Policy& policy, const Call& call, const ToolList* tools) {
  const RuleSet::Choice choice = choose(policy.program(), call);
  const Rule& rule = choice.rule != nullptr ? *choice.rule : policy.program().default_rule;
  Explanation told{.decision = judge_fresh(policy, call, tools), .deciding_rule = rule.pointer,
                   .line = static_cast<int>(rule.mark.line)};
  const int decides = deciding_step(told.decision, choice.tie != nullptr);
  for (int number = 1; number <= 8; ++number) {
    Step step{.number = number, .title = std::string(titles[static_cast<std::size_t>(number - 1)])};
    step.decides = number == decides;
    if (number > decides) {
      step.found = "not reached";
    } else if (step.decides && told.decision.verdict != Verdict::allow) {
      step.found = told.decision.reason;
    } else {
      step.found = passed(number, rule, call, tools);
    }
    told.steps.push_back(std::move(step));
  }
  return told;
}

}  // namespace callgate::policy
