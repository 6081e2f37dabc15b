#include "gateway/client_stream.hpp"

#include <utility>

namespace callgate::gateway {

bool QueuedStream::push(std::string_view bytes, std::string_view raw) {
  if (closed_) return false;
  Event event{.bytes = std::string(raw.empty() ? bytes : std::string_view{}), .raw = std::string(raw)};
  // One event of any size passes; behind it the client has to keep up.
  if (bytes_ != 0 && bytes_ + event.size() > max_bytes) return false;
  bytes_ += event.size();
  events_.push_back(std::move(event));
  ++pushed_;
  wake_.raise();
  return true;
}

void QueuedStream::close() {
  closed_ = true;
  wake_.raise();
  written_.notify();
}

net::Task<bool> QueuedStream::send(std::string_view bytes, net::Duration time) {
  while (!push(bytes, {})) {
    if (closed_ || !co_await written_.wait(time)) co_return false;
  }
  co_return true;
}

void QueuedStream::open() {
  opened_ = true;
  wake_.raise();
}

net::Task<bool> QueuedStream::room(net::Duration time) {
  while (!closed_ && bytes_ > max_bytes / 2) {
    if (!co_await written_.wait(time)) co_return false;
  }
  co_return !closed_;
}

net::Task<bool> QueuedStream::passed() {
  const std::uint64_t last = pushed_;
  while (passed_ < last && !over_) co_await written_.wait(net::Loop::forever);
  co_return passed_ >= last;
}

/// However the writing ends, also with its frame.
class QueuedStream::Ending {
 public:
  explicit Ending(QueuedStream& stream) : stream_(stream) {}
  Ending(const Ending&) = delete;
  Ending& operator=(const Ending&) = delete;
  ~Ending() {
    stream_.over_ = true;
    stream_.close();
  }

 private:
  QueuedStream& stream_;
};

net::Task<void> QueuedStream::write_to(Channel& channel) {
  const Ending ending(*this);
  bool begun = false;
  for (;;) {
    if (opened_ && !begun) {
      begun = true;
      if (!co_await channel.event({}, {})) co_return;
    }
    while (begun && !events_.empty()) {
      const Event event = std::move(events_.front());
      events_.pop_front();
      if (!co_await channel.event(event.bytes, event.raw)) co_return;
      bytes_ -= event.size();
      ++passed_;
      written_.notify();
    }
    if (closed_ || channel.gone()) co_return;
    co_await wake_.wait(net::Loop::forever);
  }
}

}  // namespace callgate::gateway
