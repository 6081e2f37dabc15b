#include <algorithm>
#include <string>

#include "gateway/world.hpp"

namespace callgate::gateway::modern_test {
namespace {

/// What 2026-07-28 asks of whoever stands between client and server
/// (protocol items 31, 41, 48, 75, 84, 94).
class Modern : public World {
 protected:
  Answer call_tool(const std::string& name, const std::string& more = {}, const std::string& id = "7") {
    return post(modern_text("tools/call", R"("name":")" + name + R"(","arguments":{})" + more, id), modern_headers("tools/call", name));
  }
  /// The server answers calls with these events; `ID` stands for the id of the call.
  void answer_with(std::vector<std::string> events) {
    upstream.raw_answer = [events](net::HttpExchange& exchange, std::string id) { return say(exchange, id, events); };
  }
  static constexpr const char* done = R"({"jsonrpc":"2.0","id":ID,"result":{"resultType":"complete","content":[{"type":"text","text":"done"}]}})";

 private:
  static net::Task<void> say(net::HttpExchange& exchange, std::string id, std::vector<std::string> events) {
    co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
    for (std::string each : events) {
      if (const std::size_t at = each.find("ID"); at != std::string::npos) each.replace(at, 2, id);
      co_await exchange.write("data: " + each + "\n\n");
    }
    co_await exchange.finish();
  }
};

TEST_F(Modern, AServersRefusalOfTheGatewayIsNotTheClients) {
  start("callgate: 1\ndefault: allow\n");
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    co_await exchange.respond(401, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":-32001,"message":"who are you"}})");
  };
  EXPECT_EQ(call_tool("read").status, 200);
}

TEST_F(Modern, AServerThatSendsARequestIsCutOffAndOnRecord) {
  start("callgate: 1\ndefault: allow\nsampling: allow\n");
  answer_with({R"({"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{"messages":[],"maxTokens":1}})", done});
  const Answer answer = call_tool("read");
  EXPECT_EQ(answer.body.find("sampling"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("done"), std::string::npos);
  EXPECT_NE(records().find("the server sent a request"), std::string::npos) << records();
}

TEST_F(Modern, AStreamCarriesWhatIsAboutItsOwnCall) {
  start("callgate: 1\ndefault: allow\n");
  answer_with({R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"working"}})",
               R"({"jsonrpc":"2.0","method":"notifications/prompts/list_changed"})", done});
  const Answer answer = call_tool("read");
  EXPECT_NE(answer.body.find("working"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("list_changed"), std::string::npos);
  EXPECT_NE(answer.body.find("done"), std::string::npos);
}

/// A server that floods must not hide what else the log says.
TEST_F(Modern, MessagesThatAreDroppedAreToldAtABoundedRate) {
  start("callgate: 1\ndefault: allow\n");
  std::vector<std::string> flood(500, R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"of-others","progress":1}})");
  flood.push_back(done);
  answer_with(std::move(flood));
  EXPECT_NE(call_tool("read").body.find("done"), std::string::npos);
  const auto told = std::ranges::count_if(log.lines(), [](const std::string& line) { return line.contains("upstream_message_dropped"); });
  EXPECT_GE(told, 10);
  EXPECT_LE(told, 100) << "ten a second";
}

/// Protocol items 66 and 75.
TEST_F(Modern, AStreamCarriesProgressOfItsOwnTokenAlone) {
  start("callgate: 1\ndefault: allow\n");
  const auto progress = [](const std::string& token) { return R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" + token + R"(,"progress":1}})"; };
  answer_with({progress(R"("of-others")"), done});
  const Answer without = call_tool("read");
  EXPECT_EQ(without.body.find("notifications/progress"), std::string::npos) << "the client gave no token: " << without.body;
  EXPECT_NE(without.body.find("done"), std::string::npos);
  EXPECT_TRUE(log.has("upstream_message_dropped"));

  answer_with({progress(R"("of-others")"), progress("7"), progress(R"("7")"), done});
  const Answer with = post(R"({"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"read","arguments":{},"_meta":{"progressToken":7,"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}})",
                           modern_headers("tools/call", "read"));
  EXPECT_NE(with.body.find(progress("7")), std::string::npos) << with.body;
  EXPECT_EQ(with.body.find("of-others"), std::string::npos) << with.body;
  EXPECT_EQ(with.body.find(progress(R"("7")")), std::string::npos) << "a text is no number: " << with.body;
}

TEST_F(Modern, WhatAServerMayNotAskIsToldToTheModel) {
  start("callgate: 1\ndefault: allow\n");
  answer_with({R"({"jsonrpc":"2.0","id":ID,"result":{"resultType":"input_required","inputRequests":{"k":{"method":"sampling/createMessage","params":{}}},"requestState":"s"}})"});
  const Answer answer = call_tool("read");
  EXPECT_NE(answer.body.find(R"("result":{"resultType":"complete","isError":true)"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("sampling/createMessage"), std::string::npos);
}

TEST_F(Modern, AListThatDependsOnItsReaderIsPrivateEvenWhereNothingIsHidden) {
  start("callgate: 1\ndefault: allow\ntools:\n  other: {action: hide}\n");
  upstream.on_request = [](net::HttpExchange& exchange, std::string method, std::string id, std::string /*body*/) -> net::Task<bool> {
    if (method != "prompts/list") co_return false;
    co_await exchange.respond(200, "Content-Type: application/json\r\n",
                              R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"resultType":"complete","ttlMs":60000,"cacheScope":"public","prompts":[{"name":"p"}]}})");
    co_return true;
  };
  const Answer answer = post(modern_text("prompts/list", "", "3"), modern_headers("prompts/list"));
  EXPECT_NE(answer.body.find(R"("ttlMs":1000,"cacheScope":"private")"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find(R"({"name":"p"})"), std::string::npos);
}

TEST_F(Modern, TheRoundsOfOneCallAreCountedOnce) {
  start("callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  read: {action: allow, rate_limit: {max: 1, window: 1h, per: server}}\n");
  answer_with({R"({"jsonrpc":"2.0","id":ID,"result":{"resultType":"input_required","inputRequests":{"k":{"method":"elicitation/create","params":{}}},"requestState":"s-1"}})"});
  EXPECT_NE(call_tool("read").body.find("input_required"), std::string::npos);
  answer_with({done});
  const std::string round = R"(,"inputResponses":{"k":{"action":"accept"}},"requestState":"s-1")";
  EXPECT_NE(post(modern_text("tools/call", R"("name":"read","arguments":{"n":1})" + round, "8"), modern_headers("tools/call", "read")).body.find("rate_limited"), std::string::npos)
      << "another call's state is no round of this one";
  EXPECT_NE(call_tool("read", round, "9").body.find("done"), std::string::npos);
  EXPECT_NE(call_tool("read", round, "10").body.find("rate_limited"), std::string::npos) << "each state is good for one round";
}

/// Protocol item 31: neither in number nor in time is a call without end.
class ModernRounds : public Modern {
 protected:
  void begin_with_one_call() {
    start("callgate: 1\ndefault: allow\nelicitation: allow\ntools:\n  read: {action: allow, rate_limit: {max: 1, window: 30d, per: server}}\n");
    upstream.raw_answer = [this](net::HttpExchange& exchange, std::string id) { return ask_again(exchange, id); };
    EXPECT_NE(call_tool("read").body.find("input_required"), std::string::npos);
  }
  /// The next round, with the state that the server gave last.
  bool goes_on() {
    const std::string round = R"(,"inputResponses":{},"requestState":"s-)" + std::to_string(upstream.calls.size()) + '"';
    return call_tool("read", round, std::to_string(10 + upstream.calls.size())).body.find("rate_limited") == std::string::npos;
  }

 private:
  net::Task<void> ask_again(net::HttpExchange& exchange, std::string id) {
    co_await exchange.respond(200, "Content-Type: application/json\r\n",
                              R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"resultType":"input_required","inputRequests":{},"requestState":"s-)" + std::to_string(upstream.calls.size()) + R"("}})");
  }
};

TEST_F(ModernRounds, BeyondSixteenAreCountedAnew) {
  begin_with_one_call();
  for (int round = 2; round <= 16; ++round) EXPECT_TRUE(goes_on()) << round;
  EXPECT_FALSE(goes_on());
  EXPECT_EQ(upstream.calls.size(), 16U);
}

TEST_F(ModernRounds, LaterThanAnHourAfterTheFirstAreCountedAnew) {
  begin_with_one_call();
  clock.advance(std::chrono::minutes(50));
  EXPECT_TRUE(goes_on());
  clock.advance(std::chrono::minutes(11));
  EXPECT_FALSE(goes_on());
  EXPECT_EQ(upstream.calls.size(), 2U);
}

/// Protocol item 76: nobody on the way is to hold events back.
TEST_F(Modern, AStreamSaysThatItIsNotToBeBuffered) {
  start("callgate: 1\ndefault: allow\n");
  answer_with({R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"working"}})", done});
  const Answer answer = call_tool("read");
  EXPECT_NE(answer.headers.find("X-Accel-Buffering: no"), std::string::npos) << answer.headers;
  EXPECT_NE(answer.headers.find("Cache-Control: no-"), std::string::npos) << answer.headers;
}

/// Protocol item 6.
TEST_F(Modern, AResponseOfAStatelessClientIsRefused) {
  start("callgate: 1\ndefault: allow\n");
  for (const std::string& more : {std::string(), std::string("MCP-Protocol-Version: 2026-07-28\r\n")}) {
    EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":"q","result":{}})", more).status, 400) << more;
  }
  EXPECT_TRUE(upstream.responses.empty());
}

/// Protocol items 11, 16.
class ModernDiscovery : public World {
 protected:
  void begin_with(const std::string& policy, const std::string& said) {
    said_ = said;
    upstream.on_request = [this](net::HttpExchange& exchange, std::string method, std::string id, std::string /*body*/) { return say(exchange, method, id); };
    start(policy);
  }
  void say_instead(const std::string& said) { said_ = said; }
  std::string discover() { return post(modern_text("server/discover", "", "1"), modern_headers("server/discover")).body; }

 private:
  net::Task<bool> say(net::HttpExchange& exchange, std::string method, std::string id) {
    if (method != "server/discover") co_return false;
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + said_ + "}");
    co_return true;
  }
  std::string said_;
};

constexpr const char* says_much = R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{},"prompts":{},"extensions":{"x/y":{}}},"instructions":"Call secret first.","ttlMs":60000,"cacheScope":"public"})";

TEST_F(ModernDiscovery, PassesByteForByteWhereNothingIsHidden) {
  const std::string said = R"({"resultType":"complete", "supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"instructions":"Call secret first.","ttlMs":60000,"cacheScope":"public"})";
  begin_with("callgate: 1\ndefault: allow\n", said);
  EXPECT_EQ(discover(), R"({"jsonrpc":"2.0","id":1,"result":)" + said + "}");
}

TEST_F(ModernDiscovery, DoesNotSpeakOfHiddenTools) {
  begin_with("callgate: 1\ndefault: allow\ntools:\n  secret: {action: hide}\n", says_much);
  EXPECT_EQ(discover(), R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{},"prompts":{},"extensions":{}},"ttlMs":1000,"cacheScope":"private"}})");
}

TEST_F(ModernDiscovery, KeepsWhatIsSaidOfOtherTools) {
  begin_with("callgate: 1\ndefault: allow\ntools:\n  write: {action: hide}\n", says_much);
  EXPECT_NE(discover().find("Call secret first."), std::string::npos);
}

/// Protocol item 84: a question beside it opens no way around the filter, and is decided like any other.
TEST_F(ModernDiscovery, IsFilteredAlsoWhereTheServerAsksForSomething) {
  const std::string asks = std::string(says_much).substr(0, std::string(says_much).size() - 1) + R"(,"inputRequests":{)";
  const std::string question = R"("k":{"method":"sampling/createMessage","params":{}})";
  begin_with("callgate: 1\ndefault: allow\ntools:\n  secret: {action: hide}\n", asks + "}}");
  EXPECT_EQ(discover().find("Call secret first."), std::string::npos) << discover();
  say_instead(asks + question + "}}");
  EXPECT_NE(discover().find("which the policy does not allow"), std::string::npos) << discover();
  write_policy("callgate: 1\ndefault: allow\nsampling: allow\ntools:\n  secret: {action: hide}\n");
  ASSERT_TRUE(policies.refresh());
  const std::string shown = discover();
  EXPECT_NE(shown.find(question), std::string::npos) << shown;
  EXPECT_EQ(shown.find("Call secret first."), std::string::npos) << shown;
}

TEST_F(ModernDiscovery, HasNoToolsWhereAllAreHidden) {
  begin_with("callgate: 1\ndefault: deny\ntools:\n  \"*\": {action: hide}\n", says_much);
  EXPECT_NE(discover().find(R"("capabilities":{"prompts":{},)"), std::string::npos) << discover();
}

}  // namespace
}  // namespace callgate::gateway::modern_test
