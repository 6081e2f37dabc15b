#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the gateway counts, and its text for Prometheus (exposition format
/// 0.0.4). An object is made once and then counted on directly: adding is one
/// atomic instruction, no look-up, no lock.
namespace callgate {

class Counter {
 public:
  void add(std::uint64_t by = 1) { value_.fetch_add(by, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(std::int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(std::int64_t by) { value_.fetch_add(by, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

/// How long things took, in buckets from 0.1 ms to 100 s.
class Durations {
 public:
  static constexpr std::array<std::int64_t, 13> bounds_us{100,     300,     1'000,     3'000,      10'000,     30'000,     100'000,
                                                          300'000, 1'000'000, 3'000'000, 10'000'000, 30'000'000, 100'000'000};
  void add(std::chrono::microseconds took);
  std::uint64_t in_bucket(std::size_t bucket) const { return buckets_[bucket].load(std::memory_order_relaxed); }
  std::uint64_t sum_us() const { return sum_us_.load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<std::uint64_t>, bounds_us.size() + 1> buckets_{};  ///< the last: longer than all bounds
  std::atomic<std::uint64_t> sum_us_{0};
};

/// All that is counted. The same name and labels give the same object, which
/// lives as long as this. Names are of the form `callgate_calls_total`; keep
/// labels to words of a closed list and names from the configuration, never to
/// what an agent sends.
/// Threads: objects are made and written out by one thread, counted on by any.
class Metrics {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
  Durations& durations(std::string_view name, std::string_view help, Labels labels = {});

  std::string prometheus() const;

 private:
  template <class T>
  struct Series {
    std::string labels;  ///< `server="a",verdict="deny"`
    T value;
    explicit Series(std::string text) : labels(std::move(text)) {}
  };
  template <class T>
  struct Family {
    std::string name;
    std::string help;
    std::deque<Series<T>> series;  ///< a deque: references stay good
  };
  template <class T>
  using Families = std::deque<Family<T>>;

  template <class T>
  static T& find_or_make(Families<T>& families, std::string_view name, std::string_view help, const Labels& labels);

  Families<Counter> counters_;
  Families<Gauge> gauges_;
  Families<Durations> durations_;
};

}  // namespace callgate
