#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/load.hpp"

namespace callgate::policy {

/// A policy file that compiles, and its text.
struct Side {
  std::string_view text;
  const Loaded& loaded;
};

/// A kind of call that two policies judge otherwise.
struct Difference {
  std::string what;  ///< "tool `x`", "resource `x:*`", "a tool that no rule names", …
  std::string call;  ///< the arguments of one call, as JSON; empty: of any
  Verdict before = Verdict::deny;  ///< what that call gets; of any call the most that one of them gets
  Verdict after = Verdict::deny;
  std::vector<std::string> parts;  ///< where both are the same: the keys that say otherwise when, or what else is counted with it
  std::string where;               ///< of one call: the test that it is from, file:line:column

  bool loosens() const { return after > before && after >= Verdict::require_approval; }
  bool tightens() const { return after < before && before >= Verdict::require_approval; }
};

/// Compares rule by rule what judges each listed tool, each resource and prompt that
/// either file names, and what no rule names; then call by call the tests of both.
/// Without a list the tools are those that either file names, and of the names that two
/// patterns match one. INVARIANT: where nothing comes out, no call of these is judged
/// otherwise, beside that what is refused now is counted no more; reasons are not compared.
/// One refusal in the place of another is none.
std::vector<Difference> differences(const Side& before, const Side& after, const ToolList* tools);

}  // namespace callgate::policy
