#include "gateway/world.hpp"

namespace callgate::gateway::approval_test {
namespace {

constexpr const char* asks = "callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval, reason: money moves}\n";

class Approvals : public World {
 protected:
  std::string waiting_id() {
    const auto list = desk->list(approval::State::waiting);
    return list.empty() ? std::string() : list.front()->id;
  }
  Result<approval::Approval> decide(approval::Answer answer, const std::string& reason = {}) {
    return desk->answer(waiting_id(), answer, "operator", reason, approval::Moment::of(clock));
  }
};

/// Protocol item 55.
TEST_F(Approvals, AHeldCallRunsAfterTheYesAndNotBefore) {
  start(asks);
  open_session();
  Answer answer;
  bool done = false;
  begin(call_text("write", R"({"n":1})"), answer, done);
  turn_until([&] { return desk->waiting() == 1; });
  EXPECT_TRUE(upstream.calls.empty());
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find("done"), std::string::npos) << answer.body;
  EXPECT_EQ(upstream.calls.size(), 1U);
  EXPECT_NE(records().find(R"("approval":)"), std::string::npos);
}

/// Protocol item 64.
TEST_F(Approvals, ANoIsToldWithThePersonsReason) {
  start(asks);
  open_session();
  Answer answer;
  bool done = false;
  begin(call_text("write"), answer, done);
  turn_until([&] { return desk->waiting() == 1; });
  ASSERT_TRUE(decide(approval::Answer::no, "not on a Friday").has_value());
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find("not on a Friday"), std::string::npos) << answer.body;
  EXPECT_TRUE(upstream.calls.empty());
}

/// Security requirement S20: nobody is served behind their back; the repeat picks the yes up. Protocol item 61.
TEST_F(Approvals, WithoutAnAnswerTheCallIsToldToAskAgainAndItsRepeatPicksTheYesUpOnce) {
  config.approval_wait = std::chrono::milliseconds(0);
  start(asks);
  open_session();
  const Answer first = call("write", R"({"n":1,"m":2})", 1);
  EXPECT_NE(first.body.find(R"("verdict":"require_approval")"), std::string::npos) << first.body;
  EXPECT_NE(first.body.find(R"("approval":{"id":")" + waiting_id()), std::string::npos) << first.body;
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  EXPECT_NE(call("write", R"({"n":2,"m":2})", 2).body.find("require_approval"), std::string::npos) << "another call";
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_NE(call("write", R"({ "m":2.0, "n":1 })", 3).body.find("done"), std::string::npos) << "the same arguments, written otherwise";
  EXPECT_EQ(upstream.calls.size(), 1U);
  EXPECT_NE(call("write", R"({"n":1,"m":2})", 4).body.find("require_approval"), std::string::npos) << "a yes is good for one run";
  EXPECT_EQ(upstream.calls.size(), 1U);
}

/// Protocol section 0.1: `reason` is the author's sentence; what to do next is told beside it.
TEST_F(Approvals, TheReasonIsTheAuthorsAndNobodyComesBackLaterThanTheQuestionIsOpen) {
  config.approval_wait = std::chrono::milliseconds(0);
  start("callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval, reason: money moves, approval: {timeout: 6s}}\n  read: {action: require_approval}\n");
  open_session();
  const Answer asked = call("write");
  EXPECT_NE(asked.body.find(R"("reason":"money moves")"), std::string::npos) << asked.body;
  EXPECT_NE(asked.body.find(R"("retry_after_s":6,)"), std::string::npos) << asked.body;
  EXPECT_NE(asked.body.find("A person has to approve this call: money moves; approval " + waiting_id() + " was asked for"), std::string::npos) << asked.body;
  const Answer generated = call("read", "{}", 2);
  EXPECT_NE(generated.body.find(R"("retry_after_s":15,)"), std::string::npos) << generated.body;
  EXPECT_NE(generated.body.find("A person has to approve this call: approval "), std::string::npos) << generated.body;
  EXPECT_NE(generated.body.find(R"("reason":"a person has to approve the use of this tool")"), std::string::npos) << generated.body;
}

/// Security requirement S20: credentials are masked where an address is shown, and a yes is still for one of them.
TEST_F(Approvals, AYesForOneAccountIsNoneForAnother) {
  config.auth = config::Auth::grants;
  config.approval_wait = std::chrono::milliseconds(0);
  const auto begin_with = [this](const std::string& token) {
    server.reset();
    front.reset();
    gates.reset();
    server_url = upstream.url() + "?api_key=" + token;
    start(asks);
    if (authorization.empty()) call_as("ann");
    ASSERT_TRUE(grants->refresh().has_value());
    session_id.clear();
    open_session();
  };
  begin_with("sk-first-4f9a8b7c6d5e");
  const std::string shown = config.servers.front().address();
  EXPECT_NE(call("write").body.find("require_approval"), std::string::npos);
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  begin_with("sk-other-1a2b3c4d5e6f");
  EXPECT_NE(call("write").body.find("require_approval"), std::string::npos);
  ASSERT_EQ(desk->waiting(), 1U) << "the person is asked anew";
  EXPECT_EQ(desk->list(approval::State::waiting).front()->question.binding.address, shown);
  EXPECT_EQ(shown.find("sk-"), std::string::npos) << shown;
  EXPECT_TRUE(upstream.calls.empty());
  begin_with("sk-first-4f9a8b7c6d5e");
  EXPECT_NE(call("write").body.find("done"), std::string::npos) << "the yes waited for its own";
  EXPECT_EQ(upstream.calls.size(), 1U);
}

/// Protocol items 63, 73.
TEST_F(Approvals, ACancelWithdrawsTheQuestion) {
  start(asks);
  open_session();
  Answer answer;
  bool done = false;
  begin(call_text("write", "{}", 9), answer, done);
  turn_until([&] { return desk->waiting() == 1; });
  post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}})");
  turn_until([&] { return done; });
  EXPECT_TRUE(done);
  EXPECT_EQ(desk->waiting(), 0U);
  EXPECT_TRUE(upstream.calls.empty());
}

/// Protocol item 63.
TEST_F(Approvals, AStatelessClientThatLeavesWithdrawsTheQuestion) {
  start(asks);
  Answer answer;
  bool done = false;
  net::TaskGroup client;
  const std::string headers = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n" + modern_headers("tools/call", "write");
  client.spawn(talk("POST", headers, modern_text("tools/call", R"("name":"write","arguments":{})", "9"), answer, done));
  turn_until([&] { return desk->waiting() == 1; });
  ASSERT_EQ(desk->waiting(), 1U);
  client.cancel();
  turn_until([&] { return desk->waiting() == 0; });
  EXPECT_EQ(desk->waiting(), 0U);
  EXPECT_TRUE(upstream.calls.empty());
}

/// Security requirement S20: judged again on release.
TEST_F(Approvals, TheCallIsJudgedAgainByThePolicyOfThatMoment) {
  start(asks);
  open_session();
  Answer answer;
  bool done = false;
  begin(call_text("write"), answer, done);
  turn_until([&] { return desk->waiting() == 1; });
  write_policy("callgate: 1\ndefault: deny\n");
  policies.refresh();
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find(R"("verdict":"deny")"), std::string::npos) << answer.body;
  EXPECT_TRUE(upstream.calls.empty());
}

TEST_F(Approvals, AYesToAnotherRuleDoesNotCountAndANewQuestionIsAsked) {
  start(asks);
  open_session();
  Answer answer;
  bool done = false;
  begin(call_text("write"), answer, done);
  turn_until([&] { return desk->waiting() == 1; });
  write_policy("callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval, reason: money moves, arguments: {required: []}, approval: {timeout: 5m}}\n");
  policies.refresh();
  const std::string first = waiting_id();
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  turn_until([&] { return desk->waiting() == 1; });
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_NE(waiting_id(), first);
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find("done"), std::string::npos) << answer.body;
  EXPECT_EQ(upstream.calls.size(), 1U);
}

/// Security requirement S20: where two rules ask, the yes is to both of them.
TEST_F(Approvals, AYesToTwoRulesDoesNotCountWhereTheOtherOneChanged) {
  config.approval_wait = std::chrono::milliseconds(0);
  const std::string with = std::string(asks) + "everywhere:\n  cases:\n    - {when: has(args.n), action: require_approval, approval: {timeout: ";
  start(with + "5m}}\n");
  open_session();
  EXPECT_NE(call("write", R"({"n":1})", 1).body.find("require_approval"), std::string::npos);
  const auto asked = desk->list(approval::State::waiting);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked.front()->question.timeout, std::chrono::minutes(5));
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  write_policy(with + "4m}}\n");
  ASSERT_TRUE(policies.refresh());
  EXPECT_NE(call("write", R"({"n":1})", 2).body.find("require_approval"), std::string::npos);
  EXPECT_TRUE(upstream.calls.empty());
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  EXPECT_NE(call("write", R"({"n":1})", 3).body.find("done"), std::string::npos);
}

/// Security requirement S20: the gate runs what was asked about. Protocol item 62.
TEST_F(Approvals, WhatRunsIsWhatWasAskedAbout) {
  config.approval_wait = std::chrono::milliseconds(0);
  start(asks);
  open_session();
  call("write", R"({"n":1})", 1);
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  EXPECT_NE(call("write", R"({ "n" : 1.0 })", 2).body.find("done"), std::string::npos);
  ASSERT_EQ(upstream.calls.size(), 1U);
  EXPECT_NE(upstream.calls[0].find(R"("arguments":{"n":1})"), std::string::npos) << upstream.calls[0];
  EXPECT_NE(upstream.calls[0].find(R"("id":2)"), std::string::npos) << upstream.calls[0];
}

TEST_F(Approvals, AHeldCallIsNotReleasedByAListThatIsKnownToBeOld) {
  start(asks);
  open_session();
  Answer answer;
  bool done = false;
  begin(call_text("write"), answer, done);
  turn_until([&] { return desk->waiting() == 1; });
  upstream.tools = R"({"name":"write","description":"another one","inputSchema":{"type":"object"}})";
  gates->all().front()->tools().want_again(mcp::Era::legacy);
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find(R"("verdict":"quarantined")"), std::string::npos) << answer.body;
  EXPECT_TRUE(upstream.calls.empty());
}

/// Protocol item 61.
TEST_F(Approvals, TheAnswerSaysWhereAPersonAnswersIfThereIsAPage) {
  config.approval_wait = std::chrono::milliseconds(0);
  approval_url = [](std::string_view id) { return "http://127.0.0.1:9/approve/" + std::string(id); };
  start(asks);
  open_session();
  const std::string waits = call("write").body;
  const std::string url = "http://127.0.0.1:9/approve/" + waiting_id();
  EXPECT_NE(waits.find(R"("url":")" + url + '"'), std::string::npos) << waits;
  EXPECT_NE(waits.find("a person answers at " + url + " with yes or no"), std::string::npos) << waits;
  ASSERT_TRUE(decide(approval::Answer::no).has_value());
  EXPECT_NE(call("write", "{}", 2).body.find(R"("url":")" + url + '"'), std::string::npos);
}

TEST_F(Approvals, WithoutAPageNoLinkIsMadeUp) {
  config.approval_wait = std::chrono::milliseconds(0);
  start(asks);
  open_session();
  EXPECT_EQ(call("write").body.find(R"("url")"), std::string::npos);
}

/// Protocol item 55: the first sign comes at once, more come while it waits, and no value of the arguments is in them.
TEST_F(Approvals, AHeldCallTellsAClientThatAskedForProgress) {
  config.approval_wait = std::chrono::seconds(1);
  approval_url = [](std::string_view id) { return "http://127.0.0.1:9/approve/" + std::string(id); };
  start(asks);
  open_session();
  turn_until([&] { return gates->all().front()->tools().is_current(mcp::Era::legacy); });  // or it is told first that the server starts
  const Answer answer = post(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write","arguments":{"n":471108150042},"_meta":{"progressToken":"p"}}})");
  EXPECT_NE(answer.headers.find("text/event-stream"), std::string::npos) << answer.headers;
  const std::string first = R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":-0.999999,"message":"waiting for a person to approve this call at http://127.0.0.1:9/approve/)";
  EXPECT_NE(answer.body.find("data: " + first), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find(R"("progress":-0.999998)"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find(R"("verdict":"require_approval")"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("471108150042"), std::string::npos);
}

/// Protocol item 55.
TEST_F(Approvals, AHeldCallWithoutATokenKeepsItsConnectionOpenByComments) {
  config.approval_wait = std::chrono::seconds(1);
  start(asks);
  open_session();
  const Answer answer = call("write");
  EXPECT_TRUE(answer.body.starts_with(": \n\n")) << answer.body;
  EXPECT_EQ(answer.body.find("notifications/progress"), std::string::npos) << answer.body;
}

TEST_F(Approvals, AClientThatTakesNoStreamIsHeldInSilence) {
  config.approval_wait = std::chrono::seconds(1);
  start(asks);
  open_session();
  accept = "application/json";
  const Answer answer = post(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write","arguments":{},"_meta":{"progressToken":1}}})");
  EXPECT_NE(answer.headers.find("application/json"), std::string::npos) << answer.headers;
  EXPECT_TRUE(answer.body.starts_with("{")) << answer.body;
}

TEST_F(Approvals, TheAuthorsReasonIsToldWhileItWaits) {
  config.approval_wait = std::chrono::milliseconds(0);
  start(asks);
  open_session();
  EXPECT_NE(call("write").body.find("money moves; approval "), std::string::npos);
}

TEST_F(Approvals, AGatewayThatStopsTellsHeldCallsAndRecordsThem) {
  start(asks);
  open_session();
  Answer answer;
  bool done = false;
  begin(call_text("write"), answer, done);
  turn_until([&] { return desk->waiting() == 1; });
  gates->all().front()->stop();
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find("the gateway stops"), std::string::npos) << answer.body;
  EXPECT_EQ(desk->waiting(), 0U);
  EXPECT_NE(records().find(R"("verdict":"require_approval")"), std::string::npos);
}

TEST_F(Approvals, AUsedUpLimitRefusesBeforeAPersonIsAsked) {
  start("callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval, rate_limit: {max: 0, window: 60}}\n");
  open_session();
  EXPECT_NE(call("write").body.find("rate_limited"), std::string::npos);
  EXPECT_EQ(desk->waiting(), 0U);
}

TEST_F(Approvals, AQuestionThatNobodyAnswersExpires) {
  start(asks);
  open_session();
  Answer answer;
  bool done = false;
  begin(call_text("write"), answer, done);
  turn_until([&] { return desk->waiting() == 1; });
  clock.advance(std::chrono::minutes(11));
  desk->expire(approval::Moment::of(clock));
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find("nobody approved it in time"), std::string::npos) << answer.body;
  EXPECT_TRUE(upstream.calls.empty());
}

/// Protocol item 31: who allowed a call allowed all its rounds, and nothing else.
class ApprovedRounds : public Approvals {
 protected:
  void begin_with() {
    config.approval_wait = std::chrono::seconds(5);
    upstream.raw_answer = [this](net::HttpExchange& exchange, std::string id) { return ask_twice(exchange, id); };
    start(std::string(asks) + "elicitation: allow\n");
    begin_call(R"({"n":1})", {});
    turn_until([&] { return desk->waiting() == 1; });
    ASSERT_TRUE(decide(approval::Answer::yes).has_value());
    turn_until([&] { return done; });
    ASSERT_NE(answer.body.find("s-1"), std::string::npos) << answer.body;
  }
  void begin_call(const std::string& arguments, const std::string& more) {
    answer = {};
    done = false;
    begin(modern_text("tools/call", R"("name":"write","arguments":)" + arguments + more, "7"), answer, done, modern_headers("tools/call", "write"));
  }
  static std::string round(const std::string& state, const std::string& input = "accept") { return R"(,"inputResponses":{"k":{"action":")" + input + R"("}},"requestState":")" + state + '"'; }
  /// Whether a person is asked about that call; it is left waiting then.
  bool is_asked(const std::string& arguments, const std::string& more) {
    begin_call(arguments, more);
    turn_until([&] { return done || desk->waiting() > 0; });
    return desk->waiting() > 0;
  }

  Answer answer;
  bool done = false;

 private:
  net::Task<void> ask_twice(net::HttpExchange& exchange, std::string id) {
    const bool more = upstream.calls.size() < 3;
    const std::string result = more ? R"({"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{}}},"requestState":"s-)" + std::to_string(upstream.calls.size()) + "\"}"
                                    : R"({"resultType":"complete","content":[{"type":"text","text":"done"}]})";
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + result + "}");
  }
};

TEST_F(ApprovedRounds, GoWithTheYesOfTheirCall) {
  begin_with();
  EXPECT_FALSE(is_asked(R"({"n":1})", round("s-1")));
  EXPECT_NE(answer.body.find("s-2"), std::string::npos) << answer.body;
  EXPECT_FALSE(is_asked(R"({"n":1})", round("s-2", "decline")));
  EXPECT_NE(answer.body.find("done"), std::string::npos) << answer.body;
  EXPECT_EQ(upstream.calls.size(), 3U);
}

TEST_F(ApprovedRounds, AreGoodOnce) {
  begin_with();
  EXPECT_FALSE(is_asked(R"({"n":1})", round("s-1")));
  EXPECT_TRUE(is_asked(R"({"n":1})", round("s-1")));
  EXPECT_EQ(upstream.calls.size(), 2U);
}

TEST_F(ApprovedRounds, AreThoseOfTheSameArguments) {
  begin_with();
  EXPECT_TRUE(is_asked(R"({"n":2})", round("s-1")));
  EXPECT_EQ(upstream.calls.size(), 1U);
}

TEST_F(ApprovedRounds, AreThoseOfAStateThatTheServerGave) {
  begin_with();
  EXPECT_TRUE(is_asked(R"({"n":1})", round("s-9")));
}

TEST_F(ApprovedRounds, AskAnewAfterAnHour) {
  begin_with();
  clock.advance(std::chrono::minutes(61));
  EXPECT_TRUE(is_asked(R"({"n":1})", round("s-1")));
  EXPECT_EQ(upstream.calls.size(), 1U);
}

TEST_F(ApprovedRounds, AskAnewWhereTheRuleIsAnotherOne) {
  begin_with();
  write_policy("callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  write: {action: require_approval, reason: money moves, approval: {timeout: 5m}}\n");
  ASSERT_TRUE(policies.refresh());
  EXPECT_TRUE(is_asked(R"({"n":1})", round("s-1")));
}

}  // namespace
}  // namespace callgate::gateway::approval_test
