#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "audit/sink.hpp"
#include "base/error.hpp"

namespace callgate::audit {

/// Syncs a sink some time after it was written to, on a thread of its own, so
/// that a slow disk holds up no call. Sleeps while nothing is written. Errors
/// wait in `take_error`. Threads: all calls from one.
class Syncer {
 public:
  Syncer(Sink& sink, std::chrono::milliseconds delay);
  ~Syncer();  ///< ends the thread; what is dirty stays so
  Syncer(const Syncer&) = delete;
  Syncer& operator=(const Syncer&) = delete;

  /// Something was written.
  void touch();
  /// The error of a sync since the last call, if there was one.
  std::optional<Error> take_error();

 private:
  void run(const std::stop_token& stop);

  Sink& sink_;
  std::chrono::milliseconds delay_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool dirty_ = false;           ///< guarded by mutex_
  std::optional<Error> error_;   ///< guarded by mutex_
  std::atomic<bool> failed_{false};  ///< error_ is set; saves the lock on every flush
  std::atomic<bool> asked_{false};   ///< dirty_ is set; likewise
  std::jthread thread_;
};

}  // namespace callgate::audit
