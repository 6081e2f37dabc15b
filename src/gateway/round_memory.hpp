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
/// round that goes on with one is not counted again (protocol item 31), and nobody
/// is asked again what a person allowed. Keys say who asks for what with which
/// state of the server's. Bounded: the oldest goes,
/// and its next round counts as a call. Threads: the loop's.
class RoundMemory {
 public:
  static constexpr std::size_t max_rounds = 10'000;
  static constexpr std::chrono::hours good_for{1};

  /// What let the call's last round go.
  struct Round {
    BootTime until{};
    std::string covered;   ///< digest of what a person's yes covers; empty where none was needed
    std::string approval;  ///< of that yes
  };

  void expect(std::string key, BootTime now, std::string covered = {}, std::string approval = {}) {
    while (!order_.empty() && (order_.size() >= max_rounds || order_.front().second < now)) {
      forget(order_.front());
      order_.pop_front();
    }
    rounds_[key] = {.until = now + good_for, .covered = std::move(covered), .approval = std::move(approval)};
    order_.emplace_back(std::move(key), now + good_for);
  }

  /// One that was expected and is not taken; null for any other.
  const Round* find(const std::string& key, BootTime now) const {
    const auto found = rounds_.find(key);
    return found != rounds_.end() && found->second.until >= now ? &found->second : nullptr;
  }

  /// True once for each that was expected.
  bool take(const std::string& key, BootTime now) {
    const bool good = find(key, now) != nullptr;
    rounds_.erase(key);
    return good;
  }

 private:
  void forget(const std::pair<std::string, BootTime>& oldest) {
    // A key that was expected anew stands further back as well.
    const auto found = rounds_.find(oldest.first);
    if (found != rounds_.end() && found->second.until <= oldest.second) rounds_.erase(found);
  }

  std::unordered_map<std::string, Round> rounds_;
  std::deque<std::pair<std::string, BootTime>> order_;
};

}  // namespace callgate::gateway
