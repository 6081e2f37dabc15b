#pragma once

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <algorithm>

#include "clock.hpp"
#include "process_tree.hpp"
#include "workload.hpp"

namespace callgate::bench {

/// The measured stretch of a run: starts after the warm-up, ends with the last
/// answer, and charges the gateway's CPU time in between to the answered calls.
class Measurement {
 public:
  /// `gateway` 0: nothing is charged.
  explicit Measurement(pid_t gateway) : gateway_(gateway) {}

  void start(Workload& workload) {
    workload.start_measuring();
    before_ = sample();
    own_before_us_ = own_cpu_us();
    started_ns_ = now_ns();
    running_ = true;
  }
  [[nodiscard]] bool running() const { return running_; }

  /// No more calls are sent from here on.
  void stop_sending() { stopped_ns_ = now_ns(); }

  /// The result as one JSON object, once the last answer is in.
  /// `unserved`: calls that were due in the open loop and found no free connection.
  [[nodiscard]] std::string json(const Workload& workload, double rate, std::uint64_t unserved) const {
    const ProcessTree after = sample();
    const double seconds = static_cast<double>(stopped_ns_ - started_ns_) / 1e9;
    const auto done = static_cast<double>(std::max<std::uint64_t>(1, workload.tally().done()));
    return fmt::format(
        R"({{"seconds":{:.3f},"rate":{:.0f},"unserved":{},"calls_per_s":{:.1f},"cpu_us_per_call":{:.3f},"user_us_per_call":{:.3f},"load_cpu_us_per_call":{:.3f},)"
        R"("calls_sent":{},"denials_sent":{},{},"tree":{}}})",
        seconds, rate, unserved, done / seconds, (after.cpu_us - before_.cpu_us) / done,
        (after.user_us - before_.user_us) / done,
        (own_cpu_us() - own_before_us_) / done, workload.calls_sent(), workload.denials_sent(), workload.tally().json(),
        after.json());
  }

 private:
  [[nodiscard]] ProcessTree sample() const { return gateway_ > 0 ? process_tree(gateway_) : ProcessTree{}; }
  static double own_cpu_us() {
    rusage own{};
    getrusage(RUSAGE_SELF, &own);
    return static_cast<double>(own.ru_utime.tv_sec + own.ru_stime.tv_sec) * 1e6 +
           static_cast<double>(own.ru_utime.tv_usec + own.ru_stime.tv_usec);
  }

  pid_t gateway_;
  ProcessTree before_;
  double own_before_us_ = 0;
  std::uint64_t started_ns_ = 0;
  std::uint64_t stopped_ns_ = 0;
  bool running_ = false;
};

/// When calls are due. Closed loop: as soon as a place is free. Open loop (a rate
/// is given): by the clock alone, and latency counts from that moment, so a
/// stalled gateway cannot hide its stall by slowing the clients down.
class Schedule {
 public:
  explicit Schedule(double rate) : gap_ns_(rate > 0 ? 1e9 / rate : 0) {}

  [[nodiscard]] bool open_loop() const { return gap_ns_ > 0; }
  void start(std::uint64_t now) { next_ns_ = static_cast<double>(now); }
  [[nodiscard]] bool is_due(std::uint64_t now) const { return !open_loop() || next_ns_ <= static_cast<double>(now); }
  std::uint64_t take(std::uint64_t now) {
    if (!open_loop()) return now;
    const auto due = static_cast<std::uint64_t>(next_ns_);
    next_ns_ += gap_ns_;
    return due;
  }
  /// Calls that are due and were not taken.
  [[nodiscard]] std::uint64_t overdue(std::uint64_t now) const {
    return open_loop() ? static_cast<std::uint64_t>(std::max(0.0, (static_cast<double>(now) - next_ns_) / gap_ns_)) : 0;
  }
  /// How long a wait for answers may last, in nanoseconds.
  [[nodiscard]] std::uint64_t patience_ns(std::uint64_t now) const {
    constexpr double most = 20e6;
    return static_cast<std::uint64_t>(open_loop() ? std::clamp(next_ns_ - static_cast<double>(now), 0.0, most) : most);
  }

 private:
  double gap_ns_;
  double next_ns_ = 0;
};

}  // namespace callgate::bench
