#pragma once

#include <ctime>

#include <cstdint>

namespace callgate::bench {

/// Nanoseconds of CLOCK_MONOTONIC.
inline std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

constexpr std::uint64_t seconds_ns(double seconds) { return static_cast<std::uint64_t>(seconds * 1e9); }

}  // namespace callgate::bench
