#pragma once

#include <string>
#include <utility>
#include <vector>

#include "net/redis_functions.hpp"
#include "net/redis_time.hpp"

namespace callgate::net {

/// Functions of one library that count by the server's clock: their first argument is
/// how far it can have gone on, their first item what it showed. Threads: the loop's.
class RedisTimed {
 public:
  using Items = Result<std::vector<RedisReply>>;

  RedisTimed(RedisClient& client, std::string library) : functions_(client, std::move(library)) {}

  /// Begins at once, also before it is awaited. `call` is without the first argument.
  /// Errors: as `items_of`; `malformed` for an answer without items.
  Task<Items> run(RedisCall call) {
    call.args.insert(call.args.begin(), at_most());
    return read(loop().now(), functions_.run(std::move(call)));
  }
  /// The first argument of a call that is sent now.
  std::string at_most() const { return time_.at_most(loop().now()); }
  RedisFunctions& functions() { return functions_; }
  Loop& loop() const { return functions_.client().loop(); }

 private:
  Task<Items> read(Instant sent, Task<Result<RedisReply>> reply) {
    auto items = items_of(functions_.client(), co_await reply);
    if (items && items->empty())
      co_return fail(ErrorKind::malformed, "the shared state gave an answer that cannot be read");
    if (items) time_.answered(sent, loop().now(), items->front().integer);
    co_return items;
  }

  RedisFunctions functions_;
  RedisTime time_;
};

}  // namespace callgate::net
