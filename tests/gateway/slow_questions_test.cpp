// Asking, and using a yes, may take a while, or fail: what the gate does with what changed meanwhile.
#include <gtest/gtest.h>

#include "world.hpp"

namespace callgate::gateway::slow_questions_test {
namespace {

using namespace std::chrono_literals;
using approval::Approval;

/// A desk that a test lets go on, or that is out of reach.
class HeldQuestions final : public approval::Questions {
 public:
  HeldQuestions(net::Loop& loop, approval::Desk& desk) : inner_(desk), go_(loop) {}

  net::Task<Result<approval::Asked>> ask(approval::Question question, approval::Listener listener, approval::Moment now) override {
    if (!fault.empty()) return net::Task<Result<approval::Asked>>::ready(fail(ErrorKind::timeout, fault));
    auto asked = inner_.ask(std::move(question), std::move(listener), now);
    return hold_asks ? held(std::move(asked)) : std::move(asked);
  }
  net::Task<Result<Approval>> use(approval::Waiter& waiter, approval::Binding binding, approval::Moment now) override {
    if (!fault.empty()) return net::Task<Result<Approval>>::ready(fail(ErrorKind::timeout, fault));
    if (std::exchange(another_took_it, false)) return net::Task<Result<Approval>>::ready(fail(ErrorKind::conflict, "another took it"));
    return held(inner_.use(waiter, std::move(binding), now));
  }
  net::Task<Result<Approval>> answer(std::string id, approval::Answer answer, std::string by, std::string reason, approval::Moment now) override {
    return inner_.answer(std::move(id), answer, std::move(by), std::move(reason), now);
  }
  net::Task<Result<std::optional<Approval>>> find(std::string id, approval::Moment now) override { return inner_.find(std::move(id), now); }
  net::Task<Result<std::vector<Approval>>> list(std::optional<approval::State> state, approval::Moment now) override { return inner_.list(state, now); }
  net::Task<Result<std::size_t>> waiting(approval::Moment now) override { return inner_.waiting(now); }
  net::Task<Result<approval::SealKey>> seal_key(approval::Moment now) override { return inner_.seal_key(now); }
  void expire(approval::Moment now) override { inner_.expire(now); }
  bool outlive_gateway() const override { return true; }

  void let_go() { go_.raise(); }

  std::string fault;
  bool hold_asks = false;
  bool another_took_it = false;  ///< the next yes that is to be used
  int held_back = 0;
  int holds = 0;  ///< so far

 private:
  template <class T>
  net::Task<T> held(net::Task<T> task) {
    T result = co_await task;
    ++held_back;
    ++holds;
    co_await go_.wait(20s);
    --held_back;
    co_return result;
  }
  approval::MemoryQuestions inner_;
  net::Signal go_;
};

class SlowQuestions : public World {
 protected:
  SlowQuestions() {
    held_.emplace(loop, *desk);
    asking = &*held_;
  }
  ~SlowQuestions() override {
    group.cancel();
    server.reset();
    gates.reset();
  }
  void approve() {
    turn_until([&] { return desk->waiting() == 1; });
    const auto waiting = desk->list(approval::State::waiting);
    ASSERT_EQ(waiting.size(), 1U);
    ASSERT_TRUE(desk->answer(waiting.front()->id, approval::Answer::yes, "operator", {}, approval::Moment::of(clock)));
  }
  void begin_and_hold_at_use() {
    begin(call_text("write", R"({"n":1})", 7), answer_, done_);
    approve();
    turn_until([&] { return held_->held_back == 1; });
    ASSERT_EQ(held_->held_back, 1);
    EXPECT_TRUE(upstream.calls.empty()) << "nothing is forwarded before the yes is used";
  }
  void let_go() {
    held_->let_go();
    turn_until([&] { return done_; });
    ASSERT_TRUE(done_);
  }
  const std::string asks_ = "callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval, rate_limit: {max: 1, window: 60, per: grant}}\n";

  std::optional<HeldQuestions> held_;
  Answer answer_;
  bool done_ = false;
};

TEST_F(SlowQuestions, ACallRunsOnceItsYesIsUsed) {
  start(asks_);
  open_session();
  begin_and_hold_at_use();
  let_go();
  EXPECT_EQ(upstream.calls.size(), 1U);
  EXPECT_TRUE(answer_.body.contains("done")) << answer_.body;
}

/// Security requirement S20: nobody is served who may call no longer.
TEST_F(SlowQuestions, ASessionThatEndsMeanwhileForwardsNothingAndItsLimitIsGivenBack) {
  start(asks_);
  open_session();
  begin_and_hold_at_use();
  gates->all().front()->end_sessions([](std::string_view) { return false; });
  let_go();
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_TRUE(answer_.body.contains("ended before the call ran")) << answer_.body;
  session_id.clear();
  open_session();
  Answer again;
  bool done = false;
  begin(call_text("write", R"({"n":2})", 8), again, done);
  turn_until([&] { return desk->waiting() == 1 || done; });
  EXPECT_EQ(desk->waiting(), 1U) << "the limit has room: " << again.body;
}

TEST_F(SlowQuestions, ACallThatIsCancelledMeanwhileIsNotForwarded) {
  start(asks_);
  open_session();
  begin_and_hold_at_use();
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}})").status, 202);
  let_go();
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_TRUE(records().contains("cancelled before it ran"));
}

TEST_F(SlowQuestions, AGatewayThatStopsMeanwhileLetsTheCallFinish) {
  start(asks_);
  open_session();
  begin_and_hold_at_use();
  gates->all().front()->stop();
  let_go();
  EXPECT_EQ(upstream.calls.size(), 1U);
}

TEST_F(SlowQuestions, ACallThatIsCancelledWhileItIsAskedWithdrawsItsQuestion) {
  held_->hold_asks = true;
  start(asks_);
  open_session();
  begin(call_text("write", "{}", 7), answer_, done_);
  turn_until([&] { return held_->held_back == 1; });
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}})").status, 202);
  let_go();
  EXPECT_EQ(desk->waiting(), 0U);
}

TEST_F(SlowQuestions, AnAnswerThatIsThereBeforeTheAskReturnsIsHeard) {
  held_->hold_asks = true;
  start(asks_);
  open_session();
  begin(call_text("write", "{}", 7), answer_, done_);
  turn_until([&] { return held_->held_back == 1; });
  approve();
  held_->let_go();
  turn_until([&] { return held_->holds == 2; });
  let_go();
  EXPECT_TRUE(answer_.body.contains("done")) << answer_.body;
}

/// Security requirement S22: what nobody can be asked about is a fault.
TEST_F(SlowQuestions, WhatCannotBeAskedIsAFaultAndTheRestGoesOn) {
  start(asks_);
  open_session();
  held_->fault = "the shared state is away";
  const Answer refused = call("write");
  EXPECT_TRUE(refused.body.contains(R"("verdict":"fault")")) << refused.body;
  EXPECT_TRUE(refused.body.contains("no person can be asked now: the shared state is away")) << refused.body;
  EXPECT_TRUE(call("read", "{}", 2).body.contains("done"));
}

TEST_F(SlowQuestions, AYesThatCannotBeUsedIsAFaultAndStaysGoodForTheRepeat) {
  start(asks_);
  open_session();
  begin(call_text("write", "{}", 7), answer_, done_);
  turn_until([&] { return desk->waiting() == 1; });
  held_->fault = "the shared state is away";
  approve();
  turn_until([&] { return done_; });
  EXPECT_TRUE(answer_.body.contains(R"("verdict":"fault")")) << answer_.body;
  EXPECT_TRUE(answer_.body.contains("its approval cannot be used now")) << answer_.body;
  EXPECT_TRUE(upstream.calls.empty());
  held_->fault.clear();
  Answer repeat;
  done_ = false;
  begin(call_text("write", "{}", 8), repeat, done_);
  turn_until([&] { return held_->held_back == 1; });
  let_go();
  EXPECT_TRUE(repeat.body.contains("done")) << repeat.body;
  EXPECT_EQ(upstream.calls.size(), 1U);
}

/// Protocol item 31: what was given back was not counted.
TEST_F(SlowQuestions, AShareThatWasGivenBackIsTakenAgainWithTheNextYes) {
  upstream.call_result = R"({"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{}}},"requestState":"s-1"})";
  const auto begin_round = [this](const std::string& more, int n = 1) {
    done_ = false;
    answer_ = {};
    begin(modern_text("tools/call", R"("name":"write","arguments":{"n":)" + std::to_string(n) + "}" + more, "7"), answer_, done_, modern_headers("tools/call", "write"));
  };
  start("callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  write: {action: require_approval}\n");
  begin_round({});
  approve();
  turn_until([&] { return held_->held_back == 1; });
  let_go();
  ASSERT_TRUE(answer_.body.contains("s-1")) << answer_.body;
  write_policy("callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  write: {action: require_approval, rate_limit: {max: 1, window: 30d, per: server}}\n");
  ASSERT_TRUE(policies.refresh());
  held_->another_took_it = true;
  begin_round(R"(,"inputResponses":{"k":{"action":"accept"}},"requestState":"s-1")");
  approve();
  turn_until([&] { return held_->held_back == 1 || done_ || desk->waiting() == 1; });
  if (desk->waiting() == 1) approve();
  turn_until([&] { return held_->held_back == 1 || done_; });
  let_go();
  ASSERT_EQ(upstream.calls.size(), 2U) << answer_.body;
  begin_round({}, 2);
  turn_until([&] { return done_ || desk->waiting() == 1; });
  EXPECT_TRUE(answer_.body.contains("rate_limited")) << "the round that ran was counted: " << answer_.body;
}

TEST_F(SlowQuestions, AHeldCallOfAGatewayThatStopsMayReturnThroughAnother) {
  start(asks_);
  open_session();
  begin(call_text("write", "{}", 7), answer_, done_);
  turn_until([&] { return desk->waiting() == 1; });
  gates->all().front()->stop();
  turn_until([&] { return done_; });
  EXPECT_TRUE(answer_.body.contains("repeat the identical call")) << answer_.body;
  EXPECT_EQ(desk->waiting(), 1U);
}

}  // namespace
}  // namespace callgate::gateway::slow_questions_test
