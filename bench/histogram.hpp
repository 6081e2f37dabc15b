#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

namespace callgate::bench {

/// Counts nanoseconds in buckets less than 0.8 % wide, from 1 ns to centuries,
/// so that recording costs the same for every value and percentiles stay honest.
class Histogram {
 public:
  void add(std::uint64_t nanoseconds) {
    ++counts_[bucket(nanoseconds)];
    ++total_;
    largest_ = std::max(largest_, nanoseconds);
  }

  /// The value below which `part` (0 … 1) of what was added lies; 0 when empty.
  [[nodiscard]] double quantile(double part) const {
    if (total_ == 0) return 0;
    const auto rank = std::min(total_ - 1, static_cast<std::uint64_t>(part * static_cast<double>(total_)));
    std::uint64_t seen = 0;
    std::size_t at = 0;
    while ((seen += counts_[at]) <= rank) ++at;
    return static_cast<double>(std::min(middle(at), largest_));
  }

  [[nodiscard]] std::string json_microseconds() const {
    return fmt::format(R"({{"n":{},"p50":{:.1f},"p90":{:.1f},"p99":{:.1f},"p999":{:.1f},"max":{:.1f}}})", total_,
                       quantile(.5) / 1e3, quantile(.9) / 1e3, quantile(.99) / 1e3, quantile(.999) / 1e3,
                       static_cast<double>(largest_) / 1e3);
  }

 private:
  static constexpr int bits = 7;  // 128 buckets for each power of two
  static constexpr std::uint64_t each = 1U << bits;

  static std::size_t bucket(std::uint64_t value) {
    if (value < each) return value;
    const int shift = static_cast<int>(std::bit_width(value)) - 1 - bits;
    return static_cast<std::size_t>((static_cast<std::uint64_t>(shift + 1) << bits) + ((value >> shift) & (each - 1)));
  }
  static std::uint64_t middle(std::size_t bucket) {
    if (bucket < each) return bucket;
    const auto shift = static_cast<int>(bucket >> bits) - 1;
    return ((each + (bucket & (each - 1))) << shift) + ((std::uint64_t{1} << shift) >> 1);
  }

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>((64 - bits + 1) << bits);
  std::uint64_t total_ = 0;
  std::uint64_t largest_ = 0;
};

}  // namespace callgate::bench
