#include "audit/syncer.hpp"

#include <utility>

namespace callgate::audit {

Syncer::Syncer(Sink& sink, std::chrono::milliseconds delay)
    : sink_(sink), delay_(delay), thread_([this](const std::stop_token& stop) { run(stop); }) {}

Syncer::~Syncer() = default;

void Syncer::touch() {
  // A sync that starts from here on covers this write, so one request is enough.
  if (asked_.exchange(true)) return;
  {
    const std::scoped_lock lock(mutex_);
    dirty_ = true;
  }
  wake_.notify_one();
}

std::optional<Error> Syncer::take_error() {
  if (!failed_.load(std::memory_order_relaxed)) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  failed_ = false;
  return std::exchange(error_, std::nullopt);
}

void Syncer::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [this] { return dirty_; })) {
    // Gathers the writes of the delay into one sync.
    wake_.wait_for(lock, stop, delay_, [] { return false; });
    if (stop.stop_requested()) return;
    dirty_ = false;
    asked_ = false;
    lock.unlock();
    Result<void> done = sink_.sync();
    lock.lock();
    if (done) continue;
    error_ = std::move(done).error();
    failed_ = true;
  }
}

}  // namespace callgate::audit
