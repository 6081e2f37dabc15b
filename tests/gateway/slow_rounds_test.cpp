// Looking up a call's earlier rounds may take a while: what the gate does with what changed meanwhile.
#include <gtest/gtest.h>

#include "world.hpp"

namespace callgate::gateway::slow_rounds_test {
namespace {

using namespace std::chrono_literals;
using session::CallSoFar;
using session::RoundKey;

/// Keeps rounds in memory, and gives them once a test says so.
class HeldRounds final : public session::RoundStore {
 public:
  HeldRounds(net::Loop& loop, session::RoundStore& inner) : inner_(inner), go_(loop) {}

  net::Task<bool> expect(RoundKey key, CallSoFar so_far) override { return inner_.expect(std::move(key), std::move(so_far)); }
  net::Task<std::optional<CallSoFar>> find(RoundKey key) override { return inner_.find(std::move(key)); }
  net::Task<std::optional<CallSoFar>> take(RoundKey key) override {
    auto taken = co_await inner_.take(std::move(key));
    if (!holds) co_return taken;
    ++waiting;
    co_await go_.wait(20s);
    --waiting;
    co_return taken;
  }

  void let_go() {
    holds = false;
    go_.raise();
  }

  bool holds = false;
  int waiting = 0;

 private:
  session::RoundStore& inner_;
  net::Signal go_;
};

constexpr const char* limited = "callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  read: {action: allow, rate_limit: {max: 1, window: 30d, per: server}}\n";
constexpr const char* asks = "callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  read: {action: require_approval, reason: money moves}\n";
constexpr const char* refuses = "callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  read: {action: deny, reason: no more}\n";

class SlowRounds : public World {
 protected:
  SlowRounds() {
    config.approval_wait = 5s;
    going_on = &held_;
    upstream.raw_answer = [this](net::HttpExchange& exchange, std::string id) { return ask_for_more(exchange, id); };
  }
  ~SlowRounds() override {
    group.cancel();
    server.reset();
    gates.reset();
  }
  void begin_call(const std::string& more = {}) {
    answer_ = {};
    done_ = false;
    begin(modern_text("tools/call", R"("name":"read","arguments":{"n":1})" + more, "7"), answer_, done_, modern_headers("tools/call", "read"));
  }
  void finish() {
    turn_until([&] { return done_; });
    ASSERT_TRUE(done_);
  }
  /// The first round; where somebody has to allow it, that is done.
  void have_first_round(const std::string& policy) {
    start(policy);
    begin_call();
    turn_until([&] { return done_ || desk->waiting() == 1; });
    if (!done_) {
      ASSERT_TRUE(desk->answer(desk->list(approval::State::waiting).front()->id, approval::Answer::yes, "operator", {}, approval::Moment::of(clock)));
    }
    finish();
    ASSERT_TRUE(answer_.body.contains("s-1")) << answer_.body;
  }
  /// The second stands where it is looked up.
  void hold_second_round() {
    held_.holds = true;
    begin_call(R"(,"inputResponses":{"k":{"action":"accept"}},"requestState":"s-1")");
    turn_until([&] { return held_.waiting == 1 || done_; });
    ASSERT_EQ(held_.waiting, 1) << answer_.body;
    ASSERT_EQ(upstream.calls.size(), 1U);
  }
  void exchange_policy(const std::string& policy) {
    write_policy(policy);
    ASSERT_TRUE(policies.refresh());
  }
  std::size_t count(std::string_view text) const {
    const std::string all = records();
    std::size_t found = 0;
    for (std::size_t at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++found;
    return found;
  }

  HeldRounds held_{loop, memory_rounds};
  Answer answer_;
  bool done_ = false;

 private:
  static net::Task<void> answer_with(net::HttpExchange& exchange, std::string text) { co_await exchange.respond(200, "Content-Type: application/json\r\n", text); }
  net::Task<void> ask_for_more(net::HttpExchange& exchange, std::string id) {
    const std::string state = "s-" + std::to_string(upstream.calls.size());
    return answer_with(exchange, R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{}}},"requestState":")" + state + "\"}}");
  }
};

class SlowRound : public SlowRounds, public testing::WithParamInterface<const char*> {};

TEST_P(SlowRound, IsForwardedOnceItIsFound) {
  have_first_round(GetParam());
  hold_second_round();
  held_.let_go();
  finish();
  EXPECT_TRUE(answer_.body.contains("s-2")) << answer_.body;
  EXPECT_EQ(desk->waiting(), 0U);
}

/// Protocol item 31: a further round is decided again, and on record, whatever ends it.
TEST_P(SlowRound, OfACallerWhoMayCallNoLongerIsRefusedAndOnRecord) {
  have_first_round(GetParam());
  hold_second_round();
  gates->all().front()->end_sessions([](std::string_view) { return false; });
  held_.let_go();
  finish();
  EXPECT_EQ(upstream.calls.size(), 1U);
  EXPECT_TRUE(answer_.body.contains("grant or session ended")) << answer_.body;
  turn_until([&] { return !journal->has_unwritten(); });
  EXPECT_EQ(count("grant or session ended before the call was passed on"), 1U) << records();
}

/// The newest policy judges, whatever was allowed before.
TEST_P(SlowRound, IsJudgedByWhatIsInForceWhenItIsFound) {
  have_first_round(GetParam());
  hold_second_round();
  exchange_policy(refuses);
  held_.let_go();
  finish();
  EXPECT_EQ(upstream.calls.size(), 1U);
  EXPECT_TRUE(answer_.body.contains("no more")) << answer_.body;
}

TEST_P(SlowRound, IsNotCoveredByTheYesOrTheCountOfAnotherRule) {
  have_first_round(GetParam());
  hold_second_round();
  exchange_policy("callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  read: {action: require_approval, reason: another one}\n");
  held_.let_go();
  turn_until([&] { return done_ || desk->waiting() == 1; });
  EXPECT_EQ(upstream.calls.size(), 1U);
  EXPECT_TRUE(desk->waiting() == 1 || answer_.body.contains("the policy changed")) << answer_.body;
}

INSTANTIATE_TEST_SUITE_P(Rounds, SlowRound, testing::Values(limited, asks), [](const auto& each) { return each.param == limited ? "counted" : "approved"; });

}  // namespace
}  // namespace callgate::gateway::slow_rounds_test
