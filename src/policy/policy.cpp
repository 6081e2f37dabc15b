#include "policy/policy.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "policy/judgement.hpp"
#include "policy/program.hpp"
#include "policy/resource_uri.hpp"
#include "policy/sentence.hpp"

namespace callgate::policy {
namespace {

Decision tie(const RuleSet::Choice& choice) {
  return fault(choice.rule->pointer, fmt::format("`{}` and `{}` match it equally well", choice.rule->pointer, choice.tie->pointer));
}

/// The schema that the tool itself has.
Asked check_own_schema(const ToolFacts& tool, json::Value arguments) {
  if (!tool.schema_fault.empty()) {
    return fault("", fmt::format("the tool's own schema is not usable ({})", tool.schema_fault));
  }
  if (tool.input_schema == nullptr) return std::nullopt;
  const std::optional<schema::Failure> failure = tool.input_schema->validate(arguments);
  if (!failure) return std::nullopt;
  if (failure->keyword == "limit") return fault("", "checking the arguments against the tool's own schema takes too long");
  const std::string path = place(*failure);
  return invalid("", path, failure->keyword, own_schema_sentence(path, failure->keyword));
}

/// What `everywhere`, if there is one, says besides the rule that decided; it can only tighten.
Decision judge_everywhere(const Rule* everywhere, const Request& request, json::Value arguments, Decision decision) {
  if (everywhere == nullptr || everywhere->cases.empty() || decision.verdict <= Verdict::fault) return decision;
  Asked besides = check_arguments(*everywhere, arguments);
  if (!besides) {
    CaseInput input(request, arguments);
    besides = first_case(*everywhere, input);
  }
  return besides ? tighter(std::move(decision), std::move(*besides)) : decision;
}

/// Of up to two rules the one that `refuses` holds for, the first before the second.
template <class Refuses>
const Rule* either(const Deciding& by, Refuses refuses) {
  if (refuses(*by.first)) return by.first;
  return by.second != nullptr && refuses(*by.second) ? by.second : nullptr;
}

Decision judge_tool(const Program& program, const Request& request, json::Value arguments) {
  if (request.tool.state == ToolFacts::State::unknown) {
    return {.verdict = Verdict::unknown_tool, .reason = "the server has no such tool"};
  }
  const Deciding by = deciding_rules(program, request.name, request.tool.is);
  const Rule* const hiding = by.tie == nullptr ? either(by, [](const Rule& rule) { return rule.hides(); }) : nullptr;
  if (hiding != nullptr) return by_rule(*hiding);
  if (request.tool.state == ToolFacts::State::quarantined) {
    return {.verdict = Verdict::quarantined,
            .reason = "the definition of this tool has changed and an operator has to accept it first"};
  }
  if (by.tie != nullptr) return tie({.rule = by.first, .tie = by.tie});
  if (const Rule* denies = either(by, [](const Rule& rule) { return rule.denies_outright(); })) return by_rule(*denies);
  if (either(by, [](const Rule& rule) { return rule.checks_own_schema; }) != nullptr) {
    if (Asked refused = check_own_schema(request.tool, arguments)) return std::move(*refused);
  }
  // What most policies hold goes the short way.
  if (by.second == nullptr && program.everywhere == nullptr && by.first->cases.empty()) {
    if (Asked refused = check_arguments(*by.first, arguments)) return std::move(*refused);
    return by_rule(*by.first);
  }
  Decision decision = judge_by_rule(*by.first, request, arguments);
  if (by.second != nullptr) decision = tighter(std::move(decision), judge_by_rule(*by.second, request, arguments));
  return judge_everywhere(program.everywhere.get(), request, arguments, std::move(decision));
}

Decision judge_prompt(const Program& program, const Request& request, json::Value arguments, Hiding hiding) {
  const RuleSet::Choice choice = program.prompts.choose(request.name, hiding);
  if (choice.tie != nullptr) return tie(choice);
  const Rule& rule = choice.rule != nullptr ? *choice.rule : program.default_rule;
  if (rule.action <= Verdict::deny) return by_rule(rule);
  if (request.action == Action::prompt_complete) return judge_everywhere(program.everywhere.get(), request, program.no_arguments->root(), by_rule(rule));
  if (Asked refused = check_arguments(rule, arguments)) return std::move(*refused);
  return judge_everywhere(program.everywhere.get(), request, arguments, by_rule(rule));
}

Decision judge_resource(const Program& program, const Request& request, Hiding hiding) {
  const std::optional<std::string> uri = normal_uri(request.name);
  if (!uri) {
    return invalid("", "/uri", "uri", "servers could read this address differently: write it plainly, without escapes, `..`, `\\`, user info and blanks around it");
  }
  const RuleSet::Choice choice = choose_resource(program, *uri, hiding);
  if (choice.tie != nullptr) return tie(choice);
  return judge_everywhere(program.everywhere.get(), request, program.no_arguments->root(), by_rule(choice.rule != nullptr ? *choice.rule : program.default_rule));
}

Decision judge_by(const Program& program, const Request& request, Hiding hiding) {
  if (request.action == Action::other) return judge_everywhere(program.everywhere.get(), request, program.no_arguments->root(), by_rule(program.default_rule));
  const bool reads = request.action == Action::resource_read || request.action == Action::resource_subscribe;
  if (reads) return judge_resource(program, request, hiding);
  const json::Value arguments = request.arguments.value_or(program.no_arguments->root());
  // The reader lets nothing else through; a caller that forgot it must not loosen anything.
  if (!arguments.is_object()) return invalid("", "", "type", "`arguments` has to be an object");
  return request.action == Action::tool_call ? judge_tool(program, request, arguments) : judge_prompt(program, request, arguments, hiding);
}

bool hides(const RuleSet::Choice& choice) {
  return choice.rule != nullptr && choice.tie == nullptr && choice.rule->action == Verdict::hide;
}

}  // namespace

Policy::Policy(std::unique_ptr<const Program> program) : program_(std::move(program)) {}
Policy::~Policy() = default;

Decision Policy::judge(const Request& request) const { return judge_by(*program_, request, Hiding::counts); }

Decision Policy::judge_unhidden(const Request& request) const { return judge_by(*program_, request, Hiding::is_left_out); }

bool Policy::hides_tool(std::string_view name, const ToolClass& is) const {
  if (!hides_tools()) return false;
  const Deciding by = deciding_rules(*program_, name, is);
  return by.tie == nullptr && either(by, [](const Rule& rule) { return rule.hides(); }) != nullptr;
}

bool Policy::hides_prompt(std::string_view name) const {
  return program_->prompts.hides() && hides(program_->prompts.choose(name));
}

bool Policy::hides_resource(std::string_view uri) const {
  if (!program_->resources.hides()) return false;
  const std::optional<std::string> normal = normal_uri(uri);
  return !normal || hides(choose_resource(*program_, *normal));
}

bool Policy::hides_anything() const {
  return hides_tools() || program_->prompts.hides() || program_->resources.hides();
}

bool Policy::hides_tools() const { return program_->tools.hides() || (program_->classes != nullptr && program_->classes->hides()); }
bool Policy::hides_resources() const { return program_->resources.hides(); }

std::vector<std::string_view> Policy::hidden_prompts() const {
  std::vector<std::string_view> names;
  for (const Rule& rule : program_->prompts.rules()) {
    if (rule.action == Verdict::hide && !Glob::is_glob(rule.key)) names.push_back(rule.key);
  }
  return names;
}

bool Policy::allows_sampling() const { return program_->sampling; }
bool Policy::allows_elicitation() const { return program_->elicitation; }
bool Policy::allows_roots() const { return program_->roots; }
const std::string& Policy::hash() const { return program_->hash; }

bool Policy::has_classes() const { return program_->classes != nullptr; }

std::size_t Policy::rule_count() const {
  const std::size_t classes = program_->classes != nullptr ? program_->classes->rules().size() : 0;
  return program_->tools.size() + classes + program_->resources.size() + program_->prompts.size();
}

}  // namespace callgate::policy
