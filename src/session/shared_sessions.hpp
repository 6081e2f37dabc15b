#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "net/redis_debts.hpp"
#include "net/redis_feed.hpp"
#include "net/redis_timed.hpp"
#include "session/session_functions.hpp"
#include "session/session_store.hpp"

namespace callgate::session {

/// The sessions of all gateways that share a Redis (7) or Valkey server: opened at
/// one, they go on at any other, and end for all. A session that nobody used
/// for long ends by the server's clock.
///
/// What the server could not be told is told when it is back. A server that forgot
/// everything is told of the sessions that gateways serve. Threads: the loop's.
class SharedSessions final : public SessionStore {
 public:
  struct Options {
    std::string prefix = "callgate:";  ///< of all keys
    std::chrono::milliseconds idle = std::chrono::minutes(60);
  };
  static constexpr net::Duration between_rounds = std::chrono::seconds(1);
  static constexpr unsigned rounds_between_sweeps = 10;

  SharedSessions(net::RedisClient& client, net::RedisFeed& feed, Options options);
  SharedSessions(net::RedisClient& client, net::RedisFeed& feed) : SharedSessions(client, feed, Options{}) {}
  ~SharedSessions() override { tasks_.cancel(); }

  bool keeps() const override { return true; }
  net::Task<Kept> keep(KeptSession session, std::size_t most_of_grant) override;
  net::Task<Result<std::optional<KeptSession>>> find(std::string_view id, std::string_view grant) override;
  void serves(KeptSession session) override;
  void serves_no_longer(std::string_view name) override;
  void used(std::string_view name) override { used_.emplace(name); }
  void end(std::string_view name) override;
  net::Task<void> settled(net::Duration most) override { return debts_.settled(most); }
  void on_end(std::function<void(std::string_view name)> heard) override { heard_ = std::move(heard); }
  /// Told as used with each sweep, so that others' longest unused come before them.
  void ask_which_are_busy(std::function<bool(std::string_view name)> is_busy) override { is_busy_ = std::move(is_busy); }

  /// Tells what was used, and ends what was not; runs until it is cancelled.
  net::Task<void> keep_going();
  /// Tells of sessions that the server does not have yet.
  net::Task<void> keep_again();
  /// Tells which were used, and ends which were not for long.
  net::Task<void> sweep();
  std::size_t owed() const { return debts_.size(); }

 private:
  struct Served {
    KeptSession session;
    std::size_t most_of_grant = 0;
  };
  using Items = net::RedisTimed::Items;

  net::Task<Items> run(std::string_view function, std::vector<std::string> args);
  net::Task<Kept> finish_keep(std::string name, net::Task<Items> keeping);
  static net::Task<Result<std::optional<KeptSession>>> finish_find(std::string digest, std::string grant, std::string name, net::Task<Items> finding);
  static std::vector<std::string> words_of(const Served& served);
  void ended(std::string_view name);
  void look_again(net::RedisFeed::Missed missed);
  net::Task<void> ask_which_are_over(std::vector<std::string> names);

  const SessionFunctions names_;
  net::RedisTimed functions_;
  const std::vector<std::string> keys_;
  const std::string idle_;
  std::function<void(std::string_view name)> heard_;
  std::function<bool(std::string_view name)> is_busy_;
  net::RedisDebts debts_;
  std::unordered_map<std::string, Served> served_;  ///< by name
  std::unordered_set<std::string> unkept_;          ///< of these, those that the server may not have
  std::unordered_set<std::string> used_;            ///< since the last sweep
  net::TaskGroup tasks_;
};

}  // namespace callgate::session
