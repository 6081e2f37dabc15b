// What counting on a server adds to the contract: its clock, its faults, other gateways' ends.
#include "limits/redis_counters.hpp"

#include <gtest/gtest.h>

#include <set>

#include "net/redis_server.hpp"

namespace callgate::limits::redis_counters_test {
namespace {

using callgate::test::ask;
using callgate::test::await;
using callgate::test::RedisServer;
using policy::Per;
using policy::RateLimit;
using namespace std::chrono_literals;

RateLimit limit(std::uint64_t max, Nanos window, std::vector<Per> per = {Per::session}) {
  return {.max = max, .window = window, .per = std::move(per), .pointer = "/x", .id = "/x of " + std::to_string(max)};
}

class RedisCountersTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::program()) GTEST_SKIP() << "neither valkey-server nor redis-server is installed";
    server_.emplace();
    client_.emplace(loop_, server_->place(RedisServer::until_lost));
    client_->start({});
  }
  std::unique_ptr<RedisCounters> gateway(std::string name, RedisCounters::Time time = RedisCounters::Time::of_caller, std::string predecessor = {}) {
    return std::make_unique<RedisCounters>(*client_, RedisCounters::Options{.gateway = std::move(name), .predecessor = std::move(predecessor), .time = time});
  }
  Counters::TakeResult take(Counters& counters, const RateLimit& one, Subject who, Nanos at = 0s) {
    const RateLimit* const all[] = {&one};
    const Ask ask{all, who.scope};
    return await(loop_, counters.take(std::span(&ask, 1), who, BootTime(1h) + at));
  }
  Look look(Counters& counters, const RateLimit& one, Subject who, Nanos at = 0s) {
    const RateLimit* const all[] = {&one};
    const Ask ask{all, who.scope};
    return await(loop_, counters.look(std::span(&ask, 1), who, BootTime(1h) + at));
  }
  /// The time of the windows after the server's clock showed `raw`, in its own unit.
  std::int64_t time_after(std::string_view raw, std::string_view at_most = {}) {
    const auto reply = ask(*client_, {"FCALL", functions_.look, "1", "clock", raw, at_most});
    EXPECT_TRUE(reply && !reply->is_error()) << reply->text;
    return reply->items.at(2).integer;
  }
  void load() { EXPECT_FALSE(ask(*client_, {"FUNCTION", "LOAD", functions_.text})->is_error()); }

  const Subject ann_{"valkey", "ann", "s1"};
  const LimitFunctions functions_;
  net::Loop loop_;
  std::optional<RedisServer> server_;
  std::optional<net::RedisClient> client_;
};

TEST_F(RedisCountersTest, GatewaysCountTogether) {
  const auto a = gateway("a");
  const auto b = gateway("b");
  const RateLimit three = limit(3, 60s, {Per::server});
  EXPECT_TRUE(take(*a, three, ann_));
  EXPECT_TRUE(take(*b, three, {"valkey", "bob", "s2"}, 1s));
  EXPECT_TRUE(take(*a, three, ann_, 2s));
  EXPECT_FALSE(take(*b, three, ann_, 3s));
  EXPECT_TRUE(take(*b, three, ann_, 60s));
}

TEST_F(RedisCountersTest, CallsOfOneTurnAreHeldToTheLimit) {
  const auto counters = gateway("a", RedisCounters::Time::of_server);
  const RateLimit ten = limit(10, 1h, {Per::server});
  const RateLimit* const all[] = {&ten};
  const Ask one{all, "server"};
  std::vector<net::Task<Counters::TakeResult>> tasks;
  for (int i = 0; i < 100; ++i) tasks.push_back(counters->take(std::span(&one, 1), ann_, BootTime(1h)));
  int taken = 0;
  for (auto& task : tasks) taken += await(loop_, std::move(task)).has_value() ? 1 : 0;
  EXPECT_EQ(taken, 10);
}

/// Security requirement S26: a shared server's clock that is set back counts as no time.
TEST_F(RedisCountersTest, AServersClockSetBackCountsAsNoTimePassed) {
  load();
  EXPECT_EQ(time_after("1000"), 1000);
  EXPECT_EQ(time_after("1500"), 1500);
  EXPECT_EQ(time_after("200"), 1500);
  EXPECT_EQ(time_after("300"), 1600) << "and goes on from there";
}

TEST_F(RedisCountersTest, AServersClockSetForwardPassesNoFasterThanAGatewaysOwn) {
  load();
  EXPECT_EQ(time_after("1000"), 1000);
  EXPECT_EQ(time_after("86401000", "700"), 1700);
  EXPECT_EQ(time_after("86401100", "700"), 1800);
}

/// S26: nobody was there to say how much time can have passed.
TEST_F(RedisCountersTest, AServersClockSetForwardWhileNoGatewayWasThereIsHeldAgainstTheirWallClock) {
  load();
  EXPECT_EQ(time_after("1000", ",500000"), 1000);
  EXPECT_EQ(time_after("1200", "700,500200"), 1200);
  EXPECT_EQ(time_after("86401200", ",503200"), 4200) << "a new one: three milliseconds by their clocks";
  EXPECT_EQ(time_after("86402200", ",400000"), 4200) << "one whose clock is behind sees no time pass";
  EXPECT_EQ(time_after("86403200", "700,500000"), 4900);
}

TEST_F(RedisCountersTest, AGatewayThatStartsAfterTheServersClockWasSetForwardFindsTheLimitUsedUp) {
  const RateLimit two = limit(2, 1h, {Per::server});
  {
    const auto before = gateway("a", RedisCounters::Time::of_server);
    EXPECT_TRUE(take(*before, two, ann_));
    EXPECT_TRUE(take(*before, two, ann_));
  }
  // As a server shows it whose clock went on by a day: what it kept lies a day back.
  const auto kept = ask(*client_, {"KEYS", "*clock*"});
  ASSERT_TRUE(kept && kept->items.size() == 1);
  const std::string clock = kept->items[0].text;
  const auto raw = ask(*client_, {"HGET", clock, "raw"});
  ASSERT_TRUE(raw.has_value());
  ask(*client_, {"HSET", clock, "raw", std::to_string(std::stoll(raw->text) - 86'400'000'000)});
  const auto after = gateway("b", RedisCounters::Time::of_server);
  EXPECT_FALSE(take(*after, two, ann_));
}

TEST_F(RedisCountersTest, TheServersClockTellsTheTime) {
  const auto counters = gateway("a", RedisCounters::Time::of_server);
  const RateLimit one = limit(1, 1h, {Per::grant});
  EXPECT_TRUE(take(*counters, one, ann_));
  const auto refused = take(*counters, one, ann_, 10h);  // whatever this gateway's clock says
  ASSERT_FALSE(refused.has_value());
  EXPECT_GT(refused.error().retry_after, 59min);
  EXPECT_LE(refused.error().retry_after, 1h);
}

/// Security requirement S19: the counts of a session follow it from gateway to gateway.
TEST_F(RedisCountersTest, ASessionThatWentOnAtAnotherGatewayKeepsItsCountWhenTheFirstIsKilled) {
  auto first = gateway("a", RedisCounters::Time::of_server);
  const auto second = gateway("b", RedisCounters::Time::of_server);
  const RateLimit five = limit(5, 1h);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(take(*first, five, ann_));
  EXPECT_TRUE(take(*second, five, ann_));
  first.reset();
  const auto again = gateway("a2", RedisCounters::Time::of_server, "a");
  EXPECT_EQ(look(*second, five, ann_).remaining, 1U);
  EXPECT_EQ(look(*again, five, {"valkey", "ann", "s2"}).remaining, 5U) << "it is not over, so nobody begins with its calls";
  EXPECT_TRUE(take(*second, five, ann_));
  EXPECT_FALSE(take(*second, five, ann_));
}

TEST_F(RedisCountersTest, ASessionThatIsTakenOverFromAKilledGatewayHasItsCallsStill) {
  auto first = gateway("a", RedisCounters::Time::of_server);
  const auto second = gateway("b", RedisCounters::Time::of_server);
  for (const RateLimit& each : {limit(5, 1h), limit(5000, 1h)}) {
    for (std::uint64_t i = 0; i < each.max; ++i) EXPECT_TRUE(take(*first, each, ann_));
  }
  first.reset();
  const auto again = gateway("a2", RedisCounters::Time::of_server, "a");
  EXPECT_FALSE(take(*second, limit(5, 1h), ann_));
  EXPECT_FALSE(take(*second, limit(5000, 1h), ann_));
}

TEST_F(RedisCountersTest, ASessionThatEndsWhereItWasNeverCountedLeavesItsCalls) {
  const auto first = gateway("a");
  const auto second = gateway("b");
  const RateLimit five = limit(5, 60s);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(take(*first, five, ann_));
  second->session_ended(ann_, BootTime(1h));
  EXPECT_FALSE(take(*second, five, {"valkey", "ann", "s2"})) << "a new session begins with the calls of those that ended";
  first->session_ended(ann_, BootTime(1h));
  EXPECT_FALSE(take(*first, five, {"valkey", "ann", "s3"}));
  EXPECT_TRUE(take(*first, five, {"valkey", "ann", "s4"}, 60s));
}

TEST_F(RedisCountersTest, EveryKeyExpiresByItself) {
  const auto counters = gateway("a", RedisCounters::Time::of_server);
  const RateLimit small = limit(5, 60s);
  const RateLimit large = limit(5000, 60s);
  const RateLimit* const both[] = {&small, &large};
  const Ask one{both, "server"};
  EXPECT_TRUE(await(loop_, counters->take(std::span(&one, 1), ann_, BootTime(1h))));
  net::TaskGroup alive;
  alive.spawn(counters->keep_alive());
  counters->session_ended(ann_, BootTime(1h));
  EXPECT_TRUE(await(loop_, counters->take(std::span(&one, 1), {"valkey", "ann", "s2"}, BootTime(1h))));
  const auto keys = ask(*client_, {"KEYS", "*"});
  EXPECT_GE(keys->items.size(), 5U);
  for (const net::RedisReply& key : keys->items) EXPECT_GT(ask(*client_, {"PTTL", key.text})->integer, 0) << key.text;
}

/// Security requirement S22: what cannot be counted is a fault.
TEST_F(RedisCountersTest, WithoutTheServerNothingIsTakenAndTheReasonIsSaid) {
  const auto counters = gateway("a");
  const RateLimit one = limit(1, 60s);
  server_->stop();
  EXPECT_FALSE(take(*counters, one, ann_).error().fault.empty());
  const Look blind = look(*counters, one, ann_);
  EXPECT_FALSE(blind.free);
  EXPECT_FALSE(blind.fault.empty());
  EXPECT_FALSE(counters->health().has_value());
  EXPECT_TRUE(await(loop_, counters->take({}, ann_, BootTime(1h))).has_value()) << "a call without limits needs no server";
}

TEST_F(RedisCountersTest, WhatTheServerFindsTooLateCountsForNothing) {
  const auto counters = gateway("a", RedisCounters::Time::of_server);
  const RateLimit two = limit(2, 1h, {Per::grant});
  EXPECT_TRUE(take(*counters, two, ann_));
  server_->freeze();
  EXPECT_FALSE(take(*counters, two, ann_).error().fault.empty());
  server_->thaw();
  const auto until = net::Loop::read_clock() + 10s;
  while (!client_->health() && net::Loop::read_clock() < until) loop_.turn(20ms);
  EXPECT_EQ(look(*counters, two, ann_).remaining, 1U);
}

TEST_F(RedisCountersTest, ATakeThatIsDroppedStaysCounted) {
  const auto counters = gateway("a");
  const RateLimit two = limit(2, 60s);
  const RateLimit* const all[] = {&two};
  const Ask one{all, "server"};
  EXPECT_TRUE(take(*counters, two, ann_));
  { const auto dropped = counters->take(std::span(&one, 1), ann_, BootTime(1h)); }
  EXPECT_EQ(look(*counters, two, ann_).remaining, 0U);
}

TEST_F(RedisCountersTest, TheEndOfASessionIsToldOnceTheServerIsBack) {
  const auto counters = gateway("a", RedisCounters::Time::of_server);
  const RateLimit two = limit(2, 1h);
  EXPECT_TRUE(take(*counters, two, ann_));
  server_->freeze();
  EXPECT_FALSE(take(*counters, two, {"valkey", "bob", "s9"}).has_value());
  counters->session_ended(ann_, BootTime(1h));
  EXPECT_EQ(counters->owed(), 1U);
  server_->thaw();
  const auto until = net::Loop::read_clock() + 10s;
  while (!client_->health() && net::Loop::read_clock() < until) loop_.turn(20ms);
  EXPECT_EQ(look(*counters, two, {"valkey", "ann", "s2"}).remaining, 1U) << "told before the next call is counted";
  EXPECT_EQ(counters->owed(), 0U);
}

TEST_F(RedisCountersTest, SessionsOfASilentGatewayAreOver) {
  const auto a = gateway("a");
  const auto b = gateway("b");
  const RateLimit three = limit(3, 10min);
  const Subject next{"valkey", "ann", "s2"};
  net::TaskGroup alive;
  EXPECT_TRUE(take(*a, three, ann_));
  alive.spawn(a->keep_alive());
  EXPECT_EQ(look(*b, three, next, 1s).remaining, 3U) << "two sessions that live are apart";
  alive.cancel();
  EXPECT_TRUE(look(*b, three, {"valkey", "x", "x"}, RedisCounters::silent_for + 2s).free);
  alive.spawn(b->keep_alive());
  EXPECT_EQ(look(*b, three, next, RedisCounters::silent_for + 2s).remaining, 2U);
  EXPECT_EQ(look(*a, three, ann_, RedisCounters::silent_for + 3s).remaining, 2U) << "if it was not dead, its session goes on with its calls";
}

TEST_F(RedisCountersTest, SessionsOfTheProcessBeforeThisOneAreOver) {
  const RateLimit three = limit(3, 10min);
  EXPECT_TRUE(take(*gateway("a", RedisCounters::Time::of_server), three, ann_));
  const auto heir = gateway("b", RedisCounters::Time::of_server, "a");
  EXPECT_EQ(look(*heir, three, {"valkey", "ann", "s2"}).remaining, 2U);
  EXPECT_TRUE(take(*heir, three, {"valkey", "ann", "s2"}));
  await(loop_, [](RedisCounters& it) -> net::Task<bool> { co_await it.leave(); co_return true; }(*heir));
  EXPECT_EQ(look(*heir, three, {"valkey", "ann", "s3"}).remaining, 1U) << "a gateway that leaves ends its sessions";
}

TEST_F(RedisCountersTest, AServerThatForgotTheFunctionsIsGivenThemInTheSameOrder) {
  const auto counters = gateway("a");
  const RateLimit two = limit(2, 60s);
  EXPECT_TRUE(take(*counters, two, ann_));
  EXPECT_EQ(ask(*client_, {"FUNCTION", "FLUSH"})->text, "OK");
  counters->session_ended(ann_, BootTime(1h));
  EXPECT_EQ(look(*counters, two, {"valkey", "ann", "s2"}).remaining, 1U);
}

TEST_F(RedisCountersTest, AServerThatCannotWriteIsAFaultThatIsSaidOnce) {
  const auto counters = gateway("a");
  std::vector<std::string> heard;
  counters->on_change([&](const Result<void>& counts) { heard.push_back(counts ? "counts" : counts.error().message); });
  const RateLimit many = limit(100, 60s);
  EXPECT_TRUE(take(*counters, many, ann_));
  (void)ask(*client_, {"CONFIG", "SET", "maxmemory", "1"});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(take(*counters, many, ann_).error().fault.contains("OOM"));
  EXPECT_FALSE(counters->health().has_value());
  (void)ask(*client_, {"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_EQ(take(*counters, many, ann_)->remaining(), 98U);
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_TRUE(heard[0].contains("OOM"));
  EXPECT_EQ(heard[1], "counts");
}

TEST_F(RedisCountersTest, AnAnswerThatIsNoneIsAFault) {
  const auto counters = gateway("a");
  const std::string version = functions_.take.substr(functions_.take.rfind('_') + 1);
  const std::string other = "#!lua name=callgate_limits_" + version + "\nredis.register_function('" + functions_.take + "', function() return {1, 'x'} end)";
  EXPECT_FALSE(ask(*client_, {"FUNCTION", "LOAD", other})->is_error());
  EXPECT_FALSE(take(*counters, limit(1, 60s), ann_).error().fault.empty());
}

TEST(LimitFunctions, NamesCarryTheVersionOfTheText) {
  const LimitFunctions functions;
  const std::string version = functions.take.substr(functions.take.rfind('_') + 1);
  EXPECT_EQ(version.size(), 12U);
  EXPECT_TRUE(functions.text.starts_with("#!lua name=callgate_limits_" + version + "\n"));
  const std::set<std::string> names{functions.take, functions.look, functions.give_back, functions.end_session, functions.end_gateway, functions.beat};
  EXPECT_EQ(names.size(), 6U);
  for (const std::string& name : names) EXPECT_TRUE(functions.text.contains("'" + name + "'")) << name;
}

}  // namespace
}  // namespace callgate::limits::redis_counters_test
