#include "net/redis_debts.hpp"

#include <algorithm>
#include <utility>

namespace callgate::net {

void RedisDebts::owe(RedisCall call) {
  owed_.push_back(std::make_shared<Owed>(std::move(call)));
  settle();
}

void RedisDebts::settle() {
  if (functions_.client().loop().now() < not_before_) return;
  // By index: nothing is taken out before a later turn, but the room may grow.
  for (std::size_t i = 0; i < owed_.size(); ++i) {
    const std::shared_ptr<Owed> owed = owed_[i];
    if (std::exchange(owed->sent, true)) continue;
    stamp_(owed->call);
    tasks_.spawn(hear(owed, functions_.run(owed->call)));
    if (!owed->sent) return;  // refused at once: the server is lost, and the others would be as well
  }
}

Task<void> RedisDebts::hear(std::shared_ptr<Owed> owed, Task<Result<RedisReply>> reply) {
  const auto heard = co_await reply;
  owed->sent = false;
  if (!heard) co_return;
  if (heard->is_error()) {
    // What was sent together is refused together: that is one failure.
    const Instant now = functions_.client().loop().now();
    if (now < not_before_) co_return;
    not_before_ = now + pause_;
    pause_ = std::min(pause_ * 2, longest_pause);
    co_return;
  }
  pause_ = first_pause;
  // Mostly the first: answers come in the order of the calls.
  if (const auto found = std::ranges::find(owed_, owed); found != owed_.end()) owed_.erase(found);
}

Task<void> RedisDebts::settled(Duration most) {
  Loop& loop = functions_.client().loop();
  const Instant until = loop.now() + most;
  for (settle(); !owed_.empty() && loop.now() < until; settle()) co_await loop.sleep(std::chrono::milliseconds(5));
}

}  // namespace callgate::net
