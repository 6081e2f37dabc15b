#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/redis_timed.hpp"
#include "session/round_functions.hpp"
#include "session/round_store.hpp"

namespace callgate::session {

/// The calls of several rounds of all gateways that share a Redis (7) or Valkey
/// server: begun at one, they go on at any, once among all. Its clock ends them.
/// While the server cannot be asked none is found. Threads: the loop's.
class SharedRounds final : public RoundStore {
 public:
  struct Options {
    std::string prefix = "callgate:";  ///< of all keys
    std::chrono::milliseconds lasts = good_for;
  };

  SharedRounds(net::RedisClient& client, const Clock& clock, const Options& options);
  SharedRounds(net::RedisClient& client, const Clock& clock) : SharedRounds(client, clock, Options{}) {}

  net::Task<bool> expect(RoundKey key, CallSoFar so_far) override;
  net::Task<std::optional<CallSoFar>> find(RoundKey key) override { return finish(run(names_.find, key, {})); }
  net::Task<std::optional<CallSoFar>> take(RoundKey key) override { return finish(run(names_.take, key, {})); }

 private:
  using Items = net::RedisTimed::Items;

  net::Task<Items> run(std::string_view function, const RoundKey& key, std::vector<std::string> args);
  static net::Task<bool> noted(net::Task<Items> expecting);
  net::Task<std::optional<CallSoFar>> finish(net::Task<Items> finding);

  const Clock& clock_;
  const RoundFunctions names_;
  net::RedisTimed functions_;
  const std::vector<std::string> keys_;
  const std::string lasts_;
};

}  // namespace callgate::session
