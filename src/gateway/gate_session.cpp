#include <algorithm>

#include <fmt/format.h>

#include "gateway/gate_draft.hpp"
#include "mcp/codes.hpp"
#include "mcp/handshake.hpp"
#include "mcp/own_messages.hpp"

namespace callgate::gateway {

namespace {

constexpr net::Duration idle_session = std::chrono::minutes(60);
/// One that may be in use at another gateway is let go of here a little later than it would end for all.
constexpr net::Duration idle_here = std::chrono::minutes(65);

}  // namespace

/// A session is known to the transport that opened it, and to no other.
std::shared_ptr<Conversation> Gate::find_session(std::string_view id, std::string_view grant) const {
  auto conversation = sessions_.find(id, grant);
  return conversation && !conversation->pipe ? conversation : nullptr;
}

std::shared_ptr<Conversation> Gate::find_pipe(std::string_view id, std::string_view grant) const {
  auto conversation = sessions_.find(id, grant);
  return conversation && conversation->pipe ? conversation : nullptr;
}

/// Makes room for one more session of that grant; why there is none, else.
std::string_view Gate::no_room(const std::string& grant) {
  if (totals_.sessions >= parts_.config.limits.sessions) reap_idle(parts_.loop.now());
  if (totals_.sessions >= parts_.config.limits.sessions) {
    refused_.add();
    parts_.log.warn("sessions_full", {{"server", server_.name}, {"sessions", sessions_.size()}});
    return "too many sessions are open: try again later";
  }
  if (grant.empty() || make_room(grant)) return {};
  refused_.add();
  parts_.log.warn("sessions_of_grant_full", {{"server", server_.name}, {"grant", grant}});
  return "this grant has too many sessions with calls under way: try again later";
}

mcp::Lists Gate::lists_of(const mcp::Initialized& opened) {
  return {.tools = true, .prompts = mcp::has_capability(opened.capabilities, "prompts"), .resources = mcp::has_capability(opened.capabilities, "resources")};
}

/// `initialize` opens a session with a link of its own; the server's answer
/// settles the revision.
net::Task<void> Gate::handle_initialize(Inbound& in, InFlight& flight) {
  Conversation& conversation = *in.conversation;
  auto opening = mcp::read_initialize(in.message);
  if (!opening) co_return co_await refuse_shape(in, opening.error(), mcp::code::invalid_params);
  // The session of a pipe has its place already.
  const std::string_view full = conversation.pipe ? std::string_view{} : no_room(conversation.session.grant);
  if (!full.empty())
    co_return static_cast<void>(co_await in.channel.answer(mcp::rpc_error(in.message.id_text, mcp::code::internal_error, full), {}, 503));
  bool bridged = links_.bridges_sessions();  // others may find out meanwhile
  if (auto linked = link_session(in.conversation); !linked) co_return co_await answer_failure(in, linked.error());
  conversation.session.client = mcp::read_client_capabilities(opening->capabilities);
  Draft draft{.id = parts_.journal.next_id()};
  Judged judged{.policy = policy()};
  judged.decision.verdict = policy::Verdict::allow;
  Exchange what{.record = record_of(draft, in, judged), .bytes = in.message.bytes(), .message = &in.message};
  auto delivery = co_await exchange(in, &flight, what);
  // A server without a handshake may speak the stateless era: then this session is bridged.
  if (delivery && delivery->look.is_error && !bridged && co_await links_.handshake_refused()) {
    if (auto linked = link_session(in.conversation); !linked) co_return co_await answer_failure(in, linked.error());
    what.record.id = parts_.journal.next_id();
    bridged = true;
    delivery = co_await exchange(in, &flight, what);
  }
  if (!delivery) co_return;
  json::Document document;
  const auto message = mcp::read_message(delivery->bytes, document, mcp::Direction::from_server, upstream::whole_answer);
  if (delivery->kind == upstream::Delivery::Kind::answer && !delivery->look.is_error && message) {
    const auto opened = mcp::read_initialized(*message);
    if (!opened) co_return co_await answer_failure(in, opened.error());
    const auto revision = mcp::parse_revision(opened->protocol_version.view());
    if (!revision || mcp::era_of(*revision) == mcp::Era::modern)
      co_return co_await answer_failure(in, {ErrorKind::unsupported, "the server chose a protocol revision that this gateway does not know", {}});
    if (!bridged) links_.session_opened();
    conversation.session.revision = *revision;
    conversation.lists = lists_of(*opened);
    conversation.link->agreed(mcp::word(*revision));
    conversation.runs_tasks = mcp::runs_calls_as_tasks(opened->capabilities);
    conversation.opening = in.message.bytes();
    if (!conversation.pipe) {
      if (!conversation.session.id.empty()) leave_session(in.conversation);  // stdio: a second handshake begins anew
      sessions_.enter_new(in.conversation);
    }
    tools_.want(mcp::Era::legacy);
    // Only over Streamable HTTP does a client name its session, so that it could go on elsewhere.
    if (parts_.sessions.keeps() && in.channel.may_resume()) co_await keep_session(in.conversation);
    if (const auto shown = co_await shown_opening(in, *message)) co_return static_cast<void>(co_await in.channel.answer(*shown));
  }
  co_await deliver(in, *delivery, what.record.id);
}

Result<void> Gate::link_session(const std::shared_ptr<Conversation>& conversation) {
  auto link = links_.for_session(conversation->session.grant);
  if (!link) {
    parts_.log.warn("upstream_not_started", {{"server", server_.name}, {"fault", link.error().message}, {"detail", link.error().where}});
    return std::unexpected(link.error());
  }
  conversation->link = std::move(*link);
  listen_to(conversation);
  return {};
}

/// A grant has a bounded number of sessions: the one longest unused makes room,
/// its open stream or not. False where all have calls under way.
bool Gate::make_room(std::string_view grant) {
  const SessionTable::OfGrant open = sessions_.of_grant(grant);
  if (open.count < parts_.config.limits.sessions_per_grant) return true;
  if (!open.longest_unused) return false;
  end_session(open.longest_unused);
  return true;
}

void Gate::end_sessions(const std::function<bool(std::string_view grant)>& may_stay) {
  std::vector<std::shared_ptr<Conversation>> over;
  for (const auto& each : sessions_.all()) {
    if (!may_stay(each->session.grant)) over.push_back(each);
  }
  for (const auto& each : over) end_session(each);
  links_.end_grants(may_stay);
  for (net::ListNode* node = counting_.next; node != &counting_; node = node->next) {
    Conversation& conversation = static_cast<Counting*>(node)->conversation;
    conversation.closed = conversation.closed || !may_stay(conversation.session.grant);
  }
  for (Held* held : held_) held->look_again(may_stay);
  end_subscriptions(may_stay);
}

/// The session's counts go to those that its caller opens next.
void Gate::leave_session(const std::shared_ptr<Conversation>& conversation) {
  parts_.counters.session_ended(subject(*conversation), parts_.clock.now());
  sessions_.leave(*conversation);
}

net::Task<void> Gate::delete_upstream_session(std::shared_ptr<Conversation> conversation) {
  const std::shared_ptr<upstream::Link> link = conversation->link;
  if (!link || !link->alive()) co_return;
  auto permit = co_await permit_for_own(parts_, audit::Internal::session_delete, server_.name);
  if (!permit) co_return;
  CallSink sink(*this, conversation, conversation->session.revision, nullptr);
  [[maybe_unused]] const auto deleted =
      co_await link->forward(std::move(*permit), {.form = upstream::Form::end_session, .time = std::chrono::seconds(5)}, sink);
}

void Gate::count_by(Conversation& conversation, std::string_view key) {
  const std::string& grant = conversation.session.grant;
  SessionKeys::Used used = keys_.use(grant, key, parts_.loop.now(), parts_.config.limits.sessions_per_grant);
  for (const std::string& over : used.over) parts_.counters.session_ended({.server = server_.name, .grant = grant, .session = over}, parts_.clock.now());
  conversation.session.name = std::move(used.name);
}

void Gate::reap_idle(net::Instant now) {
  for (const SessionKeys::Over& over : keys_.take_unused(now - idle_session))
    parts_.counters.session_ended({.server = server_.name, .grant = over.grant, .session = over.name}, parts_.clock.now());
  std::vector<std::shared_ptr<Conversation>> idle;
  for (const auto& each : sessions_.all()) {
    if (each->busy != 0 && each->kept) note_use(*each);
    if (each->busy == 0 && now - each->last_used > (each->kept ? idle_here : idle_session)) idle.push_back(each);
  }
  for (const auto& each : idle) close_session(each, each->kept ? Ending::here : Ending::for_all);
  links_.end_unused(now - idle_session);
  own_tasks_.trim(parts_.clock.now());
}

net::Task<bool> Gate::open_stream(std::shared_ptr<Conversation> conversation, Channel& channel, std::string_view last_event_id) {
  const Busy of_gate(busy_);
  const Busy of_conversation(conversation->busy);
  co_return co_await serve_stream(conversation, channel, last_event_id);
}

namespace {

net::Task<void> close_stream_when_gone(Channel& channel, std::shared_ptr<QueuedStream> stream) {
  co_await channel.until_gone();
  stream->close();
}

}  // namespace

/// A session has one stream: a newer one takes the place of the older, which ends.
net::Task<bool> Gate::serve_stream(std::shared_ptr<Conversation> conversation, Channel& channel, std::string_view last_event_id) {
  const auto stream = std::make_shared<QueuedStream>(parts_.loop);
  if (conversation->stream) conversation->stream->close();
  conversation->stream = stream;
  net::TaskGroup tasks;
  tasks.spawn(close_stream_when_gone(channel, stream));
  if (give_failures(*conversation, last_event_id)) stream->close();  // of the call that it would resume nothing more comes
  // One that was opened at another gateway has no link here yet.
  if (!conversation->link && !stream->closed()) [[maybe_unused]] const auto linked = co_await revive(conversation);
  if (stream->closed()) {
    // nothing to hear
  } else if (conversation->link && conversation->link->has_stream()) {
    tasks.spawn(feed_stream(conversation, stream, std::string(last_event_id)));
  } else {
    stream->open();  // a child speaks at any time: what belongs to no call goes here
  }
  co_await stream->write_to(channel);
  if (conversation->stream == stream) conversation->stream.reset();
  co_return stream->opened();
}

/// A client on stdio opens no stream: what a server over HTTP says unasked is
/// fetched for it, as long as the session and its link last.
net::Task<void> Gate::follow_stream(std::shared_ptr<Conversation> conversation) {
  net::Duration pause = std::chrono::seconds(1);
  const std::shared_ptr<upstream::Link> link = conversation->link;
  while (link->alive() && !conversation->closed && conversation->link == link) {
    audit::CallRecord record = record_for(*conversation, conversation->session.revision);
    record.id = parts_.journal.next_id();
    record.method = "stream";
    record.verdict = policy::Verdict::allow;
    auto permit = co_await PermitAfterRecord(parts_.loop, parts_.journal, parts_.journal.record(record));
    if (!permit) co_return;
    CallSink sink(*this, conversation, conversation->session.revision, nullptr);
    const auto over = co_await link->forward(std::move(*permit), {.form = upstream::Form::open_stream, .time = server_.call_timeout}, sink);
    if (over && over->http_status == 405) co_return;  // the server has none
    co_await parts_.loop.sleep(pause);
    pause = std::min<net::Duration>(pause * 2, std::chrono::minutes(1));
  }
}

net::Task<void> Gate::feed_stream(std::shared_ptr<Conversation> conversation, std::shared_ptr<QueuedStream> stream, std::string last_event_id) {
  const auto due = std::ranges::find_if(conversation->resumable, [&](const Resumable& each) { return !last_event_id.empty() && each.last_event == last_event_id; });
  if (due != conversation->resumable.end()) co_return co_await resume(conversation, stream, std::move(last_event_id), Ulid(due->decision));
  const Fed fed = co_await feed(conversation, *stream, last_event_id, {});
  // Where the server has no stream, the gate has news of its own: that a policy made the lists others.
  if (fed == Fed::unsupported) co_return stream->open();
  stream->close();
}

void Gate::retire() {
  stop();
  std::vector<std::shared_ptr<Conversation>> all;
  for (const auto& each : sessions_.all()) {
    // A pipe brings the answers of what is under way, and ends behind them.
    if (each->piped == 0) all.push_back(each);
  }
  for (const auto& each : all) close_session(each, Ending::here);
  links_.retire();
}

void Gate::stop() {
  stopping_ = true;
  for (const auto& each : sessions_.all()) {
    if (each->stream && each->piped == 0) each->stream->close();
  }
  for (Held* held : held_) held->wake.raise();
  end_subscriptions({});
}

void Gate::announce_list_change(mcp::Lists of) {
  for (const auto& each : sessions_.all()) {
    if (!each->stream) continue;
    for (const mcp::MethodId changed : each->lists.among(of).changed()) each->stream->push(mcp::plain_notification(changed), {});
  }
  tell_subscribers(of);
}

}  // namespace callgate::gateway
