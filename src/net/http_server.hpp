#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.hpp"
#include "net/address.hpp"
#include "net/buffer.hpp"
#include "net/http1.hpp"
#include "net/loop.hpp"
#include "net/stream.hpp"

/// HTTP/1.1 server: bounded messages in, one answer or one stream out.
/// Limits and time-outs are security requirements S13, S14, S17.
namespace callgate::net {

struct ServerLimits {
  HeadLimits head;
  std::size_t body = 4 * 1024 * 1024;
  std::size_t bodies = 256 * 1024 * 1024;  ///< all bodies over 16 KiB in memory together, with what is made of them; a quarter of it for one holder
  std::size_t connections = 16'384;
  std::size_t connections_per_address = 1024;
  Duration head_time = std::chrono::seconds(10);
  Duration body_time = std::chrono::seconds(30);
  Duration body_grace = std::chrono::seconds(5);  ///< what any body may take; each byte that comes buys more
  std::size_t body_rate = 1024;                   ///< bytes a second that a body has to bring after that
  Duration idle_time = std::chrono::seconds(60);  ///< between requests; the first one of a connection has `head_time`
  Duration write_time = std::chrono::seconds(30);
  Duration handshake_time = std::chrono::milliseconds(200);  ///< for those that have begun, before a port is left
  Duration leave_time = std::chrono::seconds(1);  ///< for one more request of silent connections, after that
};

class HttpServer;
class HttpConnection;

/// Whether a body had to be waited for.
enum class Received : std::uint8_t {
  at_once,  ///< it was here, or there is none: nothing else has run meanwhile
  later,    ///< views into the head that were taken before have ended
  not_all,  ///< it does not come, or may not: return, the connection answers by itself
};

/// One request and the way to answer it. Lives while its handler runs.
class HttpExchange {
 public:
  const RequestHead& head() const;
  /// For handlers that begin with the head, before they look at the body. `holder`: whose the memory for it
  /// counts as; empty: the address's.
  Task<Received> receive(std::string holder = {});
  std::string_view body() const;
  /// Counts memory that the handler keeps because of the body, for as long as it works, with the body: fails
  /// where there is no room for it.
  Result<void> keep(std::size_t bytes);
  const Address& peer() const;
  const std::string& ip() const;  ///< the peer's, in words

  /// Sends the whole answer; `headers` are ready lines, each with its CRLF.
  /// False when the client is gone.
  Task<bool> respond(int status, std::string_view headers, std::string_view body);
  /// The same with a body in two parts, of which the first is copied.
  Task<bool> respond_in_parts(int status, std::string_view headers, std::string_view begin, std::string_view rest);
  /// Starts an answer of unknown length; then write() as often as needed, then finish().
  Task<bool> begin(int status, std::string_view headers);
  Task<bool> write(std::string_view bytes);
  Task<bool> finish();
  bool begun() const;
  bool answering() const;  ///< a whole answer was begun, or a piece is being written: nothing else may follow now
  /// Until the client hangs up; false when `timeout` passed first.
  Descriptor::Ready gone(Duration timeout);
  bool is_gone() const;
  void close_after();

 private:
  friend class HttpConnection;
  explicit HttpExchange(HttpConnection& connection) : connection_(connection) {}
  HttpConnection& connection_;
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  enum class Begins : std::uint8_t {
    with_body,
    with_head,  ///< and receives the body itself: of who is refused before, none is read or kept
  };
  virtual Begins begins() const { return Begins::with_body; }
  virtual Task<void> handle(HttpExchange& exchange) = 0;
  /// The body (application/json) of an answer to a request that could not be
  /// read; also the place to count and record it.
  virtual std::string refused(int status, const Error& error, const Address& peer) = 0;
};

class HttpServer {
 public:
  HttpServer(Loop& loop, HttpHandler& handler, ServerLimits limits);
  ~HttpServer();

  Result<Address> listen(const Address& address, Port port = Port::own);
  /// Before `stop`, where others listen on the same port. Closes the listeners without losing
  /// whom the kernel had sent here, goes on serving, and ends each connection with its next
  /// answer. Returns once all have gone that were not at work, or their time is over.
  Task<void> leave_port();
  /// No new connections, idle ones are closed; those at work finish.
  void stop();
  std::size_t open_connections() const { return count_; }
  std::size_t busy_connections() const { return busy_; }
  std::size_t body_bytes() const { return body_bytes_; }  ///< of large bodies in memory

 private:
  friend class HttpConnection;
  friend class HttpExchange;
  enum class Stage : std::uint8_t { open, leaving, stopping };
  Task<void> accept(Listener& listener);
  void admit(std::unique_ptr<Stream> stream, const Address& peer);
  bool make_room(const std::string& ip);

  Loop& loop_;
  HttpHandler& handler_;
  ServerLimits limits_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  Stage stage_ = Stage::open;
  std::size_t count_ = 0;
  std::size_t busy_ = 0;
  std::size_t body_bytes_ = 0;
  std::unordered_map<std::string, std::size_t> per_address_;
  std::unordered_map<std::string, std::size_t> held_bodies_;  ///< of `body_bytes_`, by holder
  ListNode connections_;  ///< longest without a complete request first
  TaskGroup tasks_;
  TaskGroup accepting_;
};

}  // namespace callgate::net
