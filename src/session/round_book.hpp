#pragma once

#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "session/round_store.hpp"

namespace callgate::session {

/// The calls of one process that are to go on, in memory. Threads: one.
class RoundBook {
 public:
  /// Gives what made room for it.
  std::vector<std::string> expect(RoundKey key, CallSoFar so_far, BootTime now) {
    Order& order = orders_[key.server];
    std::vector<std::string> gone;
    while (!order.empty() && (order.size() >= RoundStore::most_of_server || order.front().second < now)) {
      if (forget(order.front())) gone.push_back(std::move(order.front().first));
      order.pop_front();
    }
    order.emplace_back(key.digest, so_far.began + RoundStore::good_for);
    rounds_[std::move(key.digest)] = std::move(so_far);
    return gone;
  }

  /// Null where none is expected.
  const CallSoFar* find(const std::string& digest, BootTime now) const {
    const auto found = rounds_.find(digest);
    return found != rounds_.end() && RoundStore::may_go_on(found->second, now) ? &found->second : nullptr;
  }

  std::optional<CallSoFar> take(const std::string& digest, BootTime now) {
    const CallSoFar* found = find(digest, now);
    std::optional<CallSoFar> taken = found != nullptr ? std::optional(*found) : std::nullopt;
    rounds_.erase(digest);
    return taken;
  }

  std::size_t size() const { return rounds_.size(); }

 private:
  using Order = std::deque<std::pair<std::string, BootTime>>;

  bool forget(const std::pair<std::string, BootTime>& oldest) {
    // A key that was expected anew stands further back as well.
    const auto found = rounds_.find(oldest.first);
    if (found == rounds_.end() || found->second.began + RoundStore::good_for > oldest.second) return false;
    rounds_.erase(found);
    return true;
  }

  std::unordered_map<std::string, CallSoFar> rounds_;  ///< by digest
  std::unordered_map<std::string, Order> orders_;      ///< by server, oldest first
};

/// They go with the process: their next round is a call of its own. Threads: the loop's.
class MemoryRounds final : public RoundStore {
 public:
  explicit MemoryRounds(const Clock& clock) : clock_(clock) {}

  net::Task<bool> expect(RoundKey key, CallSoFar so_far) override {
    book_.expect(std::move(key), std::move(so_far), clock_.now());
    return net::Task<bool>::ready(true);
  }
  net::Task<std::optional<CallSoFar>> find(RoundKey key) override {
    const CallSoFar* found = book_.find(key.digest, clock_.now());
    return net::Task<std::optional<CallSoFar>>::ready(found != nullptr ? std::optional(*found) : std::nullopt);
  }
  net::Task<std::optional<CallSoFar>> take(RoundKey key) override {
    return net::Task<std::optional<CallSoFar>>::ready(book_.take(key.digest, clock_.now()));
  }

 private:
  const Clock& clock_;
  RoundBook book_;
};

}  // namespace callgate::session
