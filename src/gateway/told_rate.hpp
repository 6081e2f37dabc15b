#pragma once

#include <cstdint>
#include <utility>

#include "net/loop.hpp"

namespace callgate::gateway {

/// How often the log hears of what a server does as often as it likes: so many in a
/// second, and with the next one how many were not told. Threads: the loop's.
class ToldRate {
 public:
  static constexpr int each_second = 10;

  bool may_tell(net::Instant now) {
    if (now - second_ >= std::chrono::seconds(1)) {
      second_ = now;
      told_ = 0;
    }
    if (told_ == each_second) {
      ++untold_;
      return false;
    }
    ++told_;
    return true;
  }
  std::uint64_t take_untold() { return std::exchange(untold_, 0); }

 private:
  net::Instant second_{};
  int told_ = 0;
  std::uint64_t untold_ = 0;
};

}  // namespace callgate::gateway
