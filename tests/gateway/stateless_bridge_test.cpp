#include <algorithm>
#include <string>

#include "gateway/world.hpp"

namespace callgate::gateway::stateless_bridge_test {
namespace {

/// Stateless requests before a server that has sessions only (protocol items 12, 15, 31, 83, 84).
class StatelessBridged : public World {
 protected:
  void begin_with(const std::string& policy = "callgate: 1\ndefault: allow\nelicitation: allow\nsampling: allow\n") {
    upstream.modern = false;
    upstream.revision = "2025-11-25";
    upstream.raw_answer = [this](net::HttpExchange& exchange, std::string id) { return serve_call(exchange, id); };
    upstream.on_request = [this](net::HttpExchange& exchange, std::string method, std::string id, std::string body) { return note(exchange, method, id, body); };
    start(policy);
  }
  Answer ask(const std::string& method, const std::string& members = {}, const std::string& id = "7", const std::string& name = {}) {
    std::string text = modern_text(method, members, id);
    const std::string before_them = R"("io.modelcontextprotocol/clientCapabilities":{)";
    return post(text.insert(text.find(before_them) + before_them.size(), client_can), modern_headers(method, name));
  }
  Answer call_tool(const std::string& name, const std::string& more = {}, const std::string& id = "7") {
    return ask("tools/call", R"("name":")" + name + R"(","arguments":{"n":1})" + more, id, name);
  }
  static std::string state_of(const std::string& body) {
    const std::string key = R"("requestState":")";
    const std::size_t at = body.find(key);
    return at == std::string::npos ? std::string() : body.substr(at + key.size(), body.find('"', at + key.size()) - at - key.size());
  }
  static std::string inputs(const std::string& state, const std::string& value = R"({"action":"accept","content":{"who":"Ann"}})") {
    return R"(,"inputResponses":{"ask-1":)" + value + R"(},"requestState":")" + state + '"';
  }

  net::Task<void> held_call(net::HttpExchange& exchange, std::string id) {
    co_await go_on.wait(std::chrono::seconds(20));
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"content":[{"type":"text","text":"done"}]}})");
  }

  /// Each list comes once the server was answered what it asks meanwhile.
  net::Task<bool> ask_before_lists(net::HttpExchange& exchange, std::string method, std::string id) {
    if (method != "tools/list") co_return false;
    const std::size_t told = upstream.responses.size();
    co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
    co_await exchange.write(event(R"({"jsonrpc":"2.0","id":"r","method":"roots/list"})"));
    for (int turn = 0; turn < 2000 && upstream.responses.size() == told; ++turn) co_await loop.sleep(std::chrono::milliseconds(2));
    co_await exchange.write(event(R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"tools":[)" + upstream.tools + "]}}"));
    co_await exchange.finish();
    co_return true;
  }

  std::string client_can = R"("elicitation":{},"sampling":{},)";  ///< members of its capabilities
  net::Signal go_on{loop};
  std::vector<std::string> bodies;  ///< requests that reached the server
  std::string question;             ///< that it asks in the midst of a call; empty: none
  std::string answered;             ///< what it was told
  bool progresses = false;          ///< it tells progress of its call, and of another token

 private:
  static std::string event(const std::string& json) { return "data: " + json + "\n\n"; }

  net::Task<bool> note(net::HttpExchange& /*exchange*/, std::string method, std::string /*id*/, std::string body) {
    if (method != "tools/call" || body.find("callgate_probe_") == std::string::npos) bodies.push_back(body);
    co_return false;
  }
  net::Task<void> serve_call(net::HttpExchange& exchange, std::string id) {
    co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
    if (progresses) {
      const auto progress = [](const std::string& token, int at) { return R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" + token + R"(,"progress":)" + std::to_string(at) + "}}"; };
      co_await exchange.write(event(progress("\"another\"", 2)) + event(progress(id, 1)));
    }
    if (!question.empty()) {
      co_await exchange.write(event(question));
      for (int turn = 0; turn < 2000 && upstream.responses.empty(); ++turn) co_await loop.sleep(std::chrono::milliseconds(2));
      if (!upstream.responses.empty()) answered = upstream.responses.back();
    }
    co_await exchange.write(event(R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"content":[{"type":"text","text":"done"}]}})"));
    co_await exchange.finish();
  }
};

constexpr const char* asks_who = R"({"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"message":"Who?","requestedSchema":{"type":"object","properties":{}}}})";

/// Protocol item 16.
TEST_F(StatelessBridged, DiscoverSaysWhatTheHandshakeSaid) {
  begin_with();
  EXPECT_EQ(ask("server/discover").body,
            R"({"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}},"ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"fake","version":"1"}}}})");
}

TEST_F(StatelessBridged, ListsAreNobodyElsesToKeep) {
  begin_with();
  const Answer answer = ask("tools/list");
  EXPECT_NE(answer.body.find(R"("result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[)"), std::string::npos) << answer.body;
}

/// Protocol item 65.
TEST_F(StatelessBridged, CallsGoWithoutTheirEnvelopeUnderIdsOfTheSession) {
  begin_with();
  EXPECT_EQ(call_tool("read").body, R"({"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","content":[{"type":"text","text":"done"}]}})");
  ASSERT_FALSE(upstream.calls.empty());
  EXPECT_EQ(upstream.calls.back().find("io.modelcontextprotocol"), std::string::npos) << upstream.calls.back();
  EXPECT_EQ(upstream.calls.back().find(R"("id":7)"), std::string::npos);
  EXPECT_NE(upstream.calls.back().find(R"("params":{"name":"read","arguments":{"n":1}}})"), std::string::npos);
  EXPECT_NE(upstream.call_headers.back().find("Mcp-Session-Id: theirs-1"), std::string::npos) << upstream.call_headers.back();
}

TEST_F(StatelessBridged, RulesHoldAsBeforeAnyServer) {
  begin_with("callgate: 1\ndefault: allow\ntools:\n  read: {action: deny, reason: closed}\n");
  EXPECT_NE(call_tool("read").body.find("closed"), std::string::npos);
  EXPECT_TRUE(upstream.calls.empty());
}

/// Protocol item 66.
TEST_F(StatelessBridged, ProgressHasTheTokenOfItsClient) {
  begin_with();
  progresses = true;
  const std::string with_token = R"("name":"read","arguments":{},"_meta":{"progressToken":"mine","io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}})";
  const Answer answer = post(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{)" + with_token + "}}", modern_headers("tools/call", "read"));
  EXPECT_NE(answer.body.find(R"("progressToken":"mine","progress":1})"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find(R"("progress":2)"), std::string::npos) << "of a token that nobody gave: " << answer.body;
  EXPECT_NE(upstream.calls.back().find(R"("_meta":{"progressToken":"callgate-)"), std::string::npos) << upstream.calls.back();
}

TEST_F(StatelessBridged, MethodsThatTheServerDoesNotKnowAreNotFound) {
  begin_with();
  upstream.on_request = [](net::HttpExchange& exchange, std::string method, std::string id, std::string /*body*/) -> net::Task<bool> {
    if (method != "prompts/list") co_return false;
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":-32601,"message":"no"}})");
    co_return true;
  };
  EXPECT_EQ(ask("prompts/list").status, 404);
}

TEST_F(StatelessBridged, AQuestionInMidCallIsAnsweredByTheNextRequest) {
  begin_with();
  question = asks_who;
  const Answer first = call_tool("read");
  EXPECT_NE(first.body.find(R"("resultType":"input_required","inputRequests":{"ask-1":{"method":"elicitation/create","params":{"message":"Who?")"), std::string::npos) << first.body;
  const std::string state = state_of(first.body);
  ASSERT_EQ(state.size(), 64U);
  const Answer second = call_tool("read", inputs(state), "8");
  EXPECT_EQ(second.body, R"({"jsonrpc":"2.0","id":8,"result":{"resultType":"complete","content":[{"type":"text","text":"done"}]}})");
  EXPECT_EQ(answered, R"({"jsonrpc":"2.0","id":"q","result":{"action":"accept","content":{"who":"Ann"}}})");
  EXPECT_EQ(upstream.calls.size(), 1U) << "the server saw one call";
}

TEST_F(StatelessBridged, AStateIsGoodOnceAndForItsOwnRequest) {
  begin_with();
  question = asks_who;
  const std::string state = state_of(call_tool("read").body);
  const Answer other = ask("tools/call", R"("name":"read","arguments":{"n":2})" + inputs(state), "8", "read");
  EXPECT_EQ(other.status, 400);
  EXPECT_NE(other.body.find("-32602"), std::string::npos) << other.body;
  EXPECT_NE(call_tool("read", inputs(state), "9").body.find("done"), std::string::npos);
  EXPECT_EQ(call_tool("read", inputs(state), "10").status, 400) << "used";
  EXPECT_EQ(call_tool("read", inputs(std::string(64, 'a')), "11").status, 400) << "made up";
}

TEST_F(StatelessBridged, AQuestionThatIsAllowedIsOnRecordOnce) {
  begin_with();
  question = asks_who;
  ASSERT_FALSE(state_of(call_tool("read").body).empty());
  const std::string mark = R"("method":"elicitation/create")";
  std::size_t count = 0;
  for (std::size_t at = records().find(mark); at != std::string::npos; at = records().find(mark, at + 1)) ++count;
  EXPECT_EQ(count, 1U) << records();
}

TEST_F(StatelessBridged, AQuestionThatThePolicyDoesNotAllowDoesNotPass) {
  begin_with("callgate: 1\ndefault: allow\n");
  question = asks_who;
  const Answer answer = call_tool("read");
  EXPECT_EQ(answer.body.find("inputRequests"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("done"), std::string::npos) << "the call goes on without it";
  EXPECT_EQ(answered, R"({"jsonrpc":"2.0","id":"q","result":{"action":"decline"}})");
  EXPECT_NE(records().find(R"("method":"elicitation/create","era":"2026-07-28")"), std::string::npos) << records();
}

/// Protocol item 15: clients go on with calls, prompts and resources alone, and the gate's own reading has no client.
TEST_F(StatelessBridged, AQuestionWhileAListIsReadIsDeclinedAndTheListComes) {
  begin_with("callgate: 1\ndefault: allow\nroots: allow\n");
  upstream.on_request = [this](net::HttpExchange& exchange, std::string method, std::string id, std::string body) {
    return body.find("2026-07-28") != std::string::npos ? net::Task<bool>::ready(false) : ask_before_lists(exchange, method, id);
  };
  EXPECT_NE(ask("tools/list").body.find(R"("name":"read")"), std::string::npos);
  const Answer of_another = post(modern_text("tools/list", "", "8", with_tasks), modern_headers("tools/list"));
  EXPECT_NE(of_another.body.find(R"("name":"read")"), std::string::npos) << of_another.body;
  EXPECT_GE(upstream.responses.size(), 3U);
  for (const std::string& response : upstream.responses) EXPECT_NE(response.find(R"("id":"r","error":{"code":-32603)"), std::string::npos) << response;
  EXPECT_EQ(records().find(R"("method":"roots/list")"), std::string::npos) << "it was put before nobody";
}

/// Protocol items 68, 84.
TEST_F(StatelessBridged, AQuestionThatTheClientDidNotSayItAnswersDoesNotPass) {
  begin_with();
  question = asks_who;
  client_can = {};
  const Answer answer = call_tool("read");
  EXPECT_EQ(answer.body.find("inputRequests"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("done"), std::string::npos) << "the call goes on without it";
  EXPECT_EQ(answered, R"({"jsonrpc":"2.0","id":"q","result":{"action":"decline"}})");
  upstream.responses.clear();
  question = R"({"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{"mode":"url","elicitationId":"e","url":"https://a.example/","message":"Sign in"}})";
  client_can = R"("elicitation":{},)";
  EXPECT_EQ(call_tool("read").body.find("inputRequests"), std::string::npos) << "it has forms alone";
}

/// An error of 2025-11-25 that 2026-07-28 does not have (protocol item 83).
TEST_F(StatelessBridged, APageThatHasToBeOpenedFirstIsAskedForInARound) {
  begin_with();
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    co_await exchange.respond(200, "Content-Type: application/json\r\n",
                              R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":-32042,"message":"sign in","data":{"elicitations":[{"mode":"url","elicitationId":"e1","url":"https://a.example/?q=1","message":"Sign in"}]}}})");
  };
  client_can = R"("elicitation":{"url":{}},)";
  const Answer asked = call_tool("read");
  EXPECT_EQ(asked.status, 200);
  EXPECT_EQ(asked.body, R"({"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required","inputRequests":{"url-1":{"method":"elicitation/create","params":{"mode":"url","message":"Sign in","url":"https://a.example/?q=1"}}}}})");
  EXPECT_NE(records().find(R"("method":"elicitation/create")"), std::string::npos) << "it is decided like any other question";
  // Without a state of the server's the client comes back with its answer alone: the call is made anew.
  call_tool("read", R"(,"inputResponses":{"url-1":{"action":"accept"}})", "8");
  EXPECT_EQ(upstream.calls.size(), 2U);
  EXPECT_EQ(upstream.calls.back().find("inputResponses"), std::string::npos) << upstream.calls.back();
  client_can = R"("elicitation":{},)";
  const Answer lacks = call_tool("read");
  EXPECT_EQ(lacks.status, 400);
  EXPECT_EQ(lacks.body, R"({"jsonrpc":"2.0","id":7,"error":{"code":-32021,"message":"Missing required client capability","data":{"requiredCapabilities":{"elicitation":{"url":{}}}}}})");
}

TEST_F(StatelessBridged, APageThatThePolicyDoesNotAllowIsNotAskedFor) {
  begin_with("callgate: 1\ndefault: allow\n");
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":-32042,"message":"sign in","data":{"elicitations":[{"url":"https://a.example/"}]}}})");
  };
  client_can = R"("elicitation":{"url":{}},)";
  const Answer answer = call_tool("read");
  EXPECT_EQ(answer.body.find("a.example"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find(R"("isError":true)"), std::string::npos) << answer.body;
}

TEST_F(StatelessBridged, ASubscriptionHearsWhatTheSessionSays) {
  begin_with();
  upstream.stream_events = "data: " + std::string(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})") + "\n\ndata: " +
                           R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"demo://a"}})" + "\n\n";
  Answer stream;
  bool done = false;
  begin(modern_text("subscriptions/listen", R"("notifications":{"toolsListChanged":true,"resourceSubscriptions":["demo://a"]})", "\"sub\""), stream, done, modern_headers("subscriptions/listen"));
  turn_until([&] { return done || stream.body.find("demo://a\",\"_meta") != std::string::npos || stream.body.find("resources/updated") != std::string::npos; });
  EXPECT_NE(stream.body.find("notifications/subscriptions/acknowledged"), std::string::npos) << stream.body;
  EXPECT_NE(stream.body.find(R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"sub"},"uri":"demo://a"}})"), std::string::npos) << stream.body;
  EXPECT_TRUE(std::ranges::any_of(bodies, [](const std::string& body) { return body.find(R"("method":"resources/subscribe","params":{"uri":"demo://a"})") != std::string::npos; }));
}

/// The session at the server goes on: what nobody of it watches is watched no longer.
TEST_F(StatelessBridged, ASubscriptionThatEndsIsTakenBackAtTheServer) {
  begin_with();
  upstream.stream_events = ":\n\n";
  net::TaskGroup client;
  Answer stream;
  bool done = false;
  std::string headers = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n" + modern_headers("subscriptions/listen");
  client.spawn(talk("POST", headers, modern_text("subscriptions/listen", R"("notifications":{"resourceSubscriptions":["demo://a"]})", "\"sub\""), stream, done));
  const auto was_asked = [&](const std::string& method) {
    return std::ranges::any_of(bodies, [&](const std::string& body) { return body.find("\"method\":\"" + method + R"(","params":{"uri":"demo://a"})") != std::string::npos; });
  };
  turn_until([&] { return was_asked("resources/subscribe"); });
  EXPECT_FALSE(was_asked("resources/unsubscribe"));
  client.cancel();
  turn_until([&] { return was_asked("resources/unsubscribe"); });
  EXPECT_TRUE(was_asked("resources/unsubscribe"));
}

TEST_F(StatelessBridged, SessionsThatNobodyUsedForAnHourEndAtTheServer) {
  begin_with();
  call_tool("read");
  const auto opened = [&] { return std::ranges::count_if(bodies, [](const std::string& body) { return body.find(R"("method":"initialize")") != std::string::npos; }); };
  // The one in which the gate reads the list of its session ends by itself; those of the bridge stay, one for each set of capabilities.
  turn_until([&] { return opened() == 4 && upstream.deletes == 1; });
  const int before = upstream.deletes;
  gates->all().front()->reap_idle(loop.now() + std::chrono::minutes(59));
  for (int turn = 0; turn < 10; ++turn) loop.turn(std::chrono::milliseconds(2));
  EXPECT_EQ(upstream.deletes, before);
  gates->all().front()->reap_idle(loop.now() + std::chrono::minutes(61));
  turn_until([&] { return upstream.deletes == before + 3; });
  EXPECT_EQ(upstream.deletes, opened());
  EXPECT_NE(call_tool("read").body.find("done"), std::string::npos) << "the next request opens another";
}

/// What the gate opened at a server that is served no longer does not stay open there; nor does a call under way end with it.
TEST_F(StatelessBridged, TheSessionsOfAGateThatRetiresEndAtTheServerBehindTheirCalls) {
  begin_with();
  call_tool("read");
  turn_until([&] { return upstream.deletes >= 1 && !gates->all().front()->busy(); });
  const int before = upstream.deletes;
  question = asks_who;  // the server waits in mid-call
  Answer under_way;
  bool done = false;
  upstream.raw_answer = [this](net::HttpExchange& exchange, std::string id) { return held_call(exchange, std::move(id)); };
  begin(modern_text("tools/call", R"("name":"read","arguments":{"n":1})", "9"), under_way, done, modern_headers("tools/call", "read"));
  turn_until([&] { return upstream.calls.size() == 2; });
  gates->serve({});
  for (int turn = 0; turn < 20; ++turn) loop.turn(std::chrono::milliseconds(2));
  EXPECT_FALSE(done);
  EXPECT_EQ(upstream.deletes, before) << "the call is under way still";
  go_on.raise();
  turn_until([&] {
    gates->clear_away();
    return done && !gates->has_retired();
  });
  EXPECT_NE(under_way.body.find("done"), std::string::npos) << under_way.body;
  EXPECT_GT(upstream.deletes, before);
  EXPECT_FALSE(gates->has_retired());
}

/// One that waits for its client's answer ends at the server too when the answer cannot be brought there.
TEST_F(StatelessBridged, ACallThatCannotGoOnIsCancelled) {
  begin_with();
  question = asks_who;
  const std::string state = state_of(call_tool("read").body);
  ASSERT_FALSE(state.empty());
  upstream.response_status = 500;
  EXPECT_NE(call_tool("read", inputs(state), "8").body.find("error"), std::string::npos);
  const auto cancelled = [&] { return std::ranges::any_of(upstream.notes, [](const std::string& note) { return note.find("notifications/cancelled") != std::string::npos; }); };
  turn_until(cancelled);
  EXPECT_TRUE(cancelled());
}

}  // namespace
}  // namespace callgate::gateway::stateless_bridge_test
