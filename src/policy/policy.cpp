#include "policy/policy.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "policy/pointer.hpp"
#include "policy/program.hpp"
#include "policy/resource_uri.hpp"
#include "policy/sentence.hpp"

namespace callgate::policy {
namespace {

using Asked = std::optional<Decision>;  ///< a decision, or nothing: go on to the next step

Decision by_rule(const Rule& rule) {
  Decision decision{.verdict = rule.action, .rule = rule.pointer, .reason = rule.reason, .has_author_reason = rule.has_author_reason};
  if (rule.action < Verdict::require_approval) return decision;
  decision.limits = rule.limit_list;
  if (rule.approval) decision.approval = &*rule.approval;
  return decision;
}

Decision fault(std::string rule, std::string message) {
  Decision decision{.verdict = Verdict::fault, .rule = std::move(rule), .reason = "this call could not be judged: " + message};
  decision.faults.push_back(std::move(message));
  return decision;
}

Decision tie(const RuleSet::Choice& choice) {
  return fault(choice.rule->pointer, fmt::format("`{}` and `{}` match it equally well", choice.rule->pointer, choice.tie->pointer));
}

Decision invalid(std::string rule, std::string path, std::string keyword, std::string reason) {
  Decision decision{.verdict = Verdict::invalid_arguments, .rule = std::move(rule), .reason = std::move(reason)};
  decision.argument_path = std::move(path);
  decision.argument_keyword = std::move(keyword);
  return decision;
}

/// The place that a person looks at: where something is missing, the missing thing.
std::string place(const schema::Failure& failure) {
  if (failure.keyword != "required" || failure.property.empty()) return failure.path;
  return failure.path + "/" + pointer_token(failure.property);
}

Asked check_own_schema(const Rule& rule, const ToolFacts& tool, json::Value arguments) {
  if (!rule.checks_own_schema) return std::nullopt;
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

Asked check_arguments(const Rule& rule, json::Value arguments) {
  if (rule.arguments == nullptr) return std::nullopt;
  if (const std::optional<std::string> twin = rule.named_keys.clash(arguments)) {
    return invalid(rule.arguments_pointer, *twin, "letter_case", twin_sentence(*twin));
  }
  const std::optional<schema::Failure> failure = rule.arguments->validate(arguments);
  if (!failure) return std::nullopt;
  if (failure->keyword == "limit") return fault(rule.arguments_pointer, "checking the arguments takes too long");
  const std::string path = place(*failure);
  const bool explains = rule.has_author_reason && rule.action == Verdict::allow;
  return invalid(rule.arguments_pointer, path, failure->keyword,
                 argument_sentence(path, failure->keyword, explains ? rule.reason : std::string_view{}));
}

Decision judge_tool(const Program& program, const Request& request, json::Value arguments) {
  if (request.tool.state == ToolFacts::State::unknown) {
    return {.verdict = Verdict::unknown_tool, .reason = "the server has no such tool"};
  }
  const RuleSet::Choice choice = program.tools.choose(request.name);
  const Rule& rule = choice.rule != nullptr ? *choice.rule : program.default_rule;
  if (choice.tie == nullptr && rule.action == Verdict::hide) return by_rule(rule);
  if (request.tool.state == ToolFacts::State::quarantined) {
    return {.verdict = Verdict::quarantined,
            .reason = "the definition of this tool has changed and an operator has to accept it first"};
  }
  if (choice.tie != nullptr) return tie(choice);
  if (rule.action == Verdict::deny) return by_rule(rule);
  if (Asked refused = check_own_schema(rule, request.tool, arguments)) return std::move(*refused);
  if (Asked refused = check_arguments(rule, arguments)) return std::move(*refused);
  return by_rule(rule);
}

Decision judge_prompt(const Program& program, const Request& request, json::Value arguments, Hiding hiding) {
  const RuleSet::Choice choice = program.prompts.choose(request.name, hiding);
  if (choice.tie != nullptr) return tie(choice);
  const Rule& rule = choice.rule != nullptr ? *choice.rule : program.default_rule;
  if (rule.action <= Verdict::deny || request.action == Action::prompt_complete) return by_rule(rule);
  if (Asked refused = check_arguments(rule, arguments)) return std::move(*refused);
  return by_rule(rule);
}

Decision judge_resource(const Program& program, const Request& request, Hiding hiding) {
  const std::optional<std::string> uri = normal_uri(request.name);
  if (!uri) {
    return invalid("", "/uri", "uri", "servers could read this address differently: write it plainly, without escapes, `..`, `\\`, user info and blanks around it");
  }
  const RuleSet::Choice choice = choose_resource(program, *uri, hiding);
  if (choice.tie != nullptr) return tie(choice);
  return by_rule(choice.rule != nullptr ? *choice.rule : program.default_rule);
}

Decision judge_by(const Program& program, const Request& request, Hiding hiding) {
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

bool Policy::hides_tool(std::string_view name) const {
  return program_->tools.hides() && hides(program_->tools.choose(name));
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
  return program_->tools.hides() || program_->prompts.hides() || program_->resources.hides();
}

bool Policy::allows_sampling() const { return program_->sampling; }
bool Policy::allows_elicitation() const { return program_->elicitation; }
bool Policy::allows_roots() const { return program_->roots; }
const std::string& Policy::hash() const { return program_->hash; }

std::size_t Policy::rule_count() const {
  return program_->tools.size() + program_->resources.size() + program_->prompts.size();
}

}  // namespace callgate::policy
