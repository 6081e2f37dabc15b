#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/clock.hpp"

namespace callgate::gateway {

/// What a call of several rounds has behind it.
struct CallSoFar {
  std::size_t rounds = 0;  ///< that went to the server
  BootTime began{};        ///< when the first was answered
  std::string covered{};   ///< digest of what a person's yes covers; empty where none was needed
  std::string approval{};  ///< of that yes
};

/// Calls that a server answered with `input_required` and that were counted: the
/// round that goes on with one is not counted again (protocol item 31), and nobody
/// is asked again what a person allowed. Keys say who asks for what with which
/// state of the server's. What goes on for too many rounds, or for too long, is a
/// call of its own again: else one yes, or one share of a limit, would be good
/// for as many as the server likes. Bounded: the oldest goes, and its next round
/// counts as a call. Threads: the loop's.
class RoundMemory {
 public:
  static constexpr std::size_t max_kept = 10'000;
  static constexpr std::size_t max_rounds = 16;      ///< of one call, its first included
  static constexpr std::chrono::hours good_for{1};   ///< from the answer to its first round

  void expect(std::string key, BootTime now, CallSoFar so_far) {
    if (so_far.rounds <= 1) so_far.began = now;
    if (so_far.rounds >= max_rounds || so_far.began + good_for < now) return;
    while (!order_.empty() && (order_.size() >= max_kept || order_.front().second < now)) {
      forget(order_.front());
      order_.pop_front();
    }
    order_.emplace_back(key, so_far.began + good_for);
    rounds_[std::move(key)] = std::move(so_far);
  }

  /// One that was expected and is not taken; null for any other.
  const CallSoFar* find(const std::string& key, BootTime now) const {
    const auto found = rounds_.find(key);
    return found != rounds_.end() && found->second.began + good_for >= now ? &found->second : nullptr;
  }

  void take(const std::string& key) { rounds_.erase(key); }

 private:
  void forget(const std::pair<std::string, BootTime>& oldest) {
    // A key that was expected anew stands further back as well.
    const auto found = rounds_.find(oldest.first);
    if (found != rounds_.end() && found->second.began + good_for <= oldest.second) rounds_.erase(found);
  }

  std::unordered_map<std::string, CallSoFar> rounds_;
  std::deque<std::pair<std::string, BootTime>> order_;
};

}  // namespace callgate::gateway
