#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/clock.hpp"

namespace callgate::gateway {

/// Calls that a server answered with `input_required` and that were counted: the
/// round that goes on with one is not counted again (protocol item 31). Keys say
/// who asks for what with which state of the server's. Bounded: the oldest goes,
/// and its next round counts as a call. Threads: the loop's.
class RoundMemory {
 public:
  static constexpr std::size_t max_rounds = 10'000;
  static constexpr std::chrono::hours good_for{1};

  void expect(std::string key, BootTime now) {
    while (!order_.empty() && (order_.size() >= max_rounds || order_.front().second < now)) {
      forget(order_.front());
      order_.pop_front();
    }
    until_[key] = now + good_for;
    order_.emplace_back(std::move(key), now + good_for);
  }

  /// True once for each that was expected.
  bool take(const std::string& key, BootTime now) {
    const auto found = until_.find(key);
    if (found == until_.end()) return false;
    const bool good = found->second >= now;
    until_.erase(found);
    return good;
  }

 private:
  void forget(const std::pair<std::string, BootTime>& oldest) {
    // A key that was expected anew stands further back as well.
    const auto found = until_.find(oldest.first);
    if (found != until_.end() && found->second <= oldest.second) until_.erase(found);
  }

  std::unordered_map<std::string, BootTime> until_;
  std::deque<std::pair<std::string, BootTime>> order_;
};

}  // namespace callgate::gateway
