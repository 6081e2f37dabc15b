#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.hpp"
#include "base/metrics.hpp"
#include "net/redis_timed.hpp"

namespace callgate::gateway {

/// The other gateways that share a Redis (7) or Valkey server: each says every two
/// seconds which policies it judges by, so that a difference is seen. Nothing is
/// decided by this. Threads: the loop's.
class Peers {
 public:
  /// Content hashes of policies by what they are for: `server NAME` or `grant NAME`.
  using Versions = std::map<std::string, std::string, std::less<>>;
  struct Options {
    std::string gateway;               ///< names this process among all that share the server
    std::string prefix = "callgate:";  ///< of all keys
  };
  static constexpr net::Duration between_beats = std::chrono::seconds(2);
  static constexpr net::Duration silent_for = std::chrono::seconds(10);

  Peers(net::RedisClient& client, Log& log, Metrics& metrics, Options options);
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  /// Says again and again what `ours` gives; runs until it is cancelled.
  net::Task<void> keep_telling(std::function<Versions()> ours);
  /// Says it once, and holds it against what the others said; false where nobody could be told.
  net::Task<bool> beat(const Versions& ours);
  /// This gateway goes.
  net::Task<void> leave();

  /// What live gateways judge by different policies, a sentence each; as of the last beat.
  std::vector<std::string> differences() const;

 private:
  struct Functions {
    Functions();
    std::string text;
    std::string beat, leave;
  };
  void compare(const Versions& ours, const std::vector<net::RedisReply>& items);

  const Functions names_;
  net::RedisTimed functions_;
  Log& log_;
  Gauge& live_;
  Gauge& differing_;
  const Options options_;
  const std::string key_;
  std::map<std::string, std::size_t, std::less<>> differing_now_;  ///< how many others differ, by what the policy is for
};

}  // namespace callgate::gateway
