#include "net/http_client.hpp"

#include <array>

#include <fmt/format.h>

#include "base/append.hpp"

namespace callgate::net {

namespace {

/// Heads of status 1xx before the answer's own (RFC 9110 section 15.2).
constexpr int max_announced = 32;
/// A body up to this size is copied behind its head and sent as one piece.
constexpr std::size_t joined_body = 4 * 1024;

/// Everything that one call waits for is over by then.
Instant deadline(const Loop& loop, Duration time) {
  return time == Loop::forever ? Instant::max() : loop.now() + std::min<Duration>(time, std::chrono::hours(24));
}

}  // namespace

HttpClient::HttpClient(Loop& loop, Url url, std::shared_ptr<TlsClient> tls, ClientLimits limits)
    : loop_(loop), url_(std::move(url)), authority_(url_.authority()), tls_(std::move(tls)), limits_(std::move(limits)) {}

namespace {

/// Bytes that nobody asked for, or a close: not fit for another request. What was
/// read to its very end (TLS: a record at a time) may still look readable.
bool is_silent(Stream& stream) {
  if (stream.descriptor().hung_up()) return false;
  char unasked = 0;
  return !stream.descriptor().may_read() || stream.read_now(std::span(&unasked, 1)).status == Stream::Status::would_block;
}

}  // namespace

std::unique_ptr<ClientConnection> HttpClient::take_idle() {
  while (!idle_.empty()) {
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    const bool fresh = loop_.now() - connection->idle_since < limits_.idle_time;
    if (fresh && connection->in.size() == 0 && is_silent(*connection->stream)) return connection;
  }
  return nullptr;
}

void HttpClient::give_back(std::unique_ptr<ClientConnection> connection) {
  if (idle_.size() >= limits_.idle_connections) return;
  connection->idle_since = loop_.now();
  connection->used = true;
  idle_.push_back(std::move(connection));
}

Task<Result<std::unique_ptr<ClientConnection>>> HttpClient::open(Instant until) {
  until = std::min(until, loop_.now() + limits_.connect_time);
  auto addresses = co_await resolve(loop_, url_.host, url_.port, until);
  if (!addresses) co_return std::unexpected(addresses.error());
  auto stream = co_await connect(loop_, std::move(*addresses), until);
  if (!stream) co_return std::unexpected(stream.error());
  if (url_.tls) {
    if (auto secured = co_await (*stream)->secure(tls_, url_.host, until); !secured)
      co_return std::unexpected(secured.error());
  }
  co_return std::make_unique<ClientConnection>(std::move(*stream), loop_.now());
}

/// `joined`: what of the body of `length` bytes goes with it.
void HttpClient::write_head(ClientConnection& connection, std::string_view target, std::string_view method, std::string_view headers,
                            std::size_t length, std::string_view joined) const {
  const bool has_length = method == "POST";
  connection.out.clear();
  append_all(connection.out, method, " ", target, " HTTP/1.1\r\nHost: ", authority_, "\r\n", headers,
             has_length ? "Content-Length: " : "", has_length ? std::to_string(length) : std::string(), has_length ? "\r\n\r\n" : "\r\n", joined);
}

Task<std::expected<std::unique_ptr<HttpReply>, SendFailure>> HttpClient::send_to(std::string_view target, std::string_view method,
                                                                                 std::string_view headers,
                                                                                 std::string_view body, Duration time) {
  const Instant until = deadline(loop_, time);
  for (;;) {
    auto connection = take_idle();
    if (!connection) {
      auto opened = co_await open(until);
      if (!opened) co_return std::unexpected(SendFailure{std::move(opened.error()), false});
      connection = std::move(*opened);
    }
    const bool joins = body.size() <= joined_body;
    write_head(*connection, target, method, headers, body.size(), joins ? body : std::string_view{});
    const std::string_view apart = joins ? std::string_view{} : body;
    // The first bytes by hand: a kept connection that takes none of them was
    // closed meanwhile, and only then may another one be tried.
    const std::array<iovec, 2> parts{iovec{connection->out.data(), connection->out.size()},
                                     iovec{const_cast<char*>(apart.data()), apart.size()}};
    const Stream::Io first = connection->stream->write_now(parts);
    if (first.status == Stream::Status::failed || first.status == Stream::Status::closed) {
      if (connection->used) continue;
      co_return std::unexpected(SendFailure{{ErrorKind::closed, "the server closed the connection", {}}, false});
    }
    const std::size_t of_head = std::min(first.bytes, connection->out.size());
    const std::string_view rest_head = std::string_view(connection->out).substr(of_head);
    const std::string_view rest_body = apart.substr(first.bytes - of_head);
    if (!rest_head.empty() || !rest_body.empty()) {
      if (auto sent = co_await connection->stream->write_all(rest_head, rest_body, limits_.write_time, until); !sent)
        co_return std::unexpected(SendFailure{std::move(sent.error()), true});
    }
    auto reply = std::make_unique<HttpReply>(*this, std::move(connection));
    if (auto read = co_await reply->read_head(until); !read)
      co_return std::unexpected(SendFailure{std::move(read.error()), true});
    co_return reply;
  }
}

HttpReply::HttpReply(HttpClient& client, std::unique_ptr<ClientConnection> connection)
    : client_(client), connection_(std::move(connection)) {
  head_.headers = std::move(connection_->fields);
  head_.headers.reserve(8);
}

HttpReply::~HttpReply() {
  if (!complete_ || !head_.keep_alive) return;
  connection_->in.consume(used_);
  if (connection_->in.size() != 0) return;
  // The views end with the answer; their list is kept for the next one.
  head_.headers.clear();
  connection_->fields = std::move(head_.headers);
  client_.give_back(std::move(connection_));
}

Result<void> HttpReply::count(std::size_t bytes) { return client_.limits_.room.count(part_, bytes, owner_); }

Task<Result<void>> HttpReply::fill(Instant until) {
  Buffer& in = connection_->in;
  if (in.room().empty()) in.reserve(std::max(Buffer::small, in.capacity() * 2));
  for (;;) {
    if (connection_->share.spent(client_.loop_)) co_await client_.loop_.next_turn();
    const Stream::Io io = connection_->stream->read_now(in.room());
    if (io.status == Stream::Status::done) {
      in.filled(io.bytes);
      connection_->share.took(client_.loop_, io.bytes);
      co_return Result<void>{};
    }
    if (io.status != Stream::Status::would_block) co_return fail(ErrorKind::closed, "the server closed the connection");
    const Duration left = until - client_.loop_.now();
    if (left <= Duration::zero() || !co_await connection_->stream->readable(left))
      co_return fail(ErrorKind::timeout, "the server did not answer in time");
  }
}

Task<Result<void>> HttpReply::read_head(Instant until) {
  Buffer& in = connection_->in;
  for (int announced = 0;; ++announced) {
    std::size_t searched = 0;
    while ((head_bytes_ = head_size(in.view(), searched)) == 0) {
      searched = in.size();
      if (searched > client_.limits_.head.bytes) co_return fail(ErrorKind::too_large, "the server's headers are too large");
      if (auto filled = co_await fill(until); !filled) co_return filled;
    }
    if (auto read = read_response_head(in.view().substr(0, head_bytes_), client_.limits_.head, head_); !read)
      co_return fail(ErrorKind::malformed, fmt::format("the server's answer is no HTTP: {}", read.error().message));
    if (head_.status >= 200) break;
    if (announced == max_announced) co_return fail(ErrorKind::malformed, "the server announces its answer without end");
    if (head_.status == 101) co_return fail(ErrorKind::malformed, "the server switched protocols unasked");
    in.consume(head_bytes_);  // 100 and 103 announce the answer
  }
  body_begins();
  co_return Result<void>{};
}

void HttpReply::body_begins() {
  used_ = head_bytes_;
  if (head_.status == 204 || head_.status == 304) {
    complete_ = true;
  } else if (head_.chunked) {
    chunks_.emplace();
  } else if (head_.content_length) {
    remaining_ = *head_.content_length;
    complete_ = remaining_ == 0;
  } else {
    until_close_ = true;
    head_.keep_alive = false;
  }
}

/// Takes what the buffer holds into `decoded_`; true when there was something.
Result<bool> HttpReply::decode() {
  const std::string_view raw = connection_->in.view().substr(used_);
  if (chunks_) {
    auto taken = chunks_->feed(raw, decoded_);
    if (!taken) return std::unexpected(taken.error());
    used_ += *taken;
    complete_ = chunks_->done();
    return *taken != 0;
  }
  const std::size_t bytes = until_close_ ? raw.size() : static_cast<std::size_t>(std::min<std::uint64_t>(raw.size(), remaining_));
  decoded_ += raw.substr(0, bytes);
  used_ += bytes;
  if (!until_close_) {
    remaining_ -= bytes;
    complete_ = remaining_ == 0;
  }
  return bytes != 0;
}

Task<Result<std::string_view>> HttpReply::whole(std::size_t limit, Duration time) {
  const Instant until = deadline(client_.loop_, time);
  Buffer& in = connection_->in;
  const auto too_large = [limit] { return fail(ErrorKind::too_large, fmt::format("the server's answer is over {} bytes", limit)); };
  if (!chunks_ && !until_close_) {
    // Length known: read in place, hand out a view.
    if (remaining_ > limit) co_return too_large();
    const std::size_t end = head_bytes_ + static_cast<std::size_t>(remaining_);
    const std::size_t length = static_cast<std::size_t>(remaining_);
    if (auto counted = count(length); !counted) co_return std::unexpected(counted.error());
    in.reserve(end + 1);  // a read that does not fill its room tells that there is no more
    while (in.size() < end) {
      if (auto filled = co_await fill(until); !filled) co_return std::unexpected(filled.error());
    }
    used_ = end;
    remaining_ = 0;
    complete_ = true;
    co_return in.view().substr(head_bytes_, length);
  }
  while (!complete_) {
    auto progress = decode();
    if (!progress) co_return std::unexpected(progress.error());
    if (decoded_.size() > limit) co_return too_large();
    if (auto counted = count(decoded_.capacity()); !counted) co_return std::unexpected(counted.error());
    if (complete_) break;
    in.consume(used_);
    used_ = 0;
    if (auto filled = co_await fill(until); !filled) {
      if (until_close_ && filled.error().kind == ErrorKind::closed) break;
      co_return std::unexpected(filled.error());
    }
  }
  co_return std::string_view(decoded_);
}

Task<Result<std::string_view>> HttpReply::next(Duration time) {
  const Instant until = deadline(client_.loop_, time);
  decoded_.clear();
  while (!complete_) {
    auto progress = decode();
    if (!progress) co_return std::unexpected(progress.error());
    if (!decoded_.empty() || complete_) break;
    connection_->in.consume(used_);
    used_ = 0;
    if (auto filled = co_await fill(until); !filled) {
      if (until_close_ && filled.error().kind == ErrorKind::closed) break;
      co_return std::unexpected(filled.error());
    }
  }
  co_return std::string_view(decoded_);
}

}  // namespace callgate::net
