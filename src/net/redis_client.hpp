#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/secret.hpp"
#include "net/loop.hpp"
#include "net/redis_protocol.hpp"
#include "net/stream.hpp"

/// One connection to a Redis or Valkey server that several rooms share: limits
/// now, and whatever else several gateways have in common.
namespace callgate::net {

/// Where the server is, and who we are there.
struct RedisPlace {
  std::string host;  ///< a name, an address, or the path of a unix socket
  std::uint16_t port = 6379;
  unsigned database = 0;
  std::string user;  ///< empty: the server's default user
  Secret password;   ///< empty: none is asked for
  Duration answer_within = std::chrono::milliseconds(400);  ///< a server that takes longer counts as lost
};

/// Connects by itself, and again whenever the connection is lost. Commands of
/// one turn of the loop leave in one write; replies come in the order of the
/// commands. While the server is lost every command is refused at once, so no
/// caller waits longer than `answer_within`.
/// A command whose reply did not come may have been run or not.
/// Threads: the loop's.
class RedisClient {
 public:
  using Words = std::span<const std::string_view>;

  RedisClient(Loop& loop, RedisPlace place) : loop_(loop), place_(std::move(place)), queued_(loop) {}
  ~RedisClient();
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  /// Begins to connect. `on_change` hears when the server is there (`{}`) and
  /// when it is lost, and why; never the password.
  void start(std::function<void(const Result<void>&)> on_change);

  /// Sends a command, also before it is awaited. A reply that is an error of the
  /// server's is a reply. Errors: `unavailable`, `timeout`, `closed`.
  Task<Result<RedisReply>> ask(Words words);
  /// The server is there. Error: why not.
  Result<void> health() const;
  /// Leaves this connection for a new one, as when the server became a replica.
  void renew(Error why);

  Loop& loop() const { return loop_; }
  Duration answer_within() const { return place_.answer_within; }

 private:
  struct Asked;
  /// `unknown`: nothing failed yet, or the connection broke off just now and a
  /// new one is tried: commands wait for that.
  enum class State : std::uint8_t { unknown, there, lost };

  Task<void> live();
  Task<Result<std::unique_ptr<Stream>>> open();
  Task<Result<void>> introduce(Stream& stream, Instant until);
  Task<void> converse();
  Task<void> send_queued();
  Task<Result<RedisReply>> answer(std::unique_ptr<Asked> asked);
  Result<void> deliver();
  void there(std::unique_ptr<Stream> stream);
  void lost(Error why);
  void broke_off(Error why);
  void refuse_all(const Error& why);

  Loop& loop_;
  RedisPlace place_;
  std::function<void(const Result<void>&)> on_change_;
  State state_ = State::unknown;
  bool told_ = false;
  Error why_{ErrorKind::unavailable, "it was not reached yet", {}};
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<RedisReplies> replies_;
  std::string out_;             ///< commands to send
  std::string sending_;
  Signal queued_;
  std::deque<Asked*> waiting_;  ///< in the order of their commands; null for who no longer waits
  TaskGroup tasks_;
};

}  // namespace callgate::net
