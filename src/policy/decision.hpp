#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "policy/said.hpp"
#include "policy/tool_class.hpp"
#include "policy/verdict.hpp"

namespace callgate::schema {
class Schema;
}

/// Question and answer of the decision point. Both are values; pointers in them
/// lead into the `Policy` snapshot that answered, which the caller keeps alive.
namespace callgate::policy {

/// Whose calls one counter counts; a limit's list of them makes a compound key.
enum class Per : std::uint8_t { session, grant, server };
std::string_view word(Per per);

/// At most `max` calls in any interval of length `window`.
struct RateLimit {
  std::uint64_t max = 0;
  std::chrono::nanoseconds window{0};
  std::vector<Per> per{Per::session};  ///< sorted, without doubles, never empty
  std::string pointer;  ///< reported `rule` when this limit refuses: `/tools/x/rate_limit`, in a list `/tools/x/rate_limit/1`
  /// Key of its counters beside server and policy scope: the rule's pointer,
  /// max, window and per. Equal over reloads that keep the limit, and wherever
  /// in a list it stands. No two limits of one policy share it.
  std::string id;

  bool counts(Per each) const { return std::ranges::find(per, each) != per.end(); }
};

using LimitList = std::vector<const RateLimit*>;

/// How a rule asks people, or several rules that all ask about one call.
struct ApprovalRule {
  std::chrono::seconds timeout{600};  ///< a question not answered by then is denied
  bool self = false;  ///< whoever sits at the client that asks may answer as well
  /// Canonical text of the compiled rule that asks (not a hash yet): an answer
  /// counts while the rule that asks has the same text. Where several ask, of all.
  std::string rule_digest;
};

/// What two rules ask for together: one answer serves both, so it has to be good
/// enough for either, in time for either, and of both as they stand.
ApprovalRule joined(const ApprovalRule& first, const ApprovalRule& second);

/// What the registry knows of the tool that a call names.
struct ToolFacts {
  enum class State : std::uint8_t { unknown, quarantined, known };
  State state = State::unknown;
  const schema::Schema* input_schema = nullptr;  ///< the tool's own; null where it has none
  std::string_view schema_fault;  ///< not empty: its own schema did not compile, and why
  ToolClass is;             ///< what it is said to be, by its pinned definition
  std::string_view server;  ///< whose tool it is; empty: not known here
};

/// What the caller asks for. `tool` of the request counts for `tool_call` only.
enum class Action : std::uint8_t {
  tool_call,
  resource_read,
  resource_subscribe,
  prompt_get,
  prompt_complete,  ///< help with the arguments of a prompt, which are not there yet
  other,            ///< a method of the operator's list that names none of these: `default` decides
};

struct Request {
  Action action = Action::tool_call;
  std::string_view name;  ///< tool name, resource URI or prompt name, as the call wrote it (unescaped)
  std::optional<json::Value> arguments;  ///< absent ones are judged as `{}`
  ToolFacts tool;
};

/// The answer of the decision point for one call, complete enough to be
/// enforced, shown to the agent and recorded without asking the policy again.
struct Decision {
  Verdict verdict = Verdict::deny;  ///< fails closed: the default denies
  Said rule;    ///< JSON Pointer into the policy file; `/default` when no rule named the thing; empty when no rule decided
  Said reason;  ///< one sentence for agent and human; never holds argument values
  bool has_author_reason = false;  ///< `reason` is the policy author's own
  bool by_grant = false;  ///< the policy of the grant decided: `rule` points into that file
  /// How long until a retry can succeed; zero unless `rate_limited`.
  /// Sent as whole seconds, rounded up (Retry-After, RFC 9110 section 10.2.3).
  std::chrono::milliseconds retry_after{0};
  std::optional<std::uint64_t> remaining;  ///< calls left in the tightest limit; filled by the gateway
  std::vector<std::string> faults;         ///< what could not be evaluated; never loosens a verdict
  std::string argument_path;     ///< `invalid_arguments`: JSON Pointer into the arguments
  std::string argument_keyword;  ///< `invalid_arguments`: the keyword that failed
  /// Limits to look at and to take, in order; empty unless the verdict is
  /// `allow` or `require_approval`.
  std::span<const RateLimit* const> limits;
  /// The same of the grant's policy, which counts in a scope of its own; filled by `stricter`.
  std::span<const RateLimit* const> grant_limits;
  /// Lists that were put together for this call and that `limits` and `grant_limits`
  /// then lead into; null where a rule has them ready.
  std::shared_ptr<const LimitList> own_limits;
  std::shared_ptr<const LimitList> own_grant_limits;
  const ApprovalRule* approval = nullptr;  ///< set exactly when the verdict is `require_approval`
  /// Joined for this call, and `approval` then leads into it; null where one rule asks.
  std::shared_ptr<const ApprovalRule> own_approval;
};

/// Where both `first` and `second` ask for a person, lets `stands`, which is one
/// of them, ask for both.
void join_approvals(Decision& stands, const Decision& first, const Decision& second);

/// The judgement that stands when a server's and a grant's policy meet: the
/// strictest verdict, on a tie the server's; limits of both where it may pass.
/// `by_grant` of the answer says whose it is.
Decision stricter(Decision server, Decision grant);

/// The answer where no policy is at hand: denied, and why.
Decision denied_without_policy();

}  // namespace callgate::policy
