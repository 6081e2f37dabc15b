#pragma once

#include <string>
#include <vector>

#include "policy/expect.hpp"

namespace callgate::policy {

/// One of the steps of a decision (docs/policy-language.md, section 3).
struct Step {
  int number = 0;     ///< 1 to 8
  std::string title;  ///< what is looked at
  std::string found;  ///< what came of it
  std::vector<std::string> details;  ///< one line each: the cases that were asked
  bool decides = false;
};

struct Explanation {
  Decision decision;
  std::string deciding_rule;  ///< the rule that names the call, also where another step decided; `/default`; `/everywhere` where that decided
  int line = 0;               ///< of that rule in the file; 0 where it has none
  std::vector<Step> steps;    ///< those not reached are there too, and say so
};

/// Judges the call as `judge_fresh` does and tells how it came to that.
Explanation explain(const Policy& policy, const Call& call, const ToolList* tools);

}  // namespace callgate::policy
