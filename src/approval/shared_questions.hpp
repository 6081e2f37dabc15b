#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "approval/question_functions.hpp"
#include "approval/questions.hpp"
#include "net/redis_debts.hpp"
#include "net/redis_feed.hpp"
#include "net/redis_time.hpp"

namespace callgate::approval {

/// The questions of all gateways that share a Redis (7) or Valkey server: asked
/// at one, answered at any, used once among all. Functions on the server keep
/// them and its clock ends them; an answer reaches the calls that wait by the feed.
///
/// A call that lets go while the server is away is told when it is back. The
/// calls of a gateway that is silent for ten seconds let go as those that may
/// return. Threads: the loop's.
class SharedQuestions final : public Questions, private Places {
 public:
  enum class Time : std::uint8_t {
    of_server,
    of_caller,  ///< the moment of each call; for tests, which move it
  };
  struct Options {
    std::string gateway;               ///< names this process among all that share the server
    std::string prefix = "callgate:";  ///< of all keys
    Time time = Time::of_server;
  };
  static constexpr net::Duration between_holds = std::chrono::seconds(1);

  SharedQuestions(net::RedisClient& client, net::RedisFeed& feed, MakeId make_id, Options options, Limits limits = {});
  SharedQuestions(const SharedQuestions&) = delete;
  SharedQuestions& operator=(const SharedQuestions&) = delete;
  ~SharedQuestions() override { tasks_.cancel(); }

  net::Task<Result<Asked>> ask(Question question, Listener listener, Moment now) override;
  net::Task<Result<Approval>> use(Waiter& waiter, Binding binding, Moment now) override;
  net::Task<Result<Approval>> answer(std::string id, Answer answer, std::string by, std::string reason, Moment now) override;
  net::Task<Result<std::optional<Approval>>> find(std::string id, Moment now) override;
  net::Task<Result<std::vector<Approval>>> list(std::optional<State> state, Moment now) override;
  net::Task<Result<std::size_t>> waiting(Moment now) override;
  net::Task<Result<SealKey>> seal_key(Moment now) override;
  void expire(Moment now) override { latest_ = now; }
  bool outlive_gateway() const override { return true; }

  /// Holds the places of the calls that wait, and lets what ran out end while
  /// some do; runs until it is cancelled.
  net::Task<void> keep_places();
  /// One round of that.
  net::Task<void> hold();
  /// Waits until the server heard who let go, at most so long.
  net::Task<void> settled(net::Duration most) { return debts_.settled(most); }
  /// Calls that let go, of which the server has not heard yet.
  std::size_t owed() const { return debts_.size(); }

 private:
  /// One of our calls that wait.
  struct Place {
    std::string id;     ///< of its question; empty until the server said so
    Listener listener;  ///< empty once it was called
  };
  /// What a function said: a word, and what follows it.
  struct Said {
    std::string word;
    std::vector<net::RedisReply> items;  ///< the first two are the word and the server's time
  };

  void leave(const std::string& id, std::uint64_t number, Leaving leaving) override;
  std::vector<std::string> stamp(Moment now) const;
  net::Task<Result<Said>> run(std::string_view function, Moment now, std::vector<std::string> args);
  net::Task<Result<Said>> read(net::Instant sent, net::Task<Result<net::RedisReply>> reply);
  net::Task<Result<Asked>> finish_ask(Waiter waiter, Listener listener, net::Task<Result<Said>> said);
  Result<Asked> refusal(const Said& said, Waiter& waiter);
  net::Task<Result<Approval>> finish_use(Waiter& waiter, Moment now, net::Task<Result<Said>> said);
  static net::Task<Result<Approval>> finish_answer(std::string id, net::Task<Result<Said>> said);
  static net::Task<Result<std::optional<Approval>>> finish_find(net::Task<Result<Said>> said);
  static net::Task<Result<SealKey>> finish_seal(net::Task<Result<Said>> said);
  net::Task<Result<std::vector<Approval>>> finish_list(Moment now, net::Task<Result<Said>> said);
  void let_go(Waiter& waiter);

  void look_at(std::string_view id);
  void look_at_all();
  net::Task<void> look_again();
  void tell(const Approval& approval);

  const QuestionFunctions names_;
  net::RedisFunctions functions_;
  const MakeId make_id_;
  const Options options_;
  const Limits limits_;
  const std::vector<std::string> keys_;
  Moment latest_;
  net::RedisTime time_;
  net::RedisDebts debts_;
  std::uint64_t last_place_ = 0;
  std::map<std::uint64_t, Place> places_;
  std::set<std::string, std::less<>> changed_;  ///< questions of ours to look at
  bool looking_ = false;
  net::TaskGroup tasks_;
};

}  // namespace callgate::approval
