#include "gateway/gate.hpp"

#include <fmt/format.h>

#include "gateway/gate_draft.hpp"
#include "gateway/outbound.hpp"
#include "mcp/codes.hpp"
#include "mcp/own_messages.hpp"

namespace callgate::gateway {

namespace {

constexpr std::array modern{mcp::Revision::r2026_07_28};

/// The statuses that say something of a message; any other is between the server
/// and the gateway: a 401 would send the client to a server that it does not know.
int shown_status(int status) { return status == 400 || status == 404 ? status : 200; }

/// Raised as well by a client that is not there any more.
net::Task<void> raise_when_gone(Channel& channel, net::Signal& signal) {
  co_await channel.until_gone();
  signal.raise();
}

}  // namespace

Gate::Gate(const Parts& parts, config::Server server, Totals& totals)
    : parts_(parts),
      server_(std::move(server)),
      totals_(totals),
      links_(parts_, server_, totals),
      tools_(parts_, links_),
      revived_(parts.loop),
      allowed_(parts.metrics.counter("callgate_messages_total", "Messages of clients by decision.",
                                     {{"server", server_.name}, {"decision", "allow"}})),
      refused_(parts.metrics.counter("callgate_messages_total", "Messages of clients by decision.",
                                     {{"server", server_.name}, {"decision", "refuse"}})) {
  links_.take_params_from([this](const mcp::Message& call) { return tool_params(call, mcp::Era::legacy); });
}

Gate::~Gate() {
  tasks_.cancel();
  totals_.sessions -= sessions_.size();
}

std::span<const mcp::Revision> Gate::modern_revisions() const { return modern; }

net::Task<void> Gate::handle(Inbound in) {
  const Busy of_gate(busy_);
  in.conversation->last_used = parts_.loop.now();
  // A stateless caller has no session that could end: whoever revokes its grant finds its requests here.
  std::optional<Counting> revocable;
  if (in.era() == mcp::Era::modern) revocable.emplace(*this, *in.conversation);
  if (in.era() == mcp::Era::modern && in.message.is_request() && !links_.knows_modern()) co_await learn_era();
  if (in.conversation->kept) note_use(*in.conversation);
  if (in.message.is_response()) co_return co_await handle_response(in);
  const auto standing = mcp::standing(in.message.method_id, in.revision, mcp::Direction::from_client);
  if (in.message.is_notification()) {
    // A notification has no answer, so what is refused is dropped. A request's method without an id is
    // refused as well: servers run such a call, and nobody would have judged it.
    if (standing == mcp::Standing::known && mcp::is_notification(in.message.method_id)) co_return co_await handle_notification(in);
    refused_.add();
    parts_.journal.refused({.server = server_.name, .method = in.message.method.view(), .era = mcp::word(in.revision),
                            .reason = standing == mcp::Standing::known ? "a request without an id" : "unknown notification"});
    co_await in.channel.accepted();
    co_return;
  }
  if (standing == mcp::Standing::unknown || mcp::is_notification(in.message.method_id)) {
    refused_.add();
    parts_.journal.refused({.server = server_.name, .method = in.message.method.view(), .era = mcp::word(in.revision), .reason = "method not on the allow-list"});
    co_await in.channel.answer(mcp::method_not_found(in.message.id_text, in.message.method.view()), {}, in.status(404));
    co_return;
  }
  if (in.conversation->find_in_flight(in.message.id_text) != nullptr)
    co_return co_await refuse_shape(in, {ErrorKind::invalid, "a request with this id is still under way: use each id once", {}}, mcp::code::invalid_request);
  InFlight flight;
  flight.id = in.message.id_text;
  flight.channel = &in.channel;
  in.conversation->in_flight.push_back(flight);
  const Busy of_conversation(in.conversation->busy);
  co_await handle_request(in, flight);
}

/// Once for each server, before its first stateless request: does it speak that
/// era, or is it to be bridged? A child that takes long to start is waited for first.
net::Task<void> Gate::learn_era() {
  if (!links_.over_http()) co_await tools_.settled(mcp::Era::legacy, server_.start_timeout);
  co_await links_.learn_modern();
}

net::Task<void> Gate::handle_request(Inbound& in, InFlight& flight) {
  using enum mcp::MethodId;
  switch (in.message.method_id) {
    case initialize: return handle_initialize(in, flight);
    case tools_call: return handle_call(in, flight);
    case resources_read:
    case resources_subscribe:
    case prompts_get: return handle_judged(in, flight);
    case completion_complete: return handle_completion(in, flight);
    case tools_list:
    case prompts_list:
    case resources_list:
    case resources_templates_list:
    case tasks_list: return handle_list(in, flight);
    case tasks_get:
    case tasks_result:
    case tasks_update:
    case tasks_cancel: return handle_task(in, flight);
    case subscriptions_listen: return handle_listen(in, flight);
    default: return pass(in, &flight);
  }
}

net::Task<void> Gate::handle_notification(Inbound& in) {
  if (in.message.method_id == mcp::MethodId::notifications_cancelled) {
    const auto cancelled = mcp::read_cancelled(in.message);
    InFlight* flight = cancelled && !cancelled->request_id.empty() ? in.conversation->find_in_flight(cancelled->request_id) : nullptr;
    if (flight != nullptr) flight->cancelled = true;
    if (flight != nullptr && flight->waiting != nullptr) flight->waiting->raise();
    // A call that never left needs no cancel, and one that is over ignores it. What waits, cancels.
    if (flight == nullptr || !flight->forwarded || (in.era() == mcp::Era::modern && flight->waiting != nullptr)) {
      co_await in.channel.accepted();
      co_return;
    }
  }
  co_await pass(in, nullptr);
  const Conversation& conversation = *in.conversation;
  const bool opened = in.message.method_id == mcp::MethodId::notifications_initialized && conversation.link && conversation.link->has_stream();
  if (!opened || in.channel.takes_raw()) co_return;
  if (!conversation.pipe) {
    tasks_.spawn(follow_stream(in.conversation));
  } else if (conversation.pipe_tasks != nullptr) {
    conversation.pipe_tasks->spawn(follow_stream(in.conversation));
  }
}

net::Task<void> Gate::handle_response(Inbound& in) {
  if (in.era() == mcp::Era::modern || !in.conversation->take_server_request(in.message.id_text))
    co_return co_await refuse_shape(in, {ErrorKind::invalid, "nobody waits for this response", {}}, mcp::code::invalid_request);
  co_await pass(in, nullptr);
}

/// A message that needs no rule: on record, forwarded, answered as the server answers.
net::Task<void> Gate::pass(Inbound& in, InFlight* flight) {
  const Draft draft{.id = parts_.journal.next_id()};
  Judged judged{.policy = policy()};
  judged.decision.verdict = policy::Verdict::allow;
  co_await pass_judged(in, flight, draft, judged);
}

/// The same for one that a rule let through and that uses nothing up.
net::Task<void> Gate::pass_judged(Inbound& in, InFlight* flight, const Draft& draft, const Judged& judged) {
  Exchange what{.record = record_of(draft, in, judged), .bytes = in.message.bytes(), .message = &in.message};
  auto delivery = co_await exchange(in, flight, what);
  if (delivery) co_await deliver(in, *delivery, what.record.id);
}

/// What the child of this conversation says unasked has a place to go.
void Gate::listen_to(const std::shared_ptr<Conversation>& conversation) {
  if (!conversation->unsolicited) conversation->unsolicited = std::make_unique<UnsolicitedSink>(*this, conversation);
  conversation->link->on_unsolicited(conversation->unsolicited.get());
}

net::Task<Result<void>> Gate::ensure_link(Inbound& in) {
  Conversation& conversation = *in.conversation;
  if (in.era() == mcp::Era::legacy) co_return co_await revive(in.conversation);
  auto link = links_.stateless(conversation.session.grant);
  if (!link) co_return std::unexpected(link.error());
  conversation.link = std::move(*link);
  if (!stateless_) {
    stateless_ = std::make_shared<Conversation>();
    stateless_->session.revision = mcp::latest_revision;
    stateless_->unsolicited = std::make_unique<UnsolicitedSink>(*this, stateless_);
  }
  conversation.link->on_unsolicited(stateless_->unsolicited.get());
  co_return Result<void>{};
}

/// One request opens the server's session again; others that come meanwhile wait for it.
net::Task<Result<void>> Gate::revive(std::shared_ptr<Conversation> conversation) {
  const net::Instant until = parts_.loop.now() + server_.start_timeout;
  while (conversation->reviving) {
    const net::Duration left = until - parts_.loop.now();
    if (left <= net::Duration::zero() || !co_await revived_.wait(left)) co_return fail(ErrorKind::timeout, "the server's session is being opened again");
  }
  if (conversation->link && conversation->link->alive()) co_return Result<void>{};
  if (conversation->opening.empty() || conversation->closed) co_return fail(ErrorKind::closed, "the server's session is over: initialize again");
  conversation->reviving = true;
  auto done = co_await reopen(conversation);
  conversation->reviving = false;
  if (!done) conversation->link.reset();
  revived_.notify();
  co_return done;
}

net::Task<Result<void>> Gate::reopen(const std::shared_ptr<Conversation>& conversation) {
  auto made = links_.for_session();
  if (!made) co_return std::unexpected(made.error());
  const std::shared_ptr<upstream::Link> link = std::move(*made);
  conversation->link = link;
  listen_to(conversation);
  json::Document document;
  const auto opening = mcp::read_message(conversation->opening, document, mcp::Direction::from_client);
  if (!opening) co_return std::unexpected(opening.error());
  CallSink sink(*this, conversation, conversation->session.revision, nullptr);
  const auto kind = audit::Internal::initialize;
  auto permit = co_await permit_after_record(parts_.loop, parts_.journal, parts_.journal.record_internal(kind, server_.name));
  if (!permit) co_return std::unexpected(permit.error());
  auto answer = co_await link->forward(
      std::move(*permit), {.bytes = conversation->opening, .message = &*opening, .time = server_.start_timeout}, sink);
  if (!answer) co_return std::unexpected(std::move(answer.error().error));
  if (answer->is_error || answer->kind != upstream::Delivery::Kind::answer) co_return fail(ErrorKind::unavailable, "the server refused to open the session again");
  link->agreed(mcp::word(conversation->session.revision));
  const std::string_view initialized = R"({"jsonrpc":"2.0","method":"notifications/initialized"})";
  json::Document note_document;
  const auto note = mcp::read_message(initialized, note_document, mcp::Direction::from_client);
  permit = co_await permit_after_record(parts_.loop, parts_.journal, parts_.journal.record_internal(kind, server_.name));
  if (!permit) co_return std::unexpected(permit.error());
  auto noted = co_await link->forward(std::move(*permit), {.bytes = initialized, .message = note ? &*note : nullptr}, sink);
  if (!noted) co_return std::unexpected(std::move(noted.error().error));
  parts_.log.info("upstream_session_reopened", {{"server", server_.name}});
  co_return Result<void>{};
}

/// Record, permit, forward. What could not be recorded is not forwarded.
net::Task<upstream::Forwarded> Gate::forward_recorded(Inbound& in, Exchange& what, Channel* channel) {
  Conversation& conversation = *in.conversation;
  const Ulid id = what.record.id;
  if (in.era() == mcp::Era::modern && links_.over_http()) what.headers = mirrored_lines(*what.message, in.revision, param_headers(in));
  auto permit = co_await permit_after_record(parts_.loop, parts_.journal, parts_.journal.record(what.record));
  if (!permit) {
    parts_.log.error("record_not_written", {{"server", server_.name}, {"fault", permit.error().message}});
    co_return std::unexpected(upstream::Failure{{ErrorKind::internal, fmt::format("the call could not be put on record, so it was refused: {}", permit.error().message), {}}, false});
  }
  CallOutcome outcome(parts_.journal, id, stopping_);
  CallSink sink(*this, in.conversation, in.revision, channel, what.endless ? CallSink::Of::subscription : CallSink::Of::call);
  sink.hear_for(in);
  upstream::Outbound out{.bytes = what.bytes,
                               .message = what.message,
                               .headers = what.headers,
                               .time = server_.call_timeout,
                               .may_resume = in.era() == mcp::Era::legacy && in.channel.may_resume() && !mcp::list_shape(in.message.method_id),
                               .endless = what.endless,
                               .seen = what.seen};
  // The link may be replaced while this exchange still uses it.
  const std::shared_ptr<upstream::Link> link = conversation.link;
  auto forwarded = co_await link->forward(std::move(*permit), std::move(out), sink);
  if (forwarded) {
    const bool resumable = forwarded->kind == upstream::Delivery::Kind::resumable;
    outcome.ended(resumable ? "left_to_a_resumed_stream" : "answered", forwarded->is_error, forwarded->bytes.size());
  } else {
    outcome.ended(forwarded.error().sent ? "failed" : "not_sent", true, 0);
  }
  co_return forwarded;
}

/// In the stateless era a client that leaves has cancelled its request: the
/// server is told at once (protocol item 72).
net::Task<upstream::Forwarded> Gate::forward_while_there(Inbound& in, InFlight& flight, Exchange& what) {
  std::optional<upstream::Forwarded> out;
  net::Signal done(parts_.loop);
  const WaitingAt waiting(flight, done);
  net::TaskGroup tasks;
  tasks.spawn(raise_when_gone(in.channel, done));
  tasks.spawn(forward_into(in, what, out, done));
  if (!out) co_await done.wait(net::Loop::forever);
  if (out) co_return std::move(*out);
  co_await cancel_upstream(in);
  co_return std::unexpected(upstream::Failure{{ErrorKind::closed, "the client left", {}}, true});
}

net::Task<void> Gate::forward_into(Inbound& in, Exchange& what, std::optional<upstream::Forwarded>& out, net::Signal& done) {
  out = co_await forward_recorded(in, what, &in.channel);
  done.raise();
}

net::Task<void> Gate::cancel_upstream(Inbound& in) {
  const std::shared_ptr<upstream::Link> link = in.conversation->link;
  if (!link || !link->alive() || !link->hears_cancels()) co_return;
  const std::string cancel = mcp::cancelled_notification(in.message.id_text, "the client left");
  json::Document document;
  const auto message = mcp::read_message(cancel, document, mcp::Direction::from_client);
  auto permit = co_await permit_after_record(parts_.loop, parts_.journal, parts_.journal.record_internal(audit::Internal::cancel, server_.name, mcp::word(in.revision)));
  if (!message || !permit) co_return;
  CallSink sink(*this, in.conversation, in.revision, nullptr);
  [[maybe_unused]] const auto sent = co_await link->forward(std::move(*permit), {.bytes = cancel, .message = &*message}, sink);
}

net::Task<std::optional<upstream::Delivery>> Gate::exchange(Inbound& in, InFlight* flight, Exchange& what) {
  Conversation& conversation = *in.conversation;
  bool sent = false;  // once; the server may have run it, whatever it says
  for (int attempt = 0;; ++attempt) {
    const bool linked_already = conversation.link && conversation.link->alive() && !conversation.reviving;
    if (auto linked = linked_already ? Result<void>{} : co_await ensure_link(in); !linked) {
      if (!sent) give_back(what);
      parts_.log.warn("upstream_not_reached", {{"server", server_.name}, {"fault", linked.error().message}, {"detail", linked.error().where}});
      co_await answer_failure(in, linked.error());
      co_return std::nullopt;
    }
    // Opening the link may have taken long enough for the caller to lose its right.
    if (flight != nullptr && conversation.closed) {
      if (!sent) give_back(what);
      co_await answer_failure(in, {ErrorKind::refused, "the caller's grant or session ended", {}});
      co_return std::nullopt;
    }
    if (flight != nullptr) flight->forwarded = true;
    auto forwarded = in.era() == mcp::Era::modern && flight != nullptr ? co_await forward_while_there(in, *flight, what)
                                                                       : co_await forward_recorded(in, what, &in.channel);
    if (forwarded) {
      allowed_.add();
      co_return std::move(*forwarded);
    }
    upstream::Failure& failure = forwarded.error();
    sent = sent || failure.sent;
    // Only a message that did not run may go a second time, on a new session. What the server says of that
    // is good enough for sending it again, not for giving its share of the limits back.
    const bool may_repeat = (!failure.sent || failure.session_unknown) && !conversation.closed && !conversation.opening.empty();
    if (may_repeat && attempt == 0 && !(conversation.link && conversation.link->alive())) {
      what.record.id = parts_.journal.next_id();
      continue;
    }
    if (!sent) give_back(what);
    if (flight != nullptr && flight->cancelled && in.era() == mcp::Era::modern) {
      co_await in.channel.ended();
      co_return std::nullopt;
    }
    parts_.log.warn("upstream_failed", {{"server", server_.name}, {"method", in.message.method.view()}, {"fault", failure.error.message}, {"detail", failure.error.where}});
    co_await answer_failure(in, failure.error);
    co_return std::nullopt;
  }
}

/// What a modern server asks of the client stands in its answer: it is decided
/// like a request of its own, and an answer that asks for what is not allowed
/// does not pass (protocol item 84).
bool Gate::may_ask(Inbound& in, const upstream::Delivery& delivery, std::string& refused) {
  json::Document document;
  const json::Limits limits{.max_depth = 512, .max_keys = 4'000'000, .check_number_range = false, .keep_depth = 5};
  const auto message = mcp::read_message(delivery.bytes, document, mcp::Direction::from_server, limits);
  if (!message) return false;
  if (message->result && may_begin_task(in)) note_task(in, message->result, mcp::read_tool_call(in.message)->name.view());
  if (message->result && in.era() == mcp::Era::modern) note_round(in, message->result);
  const auto asked = message->result ? message->result.find("inputRequests") : std::nullopt;
  if (!asked) return true;
  if (!asked->is_object()) return false;
  bool allowed = true;
  for (const json::Member member : asked->members()) {
    const auto method = member.value.is_object() ? member.value.find("method") : std::nullopt;
    const std::string name = method && method->is_string() ? method->string() : std::string("unnamed");
    if (decide_asking(*in.conversation, in.revision, mcp::method_id(name), name)) continue;
    allowed = false;
    refused = name;
  }
  return allowed;
}

net::Task<void> Gate::refuse_asking(Inbound& in, std::string_view asked) {
  if (in.message.method_id == mcp::MethodId::tools_call && !asked.empty())
    co_return static_cast<void>(co_await in.channel.answer(mcp::failed_call(in.message.id_text, fmt::format("the server asks the client for `{}`, which the policy does not allow", asked), in.era())));
  const std::string text = asked.empty() ? std::string("the server's answer cannot be read")
                                         : fmt::format("the server asks the client for `{}`, which the policy does not allow", asked);
  co_await in.channel.answer(mcp::rpc_error(in.message.id_text, asked.empty() ? mcp::code::internal_error : mcp::code::denied, text));
}

void Gate::keep_resumable(Conversation& conversation, Resumable due) {
  constexpr std::size_t most = 64;
  if (conversation.resumable.size() >= most) conversation.resumable.erase(conversation.resumable.begin());
  conversation.resumable.push_back(std::move(due));
}

net::Task<void> Gate::deliver(Inbound& in, upstream::Delivery& delivery, Ulid decision) {
  switch (delivery.kind) {
    case upstream::Delivery::Kind::answer:
      if (std::string asked; (in.era() == mcp::Era::modern || may_begin_task(in)) && !may_ask(in, delivery, asked)) co_return co_await refuse_asking(in, asked);
      co_await in.channel.answer(delivery.bytes, delivery.raw, in.status(shown_status(delivery.http_status)));
      break;
    case upstream::Delivery::Kind::accepted: co_await in.channel.accepted(); break;
    case upstream::Delivery::Kind::resumable:
      keep_resumable(*in.conversation, {.id = std::string(in.message.id_text), .decision = decision});
      co_await in.channel.ended();
      break;
  }
}

net::Task<void> Gate::answer_failure(Inbound& in, const Error& error) {
  if (!in.message.is_request()) {
    co_await in.channel.accepted();
    co_return;
  }
  // What the call brought is too much for the gateway, and may be less when it is asked for otherwise: the model's to know.
  const bool for_model = in.message.method_id == mcp::MethodId::tools_call && error.kind == ErrorKind::too_large;
  co_await in.channel.answer(for_model ? mcp::failed_call(in.message.id_text, error.message, in.era())
                                       : mcp::rpc_error(in.message.id_text, mcp::code::internal_error, error.message));
}

net::Task<void> Gate::refuse_shape(Inbound& in, const Error& error, int code) {
  refused_.add();
  parts_.journal.refused({.server = server_.name, .method = in.message.method.view(), .era = mcp::word(in.revision), .reason = error.message});
  parts_.log.info("message_refused", {{"server", server_.name}, {"why", error.message}});
  if (in.message.is_notification()) {
    co_await in.channel.accepted();
    co_return;
  }
  const int status = in.message.is_response() || in.era() == mcp::Era::modern ? 400 : 200;
  co_await in.channel.answer(mcp::rpc_error(in.message.is_response() ? std::string_view{} : in.message.id_text, code, error.message), {}, status);
}

net::Task<void> Gate::refuse(Inbound& in, Draft& draft, const Judged& judged, std::optional<mcp::DecisionNote::Approval> approval) {
  const policy::Decision& decision = judged.decision;
  refused_.add();
  parts_.journal.record(record_of(draft, in, judged));
  // The journal has it; a line of the log for each would be paid for by whoever is refused most.
  parts_.log.debug("call_refused", {{"id", draft.id.text()}, {"server", server_.name}, {"subject", draft.subject},
                                   {"verdict", policy::word(decision.verdict)}, {"rule", decision.rule}});
  if (!judged.unhidden || judged.unhidden->verdict >= policy::Verdict::require_approval)
    co_return co_await answer_refusal(in, draft, judged, approval);
  // Where the policy refuses names that nobody has, it refuses this one like them (docs/decisions/0006).
  Judged shown = judged;
  shown.decision = *judged.unhidden;
  co_await answer_refusal(in, draft, shown, approval);
}

net::Task<void> Gate::answer_refusal(Inbound& in, const Draft& draft, const Judged& judged, std::optional<mcp::DecisionNote::Approval> approval) {
  const policy::Decision& decision = judged.decision;
  const std::string_view id = in.message.id_text;
  const bool hidden = decision.verdict == policy::Verdict::hide || decision.verdict == policy::Verdict::unknown_tool;
  const auto method = in.message.method_id;
  if (hidden) {
    const bool prompt = draft.action == policy::Action::prompt_get || draft.action == policy::Action::prompt_complete;
    const std::string answer = method == mcp::MethodId::tools_call ? tools_.known(in.era()).unknown_tool.render(draft.subject, id)
                               : prompt                            ? mcp::unknown_prompt(id, draft.subject)
                                                                   : mcp::resource_not_found(id, draft.subject, in.era());
    co_await in.channel.answer(answer);
    co_return;
  }
  mcp::DecisionNote note{.id = draft.id.text(), .verdict = policy::word(decision.verdict), .rule = decision.rule,
                         .reason = decision.reason, .approval = approval};
  if (const policy::Policy* deciding = judged.deciding()) note.policy = deciding->hash();
  if (decision.retry_after.count() > 0)
    note.retry_after_s = static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(decision.retry_after).count());
  note.remaining = decision.remaining;
  const std::string text = refusal_text(decision);
  if (method == mcp::MethodId::tools_call) {
    co_await in.channel.answer(mcp::denied_call(id, text, note, in.era()));
    co_return;
  }
  const int code = decision.verdict == policy::Verdict::rate_limited       ? mcp::code::limit_reached
                   : decision.verdict == policy::Verdict::require_approval ? mcp::code::approval_needed
                   : decision.verdict == policy::Verdict::fault            ? mcp::code::undecided
                                                                           : mcp::code::denied;
  co_await in.channel.answer(mcp::denied_request(id, code, text, note));
}

}  // namespace callgate::gateway
