#include <fmt/format.h>

#include "gateway/gate_draft.hpp"
#include "mcp/codes.hpp"
#include "mcp/requests.hpp"
#include "mcp/splice.hpp"

namespace callgate::gateway {

namespace {

/// Stateless requests: a closed connection is a cancel.
net::Task<void> cancel_when_gone(Channel& channel, InFlight& held, net::Signal& signal) {
  co_await channel.until_gone();
  held.cancelled = true;
  signal.raise();
}

/// What a held call wakes up to.
struct Answered {
  bool told = false;
  approval::State state = approval::State::waiting;
  std::string reason;
};

}  // namespace

net::Task<void> Gate::handle_call(Inbound& in, InFlight& flight) {
  auto call = mcp::read_tool_call(in.message);
  if (!call) co_return co_await refuse_shape(in, call.error(), mcp::code::invalid_params);
  if (!tools_.known(in.era()).table) co_await tools_.settled(in.era(), server_.start_timeout);

  Draft draft{.id = parts_.journal.next_id(), .subject = call->name.view()};
  draft.canonical = "{}";
  if (call->arguments) {
    draft.canonical.clear();
    json::append_canonical(draft.canonical, *call->arguments);
    draft.arg_keys.reserve(call->arguments->size());
    for (const json::Member member : call->arguments->members()) draft.arg_keys.push_back(member.key.raw_string());
  }
  draft.digest = parts_.digest_key.of(draft.canonical);
  draft.has_digest = true;

  Judged judged = judge(in, policy::Action::tool_call, draft.subject, call->arguments);
  const auto verdict = judged.decision.verdict;
  if (verdict == policy::Verdict::unknown_tool && judged.table) {
    if (const auto like = judged.table->look_alike(draft.subject); !like.empty())
      parts_.log.warn("look_alike_tool", {{"server", server_.name}, {"known", like}});
  }
  if (verdict == policy::Verdict::allow) co_return co_await run_allowed(in, flight, draft, judged, nullptr);
  if (verdict == policy::Verdict::require_approval && limits_free(judged, *in.conversation))
    co_return co_await ask_people(in, flight, draft, judged);
  co_await refuse(in, draft, judged);
}

/// resources/read, resources/subscribe, prompts/get.
net::Task<void> Gate::handle_judged(Inbound& in, InFlight& flight) {
  Draft draft{.id = parts_.journal.next_id()};
  std::optional<json::Value> arguments;
  mcp::Text name;
  auto action = policy::Action::prompt_get;
  if (in.message.method_id == mcp::MethodId::prompts_get) {
    auto prompt = mcp::read_prompt_get(in.message);
    if (!prompt) co_return co_await refuse_shape(in, prompt.error(), mcp::code::invalid_params);
    name = prompt->name;
    arguments = prompt->arguments;
  } else {
    auto resource = mcp::read_resource_request(in.message);
    if (!resource) co_return co_await refuse_shape(in, resource.error(), mcp::code::invalid_params);
    name = resource->uri;
    action = in.message.method_id == mcp::MethodId::resources_read ? policy::Action::resource_read : policy::Action::resource_subscribe;
  }
  draft.subject = name.view();
  draft.canonical = "{}";
  if (arguments) {
    draft.canonical.clear();
    json::append_canonical(draft.canonical, *arguments);
  }
  Judged judged = judge(in, action, draft.subject, arguments);
  if (judged.decision.verdict == policy::Verdict::allow) co_return co_await run_allowed(in, flight, draft, judged, nullptr);
  if (judged.decision.verdict == policy::Verdict::require_approval && limits_free(judged, *in.conversation))
    co_return co_await ask_people(in, flight, draft, judged);
  co_await refuse(in, draft, judged);
}

/// Completion follows its prompt or resource: what may not be used is not completed.
net::Task<void> Gate::handle_completion(Inbound& in, InFlight& flight) {
  auto completion = mcp::read_completion(in.message);
  if (!completion) co_return co_await refuse_shape(in, completion.error(), mcp::code::invalid_params);
  Draft draft{.id = parts_.journal.next_id(), .subject = completion->subject.view()};
  const bool prompt = completion->of == mcp::Completion::Of::prompt;
  Judged judged = judge(in, prompt ? policy::Action::prompt_get : policy::Action::resource_read, draft.subject, {});
  // Its arguments are not there yet and its limits are not used up by completing.
  const auto verdict = judged.decision.verdict;
  using enum policy::Verdict;
  if (verdict == deny || verdict == hide || verdict == fault || verdict == unknown_tool || verdict == quarantined)
    co_return co_await refuse(in, draft, judged);
  co_await pass(in, &flight);
}

/// Takes the limits, uses the yes where one was needed, puts the allow on record
/// and forwards the judged bytes.
net::Task<void> Gate::run_allowed(Inbound& in, InFlight& flight, Draft& draft, Judged& judged, Yes* yes) {
  Exchange what{.record = {}, .bytes = in.message.bytes(), .message = in.message};
  if (!take_limits(judged, *in.conversation, what)) {
    if (yes != nullptr) yes->waiter.leave_open();  // the yes stays good until it expires
    co_return co_await refuse(in, draft, judged);
  }
  if (yes != nullptr) {
    auto used = parts_.desk.use(yes->waiter, binding_of(in, draft, judged), approval::Moment::of(parts_.clock));
    if (!used) {
      give_back(what);
      judged.decision.reason = "the yes was used by an identical call, or the call or its rule changed since; repeat it to ask anew";
      co_return co_await refuse(in, draft, judged);
    }
    draft.approval = yes->id;
    judged.decision.verdict = policy::Verdict::allow;
  }
  std::size_t at = 0;
  for (const policy::RateLimit* limit : judged.decision.limits)
    draft.limits.push_back({.limit = limit->id, .scope = "server", .remaining = what.taken->remaining(at++)});
  for (const policy::RateLimit* limit : judged.decision.grant_limits)
    draft.limits.push_back({.limit = limit->id, .scope = in.conversation->session.grant, .remaining = what.taken->remaining(at++)});
  what.record = record_of(draft, in, judged);
  auto delivery = co_await exchange(in, &flight, what);
  if (delivery) co_await deliver(in, *delivery);
}

void Gate::give_back(Exchange& what) {
  if (what.taken) parts_.counters.give_back(std::move(*what.taken));
  what.taken.reset();
}

/// The headers that the called tool wants its arguments mirrored into.
std::vector<mcp::ParamHeader> Gate::param_headers(const Inbound& in) const {
  if (in.message.method_id != mcp::MethodId::tools_call) return {};
  const auto& table = tools_.known(in.era()).table;
  const auto call = mcp::read_tool_call(in.message);
  const registry::Tool* tool = table && call ? table->find(call->name.view()) : nullptr;
  if (tool == nullptr || tool->definition.find("x-mcp-header") == std::string::npos) return {};
  json::Document document;
  if (!json::parse(tool->definition, {.max_depth = 512, .check_number_range = false}, document)) return {};
  const auto schema = document.root().find("inputSchema");
  auto headers = schema ? mcp::read_param_headers(*schema) : Result<std::vector<mcp::ParamHeader>>{};
  return headers ? std::move(*headers) : std::vector<mcp::ParamHeader>{};
}

/// All that a yes is tied to, as the call is judged now.
approval::Binding Gate::binding_of(const Inbound& in, const Draft& draft, const Judged& judged) const {
  const session::Session& session = in.conversation->session;
  const bool tool = in.message.method_id == mcp::MethodId::tools_call;
  approval::Binding binding;
  binding.grant = session.grant;
  if (session.grant.empty()) binding.session = session.id;
  binding.server = server_.name;
  binding.address = server_.address();
  binding.tool = tool ? std::string(draft.subject) : fmt::format("{} {}", in.message.method.view(), draft.subject);
  binding.args_digest = sha256_hex(draft.canonical);
  if (judged.tool != nullptr) binding.definition = judged.tool->fingerprint;
  if (judged.decision.approval != nullptr) binding.rule_digest = sha256_hex(judged.decision.approval->rule_digest);
  return binding;
}

/// A call that a person allowed is judged once more, by what is in force now.
net::Task<void> Gate::run_approved(Inbound& in, InFlight& flight, Draft& draft, Yes yes) {
  const auto action = in.message.method_id == mcp::MethodId::tools_call        ? policy::Action::tool_call
                      : in.message.method_id == mcp::MethodId::resources_read  ? policy::Action::resource_read
                      : in.message.method_id == mcp::MethodId::prompts_get     ? policy::Action::prompt_get
                                                                               : policy::Action::resource_subscribe;
  std::optional<json::Value> arguments = in.message.params ? in.message.params.find("arguments") : std::nullopt;
  Judged judged = judge(in, action, draft.subject, arguments);
  draft.id = parts_.journal.next_id();
  if (judged.decision.verdict == policy::Verdict::allow) co_return co_await run_allowed(in, flight, draft, judged, nullptr);
  if (judged.decision.verdict == policy::Verdict::require_approval) co_return co_await run_allowed(in, flight, draft, judged, &yes);
  yes.waiter.leave_open();
  co_await refuse(in, draft, judged);
}

/// Holds the call until a person answered, it was cancelled, or the wait is
/// over; then it is judged again by what is in force by then.
net::Task<void> Gate::ask_people(Inbound& in, InFlight& flight, Draft& draft, Judged& judged) {
  Conversation& conversation = *in.conversation;
  net::Signal wake(parts_.loop);
  Answered answered;
  const approval::Binding binding = binding_of(in, draft, judged);
  auto asked = parts_.desk.ask({.binding = binding,
                                .arguments = draft.canonical,
                                .bytes = {},
                                .session = conversation.session.id,
                                .rule = judged.decision.rule,
                                .reason = judged.decision.reason,
                                .timeout = judged.decision.approval->timeout},
                               [&wake, &answered](const approval::Approval& approval) {
                                 answered = {.told = true, .state = approval.state, .reason = approval.answer_reason};
                                 wake.raise();
                               },
                               approval::Moment::of(parts_.clock));
  if (!asked) {
    judged.decision.verdict = policy::Verdict::deny;
    judged.decision.reason = asked.error().message;
    co_return co_await refuse(in, draft, judged);
  }
  approval::Approval approval = asked->approval;
  approval::Waiter waiter = std::move(asked->waiter);
  parts_.log.info("approval_asked", {{"approval", approval.id}, {"server", server_.name}, {"tool", draft.subject}});

  // A closed stream is a cancel in the stateless era; else the call goes on without its reader.
  net::TaskGroup watch;
  if (in.era() == mcp::Era::modern)
    watch.spawn(cancel_when_gone(in.channel, flight, wake));
  flight.waiting = &wake;
  const net::Instant until = parts_.loop.now() + parts_.config.approval_wait;
  if (approval.state != approval::State::waiting) answered = {.told = true, .state = approval.state, .reason = approval.answer_reason};
  while (!answered.told && !flight.cancelled) {
    const net::Duration left = until - parts_.loop.now();
    if (left <= net::Duration::zero() || !co_await wake.wait(left)) break;
  }
  flight.waiting = nullptr;

  const mcp::DecisionNote::Approval note{.id = approval.id, .url = {}, .expires_at = {}};
  if (flight.cancelled) {
    waiter.cancel();
    draft.approval = approval.id;
    judged.decision.reason = "cancelled before it was approved";
    parts_.journal.record(record_of(draft, in, judged));
    co_await in.channel.ended();
    co_return;
  }
  if (!answered.told) {
    const std::string expires = utc_text(approval.expires_at_ms);
    waiter.leave_open();
    draft.approval = approval.id;
    judged.decision.retry_after = std::chrono::seconds(15);
    judged.decision.reason = fmt::format("approval {} was asked for and is open until {}; repeat the identical call to pick up the answer", approval.id, expires);
    co_return co_await refuse(in, draft, judged, mcp::DecisionNote::Approval{.id = approval.id, .url = {}, .expires_at = expires});
  }
  if (answered.state != approval::State::approved) {
    draft.approval = approval.id;
    judged.decision.verdict = policy::Verdict::deny;
    judged.decision.reason = answered.state == approval::State::denied
                                 ? (answered.reason.empty() ? std::string("a person refused it") : fmt::format("a person refused it: {}", answered.reason))
                                 : std::string("nobody approved it in time");
    co_return co_await refuse(in, draft, judged, note);
  }
  if (in.channel.gone()) {
    // Not served behind the client's back: its repeat picks the yes up.
    waiter.leave_open();
    draft.approval = approval.id;
    judged.decision.reason = "approved, but the client had left";
    parts_.journal.record(record_of(draft, in, judged));
    co_return;
  }
  co_await run_approved(in, flight, draft, Yes{.waiter = std::move(waiter), .id = approval.id});
}

}  // namespace callgate::gateway
