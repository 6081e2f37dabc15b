#include "gateway/stdio_front.hpp"

#include <algorithm>

#include "base/json_words.hpp"
#include "mcp/codes.hpp"
#include "mcp/headers.hpp"
#include "mcp/one_line.hpp"
#include "mcp/requests.hpp"

namespace callgate::gateway {

namespace {

/// What waits for a client that does not read, or four answers of the largest size.
constexpr std::size_t least_unread = std::size_t{64} << 20U;
/// What requests under way keep together, as those of one caller over HTTP; small ones always have room.
constexpr std::size_t most_kept = std::size_t{64} << 20U;
constexpr std::size_t small = std::size_t{16} << 10U;

/// Memory of one request, counted while it is under way.
class Kept {
 public:
  Kept(std::size_t& total, std::size_t bytes) : total_(total), bytes_(bytes) { total_ += bytes_; }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() { total_ -= bytes_; }

 private:
  std::size_t& total_;
  std::size_t bytes_;
};

}  // namespace

/// Lines on stdout.
class StdioFront::Lines final : public Channel {
 public:
  Lines(StdioFront& front, bool stateless) : front_(front), stateless_(stateless) {}
  /// Of what was dropped a session's server hears, which may wait for an answer to it. A stateless call would be
  /// cancelled by that, and what is dropped of it is progress and the like.
  net::Task<bool> event(std::string_view bytes, std::string_view /*raw*/) override {
    const bool told = bytes.empty() || front_.tell(bytes);
    co_return !front_.lost_ && (told || stateless_);
  }
  net::Task<bool> answer(std::string_view bytes, std::string_view /*raw*/, int /*status*/) override {
    co_return front_.answer(bytes);
  }
  net::Task<bool> accepted() override { co_return true; }
  net::Task<bool> ended() override { co_return true; }
  bool gone() const override { return front_.lost_; }
  bool may_resume() const override { return false; }
  bool takes_raw() const override { return false; }
  net::Task<void> until_gone() override {
    while (!front_.lost_) co_await front_.client_left_.wait(net::Loop::forever);
  }

 private:
  StdioFront& front_;
  bool stateless_;
};

/// Stdout for what belongs to no request, as long as the front is there.
class StdioFront::Stream final : public ClientStream {
 public:
  explicit Stream(StdioFront& front) : front_(&front) {}
  bool push(std::string_view bytes, std::string_view /*raw*/) override { return front_ != nullptr && (bytes.empty() || front_->tell(bytes)); }
  void close() override { front_ = nullptr; }

 private:
  StdioFront* front_;
};

StdioFront::StdioFront(const Parts& parts, Gate& gate, int in, int out)
    : parts_(parts),
      gate_(gate),
      in_(parts.loop, in, parts.config.limits.body),
      most_unread_(std::max(least_unread, 4 * parts.config.limits.result)),
      out_(parts.loop, out, most_unread_),
      stream_(std::make_shared<Stream>(*this)),
      session_(std::make_shared<Conversation>()),
      stateless_(std::make_shared<Conversation>()),
      over_(parts.loop),
      client_left_(parts.loop) {
  net::make_nonblocking(in);
  net::make_nonblocking(out);
  out_.on_broken([this] { lose_client({ErrorKind::closed, "the other side reads no more", {}}); });
  for (const auto& conversation : {session_, stateless_}) {
    conversation->session.principal = "stdio";
    conversation->stream = stream_;
    conversation->busy = 1;  // never idle: it lives as long as the process
  }
  session_->session.revision = mcp::latest_legacy;
}

StdioFront::~StdioFront() { stream_->close(); }

Result<void> StdioFront::send(std::string_view line) {
  std::string flat;
  auto sent = out_.send(mcp::as_one_line(line, flat));
  if (!sent) lose_client(sent.error());
  return sent;
}

/// Held against the room as it is kept: in one line for every reader it may be three times as long.
/// Where there is none the client hears so in its place; waiting for an answer that was dropped would have no end.
bool StdioFront::answer(std::string_view line) {
  std::string flat;
  line = mcp::as_one_line(line, flat);
  const bool fits = line.size() <= small || out_.idle() || out_.unsent() + line.size() <= most_unread_ - small;
  if (fits) return send(line).has_value();
  parts_.log.warn("client_reads_too_slowly", {{"server", gate_.name()}, {"unread_bytes", out_.unsent()}, {"effect", "a large answer is replaced by an error"}});
  return send(mcp::rpc_error(mcp::salvage_id(line).value_or("null"), mcp::code::internal_error, "too many large answers wait to be read: read those, then try again")).has_value();
}

/// What is no answer, and nobody waits for without end: half of the room is left to answers. False: dropped.
bool StdioFront::tell(std::string_view line) {
  std::string flat;
  line = mcp::as_one_line(line, flat);
  if (out_.unsent() + line.size() > most_unread_ / 2) {
    if (dropped_++ == 0)
      parts_.log.warn("client_reads_too_slowly", {{"server", gate_.name()}, {"unread_bytes", out_.unsent()}, {"effect", "messages that are no answers are dropped until it has read"}});
    return false;
  }
  say_what_was_dropped();
  return send(line).has_value();
}

void StdioFront::say_what_was_dropped() {
  if (const std::size_t count = std::exchange(dropped_, 0); count > 0) parts_.log.warn("messages_dropped", {{"server", gate_.name()}, {"count", count}});
}

/// An answer that is lost is waited for without end: then rather an end that the client sees.
void StdioFront::lose_client(const Error& why) {
  if (std::exchange(lost_, true)) return;
  // Clients leave like that every day: a fault it is where something was theirs to read.
  const auto tell = out_.idle() && tasks_.empty() ? &Log::info : &Log::error;
  (parts_.log.*tell)("client_lost", {{"server", gate_.name()}, {"why", why.message}, {"unread_bytes", out_.unsent()}, {"effect", "this process ends"}});
  over_.raise();
  client_left_.notify();
}

/// Clients write cancels without an envelope: the call tells which era is meant.
bool StdioFront::cancels_stateless(const mcp::Message& message) const {
  if (message.method_id != mcp::MethodId::notifications_cancelled) return false;
  const auto cancelled = mcp::read_cancelled(message);
  return cancelled && stateless_->find_in_flight(cancelled->request_id) != nullptr;
}

net::Task<void> StdioFront::take(std::string line) {
  json::Document document;
  auto message = mcp::read_message(line, document, mcp::Direction::from_client);
  auto meta = message ? mcp::read_request_meta(*message) : Result<mcp::RequestMeta>(std::unexpected(message.error()));
  if (!meta) {
    const std::string why = json::without_key(meta.error());
    parts_.journal.refused({.server = gate_.name(), .reason = why});
    parts_.log.info("message_refused", {{"server", gate_.name()}, {"why", why}});
    // A notification has no answer, also when it is refused; what cannot be read has one.
    const bool answer = !message || message->is_request();
    if (answer) [[maybe_unused]] const auto sent = send(mcp::refuse_unreadable(line, meta.error()));
    co_return;
  }
  const std::size_t bytes = line.size() + document.memory();
  if (message->is_request() && bytes > small && kept_ + bytes > most_kept) {
    const std::string_view why = "too many large requests at once: try again";
    parts_.journal.refused({.server = gate_.name(), .reason = why});
    parts_.log.info("message_refused", {{"server", gate_.name()}, {"why", why}});
    [[maybe_unused]] const auto sent = send(mcp::rpc_error(message->id_text, mcp::code::internal_error, why));
    co_return;
  }
  const Kept counted(kept_, bytes);
  const bool modern = meta->has_protocol_version || message->method_id == mcp::MethodId::server_discover || cancels_stateless(*message);
  Lines channel(*this, modern);
  if (modern) {
    if (const auto fault = mcp::check_modern_meta(*message, *meta, gate_.modern_revisions())) {
      if (message->is_request()) [[maybe_unused]] const auto sent = send(mcp::rpc_error(message->id_text, fault->code, fault->message, fault->data));
      co_return;
    }
  }
  Inbound in{.conversation = modern ? stateless_ : session_,
             .message = *message,
             .revision = modern ? mcp::latest_revision : session_->session.revision,
             .channel = channel};
  co_await gate_.handle_kept(in);
}

net::Task<void> StdioFront::run() {
  reading_.spawn(read());
  reading_.spawn(watch_client());
  co_await over_.wait(net::Loop::forever);
  // Who sends no more may still read what is under way.
  for (int waited = 0; waited < 230 && !tasks_.empty(); ++waited) co_await parts_.loop.sleep(std::chrono::milliseconds(100));
  co_await drained();
  say_what_was_dropped();
}

net::Task<void> StdioFront::read() {
  for (;;) {
    auto line = co_await in_.next(net::Loop::forever);
    if (stopped_ || lost_) break;
    if (line) {
      if (!line->empty()) tasks_.spawn(take(std::string(*line)));
    } else if (line.error().kind == ErrorKind::closed) {
      break;
    } else {
      parts_.journal.refused({.server = gate_.name(), .reason = line.error().message});
      [[maybe_unused]] const auto sent = send(mcp::rpc_error({}, mcp::code::invalid_request, line.error().message));
    }
  }
  over_.raise();
}

/// Stdin stays open where whoever holds its other end is another process than the one that read the answers.
net::Task<void> StdioFront::watch_client() {
  if (co_await out_.broken()) lose_client({ErrorKind::closed, "the other side reads no more", {}});
}

net::Task<void> StdioFront::drained() { [[maybe_unused]] const bool done = co_await out_.drained(std::chrono::seconds(2)); }

}  // namespace callgate::gateway
