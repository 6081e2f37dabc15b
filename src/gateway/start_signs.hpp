#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "gateway/channel.hpp"
#include "mcp/message.hpp"
#include "net/loop.hpp"

namespace callgate::gateway {

/// Tells the client of a request that it waits for a server that is starting:
/// progress, where the request has a token for it. What the server says meanwhile
/// waits until a sign is written. Threads: the loop's.
class StartSigns {
 public:
  static constexpr net::Duration before_first = std::chrono::milliseconds(250);
  static constexpr net::Duration between = std::chrono::seconds(5);

  /// `turn`: how many signs the request got so far, from whomever; outlives this.
  StartSigns(net::Loop& loop, Channel& channel, const mcp::Message& message, std::uint64_t& turn);

  /// Somebody hears them.
  bool can() const { return !token_.empty(); }
  net::Task<void> give();
  /// Until no sign is being written.
  net::Task<void> written();

 private:
  Channel& channel_;
  std::string_view token_;
  std::uint64_t& turn_;
  bool writing_ = false;
  net::Broadcast written_;
};

template <class T>
net::Task<void> finish_into(net::Task<T> work, std::optional<T>& out, net::Signal& done) {
  out.emplace(co_await work);
  done.raise();
}

/// `work`, with signs as long as `starting` says so.
template <class T>
net::Task<T> tell_while(net::Loop& loop, StartSigns& signs, std::function<bool()> starting, net::Task<T> work) {
  if (!signs.can()) co_return co_await work;
  std::optional<T> out;
  net::Signal done(loop);
  net::TaskGroup task;
  task.spawn(finish_into(std::move(work), out, done));
  net::Duration pause = StartSigns::before_first;
  while (!out) {
    if (co_await done.wait(starting() ? pause : net::Loop::forever) || out) continue;
    if (starting()) co_await signs.give();
    pause = StartSigns::between;
  }
  co_return std::move(*out);
}

}  // namespace callgate::gateway
