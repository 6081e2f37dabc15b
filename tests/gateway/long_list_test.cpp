// Lists that take long to judge: others are served meanwhile, and nothing by a part of them.
#include <gtest/gtest.h>

#include "gateway/world.hpp"

namespace callgate::gateway::long_list_test {
namespace {

constexpr const char* by_class = "callgate: 1\ndefault: deny\nclasses:\n  Read: {action: allow}\n";
constexpr const char* other_tools = R"({"name":"read","description":"Another one.","inputSchema":{"type":"object"}})";

class LongList : public World {
 protected:
  /// As of thousands of tools: each step is short, and there are so many that the test says when it is over.
  class Slow final : public registry::Judging {
   public:
    Slow(LongList& test, std::size_t count) : test_(test), classes_(count, {.risk = registry::Risk::low, .category = "Read"}) { test_.begun = true; }
    bool go_on() override {
      ++test_.steps;
      // A loop that stands still for it would never hear that it may end.
      return test_.held && net::Loop::read_clock() - began_ < std::chrono::seconds(20);
    }
    std::vector<registry::ToolClass> answer() override { return classes_; }

   private:
    LongList& test_;
    std::vector<registry::ToolClass> classes_;
    const net::Instant began_ = net::Loop::read_clock();
  };

  LongList() {
    between_readings = std::chrono::milliseconds(1);
    classes_of = [this](const config::Server&, std::span<const json::Value> definitions) { return std::make_unique<Slow>(*this, definitions.size()); };
  }
  ToolBook& tools() { return gates->all().front()->tools(); }
  void until_judging() {
    turn_until([&] { return begun; });
    ASSERT_TRUE(begun);
  }
  /// Turns in which that much of the list is judged.
  void judge_on() {
    const std::size_t before = steps;
    turn_until([&] { return steps > before + 10'000; });
  }
  std::string ping(int id) { return post(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"ping"})").body; }

  bool begun = false;
  bool held = true;
  std::size_t steps = 0;
};

TEST_F(LongList, OthersAreServedWhileItIsJudgedAndNobodyByAPartOfIt) {
  start(by_class);
  until_judging();
  const net::Duration began = time_had();
  open_session();
  for (int id = 1; id <= 20; ++id) EXPECT_NE(ping(id).find(R"("result")"), std::string::npos);
  EXPECT_LT(time_had() - began, std::chrono::seconds(3)) << "20 pings and a handshake";
  Answer called;
  bool done = false;
  begin(call_text("read", "{}", 30), called, done);
  judge_on();
  EXPECT_FALSE(done) << called.body;
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_EQ(tools().known(mcp::Era::legacy).table, nullptr);
  held = false;
  turn_until([&] { return done; });
  EXPECT_NE(called.body.find("done"), std::string::npos) << called.body;
  EXPECT_EQ(upstream.calls.size(), 1U);
}

/// Security requirement S10: a definition that changed is not called while its list is compared.
TEST_F(LongList, ACallIsNotJudgedByTheListBeforeWhileTheNextOneIsJudged) {
  held = false;
  start(by_class);
  open_session();
  EXPECT_NE(call("read").body.find("done"), std::string::npos);
  upstream.calls.clear();
  upstream.tools = other_tools;
  held = true;
  begun = false;
  tools().want_again(mcp::Era::legacy);
  until_judging();
  Answer called;
  bool done = false;
  begin(call_text("read", "{}", 2), called, done);
  judge_on();
  EXPECT_FALSE(done) << called.body;
  held = false;
  turn_until([&] { return done; });
  EXPECT_NE(called.body.find("quarantined"), std::string::npos) << called.body;
  EXPECT_TRUE(upstream.calls.empty());
}

/// The pins are asked once everything else is done, and in one piece with what is written to them.
TEST_F(LongList, WhatAPersonAcceptsWhileItIsJudgedStands) {
  held = false;
  start(by_class);
  open_session();
  EXPECT_NE(call("read").body.find("done"), std::string::npos);
  upstream.tools = other_tools;
  tools().want_again(mcp::Era::legacy);
  EXPECT_NE(call("read", "{}", 2).body.find("quarantined"), std::string::npos);
  held = true;
  begun = false;
  tools().want_again(mcp::Era::legacy);
  until_judging();
  const store::ListKey key{.server = "fake", .address = gates->all().front()->server().address(), .era = "legacy"};
  const auto offered = store->pins().find(key).value()->offered;
  ASSERT_EQ(offered.size(), 1U);
  ASSERT_TRUE(store->pins().accept(key, offered));
  held = false;
  EXPECT_NE(call("read", "{}", 3).body.find("done"), std::string::npos) << "by that same reading";
  const auto now = store->pins().find(key).value();
  EXPECT_TRUE(now->offered.empty());
  EXPECT_TRUE(std::ranges::any_of(now->pinned, [&](const store::Definition& each) { return each.fingerprint == offered[0].fingerprint; }));
}

}  // namespace
}  // namespace callgate::gateway::long_list_test
