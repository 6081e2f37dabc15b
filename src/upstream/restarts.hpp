#pragma once

#include <algorithm>
#include <chrono>

#include "net/loop.hpp"

namespace callgate::upstream {

/// When the program of a server may be started again. One that ends before it said
/// anything is broken, or lacks something: once it may be started again at once, then
/// after `first`, then after twice as long each time, up to `longest`, whoever asks.
/// One that has spoken begins anew, so nobody keeps others out by calls that end a
/// program.
class Restarts {
 public:
  static constexpr net::Duration first = std::chrono::milliseconds(250);
  static constexpr net::Duration longest = std::chrono::seconds(10);

  /// How long until then; zero: now.
  net::Duration wait(net::Instant now) const { return std::max<net::Duration>(not_before_ - now, net::Duration::zero()); }
  void ended_unheard(net::Instant now) {
    if (in_a_row_ > 0) pause_ = in_a_row_ == 1 ? first : std::min<net::Duration>(pause_ * 2, longest);
    ++in_a_row_;
    not_before_ = now + pause_;
  }
  void spoke() {
    in_a_row_ = 0;
    pause_ = {};
    not_before_ = {};
  }
  unsigned in_a_row() const { return in_a_row_; }

 private:
  unsigned in_a_row_ = 0;
  net::Duration pause_{};
  net::Instant not_before_{};
};

}  // namespace callgate::upstream
