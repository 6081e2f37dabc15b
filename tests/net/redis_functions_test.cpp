// Functions on a shared server, the feed of what changed, and what a server has to hear.
#include "net/redis_functions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/redis_debts.hpp"
#include "net/redis_feed.hpp"
#include "net/redis_server.hpp"
#include "net/redis_time.hpp"

namespace callgate::net::redis_functions_test {
namespace {

using callgate::test::await;
using callgate::test::RedisServer;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

/// Two functions: one counts, one says something to the feed.
struct Library {
  Library() {
    RedisLibrary library("test",
                         "local function count(keys, args) return redis.call('INCRBY', keys[1], args[1]) end\n"
                         "local function tell(keys, args) say(keys[1], args[1]) return 1 end\n");
    count = library.add("count");
    tell = library.add("tell");
    text = library.text();
  }
  std::string text, count, tell;
};

class RedisFunctionsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::program()) GTEST_SKIP() << "neither valkey-server nor redis-server is installed";
    server_.emplace();
    client_.emplace(loop_, server_->place(RedisServer::until_lost));
    client_->start({});
    functions_.emplace(*client_, library_.text);
    feed_.emplace(*client_);
    feed_->on("topic", {.heard = [this](std::string_view name) { heard_.emplace_back(name); },
                        .missed = [this](RedisFeed::Missed missed) { heard_.emplace_back(missed == RedisFeed::Missed::all ? "missed all" : "missed some"); }});
  }
  Result<std::vector<RedisReply>> run(RedisCall call) { return items_of(*client_, await(loop_, functions_->run(std::move(call)))); }
  std::int64_t count(std::string by) { return await(loop_, functions_->run({.function = library_.count, .keys = {"n"}, .args = {std::move(by)}}))->integer; }
  void tell(std::string what) { EXPECT_TRUE(run({.function = library_.tell, .keys = {feed_->key()}, .args = {std::move(what)}})); }
  void back() {
    const auto until = Loop::read_clock() + 10s;
    while (!client_->health() && Loop::read_clock() < until) loop_.turn(20ms);
  }

  const Library library_;
  Loop loop_;
  std::optional<RedisServer> server_;
  std::optional<RedisClient> client_;
  std::optional<RedisFunctions> functions_;
  std::optional<RedisFeed> feed_;
  std::vector<std::string> heard_;
};

TEST_F(RedisFunctionsTest, AServerThatDoesNotKnowTheLibraryIsGivenIt) {
  EXPECT_EQ(count("2"), 2);
  EXPECT_FALSE(callgate::test::ask(*client_, {"FUNCTION", "FLUSH"})->is_error());
  auto first = functions_->run({.function = library_.count, .keys = {"n"}, .args = {"3"}});
  auto second = functions_->run({.function = library_.count, .keys = {"n"}, .args = {"4"}});
  await(loop_, std::move(first));
  EXPECT_EQ(await(loop_, std::move(second))->integer, 9) << "each ran once";
}

TEST_F(RedisFunctionsTest, WhatTheServerRefusesIsSaidInItsWords) {
  const auto refused = run({.function = library_.count, .keys = {"n"}, .args = {"no number"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(refused.error().message, testing::HasSubstr("not an integer"));
}

TEST_F(RedisFunctionsTest, TwoVersionsOfALibraryStandBesideEachOther) {
  RedisLibrary other("test", "local function count(keys, args) return 7 end\n");
  const std::string name = other.add("count");
  RedisFunctions newer(*client_, other.text());
  EXPECT_EQ(count("1"), 1);
  EXPECT_EQ(await(loop_, newer.run({.function = name, .keys = {"n"}, .args = {"1"}}))->integer, 7);
  EXPECT_EQ(count("1"), 2);
}

TEST_F(RedisFunctionsTest, KeysOfDifferentPartsDiffer) {
  EXPECT_NE(redis_key("k", {"a", "bc"}), redis_key("k", {"ab", "c"}));
  EXPECT_NE(redis_key("k", {"a:1:b"}), redis_key("k", {"a", "b"}));
}

TEST_F(RedisFunctionsTest, TheFeedTellsWhatWasSaidInItsOrderAndOnce) {
  tell("topic early");
  ASSERT_TRUE(await(loop_, feed_->look()));
  EXPECT_THAT(heard_, ElementsAre("missed all")) << "the first look begins here";
  heard_.clear();
  tell("topic one");
  tell("other two");
  tell("topic three and more");
  ASSERT_TRUE(await(loop_, feed_->look()));
  EXPECT_THAT(heard_, ElementsAre("one", "three and more"));
  heard_.clear();
  ASSERT_TRUE(await(loop_, feed_->look()));
  EXPECT_THAT(heard_, IsEmpty());
}

TEST_F(RedisFunctionsTest, NothingSaidDuringAnOutageIsLost) {
  ASSERT_TRUE(await(loop_, feed_->look()));
  heard_.clear();
  tell("topic before");
  server_->freeze();
  EXPECT_FALSE(await(loop_, feed_->look()));
  server_->thaw();
  back();
  tell("topic after");
  ASSERT_TRUE(await(loop_, feed_->look()));
  EXPECT_THAT(heard_, ElementsAre("before", "after"));
}

TEST_F(RedisFunctionsTest, WhoFellTooFarBehindIsToldSo) {
  ASSERT_TRUE(await(loop_, feed_->look()));
  heard_.clear();
  for (int i = 0; i < 4097; ++i) tell("topic x");
  ASSERT_TRUE(await(loop_, feed_->look()));
  EXPECT_THAT(heard_, ElementsAre("missed some"));
}

TEST_F(RedisFunctionsTest, WhatIsOwedIsNotSentAgainAndAgainToAServerThatIsFull) {
  ASSERT_EQ(count("1"), 1);
  ASSERT_FALSE(callgate::test::ask(*client_, {"CONFIG", "SET", "maxmemory", "1"})->is_error());
  int tries = 0;
  RedisDebts debts(*functions_, [&tries](RedisCall& /*call*/) { ++tries; });
  debts.owe({.function = library_.count, .keys = {"n"}, .args = {"1"}});
  const auto settle_for = [&](Duration time) {
    for (const auto until = Loop::read_clock() + time; Loop::read_clock() < until && debts.size() > 0; debts.settle()) loop_.turn(1ms);
  };
  settle_for(400ms);
  EXPECT_LE(tries, 5) << "at 0, 50, 150 and 350 ms";
  ASSERT_FALSE(callgate::test::ask(*client_, {"CONFIG", "SET", "maxmemory", "0"})->is_error());
  settle_for(5s);
  EXPECT_EQ(debts.size(), 0U);
  EXPECT_EQ(count("1"), 3);
}

/// A server that comes back with an older copy of its memory lacks what this gateway heard already.
TEST_F(RedisFunctionsTest, AServerThatWasSetBackIsNoticedHoweverMuchIsSaidSince) {
  tell("topic kept");
  for (const std::string what : {"", ":said", ":marks"}) ASSERT_FALSE(callgate::test::ask(*client_, {"COPY", feed_->key() + what, "copy" + what})->is_error());
  tell("topic lost");
  for (int said_since = 0; said_since < 3; ++said_since) {
    ASSERT_TRUE(await(loop_, feed_->look()));
    heard_.clear();
    for (const std::string what : {"", ":said", ":marks"}) ASSERT_FALSE(callgate::test::ask(*client_, {"COPY", "copy" + what, feed_->key() + what, "REPLACE"})->is_error());
    for (int i = 0; i < said_since; ++i) tell("topic new");
    ASSERT_TRUE(await(loop_, feed_->look()));
    EXPECT_THAT(heard_, ElementsAre("missed all")) << said_since;
    tell("topic next");
    ASSERT_TRUE(await(loop_, feed_->look()));
    EXPECT_THAT(heard_, ElementsAre("missed all", "next")) << said_since;
  }
}

TEST_F(RedisFunctionsTest, AServerThatForgotIsAnotherOne) {
  tell("topic one");
  ASSERT_TRUE(await(loop_, feed_->look()));
  heard_.clear();
  ASSERT_TRUE(callgate::test::ask(*client_, {"FLUSHALL"}));
  tell("topic two");
  ASSERT_TRUE(await(loop_, feed_->look()));
  EXPECT_THAT(heard_, ElementsAre("missed all"));
}

TEST_F(RedisFunctionsTest, WhatIsOwedIsSaidUntilItWasHeardAndInItsOrder) {
  int stamped = 0;
  RedisDebts debts(*functions_, [&](RedisCall&) { ++stamped; });
  EXPECT_EQ(count("1"), 1);
  server_->freeze();
  EXPECT_FALSE(await(loop_, client_->ask(std::vector<std::string_view>{"PING"})));
  for (int i = 0; i < 3; ++i) debts.owe({.function = library_.count, .keys = {"n"}, .args = {"1"}});
  EXPECT_EQ(debts.size(), 3U);
  server_->thaw();
  back();
  const auto until = Loop::read_clock() + 10s;
  while (debts.size() > 0 && Loop::read_clock() < until) {
    debts.settle();
    loop_.turn(5ms);
  }
  EXPECT_EQ(count("0"), 4);
  EXPECT_GE(stamped, 3);
}

TEST(RedisTimeTest, AllowsNoMoreTimeThanHasPassedHere) {
  RedisTime time;
  const Instant start{1h};
  EXPECT_EQ(time.at_most(start), "");
  EXPECT_EQ(time.not_after(start), "");
  EXPECT_FALSE(time.known());
  time.answered(start, start + 10ms, 5'000'000);
  EXPECT_EQ(time.at_most(start + 2s), "2500000");
  EXPECT_EQ(time.not_after(start + 110ms), "5100000");
}

}  // namespace
}  // namespace callgate::net::redis_functions_test
