#include "upstream/sse_link.hpp"

#include <algorithm>

#include "mcp/sse.hpp"
#include "net/url_reference.hpp"
#include "upstream/http_words.hpp"

namespace callgate::upstream {

namespace {

/// The server's answer to a POST says nothing but its status; read to its end,
/// it leaves the connection to others.
constexpr std::size_t max_post_answer = 64 * 1024;
constexpr std::chrono::seconds time_for_post_answer{5};

}  // namespace

/// A message that is being posted. The answer on the stream may come first, and
/// whoever waited for it may be gone before the server has taken the POST.
struct SseLink::Post {
  explicit Post(net::Loop& loop) : done(loop) {}
  std::string body;
  CallRouter::Call* call = nullptr;  ///< null: nobody waits for its answer
  std::optional<Failure> failure;
  net::Signal done;
};

SseLink::SseLink(HttpOrigin& origin, Options options, Log& log)
    : origin_(origin),
      options_(std::move(options)),
      log_(log),
      router_(origin.client.loop(), origin.client.room(), origin.max_result, Ids::as_sent, log),
      changed_(origin.client.loop()),
      over_(origin.client.loop()) {}

// The stream ----------------------------------------------------------------------

net::Task<Result<void>> SseLink::open(std::chrono::milliseconds time) {
  if (state_ == State::fresh) {
    state_ = State::opening;
    tasks_.spawn(hold_open());
  }
  net::Loop& loop = origin_.client.loop();
  const net::Instant until = loop.now() + std::min(time, options_.patience + std::chrono::milliseconds(100));
  while (state_ == State::opening) {
    const net::Duration left = until - loop.now();
    if (left <= net::Duration::zero() || !co_await changed_.wait(left)) co_return fail(ErrorKind::timeout, "the server named no address for messages in time");
  }
  if (state_ == State::over) co_return std::unexpected(why_);
  co_return Result<void>{};
}

/// The stream is closed from here, by a frame that is no part of reading it.
net::Task<void> SseLink::hold_open() {
  net::TaskGroup reading;
  reading.spawn(read_stream());
  co_await over_.wait(net::Loop::forever);
}

void SseLink::give_up(Error why) {
  if (state_ == State::over) return;
  if (state_ == State::opening && options_.not_opened) options_.not_opened();
  state_ = State::over;
  why_ = std::move(why);
  router_.fail_all(why_);
  changed_.notify();
  over_.raise();
}

net::Task<Result<std::unique_ptr<net::HttpReply>>> SseLink::get(net::Instant until) {
  const std::string headers = "Accept: text/event-stream\r\n" + origin_.headers;
  auto sent = co_await origin_.client.send("GET", headers, {}, until - origin_.client.loop().now());
  if (!sent) co_return std::unexpected(not_exchanged(std::move(sent.error())).error);
  const int status = (*sent)->status();
  if (status != 200) co_return std::unexpected(refused_by_server(status, false).error);
  if (is_compressed(**sent)) co_return fail(ErrorKind::malformed, "the server compressed its answer, which was not offered");
  if (!has_media_type((*sent)->headers().find(net::HeaderName::content_type), "text/event-stream")) co_return fail(ErrorKind::malformed, "the server's answer is no event stream");
  co_return std::move(*sent);
}

net::Task<void> SseLink::read_stream() {
  net::Loop& loop = origin_.client.loop();
  const net::Instant until = loop.now() + options_.patience;
  auto reply = co_await get(until);
  if (!reply) co_return give_up(std::move(reply.error()));
  mcp::SseReader reader(origin_.max_result);
  std::size_t before_address = 0;
  while (state_ != State::over) {
    const bool opening = state_ == State::opening;
    // A session may be silent for as long as it likes.
    auto chunk = co_await (*reply)->next(opening ? std::max<net::Duration>(until - loop.now(), net::Duration::zero()) : net::Loop::forever);
    const bool late = opening && (until <= loop.now() || before_address > max_before_address);
    if (late) co_return give_up({ErrorKind::timeout, "the server named no address for messages in time", {}});
    if (!chunk) co_return give_up(std::move(chunk.error()));
    if (chunk->empty()) co_return give_up({ErrorKind::closed, "the server ended the stream without an answer", {}});
    if (opening) before_address += chunk->size();
    reader.push(*chunk);
    if (auto counted = (*reply)->count(reader.pending()); !counted) co_return give_up(std::move(counted.error()));
    while (state_ != State::over) {
      auto event = reader.next();
      if (!event) co_return give_up({ErrorKind::too_large, "the server sent an event that is too long", {}});
      if (!*event) break;
      (*reply)->keep_counted(reader.pending());  // what is made of the event counts as its call's
      take(**event);
    }
  }
}

void SseLink::take(const mcp::SseEvent& event) {
  if (event.type == "endpoint") return take_address(event.data);
  if (event.is_message() && state_ == State::open) take_message(event.data);
}

void SseLink::take_address(std::string_view reference) {
  auto target = net::target_from(origin_.client.url(), reference);
  if (state_ == State::open) {
    if ((!target || *target != target_) && !std::exchange(named_again_, true)) log_.warn("upstream_address_ignored", {{"server", options_.server}, {"why", "it named one before"}});
    return;
  }
  if (!target) {
    log_.warn("upstream_address_refused", {{"server", options_.server}, {"why", target.error().message}});
    return give_up({ErrorKind::refused, "the server named an address for messages that may not be used", target.error().message});
  }
  target_ = std::move(*target);
  state_ = State::open;
  changed_.notify();
}

void SseLink::take_message(std::string_view text) {
  const auto taken = router_.take(text);
  if (!taken && (++skipped_ <= 5 || skipped_ % 1000 == 0))
    log_.warn("upstream_event_skipped", {{"server", options_.server}, {"why", taken.error().message}, {"count", skipped_}});
}

// Messages ------------------------------------------------------------------------

net::Task<void> SseLink::send(std::shared_ptr<Post> post, std::chrono::milliseconds time) {
  const std::size_t size = post->body.size();
  ++posts_;
  post_bytes_ += size;
  std::string headers = "Content-Type: application/json\r\n";
  if (!revision_.empty()) (((headers += "MCP-Protocol-Version: ") += revision_) += "\r\n");
  headers += origin_.headers;
  auto reply = co_await origin_.client.send_to(target_, "POST", headers, post->body, time);
  --posts_;
  post_bytes_ -= size;
  std::string().swap(post->body);  // the answer may be long in coming
  const int status = reply ? (*reply)->status() : 0;
  if (!reply) post->failure = not_exchanged(std::move(reply.error()));
  else if (status >= 300) post->failure = refused_by_server(status, status == 404);
  if (post->failure && post->call != nullptr) post->call->fail(*post->failure);
  post->done.raise();
  // Who does not know the session will not answer its other calls either.
  if (status == 404) give_up(post->failure->error);
  if (reply) [[maybe_unused]] const auto rest = co_await (*reply)->whole(max_post_answer, time_for_post_answer);
}

net::Task<Forwarded> SseLink::transmit(Outbound out, Sink& sink) {
  if (out.form == Form::end_session) {
    give_up({ErrorKind::closed, "the session was ended", {}});
    co_return Delivery{};
  }
  if (out.form != Form::message) co_return Delivery{.http_status = 405};
  net::Loop& loop = origin_.client.loop();
  if (auto opened = co_await open(out.time); !opened) co_return std::unexpected(Failure{.error = std::move(opened.error()), .sent = false});
  const bool too_large = posts_ != 0 && post_bytes_ + out.bytes.size() > options_.most_post_bytes;
  if (posts_ >= max_posts || too_large) co_return std::unexpected(Failure{.error = {ErrorKind::unavailable, "too many messages are on their way to the server", {}}, .sent = false});
  CallRouter::Call call(loop);
  const auto post = std::make_shared<Post>(loop);
  post->body = router_.begin(out, call, sink).value_or(out.bytes);
  if (!call.linked()) {
    tasks_.spawn(send(post, out.time));
    if (!co_await post->done.wait(out.time)) co_return std::unexpected(Failure{.error = {ErrorKind::timeout, "the server did not answer in time", {}}});
    if (post->failure) co_return std::unexpected(std::move(*post->failure));
    co_return Delivery{.http_status = 202};
  }
  /// The wait for the answer may be given up while the POST is under way.
  struct Waiting {
    explicit Waiting(Post& its_post, CallRouter::Call& call) : post(its_post) { post.call = &call; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { post.call = nullptr; }
    Post& post;
  };
  const Waiting waiting(*post, call);
  tasks_.spawn(send(post, out.time));
  co_return co_await router_.answer(call, out.time, sink);
}

}  // namespace callgate::upstream
