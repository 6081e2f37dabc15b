// Sessions of several gateways on one server, and what every store of sessions must do.
#include "session/shared_sessions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "base/sha256.hpp"
#include "net/redis_server.hpp"
#include "session/session.hpp"
#include "session/stored_sessions.hpp"
#include "store/temporary_folder.hpp"

namespace callgate::session::shared_sessions_test {
namespace {

using callgate::test::await;
using callgate::test::RedisServer;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

KeptSession session_of(const std::string& id, std::string grant = "g1") {
  return {.name = session_name(id), .digest = sha256_hex(id), .server = "it", .address = "http://it/mcp", .grant = std::move(grant), .principal = "ann",
          .revision = "2025-06-18", .opening = R"({"jsonrpc":"2.0"})"};
}

/// One gateway of several, and what it heard of sessions that ended.
struct Gateway {
  Gateway(net::Loop& loop, const RedisServer& server, std::chrono::milliseconds idle = 60min)
      : client(loop, server.place(RedisServer::until_lost)), feed(client), sessions(client, feed, {.prefix = "callgate:", .idle = idle}) {
    client.start({});
    sessions.on_end([this](std::string_view name) { ended.emplace_back(name); });
    EXPECT_TRUE(await(loop, feed.look()));
  }
  net::RedisClient client;
  net::RedisFeed feed;
  SharedSessions sessions;
  std::vector<std::string> ended;
};

net::Task<bool> done(net::Task<void> task) {
  co_await task;
  co_return true;
}

net::Task<void> pause(net::Loop& loop) { co_await loop.sleep(150ms); }

class SharedSessionsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::program()) GTEST_SKIP() << "neither valkey-server nor redis-server is installed";
    server_.emplace();
    a_.emplace(loop_, *server_);
    b_.emplace(loop_, *server_);
  }
  bool keep(Gateway& gateway, const KeptSession& session, std::size_t most = 16) { return await(loop_, gateway.sessions.keep(session, most)) == Kept::now; }
  std::optional<KeptSession> find(Gateway& gateway, const std::string& id, const std::string& grant = "g1") { return await(loop_, gateway.sessions.find(id, grant)).value(); }
  void settle(Gateway& gateway) { await(loop_, done(gateway.sessions.settled(10s))); }
  void look(Gateway& gateway) { EXPECT_TRUE(await(loop_, gateway.feed.look())); }
  void back(Gateway& gateway) {
    const auto until = net::Loop::read_clock() + 10s;
    while (!gateway.client.health() && net::Loop::read_clock() < until) loop_.turn(20ms);
  }

  net::Loop loop_;
  std::optional<RedisServer> server_;
  std::optional<Gateway> a_;
  std::optional<Gateway> b_;
};

TEST_F(SharedSessionsTest, ASessionKeptAtOneGatewayIsFoundAtAnother) {
  const KeptSession session = session_of("id-1");
  EXPECT_TRUE(keep(*a_, session));
  EXPECT_EQ(find(*b_, "id-1"), session);
  EXPECT_FALSE(find(*b_, "id-2"));
}

/// Security requirement S18: the id is kept nowhere, and a name of it opens nothing.
TEST_F(SharedSessionsTest, TheIdItselfStandsNowhereAndItsNameAloneIsNotEnough) {
  const std::string id = new_session_id();
  KeptSession session = session_of(id);
  ASSERT_TRUE(keep(*a_, session));
  const auto keys = callgate::test::ask(a_->client, {"KEYS", "*"});
  for (const net::RedisReply& key : keys->items) {
    EXPECT_FALSE(key.text.contains(id));
    const auto kept = callgate::test::ask(a_->client, {"DUMP", key.text});
    EXPECT_FALSE(kept->text.contains(id)) << key.text;
  }
  EXPECT_FALSE(find(*b_, session.name));
  session.digest = sha256_hex("another id of the same name");
  ASSERT_TRUE(keep(*a_, session));
  EXPECT_FALSE(find(*b_, id));
}

TEST_F(SharedSessionsTest, AnEndIsHeardByWhoeverServesTheSession) {
  const KeptSession session = session_of("id-1");
  keep(*a_, session);
  b_->sessions.serves(*find(*b_, "id-1"));
  b_->sessions.end(session.name);
  settle(*b_);
  EXPECT_FALSE(find(*a_, "id-1"));
  look(*a_);
  look(*b_);
  EXPECT_THAT(a_->ended, ElementsAre(session.name));
  EXPECT_THAT(b_->ended, IsEmpty()) << "it ended it itself";
}

TEST_F(SharedSessionsTest, WhoServesASessionNoLongerHearsNothingOfIt) {
  const KeptSession session = session_of("id-1");
  keep(*a_, session);
  a_->sessions.serves_no_longer(session.name);
  b_->sessions.end(session.name);
  settle(*b_);
  look(*a_);
  EXPECT_THAT(a_->ended, IsEmpty());
}

/// Security requirement S19: a grant has so many sessions, whatever gateways they were opened at.
/// As a gate counts: what a grant has at one server takes no place at another.
TEST_F(SharedSessionsTest, OfAGrantSoManyStayAtEachServer) {
  for (const char* id : {"id-0", "id-1"}) {
    keep(*a_, session_of(id), 2);
    KeptSession there = session_of(std::string("there-") + id);
    there.server = "other";
    keep(*b_, there, 2);
  }
  for (const char* id : {"id-0", "id-1", "there-id-0", "there-id-1"}) EXPECT_TRUE(find(*a_, id)) << id;
  keep(*b_, session_of("id-2"), 2);
  int left = 0;
  for (const char* id : {"id-0", "id-1", "id-2"}) left += find(*a_, id) ? 1 : 0;
  EXPECT_EQ(left, 2);
}

TEST_F(SharedSessionsTest, ASessionWithAMessageUnderWayCountsAsUsed) {
  a_->sessions.ask_which_are_busy([](std::string_view name) { return name == session_name("busy"); });
  keep(*a_, session_of("busy"), 2);
  await(loop_, done(pause(loop_)));
  keep(*a_, session_of("idle"), 2);
  await(loop_, done(pause(loop_)));
  await(loop_, done(a_->sessions.sweep()));
  keep(*b_, session_of("newest"), 2);
  EXPECT_TRUE(find(*b_, "busy"));
  EXPECT_FALSE(find(*b_, "idle"));
}

TEST_F(SharedSessionsTest, OfAGrantThoseLongestUnusedMakeRoom) {
  for (int i = 0; i < 3; ++i) keep(i % 2 == 0 ? *a_ : *b_, session_of(fmt::format("id-{}", i)), 3);
  EXPECT_TRUE(find(*b_, "id-0")) << "and counts as used by that";
  keep(*b_, session_of("other", "g2"), 3);
  keep(*b_, session_of("id-3"), 3);
  EXPECT_TRUE(find(*a_, "id-0"));
  EXPECT_FALSE(find(*a_, "id-1"));
  EXPECT_TRUE(find(*a_, "id-3"));
  EXPECT_TRUE(find(*a_, "other", "g2"));
  look(*b_);
  EXPECT_THAT(b_->ended, ElementsAre(session_name("id-1")));
}

TEST_F(SharedSessionsTest, UnderNoAuthenticationSessionsHaveNoShare) {
  for (int i = 0; i < 3; ++i) keep(*a_, session_of(fmt::format("id-{}", i), ""), 1);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(find(*b_, fmt::format("id-{}", i), ""));
}

TEST_F(SharedSessionsTest, WhatNobodyUsedForLongEndsAndUseAtAnyGatewayCounts) {
  Gateway c(loop_, *server_, 1500ms);
  Gateway d(loop_, *server_, 1500ms);
  keep(c, session_of("used"));
  keep(c, session_of("idle"));
  // One that is used every 150 ms is unused for 1.5 s no sooner than this process stands still for as long.
  for (const auto until = net::Loop::read_clock() + 10s; c.ended.empty() && net::Loop::read_clock() < until;) {
    await(loop_, done(pause(loop_)));
    d.sessions.used(session_name("used"));
    await(loop_, done(d.sessions.sweep()));
    look(c);
  }
  EXPECT_THAT(c.ended, ElementsAre(session_name("idle")));
  EXPECT_TRUE(find(c, "used"));
  EXPECT_FALSE(find(d, "idle"));
}

TEST_F(SharedSessionsTest, WhileTheServerIsAwayNobodyKnowsAndItIsToldLater) {
  const KeptSession early = session_of("early");
  keep(*a_, early);
  server_->freeze();
  const auto began = net::Loop::read_clock();
  const auto unknown = await(loop_, a_->sessions.find("early", "g1"));
  EXPECT_FALSE(unknown) << "not: there is none";
  EXPECT_LT(net::Loop::read_clock() - began, RedisServer::until_lost * 3 / 2);
  EXPECT_FALSE(keep(*a_, session_of("late")));
  EXPECT_FALSE(keep(*a_, session_of("short")));
  a_->sessions.end(session_name("short"));
  a_->sessions.end(early.name);
  server_->thaw();
  back(*a_);
  await(loop_, done(a_->sessions.keep_again()));
  settle(*a_);
  back(*b_);
  EXPECT_TRUE(find(*b_, "late"));
  EXPECT_FALSE(find(*b_, "early"));
  EXPECT_FALSE(find(*b_, "short")) << "what ended meanwhile does not come back";
}

/// What was sent before the end may arrive behind it, by another connection or of a gateway that did not hear of it.
TEST_F(SharedSessionsTest, WhatEndedIsNotKeptAgainByWhoTellsLate) {
  const KeptSession session = session_of("id-1");
  ASSERT_TRUE(keep(*a_, session));
  b_->sessions.serves(session);
  a_->sessions.end(session.name);
  settle(*a_);
  EXPECT_FALSE(keep(*b_, session));
  EXPECT_FALSE(find(*a_, "id-1"));
  EXPECT_THAT(b_->ended, ElementsAre(session.name)) << "who served it learns of it by that";
}

TEST_F(SharedSessionsTest, SessionsThatNobodyHearsOfLeaveNoMoreThanSoMuchBehind) {
  server_->stop();
  for (int i = 0; i < 3'000; ++i) {
    const KeptSession session = session_of(fmt::format("id-{}", i));
    EXPECT_FALSE(keep(*a_, session));
    a_->sessions.end(session.name);
  }
  EXPECT_LE(a_->sessions.owed(), 1'001U);
}

TEST_F(SharedSessionsTest, AServerThatForgotIsToldOfWhatIsServed) {
  keep(*a_, session_of("id-1"));
  ASSERT_TRUE(callgate::test::ask(b_->client, {"FLUSHALL"}));
  look(*a_);
  await(loop_, done(a_->sessions.keep_again()));
  EXPECT_TRUE(find(*b_, "id-1"));
  EXPECT_THAT(a_->ended, IsEmpty());
}

TEST_F(SharedSessionsTest, WhoMissedPartOfTheFeedAsksWhichSessionsAreOver) {
  for (const char* id : {"id-1", "id-2", "id-3"}) keep(*a_, session_of(id));
  b_->sessions.end(session_name("id-1"));
  b_->sessions.end(session_name("id-3"));
  settle(*b_);
  ASSERT_TRUE(callgate::test::ask(b_->client, {"DEL", b_->feed.key() + ":said"}));
  look(*a_);
  const auto until = net::Loop::read_clock() + 10s;
  while (a_->ended.size() < 2 && net::Loop::read_clock() < until) loop_.turn(5ms);
  EXPECT_THAT(a_->ended, UnorderedElementsAre(session_name("id-1"), session_name("id-3")));
}

TEST_F(SharedSessionsTest, EveryKeyExpiresByItself) {
  keep(*a_, session_of("id-1"));
  keep(*a_, session_of("id-2"));
  b_->sessions.end(session_name("id-2"));
  settle(*b_);
  const auto keys = callgate::test::ask(a_->client, {"KEYS", "*"});
  EXPECT_GE(keys->items.size(), 5U);
  for (const net::RedisReply& key : keys->items) EXPECT_GT(callgate::test::ask(a_->client, {"PTTL", key.text})->integer, 0) << key.text;
}

/// A store is asked with anything, at any time; what it does not keep it does not find.
class StoreContract : public testing::TestWithParam<std::string> {};

TEST_P(StoreContract, FindsNothingItDoesNotKeepAndMindsNothingUnknown) {
  if (GetParam() == "shared" && !RedisServer::program()) GTEST_SKIP() << "neither valkey-server nor redis-server is installed";
  net::Loop loop;
  SystemClock clock;
  MemoryLog log;
  const TemporaryFolder folder;
  std::optional<RedisServer> server;
  std::optional<Gateway> gateway;
  std::unique_ptr<StoredSessions> stored;
  NoSessionStore none;
  if (GetParam() == "shared") gateway.emplace(loop, server.emplace());
  if (GetParam() == "stored") stored = std::make_unique<StoredSessions>(loop, clock, log, folder.path() / "sessions.db", StoredSessions::Options{.write_time = 20s});
  SessionStore& store = gateway ? static_cast<SessionStore&>(gateway->sessions) : stored ? static_cast<SessionStore&>(*stored) : none;
  store.end("s-unknown");
  store.used("s-unknown");
  store.serves_no_longer("s-unknown");
  EXPECT_EQ(await(loop, store.keep(session_of("id-1"), 4)) == Kept::now, store.keeps());
  EXPECT_EQ(await(loop, store.find("id-1", "g1")).value().has_value(), store.keeps());
  EXPECT_FALSE(await(loop, store.find("id-2", "g1")).value().has_value());
  EXPECT_FALSE(await(loop, store.find("id-1", "g2")).value().has_value()) << "another's";
  EXPECT_FALSE(await(loop, store.find("", "g1")).value().has_value());
  KeptSession another = session_of("id-3");
  another.digest = sha256_hex("another id of the same name");
  await(loop, store.keep(another, 4));
  EXPECT_FALSE(await(loop, store.find("id-3", "g1")).value().has_value());
  store.end(session_name("id-1"));
  EXPECT_FALSE(await(loop, store.find("id-1", "g1")).value().has_value());
  for (int i = 0; i < 3; ++i) await(loop, store.keep(session_of(fmt::format("of-{}", i)), 2));
  EXPECT_FALSE(await(loop, store.find("of-0", "g1")).value().has_value()) << "of a grant, those longest unused make room";
  EXPECT_EQ(await(loop, store.find("of-2", "g1")).value().has_value(), store.keeps());
}

INSTANTIATE_TEST_SUITE_P(Sessions, StoreContract, testing::Values("memory", "stored", "shared"), [](const auto& each) { return each.param; });

}  // namespace
}  // namespace callgate::session::shared_sessions_test
