// Grants of several data folders on one server: the better row holds in all.
#include "session/shared_grants.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/redis_server.hpp"
#include "session/caller.hpp"
#include "session/grant_row.hpp"
#include "store/grant_table.hpp"

namespace callgate::session::shared_grants_test {
namespace {

using callgate::test::await;
using callgate::test::RedisServer;
using namespace std::chrono_literals;
using store::Grant;

Grant grant(std::string id, std::string name, std::string_view token = "t") {
  return {.id = std::move(id), .name = std::move(name), .server = "it", .policy = "/p.yaml", .token_hash = store::hash_token(token), .created_ms = 1'000, .expires_ms = 9'000};
}

/// One gateway with a data folder of its own.
struct Folder {
  Folder(net::Loop& its_loop, const RedisServer& server) : loop(its_loop), client(loop, server.place(RedisServer::until_lost)), feed(client), grants(client, feed, *store) {
    client.start({});
    grants.on_change([this](const Result<void>& changed) { changes += changed ? 1 : 0; });
    round();
  }
  /// Looks, hears and tells.
  void round() {
    await(loop, feed.look());
    await(loop, grants.round());
  }
  void add(const Grant& each) { EXPECT_TRUE(store->grants().add(each)); }
  std::optional<Grant> find(std::string_view id) { return store->grants().find(id).value(); }

  net::Loop& loop;
  std::unique_ptr<store::Store> store = std::move(*store::open_in_memory());
  net::RedisClient client;
  net::RedisFeed feed;
  SharedGrants grants;
  int changes = 0;
};

class SharedGrantsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::program()) GTEST_SKIP() << "neither valkey-server nor redis-server is installed";
    server_.emplace();
    a_.emplace(loop_, *server_);
    b_.emplace(loop_, *server_);
  }
  void spread() {
    for (int i = 0; i < 2; ++i) {
      a_->round();
      b_->round();
    }
  }
  net::Loop loop_;
  std::optional<RedisServer> server_;
  std::optional<Folder> a_;
  std::optional<Folder> b_;
};

TEST_F(SharedGrantsTest, AGrantMadeInOneFolderIsInTheOther) {
  a_->add(grant("id1", "agent"));
  spread();
  EXPECT_EQ(b_->find("id1"), grant("id1", "agent"));
  EXPECT_EQ(b_->changes, 1);
  EXPECT_EQ(a_->changes, 0) << "its own is no news";
}

/// Security requirement S28: tokens are kept nowhere.
TEST_F(SharedGrantsTest, TheServerHoldsAHashAndNoToken) {
  const std::string token = store::new_token();
  a_->add(grant("id1", "agent", token));
  spread();
  const auto rows = callgate::test::ask(a_->client, {"HGETALL", "callgate:{grants}:1"});
  ASSERT_EQ(rows->items.size(), 2U);
  EXPECT_FALSE(rows->items[1].text.contains(token));
  EXPECT_TRUE(rows->items[1].text.contains(hex(store::hash_token(token))));
}

TEST_F(SharedGrantsTest, ARevocationHoldsInAllAndNothingTakesItBack) {
  a_->add(grant("id1", "agent"));
  spread();
  ASSERT_TRUE(b_->store->grants().revoke("id1", 2'000).value());
  ASSERT_TRUE(a_->store->grants().rotate("id1", store::hash_token("later"), 5'000).value());
  spread();
  EXPECT_EQ(a_->find("id1")->revoked_ms, 2'000);
  EXPECT_EQ(b_->find("id1")->revoked_ms, 2'000);
}

TEST_F(SharedGrantsTest, TheLaterTokenHoldsInAllWhateverTheClocksShow) {
  a_->add(grant("id1", "agent"));
  spread();
  ASSERT_TRUE(b_->store->grants().rotate("id1", store::hash_token("second"), 10).value()) << "by a clock that is behind";
  spread();
  EXPECT_EQ(a_->find("id1")->token_hash, store::hash_token("second"));
  ASSERT_TRUE(a_->store->grants().rotate("id1", store::hash_token("third"), 5).value());
  spread();
  EXPECT_EQ(b_->find("id1")->token_hash, store::hash_token("third"));
}

TEST_F(SharedGrantsTest, WhatHappenedWhileAGatewayWasDownHoldsBeforeItIsReady) {
  b_->add(grant("id1", "agent"));
  spread();
  ASSERT_TRUE(a_->store->grants().revoke("id1", 2'000).value());
  a_->round();
  SharedGrants anew(b_->client, b_->feed, *b_->store);
  store::GrantWatch watch(*b_->store);
  const Authenticator authenticator(config::Auth::grants, &watch, &anew);
  EXPECT_FALSE(authenticator.ready());
  EXPECT_TRUE(await(loop_, anew.round()));
  EXPECT_TRUE(authenticator.ready());
  EXPECT_TRUE(b_->find("id1")->revoked_ms.has_value());
}

TEST_F(SharedGrantsTest, WithoutTheServerAGatewayThatJustStartedIsNotReady) {
  server_->stop();
  auto store = std::move(*store::open_in_memory());
  SharedGrants anew(a_->client, a_->feed, *store);
  EXPECT_FALSE(await(loop_, anew.round()));
  EXPECT_FALSE(anew.known());
  const Authenticator none(config::Auth::none, nullptr, &anew);
  EXPECT_TRUE(none.ready()) << "without tokens there is nothing to wait for";
}

TEST_F(SharedGrantsTest, WhatIsDoneDuringAnOutageIsToldAfterwards) {
  a_->add(grant("id1", "agent"));
  spread();
  server_->freeze();
  ASSERT_TRUE(a_->store->grants().revoke("id1", 2'000).value());
  a_->round();
  EXPECT_TRUE(a_->grants.known());
  server_->thaw();
  const auto until = net::Loop::read_clock() + 10s;
  while (!b_->find("id1")->revoked_ms && net::Loop::read_clock() < until) {
    spread();
    loop_.turn(5ms);
  }
  EXPECT_TRUE(b_->find("id1")->revoked_ms.has_value());
}

TEST_F(SharedGrantsTest, AServerThatForgotIsToldAgain) {
  a_->add(grant("id1", "agent"));
  spread();
  ASSERT_TRUE(callgate::test::ask(a_->client, {"FLUSHALL"}));
  a_->round();
  Folder fresh(loop_, *server_);
  EXPECT_TRUE(fresh.find("id1").has_value());
}

TEST_F(SharedGrantsTest, TwoGrantsOfOneNameStandBesideEachOther) {
  a_->add(grant("01AAAAAAAAAAAAAAAAAAAAAAAA", "agent", "one"));
  b_->add(grant("01BBBBBBBBBBBBBBBBBBBBBBBB", "agent", "two"));
  for (int i = 0; i < 3; ++i) spread();
  EXPECT_EQ(a_->find("agent")->id, "01AAAAAAAAAAAAAAAAAAAAAAAA");
  EXPECT_EQ(b_->find("agent")->id, "01BBBBBBBBBBBBBBBBBBBBBBBB");
  EXPECT_EQ(a_->find("agent-BBBBBBBB")->id, "01BBBBBBBBBBBBBBBBBBBBBBBB");
  EXPECT_EQ(b_->find("agent-AAAAAAAA")->id, "01AAAAAAAAAAAAAAAAAAAAAAAA");
  const int changes = a_->changes;
  spread();
  EXPECT_EQ(a_->changes, changes) << "and that is settled";
}

TEST_F(SharedGrantsTest, ManyGrantsAreToldSomeAtATime) {
  for (int i = 0; i < 450; ++i) a_->add(grant("id" + std::to_string(i), "agent" + std::to_string(i), std::to_string(i)));
  spread();
  EXPECT_EQ(b_->store->grants().list()->size(), 450U);
}

TEST(GrantRow, IsReadAsItWasWrittenAndDamagedOnesAreNot) {
  Grant each = grant("id1", "agent");
  EXPECT_EQ(read_row(row_text(each)), each);
  each.expires_ms.reset();
  each.rotated_ms = 2'000;
  each.revoked_ms = 3'000;
  const std::string text = row_text(each);
  EXPECT_EQ(read_row(text), each);
  EXPECT_TRUE(text.starts_with("1 2000 "));
  for (std::size_t cut = 0; cut < text.size(); ++cut) EXPECT_FALSE(read_row(text.substr(0, cut))) << cut;
  EXPECT_FALSE(read_row(text + "1:x"));
}

TEST(GrantRow, ARevocationOverrulesAndElseTheLaterChange) {
  const Grant old = grant("id1", "agent");
  Grant later = old;
  later.rotated_ms = 2'000;
  Grant revoked = old;
  revoked.revoked_ms = 1'500;
  EXPECT_TRUE(overrules(later, old));
  EXPECT_FALSE(overrules(old, later));
  EXPECT_FALSE(overrules(old, old));
  EXPECT_TRUE(overrules(revoked, later));
  EXPECT_FALSE(overrules(later, revoked));
}

}  // namespace
}  // namespace callgate::session::shared_grants_test
