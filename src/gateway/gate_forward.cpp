// The way to the server: its link, the record, the permit, the forward.
#include <algorithm>

#include <fmt/format.h>

#include "base/random.hpp"
#include "gateway/gate_draft.hpp"
#include "gateway/start_signs.hpp"
#include "mcp/handshake.hpp"
#include "mcp/headers.hpp"
#include "mcp/own_messages.hpp"
#include "mcp/own_task.hpp"
#include "mcp/requests.hpp"

namespace callgate::gateway {

namespace {

/// Raised as well by a client that is not there any more.
net::Task<void> raise_when_gone(Channel& channel, net::Signal& signal) {
  co_await channel.until_gone();
  signal.raise();
}

}  // namespace

/// What has been waited for already counts.
net::Duration Gate::time_to_begin(const Inbound& in) const {
  return std::min<net::Duration>(server_.start_timeout, in.begin_until - parts_.loop.now());
}

/// The list of tools is read anew, which may take as long as the server takes to start.
net::Task<bool> Gate::wait_for_tools(Inbound& in, mcp::Era era) {
  if (in.unheard) co_return false;
  StartSigns signs(parts_.loop, in.channel, in.message, in.signs);
  co_return co_await tell_while(parts_.loop, signs, [] { return true; }, tools_.current(era, time_to_begin(in)));
}

/// What the child of this conversation says unasked has a place to go.
void Gate::listen_to(const std::shared_ptr<Conversation>& conversation) {
  if (!conversation->unsolicited) conversation->unsolicited = std::make_unique<UnsolicitedSink>(*this, conversation);
  conversation->link->on_unsolicited(conversation->unsolicited.get());
}

net::Task<Result<void>> Gate::ensure_link(Inbound& in) {
  Conversation& conversation = *in.conversation;
  if (in.era() == mcp::Era::legacy) {
    StartSigns signs(parts_.loop, in.channel, in.message, in.signs);
    co_return co_await tell_while(parts_.loop, signs, [] { return true; }, revive(in.conversation));
  }
  if (in.unheard) co_return fail(ErrorKind::timeout, "the server did not answer in time");
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
  if (conversation->closed) co_return fail(ErrorKind::closed, "the server's session is over: initialize again");
  if (conversation->opening.empty()) co_return fail(ErrorKind::closed, "this session was not opened yet: send `initialize` first");
  conversation->reviving = true;
  auto done = co_await reopen(conversation);
  conversation->reviving = false;
  conversation->unproven = done.has_value();
  if (!done) conversation->link.reset();
  revived_.notify();
  co_return done;
}

net::Task<Result<void>> Gate::reopen(const std::shared_ptr<Conversation>& conversation) {
  conversation->link.reset();  // what is gone takes nobody's room
  auto made = links_.for_session(conversation->session.grant);
  if (!made) co_return std::unexpected(made.error());
  const std::shared_ptr<upstream::Link> link = std::move(*made);
  conversation->link = link;
  const bool anew = conversation->unsolicited != nullptr;  // and not another gateway's until now
  listen_to(conversation);
  json::Document document;
  const auto opening = mcp::read_message(conversation->opening, document, mcp::Direction::from_client);
  if (!opening) co_return std::unexpected(opening.error());
  CallSink sink(*this, conversation, conversation->session.revision, nullptr);
  const auto kind = audit::Internal::initialize;
  auto permit = co_await permit_for_own(parts_, kind, server_.name);
  if (!permit) co_return std::unexpected(permit.error());
  auto answer = co_await link->forward(
      std::move(*permit), {.bytes = conversation->opening, .message = &*opening, .time = server_.start_timeout}, sink);
  if (!answer) co_return std::unexpected(std::move(answer.error().error));
  if (answer->look.is_error || answer->kind != upstream::Delivery::Kind::answer) co_return fail(ErrorKind::unavailable, "the server refused to open the session again");
  // The server may be another version by now: its header says what was agreed with it this time (protocol item 17).
  json::Document opened_document;
  const auto message = mcp::read_message(answer->bytes, opened_document, mcp::Direction::from_server, upstream::whole_answer);
  const auto opened = message && message->result ? mcp::read_initialized(*message) : fail(ErrorKind::malformed, "the server opened no session");
  if (!opened) co_return std::unexpected(opened.error());
  const auto revision = mcp::parse_revision(opened->protocol_version.view());
  if (!revision || mcp::era_of(*revision) == mcp::Era::modern) co_return fail(ErrorKind::unsupported, "the server chose a protocol revision that this gateway does not know");
  link->agreed(mcp::word(*revision));
  conversation->runs_tasks = mcp::runs_calls_as_tasks(opened->capabilities);
  conversation->lists = lists_of(*opened);
  const std::string_view initialized = R"({"jsonrpc":"2.0","method":"notifications/initialized"})";
  json::Document note_document;
  const auto note = mcp::read_message(initialized, note_document, mcp::Direction::from_client);
  permit = co_await permit_for_own(parts_, kind, server_.name);
  if (!permit) co_return std::unexpected(permit.error());
  auto noted = co_await link->forward(std::move(*permit), {.bytes = initialized, .message = note ? &*note : nullptr}, sink);
  if (!noted) co_return std::unexpected(std::move(noted.error().error));
  parts_.log.info("upstream_session_reopened", {{"server", server_.name}});
  if (anew) tools_.server_opened_anew(upstream::Reader::client);
  // Calls do not wait for it.
  if (!conversation->watched.empty() || !conversation->log_level.empty()) tasks_.spawn(tell_wishes(conversation, link));
  co_return Result<void>{};
}

/// What the server has taken of its client's wishes it forgets with the session.
void Gate::note_wishes(const Inbound& in) {
  using enum mcp::MethodId;
  Conversation& conversation = *in.conversation;
  const auto method = in.message.method_id;
  if (method == logging_set_level) {
    const auto level = in.message.params ? in.message.params.find("level") : std::nullopt;
    if (level && level->is_string() && level->text().size() <= 64) conversation.log_level = level->text();
    return;
  }
  if (method != resources_subscribe && method != resources_unsubscribe) return;
  const auto resource = mcp::read_resource_request(in.message);
  if (!resource) return;
  std::erase(conversation.watched, resource->uri.view());
  if (method == resources_unsubscribe) return;
  if (conversation.watched.size() >= mcp::max_listen_uris) conversation.watched.erase(conversation.watched.begin());
  conversation.watched.emplace_back(resource->uri.view());
}

/// They hold for the new session too, as far as the policy of now lets them.
net::Task<void> Gate::tell_wishes(std::shared_ptr<Conversation> conversation, std::shared_ptr<upstream::Link> link) {
  const auto fresh_id = [] { return fmt::format(R"("callgate-{}")", random_hex(8)); };
  std::vector<std::string> wishes;
  if (!conversation->log_level.empty()) wishes.push_back(mcp::set_level_request(fresh_id(), conversation->log_level));
  for (const std::string& uri : conversation->watched) {
    if (may_hear_of(*conversation, uri))
      wishes.push_back(mcp::resource_request(fresh_id(), mcp::MethodId::resources_subscribe, uri));
  }
  for (const std::string& request : wishes) {
    if (conversation->closed || conversation->link != link) co_return;
    json::Document document;
    const auto message = mcp::read_message(request, document, mcp::Direction::from_client);
    auto permit = co_await permit_for_own(parts_, audit::Internal::subscribe, server_.name);
    if (!message || !permit) co_return;
    CallSink sink(*this, conversation, conversation->session.revision, nullptr);
    const auto taken = co_await link->forward(
        std::move(*permit), {.bytes = request, .message = &*message, .time = server_.call_timeout}, sink);
    if (!taken || taken->look.is_error)
      parts_.log.warn("upstream_wish_lost", {{"server", server_.name}, {"method", message->method.view()}});
  }
}

/// A call that was judged for a server which was opened anew since.
net::Task<bool> Gate::still_allowed(const Inbound& in, Exchange& what) {
  what.openings = tools_.openings();
  return still_allowed(in);
}

/// Record, permit, forward. What could not be recorded is not forwarded.
net::Task<upstream::Forwarded> Gate::forward_recorded(Inbound& in, Exchange& what, Channel* channel) {
  // The conversation's may be replaced while this exchange waits for its record, or still uses it.
  const std::shared_ptr<upstream::Link> link = in.conversation->link;
  const Ulid id = what.record.id;
  if (in.era() == mcp::Era::modern && links_.over_http()) what.headers = mcp::mirrored_lines(*what.message, in.revision, param_headers(in));
  what.sending = false;
  audit::Ticket ticket = parts_.journal.record(what.record);
  CallOutcome outcome(parts_.journal, id, stopping_);
  auto permit = co_await PermitAfterRecord(parts_.loop, parts_.journal, std::move(ticket));
  if (!permit) {
    outcome.unrecorded();
    parts_.log.error("record_not_written", {{"server", server_.name}, {"fault", permit.error().message}});
    co_return std::unexpected(upstream::Failure{{ErrorKind::internal, fmt::format("the call could not be put on record, so it was refused: {}", permit.error().message), {}}, false});
  }
  const bool is_call = in.message.method_id == mcp::MethodId::tools_call;
  if (is_call && what.openings && tools_.openings() != *what.openings && !co_await still_allowed(in, what)) {
    outcome.ended("not_sent", true, 0);
    co_return std::unexpected(upstream::Failure{{ErrorKind::refused, "the server is another one by now, and the call is not allowed there", {}}, false});
  }
  CallSink sink(*this, in.conversation, in.revision, channel);
  sink.hear_for(in);
  sink.hear_subscribed(what.subscribed);
  std::optional<StartSigns> signs;
  // Of a subscription that is open somebody writes to the channel already.
  if (link->starting() && !what.opened_again) sink.wait_for(signs.emplace(parts_.loop, in.channel, in.message, in.signs));
  const bool opens = in.message.method_id == mcp::MethodId::initialize;
  upstream::Outbound out{.bytes = what.bytes,
                               .message = what.message,
                               .headers = what.headers,
                               .time = opens ? server_.start_timeout : server_.call_timeout,
                               .may_resume = in.era() == mcp::Era::legacy && in.channel.may_resume() && !mcp::list_shape(in.message.method_id),
                               .endless = what.subscribed != nullptr,
                               .seen = what.seen,
                               .call = id};
  what.sending = true;
  outcome.sending();
  auto forwarding = link->forward(std::move(*permit), std::move(out), sink);
  auto forwarded = signs ? co_await tell_while(parts_.loop, *signs, [&] { return link->starting(); }, std::move(forwarding)) : co_await forwarding;
  if (forwarded) {
    refuse_pages(in, *forwarded);
    const bool resumable = forwarded->kind == upstream::Delivery::Kind::resumable;
    outcome.ended(resumable ? "left_to_a_resumed_stream" : "answered", forwarded->look.is_error, forwarded->bytes.size());
  } else {
    outcome.ended(forwarded.error().sent ? "failed" : "not_sent", true, 0);
  }
  co_return forwarded;
}

/// Until there is an answer or nobody waits for one. In the stateless era a client
/// that leaves has cancelled its request: the server is told at once (protocol item
/// 72); so is whoever gives a task up. In a session only a cancel ends the rest, of
/// which the server has heard.
net::Task<upstream::Forwarded> Gate::forward_while_there(Inbound& in, InFlight& flight, Exchange& what) {
  std::optional<upstream::Forwarded> out;
  net::Signal done(parts_.loop);
  const WaitingAt waiting(flight, done);
  // The conversation may have another one by the time of a cancel.
  const std::shared_ptr<upstream::Link> link = in.conversation->link;
  net::TaskGroup tasks;
  const bool may_leave = in.era() == mcp::Era::modern || in.task != nullptr;
  if (may_leave) tasks.spawn(raise_when_gone(in.channel, done));
  tasks.spawn(forward_into(in, what, out, done));
  if (!out) co_await done.wait(net::Loop::forever);
  if (out) co_return std::move(*out);
  const bool sent = what.sending;
  if (may_leave && sent) co_await cancel_upstream(in, link, what.record.id);
  // It may read on where it closed its own side alone.
  co_return std::unexpected(upstream::Failure{{ErrorKind::closed, "the connection was closed from the client's side before the answer, which cancels a request without a session: keep it open until the answer is there", {}}, sent});
}

net::Task<void> Gate::forward_into(Inbound& in, Exchange& what, std::optional<upstream::Forwarded>& out, net::Signal& done) {
  out = co_await forward_recorded(in, what, &in.channel);
  done.raise();
}

net::Task<void> Gate::cancel_upstream(Inbound& in, std::shared_ptr<upstream::Link> link, Ulid call) {
  // A server with sessions takes no closed connection for a cancel.
  const bool hears = link && link->alive() && (link->hears_cancels() || in.era() == mcp::Era::legacy);
  if (!hears) co_return;
  const std::string cancel = mcp::cancelled_notification(in.message.id_text, "the client left");
  json::Document document;
  const auto message = mcp::read_message(cancel, document, mcp::Direction::from_client);
  auto permit = co_await permit_for_own(parts_, audit::Internal::cancel, server_.name, mcp::word(in.revision));
  if (!message || !permit) co_return;
  CallSink sink(*this, in.conversation, in.revision, nullptr);
  [[maybe_unused]] const auto sent = co_await link->forward(std::move(*permit), {.bytes = cancel, .message = &*message, .call = call}, sink);
}

/// Every sending has its share of the limits, so that a server which says that it did not run a call gets no
/// more of them. False: they are used up, and the caller was told.
net::Task<bool> Gate::take_again(Inbound& in, Exchange& what) {
  if (what.judged == nullptr) co_return true;
  const Taking taking(*this, what.judged->decision, *in.conversation);
  what.draft->id = what.record.id;
  what.draft->limits_taken_at = taking.at;
  what.draft->limits.clear();
  auto taken = co_await taking.take();
  if (!keep_taken(taken, *what.judged, what)) {
    co_await refuse(in, *what.draft, *what.judged);
    co_return false;
  }
  list_limits(*what.draft, *what.judged, *in.conversation, *what.taken);
  what.record = record_of(*what.draft, in, *what.judged);
  co_return true;
}

net::Task<std::optional<upstream::Delivery>> Gate::exchange(Inbound& in, InFlight* flight, Exchange& what) {
  Conversation& conversation = *in.conversation;
  bool sent = false;  // once; the server may have run it, whatever it says
  if (!what.openings) what.openings = tools_.openings();
  for (int attempt = 0;; ++attempt) {
    // The link of stateless requests is shared, and may be of another kind since the last one.
    const bool linked_already = in.era() == mcp::Era::legacy && conversation.link && conversation.link->alive() && !conversation.reviving;
    if (auto linked = linked_already ? Result<void>{} : co_await ensure_link(in); !linked) {
      if (!sent) give_back(what);
      parts_.log.warn("upstream_not_reached", {{"server", server_.name}, {"fault", linked.error().message}, {"detail", linked.error().where}});
      co_await answer_failure(in, linked.error());
      co_return std::nullopt;
    }
    // What was decided was about the server that is gone.
    const bool is_call = in.message.method_id == mcp::MethodId::tools_call;
    if (is_call && tools_.openings() != *what.openings && !co_await still_allowed(in, what)) {
      if (!sent) give_back(what);
      co_await refuse_anew(in);
      co_return std::nullopt;
    }
    if (sent && !co_await take_again(in, what)) co_return std::nullopt;
    // Opening the link may have taken long enough for the caller to lose its right.
    if (flight != nullptr && conversation.closed) {
      if (!sent) give_back(what);
      co_await answer_failure(in, {ErrorKind::refused, "the caller's grant or session ended", {}});
      co_return std::nullopt;
    }
    if (flight != nullptr && flight->cancelled && !sent) {
      give_back(what);
      co_await in.channel.ended();
      co_return std::nullopt;
    }
    if (flight != nullptr) flight->forwarded = true;
    // A list does nothing at its server that a session would have to hear the end of; a task is given up by its cancel.
    const bool may_end = flight != nullptr && (in.era() == mcp::Era::modern || in.task != nullptr || mcp::list_shape(in.message.method_id));
    auto forwarded = may_end ? co_await forward_while_there(in, *flight, what) : co_await forward_recorded(in, what, &in.channel);
    if (forwarded) {
      conversation.unproven = false;
      allowed_.add();
      co_return std::move(*forwarded);
    }
    upstream::Failure& failure = forwarded.error();
    sent = sent || failure.sent;
    // Only a message that did not run may go a second time, on a new session. What the server says of that
    // is good enough for sending it again, not for giving its share of the limits back.
    // Nor is a server believed a second time that knows no session which it has just opened.
    const bool unknown = failure.session_unknown && !std::exchange(conversation.unproven, false);
    // For a stateless request a bridge opens the next one itself.
    const bool opens = in.era() == mcp::Era::modern ? unknown : (!failure.sent || unknown) && !conversation.opening.empty() && !(conversation.link && conversation.link->alive());
    if (opens && !conversation.closed && attempt == 0) {
      what.record.id = parts_.journal.next_id();
      continue;
    }
    if (!sent) give_back(what);
    if (is_call && !failure.sent && failure.error.kind == ErrorKind::refused && !passes_now(in) && !(flight != nullptr && flight->cancelled)) {
      co_await refuse_anew(in);
      co_return std::nullopt;
    }
    // Who cancelled expects no answer, and may not be able to place one (basic/utilities/cancellation).
    if (flight != nullptr && flight->cancelled) {
      co_await in.channel.ended();
      co_return std::nullopt;
    }
    parts_.log.warn("upstream_failed", {{"server", server_.name}, {"method", in.message.method.view()}, {"fault", failure.error.message}, {"detail", failure.error.where}});
    co_await answer_failure(in, failure.error);
    co_return std::nullopt;
  }
}

}  // namespace callgate::gateway
