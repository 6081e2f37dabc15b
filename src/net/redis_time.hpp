#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "net/loop.hpp"

namespace callgate::net {

/// What a gateway knows of a shared server's clock: how far it can have gone on
/// since anybody's last call (no further than since our own), and what it shows
/// when our patience ends. Texts as the functions take them, in microseconds;
/// empty while nothing is known. Threads: the loop's.
class RedisTime {
 public:
  /// How much longer it may take from one call to the next until they reach the
  /// server than it took here; no less than a call may take.
  static constexpr Duration slack = std::chrono::milliseconds(500);

  static std::int64_t microseconds(Duration time) { return std::chrono::duration_cast<std::chrono::microseconds>(time).count(); }

  std::string at_most(Instant now) const { return last_ ? std::to_string(microseconds(now - *last_ + slack)) : std::string(); }
  std::string not_after(Instant until) const {
    return ahead_ ? std::to_string(microseconds(until.time_since_epoch()) + *ahead_) : std::string();
  }
  bool known() const { return ahead_.has_value(); }
  /// A call made at `sent` was answered at `now`; the server's clock showed `raw`.
  void answered(Instant sent, Instant now, std::int64_t raw) {
    last_ = std::max(last_.value_or(sent), sent);
    ahead_ = raw - microseconds(now.time_since_epoch());
  }

 private:
  std::optional<Instant> last_;
  std::optional<std::int64_t> ahead_;  ///< the server's clock less ours, at least
};

}  // namespace callgate::net
