#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>

/// Time as a value. Rooms that judge take a `BootTime`; only a `Clock` reads one.
namespace callgate {

using Nanos = std::chrono::nanoseconds;

/// The clock of windows and expiry: CLOCK_BOOTTIME, which runs on while the
/// machine sleeps and which nobody can set. Its zero is the machine's boot, so
/// a value means nothing under another boot id. It has no now(): ask a `Clock`.
struct BootClock {
  using duration = Nanos;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<BootClock, duration>;
  static constexpr bool is_steady = true;
};
using BootTime = BootClock::time_point;

/// Where the program learns the time. Threads: callable from any.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual BootTime now() const = 0;
  /// Unix time in milliseconds; for display and for comparing across boots. May jump.
  virtual std::int64_t wall_ms() const = 0;
  /// Names the boot that `now()` counts from; constant while the process lives.
  virtual std::string_view boot_id() const = 0;
};

class SystemClock final : public Clock {
 public:
  SystemClock();
  BootTime now() const override;
  std::int64_t wall_ms() const override;
  std::string_view boot_id() const override { return boot_id_; }

 private:
  std::string boot_id_;
};

/// A clock that moves only when told. Threads: one.
class FakeClock final : public Clock {
 public:
  BootTime now() const override { return now_; }
  std::int64_t wall_ms() const override { return wall_ms_; }
  std::string_view boot_id() const override { return boot_id_; }

  /// Both clocks move on, as time does.
  void advance(Nanos by) {
    now_ += by;
    wall_ms_ += std::chrono::duration_cast<std::chrono::milliseconds>(by).count();
  }
  void set_now(BootTime now) { now_ = now; }
  void set_wall_ms(std::int64_t wall_ms) { wall_ms_ = wall_ms; }  ///< as when somebody sets the clock
  void set_boot_id(std::string boot_id) { boot_id_ = std::move(boot_id); }

 private:
  BootTime now_{std::chrono::hours(1)};
  std::int64_t wall_ms_ = 1'750'000'000'000;
  std::string boot_id_ = "00000000-0000-4000-8000-000000000001";
};

/// Unix time for what expires at a date: the wall clock, but never behind what the
/// boot clock says has passed since this was made, so that a clock that is set
/// back revives nothing (security S26), and one that is put right again is
/// followed. Threads: as the clock.
class ExpiryClock {
 public:
  explicit ExpiryClock(const Clock& clock) : clock_(clock), began_(clock.now()), began_wall_ms_(clock.wall_ms()) {}
  std::int64_t wall_ms() const {
    const auto lived = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - began_).count();
    return std::max(clock_.wall_ms(), began_wall_ms_ + lived);
  }

 private:
  const Clock& clock_;
  BootTime began_;
  std::int64_t began_wall_ms_;
};

/// `2026-11-23T05:35:13.123Z` (RFC 3339) of a Unix time in milliseconds.
std::string utc_text(std::int64_t wall_ms);

/// Writes that text; keeps the part down to the second from call to call.
/// Threads: one.
class UtcText {
 public:
  /// Valid until the next call.
  std::string_view of(std::int64_t wall_ms);

 private:
  std::int64_t second_ = INT64_MIN;
  std::string text_;
};

}  // namespace callgate
