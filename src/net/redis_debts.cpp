#include "net/redis_debts.hpp"

#include <algorithm>
#include <utility>

namespace callgate::net {

void RedisDebts::owe(RedisCall call) {
  owed_.push_back(std::make_shared<Owed>(std::move(call)));
  settle();
}

void RedisDebts::settle() {
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
  if (!heard || heard->is_error()) co_return;
  // Mostly the first: answers come in the order of the calls.
  if (const auto found = std::ranges::find(owed_, owed); found != owed_.end()) owed_.erase(found);
}

Task<void> RedisDebts::settled(Duration most) {
  Loop& loop = functions_.client().loop();
  const Instant until = loop.now() + most;
  for (settle(); !owed_.empty() && loop.now() < until; settle()) co_await loop.sleep(std::chrono::milliseconds(5));
}

}  // namespace callgate::net
