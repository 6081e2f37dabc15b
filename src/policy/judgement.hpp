#pragma once

#include <optional>
#include <string>

#include "policy/case.hpp"
#include "policy/decision.hpp"
#include "policy/program.hpp"
#include "schema/schema.hpp"

/// What one rule says of one call, and how two of them meet.
namespace callgate::policy {

/// A decision, or nothing: go on to the next step.
using Asked = std::optional<Decision>;

Decision by_rule(const Rule& rule);
Decision fault(std::string rule, std::string message);

Decision invalid(std::string rule, std::string path, std::string keyword, std::string reason);
/// The place that a person looks at: where something is missing, the missing thing.
std::string place(const schema::Failure& failure);

/// The rule's `arguments`, and that no object holds a name that it reads twice.
Asked check_arguments(const Rule& rule, json::Value arguments);
/// The first case that is true.
Asked first_case(const Rule& rule, CaseInput& input);

/// Steps 4 and 5 by one rule of a tool; the tool's own schema is checked already.
Decision judge_by_rule(const Rule& rule, const Request& request, json::Value arguments);

/// Two judgements by one policy: the strictest verdict, on a tie the first one's;
/// where both let pass, the limits of both.
Decision tighter(Decision first, Decision second);

}  // namespace callgate::policy
