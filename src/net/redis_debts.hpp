#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>

#include "net/redis_functions.hpp"

namespace callgate::net {

/// What a server has to hear although nobody waits for its answer: said again
/// until it heard, in the order in which it came up. Functions that are called
/// so do no harm when they are called twice. Threads: the loop's.
class RedisDebts {
 public:
  /// `stamp` writes the arguments that depend on when a call is sent: it is
  /// called before each try.
  RedisDebts(RedisFunctions& functions, std::function<void(RedisCall&)> stamp)
      : functions_(functions), stamp_(std::move(stamp)) {}
  ~RedisDebts() { tasks_.cancel(); }
  RedisDebts(const RedisDebts&) = delete;
  RedisDebts& operator=(const RedisDebts&) = delete;

  void owe(RedisCall call);
  /// Sends what is not on its way. Commands keep their order: what is sent here
  /// is run before the next call of whoever calls this first. A server that answers
  /// with an error (out of memory) is left alone for a while, longer each time.
  void settle();
  /// Waits until the server heard all, at most so long.
  Task<void> settled(Duration most);
  std::size_t size() const { return owed_.size(); }

 private:
  struct Owed {
    RedisCall call;
    bool sent = false;
  };
  Task<void> hear(std::shared_ptr<Owed> owed, Task<Result<RedisReply>> reply);

  RedisFunctions& functions_;
  std::function<void(RedisCall&)> stamp_;
  static constexpr Duration first_pause = std::chrono::milliseconds(50);
  static constexpr Duration longest_pause = std::chrono::seconds(5);
  std::deque<std::shared_ptr<Owed>> owed_;
  Duration pause_ = first_pause;
  Instant not_before_{};
  TaskGroup tasks_;
};

}  // namespace callgate::net
