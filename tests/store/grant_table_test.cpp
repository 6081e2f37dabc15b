#include "store/grant_table.hpp"

#include <gtest/gtest.h>

#include <set>

#include "store/database.hpp"
#include "store/temporary_folder.hpp"

namespace callgate::store::grant_table_test {
namespace {

Grant grant(std::string id, std::string_view token) {
  return {.id = id, .name = "name of " + id, .server = "valkey", .token_hash = hash_token(token), .created_ms = 1};
}

TEST(GrantTableTest, ATokenLeadsToItsOwnGrant) {
  const GrantTable table({grant("a", "cg_one"), grant("b", "cg_two")});
  ASSERT_NE(table.find("cg_two", 0), nullptr);
  EXPECT_EQ(table.find("cg_two", 0)->id, "b");
}

TEST(GrantTableTest, WhatIsNotExactlyATokenLeadsNowhere) {
  const GrantTable table({grant("a", "cg_one")});
  for (const std::string_view token : {"", "cg_", "cg_on", "cg_one ", "CG_ONE", "cg_onf"}) {
    EXPECT_EQ(table.find(token, 0), nullptr) << token;
  }
}

/// Security requirement S28: what is stored opens nothing.
TEST(GrantTableTest, TheStoredHashIsNoToken) {
  const Grant one = grant("a", "cg_one");
  const GrantTable table({one});
  EXPECT_EQ(table.find(hex(one.token_hash), 0), nullptr);
}

TEST(GrantTableTest, ARevokedGrantIsNotInTheTable) {
  Grant revoked = grant("a", "cg_one");
  revoked.revoked_ms = 5;
  const GrantTable table({revoked});
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.find("cg_one", 0), nullptr);
}

TEST(GrantTableTest, AGrantEndsAtItsExpiryToTheMillisecond) {
  Grant ends = grant("a", "cg_one");
  ends.expires_ms = 1000;
  const GrantTable table({ends});
  EXPECT_NE(table.find("cg_one", 999), nullptr);
  EXPECT_EQ(table.find("cg_one", 1000), nullptr);
}

/// Security requirement S28: 32 random bytes.
TEST(TokenTest, TokensAreLongAndNeverTheSame) {
  std::set<std::string> tokens;
  for (int i = 0; i < 100; ++i) tokens.insert(new_token());
  EXPECT_EQ(tokens.size(), 100U);
  EXPECT_EQ(tokens.begin()->size(), 3U + 43U);
  EXPECT_TRUE(tokens.begin()->starts_with("cg_"));
}

TEST(GrantWatchTest, ANewAndARevokedGrantAreSeenAtTheNextRefresh) {
  const TemporaryFolder folder;
  const auto gateway = open(folder.path());
  const auto command = open(folder.path());
  GrantWatch watch(**gateway);
  EXPECT_EQ(watch.table()->find("cg_one", 0), nullptr);
  ASSERT_TRUE((*command)->grants().add(grant("a", "cg_one")));
  EXPECT_TRUE(watch.refresh().value());
  EXPECT_NE(watch.table()->find("cg_one", 0), nullptr);
  EXPECT_FALSE(watch.refresh().value());
  ASSERT_TRUE((*command)->grants().revoke("a", 9).value());
  EXPECT_TRUE(watch.refresh().value());
  EXPECT_EQ(watch.table()->find("cg_one", 0), nullptr);
}

TEST(GrantWatchTest, ATableInUseIsNotChangedByARefresh) {
  const auto store = open_in_memory();
  GrantWatch watch(**store);
  ASSERT_TRUE((*store)->grants().add(grant("a", "cg_one")));
  ASSERT_TRUE(watch.refresh());
  const auto table = watch.table();
  ASSERT_TRUE((*store)->grants().revoke("a", 9));
  ASSERT_TRUE(watch.refresh());
  EXPECT_NE(table->find("cg_one", 0), nullptr);
}

TEST(GrantWatchTest, AReadThatFailsIsTriedAgainAndTheLastTableStands) {
  const TemporaryFolder folder;
  const auto store = open(folder.path(), {.busy = std::chrono::milliseconds(5)});
  GrantWatch watch(**store);
  ASSERT_TRUE((*store)->grants().add(grant("a", "cg_one")));
  ASSERT_TRUE(watch.refresh().value());

  const auto raw = Database::open(folder.path() / "callgate.db", std::chrono::milliseconds(5));
  ASSERT_TRUE((*raw)->execute("ALTER TABLE grants RENAME TO away"));
  EXPECT_FALSE(watch.refresh());
  EXPECT_NE(watch.table()->find("cg_one", 0), nullptr);
  ASSERT_TRUE((*raw)->execute("ALTER TABLE away RENAME TO grants"));
  EXPECT_TRUE(watch.refresh().value());
}

}  // namespace
}  // namespace callgate::store::grant_table_test
