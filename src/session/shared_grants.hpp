#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/redis_debts.hpp"
#include "net/redis_feed.hpp"
#include "store/store.hpp"

namespace callgate::session {

/// The grants of several gateways, each with a data folder of its own: what is
/// made, rotated or revoked in one holds for all. A Redis (7) or Valkey server has
/// a copy of every grant (hashes of tokens, never a token); each gateway tells it
/// what its folder knows better, and puts into its folder what others knew better.
///
/// A revocation is better than anything; else the later change, and where none is
/// later the server's. A change counts as later than all that its folder knew when
/// it was made (`Grants::rotate`), so gateways' clocks need not agree.
/// Threads: the loop's.
class SharedGrants {
 public:
  static constexpr net::Duration between_rounds = std::chrono::milliseconds(200);

  SharedGrants(net::RedisClient& client, net::RedisFeed& feed, store::Store& store, std::string_view prefix = "callgate:");
  SharedGrants(const SharedGrants&) = delete;
  SharedGrants& operator=(const SharedGrants&) = delete;

  /// The others' grants were read since this gateway started: before, one of ours
  /// may be revoked, and nobody here knows.
  bool known() const { return known_; }
  /// The folder's row of this grant is overruled by one that could not be written into it yet.
  bool overruled(std::string_view id) const { return overruled_.contains(id); }

  /// `heard` is told after the folder's grants changed, or a fault of the folder.
  void on_change(std::function<void(const Result<void>&)> heard) { heard_ = std::move(heard); }

  /// Tells and hears again and again; runs until it is cancelled.
  net::Task<void> keep_going();
  /// One round of that; false where something is left to do.
  net::Task<bool> round();

 private:
  struct Functions {
    Functions();
    std::string text;
    std::string merge, all, some;
  };
  net::Task<bool> read_shared();
  net::Task<bool> tell_ours();
  bool take_up(std::span<const net::RedisReply> rows);
  void note(Result<void> written);

  const Functions names_;
  net::RedisFunctions functions_;
  store::Store& store_;
  const std::vector<std::string> keys_;
  std::function<void(const Result<void>&)> heard_;
  bool known_ = false;
  bool read_all_ = true;
  bool tell_ = true;                   ///< ours are to be held against the server's
  bool well_ = true;                   ///< the folder could be written last time
  std::set<std::string> changed_;      ///< ids to read
  std::map<std::string, std::string, std::less<>> shared_;  ///< rows as the server has them, by id
  std::set<std::string, std::less<>> overruled_;
  store::Store::Version seen_;
};

}  // namespace callgate::session
