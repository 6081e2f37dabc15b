#include "policy/judgement.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/json_pointer.hpp"
#include "policy/sentence.hpp"

namespace callgate::policy {
namespace {

/// What a rule or a case says of itself.
template <class Part>
Decision as_said(const Part& by) {
  Decision decision{
      .verdict = by.action, .rule = Said::in_policy(by.pointer), .reason = Said::in_policy(by.reason), .has_author_reason = by.has_author_reason};
  if (by.action < Verdict::require_approval) return decision;
  decision.limits = by.limit_list;
  if (by.approval) decision.approval = &*by.approval;
  return decision;
}

}  // namespace

Decision invalid(std::string rule, std::string path, std::string keyword, std::string reason) {
  Decision decision{.verdict = Verdict::invalid_arguments, .rule = std::move(rule), .reason = std::move(reason)};
  decision.argument_path = std::move(path);
  decision.argument_keyword = std::move(keyword);
  return decision;
}

std::string place(const schema::Failure& failure) {
  if (failure.keyword != "required" || failure.property.empty()) return failure.path;
  return failure.path + "/" + json::pointer_token(failure.property);
}

Decision by_rule(const Rule& rule) { return as_said(rule); }

Decision fault(std::string rule, std::string message) {
  Decision decision{.verdict = Verdict::fault, .rule = std::move(rule), .reason = "this call could not be judged: " + message};
  decision.faults.push_back(std::move(message));
  return decision;
}

Asked check_arguments(const Rule& rule, json::Value arguments) {
  if (rule.arguments == nullptr && rule.cases.empty()) return std::nullopt;
  if (const std::optional<std::string> twin = rule.named_keys.clash(arguments)) {
    return invalid(rule.names_pointer, *twin, "letter_case", twin_sentence(*twin));
  }
  if (rule.arguments == nullptr) return std::nullopt;
  const std::optional<schema::Failure> failure = rule.arguments->validate(arguments);
  if (!failure) return std::nullopt;
  if (failure->keyword == "limit") return fault(rule.arguments_pointer, "checking the arguments takes too long");
  const std::string path = place(*failure);
  const bool explains = rule.has_author_reason && rule.action == Verdict::allow;
  return invalid(rule.arguments_pointer, path, failure->keyword,
                 argument_sentence(path, failure->keyword, explains ? rule.reason : std::string_view{}));
}

Asked first_case(const Rule& rule, CaseInput& input) {
  for (const Case& each : rule.cases) {
    if (!input.concerns(each)) continue;
    const cel::Value holds = input.judge(each);
    if (holds.is_fault()) return fault(each.pointer, each.when.describe(holds.fault()));
    if (holds.truth()) return as_said(each);
  }
  return std::nullopt;
}

Decision judge_by_rule(const Rule& rule, const Request& request, json::Value arguments) {
  if (Asked refused = check_arguments(rule, arguments)) return std::move(*refused);
  if (rule.cases.empty()) return by_rule(rule);
  CaseInput input(request, arguments);
  if (Asked decided = first_case(rule, input)) return std::move(*decided);
  return by_rule(rule);
}

Decision tighter(Decision first, Decision second) {
  const bool first_stands = first.verdict <= second.verdict;
  Decision& stands = first_stands ? first : second;
  Decision& other = first_stands ? second : first;
  join_approvals(stands, first, second);
  for (std::string& each : other.faults) stands.faults.push_back(std::move(each));
  if (stands.verdict < Verdict::require_approval || other.limits.empty()) return std::move(stands);
  LimitList joined(first.limits.begin(), first.limits.end());
  for (const RateLimit* each : second.limits) {
    if (std::ranges::find(joined, each) == joined.end()) joined.push_back(each);
  }
  stands.own_limits = std::make_shared<const LimitList>(std::move(joined));
  stands.limits = *stands.own_limits;
  return std::move(stands);
}

}  // namespace callgate::policy
