#pragma once

#include <filesystem>
#include <memory>

#include "approval/shared_questions.hpp"
#include "base/log.hpp"
#include "config/config.hpp"
#include "gateway/peers.hpp"
#include "limits/redis_counters.hpp"
#include "session/shared_grants.hpp"
#include "session/shared_rounds.hpp"
#include "session/shared_sessions.hpp"

/// What this gateway shares with others by a server: counts of limits, questions
/// to people, sessions, calls of several rounds, grants, and which policies each judges by.
namespace callgate::cli {

class SharedState {
 public:
  /// `folder` keeps the name under which this process counts, so that the next
  /// one on the same folder can end the sessions of one that was killed. Errors:
  /// `unavailable` where it cannot be written. Whether the server can be reached
  /// is for the log: the gateway starts, and refuses what needs the server.
  static Result<std::unique_ptr<SharedState>> open(net::Loop& loop, const Clock& clock, Log& log, Metrics& metrics, const config::SharedState& place,
                                                   const std::filesystem::path& folder, store::Store& store, approval::MakeId make_id);
  SharedState(const SharedState&) = delete;
  SharedState& operator=(const SharedState&) = delete;

  limits::Counters& counters() { return counters_; }
  approval::Questions& questions() { return questions_; }
  session::SessionStore& sessions() { return sessions_; }
  session::RoundStore& rounds() { return rounds_; }
  session::SharedGrants& grants() { return grants_; }
  const gateway::Peers& peers() const { return peers_; }
  /// From now on the others are told what `ours` gives.
  void tell_policies(std::function<gateway::Peers::Versions()> ours) { tasks_.spawn(peers_.keep_telling(std::move(ours))); }
  /// The gateway ends: what it held is let go of, and goes on elsewhere.
  net::Task<void> leave();

 private:
  SharedState(net::Loop& loop, const Clock& clock, Log& log, Metrics& metrics, const config::SharedState& place, limits::RedisCounters::Options options, store::Store& store,
              approval::MakeId make_id);
  void start(const std::string& where);

  Log& log_;
  net::RedisClient client_;
  net::RedisFeed feed_;
  limits::RedisCounters counters_;
  approval::SharedQuestions questions_;
  session::SharedSessions sessions_;
  session::SharedRounds rounds_;
  session::SharedGrants grants_;
  gateway::Peers peers_;
  net::TaskGroup tasks_;
};

}  // namespace callgate::cli
