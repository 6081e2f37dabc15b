#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/yaml.hpp"
#include "cel/expression.hpp"
#include "policy/decision.hpp"

namespace callgate::policy {

/// One entry of `cases`: what happens instead of the rule's action where `when` is true.
struct Case {
  explicit Case(cel::Expression condition) : when(std::move(condition)) {}
  Case(Case&&) = default;  // `limit_list` leads into `limits`, which a move keeps in place
  Case& operator=(Case&&) = default;

  std::string pointer;  ///< `/tools/KEY/cases/N`
  cel::Expression when;
  bool reads_tool = false;         ///< so it says nothing of a resource or a prompt
  Verdict action = Verdict::deny;  ///< allow, deny or require_approval
  std::string reason;
  bool has_author_reason = false;
  std::vector<RateLimit> limits;             ///< its own
  std::vector<const RateLimit*> limit_list;  ///< its own, then those of its rule
  std::optional<ApprovalRule> approval;      ///< set exactly when the action asks for it
  yaml::Mark mark;
};

/// What a condition may speak of: `args`, and of `tool` the name, the category,
/// the risk and the server.
const cel::Scope& case_scope();
/// The same with what is known of the arguments.
cel::Scope case_scope(cel::Type arguments);
/// Whether a condition of that scope speaks of `tool`.
bool reads_tool(const cel::Expression& condition);

/// What the conditions of one call are judged by, and the work that they may do together.
class CaseInput {
 public:
  /// The variables of `case_scope`, in its order.
  enum Number : std::size_t { args, name, category, risk, server };

  CaseInput(const Request& request, json::Value arguments);

  /// Whether the case has something to say of this call: what reads `tool` has not of what is none.
  bool concerns(const Case& each) const { return of_tool_ || !each.reads_tool; }
  cel::Value judge(const Case& each) { return each.when.evaluate(variables_, budget_); }
  /// Why it came out like that, for people; holds no values.
  std::string why(const Case& each);

 private:
  std::array<cel::Value, 5> variables_;
  bool of_tool_;
  cel::Budget budget_;
};

}  // namespace callgate::policy
