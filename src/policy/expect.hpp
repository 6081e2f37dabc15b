#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "policy/policy.hpp"
#include "policy/tool_list.hpp"

namespace callgate::policy {

/// A call as `expect` and `explain --call` write it:
/// `{tool: NAME, arguments: {...}}`, `{resource: URI}` or `{prompt: NAME, arguments: {...}}`.
struct Call {
  Action action = Action::tool_call;
  std::string name;
  std::string server = {};  ///< whose it is, over what the list says; empty: as the list says, or not known
  std::shared_ptr<const json::OwnedDocument> arguments;  ///< null: absent

  /// Without a list every tool counts as known and has no schema of its own.
  Request request(const ToolList* tools) const;
  Request request(const ToolFacts& known) const;  ///< of the tool that it names
};

/// "tool `x`", "resource `x`" or "prompt `x`".
std::string called(const Call& call);

/// Reads the JSON form of `explain --call`.
Result<Call> parse_call(std::string_view json);

/// One unit test of a policy, from its `expect` part.
struct Expectation {
  Call call;
  Verdict verdict = Verdict::deny;
  std::optional<std::string> rule;  ///< checked only where it is given
  std::string where;                ///< file:line:column of the entry
};

struct Outcome {
  bool held = false;
  Decision decision;    ///< what the policy says
  std::string message;  ///< where it did not hold: what was expected, what came
  /// It did not hold, and with another list of tools, or of another server, it may: the rule, or what is
  /// expected, depends on what the tool is and on its own schema, and neither is known.
  bool depends_on_tools = false;
};

/// Judges one call as if nothing had been called yet: a limit refuses only if its `max` is 0.
Decision judge_fresh(const Policy& policy, const Call& call, const ToolList* tools);

Outcome run(const Policy& policy, const Expectation& expectation, const ToolList* tools);
/// With the tool that it names as a running gate knows it.
Outcome run(const Policy& policy, const Expectation& expectation, const ToolFacts& known);

/// Those that do not hold whatever the tools of the server are: faults of the file, each with its place.
std::vector<Error> broken(const Policy& policy, std::span<const Expectation> expectations);

}  // namespace callgate::policy
