// What every implementation of limits::Counters must do.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>

#include "limits/memory_counters.hpp"
#include "limits/redis_counters.hpp"
#include "limits_model.hpp"
#include "net/redis_server.hpp"

namespace callgate::limits::limits_contract_test {
namespace {

using policy::Per;
using policy::RateLimit;
using test::Model;
using namespace std::chrono_literals;

RateLimit limit(std::uint64_t max, Nanos window, std::vector<Per> per = {Per::session}, std::string id = "/tools/x") {
  return {.max = max, .window = window, .per = std::move(per), .pointer = id + "/rate_limit", .id = id};
}

/// Counters, each time without any counts. The suite moves the time.
class Maker {
 public:
  virtual ~Maker() = default;
  virtual Counters& make() = 0;
  /// So many rounds of random calls, of those that memory is given.
  virtual unsigned share_of(unsigned rounds) const { return rounds; }
  net::Loop loop;
};

class MemoryMaker final : public Maker {
 public:
  Counters& make() override { return *(counters_ = std::make_unique<MemoryCounters>()); }

 private:
  std::unique_ptr<MemoryCounters> counters_;
};

class RedisMaker final : public Maker {
 public:
  RedisMaker() : client_(loop, server().place()) { client_.start({}); }
  Counters& make() override {
    counters_.reset();
    EXPECT_FALSE(callgate::test::ask(client_, {"FLUSHALL"})->is_error());
    counters_ = std::make_unique<RedisCounters>(client_, RedisCounters::Options{.gateway = "a", .time = RedisCounters::Time::of_caller});
    return *counters_;
  }
  unsigned share_of(unsigned rounds) const override { return rounds / 3; }

 private:
  static callgate::test::RedisServer& server() {
    static callgate::test::RedisServer one;
    return one;
  }
  net::RedisClient client_;
  std::unique_ptr<RedisCounters> counters_;
};

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<Maker>()> maker;
};

class CountersContract : public testing::TestWithParam<Implementation> {
 protected:
  void SetUp() override {
    if (GetParam().name == "redis" && !callgate::test::RedisServer::program())
      GTEST_SKIP() << "neither valkey-server nor redis-server is installed";
    maker_ = GetParam().maker();
    counters_ = &maker_->make();
  }
  Counters::TakeResult take(std::span<const Ask> asks, Subject who, BootTime now) {
    return callgate::test::await(maker_->loop, counters_->take(asks, who, now));
  }
  Look look(std::span<const Ask> asks, Subject who, BootTime now) {
    return callgate::test::await(maker_->loop, counters_->look(asks, who, now));
  }
  Counters::TakeResult take_all(std::span<const RateLimit* const> limits, Subject who, BootTime now) {
    const Ask ask{limits, who.scope};
    return take(std::span(&ask, 1), who, now);
  }
  Look look_all(std::span<const RateLimit* const> limits, Subject who, BootTime now) {
    const Ask ask{limits, who.scope};
    return look(std::span(&ask, 1), who, now);
  }
  /// Takes one call at `at`; whether it could.
  bool take(const RateLimit& one, Subject who, Nanos at) {
    const RateLimit* const all[] = {&one};
    return take_all(all, who, time(at)).has_value();
  }
  Look look(const RateLimit& one, Subject who, Nanos at) {
    const RateLimit* const all[] = {&one};
    return look_all(all, who, time(at));
  }
  static BootTime time(Nanos at) { return BootTime(1h) + at; }

  std::unique_ptr<Maker> maker_;
  Counters* counters_ = nullptr;
  Subject ann_{"valkey", "ann", "s1"};
};

/// Security requirement S19: no window holds more than its maximum. Protocol item 34.
TEST_P(CountersContract, LetsMaxCallsPassInAWindowAndNoMore) {
  const RateLimit two = limit(2, 60s);
  EXPECT_TRUE(take(two, ann_, 0s));
  EXPECT_TRUE(take(two, ann_, 10s));
  EXPECT_FALSE(take(two, ann_, 20s));
  EXPECT_FALSE(take(two, ann_, 60s - 1ns));
  EXPECT_TRUE(take(two, ann_, 60s)) << "a call made exactly one window ago has left";
  EXPECT_FALSE(take(two, ann_, 60s));
  EXPECT_TRUE(take(two, ann_, 70s));
}

TEST_P(CountersContract, SaysWhenToComeBack) {
  const RateLimit two = limit(2, 60s);
  EXPECT_EQ(look(two, ann_, 0s).remaining, 2U);
  EXPECT_TRUE(take(two, ann_, 0s));
  EXPECT_TRUE(take(two, ann_, 10s));
  const Look full = look(two, ann_, 25s);
  EXPECT_FALSE(full.free);
  EXPECT_EQ(full.limit, &two);
  EXPECT_EQ(full.remaining, 0U);
  EXPECT_EQ(full.retry_after, 35s);
  EXPECT_TRUE(take(two, ann_, 25s + full.retry_after));
  EXPECT_EQ(look(two, ann_, 60s).retry_after, 10s);
}

TEST_P(CountersContract, LookingTakesNothing) {
  const RateLimit one = limit(1, 60s);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(look(one, ann_, 0s).free);
  EXPECT_TRUE(take(one, ann_, 0s));
}

TEST_P(CountersContract, RefusedCallsTakeNothing) {
  const RateLimit one = limit(1, 60s);
  EXPECT_TRUE(take(one, ann_, 0s));
  for (int i = 1; i < 60; ++i) EXPECT_FALSE(take(one, ann_, i * 1s));
  EXPECT_TRUE(take(one, ann_, 60s));
}

TEST_P(CountersContract, ZeroBlocksAll) {
  const RateLimit never = limit(0, 60s);
  EXPECT_FALSE(take(never, ann_, 0s));
  EXPECT_EQ(look(never, ann_, 0s).retry_after, 60s);
  EXPECT_EQ(look(never, ann_, 0s).remaining, 0U);
}

TEST_P(CountersContract, CallWithoutLimitsIsFree) {
  const Look none = look_all(std::span<const RateLimit* const>(), ann_, time(0s));
  EXPECT_TRUE(none.free);
  EXPECT_EQ(none.remaining, UINT64_MAX);
  EXPECT_TRUE(take_all(std::span<const RateLimit* const>(), ann_, time(0s)).has_value());
}

TEST_P(CountersContract, AllLimitsOfACallAreTakenOrNone) {
  const RateLimit wide = limit(10, 1h, {Per::grant}, "/wide");
  const RateLimit narrow = limit(1, 60s, {Per::session}, "/narrow");
  const RateLimit* const both[] = {&wide, &narrow};
  auto taken = take_all(both, ann_, time(0s));
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->remaining(0), 9U);
  EXPECT_EQ(taken->remaining(), 0U);
  const auto refused = take_all(both, ann_, time(1s));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().blocking, 1U);
  EXPECT_EQ(refused.error().limit, &narrow);
  EXPECT_EQ(look(wide, ann_, 1s).remaining, 9U) << "the wide limit was not touched";
}

TEST_P(CountersContract, NamesTheFirstThatBlocksAndTheLongestWait) {
  const RateLimit shorter = limit(1, 10s, {Per::session}, "/shorter");
  const RateLimit longer = limit(1, 100s, {Per::session}, "/longer");
  const RateLimit* const both[] = {&shorter, &longer};
  EXPECT_TRUE(take_all(both, ann_, time(0s)).has_value());
  const Look look = look_all(both, ann_, time(1s));
  EXPECT_EQ(look.blocking, 0U);
  EXPECT_EQ(look.retry_after, 99s);
  EXPECT_EQ(look_all(both, ann_, time(10s)).blocking, 1U);
}

TEST_P(CountersContract, LimitsOfServerAndGrantPolicyCountTogetherAndApart) {
  const RateLimit servers = limit(5, 60s);
  const RateLimit grants = limit(1, 60s);  // the same pointer in another policy
  const RateLimit* const of_server[] = {&servers};
  const RateLimit* const of_grant[] = {&grants};
  const Ask asks[] = {{of_server, "server"}, {of_grant, "ann"}};
  EXPECT_TRUE(take(asks, ann_, time(0s)).has_value());
  const auto refused = take(asks, ann_, time(1s));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().blocking, 1U);
  EXPECT_EQ(look(servers, ann_, 1s).remaining, 4U);
}

TEST_P(CountersContract, GivenBackCallIsFreeAgain) {
  const RateLimit one = limit(1, 60s);
  const RateLimit* const all[] = {&one};
  auto taken = take_all(all, ann_, time(0s));
  ASSERT_TRUE(taken.has_value());
  EXPECT_FALSE(take(one, ann_, 1s));
  counters_->give_back(std::move(*taken));
  EXPECT_TRUE(take(one, ann_, 2s));
  EXPECT_FALSE(take(one, ann_, 61s));
  EXPECT_TRUE(take(one, ann_, 62s));
}

TEST_P(CountersContract, GivingBackTwiceFreesOne) {
  const RateLimit two = limit(2, 60s);
  const RateLimit* const all[] = {&two};
  auto first = take_all(all, ann_, time(0s));
  ASSERT_TRUE(first.has_value() && take(two, ann_, 0s));
  counters_->give_back(std::move(*first));
  counters_->give_back(std::move(*first));  // NOLINT(bugprone-use-after-move): harmless, and that is tested
  EXPECT_TRUE(take(two, ann_, 1s));
  EXPECT_FALSE(take(two, ann_, 1s));
}

struct Sharing {
  std::string name;
  std::vector<Per> per;
  Subject other;
  bool shared;
};

/// Security requirement S19: per session, grant or server.
TEST_P(CountersContract, KeyIsWhatTheLimitSays) {
  const Sharing rows[] = {
      {"session_apart", {Per::session}, {"valkey", "ann", "s2"}, false},
      {"same_session_id_of_another_grant", {Per::session}, {"valkey", "bob", "s1"}, false},
      {"grant_shares_over_sessions", {Per::grant}, {"valkey", "ann", "s2"}, true},
      {"grants_apart", {Per::grant}, {"valkey", "bob", "s1"}, false},
      {"server_shares_over_grants", {Per::server}, {"valkey", "bob", "s2"}, true},
      {"servers_apart", {Per::server}, {"billing", "ann", "s1"}, false},
      {"scopes_apart", {Per::server}, {"valkey", "ann", "s1", "ann"}, false},
      {"compound_grant_and_server", {Per::grant, Per::server}, {"valkey", "ann", "s2"}, true},
      {"compound_session_and_grant", {Per::session, Per::grant}, {"valkey", "ann", "s2"}, false},
      {"no_confusion_of_parts", {Per::session}, {"valkey", "anns", "1"}, false},
  };
  for (const Sharing& row : rows) {
    counters_ = &maker_->make();
    const RateLimit one = limit(1, 60s, row.per);
    EXPECT_TRUE(take(one, ann_, 0s));
    EXPECT_EQ(take(one, row.other, 1s), !row.shared) << row.name;
  }
}

TEST_P(CountersContract, LimitsWithOtherIdsCountApart) {
  EXPECT_TRUE(take(limit(1, 60s, {Per::session}, "/tools/a"), ann_, 0s));
  EXPECT_TRUE(take(limit(1, 60s, {Per::session}, "/tools/b"), ann_, 0s));
}

TEST_P(CountersContract, CounterSurvivesAReloadThatKeepsTheLimit) {
  EXPECT_TRUE(take(limit(1, 60s), ann_, 0s));
  EXPECT_FALSE(take(limit(1, 60s), ann_, 1s)) << "another object of the same id";
}

/// Security requirement S19: a changed max hands out nothing anew.
TEST_P(CountersContract, AnotherMaxIsHeldAgainstTheCallsOfBefore) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(take(limit(5, 60s), ann_, i * 1s));
  EXPECT_FALSE(take(limit(4, 60s), ann_, 10s)) << "tighter";
  EXPECT_EQ(look(limit(4, 60s), ann_, 10s).retry_after, 51s) << "two have to leave";
  EXPECT_EQ(look(limit(7, 60s), ann_, 10s).remaining, 2U) << "wider";
  EXPECT_TRUE(take(limit(7, 60s), ann_, 11s));
  EXPECT_TRUE(take(limit(7, 60s), ann_, 11s));
  EXPECT_FALSE(take(limit(7, 60s), ann_, 11s));
  EXPECT_FALSE(take(limit(5, 60s), ann_, 61s)) << "five of the seven are in the window still";
  EXPECT_TRUE(take(limit(5, 60s), ann_, 62s));
  EXPECT_EQ(look(limit(5, 60s), ann_, 62s).remaining, 0U);
  EXPECT_FALSE(take(limit(0, 60s), ann_, 200s));
}

/// Security requirement S19: also where calls are kept in another way for the other max.
TEST_P(CountersContract, SmallAndLargeMaxGoOnWithEachOthersCalls) {
  for (const bool by_session : {false, true}) {
    counters_ = &maker_->make();
    const auto of = [&](std::uint64_t max) { return limit(max, 64s, {by_session ? Per::session : Per::grant}); };
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(take(of(3), ann_, i * 1s));
    EXPECT_EQ(look(of(2000), ann_, 3s).remaining, 1997U);
    const RateLimit large = of(2000);
    const RateLimit* const all[] = {&large};
    auto taken = take_all(all, ann_, time(3s));
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(taken->remaining(), 1996U);
    EXPECT_FALSE(take(of(4), ann_, 4s));
    counters_->give_back(std::move(*taken));
    EXPECT_TRUE(take(of(4), ann_, 5s));
    EXPECT_FALSE(take(of(4), ann_, 6s));
    counters_->session_ended(ann_, time(7s));
    const Subject next{"valkey", "ann", "s2"};
    EXPECT_EQ(look(of(5), next, 8s).remaining, 1U);
    EXPECT_TRUE(take(of(5), next, 8s));
    EXPECT_FALSE(take(of(5), next, 9s));
    EXPECT_EQ(look(of(5000), next, 9s).remaining, 4995U);
    EXPECT_TRUE(take(of(1), next, 8s + 66s)) << "all have left";
  }
}

/// Security requirement S19: the calls that a session made under a max that was raised while it was open.
TEST_P(CountersContract, CallsUnderARaisedMaxArePassedOnWhole) {
  EXPECT_TRUE(take(limit(2, 60s), ann_, 0s));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(take(limit(6, 60s), ann_, 1s));
  counters_->session_ended(ann_, time(2s));
  EXPECT_FALSE(take(limit(6, 60s), {"valkey", "ann", "s2"}, 3s));
  EXPECT_EQ(look(limit(8, 60s), {"valkey", "ann", "s2"}, 3s).remaining, 2U);
}

/// Nor does a session that began under the lower max shorten what others have made since and passed on.
TEST_P(CountersContract, ASessionFromBeforeARaisedMaxTakesNoCallsOfOthersAway) {
  const limits::Subject other{"valkey", "ann", "s2"};
  const limits::Subject third{"valkey", "ann", "s3"};
  EXPECT_TRUE(take(limit(2, 60s), ann_, 0s));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(take(limit(6, 60s), other, 1s));
  counters_->session_ended(other, time(2s));
  counters_->session_ended(ann_, time(3s));
  EXPECT_EQ(look(limit(8, 60s), third, 4s).remaining, 2U);
}

/// Nor is anything forgotten of what ended under the lower one, however much it was.
TEST_P(CountersContract, WhatEndedBeforeAMaxWasRaisedCountsInFull) {
  const auto end_three = [&] {
    for (const char* session : {"a", "b", "c"}) {
      for (int i = 0; i < 2; ++i) EXPECT_TRUE(take(limit(2, 60s), {"valkey", "ann", session}, 0s));
    }
    for (const char* session : {"a", "b", "c"}) counters_->session_ended({"valkey", "ann", session}, time(1s));
  };
  end_three();
  EXPECT_EQ(look(limit(8, 60s), ann_, 2s).remaining, 2U);
  counters_ = &maker_->make();
  end_three();
  EXPECT_FALSE(take(limit(2, 60s), ann_, 2s)) << "one that begins under the lower max";
  EXPECT_EQ(look(limit(8, 60s), ann_, 3s).remaining, 2U) << "has them all behind it as well";
  EXPECT_TRUE(take(limit(8, 60s), ann_, 4s));
  EXPECT_TRUE(take(limit(8, 60s), ann_, 4s));
  EXPECT_FALSE(take(limit(8, 60s), ann_, 4s));
}

TEST_P(CountersContract, CallsUnderALoweredMaxArePassedOnBesideThoseOfOthers) {
  const limits::Subject other{"valkey", "ann", "s2"};
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(take(limit(6, 60s), other, 0s));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(take(limit(6, 60s), ann_, 1s));
  EXPECT_FALSE(take(limit(2, 60s), other, 2s));
  counters_->session_ended(other, time(3s));
  counters_->session_ended(ann_, time(3s));
  EXPECT_EQ(look(limit(8, 60s), {"valkey", "ann", "s3"}, 4s).remaining, 1U);
  EXPECT_EQ(look(limit(2, 60s), {"valkey", "ann", "s3"}, 4s).retry_after, 57s) << "six of the seven have to leave";
}

TEST_P(CountersContract, LimitsThatDifferInMaxAloneCountACallOnce) {
  for (const std::uint64_t larger : {4ULL, 4000ULL}) {
    counters_ = &maker_->make();
    const RateLimit wide = limit(larger, 60s);
    const RateLimit narrow = limit(2, 60s);
    const RateLimit* const both[] = {&wide, &narrow};
    auto taken = take_all(both, ann_, time(0s));
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(taken->remaining(0), larger - 1);
    EXPECT_EQ(taken->remaining(1), 1U);
    EXPECT_TRUE(take_all(both, ann_, time(1s)).has_value());
    const auto refused = take_all(both, ann_, time(2s));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().limit, &narrow);
    counters_->give_back(std::move(*taken));
    EXPECT_EQ(look(wide, ann_, 2s).remaining, larger - 1);
    EXPECT_TRUE(take_all(both, ann_, time(3s)).has_value());
    EXPECT_FALSE(take_all(both, ann_, time(3s)).has_value());
  }
}

/// Security requirement S19: a new session starts with the counts of those that ended.
TEST_P(CountersContract, NewSessionStartsWithTheCountsOfThoseThatEnded) {
  const RateLimit three = limit(3, 60s);
  EXPECT_TRUE(take(three, ann_, 0s));
  EXPECT_TRUE(take(three, ann_, 10s));
  counters_->session_ended(ann_, time(20s));
  const Subject again{"valkey", "ann", "s2"};
  EXPECT_EQ(look(three, again, 21s).remaining, 1U);
  EXPECT_TRUE(take(three, again, 21s));
  EXPECT_FALSE(take(three, again, 22s));
  EXPECT_EQ(look(three, again, 22s).retry_after, 38s);
  EXPECT_TRUE(take(three, again, 60s));
  EXPECT_EQ(look(three, {"valkey", "bob", "s3"}, 60s).remaining, 3U) << "another grant is not concerned";
}

TEST_P(CountersContract, AnonymousCallersAreOneGrant) {
  const RateLimit one = limit(1, 60s);
  EXPECT_TRUE(take(one, {"valkey", "", "s1"}, 0s));
  counters_->session_ended({"valkey", "", "s1"}, time(1s));
  EXPECT_FALSE(take(one, {"valkey", "", "s2"}, 2s));
  EXPECT_TRUE(take(one, {"valkey", "", "s2"}, 60s));
}

TEST_P(CountersContract, ManySessionsInTurnNeverGetMoreThanMax) {
  const RateLimit five = limit(5, 60s);
  Model model(5, 60s);
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    const std::string session = "s" + std::to_string(i);
    const Subject who{"valkey", "ann", session};
    for (unsigned j = random() % 4; j > 0; --j) {
      const Nanos at = i * 1s + 3ms;
      const bool expected = model.free(time(at));
      EXPECT_EQ(take(five, who, at), expected) << i;
      if (expected) model.add(time(at));
    }
    counters_->session_ended(who, time(i * 1s + 4ms));
  }
  EXPECT_EQ(model.densest(), 5U);
}

TEST_P(CountersContract, InheritedCallsAreNotPassedOnTwice) {
  const RateLimit four = limit(4, 60s);
  EXPECT_TRUE(take(four, ann_, 0s));
  counters_->session_ended(ann_, time(1s));
  // Each of these inherits the one call and adds none of its own.
  for (int i = 0; i < 10; ++i) {
    const std::string session = "t" + std::to_string(i);
    const Subject who{"valkey", "ann", session};
    EXPECT_EQ(look(four, who, 2s).remaining, 3U);
    if (i % 2 == 0) {
      const RateLimit* const all[] = {&four};
      counters_->give_back(std::move(take_all(all, who, time(2s)).value()));
    }
    counters_->session_ended(who, time(2s));
  }
  EXPECT_EQ(look(four, {"valkey", "ann", "last"}, 3s).remaining, 3U);
}

TEST_P(CountersContract, SessionsThatEndTogetherAddUp) {
  const RateLimit three = limit(3, 60s);
  for (const Nanos at : {0s, 5s}) {
    for (const char* session : {"a", "b"}) EXPECT_TRUE(take(three, {"valkey", "ann", session}, at));
  }
  for (const char* session : {"a", "b"}) counters_->session_ended({"valkey", "ann", session}, time(10s));
  const Subject next{"valkey", "ann", "c"};
  EXPECT_FALSE(take(three, next, 11s));
  EXPECT_EQ(look(three, next, 11s).retry_after, 49s) << "two of the four calls leave at once";
  EXPECT_TRUE(take(three, next, 60s));
}

TEST_P(CountersContract, EndOfAnUnknownSessionIsNothing) {
  counters_->session_ended(ann_, time(0s));
  EXPECT_TRUE(take(limit(1, 60s), ann_, 0s));
}

TEST_P(CountersContract, TimeThatSeemsToGoBackCountsAsNoTimePassed) {
  const RateLimit one = limit(1, 60s);
  EXPECT_TRUE(take(one, ann_, 100s));
  EXPECT_FALSE(take(one, ann_, 0s));
  EXPECT_FALSE(take(one, ann_, 159s));
  EXPECT_TRUE(take(one, ann_, 160s));
}

TEST_P(CountersContract, LargeLimitNeverPassesTooManyAndRefusesAtMostA64thEarly) {
  const RateLimit large = limit(2000, 64s);
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(take(large, ann_, 500ms));
  const Nanos wait = look(large, ann_, 500ms).retry_after;
  EXPECT_GE(wait, 64s);
  EXPECT_LE(wait, 65s);
  EXPECT_FALSE(look(large, ann_, 500ms + wait - 1ns).free);
  EXPECT_TRUE(take(large, ann_, 500ms + wait));
}

// Random times against the plain model: exact up to 1024, never late above.
TEST_P(CountersContract, AgreesWithTheModelOnRandomCalls) {
  for (unsigned seed = 0; seed < maker_->share_of(60); ++seed) {
    counters_ = &maker_->make();
    std::mt19937_64 random(seed);
    const std::uint64_t max = 1 + random() % 40;
    const Nanos window(1 + static_cast<std::int64_t>(random() % 100'000));
    const RateLimit one = limit(max, window);
    const RateLimit* const all[] = {&one};
    Model model(max, window);
    BootTime now(1h);
    for (int i = 0; i < 400; ++i) {
      now += Nanos(static_cast<std::int64_t>(random() % (3 * static_cast<std::uint64_t>(window.count()) / max + 2)));
      const Look seen = look_all(all, ann_, now);
      ASSERT_EQ(seen.free, model.free(now)) << "seed " << seed << " call " << i;
      ASSERT_EQ(seen.remaining, max - model.used(now));
      if (!seen.free) ASSERT_EQ(seen.retry_after, model.wait(now)) << "seed " << seed << " call " << i;
      auto taken = take_all(all, ann_, now);
      ASSERT_EQ(taken.has_value(), seen.free);
      if (!taken) continue;
      if (random() % 8 == 0) {
        counters_->give_back(std::move(*taken));
      } else {
        model.add(now);
      }
    }
    EXPECT_LE(model.densest(), max);
  }
}

// The same while somebody changes the max from call to call.
TEST_P(CountersContract, AgreesWithTheModelWhileTheMaxChanges) {
  for (unsigned seed = 0; seed < maker_->share_of(60); ++seed) {
    counters_ = &maker_->make();
    std::mt19937_64 random(seed);
    const Nanos window(1 + static_cast<std::int64_t>(random() % 100'000));
    Model model(40, window);
    BootTime now(1h);
    for (int i = 0; i < 400; ++i) {
      const RateLimit one = limit(1 + random() % 40, window);
      const RateLimit* const all[] = {&one};
      now += Nanos(static_cast<std::int64_t>(random() % (static_cast<std::uint64_t>(window.count()) / 10 + 2)));
      const bool may = model.used(now) < one.max;
      ASSERT_EQ(look_all(all, ann_, now).free, may) << "seed " << seed << " call " << i;
      ASSERT_EQ(take_all(all, ann_, now).has_value(), may);
      if (may) model.add(now);
    }
    EXPECT_GT(model.densest(), 10U);
  }
}

// And while sessions come and go: each counts its own calls, and those of all that ended before its first.
TEST_P(CountersContract, AgreesWithTheModelWhileTheMaxChangesAndSessionsEnd) {
  for (unsigned seed = 0; seed < maker_->share_of(60); ++seed) {
    counters_ = &maker_->make();
    std::mt19937_64 random(seed);
    const Nanos window(1 + static_cast<std::int64_t>(random() % 100'000));
    std::vector<BootTime> ended;
    struct Session {
      std::string name;
      bool began = false;
      std::vector<BootTime> inherited{}, own{};
    };
    std::vector<Session> sessions(4);
    int names = 0;
    for (Session& each : sessions) each.name = std::to_string(names++);
    BootTime now(1h);
    std::uint64_t most = 0;
    for (int i = 0; i < 400; ++i) {
      now += Nanos(static_cast<std::int64_t>(random() % (static_cast<std::uint64_t>(window.count()) / 20 + 2)));
      Session& session = sessions[random() % sessions.size()];
      if (random() % 12 == 0) {
        counters_->session_ended({"valkey", "ann", session.name}, now);
        ended.insert(ended.end(), session.own.begin(), session.own.end());
        session = {.name = std::to_string(names++)};
        continue;
      }
      const RateLimit one = limit(1 + random() % 40, window);
      const RateLimit* const all[] = {&one};
      const auto running = [&](const std::vector<BootTime>& calls) {
        return static_cast<std::uint64_t>(std::ranges::count_if(calls, [&](BootTime at) { return at > now - window; }));
      };
      // Whether one whose calls have all left begins anew is left open.
      if (session.began && running(session.own) + running(session.inherited) == 0) {
        counters_->session_ended({"valkey", "ann", session.name}, now);
        session = {.name = std::to_string(names++)};
      }
      const std::uint64_t used = session.began ? running(session.own) + running(session.inherited) : running(ended);
      ASSERT_EQ(look_all(all, {"valkey", "ann", session.name}, now).remaining, one.max - std::min(one.max, used)) << "seed " << seed << " call " << i;
      const bool taken = take_all(all, {"valkey", "ann", session.name}, now).has_value();
      ASSERT_EQ(taken, used < one.max) << "seed " << seed << " call " << i;
      if (!taken) continue;
      if (!std::exchange(session.began, true)) session.inherited = ended;
      session.own.push_back(now);
      most = std::max(most, used + 1);
    }
    EXPECT_GT(most, 10U);
  }
}

TEST_P(CountersContract, LargeLimitsStayWithinTheModelOnRandomCalls) {
  for (unsigned seed = 0; seed < maker_->share_of(10); ++seed) {
    counters_ = &maker_->make();
    std::mt19937_64 random(seed);
    const std::uint64_t max = 1025 + random() % 100;
    const Nanos window(1 + static_cast<std::int64_t>(random() % 1'000'000));
    const RateLimit one = limit(max, window);
    Model exact(max, window);
    BootTime now(1h);
    for (int i = 0; i < 3000; ++i) {
      now += Nanos(static_cast<std::int64_t>(random() % (static_cast<std::uint64_t>(window.count()) / 1000 + 2)));
      const RateLimit* const all[] = {&one};
      const Look seen = look_all(all, ann_, now);
      const bool may = exact.free(now);
      if (seen.free) ASSERT_TRUE(may) << "a permission too early, seed " << seed;
      // A refusal that the exact window would not give: only within a 64th of a call's leaving.
      if (!seen.free && may) ASSERT_LE(seen.retry_after, window / 64 + 1ns) << "seed " << seed;
      if (take_all(all, ann_, now).has_value()) exact.add(now);
    }
    EXPECT_LE(exact.densest(), max);
  }
}

const auto implementations = testing::Values(Implementation{"memory", [] { return std::make_unique<MemoryMaker>(); }},
                                             Implementation{"redis", [] { return std::make_unique<RedisMaker>(); }});
INSTANTIATE_TEST_SUITE_P(Limits, CountersContract, implementations, [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace callgate::limits::limits_contract_test
