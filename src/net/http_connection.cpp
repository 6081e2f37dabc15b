#include "net/http_connection.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include "net/chunked.hpp"

namespace callgate::net {

namespace {

/// Bodies above this are counted against the server's memory for bodies.
constexpr std::size_t large_body = 64 * 1024;
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
  server_.body_bytes_ -= counted_body_;
  const auto entry = server_.per_address_.find(ip_);
  if (--entry->second == 0) server_.per_address_.erase(entry);
}

void HttpConnection::drop() { shutdown(stream_->descriptor().fd(), SHUT_RDWR); }

void HttpConnection::close_if_idle() {
  keep_ = false;
  if (!busy_ && in_.size() == 0) drop();
}

Task<void> HttpConnection::serve() {
  while (keep_ && !server_.stopping_) {
    auto request = co_await read_request();
    if (!request) {
      co_await refuse(std::move(request.error()));
      co_return;
    }
    if (!*request) co_return;
    server_.connections_.push_back(*this);  // it has just been useful: last to be dropped
    busy_ = true;
    ++server_.busy_;
    begun_ = ended_ = streaming_ = false;
    keep_ = keep_ && head_.keep_alive;
    HttpExchange exchange(*this);
    co_await server_.handler_.handle(exchange);
    if (!begun_) co_await exchange.respond(500, {}, {});
    if (!ended_) co_return;  // a stream that was cut short cannot be told from its end
    busy_ = false;
    --server_.busy_;
    server_.body_bytes_ -= std::exchange(counted_body_, 0);
    in_.consume(message_bytes_);
    message_bytes_ = 0;
    if (decoded_.capacity() > large_body) std::string().swap(decoded_);
    // Who sends requests ahead is served one in each turn.
    if (in_.size() != 0) co_await server_.loop_.next_turn();
  }
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
    const bool idle = in_.size() == 0;
    const Duration wait = idle ? server_.limits_.idle_time : until - server_.loop_.now();
    if (wait <= Duration::zero() || !co_await stream_->readable(wait))
      co_return idle ? fail(ErrorKind::closed, "idle for too long") : fail(ErrorKind::timeout, "the request came too slowly");
    if (idle) started_ = server_.loop_.now();
  }
}

Task<Result<bool>> HttpConnection::read_head() {
  started_ = server_.loop_.now();
  std::size_t searched = 0;
  while ((head_bytes_ = head_size(in_.view(), searched)) == 0) {
    searched = in_.size();
    if (searched > server_.limits_.head.bytes) co_return fail(ErrorKind::too_large, "the headers are too large");
    if (in_.room().empty()) in_.reserve(std::max(Buffer::small, in_.capacity() * 2));
    if (auto filled = co_await fill(server_.limits_.head_time); !filled) {
      if (filled.error().kind == ErrorKind::closed) co_return false;
      co_return std::unexpected(filled.error());
    }
  }
  if (auto read = read_request_head(in_.view().substr(0, head_bytes_), server_.limits_.head, head_); !read)
    co_return std::unexpected(read.error());
  co_return true;
}

Task<Result<bool>> HttpConnection::read_request() {
  auto head = co_await read_head();
  if (!head || !*head) co_return head;
  body_ = {};
  message_bytes_ = head_bytes_;
  const bool has_body = head_.chunked || head_.content_length.value_or(0) > 0;
  if (!has_body) co_return true;
  if (head_.method != "POST") co_return fail(ErrorKind::malformed, "only POST may have a body");
  if (head_.content_length.value_or(0) > server_.limits_.body)
    co_return fail(ErrorKind::too_large, fmt::format("the body is over {} bytes", server_.limits_.body));
  // RFC 9110 section 10.1.1: a client that asks first is told to go on.
  if (same_name(head_.headers.find("expect"), "100-continue") && in_.size() == head_bytes_) {
    if (!co_await stream_->write_all("HTTP/1.1 100 Continue\r\n\r\n", {}, server_.limits_.write_time)) co_return false;
  }
  auto body = head_.chunked ? co_await read_chunks() : co_await read_body();
  if (body) co_return true;
  if (body.error().kind == ErrorKind::closed) co_return false;
  co_return std::unexpected(body.error());
}

Task<Result<void>> HttpConnection::read_body() {
  const auto length = static_cast<std::size_t>(*head_.content_length);
  message_bytes_ = head_bytes_ + length;
  if (length > large_body) {
    if (server_.body_bytes_ + length > server_.limits_.bodies)
      co_return fail(ErrorKind::unavailable, "too many large requests at once: try again");
    server_.body_bytes_ += counted_body_ = length;
  }
  if (message_bytes_ > in_.capacity()) {
    in_.reserve(message_bytes_);
    // The head's views pointed into the smaller buffer.
    if (auto again = read_request_head(in_.view().substr(0, head_bytes_), server_.limits_.head, head_); !again)
      co_return again;
  }
  while (in_.size() < message_bytes_) {
    if (auto filled = co_await fill(server_.limits_.body_time); !filled) co_return filled;
  }
  body_ = in_.view().substr(head_bytes_, length);
  co_return Result<void>{};
}

Task<Result<void>> HttpConnection::read_chunks() {
  ChunkedBody chunks;
  decoded_.clear();
  for (;;) {
    auto taken = chunks.feed(in_.view().substr(message_bytes_), decoded_);
    if (!taken) co_return std::unexpected(taken.error());
    message_bytes_ += *taken;
    // Counts framing too: a body of tiny chunks costs its sender as much as us.
    if (decoded_.size() > server_.limits_.body || message_bytes_ > 2 * server_.limits_.body + head_bytes_)
      co_return fail(ErrorKind::too_large, fmt::format("the body is over {} bytes", server_.limits_.body));
    if (chunks.done()) break;
    if (in_.room().empty()) in_.reserve(in_.capacity() * 2);
    if (auto filled = co_await fill(server_.limits_.body_time); !filled) co_return filled;
  }
  if (auto again = read_request_head(in_.view().substr(0, head_bytes_), server_.limits_.head, head_); !again)
    co_return again;
  body_ = decoded_;
  co_return Result<void>{};
}

Task<void> HttpConnection::refuse(Error error) {
  if (error.kind == ErrorKind::closed) co_return;
  const int status = status_of(error);
  const std::string body = server_.handler_.refused(status, error, peer_);
  keep_ = false;
  HttpExchange exchange(*this);
  co_await exchange.respond(status, "Content-Type: application/json\r\n", body);
  // A client that still sends would get a reset before it read the answer.
  shutdown(stream_->descriptor().fd(), SHUT_WR);
  in_.clear();
  in_.reserve(Buffer::small);
  const Instant until = server_.loop_.now() + std::chrono::seconds(2);
  for (std::size_t drained = 0; drained < 1024 * 1024;) {
    const Stream::Io io = stream_->read_now(in_.room());
    if (io.status == Stream::Status::done) {
      drained += io.bytes;
      continue;
    }
    if (io.status != Stream::Status::would_block) break;
    const Duration wait = until - server_.loop_.now();
    if (wait <= Duration::zero() || !co_await stream_->readable(wait)) break;
  }
}

void HttpConnection::append_status(int status) {
  out_.clear();
  out_ += "HTTP/1.1 ";
  out_ += std::to_string(status);
  out_ += ' ';
  out_ += reason_phrase(status);
  out_ += "\r\n";
}

const RequestHead& HttpExchange::head() const { return connection_.head_; }
std::string_view HttpExchange::body() const { return connection_.body_; }
const Address& HttpExchange::peer() const { return connection_.peer_; }
bool HttpExchange::begun() const { return connection_.begun_; }
bool HttpExchange::is_gone() const { return connection_.stream_->descriptor().hung_up(); }
void HttpExchange::close_after() { connection_.keep_ = false; }
Descriptor::Ready HttpExchange::gone(Duration timeout) { return connection_.stream_->descriptor().hang_up(timeout); }

Task<bool> HttpExchange::respond(int status, std::string_view headers, std::string_view body) {
  HttpConnection& c = connection_;
  c.begun_ = true;
  c.keep_ = c.keep_ && !c.server_.stopping_;
  c.append_status(status);
  c.out_ += headers;
  if (!c.keep_) c.out_ += "Connection: close\r\n";
  if (status != 204) {
    c.out_ += "Content-Length: ";
    c.out_ += std::to_string(body.size());
    c.out_ += "\r\n";
  }
  c.out_ += "\r\n";
  const auto sent = co_await c.stream_->write_all(c.out_, body, c.server_.limits_.write_time);
  c.ended_ = sent.has_value();
  co_return sent.has_value();
}

Task<bool> HttpExchange::begin(int status, std::string_view headers) {
  HttpConnection& c = connection_;
  c.begun_ = c.streaming_ = true;
  c.append_status(status);
  c.out_ += headers;
  c.out_ += "Transfer-Encoding: chunked\r\n\r\n";
  const auto sent = co_await c.stream_->write_all(c.out_, {}, c.server_.limits_.write_time);
  co_return sent.has_value();
}

Task<bool> HttpExchange::write(std::string_view bytes) {
  HttpConnection& c = connection_;
  if (bytes.empty()) co_return true;
  c.out_ = fmt::format("{:x}\r\n", bytes.size());
  c.out_ += bytes;
  c.out_ += "\r\n";
  const auto sent = co_await c.stream_->write_all(c.out_, {}, c.server_.limits_.write_time);
  co_return sent.has_value();
}

Task<bool> HttpExchange::finish() {
  HttpConnection& c = connection_;
  const auto sent = co_await c.stream_->write_all("0\r\n\r\n", {}, c.server_.limits_.write_time);
  c.ended_ = sent.has_value();
  co_return sent.has_value();
}

}  // namespace callgate::net
