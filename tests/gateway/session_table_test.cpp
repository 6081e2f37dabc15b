#include "gateway/session_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace callgate::gateway::session_table_test {
namespace {

class SessionTableTest : public testing::Test {
 protected:
  std::shared_ptr<Conversation> enter(std::string id, std::string grant = "ann") {
    auto conversation = std::make_shared<Conversation>();
    conversation->session.id = std::move(id);
    conversation->session.grant = std::move(grant);
    table_.enter(conversation);
    return conversation;
  }

  std::size_t total_ = 0;
  SessionTable table_{total_};
};

TEST_F(SessionTableTest, ASessionIsFoundByItsOwnCallerUntilItIsClosed) {
  const auto session = enter("one");
  EXPECT_EQ(table_.find("one", "ann"), session);
  EXPECT_EQ(table_.find("one", "bob"), nullptr);
  EXPECT_EQ(table_.find("on", "ann"), nullptr);
  EXPECT_TRUE(table_.contains("one"));
  session->closed = true;
  EXPECT_EQ(table_.find("one", "ann"), nullptr);
}

TEST_F(SessionTableTest, WhatIsExpectedNeedNotBeThere) {
  table_.expect("one");
  const auto session = enter("one");
  table_.expect("");
  table_.expect("one");
  EXPECT_EQ(session.use_count(), 2) << "expecting keeps nothing alive";
}

TEST_F(SessionTableTest, TheLastReferenceMayBeTheTablesOwn) {
  enter("one");
  enter("two");
  table_.leave(*table_.find("one", "ann"));
  EXPECT_EQ(table_.find("one", "ann"), nullptr);
  EXPECT_EQ(table_.find("two", "ann")->session.id, "two");
  table_.leave(*table_.all().front());
  EXPECT_EQ(table_.size(), 0U);
  EXPECT_EQ(total_, 0U);
}

/// Against a map, through some thousand comings and goings.
TEST_F(SessionTableTest, HoldsWhatEnteredAndDidNotLeave) {
  std::mt19937 random(7);
  std::map<std::string, std::shared_ptr<Conversation>> model;
  for (int step = 0; step < 20'000; ++step) {
    const std::string id = "s" + std::to_string(random() % 400);
    const auto known = model.find(id);
    if (known == model.end()) {
      model.emplace(id, enter(id));
    } else if (random() % 2 == 0) {
      table_.leave(*known->second);
      model.erase(known);
    } else {
      Conversation stranger;
      stranger.session.id = id + "x";
      table_.leave(stranger);
    }
    const std::string asked = "s" + std::to_string(random() % 400);
    const auto expected = model.find(asked);
    ASSERT_EQ(table_.find(asked, "ann"), expected == model.end() ? nullptr : expected->second) << "step " << step;
    ASSERT_EQ(total_, model.size());
  }
  const std::set<std::shared_ptr<Conversation>> held(table_.all().begin(), table_.all().end());
  EXPECT_EQ(held.size(), model.size());
  for (const auto& [id, conversation] : model) EXPECT_TRUE(held.contains(conversation)) << id;
}

}  // namespace
}  // namespace callgate::gateway::session_table_test
