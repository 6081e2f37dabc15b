#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/address.hpp"
#include "net/buffer.hpp"
#include "net/chunked.hpp"
#include "net/frame_pool.hpp"
#include "net/headers.hpp"
#include "net/http1.hpp"
#include "net/loop.hpp"
#include "net/reply_room.hpp"
#include "net/stream.hpp"

/// HTTP/1.1 client of one origin with kept connections. Follows no redirect,
/// offers no content coding, sends no request twice.
namespace callgate::net {

struct ClientLimits {
  HeadLimits head{};
  Duration connect_time = std::chrono::seconds(10);  ///< name, addresses and TLS together
  Duration write_time = std::chrono::seconds(30);
  std::size_t idle_connections = 128;
  Duration idle_time = std::chrono::seconds(50);
  ServerRoom room;  ///< for large answers
};

struct SendFailure {
  Error error;
  bool sent = true;  ///< false: surely no byte of the request left
};

class HttpClient;

/// One connection to the origin.
struct ClientConnection {
  ClientConnection(std::unique_ptr<Stream> connected, Instant now) : stream(std::move(connected)), idle_since(now) {}
  std::unique_ptr<Stream> stream;
  Buffer in;
  Headers fields;  ///< of no answer: memory for those of the next
  TurnShare share{16 * 1024};  ///< a stream of small events costs a turn more than its bytes
  std::string out;
  Instant idle_since;
  bool used = false;
};

/// The answer to a request. Gives its connection back when the body was read to
/// its end, closes it otherwise. Must not outlive the client.
class HttpReply {
 public:
  HttpReply(HttpClient& client, std::unique_ptr<ClientConnection> connection);
  ~HttpReply();
  HttpReply(const HttpReply&) = delete;
  HttpReply& operator=(const HttpReply&) = delete;

  /// One is made for each call.
  static void* operator new(std::size_t bytes) { return FramePool::take(bytes); }
  static void operator delete(void* reply, std::size_t bytes) noexcept { FramePool::give(reply, bytes); }

  int status() const { return head_.status; }
  /// Views that end where the body is read: copy what is needed before.
  const Headers& headers() const { return head_.headers; }

  /// The whole body; at most `limit` bytes, all of them before `time` is over.
  /// The view holds until the reply is destroyed.
  Task<Result<std::string_view>> whole(std::size_t limit, Duration time);
  /// The next piece of the body, empty at its end; the view holds until the
  /// next call. Fails when no content came before `time` was over.
  Task<Result<std::string_view>> next(Duration time);
  /// Whose it counts as, if it is large; outlives the reading of it.
  void belongs_to(const ReplyOwner& owner) { owner_ = &owner; }
  /// The answer takes up so many bytes in all until this is destroyed. Error: there is no room.
  Result<void> count(std::size_t bytes);
  /// Of a stream without an end: it takes up no more than so many bytes now.
  void keep_counted(std::size_t bytes) { ServerRoom::keep(part_, bytes); }
  /// What it takes up, for who goes on with its text; null where it is small.
  std::unique_ptr<ReplyPart> take_part() { return std::move(part_); }

 private:
  friend class HttpClient;
  Task<Result<void>> read_head(Instant until);
  Task<Result<void>> fill(Instant until);
  void body_begins();
  Result<bool> decode();

  HttpClient& client_;
  std::unique_ptr<ClientConnection> connection_;
  ResponseHead head_;
  std::size_t head_bytes_ = 0;
  std::size_t used_ = 0;           ///< bytes of the buffer that were handed out
  std::uint64_t remaining_ = 0;    ///< of a body with a length
  std::optional<ChunkedBody> chunks_;
  std::string decoded_;
  const ReplyOwner* owner_ = nullptr;
  std::unique_ptr<ReplyPart> part_;  ///< of the room for large answers
  bool until_close_ = false;
  bool complete_ = false;
};

class HttpClient {
 public:
  HttpClient(Loop& loop, Url url, std::shared_ptr<TlsClient> tls, ClientLimits limits);

  /// Connects where need be, sends one request and reads the head of its answer,
  /// all of it before `time` is over. `headers` are ready lines, each with its CRLF.
  Task<std::expected<std::unique_ptr<HttpReply>, SendFailure>> send(std::string_view method, std::string_view headers,
                                                                    std::string_view body, Duration time) {
    return send_to(url_.target, method, headers, body, time);
  }
  /// The same at another path and query of the origin.
  Task<std::expected<std::unique_ptr<HttpReply>, SendFailure>> send_to(std::string_view target, std::string_view method, std::string_view headers,
                                                                       std::string_view body, Duration time);
  const Url& url() const { return url_; }
  Loop& loop() { return loop_; }
  const ServerRoom& room() const { return limits_.room; }

 private:
  friend class HttpReply;
  std::unique_ptr<ClientConnection> take_idle();
  void give_back(std::unique_ptr<ClientConnection> connection);
  Task<Result<std::unique_ptr<ClientConnection>>> open(Instant until);
  void write_head(ClientConnection& connection, std::string_view target, std::string_view method, std::string_view headers, std::size_t length, std::string_view joined) const;

  Loop& loop_;
  Url url_;
  std::string authority_;
  std::shared_ptr<TlsClient> tls_;
  ClientLimits limits_;
  std::vector<std::unique_ptr<ClientConnection>> idle_;
};

}  // namespace callgate::net
