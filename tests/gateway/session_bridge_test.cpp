#include <algorithm>
#include <string>

#include "gateway/world.hpp"

namespace callgate::gateway::session_bridge_test {
namespace {

/// A client with a session before a server that has none (protocol items 12, 14, 16).
class SessionBridged : public World {
 protected:
  void begin_with(const std::string& policy = "callgate: 1\ndefault: allow\nelicitation: allow\nsampling: allow\nroots: allow\n") {
    upstream.on_request = [this](net::HttpExchange& exchange, std::string method, std::string id, std::string body) { return serve(exchange, method, id, body); };
    start(policy);
  }
  /// A call in whose midst the client is asked: the id of the question, as written; empty where none came.
  std::string call_until_asked() {
    begin(call_text("ask"), stream, done);
    turn_until([&] { return done || stream.body.find("\n\n") != std::string::npos; });
    const std::size_t at = stream.body.find(R"("id":"callgate-)");
    return at == std::string::npos ? std::string() : stream.body.substr(at + 5, stream.body.find(',', at) - at - 5);
  }

  Answer stream;
  bool done = false;
  std::vector<std::string> methods;  ///< of requests that reached the server and had their envelope
  std::vector<std::string> bodies;   ///< of tools/call likewise
  std::string filter;                ///< of the last subscription
  std::string announced;             ///< said on the next subscription
  std::string pushed;                ///< said in the midst of a call
  std::string capabilities = R"({"tools":{"listChanged":true},"resources":{"subscribe":true},"logging":{},"extensions":{"x/y":{}}})";
  std::string asks;                  ///< a method that the tool `ask` asks by; empty: for a form
  std::string result_type = "complete";
  std::string question = R"({"method":"elicitation/create","params":{"mode":"form","message":"Who?","requestedSchema":{"type":"object","properties":{}}}})";
  std::optional<net::Signal> list_may_come;  ///< lists wait for it

 private:
  static std::string framed(const std::string& id, const std::string& member) { return R"({"jsonrpc":"2.0","id":)" + id + "," + member + "}"; }

  net::Task<bool> serve(net::HttpExchange& exchange, std::string method, std::string id, std::string body) {
    if (body.find(R"("io.modelcontextprotocol/protocolVersion":"2026-07-28")") == std::string::npos) {
      co_await exchange.respond(400, "Content-Type: application/json\r\n", framed(id, R"("error":{"code":-32602,"message":"no envelope"})"));
      co_return true;
    }
    methods.push_back(method);
    if (method == "subscriptions/listen") {
      filter = body;
      co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
      if (!announced.empty()) co_await exchange.write("data: " + announced + "\n\n");
      co_await exchange.gone(net::Loop::forever);
      co_return true;
    }
    if (method == "tools/list" && list_may_come) co_await list_may_come->wait(net::Loop::forever);
    const std::string said = framed(id, answer(method, body));
    if (method == "tools/call" && !pushed.empty()) {
      co_await exchange.respond(200, "Content-Type: text/event-stream\r\n", "data: " + pushed + "\n\ndata: " + said + "\n\n");
      co_return true;
    }
    co_await exchange.respond(200, "Content-Type: application/json\r\n", said);
    co_return true;
  }
  std::string answer(const std::string& method, const std::string& body) {
    if (method == "server/discover")
      return R"("result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":)" + capabilities + R"(,"instructions":"Be kind.","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"new","version":"9"}}})";
    if (method == "tools/list") return R"("result":{"resultType":"complete","ttlMs":5,"cacheScope":"public","tools":[{"name":"read","inputSchema":{"type":"object"}},{"name":"ask","inputSchema":{"type":"object"}}]})";
    if (method == "resources/read") return R"("error":{"code":-32602,"message":"Resource not found"})";
    if (method == "tools/call" && body.find("callgate_probe_") == std::string::npos) {
      bodies.push_back(body);
      if (!asks.empty()) return R"("result":{"resultType":"input_required","inputRequests":{"it":{"method":")" + asks + R"(","params":{"messages":[],"maxTokens":1}}},"requestState":"s-1"})";
      if (body.find(R"("name":"ask")") != std::string::npos && body.find("inputResponses") == std::string::npos)
        return R"("result":{"resultType":"input_required","inputRequests":{"who":)" + question + R"(},"requestState":"s-1"})";
      return R"("result":{"resultType":")" + result_type + R"(","content":[{"type":"text","text":"done"}]})";
    }
    return R"("error":{"code":-32602,"message":"unknown"})";
  }
};

constexpr const char* answers_forms = R"({"elicitation":{}})";
constexpr const char* answers_samples = R"({"sampling":{}})";

/// Protocol item 75: the client's revision knows such requests, the server's does not.
TEST_F(SessionBridged, AServerThatSendsARequestIsCutOffAndOnRecord) {
  pushed = R"({"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}})";
  begin_with();
  open_session();
  const Answer answer = call("read");
  EXPECT_EQ(answer.body.find("sampling"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("done"), std::string::npos) << answer.body;
  EXPECT_NE(records().find("the server sent a request"), std::string::npos) << records();
}

TEST_F(SessionBridged, OpensWithWhatTheServerSaysOfItself) {
  begin_with();
  const Answer answer = post(R"({"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-03-26","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})");
  EXPECT_EQ(answer.body,
            R"({"jsonrpc":"2.0","id":"i","result":{"protocolVersion":"2025-03-26","capabilities":{"tools":{"listChanged":true},"resources":{"listChanged":true,"subscribe":true},"logging":{}},"serverInfo":{"name":"new","version":"9"},"instructions":"Be kind."}})");
  EXPECT_NE(answer.headers.find("Mcp-Session-Id: "), std::string::npos);
}

/// Protocol items 20, 68, 88.
TEST_F(SessionBridged, CallsCarryWhatTheSessionKnowsOfItsClient) {
  begin_with();
  open_session();
  EXPECT_NE(post(R"({"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"read","arguments":{"n": 1.10},"later":true}})").body.find("done"), std::string::npos);
  ASSERT_EQ(bodies.size(), 1U);
  EXPECT_EQ(bodies.front(),
            R"({"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"}},"name":"read","arguments":{"n": 1.10},"later":true}})");
  EXPECT_NE(upstream.last_headers.find("Mcp-Method: tools/call"), std::string::npos) << upstream.last_headers;
  EXPECT_NE(upstream.last_headers.find("Mcp-Name: read"), std::string::npos);
  EXPECT_EQ(upstream.last_headers.find("Mcp-Session-Id"), std::string::npos);
}

TEST_F(SessionBridged, AnswersItselfWhatOnlySessionsHave) {
  begin_with();
  open_session();
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":1,"method":"ping"})").body, R"({"jsonrpc":"2.0","id":1,"result":{}})");
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":2,"method":"logging/setLevel","params":{"level":"warning"}})").body, R"({"jsonrpc":"2.0","id":2,"result":{}})");
  EXPECT_EQ(std::ranges::find(methods, "ping"), methods.end());
  EXPECT_EQ(std::ranges::find(methods, "logging/setLevel"), methods.end());
  call("read");
  EXPECT_NE(bodies.back().find(R"("io.modelcontextprotocol/logLevel":"warning")"), std::string::npos);
}

TEST_F(SessionBridged, RulesHoldAsBeforeAnyServer) {
  begin_with("callgate: 1\ndefault: allow\ntools:\n  read: {action: deny, reason: closed}\n");
  open_session();
  EXPECT_NE(call("read").body.find("closed"), std::string::npos);
  EXPECT_TRUE(bodies.empty());
}

TEST_F(SessionBridged, ErrorsHaveTheirOldCodes) {
  begin_with();
  open_session();
  const Answer answer = post(R"({"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"demo://none"}})");
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find("-32002"), std::string::npos) << answer.body;
}

TEST_F(SessionBridged, AQuestionOfTheServerGoesToTheClientAndItsAnswerBack) {
  begin_with();
  open_session(answers_forms);
  const std::string id = call_until_asked();
  ASSERT_FALSE(id.empty()) << stream.body;
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"action":"accept","content":{"name":"Ann"}}})").status, 202);
  turn_until([&] { return done; });
  EXPECT_NE(stream.body.find(R"("method":"elicitation/create","params":{"mode":"form")"), std::string::npos) << stream.body;
  EXPECT_NE(stream.body.find(R"("id":1)"), std::string::npos);
  EXPECT_NE(stream.body.find("done"), std::string::npos);
  ASSERT_EQ(bodies.size(), 2U);
  EXPECT_NE(bodies[1].find(R"("inputResponses":{"who":{"action":"accept","content":{"name":"Ann"}}},"requestState":"s-1")"), std::string::npos) << bodies[1];
  EXPECT_EQ(bodies[1].find(R"("id":1,)"), std::string::npos) << "a round has an id of its own";
  EXPECT_NE(records().find(R"("method":"elicitation/create")"), std::string::npos);
}

TEST_F(SessionBridged, ARoundIsDecidedByTheRulesOfItsOwnTime) {
  begin_with();
  open_session(answers_forms);
  const std::string id = call_until_asked();
  ASSERT_FALSE(id.empty()) << stream.body;
  write_policy("callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  ask: {action: deny, reason: closed meanwhile}\n");
  ASSERT_TRUE(policies.refresh());
  post(R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"action":"accept","content":{}}})");
  turn_until([&] { return done; });
  EXPECT_EQ(bodies.size(), 1U) << "the second round did not leave";
  EXPECT_NE(stream.body.find("not allowed any more"), std::string::npos) << stream.body;
}

TEST_F(SessionBridged, ARoundWaitsForAListThatIsBeingReadAnew) {
  begin_with();
  open_session(answers_forms);
  const std::string id = call_until_asked();
  ASSERT_FALSE(id.empty()) << stream.body;
  list_may_come.emplace(loop);
  const auto lists = [&] { return std::ranges::count(methods, "tools/list"); };
  const auto before = lists();
  gates->all().front()->tools().want_again(mcp::Era::legacy);
  post(R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"action":"accept","content":{"name":"Ann"}}})");
  turn_until([&] { return lists() > before; });
  EXPECT_EQ(bodies.size(), 1U) << "not before the list is known";
  list_may_come->raise();
  turn_until([&] { return done; });
  EXPECT_EQ(bodies.size(), 2U) << stream.body;
  EXPECT_NE(stream.body.find(R"("text":"done")"), std::string::npos) << stream.body;
}

TEST_F(SessionBridged, AQuestionThatThePolicyDoesNotAllowIsDeclined) {
  begin_with("callgate: 1\ndefault: allow\n");
  open_session(answers_forms);
  const Answer answer = call("ask");
  EXPECT_NE(answer.body.find("done"), std::string::npos) << answer.body;
  ASSERT_EQ(bodies.size(), 2U);
  EXPECT_NE(bodies[1].find(R"("inputResponses":{"who":{"action":"decline"}})"), std::string::npos) << bodies[1];
}

/// Whoever reads that a call failed is told by whose no (protocol item 67).
TEST_F(SessionBridged, WhatThePolicyRefusedIsNotSaidToBeTheClientsRefusal) {
  begin_with("callgate: 1\ndefault: allow\n");
  open_session(answers_samples);
  asks = "sampling/createMessage";
  const Answer answer = call("ask");
  EXPECT_NE(answer.body.find("which the policy does not allow"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("the client refused"), std::string::npos) << answer.body;
}

TEST_F(SessionBridged, WhatTheClientRefusedIsSaidToBeItsOwn) {
  begin_with();
  open_session(answers_samples);
  asks = "sampling/createMessage";
  const std::string id = call_until_asked();
  ASSERT_FALSE(id.empty()) << stream.body;
  post(R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":-1,"message":"no"}})");
  turn_until([&] { return done; });
  EXPECT_NE(stream.body.find("the client refused `sampling/createMessage`"), std::string::npos) << stream.body;
}

/// A client of an older revision knows no other kinds of results, and its request named no extension that has more.
TEST_F(SessionBridged, AResultOfAKindThatNobodyAskedForIsAnError) {
  begin_with();
  open_session();
  for (const char* type : {"task", "something else"}) {
    result_type = type;
    const Answer answer = call("read");
    EXPECT_EQ(answer.body.find("done"), std::string::npos) << answer.body;
    EXPECT_NE(answer.body.find("resultType"), std::string::npos) << answer.body;
  }
}

TEST_F(SessionBridged, AServerIsListenedToHoweverItSpacesItsJson) {
  capabilities = R"({"tools" : { "listChanged" : true }})";
  begin_with();
  open_session();
  post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
  turn_until([&] { return !filter.empty(); });
  EXPECT_NE(filter.find(R"("toolsListChanged":true)"), std::string::npos) << filter;
}

/// Protocol items 68, 84: a form, where the client has none, and a page, where it has forms alone.
TEST_F(SessionBridged, AQuestionThatTheClientDidNotSayItAnswersIsDeclined) {
  begin_with();
  open_session();
  EXPECT_NE(call("ask").body.find("done"), std::string::npos);
  question = R"({"method":"elicitation/create","params":{"mode":"url","message":"Sign in","url":"https://a.example/"}})";
  open_session(answers_forms);
  EXPECT_NE(call("ask").body.find("done"), std::string::npos);
  ASSERT_EQ(bodies.size(), 4U);
  for (const std::size_t further : {1U, 3U}) EXPECT_NE(bodies[further].find(R"("inputResponses":{"who":{"action":"decline"}})"), std::string::npos) << bodies[further];
  question = R"({"method":"roots/list"})";
  const Answer answer = call("ask");
  EXPECT_NE(answer.body.find("did not say that it answers"), std::string::npos) << answer.body;
  EXPECT_EQ(bodies.size(), 5U) << "no further round";
}

TEST_F(SessionBridged, QuestionsOfCallsThatWereCancelledTakeNoRoom) {
  begin_with();
  open_session(answers_forms);
  for (int round = 0; round < 101; ++round) {
    stream = {};
    done = false;
    ASSERT_FALSE(call_until_asked().empty()) << "question " << round << ": " << stream.body;
    post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})");
    turn_until([&] { return done; });
  }
}

/// Protocol item 69.
TEST_F(SessionBridged, NewsOfTheServerComeOnTheSessionsStream) {
  begin_with();
  open_session();
  announced = R"({"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"demo://a","_meta":{"io.modelcontextprotocol/subscriptionId":"x"}}})";
  std::string headers = "Accept: text/event-stream\r\nMcp-Session-Id: " + session_id + "\r\n";
  group.spawn(talk("GET", headers, "", stream, done));
  turn_until([&] { return stream.status != 0; });
  EXPECT_NE(post(R"({"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"demo://a"}})").body.find("result"), std::string::npos);
  turn_until([&] { return filter.find(R"("resourceSubscriptions":["demo://a"])") != std::string::npos; });
  EXPECT_NE(filter.find(R"("toolsListChanged":true)"), std::string::npos) << filter;
  turn_until([&] { return stream.body.find("demo://a") != std::string::npos; });
  EXPECT_NE(stream.body.find("demo://a"), std::string::npos) << stream.body;
}

}  // namespace
}  // namespace callgate::gateway::session_bridge_test
