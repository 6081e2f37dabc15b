// How a question reaches a person through what the client can do.
#include "gateway/world.hpp"

namespace callgate::gateway::approval_carriers_test {
namespace {

constexpr const char* asks = "callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval, reason: money moves}\n";
constexpr const char* lets_requester = "callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval, reason: money moves, approval: {self: true}}\n";

class Carriers : public World {
 protected:
  void open(const std::string& capabilities, const std::string& revision = "2025-11-25") {
    upstream.revision = revision;
    const Answer opened = post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":")" + revision + R"(","capabilities":)" + capabilities +
                               R"(,"clientInfo":{"name":"t","version":"1"}}})");
    const std::size_t at = opened.headers.find("Mcp-Session-Id: ");
    ASSERT_NE(at, std::string::npos) << opened.headers;
    session_id = opened.headers.substr(at + 16, opened.headers.find('\n', at) - at - 16);
  }
  void with_page() {
    approval_url = [this](std::string_view id) { return page_is_there ? "http://127.0.0.1:9/approve/" + std::string(id) : std::string(); };
  }
  std::string waiting_id() {
    const auto list = desk->list(approval::State::waiting);
    return list.empty() ? std::string() : list.front()->id;
  }
  Result<approval::Approval> decide(approval::Answer how, const std::string& reason = {}) {
    return desk->answer(waiting_id(), how, "operator", reason, approval::Moment::of(clock));
  }
  /// Begins a call, and waits until the client was asked.
  void ask_client(const std::string& arguments = R"({"n":471108150042})") {
    begin(call_text("write", arguments, 7), answer, done);
    turn_until([&] { return answer.body.find("elicitation/create") != std::string::npos || done; });
    ASSERT_NE(answer.body.find("elicitation/create"), std::string::npos) << answer.body;
  }
  std::string asked_id() const {
    const std::size_t at = answer.body.find(R"("id":"callgate-)") + 5;
    return answer.body.substr(at, answer.body.find(',', at) - at);
  }
  World::Answer say(const std::string& result) { return post(R"({"jsonrpc":"2.0","id":)" + asked_id() + R"(,"result":)" + result + "}"); }
  bool says(std::string_view text) const { return answer.body.find(text) != std::string::npos; }

  Answer answer;
  bool done = false;
  bool page_is_there = true;
};

/// Protocol item 57.
TEST_F(Carriers, ALinkIsPutBeforeAClientThatOpensThem) {
  with_page();
  start(asks);
  open(R"({"elicitation":{"url":{}}})");
  ask_client();
  EXPECT_TRUE(says(R"("mode":"url","elicitationId":")" + waiting_id() + R"(","url":"http://127.0.0.1:9/approve/)" + waiting_id() + '"')) << answer.body;
  EXPECT_TRUE(says("An agent wants to use `write` of `fake`. money moves")) << answer.body;
  EXPECT_FALSE(says("471108150042")) << "no argument beside a link";
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  turn_until([&] { return done; });
  EXPECT_TRUE(says(R"("method":"notifications/elicitation/complete","params":{"elicitationId":")")) << answer.body;
  EXPECT_TRUE(says(R"("method":"notifications/cancelled","params":{"requestId":)" + asked_id())) << answer.body;
  EXPECT_TRUE(says("done")) << answer.body;
  EXPECT_EQ(upstream.calls.size(), 1U);
}

/// Protocol item 57: an "accept" says that somebody looked.
TEST_F(Carriers, AClientsAcceptIsNoYes) {
  with_page();
  start(asks);
  open(R"({"elicitation":{"url":{}}})");
  ask_client();
  EXPECT_EQ(say(R"({"action":"accept","content":{"approve":true}})").status, 202);
  for (int i = 0; i < 20; ++i) loop.turn(std::chrono::milliseconds(1));
  EXPECT_FALSE(done);
  EXPECT_EQ(desk->waiting(), 1U);
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_TRUE(upstream.responses.empty()) << "the server never hears what it did not ask";
  ASSERT_TRUE(decide(approval::Answer::no, "too much").has_value());
  turn_until([&] { return done; });
  EXPECT_TRUE(says("a person refused it: too much")) << answer.body;
  EXPECT_FALSE(says("notifications/cancelled")) << "it was answered";
}

/// Protocol item 57.
TEST_F(Carriers, ADeclineTakesTheCallOutOfTheQuestion) {
  for (const char* action : {"decline", "cancel"}) {
    SCOPED_TRACE(action);
    answer = {};
    done = false;
    if (!server) {
      with_page();
      start(asks);
    }
    open(R"({"elicitation":{"url":{}}})");
    ask_client();
    say(R"({"action":")" + std::string(action) + R"("})");
    turn_until([&] { return done; });
    EXPECT_TRUE(says("declined to have it approved")) << answer.body;
    EXPECT_EQ(desk->waiting(), 0U);
    EXPECT_TRUE(upstream.calls.empty());
  }
}

/// Protocol item 57: where nothing is held, the client is told to open the page and to come back.
TEST_F(Carriers, WithoutAWaitTheLinkComesAsAnErrorAndTheRepeatFindsTheYes) {
  config.approval_wait = std::chrono::milliseconds(0);
  with_page();
  start(asks);
  open(R"({"elicitation":{"url":{}}})");
  const std::string first = call("write", "{}", 1).body;
  EXPECT_NE(first.find(R"("error":{"code":-32042,)"), std::string::npos) << first;
  EXPECT_NE(first.find(R"("data":{"elicitations":[{"mode":"url","elicitationId":")" + waiting_id() + R"(","url":"http://127.0.0.1:9/approve/)"), std::string::npos) << first;
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  EXPECT_NE(call("write", "{}", 2).body.find("done"), std::string::npos);
  EXPECT_NE(records().find(R"("verdict":"require_approval")"), std::string::npos);
}

TEST_F(Carriers, AClientThatCannotBeAskedIsStillHeld) {
  with_page();
  start(asks);
  open(R"({"elicitation":{"url":{}}})");
  ask_client();
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":)" + asked_id() + R"(,"error":{"code":-32601,"message":"no"}})").status, 202);
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  turn_until([&] { return done; });
  EXPECT_TRUE(says("done")) << answer.body;
}

/// Protocol item 6: an answer counts once, and for its own session.
TEST_F(Carriers, AnswersOfOthersAndSecondAnswersAreRefused) {
  with_page();
  start(asks);
  open(R"({"elicitation":{"url":{}}})");
  const std::string other = session_id;
  open(R"({"elicitation":{"url":{}}})");
  ask_client();
  const std::string mine = std::exchange(session_id, other);
  EXPECT_EQ(say(R"({"action":"decline"})").status, 400);
  session_id = mine;
  EXPECT_EQ(say(R"({"action":"accept"})").status, 202);
  EXPECT_EQ(say(R"({"action":"decline"})").status, 400) << "it was answered already";
  EXPECT_EQ(desk->waiting(), 1U);
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  turn_until([&] { return done; });
}

TEST_F(Carriers, AnAnswerThatComesTooLateIsTakenAndForgotten) {
  with_page();
  start(asks);
  open(R"({"elicitation":{"url":{}}})");
  ask_client();
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  turn_until([&] { return done; });
  EXPECT_EQ(say(R"({"action":"cancel"})").status, 202);
  EXPECT_EQ(say(R"({"action":"cancel"})").status, 400);
  EXPECT_TRUE(upstream.responses.empty());
}

TEST_F(Carriers, WhoeverDidNotSaySoIsNotAsked) {
  struct Row {
    const char* capabilities;
    const char* revision;
    bool page;
  };
  with_page();
  start(asks);
  for (const Row& row : {Row{"{}", "2025-11-25", true}, Row{R"({"elicitation":{}})", "2025-11-25", true}, Row{R"({"elicitation":{"url":{}}})", "2025-06-18", true},
                         Row{R"({"elicitation":{"url":{}}})", "2025-11-25", false}}) {
    SCOPED_TRACE(row.capabilities);
    answer = {};
    done = false;
    page_is_there = row.page;
    open(row.capabilities, row.revision);
    begin(call_text("write", "{}", 7), answer, done);
    turn_until([&] { return desk->waiting() == 1; });
    ASSERT_TRUE(decide(approval::Answer::yes).has_value());
    turn_until([&] { return done; });
    EXPECT_FALSE(says("elicitation")) << answer.body;
  }
}

/// Protocol item 56.
TEST_F(Carriers, AFormAsksWhoeverSitsAtTheClientWhereTheRuleLetsThem) {
  start(lets_requester);
  open(R"({"elicitation":{}})", "2025-06-18");
  ask_client("{\"n\":471108150042,\"to\":\"a\u202Eb\"}");
  EXPECT_TRUE(says(R"("requestedSchema":{"type":"object","properties":{"approve":{"type":"boolean")")) << answer.body;
  EXPECT_TRUE(says("471108150042")) << "the form shows what would run";
  EXPECT_TRUE(says(R"(a\\u{202e}b)")) << answer.body;
  const std::string id = waiting_id();
  EXPECT_EQ(say(R"({"action":"accept","content":{"approve":true}})").status, 202);
  turn_until([&] { return done; });
  EXPECT_TRUE(says("done")) << answer.body;
  EXPECT_EQ(desk->find(id)->answered_by, "requester (form in the client)");
  EXPECT_EQ(upstream.calls.size(), 1U);
  EXPECT_NE(records().find(R"("approval":")" + id), std::string::npos);
  EXPECT_TRUE(log.has("approval_answered"));
}

/// Protocol item 56.
TEST_F(Carriers, AFormWithoutATickIsANo) {
  start(lets_requester);
  open(R"({"elicitation":{}})", "2025-06-18");
  ask_client();
  say(R"({"action":"accept","content":{"approve":false}})");
  turn_until([&] { return done; });
  EXPECT_TRUE(says("a person refused it")) << answer.body;
  EXPECT_TRUE(upstream.calls.empty());
}

/// Protocol item 56: "Not ticked: the call is refused", however a client writes that.
TEST_F(Carriers, AFormThatSaysNeitherIsANo) {
  start(lets_requester);
  open(R"({"elicitation":{}})", "2025-06-18");
  for (const char* accept : {R"({"action":"accept","content":{"approve":"true"}})", R"({"action":"accept","content":{}})", R"({"action":"accept"})"}) {
    answer = {};
    done = false;
    ask_client();
    say(accept);
    turn_until([&] { return done; });
    EXPECT_TRUE(says("a person refused it")) << accept << answer.body;
    EXPECT_EQ(desk->waiting(), 0U) << accept;
  }
  EXPECT_TRUE(upstream.calls.empty());
}

/// Security requirement S20: requester is not approver unless the policy says so.
TEST_F(Carriers, WithoutSelfThereIsNoForm) {
  start(asks);
  open(R"({"elicitation":{}})", "2025-06-18");
  begin(call_text("write", "{}", 7), answer, done);
  turn_until([&] { return desk->waiting() == 1; });
  ASSERT_TRUE(decide(approval::Answer::no).has_value());
  turn_until([&] { return done; });
  EXPECT_FALSE(says("elicitation")) << answer.body;
}

TEST_F(Carriers, ArgumentsThatNoFormCanHoldAreReadOnThePage) {
  with_page();
  start(lets_requester);
  open(R"({"elicitation":{"form":{},"url":{}}})");
  ask_client(R"({"text":")" + std::string(9'000, 'x') + R"("})");
  EXPECT_TRUE(says(R"("mode":"url")"));
  EXPECT_FALSE(says("requestedSchema"));
  ASSERT_TRUE(decide(approval::Answer::yes).has_value());
  turn_until([&] { return done; });
}

}  // namespace
}  // namespace callgate::gateway::approval_carriers_test
