#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/clock.hpp"

namespace callgate::limits::test {

/// The meaning of a limit, as slow and plain as possible: all calls ever made.
class Model {
 public:
  Model(std::uint64_t max, Nanos window) : max_(max), window_(window) {}

  std::uint64_t used(BootTime now) const {
    return static_cast<std::uint64_t>(
        std::ranges::count_if(calls_, [&](BootTime at) { return at > now - window_; }));
  }
  bool free(BootTime now) const { return used(now) < max_; }
  void add(BootTime at) { calls_.push_back(at); }
  void remove(BootTime at) { calls_.erase(std::ranges::find(calls_, at)); }
  /// Until a call may pass, tried instant by instant at the times calls leave.
  Nanos wait(BootTime now) const {
    std::vector<Nanos> waits;
    for (const BootTime at : calls_) {
      if (at + window_ > now) waits.push_back(at + window_ - now);
    }
    std::ranges::sort(waits);
    for (const Nanos wait : waits) {
      if (free(now + wait)) return wait;
    }
    return window_;
  }
  /// The most calls that any interval of the window's length holds.
  std::uint64_t densest() const {
    std::uint64_t most = 0;
    for (const BootTime at : calls_) {
      most = std::max(most, static_cast<std::uint64_t>(std::ranges::count_if(
                                calls_, [&](BootTime other) { return other > at - window_ && other <= at; })));
    }
    return most;
  }

 private:
  std::uint64_t max_;
  Nanos window_;
  std::vector<BootTime> calls_;
};

}  // namespace callgate::limits::test
