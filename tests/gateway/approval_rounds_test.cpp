// Protocol items 58, 83; security requirement S20: a stateless client that waits for a person from round to round.
#include "gateway/world.hpp"

namespace callgate::gateway::approval_rounds_test {
namespace {

constexpr const char* asks = "callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  write: {action: require_approval, reason: money moves}\n";
constexpr const char* opens_links = R"({"elicitation":{"form":{},"url":{}}})";
constexpr const char* shows_forms = R"({"elicitation":{"form":{}}})";

class ApprovalRounds : public World {
 protected:
  void begin_with(const std::string& policy = asks) {
    approval_url = [](std::string_view id) { return "http://127.0.0.1:9/approve/" + std::string(id); };
    start(policy);
  }
  static std::string text(const std::string& more, const std::string& arguments, const std::string& capabilities, int id, const std::string& tool = "write") {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":"tools/call","params":{"name":")" + tool + R"(","arguments":)" + arguments + more +
           R"(,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":)" + capabilities + "}}}";
  }
  std::string call(const std::string& more = {}, const std::string& arguments = R"({"n":471108150042})") {
    return post(text(more, arguments, capabilities, ++ids_), modern_headers("tools/call", "write")).body;
  }
  /// A string as it is written there.
  static std::string member(const std::string& body, const std::string& name) {
    const std::size_t at = body.find('"' + name + R"(":")");
    if (at == std::string::npos) return {};
    const std::size_t begin = at + name.size() + 4;
    std::size_t end = begin;
    while (end < body.size() && body[end] != '"') end += body[end] == '\\' ? 2 : 1;
    return body.substr(begin, end - begin);
  }
  static std::string state_of(const std::string& body) { return member(body, "requestState"); }
  /// The next round as a client makes it: with what its person did with the link or the form.
  static std::string round(const std::string& state, const std::string& action = "accept") {
    return R"(,"inputResponses":{"callgate_approval":{"action":")" + action + R"(","content":{"approve":true}}},"requestState":")" + state + '"';
  }
  std::string waiting_id() {
    const auto list = desk->list(approval::State::waiting);
    return list.empty() ? std::string() : list.front()->id;
  }
  Result<approval::Approval> decide(approval::Answer how, const std::string& reason = {}) {
    return desk->answer(waiting_id(), how, "operator", reason, approval::Moment::of(clock));
  }
  void approve() { ASSERT_TRUE(decide(approval::Answer::yes).has_value()); }

  std::string capabilities = opens_links;

 private:
  int ids_ = 0;
};

TEST_F(ApprovalRounds, AClientThatOpensLinksIsGivenOneAtOnce) {
  begin_with();
  const std::string first = call();
  EXPECT_NE(first.find(R"("result":{"resultType":"input_required","inputRequests":{"callgate_approval":{"method":"elicitation/create","params":{"mode":"url","url":"http://127.0.0.1:9/approve/)" + waiting_id() + '"'),
            std::string::npos) << first;
  EXPECT_TRUE(state_of(first).starts_with("callgate:q:")) << first;
  EXPECT_EQ(first.find("471108150042"), std::string::npos) << "no argument beside a link";
  EXPECT_NE(records().find(R"("verdict":"require_approval")"), std::string::npos);
  EXPECT_TRUE(upstream.calls.empty());
}

TEST_F(ApprovalRounds, ACallRunsUnderTheYesItFindsAndTheServerSeesNothingOfIt) {
  begin_with();
  const std::string state = state_of(call());
  approve();
  EXPECT_NE(call(round(state)).find("done"), std::string::npos);
  ASSERT_EQ(upstream.calls.size(), 1U);
  EXPECT_EQ(upstream.calls[0].find("requestState"), std::string::npos) << upstream.calls[0];
  EXPECT_EQ(upstream.calls[0].find("inputResponses"), std::string::npos) << upstream.calls[0];
  EXPECT_NE(upstream.calls[0].find(R"("arguments":{"n":471108150042},"_meta")"), std::string::npos) << upstream.calls[0];
  EXPECT_NE(state_of(call(round(state))), "") << "the yes is used: the same state asks anew";
  EXPECT_EQ(upstream.calls.size(), 1U);
}

TEST_F(ApprovalRounds, AnAcceptOfTheClientIsNoYes) {
  config.approval_wait = std::chrono::milliseconds(50);
  begin_with("callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval, approval: {self: true}}\n");
  for (const char* can : {opens_links, shows_forms}) {
    capabilities = can;
    const std::string state = state_of(call());
    ASSERT_NE(state, "");
    EXPECT_NE(call(round(state)).find("input_required"), std::string::npos) << can;
  }
  EXPECT_EQ(desk->waiting(), 1U);
  EXPECT_TRUE(upstream.calls.empty());
}

TEST_F(ApprovalRounds, ARoundWaitsForTheAnswerAndThenRuns) {
  begin_with();
  const std::string state = state_of(call());
  Answer answer;
  bool done = false;
  begin(text(round(state), R"({"n":471108150042})", capabilities, 90), answer, done, modern_headers("tools/call", "write"));
  for (int i = 0; i < 50; ++i) loop.turn(std::chrono::milliseconds(1));
  EXPECT_FALSE(done);
  approve();
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find("done"), std::string::npos) << answer.body;
}

TEST_F(ApprovalRounds, ThatStillWaitComeBackWithTheStateAlone) {
  config.approval_wait = std::chrono::milliseconds(20);
  begin_with();
  const std::string second = call(round(state_of(call())));
  EXPECT_NE(second.find(R"("result":{"resultType":"input_required","requestState":"callgate:q:)"), std::string::npos) << second;
  approve();
  EXPECT_NE(call(R"(,"requestState":")" + state_of(second) + '"').find("done"), std::string::npos);
}

TEST_F(ApprovalRounds, WithoutAWaitShowTheLinkEachTime) {
  config.approval_wait = std::chrono::milliseconds(0);
  begin_with();
  EXPECT_NE(call(round(state_of(call()))).find(R"("mode":"url")"), std::string::npos);
}

TEST_F(ApprovalRounds, EndInWordsBeforeTheClientGivesUp) {
  config.approval_wait = std::chrono::milliseconds(0);
  begin_with();
  std::string body = call();
  int rounds = 1;
  for (; rounds < 20 && !state_of(body).empty(); ++rounds) body = call(round(state_of(body)));
  EXPECT_EQ(rounds, 9);
  EXPECT_NE(body.find("repeat the identical call"), std::string::npos) << body;
  approve();
  EXPECT_NE(call().find("done"), std::string::npos);
}

TEST_F(ApprovalRounds, ANoComesWithThePersonsWords) {
  begin_with();
  const std::string state = state_of(call());
  ASSERT_TRUE(decide(approval::Answer::no, "not on a Friday").has_value());
  const std::string body = call(round(state));
  EXPECT_NE(body.find("a person refused it: not on a Friday"), std::string::npos) << body;
  EXPECT_NE(body.find(R"("resultType":"complete")"), std::string::npos) << body;
}

TEST_F(ApprovalRounds, AQuestionThatRanOutIsNotAskedAgain) {
  begin_with();
  const std::string state = state_of(call());
  clock.advance(std::chrono::minutes(11));
  EXPECT_NE(call(round(state)).find("nobody approved it in time"), std::string::npos);
  EXPECT_EQ(desk->waiting(), 0U);
}

TEST_F(ApprovalRounds, ADeclineAtTheClientEndsTheCall) {
  begin_with();
  for (const char* action : {"decline", "cancel"}) EXPECT_NE(call(round(state_of(call()), action)).find("declined to have it approved"), std::string::npos) << action;
  EXPECT_TRUE(upstream.calls.empty());
}

/// Protocol item 63: a form that was closed is nobody's no, but its call is over.
TEST_F(ApprovalRounds, ADeclineAtTheClientWithdrawsTheQuestionThatNobodyElseWaitsOn) {
  begin_with();
  for (const char* action : {"decline", "cancel"}) {
    const std::string state = state_of(call());
    const std::string id = waiting_id();
    call(round(state, action));
    ASSERT_NE(desk->find(id), nullptr);
    EXPECT_EQ(desk->find(id)->state, approval::State::withdrawn) << action;
  }
  EXPECT_EQ(desk->waiting(), 0U);
}

/// Protocol item 63.
TEST_F(ApprovalRounds, ADeclineAtOneClientLeavesTheQuestionToAnother) {
  begin_with();
  const std::string mine = state_of(call());
  const std::string theirs = state_of(call());
  call(round(mine, "decline"));
  ASSERT_EQ(desk->waiting(), 1U);
  approve();
  EXPECT_NE(call(round(theirs)).find("done"), std::string::npos);
}

/// Protocol item 63.
TEST_F(ApprovalRounds, AClientThatLeavesItsRoundWithdrawsTheQuestion) {
  begin_with();
  const std::string state = state_of(call());
  Answer answer;
  bool done = false;
  net::TaskGroup client;
  const std::string headers = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n" + modern_headers("tools/call", "write");
  client.spawn(talk("POST", headers, text(round(state), R"({"n":471108150042})", capabilities, 90), answer, done));
  for (int i = 0; i < 50; ++i) loop.turn(std::chrono::milliseconds(1));
  ASSERT_EQ(desk->waiting(), 1U);
  client.cancel();
  turn_until([&] { return desk->waiting() == 0; });
  EXPECT_TRUE(upstream.calls.empty());
}

TEST_F(ApprovalRounds, AClientWithFormsAloneIsShownWhatWouldRun) {
  capabilities = shows_forms;
  begin_with();
  const std::string first = call();
  EXPECT_NE(first.find(R"(Arguments: {\"n\":471108150042})"), std::string::npos) << first;
  EXPECT_NE(first.find("http://127.0.0.1:9/approve/" + waiting_id()), std::string::npos) << first;
  EXPECT_NE(first.find(R"("requestedSchema":{"type":"object","properties":{}})"), std::string::npos) << first;
  approve();
  EXPECT_NE(call(round(state_of(first))).find("done"), std::string::npos);
}

TEST_F(ApprovalRounds, AClientThatShowsNothingIsHeldAndTold) {
  config.approval_wait = std::chrono::milliseconds(20);
  capabilities = "{}";
  begin_with();
  const std::string body = call();
  EXPECT_EQ(state_of(body), "");
  EXPECT_NE(body.find("repeat the identical call"), std::string::npos) << body;
}

TEST_F(ApprovalRounds, AStateThatIsNotOfThisCallIsAnErrorAndReachesNobody) {
  begin_with();
  const std::string state = state_of(call());
  approve();
  std::string altered = state;
  altered[20] = altered[20] == '0' ? '1' : '0';
  for (const std::string& body : {call(round(altered)), call(round(state), R"({"n":4712})"), call(round("callgate:q:")), call(round("callgate:x")), call(round("callgate:"))}) {
    EXPECT_NE(body.find(R"("error":{"code":-32602,"message":"`requestState` does not belong to this call, or its time is over)"), std::string::npos) << body;
  }
  EXPECT_TRUE(upstream.calls.empty());
  clock.advance(std::chrono::hours(1));
  EXPECT_NE(call(round(state)).find("-32602"), std::string::npos) << "its time is over";
}

TEST_F(ApprovalRounds, AreJudgedByThePolicyOfTheirTime) {
  begin_with();
  const std::string state = state_of(call());
  approve();
  write_policy("callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval, reason: another one}\n");
  ASSERT_TRUE(policies.refresh());
  const std::string body = call(round(state));
  EXPECT_NE(body.find(R"("mode":"url")"), std::string::npos) << "another question, so another link: " << body;
  write_policy("callgate: 1\ndefault: deny\n");
  ASSERT_TRUE(policies.refresh());
  EXPECT_NE(call(round(state_of(body))).find(R"("verdict":"deny")"), std::string::npos);
  EXPECT_TRUE(upstream.calls.empty());
}

TEST_F(ApprovalRounds, ArePossibleForPromptsAndResources) {
  begin_with("callgate: 1\ndefault: deny\nprompts:\n  p: {action: require_approval}\nresources:\n  \"doc://*\": {action: require_approval}\n");
  const auto ask = [&](const std::string& method, const std::string& subject, const std::string& more, int id) {
    const std::string name = subject.substr(subject.find(':') + 2, subject.size() - subject.find(':') - 3);
    return post(R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method + R"(","params":{)" + subject + more +
                    R"(,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":)" + opens_links + "}}}",
                modern_headers(method, name)).body;
  };
  int id = 50;
  for (const auto& [method, subject] : {std::pair<std::string, std::string>{"prompts/get", R"("name":"p")"}, {"resources/read", R"("uri":"doc://a")"}}) {
    upstream.asked.clear();
    const std::string first = ask(method, subject, {}, ++id);
    ASSERT_NE(first.find(R"("mode":"url")"), std::string::npos) << first;
    approve();
    const std::string ran = ask(method, subject, round(state_of(first)), ++id);
    EXPECT_EQ(ran.find("error"), std::string::npos) << ran;
    ASSERT_EQ(upstream.asked.size(), 1U) << method;
    EXPECT_EQ(upstream.asked[0].find("requestState"), std::string::npos) << upstream.asked[0];
  }
}

TEST_F(ApprovalRounds, UseUpALimitOnce) {
  begin_with("callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval, rate_limit: {max: 1, window: 1h, per: server}}\n");
  const std::string state = state_of(call());
  approve();
  EXPECT_NE(call(round(state)).find("done"), std::string::npos);
  EXPECT_NE(call().find("rate_limited"), std::string::npos);
}

/// The server's round goes on inside ours, its state and the answers to it with it.
TEST_F(ApprovalRounds, CarryARoundOfTheServerAlong) {
  begin_with();
  const std::string of_server = R"(,"inputResponses":{"k":{"action":"accept","content":{"x":"y"}}},"requestState":"theirs-1")";
  const std::string state = state_of(call(of_server));
  ASSERT_TRUE(state.starts_with("callgate:q:"));
  approve();
  const std::string body = call(round(state));
  EXPECT_NE(body.find("done"), std::string::npos) << body;
  ASSERT_EQ(upstream.calls.size(), 1U);
  EXPECT_NE(upstream.calls[0].find(R"("requestState":"theirs-1","inputResponses":{"k":{"action":"accept","content":{"x":"y"}}})"), std::string::npos) << upstream.calls[0];
  EXPECT_EQ(upstream.calls[0].find("callgate"), std::string::npos) << upstream.calls[0];
}

TEST_F(ApprovalRounds, AreNotForWhatIsTooLargeToCarry) {
  config.approval_wait = std::chrono::milliseconds(20);
  begin_with();
  EXPECT_NE(call(R"(,"requestState":")" + std::string(17 * 1024, 'x') + '"').find("repeat the identical call"), std::string::npos);
}

/// The server may have any state, also one that begins like ours.
class MarkedStates : public ApprovalRounds {
 protected:
  /// The server asks once, with that state; then it says `done` and keeps what came.
  void server_gives(const std::string& state) {
    upstream.raw_answer = [this, state](net::HttpExchange& exchange, std::string id) { return give(exchange, id, state); };
  }

 private:
  net::Task<void> give(net::HttpExchange& exchange, std::string id, std::string state) {
    const std::string result = upstream.calls.size() > 1 ? std::string(R"({"resultType":"complete","content":[{"type":"text","text":"done"}]})")
                                                         : R"({"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{}}},"requestState":")" + state + "\"}";
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + result + "}");
  }
};

TEST_F(MarkedStates, OfAServerThatWritesLikeUsComeBackToItAsTheyWere) {
  for (const std::string theirs : {"callgate:q:0000", "callgate:s:x", "callgate:"}) {
    upstream.calls.clear();
    server_gives(theirs);
    if (!server) begin_with("callgate: 1\ndefault: allow\nelicitation: allow\n");
    const std::string first = call();
    EXPECT_EQ(state_of(first), "callgate:s:" + theirs);
    EXPECT_NE(call(round(state_of(first))).find("done"), std::string::npos);
    ASSERT_EQ(upstream.calls.size(), 2U);
    EXPECT_EQ(state_of(upstream.calls[1]), theirs);
    EXPECT_NE(upstream.calls[1].find("callgate_approval"), std::string::npos) << "what its client answered is the server's";
  }
}

TEST_F(MarkedStates, OfAServerDoNotStandForAYes) {
  begin_with();
  const std::string ours = state_of(call());
  server_gives(ours);
  approve();
  const std::string first = call(round(ours));
  EXPECT_EQ(state_of(first), "callgate:s:" + ours) << "a server that learned of a state of ours";
  EXPECT_NE(call(round(state_of(first))).find("done"), std::string::npos) << "its own round goes on with the yes of its call";
  ASSERT_EQ(upstream.calls.size(), 2U);
  EXPECT_EQ(state_of(upstream.calls[1]), ours);
}

TEST_F(MarkedStates, OfAnyOtherKindPassUntouched) {
  server_gives("theirs-1");
  begin_with("callgate: 1\ndefault: allow\nelicitation: allow\n");
  const std::string first = call();
  EXPECT_EQ(state_of(first), "theirs-1");
  EXPECT_NE(call(round("theirs-1")).find("done"), std::string::npos);
  EXPECT_EQ(state_of(upstream.calls[1]), "theirs-1");
}

}  // namespace
}  // namespace callgate::gateway::approval_rounds_test
