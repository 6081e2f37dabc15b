#include <algorithm>

#include <fmt/format.h>

#include "gateway/gate_draft.hpp"
#include "mcp/codes.hpp"
#include "mcp/handshake.hpp"

namespace callgate::gateway {

namespace {

constexpr net::Duration idle_session = std::chrono::minutes(60);

}  // namespace

std::shared_ptr<Conversation> Gate::find_session(std::string_view id, std::string_view grant) const {
  const auto found = sessions_.find(id);
  if (found == sessions_.end() || found->second->session.grant != grant || found->second->closed) return nullptr;
  return found->second;
}

/// `initialize` opens a session with a link of its own; the server's answer
/// settles the revision.
net::Task<void> Gate::handle_initialize(Inbound& in, InFlight& flight) {
  Conversation& conversation = *in.conversation;
  auto opening = mcp::read_initialize(in.message);
  if (!opening) co_return co_await refuse_shape(in, opening.error(), mcp::code::invalid_params);
  if (totals_.sessions >= parts_.config.limits.sessions) reap_idle();
  if (totals_.sessions >= parts_.config.limits.sessions) {
    refused_.add();
    parts_.log.warn("sessions_full", {{"server", server_.name}, {"sessions", sessions_.size()}});
    co_await in.channel.answer(mcp::rpc_error(in.message.id_text, mcp::code::internal_error, "too many sessions are open: try again later"), {}, 503);
    co_return;
  }
  auto link = links_.for_session();
  if (!link) {
    parts_.log.warn("upstream_not_started", {{"server", server_.name}, {"fault", link.error().message}});
    co_return co_await answer_failure(in, link.error());
  }
  conversation.link = std::move(*link);
  listen_to(conversation);
  conversation.session.client = mcp::read_client_capabilities(opening->capabilities);
  Draft draft{.id = parts_.journal.next_id()};
  Judged judged{.policy = policy()};
  judged.decision.verdict = policy::Verdict::allow;
  Exchange what{.record = record_of(draft, in, judged), .bytes = in.message.bytes(), .message = &in.message};
  auto delivery = co_await exchange(in, &flight, what);
  if (!delivery) co_return;
  json::Document document;
  const auto message = mcp::read_message(delivery->bytes, document, mcp::Direction::from_server, upstream::answer_limits);
  if (delivery->kind == upstream::Delivery::Kind::answer && !delivery->is_error && message) {
    const auto opened = mcp::read_initialized(*message);
    if (!opened) co_return co_await answer_failure(in, opened.error());
    const auto revision = mcp::parse_revision(opened->protocol_version.view());
    if (!revision || mcp::era_of(*revision) == mcp::Era::modern)
      co_return co_await answer_failure(in, {ErrorKind::unsupported, "the server chose a protocol revision that this gateway does not know", {}});
    conversation.session.revision = *revision;
    conversation.link->agreed(mcp::word(*revision));
    conversation.opening = in.message.bytes();
    if (!conversation.session.grant.empty()) make_room(conversation.session.grant);
    conversation.session.id = session::new_session_id();
    conversation.session.name = session::session_name(conversation.session.id);
    sessions_.emplace(conversation.session.id, in.conversation);
    ++totals_.sessions;
    tools_.want(mcp::Era::legacy);
  }
  co_await deliver(in, *delivery);
}

/// A grant has a bounded number of sessions: the one longest unused makes room.
void Gate::make_room(std::string_view grant) {
  std::size_t count = 0;
  std::shared_ptr<Conversation> oldest;
  for (const auto& [id, each] : sessions_) {
    if (each->session.grant != grant) continue;
    ++count;
    if (each->busy == 0 && (!oldest || each->last_used < oldest->last_used)) oldest = each;
  }
  if (count >= parts_.config.limits.sessions_per_grant && oldest) end_session(oldest);
}

void Gate::end_session(const std::shared_ptr<Conversation>& conversation) {
  if (conversation->closed) return;
  conversation->closed = true;
  parts_.counters.session_ended(subject(*conversation), parts_.clock.now());
  totals_.sessions -= sessions_.erase(conversation->session.id);
  tasks_.spawn(delete_upstream_session(conversation));
}

net::Task<void> Gate::delete_upstream_session(std::shared_ptr<Conversation> conversation) {
  const std::shared_ptr<upstream::Link> link = conversation->link;
  if (!link || !link->alive()) co_return;
  auto permit = co_await permit_after_record(parts_.loop, parts_.journal,
                                             parts_.journal.record_internal(audit::Internal::session_delete, server_.name));
  if (!permit) co_return;
  CallSink sink(*this, *conversation, conversation->session.revision, nullptr);
  [[maybe_unused]] const auto deleted =
      co_await link->forward(std::move(*permit), {.form = upstream::Form::end_session, .time = std::chrono::seconds(5)}, sink);
}

void Gate::reap_idle() {
  std::vector<std::shared_ptr<Conversation>> idle;
  for (const auto& [id, each] : sessions_) {
    if (each->busy == 0 && parts_.loop.now() - each->last_used > idle_session) idle.push_back(each);
  }
  for (const auto& each : idle) end_session(each);
}

net::Task<bool> Gate::open_stream(std::shared_ptr<Conversation> conversation, Channel& channel, std::string_view last_event_id) {
  const Busy of_gate(busy_);
  const Busy of_conversation(conversation->busy);
  const bool served = co_await serve_stream(*conversation, channel, last_event_id);
  if (conversation->stream == &channel) {
    conversation->stream = nullptr;
    conversation->stream_over = nullptr;
  }
  co_return served;
}

namespace {

/// The GET stream towards the client, fed by the server's.
class StreamSink final : public upstream::Sink {
 public:
  StreamSink(CallSink& inner, Channel& channel, bool& opened) : inner_(inner), channel_(channel), opened_(opened) {}
  net::Task<bool> opened() override {
    opened_ = true;
    co_return co_await channel_.event({}, {});
  }
  net::Task<bool> event(const upstream::Event& event) override { return inner_.event(event); }

 private:
  CallSink& inner_;
  Channel& channel_;
  bool& opened_;
};

net::Task<void> raise_when_gone(Channel& channel, net::Signal& done) {
  co_await channel.until_gone();
  done.raise();
}

}  // namespace

net::Task<bool> Gate::serve_stream(Conversation& conversation, Channel& channel, std::string_view last_event_id) {
  CallSink sink(*this, conversation, conversation.session.revision, &channel);
  net::Signal done(parts_.loop);
  net::TaskGroup tasks;
  if (!links_.over_http()) {
    // A child speaks at any time: what belongs to no call goes here.
    conversation.stream = &channel;
    conversation.stream_over = &done;
    if (!co_await channel.event({}, {})) co_return true;
    tasks.spawn(raise_when_gone(channel, done));
    co_await done.wait(net::Loop::forever);
    co_return true;
  }
  audit::CallRecord record = record_for(conversation, conversation.session.revision);
  record.id = parts_.journal.next_id();
  record.method = "stream";
  record.verdict = policy::Verdict::allow;
  bool opened = false;
  StreamSink stream(sink, channel, opened);
  conversation.stream = &channel;
  conversation.stream_over = &done;
  const upstream::Outbound out{.form = upstream::Form::open_stream, .last_event_id = last_event_id, .time = server_.call_timeout};
  tasks.spawn(feed_stream(conversation.link, record, out, stream, done));
  tasks.spawn(raise_when_gone(channel, done));
  co_await done.wait(net::Loop::forever);
  co_return opened;
}

/// The record is copied before the first wait; the rest outlives the task.
net::Task<void> Gate::feed_stream(std::shared_ptr<upstream::Link> link, const audit::CallRecord& record, upstream::Outbound out,
                                  upstream::Sink& sink, net::Signal& done) {
  auto permit = co_await permit_after_record(parts_.loop, parts_.journal, parts_.journal.record(record));
  if (permit && link) [[maybe_unused]] const auto over = co_await link->forward(std::move(*permit), out, sink);
  done.raise();
}

void Gate::retire() {
  stop();
  std::vector<std::shared_ptr<Conversation>> all;
  for (const auto& [id, each] : sessions_) all.push_back(each);
  for (const auto& each : all) end_session(each);
}

void Gate::stop() {
  stopping_ = true;
  for (const auto& [id, each] : sessions_) {
    if (each->stream_over != nullptr) each->stream_over->raise();
  }
  for (net::Signal* held : held_) held->raise();
}

void Gate::announce_list_change() {
  for (const auto& [id, each] : sessions_) {
    if (each->stream != nullptr) tasks_.spawn(tell_list_changed(each));
  }
}

net::Task<void> Gate::tell_list_changed(std::shared_ptr<Conversation> conversation) {
  const std::string_view note = R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})";
  if (conversation->stream != nullptr) co_await conversation->stream->event(note, {});
}

}  // namespace callgate::gateway
