// Calls whose stream broke off without an answer (basic/transports, resumability): the
// client asks for the rest, and hears of it in any case.
#include <algorithm>
#include <charconv>
#include <functional>

#include "gateway/gate_draft.hpp"
#include "mcp/codes.hpp"
#include "mcp/sse.hpp"

namespace callgate::gateway {

namespace {

constexpr std::size_t most_resumable = 64;
/// Between two questions for the rest of a stream, where its server does not say how long (SSE `retry`).
constexpr std::chrono::milliseconds first_resume_pause{1000};
constexpr std::chrono::milliseconds longest_resume_pause{10'000};
constexpr std::chrono::milliseconds shortest_wish{100};
constexpr std::string_view ended_stream = "the server ended the stream without an answer";

/// The server's GET stream, passed on to the client's.
class StreamSink final : public upstream::Sink {
 public:
  /// `heard`: each event that says where the stream goes on, or when.
  StreamSink(CallSink& inner, QueuedStream& stream, std::function<void(const upstream::Event& event)> heard) : inner_(inner), stream_(stream), heard_(std::move(heard)) {}
  net::Task<bool> opened() override {
    stream_.open();
    co_return true;
  }
  net::Task<bool> event(const upstream::Event& event) override {
    // The server is read no faster than the client reads.
    if (!co_await stream_.room(std::chrono::seconds(30))) co_return false;
    if (!event.id.empty() || !event.retry.empty()) heard_(event);
    const bool heard = co_await inner_.event(event);
    // A large one takes up its room, which the server's stream counts, until the client has it.
    if (std::max(event.raw.size(), event.bytes.size()) > net::ReplyRoom::large && !co_await stream_.passed()) co_return false;
    co_return heard;
  }
  std::string caller() const override { return inner_.caller(); }

 private:
  CallSink& inner_;
  QueuedStream& stream_;
  std::function<void(const upstream::Event& event)> heard_;
};

/// How long a server wants to be left alone.
std::chrono::milliseconds wish_of(std::string_view retry) {
  constexpr std::size_t most_digits = 6;  // a quarter of an hour: no call takes longer
  std::uint64_t wish = 999'999;
  if (retry.size() <= most_digits) std::from_chars(retry.data(), retry.data() + retry.size(), wish);
  return std::max(shortest_wish, std::chrono::milliseconds(wish));
}

/// Where the events that a client was shown end before those that the server sent, since the rest was not for it:
/// it would ask for the rest from behind an earlier one, or could not ask at all.
std::string id_alone(std::string_view id) {
  std::string event;
  mcp::append_sse_event(event, {}, {}, id);
  return event;
}

}  // namespace

Resumable* Gate::find_resumable(Conversation& conversation, Ulid decision) {
  const auto found = std::ranges::find_if(conversation.resumable, [&](const Resumable& each) { return each.failed.empty() && each.decision == decision; });
  return found == conversation.resumable.end() ? nullptr : &*found;
}

/// The stream ends without the answer, which is due within the time of a call.
net::Task<void> Gate::leave_to_be_resumed(Inbound& in, std::string_view last_event, Ulid decision) {
  auto& due = in.conversation->resumable;
  if (due.size() >= most_resumable) std::erase_if(due, [](const Resumable& each) { return !each.failed.empty(); });
  if (due.size() >= most_resumable) {
    parts_.journal.outcome(decision.text(), {.status = "not_resumed", .is_error = true, .bytes = 0, .latency = {}});
    co_return co_await answer_failure(in, {ErrorKind::closed, std::string(ended_stream), {}});
  }
  due.push_back({.id = std::string(in.message.id_text), .decision = decision, .method = in.message.method_id, .tool = task_tool(in), .last_event = std::string(last_event)});
  tasks_.spawn(end_resumable(in.conversation, decision));
  if (in.channel.last_id() != last_event) co_await in.channel.event({}, id_alone(last_event));
  co_await in.channel.ended();
}

net::Task<void> Gate::end_resumable(std::shared_ptr<Conversation> conversation, Ulid decision) {
  const net::Instant until = parts_.loop.now() + server_.call_timeout;
  // Who waits is not kept alive by calls that are over.
  while (find_resumable(*conversation, decision) != nullptr && !conversation->closed) {
    const net::Duration left = until - parts_.loop.now();
    if (left <= net::Duration::zero()) co_return fail_resumable(*conversation, decision, "the server did not answer in time");
    [[maybe_unused]] const bool heard = co_await resumable_over_.wait(left);
  }
}

/// Until it is time to ask again, or nobody has to.
net::Task<void> Gate::wait_to_resume(Conversation& conversation, Ulid decision, net::Duration pause) {
  const net::Instant until = parts_.loop.now() + pause;
  while (find_resumable(conversation, decision) != nullptr && parts_.loop.now() < until) [[maybe_unused]] const bool heard = co_await resumable_over_.wait(until - parts_.loop.now());
}

/// Tells the client on the stream that it reads, or on the next one that it opens.
void Gate::fail_resumable(Conversation& conversation, Ulid decision, std::string_view why) {
  Resumable* const due = find_resumable(conversation, decision);
  if (due == nullptr) return;
  parts_.journal.outcome(decision.text(), {.status = "not_resumed", .is_error = true, .bytes = 0, .latency = {}});
  parts_.log.warn("upstream_not_resumed", {{"server", server_.name}, {"fault", why}});
  due->failed = why;
  const std::shared_ptr<QueuedStream> on = due->on.lock();
  give_failures(conversation, {});
  if (on) on->close();
  resumable_over_.notify();
}

/// Says which calls have failed to whoever reads the session's stream; true where the one that `resumed` would
/// go on with is among them.
bool Gate::give_failures(Conversation& conversation, std::string_view resumed) {
  bool is_over = false;
  if (!conversation.stream) return is_over;
  std::erase_if(conversation.resumable, [&](const Resumable& each) {
    if (each.failed.empty() || !conversation.stream->push(mcp::rpc_error(each.id, mcp::code::internal_error, each.failed), {})) return false;
    conversation.stream->open();
    is_over = is_over || (!resumed.empty() && each.last_event == resumed);
    return true;
  });
  return is_over;
}

/// One GET at the server, and the events that it brings.
net::Task<Gate::Fed> Gate::feed(std::shared_ptr<Conversation> conversation, QueuedStream& stream, std::string_view last_event_id, std::optional<Ulid> resumed) {
  audit::CallRecord record = record_for(*conversation, conversation->session.revision);
  record.id = parts_.journal.next_id();
  record.method = "stream";
  record.verdict = policy::Verdict::allow;
  const std::shared_ptr<upstream::Link> link = conversation->link;
  auto permit = co_await PermitAfterRecord(parts_.loop, parts_.journal, parts_.journal.record(record));
  if (!permit || !link) co_return Fed::not_at_all;
  bool further = false;
  CallSink inner(*this, conversation, conversation->session.revision, nullptr);
  StreamSink sink(inner, stream, [&](const upstream::Event& event) {
    Resumable* const due = resumed ? find_resumable(*conversation, *resumed) : nullptr;
    if (due != nullptr && !event.retry.empty()) due->wish = wish_of(event.retry);
    if (event.id.empty()) return;
    if (due != nullptr) due->last_event = event.id;
    further = true;
  });
  upstream::Outbound out{.form = upstream::Form::open_stream, .last_event_id = last_event_id, .time = server_.call_timeout};
  const auto over = co_await link->forward(std::move(*permit), std::move(out), sink);
  const Resumable* const due = resumed ? find_resumable(*conversation, *resumed) : nullptr;
  if (due != nullptr && further && stream.last_id() != due->last_event) stream.push({}, id_alone(due->last_event));
  if (over && over->http_status == 405) co_return Fed::unsupported;
  if (over && over->http_status >= 300) co_return Fed::refused;
  co_return further ? Fed::ended_further : Fed::ended;
}

/// The stream of a call goes on where it broke off. A server may end it again, and says by an event with an id
/// that it goes on; one that ends it without a word is asked again in the client's stead, when it wants to be (`retry`)
/// or less and less often.
net::Task<void> Gate::resume(std::shared_ptr<Conversation> conversation, std::shared_ptr<QueuedStream> stream, std::string last_event_id, Ulid decision) {
  if (Resumable* const due = find_resumable(*conversation, decision)) due->on = stream;
  for (auto pause = first_resume_pause;; pause = std::min(pause * 2, longest_resume_pause)) {
    const Fed fed = co_await feed(conversation, *stream, last_event_id, decision);
    const Resumable* const due = find_resumable(*conversation, decision);
    if (fed == Fed::ended_further || due == nullptr) break;
    if (fed != Fed::ended) {
      fail_resumable(*conversation, decision, ended_stream);
      break;
    }
    co_await wait_to_resume(*conversation, decision, due->wish.count() != 0 ? due->wish : pause);
    if (find_resumable(*conversation, decision) == nullptr) break;
  }
  stream->open();
  stream->close();
}

}  // namespace callgate::gateway
