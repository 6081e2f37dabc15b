#include "policy/explain.hpp"

#include <algorithm>
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

/// The rules that speak of the call, and which of them decided.
struct Told {
  const Rule* first = nullptr;
  const Rule* second = nullptr;
  const Rule* tie = nullptr;
  const Rule* deciding = nullptr;  ///< of the two, or `everywhere`
  const Case* chosen = nullptr;    ///< the case of it that decided
};

bool is_below(std::string_view pointer, const std::string& rule) {
  return pointer == rule || (pointer.starts_with(rule) && pointer.substr(rule.size()).starts_with("/cases/")) ||
         (pointer.starts_with(rule) && (pointer.substr(rule.size()) == "/arguments" || pointer.substr(rule.size()).starts_with("/rate_limit")));
}

/// The step that a verdict comes from.
int deciding_step(const Decision& decision, const Told& told) {
  const bool by_case = told.chosen != nullptr;
  switch (decision.verdict) {
    case Verdict::unknown_tool:
    case Verdict::hide:
    case Verdict::quarantined: return 2;
    case Verdict::deny: return by_case || !told.deciding->cases.empty() ? 5 : 3;
    case Verdict::fault:
      if (told.tie != nullptr) return 3;
      return by_case ? 5 : 4;
    case Verdict::invalid_arguments: return 4;
    case Verdict::rate_limited: return 6;
    case Verdict::require_approval: return 7;
    case Verdict::allow: return 8;
  }
  return 3;
}

Told rules_of(const Program& program, const Call& call, const ToolList* tools) {
  if (call.action == Action::tool_call) {
    const Deciding by = deciding_rules(program, call.name, call.request(tools).tool.is);
    return {.first = by.first, .second = by.second, .tie = by.tie, .deciding = by.first};
  }
  RuleSet::Choice choice;
  if (call.action == Action::prompt_get) {
    choice = program.prompts.choose(call.name);
  } else if (const auto uri = normal_uri(call.name)) {
    choice = choose_resource(program, *uri);
  }
  const Rule* rule = choice.rule != nullptr ? choice.rule : &program.default_rule;
  return {.first = rule, .tie = choice.tie, .deciding = rule};
}

void find_deciding(const Program& program, const std::string& pointer, Told& told) {
  for (const Rule* each : {static_cast<const Rule*>(program.everywhere.get()), told.second, told.first}) {
    if (each != nullptr && is_below(pointer, each->pointer)) told.deciding = each;
  }
  for (const Case& each : told.deciding->cases) {
    const std::string_view rest = std::string_view(pointer).substr(std::min(pointer.size(), each.pointer.size()));
    if (pointer.starts_with(each.pointer) && (rest.empty() || rest.starts_with('/'))) told.chosen = &each;
  }
}

/// Each case up to the one that is true, and why.
void tell_cases(const Rule& rule, CaseInput& input, std::vector<std::string>& details) {
  bool decided = false;
  for (const Case& each : rule.cases) {
    const std::string place = fmt::format("`{}` (line {})", each.pointer, each.mark.line);
    if (!input.concerns(each)) {
      details.push_back(fmt::format("{}: speaks of tools only", place));
      continue;
    }
    if (decided) {
      details.push_back(fmt::format("{}: not reached", place));
      continue;
    }
    const cel::Value holds = input.judge(each);
    decided = holds.is_fault() || holds.truth();
    const std::string_view came = holds.is_fault() ? "fault" : (holds.truth() ? "true" : "false");
    details.push_back(fmt::format("{}: {}: {}{}", place, came, input.why(each),
                                  came == "true" ? fmt::format("; `{}`", word(each.action)) : ""));
  }
}

std::vector<std::string> case_details(const Program& program, const Told& told, const Call& call, const ToolList* tools) {
  std::vector<std::string> details;
  const Request request = call.request(tools);
  const json::Value arguments = request.arguments.value_or(program.no_arguments->root());
  for (const Rule* each : {told.first, told.second, static_cast<const Rule*>(program.everywhere.get())}) {
    if (each == nullptr) continue;
    CaseInput input(request, arguments);
    tell_cases(*each, input, details);
  }
  return details;
}

std::string limits_text(const Decision& decision) {
  if (decision.limits.empty()) return "the rule has none";
  std::string text;
  for (const RateLimit* each_limit : decision.limits) {
    const RateLimit& limit = *each_limit;
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

std::string known_text(const Told& told, const Call& call, const ToolList* tools) {
  const std::string by = told.second == nullptr ? fmt::format("rule `{}` speaks of it", told.first->pointer)
                                                : fmt::format("rules `{}` and `{}` speak of it", told.first->pointer, told.second->pointer);
  if (call.action != Action::tool_call) return by;
  return (tools == nullptr ? "taken as known, no list of tools was given; " : "it is in the list of tools; ") + by;
}

/// What a step that lets the call go on found.
std::string passed(int step, const Told& told, const Decision& decision, const Call& call, const ToolList* tools) {
  switch (step) {
    case 1: return "yes";
    case 2: return known_text(told, call, tools);
    case 3: return "no";
    case 4: return arguments_text(*told.first, call, tools);
    case 5: return told.chosen != nullptr ? fmt::format("`{}`, by `{}`", word(told.chosen->action), told.chosen->pointer) : fmt::format("`{}`", word(told.deciding->action));
    case 6: return limits_text(decision);
    case 7: return "none is asked";
    default: return "the limits are taken, the record is written, the call goes to the server";
  }
}

}  // namespace

Explanation explain(const Policy& policy, const Call& call, const ToolList* tools) {
  Told by = rules_of(policy.program(), call, tools);
  Explanation told{.decision = judge_fresh(policy, call, tools)};
  find_deciding(policy.program(), std::string(told.decision.rule), by);
  told.deciding_rule = by.deciding->pointer;
  told.line = static_cast<int>(by.chosen != nullptr ? by.chosen->mark.line : by.deciding->mark.line);
  const int decides = deciding_step(told.decision, by);
  // What the limits are, where only one of them refuses.
  const Decision judged = policy.judge(call.request(tools));
  for (int number = 1; number <= 8; ++number) {
    Step step{.number = number, .title = std::string(titles[static_cast<std::size_t>(number - 1)])};
    step.decides = number == decides;
    if (number > decides) {
      step.found = "not reached";
    } else if (step.decides && told.decision.verdict != Verdict::allow) {
      step.found = std::string(told.decision.reason);
    } else {
      step.found = passed(number, by, judged, call, tools);
    }
    if (number == 5 && decides >= 5) step.details = case_details(policy.program(), by, call, tools);
    told.steps.push_back(std::move(step));
  }
  return told;
}

}  // namespace callgate::policy
