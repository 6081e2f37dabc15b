#include <fmt/format.h>

#include "gateway/gate_draft.hpp"
#include "gateway/recorded_words.hpp"
#include "mcp/trace.hpp"
#include "policy/decision.hpp"
#include "policy/sentence.hpp"

namespace callgate::gateway {

std::shared_ptr<const policy::Policy> Gate::policy() const { return parts_.policies.find(server_.policy); }

std::shared_ptr<const policy::Policy> Gate::grant_policy(const Conversation& conversation) const {
  return conversation.session.grant_policy.empty() ? nullptr : parts_.policies.find(conversation.session.grant_policy);
}

PolicyPair Gate::policies_for(const Conversation& conversation) const {
  return {.server = policy(), .grant = grant_policy(conversation), .asks_grant = !conversation.session.grant.empty()};
}

/// Of a tool that nobody classified the worst is not assumed, but High; hints of its server lower something only under `trust_hints` (cli/tool_classes.cpp).
policy::ToolClass class_of(const registry::Tool& tool) {
  policy::ToolClass is{.category = tool.category};
  switch (tool.risk) {
    case registry::Risk::low: is.risk = policy::Risk::low; break;
    case registry::Risk::medium: is.risk = policy::Risk::medium; break;
    case registry::Risk::critical: is.risk = policy::Risk::critical; break;
    case registry::Risk::unknown:
    case registry::Risk::high: break;
  }
  return is;
}

policy::ToolFacts facts_of(const registry::Tool* tool, std::string_view server) {
  if (tool == nullptr) return {.server = server};
  const bool known = tool->state == registry::Tool::State::known;
  return {.state = known ? policy::ToolFacts::State::known : policy::ToolFacts::State::quarantined,
          .input_schema = tool->input_schema.get(),
          .schema_fault = tool->schema_fault,
          .is = class_of(*tool),
          .server = server};
}

namespace {

/// What both policies say together. Without any policy, and for a grant without one, everything is denied.
template <class Judge>
policy::Decision decided(const Judged& by, bool has_grant, Judge judge) {
  if (has_grant && !by.grant_policy)
    return by.policy ? policy::stricter(judge(*by.policy), policy::denied_without_policy()) : policy::denied_without_policy();
  if (by.grant_policy && by.policy) return policy::stricter(judge(*by.policy), judge(*by.grant_policy));
  if (!by.policy && !by.grant_policy) return policy::denied_without_policy();
  policy::Decision decision = judge(by.policy ? *by.policy : *by.grant_policy);
  decision.by_grant = !by.policy;
  return decision;
}

/// The gateway's own fault is said to whoever calls; what a server did is for the log and the record.
std::string unread(std::string_view what, const KnownTools& known) {
  return known.unrecorded ? fmt::format("{}: {}", what, known.fault) : std::string(what);
}

}  // namespace

/// One decision by one snapshot of policies and pins.
Judged Gate::judge(const Inbound& in, policy::Action action, std::string_view name, std::optional<json::Value> arguments) const {
  Judged judged{.policy = policy(), .grant_policy = grant_policy(*in.conversation), .table = tools_.known(in.era()).table, .openings = tools_.openings()};
  policy::Request request{.action = action, .name = name, .arguments = arguments, .tool = {.server = server_.name}};
  if (action == policy::Action::tool_call) {
    if (!judged.table) {
      judged.decision.verdict = policy::Verdict::fault;
      const KnownTools& known = tools_.known(in.era());
      judged.decision.reason = unread("the server's tools could not be read yet", known);
      judged.decision.faults = {std::string(known.why())};
      return judged;
    }
    judged.tool = judged.table->find(name);
    request.tool = facts_of(judged.tool, server_.name);
  }
  const bool has_grant = !in.conversation->session.grant.empty();
  judged.decision = decided(judged, has_grant, [&](const policy::Policy& each) { return each.judge(request); });
  if (judged.decision.verdict == policy::Verdict::hide && action != policy::Action::tool_call)
    judged.unhidden = decided(judged, has_grant, [&](const policy::Policy& each) { return each.judge_unhidden(request); });
  heed_journal(judged.decision, judged.tool);
  if (judged.unhidden) heed_journal(*judged.unhidden, judged.tool);  // or the hidden one alone were answered otherwise
  return judged;
}

/// While the journal's disk is full nothing goes on whose risk is not known to be low, and nobody is asked
/// about a call that could not be recorded.
void Gate::heed_journal(policy::Decision& decision, const registry::Tool* tool) const {
  const audit::Journal::Health& health = parts_.journal.health();
  if ((health.writing && !health.on_reserve) || decision.verdict < policy::Verdict::require_approval) return;
  const bool low = tool != nullptr && tool->risk == registry::Risk::low;
  const bool asks = decision.verdict == policy::Verdict::require_approval;
  if (health.on_reserve ? low : !asks) return;
  decision = {.verdict = policy::Verdict::fault, .reason = health.fault};
}

/// What was judged by a list of tools that is known to be old is not decided.
void Gate::doubt(Judged& judged, mcp::Era era) const {
  if (!judged.table) return;  // a fault already
  const KnownTools& known = tools_.known(era);
  judged.decision = {.verdict = policy::Verdict::fault, .reason = unread("the server's tools changed and could not be read anew yet", known)};
  judged.decision.faults = {std::string(known.why())};
}

/// What was allowed, and asked about where a rule wants that, may be allowed no longer when it goes on.
/// A list that is being read anew is waited for, as when the call came.
net::Task<bool> Gate::still_allowed(const Inbound& in) {
  const bool is_call = in.message.method_id == mcp::MethodId::tools_call;
  if (is_call && !tools_.is_current(in.era())) {
    const bool current = co_await tools_.current(in.era(), server_.start_timeout);
    if (!current) co_return false;
  }
  co_return passes_now(in);
}

bool Gate::passes_now(const Inbound& in) const {
  if (in.conversation->closed) return false;
  const auto passes = [&](policy::Action action, std::string_view name, std::optional<json::Value> arguments) {
    const policy::Verdict now = judge(in, action, name, arguments).decision.verdict;
    // What nobody was asked about goes on only while nobody has to be.
    return now == policy::Verdict::allow || (now == policy::Verdict::require_approval && !in.so_far.approval.empty());
  };
  if (in.message.method_id == mcp::MethodId::tools_call) {
    const auto call = mcp::read_tool_call(in.message);
    return call && passes(policy::Action::tool_call, call->name.view(), call->arguments);
  }
  if (in.message.method_id == mcp::MethodId::prompts_get) {
    const auto prompt = mcp::read_prompt_get(in.message);
    return prompt && passes(policy::Action::prompt_get, prompt->name.view(), prompt->arguments);
  }
  if (const config::ExtensionMethod* extension = extension_of(in.message)) {
    const auto subject = subject_of(in, *extension);
    return subject && judge_extension(in, *extension, *subject).decision.verdict == policy::Verdict::allow;
  }
  if (in.message.method_id != mcp::MethodId::resources_read) return true;
  const auto resource = mcp::read_resource_request(in.message);
  return resource && passes(policy::Action::resource_read, resource->uri.view(), {});
}

/// In the stateless form there is no session: its limits count by the grant, or by the key that it brings.
limits::Subject Gate::subject(const Conversation& conversation) const {
  const session::Session& session = conversation.session;
  return {.server = server_.name, .grant = session.grant, .session = session.name.empty() ? session.grant : session.name};
}

std::array<limits::Ask, 2> asks_of(const policy::Decision& decision, const Conversation& conversation) {
  return {limits::Ask{.limits = decision.limits, .scope = "server"},
          limits::Ask{.limits = decision.grant_limits, .scope = conversation.session.grant}};
}

namespace {

/// What cannot be counted is not decided: no setting turns this into an allow.
void note_uncounted(policy::Decision& decision, const limits::Look& look) {
  decision.verdict = policy::Verdict::fault;
  decision.reason = fmt::format("its limits cannot be counted now: {}", look.fault);
  decision.faults = {look.fault};
}

void note_limit(policy::Decision& decision, const limits::Look& look) {
  if (!look.fault.empty()) return note_uncounted(decision, look);
  const bool of_grant = look.blocking >= decision.limits.size();
  // What the author says of a rule explains the limits of that rule, not those of another policy.
  const bool explains = decision.has_author_reason && decision.by_grant == of_grant;
  decision.verdict = policy::Verdict::rate_limited;
  decision.by_grant = of_grant;
  decision.rule = look.limit->pointer;
  decision.remaining = 0;
  if (look.limit->max == 0) {
    decision.reason = policy::no_call_sentence;
    return;
  }
  decision.reason = fmt::format("more than {} calls in {} s{}{}", look.limit->max,
                                std::chrono::duration_cast<std::chrono::seconds>(look.limit->window).count(),
                                explains ? ": " : "", explains ? decision.reason.view() : std::string_view());
  decision.retry_after = std::chrono::ceil<std::chrono::milliseconds>(look.retry_after);
}

}  // namespace

net::Task<bool> Gate::limits_free(Judged& judged, Conversation& conversation) {
  const auto asks = asks_of(judged.decision, conversation);
  const Counting counting(*this, conversation);
  const limits::Look look = co_await parts_.counters.look(asks, subject(conversation), parts_.clock.now());
  if (!look.free) note_limit(judged.decision, look);
  co_return look.free;
}

/// All limits are taken, or none: false where none.
bool Gate::keep_taken(limits::Counters::TakeResult& taken, Judged& judged, Exchange& what) {
  if (!taken) {
    note_limit(judged.decision, taken.error());
    return false;
  }
  what.taken = std::move(*taken);
  return true;
}

/// Who and where; the id, and what was decided, are still to come.
audit::CallRecord Gate::record_for(const Conversation& conversation, mcp::Revision revision) const {
  audit::CallRecord record;
  record.server = server_.name;
  record.era = mcp::word(revision);
  record.session = conversation.session.name;
  record.grant = conversation.session.grant;
  record.principal = conversation.session.principal;
  record.may_use_reserve = true;  // what calls nothing
  return record;
}

audit::CallRecord Gate::record_of(const Draft& draft, const Inbound& in, const Judged& judged) const {
  audit::CallRecord record = record_for(*in.conversation, in.revision);
  record.id = draft.id;
  record.tool = draft.subject;
  if (names_resource(draft.action)) record.tool = draft.recorded.subject = recorded_uri(draft.subject);
  record.method = in.message.is_response() ? std::string_view("response") : in.message.method.view();
  record.verdict = judged.decision.verdict;
  record.rule = judged.decision.rule;
  record.reason = judged.decision.reason;
  if (judged.decision.verdict == policy::Verdict::invalid_arguments) record.reason = draft.recorded.reason = recorded_reason(judged.decision);
  record.faults = judged.decision.faults;
  if (const policy::Policy* deciding = judged.deciding()) record.policy = deciding->hash();
  const registry::Risk risk = judged.tool != nullptr ? judged.tool->risk : registry::Risk::unknown;
  if (judged.tool != nullptr) record.definition = judged.tool->fingerprint;
  record.risk = registry::word(risk);
  if (judged.tool != nullptr) record.category = judged.tool->category;
  record.may_use_reserve = draft.subject.empty() || risk == registry::Risk::low;
  if (draft.has_digest) record.args_digest = audit::view(draft.digest);
  record.arg_keys = draft.arg_keys;
  record.arg_shapes = draft.arg_shapes;
  record.approval = draft.approval;
  record.trace = mcp::trace_id(in.message);
  if (record.trace.empty()) record.trace = in.trace;
  record.limits = draft.limits;
  record.limits_taken_at = draft.limits_taken_at;
  return record;
}

std::string refusal_text(const Judged& judged) {
  using enum policy::Verdict;
  const policy::Decision& decision = judged.decision;
  const std::string rule = decision.rule.empty() ? std::string() : fmt::format(" Rule {}.", decision.rule);
  const auto retry = std::chrono::ceil<std::chrono::seconds>(decision.retry_after).count();
  switch (decision.verdict) {
    case quarantined:
      return "Refused: the definition of this tool changed since it was reviewed. An operator has to accept the new one.";
    case fault: return fmt::format("Refused: the call could not be decided ({}).{}", decision.reason, rule);
    case invalid_arguments: return fmt::format("Refused: {}.{}", decision.reason, rule);
    case rate_limited:
      if (retry == 0) return fmt::format("Refused: {}.{}", decision.reason, rule);
      return fmt::format("Refused for now: {}. Try again in {} s.{}", decision.reason, retry, rule);
    case require_approval: {
      // What is generated says no more than these first words.
      const bool says = decision.has_author_reason || judged.next.empty();
      return fmt::format("A person has to approve this call: {}{}{}.{}", says ? decision.reason.view() : std::string_view(), says && !judged.next.empty() ? "; " : "", judged.next, rule);
    }
    default: return fmt::format("Refused by policy: {}.{}", decision.reason, rule);
  }
}

}  // namespace callgate::gateway
