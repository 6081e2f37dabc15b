// The way back: the answer to one request, whole or as a stream.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/append.hpp"
#include "net/http_connection.hpp"

namespace callgate::net {

namespace {

/// An answer up to this size is copied behind its head and sent as one piece.
constexpr std::size_t joined_answer = 4 * 1024;
/// One up to this size waits for the answers of its turn; a larger one fills the caches on its own.
constexpr std::size_t sent_together = 16 * 1024;

}  // namespace

/// The answer is whole once these bytes are written.
Task<bool> HttpConnection::end_with(Task<Result<void>> writing) {
  if (const Result<void>* written = writing.result(); written != nullptr) {
    ended_ = written->has_value();
    return Task<bool>::ready(ended_);
  }
  return end_later(std::move(writing));
}

/// Sends what is in `out_` and `rest` along with the other answers of this turn.
Task<bool> HttpConnection::end_together(std::string_view rest) {
  co_await server_.loop_.all_ran();
  const auto written = co_await stream_->write_all(out_, rest, server_.limits_.write_time);
  ended_ = written.has_value();
  co_return ended_;
}

Task<bool> HttpConnection::end_later(Task<Result<void>> writing) {
  const auto written = co_await std::move(writing);
  ended_ = written.has_value();
  co_return ended_;
}

const RequestHead& HttpExchange::head() const { return connection_.head_; }
Task<Received> HttpExchange::receive(std::string holder) {
  connection_.holder_ = std::move(holder);
  return connection_.receive();
}
std::string_view HttpExchange::body() const { return connection_.body_; }
Result<void> HttpExchange::keep(std::size_t bytes) {
  return connection_.count_body(std::max(connection_.body_.size(), connection_.counted_body_) + bytes);
}
const Address& HttpExchange::peer() const { return connection_.peer_; }
const std::string& HttpExchange::ip() const { return connection_.ip_; }
bool HttpExchange::begun() const { return connection_.begun_; }
bool HttpExchange::answering() const { return connection_.begun_ && (!connection_.streaming_ || connection_.writing_); }
bool HttpExchange::is_gone() const { return connection_.stream_->descriptor().hung_up(); }
void HttpExchange::close_after() { connection_.keep_ = false; }
Descriptor::Ready HttpExchange::gone(Duration timeout) { return connection_.stream_->descriptor().hang_up(timeout); }

Task<bool> HttpExchange::respond(int status, std::string_view headers, std::string_view body) {
  return respond_in_parts(status, headers, {}, body);
}

Task<bool> HttpExchange::respond_in_parts(int status, std::string_view headers, std::string_view begin, std::string_view rest) {
  HttpConnection& c = connection_;
  c.begun_ = true;
  c.settle_unread_body();
  c.keep_ = c.keep_ && c.server_.stage_ == HttpServer::Stage::open;
  const std::string_view close = c.keep_ ? "" : "Connection: close\r\n";
  const bool has_length = status != 204;
  const std::string length = has_length ? std::to_string(begin.size() + rest.size()) : std::string();
  if (c.head_only_) begin = rest = {};  // RFC 9110 section 9.3.2: the same head, and nothing behind it
  const std::string_view joined = rest.size() <= joined_answer ? std::exchange(rest, {}) : std::string_view();
  c.out_.clear();
  append_all(c.out_, "HTTP/1.1 ", std::to_string(status), " ", reason_phrase(status), "\r\n", headers, close,
             has_length ? "Content-Length: " : "", length, has_length ? "\r\n\r\n" : "\r\n", begin, joined);
  if (rest.size() <= sent_together && c.server_.loop_.crowded()) return c.end_together(rest);
  return c.end_with(c.stream_->write_all(c.out_, rest, c.server_.limits_.write_time));
}

Task<bool> HttpExchange::begin(int status, std::string_view headers) {
  HttpConnection& c = connection_;
  c.begun_ = c.streaming_ = true;
  c.settle_unread_body();
  c.out_.clear();
  append_all(c.out_, "HTTP/1.1 ", std::to_string(status), " ", reason_phrase(status), "\r\n", headers, "Transfer-Encoding: chunked\r\n\r\n");
  const auto sent = co_await c.stream_->write_all(c.out_, {}, c.server_.limits_.write_time);
  co_return sent.has_value();
}

Task<bool> HttpExchange::write(std::string_view bytes) {
  HttpConnection& c = connection_;
  if (bytes.empty()) co_return true;
  c.out_ = fmt::format("{:x}\r\n", bytes.size());
  c.writing_ = true;
  Result<void> sent;
  if (bytes.size() > sent_together) {
    // Not copied: a stream that is open for long would keep the memory of its largest event.
    sent = co_await c.stream_->write_all(c.out_, bytes, c.server_.limits_.write_time);
    bytes = {};
    c.out_.clear();
  }
  c.out_ += bytes;
  c.out_ += "\r\n";
  if (sent) sent = co_await c.stream_->write_all(c.out_, {}, c.server_.limits_.write_time);
  c.writing_ = false;
  co_return sent.has_value();
}

Task<bool> HttpExchange::finish() {
  HttpConnection& c = connection_;
  c.writing_ = true;
  const auto sent = co_await c.stream_->write_all("0\r\n\r\n", {}, c.server_.limits_.write_time);
  c.writing_ = false;
  c.ended_ = sent.has_value();
  co_return sent.has_value();
}

}  // namespace callgate::net
