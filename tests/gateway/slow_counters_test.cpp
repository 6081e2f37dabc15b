// Counting may take a while, or fail: what the gate does with what changed meanwhile.
#include <gtest/gtest.h>

#include "world.hpp"

namespace callgate::gateway::slow_counters_test {
namespace {

using namespace std::chrono_literals;

/// Counts in memory, once a test says so; or cannot count at all.
class HeldCounters final : public limits::Counters {
 public:
  explicit HeldCounters(net::Loop& loop) : go_(loop) {}

  net::Task<limits::Look> look(std::span<const limits::Ask> asks, const limits::Subject& who, BootTime now) override {
    if (fault.empty()) return inner.look(asks, who, now);
    limits::Look look;
    look.free = false;
    look.fault = fault;
    return net::Task<limits::Look>::ready(std::move(look));
  }
  net::Task<TakeResult> take(std::span<const limits::Ask> asks, const limits::Subject& who, BootTime now) override {
    if (!fault.empty()) {
      limits::Look look;
      look.free = false;
      look.fault = fault;
      return net::Task<TakeResult>::ready(std::unexpected(std::move(look)));
    }
    return held(inner.take_now(asks, who, now));
  }
  void give_back(limits::Taken&& taken) override {
    ++given_back;
    inner.give_back(std::move(taken));
  }
  void session_ended(const limits::Subject& who, BootTime now) override { inner.session_ended(who, now); }

  void let_go() { go_.raise(); }

  limits::MemoryCounters inner;
  std::string fault;
  int waiting = 0;
  int given_back = 0;

 private:
  net::Task<TakeResult> held(TakeResult result) {
    ++waiting;
    co_await go_.wait(20s);
    --waiting;
    co_return result;
  }
  net::Signal go_;
};

class SlowCounters : public World {
 protected:
  SlowCounters() { counting = &held_; }
  void begin_and_hold(const std::string& tool = "read") {
    begin(call_text(tool, "{}", 7), answer_, done_);
    turn_until([&] { return held_.waiting == 1; });
    ASSERT_EQ(held_.waiting, 1);
    EXPECT_TRUE(upstream.calls.empty()) << "nothing is forwarded before it is counted";
  }
  void let_go() {
    held_.let_go();
    turn_until([&] { return done_; });
    ASSERT_TRUE(done_);
  }
  const std::string limited_ = "callgate: 1\ndefault: allow\ntools:\n  read: {action: allow, rate_limit: {max: 5, window: 60, per: grant}}\n";

  HeldCounters held_{loop};
  Answer answer_;
  bool done_ = false;
};

TEST_F(SlowCounters, ACallIsForwardedOnceItIsCounted) {
  start(limited_);
  open_session();
  begin_and_hold();
  EXPECT_EQ(call("write").status, 200) << "calls without limits do not wait";
  EXPECT_EQ(upstream.calls.size(), 1U);
  let_go();
  EXPECT_EQ(upstream.calls.size(), 2U);
  EXPECT_TRUE(answer_.body.contains("done")) << answer_.body;
  EXPECT_EQ(held_.given_back, 0);
}

TEST_F(SlowCounters, ASessionThatEndsMeanwhileForwardsNothingAndUsesNothingUp) {
  start(limited_);
  open_session();
  begin_and_hold();
  Answer ended;
  bool gone = false;
  group.spawn(talk("DELETE", "Mcp-Session-Id: " + session_id + "\r\n", "", ended, gone));
  turn_until([&] { return gone; });
  let_go();
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_TRUE(answer_.body.contains("session ended")) << answer_.body;
  EXPECT_EQ(held_.given_back, 1);
}

/// Protocol item 73.
TEST_F(SlowCounters, ACallThatIsCancelledMeanwhileIsNotForwarded) {
  start(limited_);
  open_session();
  begin_and_hold();
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}})").status, 202);
  let_go();
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_EQ(held_.given_back, 1);
  EXPECT_TRUE(records().contains("cancelled before it was passed on"));
}

TEST_F(SlowCounters, AStatelessCallerWhoMayCallNoLongerIsNotForwarded) {
  start(limited_);
  const std::string body = R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"read","arguments":{},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}})";
  const std::string headers = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: read\r\n";
  group.spawn(talk("POST", headers, body, answer_, done_));
  turn_until([&] { return held_.waiting == 1 || done_; });
  ASSERT_EQ(held_.waiting, 1) << answer_.body;
  gates->all().front()->end_sessions([](std::string_view) { return false; });
  let_go();
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_EQ(held_.given_back, 1);
  EXPECT_TRUE(answer_.body.contains("grant or session ended")) << answer_.body;
}

/// Protocol item 35.
TEST_F(SlowCounters, APolicyThatChangesMeanwhileDoesNotMixWithTheDecision) {
  start(limited_);
  open_session();
  const std::string before(policies.find(folder / "policy.yaml")->hash());
  begin_and_hold();
  write_policy("callgate: 1\ndefault: deny\n");
  ASSERT_TRUE(policies.refresh());
  const std::string after(policies.find(folder / "policy.yaml")->hash());
  ASSERT_NE(before, after);
  let_go();
  EXPECT_TRUE(answer_.body.contains("done")) << answer_.body;
  EXPECT_TRUE(records().contains(before)) << "recorded with the policy that decided";
  EXPECT_TRUE(call("read", "{}", 8).body.contains("Refused")) << "the next call is judged by the new one";
}

TEST_F(SlowCounters, WhatCannotBeCountedIsAFaultAndTheRestGoesOn) {
  start(limited_);
  open_session();
  held_.fault = "the shared state is away";
  const Answer refused = call("read");
  EXPECT_TRUE(refused.body.contains(R"("verdict":"fault")")) << refused.body;
  EXPECT_TRUE(refused.body.contains("its limits cannot be counted now: the shared state is away")) << refused.body;
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_TRUE(call("write", "{}", 2).body.contains("done"));
  EXPECT_TRUE(records().contains(R"("verdict":"fault")"));
}

TEST_F(SlowCounters, NobodyIsAskedAboutACallThatCannotBeCounted) {
  start("callgate: 1\ndefault: allow\ntools:\n  read: {action: require_approval, rate_limit: {max: 5, window: 60, per: grant}}\n");
  open_session();
  held_.fault = "the shared state is away";
  EXPECT_TRUE(call("read").body.contains(R"("verdict":"fault")"));
  EXPECT_FALSE(records().contains(R"("approval")"));
}

}  // namespace
}  // namespace callgate::gateway::slow_counters_test
