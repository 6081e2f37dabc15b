#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "limits/counters.hpp"
#include "limits/limit_functions.hpp"
#include "net/redis_debts.hpp"
#include "net/redis_functions.hpp"

namespace callgate::limits {

/// Counters that several gateways share on one Redis (7) or Valkey server. All
/// limits of a call are taken in one round trip, all or nothing, by a function
/// that runs on the server; its clock tells the time. A call that could not be
/// counted is answered with a `fault`, never let through. What was counted and
/// not answered for stays counted.
///
/// The sessions of a gateway that is silent for `silent_for` count as ended.
/// Threads: the loop's.
class RedisCounters final : public Counters {
 public:
  enum class Time : std::uint8_t {
    of_server,
    of_caller,  ///< the `now` of each call, in nanoseconds; for tests, which move it
  };
  struct Options {
    std::string gateway;      ///< names this process among all that share the server
    std::string predecessor;  ///< a process that has gone: its sessions are over; may be empty
    std::string prefix = "callgate:";  ///< of all keys
    Time time = Time::of_server;
    std::function<std::int64_t()> wall_ms = [clock = SystemClock()] { return clock.wall_ms(); };
  };
  static constexpr Nanos silent_for = std::chrono::seconds(10);
  static constexpr Nanos between_beats = std::chrono::seconds(2);

  RedisCounters(net::RedisClient& client, Options options);
  ~RedisCounters() override;

  net::Task<Look> look(std::span<const Ask> asks, const Subject& who, BootTime now) override;
  net::Task<TakeResult> take(std::span<const Ask> asks, const Subject& who, BootTime now) override;
  void give_back(Taken&& taken) override;
  void session_ended(const Subject& who, BootTime now) override;
  Result<void> health() const override;

  /// `heard` is told when a server that is there cannot count (`OOM`, a replica),
  /// and why, and when it can again.
  void on_change(std::function<void(const Result<void>&)> heard) { on_change_ = std::move(heard); }
  /// Says again and again that this gateway lives; runs until it is cancelled.
  net::Task<void> keep_alive();
  /// Ends this gateway's sessions, as before its own end.
  net::Task<void> leave();
  /// Ends of sessions that the server has not heard of yet.
  std::size_t owed() const { return debts_.size(); }

 private:
  net::Task<Look> finish_look(std::span<const Ask> asks, net::Task<Result<net::RedisReply>> reply);
  net::Task<TakeResult> finish_take(std::span<const Ask> asks, std::shared_ptr<Taken::Receipt> receipt, BootTime now,
                                    net::Task<Result<net::RedisReply>> reply);
  static net::Task<void> forget(net::Task<Result<net::RedisReply>> reply);

  std::string key(std::string_view kind, std::initializer_list<std::string_view> parts) const;
  void add_limits(net::RedisCall& call, std::span<const Ask> asks, const Subject& who) const;
  void add_time(net::RedisCall& call, BootTime now);
  std::int64_t units(Nanos time) const;
  BootTime here() const;
  struct Answer;
  Result<Answer> read(Result<net::RedisReply> reply, std::size_t limits);
  Result<Answer> read(const std::vector<net::RedisReply>& items, std::size_t limits);
  Look look_of(std::span<const Ask> asks, const Answer& answer) const;

  net::RedisClient& client_;
  const Options options_;
  const LimitFunctions functions_;
  net::RedisFunctions server_;
  const std::string clock_key_;
  const std::string gateways_key_;
  const std::string sessions_key_;  ///< of this gateway's sessions
  std::uint64_t calls_ = 0;
  BootTime now_;  ///< the latest time seen; an earlier one counts as this
  std::optional<BootTime> last_answered_;     ///< when the last call was made that the server answered
  std::optional<std::int64_t> server_ahead_;  ///< the server's clock less ours, in microseconds, at least
  std::function<void(const Result<void>&)> on_change_;
  Result<void> counting_;  ///< what the server's last answer says of it
  std::unordered_set<std::string> counted_sessions_;  ///< those that took a limit of their own
  net::RedisDebts debts_;
  net::TaskGroup tasks_;
};

}  // namespace callgate::limits
