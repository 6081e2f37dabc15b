#pragma once

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "net/loop.hpp"

namespace callgate::upstream {

/// When the program of a server may be started again for a caller: a grant, or the
/// gateway itself. One that ends before it said anything is broken, or lacks
/// something, or was ended by what its caller sent: once it may be started again at
/// once, then after `first`, then after twice as long each time, up to `longest`.
/// One that has spoken begins anew. Who makes programs end so keeps nobody else
/// out; whoever asks, no more than `most_in_all` may have ended so in `longest`.
/// Threads: the loop's.
class Restarts {
 public:
  static constexpr net::Duration first = std::chrono::milliseconds(250);
  static constexpr net::Duration longest = std::chrono::seconds(10);
  static constexpr std::size_t most_in_all = 32;
  static constexpr net::Duration remembered = std::chrono::minutes(1);  ///< of a caller, behind its pause

  /// How long until then; zero: now.
  net::Duration wait(std::string_view caller, net::Instant now) const {
    const auto own = callers_.find(caller);
    const net::Instant at = std::max(own == callers_.end() ? net::Instant{} : own->second.not_before, free_for_all());
    return std::max<net::Duration>(at - now, net::Duration::zero());
  }
  void ended_unheard(std::string_view caller, net::Instant now) {
    std::erase_if(callers_, [now](const auto& each) { return each.second.not_before + remembered < now; });
    Caller& own = callers_[std::string(caller)];
    if (own.in_a_row > 0) own.pause = own.in_a_row == 1 ? first : std::min<net::Duration>(own.pause * 2, longest);
    ++own.in_a_row;
    own.not_before = now + own.pause;
    ended_.push_back(now);
    if (ended_.size() > most_in_all) ended_.pop_front();
  }
  void spoke(std::string_view caller) {
    if (const auto own = callers_.find(caller); own != callers_.end()) callers_.erase(own);
  }
  /// How often the caller's ended unheard, one behind the other.
  unsigned in_a_row(std::string_view caller) const {
    const auto own = callers_.find(caller);
    return own == callers_.end() ? 0 : own->second.in_a_row;
  }

 private:
  struct Caller {
    unsigned in_a_row = 0;
    net::Duration pause{};
    net::Instant not_before{};
  };
  net::Instant free_for_all() const { return ended_.size() < most_in_all ? net::Instant{} : ended_.front() + longest; }

  std::map<std::string, Caller, std::less<>> callers_;
  std::deque<net::Instant> ended_;  ///< the latest, of all callers
};

}  // namespace callgate::upstream
