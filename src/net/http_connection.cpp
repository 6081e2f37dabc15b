#include "net/http_connection.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include "net/chunked.hpp"

namespace callgate::net {

namespace {

/// Memory for a body above this is counted in the server's sum, and not kept for the next one.
constexpr std::size_t large_body = 16 * 1024;
/// Memory for a body that does not come is not taken: so much at first, then four times what is full.
constexpr std::size_t first_step = 256 * 1024;
/// What one holder may have of the sum for large bodies: one part of so many.
constexpr std::size_t shares = 4;
/// A body that nobody wants is read and thrown away up to this size; beyond, the connection ends.
constexpr std::size_t passed_over = 64 * 1024;
/// What one connection may send before the others have their turn.
constexpr std::size_t turn_bytes = 64 * 1024;

int status_of(const Error& error) {
  switch (error.kind) {
    case ErrorKind::too_large: return 413;
    case ErrorKind::timeout: return 408;
    case ErrorKind::unavailable: return 503;
    case ErrorKind::unsupported: return 415;
    default: return 400;
  }
}

bool expects_go_ahead(const RequestHead& head) { return same_name(head.headers.find(HeaderName::expect), "100-continue"); }

}  // namespace

HttpConnection::HttpConnection(HttpServer& server, std::unique_ptr<Stream> stream, const Address& peer)
    : server_(server), stream_(std::move(stream)), peer_(peer), ip_(peer.ip()), share_(turn_bytes) {
  ++server_.count_;
  ++server_.per_address_[ip_];
  server_.connections_.push_back(*this);
}

HttpConnection::~HttpConnection() {
  --server_.count_;
  if (busy_) --server_.busy_;
  uncount_body();
  const auto entry = server_.per_address_.find(ip_);
  if (--entry->second == 0) server_.per_address_.erase(entry);
}

void HttpConnection::drop() { shutdown(stream_->descriptor().fd(), SHUT_RDWR); }

void HttpConnection::close_if_idle() {
  keep_ = false;
  if (!busy_ && in_.size() == 0) drop();
}

Task<void> HttpConnection::serve() {
  while (keep_) {
    auto head = co_await read_head();
    if (!head) co_return co_await refuse(std::move(head.error()));
    if (!*head) co_return;
    ended_ = streaming_ = false;
    keep_ = keep_ && head_.keep_alive;
    HttpExchange exchange(*this);
    if (server_.stage_ == HttpServer::Stage::stopping) {
      co_await exchange.respond(503, "Retry-After: 1\r\nContent-Type: application/json\r\n", R"({"error":"the gateway is stopping"})");
      if (unread_) co_await linger();
      co_return;
    }
    const bool all = server_.handler_.begins() == HttpHandler::Begins::with_head || co_await receive() != Received::not_all;
    if (all) co_await server_.handler_.handle(exchange);
    if (fault_) co_return co_await refuse(std::move(*fault_));
    if (!begun_) co_await exchange.respond(500, {}, {});
    if (!ended_) co_return;  // a stream that was cut short cannot be told from its end
    end_work();
    served_ = true;
    if (unread_) {
      if (!keep_) co_return co_await linger();
      if (!co_await pass_over_body()) co_return;
    }
    in_.consume(message_bytes_);
    // Who sends requests ahead is served one in each turn.
    if (in_.size() != 0) co_await server_.loop_.next_turn();
  }
}

void HttpConnection::begin_work() {
  server_.connections_.push_back(*this);  // it has just been useful: last to be dropped
  busy_ = true;
  ++server_.busy_;
}

void HttpConnection::end_work() {
  if (std::exchange(busy_, false)) --server_.busy_;
  uncount_body();
  if (decoded_.capacity() > large_body) std::string().swap(decoded_);
}

Task<Result<void>> HttpConnection::fill(Duration limit) {
  const Instant until = limit == Loop::forever ? Instant::max() : started_ + limit;
  for (;;) {
    if (share_.spent(server_.loop_)) co_await server_.loop_.next_turn();
    const Stream::Io io = stream_->read_now(in_.room());
    if (io.status == Stream::Status::done) {
      in_.filled(io.bytes);
      share_.took(server_.loop_, io.bytes);
      co_return Result<void>{};
    }
    if (io.status != Stream::Status::would_block) co_return fail(ErrorKind::closed, "the client left");
    const bool idle = in_.size() == 0 && head_bytes_ == 0;
    const Duration wait = idle ? idle_limit() : until - server_.loop_.now();
    if (wait <= Duration::zero() || !co_await stream_->readable(wait))
      co_return idle ? fail(ErrorKind::closed, "idle for too long") : fail(ErrorKind::timeout, "the request came too slowly");
    if (idle) started_ = server_.loop_.now();
  }
}

/// One that was never useful is not kept as long as others.
Duration HttpConnection::idle_limit() const { return served_ ? server_.limits_.idle_time : server_.limits_.head_time; }

/// How long a request may take of whose body `arrived` bytes are here (S14).
Duration HttpConnection::body_limit(std::size_t arrived) const {
  const ServerLimits& limits = server_.limits_;
  const auto bought = std::chrono::milliseconds(std::min<std::size_t>(arrived, limits.body) * 1000 / limits.body_rate);
  return std::min<Duration>(limits.body_time, body_started_ - started_ + limits.body_grace + bought);
}

Task<Result<bool>> HttpConnection::read_head() {
  started_ = server_.loop_.now();
  head_bytes_ = message_bytes_ = 0;
  begun_ = head_only_ = writing_ = false;
  std::size_t searched = 0;
  while ((head_bytes_ = head_size(in_.view(), searched)) == 0) {
    if (has_bare_line_feed(in_.view(), searched)) co_return fail(ErrorKind::malformed, "a line of the head ends without CR");
    searched = in_.size();
    if (searched > server_.limits_.head.bytes) co_return fail(ErrorKind::too_large, "the headers are too large");
    if (in_.room().empty()) in_.reserve(std::max(Buffer::small, in_.capacity() * 2));
    if (auto filled = co_await fill(server_.limits_.head_time); !filled) {
      if (filled.error().kind == ErrorKind::closed) co_return false;
      co_return std::unexpected(filled.error());
    }
  }
  if (auto read = parse_head(); !read) co_return std::unexpected(read.error());
  head_only_ = head_.method == "HEAD";
  if (auto right = check_head(); !right) co_return std::unexpected(right.error());
  body_ = {};
  message_bytes_ = head_bytes_;
  unread_ = head_.chunked || head_.content_length.value_or(0) > 0;
  if (!unread_) begin_work();
  co_return true;
}

/// Once more where the buffer has grown: the head's views point into it.
Result<void> HttpConnection::parse_head() {
  return read_request_head(in_.view().substr(0, head_bytes_), server_.limits_.head, head_);
}

Result<void> HttpConnection::check_head() const {
  const bool has_body = head_.chunked || head_.content_length.value_or(0) > 0;
  if (has_body && head_.method != "POST") return fail(ErrorKind::malformed, "only POST may have a body");
  if (head_.content_length.value_or(0) > server_.limits_.body)
    return fail(ErrorKind::too_large, fmt::format("the body is over {} bytes", server_.limits_.body));
  return {};
}

Task<Received> HttpConnection::receive() {
  if (!unread_) return Task<Received>::ready(Received::at_once);
  const auto length = static_cast<std::size_t>(head_.content_length.value_or(0));
  const bool here = !head_.chunked && in_.size() >= head_bytes_ + length;
  if (!here || in_.size() == head_bytes_) return receive_rest();
  message_bytes_ = head_bytes_ + length;
  body_ = in_.view().substr(head_bytes_, length);
  unread_ = false;
  begin_work();
  return Task<Received>::ready(Received::at_once);
}

Task<Received> HttpConnection::receive_rest() {
  body_started_ = server_.loop_.now();
  // RFC 9110 section 10.1.1: a client that asks first is told to go on.
  if (expects_go_ahead(head_) && in_.size() == head_bytes_) {
    if (!co_await stream_->write_all("HTTP/1.1 100 Continue\r\n\r\n", {}, server_.limits_.write_time)) {
      fault_ = Error{ErrorKind::closed, "the client left", {}};
      co_return Received::not_all;
    }
  }
  if (auto body = head_.chunked ? co_await read_chunks() : co_await read_body(); !body) {
    fault_ = std::move(body.error());
    co_return Received::not_all;
  }
  unread_ = false;
  begin_work();
  co_return Received::later;
}

Task<Result<void>> HttpConnection::read_body() {
  const auto length = static_cast<std::size_t>(*head_.content_length);
  message_bytes_ = head_bytes_ + length;
  if (auto counted = count_body(std::min(length, first_step)); !counted) co_return counted;
  while (in_.size() < message_bytes_) {
    if (in_.room().empty()) {
      if (auto room = make_room_for_body(); !room) co_return room;
    }
    if (auto filled = co_await fill(body_limit(in_.size() - head_bytes_)); !filled) co_return filled;
  }
  body_ = in_.view().substr(head_bytes_, length);
  co_return Result<void>{};
}

/// For the next part of a body that says how long it is.
Result<void> HttpConnection::make_room_for_body() {
  const std::size_t step = std::max(first_step, 4 * (in_.size() - head_bytes_));
  const std::size_t bytes = std::min(message_bytes_ - head_bytes_, step);
  if (auto counted = count_body(bytes); !counted) return counted;
  in_.reserve(head_bytes_ + bytes + 1);  // a read that does not fill its room tells that there is no more
  return parse_head();
}

/// Puts the memory that this request's body takes into the server's sum, and into its holder's share.
Result<void> HttpConnection::count_body(std::size_t bytes) {
  if (bytes <= std::max(large_body, counted_body_)) return {};
  const std::size_t more = bytes - counted_body_;
  if (server_.body_bytes_ + more > server_.limits_.bodies) return fail(ErrorKind::unavailable, "too many large requests at once: try again");
  const auto [held, first] = server_.held_bodies_.try_emplace(holder_.empty() ? ip_ : holder_, 0);
  if (held->second + more > server_.limits_.bodies / shares) {
    if (first) server_.held_bodies_.erase(held);
    return fail(ErrorKind::unavailable, "too many large requests of one caller at once: try again");
  }
  held->second += more;
  server_.body_bytes_ += more;
  counted_body_ = bytes;
  return {};
}

void HttpConnection::uncount_body() {
  const std::size_t counted = std::exchange(counted_body_, 0);
  if (counted != 0) {
    server_.body_bytes_ -= counted;
    const auto held = server_.held_bodies_.find(holder_.empty() ? ip_ : holder_);
    if ((held->second -= counted) == 0) server_.held_bodies_.erase(held);
  }
  holder_.clear();
}

Task<Result<void>> HttpConnection::read_chunks() {
  ChunkedBody chunks;
  std::size_t raw_bytes = 0;
  decoded_.clear();
  for (;;) {
    auto taken = chunks.feed(in_.view().substr(head_bytes_), decoded_);
    if (!taken) co_return std::unexpected(taken.error());
    in_.cut(head_bytes_, *taken);
    raw_bytes += *taken;
    // Counts framing too: a body of tiny chunks costs its sender as much as us.
    if (decoded_.size() > server_.limits_.body || raw_bytes > 2 * server_.limits_.body + large_body)
      co_return fail(ErrorKind::too_large, fmt::format("the body is over {} bytes", server_.limits_.body));
    if (auto counted = count_body(decoded_.capacity()); !counted) co_return counted;
    if (chunks.done()) break;
    if (in_.room().size() < Buffer::small) in_.reserve(in_.size() + large_body);
    if (auto filled = co_await fill(body_limit(raw_bytes + in_.size() - head_bytes_)); !filled) co_return filled;
  }
  if (auto again = parse_head(); !again) co_return again;
  body_ = decoded_;
  co_return Result<void>{};
}

/// Reads a body that nobody wants, so that the next request can be found.
Task<bool> HttpConnection::pass_over_body() {
  body_started_ = server_.loop_.now();
  const std::size_t whole = head_bytes_ + static_cast<std::size_t>(*head_.content_length);
  std::size_t left = whole;
  while (left > in_.size()) {
    left -= in_.size();
    in_.clear();
    if (!co_await fill(body_limit(whole - left))) co_return false;
  }
  message_bytes_ = left;
  co_return true;
}

/// Before an answer: whether a request could follow the body that nobody read.
void HttpConnection::settle_unread_body() {
  if (unread_ && (head_.chunked || *head_.content_length > passed_over || expects_go_ahead(head_))) keep_ = false;
}

Task<void> HttpConnection::refuse(Error error) {
  if (error.kind == ErrorKind::closed || begun_) co_return;
  unread_ = false;
  body_ = {};
  std::string().swap(decoded_);
  uncount_body();
  const int status = status_of(error);
  const std::string body = server_.handler_.refused(status, error, peer_);
  keep_ = false;
  HttpExchange exchange(*this);
  co_await exchange.respond(status, status == 503 ? "Content-Type: application/json\r\nRetry-After: 1\r\n" : "Content-Type: application/json\r\n", body);
  co_await linger();
}

Task<void> HttpConnection::linger() {
  // A client that still sends would get a reset before it read the answer.
  shutdown(stream_->descriptor().fd(), SHUT_WR);
  in_ = Buffer();
  in_.reserve(Buffer::small);
  const Instant until = server_.loop_.now() + std::chrono::seconds(2);
  for (std::size_t drained = 0; drained < 1024 * 1024;) {
    const Stream::Io io = stream_->read_now(in_.room());
    if (io.status == Stream::Status::done) {
      drained += io.bytes;  // at most so much in one turn, too
      continue;
    }
    if (io.status != Stream::Status::would_block) break;
    const Duration wait = until - server_.loop_.now();
    if (wait <= Duration::zero() || !co_await stream_->readable(wait)) break;
  }
}

}  // namespace callgate::net
