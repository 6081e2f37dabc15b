// Clients of 2026-07-28 before two servers at one address.
#include "aggregate/world.hpp"

namespace callgate::aggregate::stateless_test {
namespace {

constexpr const char* allow_all = "callgate: 1\ndefault: allow\n";

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

class Stateless : public TwoServers {
 protected:
  Answer ask(const std::string& method, const std::string& members = {}, const std::string& name = {}) {
    return post(modern_text(method, members, "\"a\""), modern_headers(method, name));
  }
  static FakeServer& with(FakeServer& of, const std::string& method, const std::string& result) {
    of.on_request = [method, result, before = of.on_request](net::HttpExchange& exchange, std::string asked, std::string id, std::string body) -> net::Task<bool> {
      if (asked != method) co_return before && co_await before(exchange, asked, id, body);
      co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + result + "}");
      co_return true;
    };
    return of;
  }
};

/// Protocol item 91.
TEST_F(Stateless, AreToldOfBothServersAtOnce) {
  with(second, "server/discover", R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{},"prompts":{}},"instructions":"be kind"})");
  start_both();
  const Answer answer = ask("server/discover");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(has(answer.body, R"("supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"prompts":{"listChanged":true}},"instructions":"two:\n> be kind","ttlMs":0,"cacheScope":"private")")) << answer.body;
  EXPECT_TRUE(has(answer.body, R"("io.modelcontextprotocol/serverInfo":{"name":"callgate")"));
}

/// Protocol item 48.
TEST_F(Stateless, ListAndCallUnderTheServersNames) {
  start_both();
  const Answer listed = ask("tools/list");
  EXPECT_EQ(listed.status, 200);
  EXPECT_TRUE(has(listed.body, R"("result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[{"name":"one__read")")) << listed.body;
  EXPECT_TRUE(has(listed.body, R"("name":"two__read")"));
  const Answer called = ask("tools/call", R"("name":"two__read","arguments":{})", "two__read");
  EXPECT_TRUE(has(called.body, "done")) << called.body;
  ASSERT_EQ(second.calls.size(), 1U);
  EXPECT_TRUE(has(second.calls.front(), R"("name":"read")"));
  EXPECT_EQ(many->router().session_count(), 0U);
}

/// Protocol item 88.
TEST_F(Stateless, MirrorTheNameThatEachSideKnows) {
  start_both();
  EXPECT_EQ(ask("tools/call", R"("name":"two__read","arguments":{})", "read").status, 400) << "not what the body says";
  EXPECT_TRUE(second.calls.empty());
  EXPECT_EQ(ask("tools/call", R"("name":"two__read","arguments":{})", "two__read").status, 200);
  ASSERT_EQ(second.call_headers.size(), 1U);
  EXPECT_TRUE(has(second.call_headers.front(), "Mcp-Name: read\n")) << second.call_headers.front();
}

/// Protocol item 88.
TEST_F(Stateless, MirrorArgumentsAsTheServersToolWants) {
  second.tools = R"({"name":"read","inputSchema":{"type":"object","properties":{"who":{"type":"string","x-mcp-header":"Who"}}}})";
  start_both();
  ask("tools/list");
  const std::string call = modern_text("tools/call", R"("name":"two__read","arguments":{"who":"ann"})", "1");
  EXPECT_EQ(post(call, modern_headers("tools/call", "two__read") + "Mcp-Param-Who: bob\r\n").status, 400);
  EXPECT_EQ(post(call, modern_headers("tools/call", "two__read") + "Mcp-Param-Who: ann\r\n").status, 200);
  ASSERT_EQ(second.call_headers.size(), 1U);
  EXPECT_TRUE(has(second.call_headers.front(), "Mcp-Param-Who: ann\n"));
}

TEST_F(Stateless, AreJudgedByTheServersOwnGate) {
  start_both(allow_all, "callgate: 1\ndefault: allow\ntools:\n  write: {action: deny, reason: read only}\n  secret: {action: hide}\n");
  EXPECT_TRUE(has(ask("tools/call", R"("name":"two__write","arguments":{})", "two__write").body, "read only"));
  std::string hidden = ask("tools/call", R"("name":"two__secret","arguments":{})", "two__secret").body;
  hidden.replace(hidden.find("secret"), 6, "nobody");
  EXPECT_EQ(hidden, ask("tools/call", R"("name":"two__nobody","arguments":{})", "two__nobody").body);
  EXPECT_FALSE(has(ask("tools/list").body, "two__secret"));
  EXPECT_TRUE(second.calls.empty());
}

TEST_F(Stateless, MayUseServersWithSessionsToo) {
  second.modern = false;
  start_both();
  EXPECT_TRUE(has(ask("tools/list").body, "two__read"));
  EXPECT_TRUE(has(ask("tools/call", R"("name":"two__read","arguments":{})", "two__read").body, "done"));
}

/// Protocol item 90.
TEST_F(Stateless, AreToldWhoIsMissing) {
  second_url = "http://127.0.0.1:1/mcp";
  start_both();
  EXPECT_TRUE(has(ask("server/discover").body, R"("dev.callgate/missing":{"two":)"));
  const Answer listed = ask("tools/list");
  EXPECT_TRUE(has(listed.body, "one__read"));
  EXPECT_TRUE(has(listed.body, R"("dev.callgate/missing":{"two":)")) << listed.body;
}

/// Protocol item 90: what one client asks in words that a server is slow for, is nobody else's.
TEST_F(Stateless, DoNotMissAServerThatIsSlowForOneOfThem) {
  const auto list_within = [&](std::chrono::seconds wait, const std::string& members) {
    config.aggregate_wait = wait;
    return ask("tools/list", members).body;
  };
  constexpr std::chrono::seconds soon(1);
  constexpr std::chrono::seconds in_any_case(20);
  int slow = 0;
  second.on_request = [&](net::HttpExchange& exchange, std::string method, std::string, std::string body) -> net::Task<bool> {
    if (method != "tools/list" || !has(body, "all-of-it")) co_return false;
    ++slow;
    co_await exchange.gone(net::Loop::forever);
    co_return true;
  };
  start_both();
  EXPECT_TRUE(has(list_within(in_any_case, {}), "two__read"));
  for (int times = 1; times < 3; ++times) {
    EXPECT_TRUE(has(list_within(soon, R"("all-of-it":true)"), "did not answer in time"));
    EXPECT_EQ(slow, times) << "who asks in these words waits for the answer";
    EXPECT_TRUE(has(list_within(in_any_case, {}), "two__read")) << "the others have it";
  }
  EXPECT_FALSE(log.has("aggregate_server_silent"));
}

/// Protocol item 90.
TEST_F(Stateless, DoNotWaitForAServerThatIsSilentForTheGateToo) {
  config.aggregate_wait = short_wait;
  bool silent = true;
  int asked = 0;
  second.on_request = [&](net::HttpExchange& exchange, std::string method, std::string, std::string body) -> net::Task<bool> {
    if (method != "prompts/list") co_return false;
    if (!has(body, "callgate-")) ++asked;
    if (!silent) co_return false;
    co_await exchange.gone(net::Loop::forever);
    co_return true;
  };
  with(upstream, "prompts/list", R"({"prompts":[{"name":"of_one"}]})");
  start_both();
  EXPECT_TRUE(has(ask("prompts/list").body, "did not answer in time"));
  EXPECT_EQ(asked, 1);
  turn_until([&] { return log.has("aggregate_server_silent"); });
  EXPECT_TRUE(has(ask("prompts/list").body, R"("two":"it did not answer in time")"));
  EXPECT_EQ(asked, 1) << "it was not asked, so nobody waited";
  silent = false;
  turn_until([&] { return log.has("aggregate_server_back"); });
  config.aggregate_wait = std::chrono::seconds(20);
  const Answer back = ask("prompts/list");
  EXPECT_FALSE(has(back.body, "did not answer in time")) << back.body;
  EXPECT_EQ(asked, 2);
}

TEST_F(Stateless, GoOnWithTheServersOwnState) {
  second.call_result = R"({"resultType":"input_required","requestState":"theirs"})";
  start_both();
  EXPECT_TRUE(has(ask("tools/call", R"("name":"two__read","arguments":{})", "two__read").body, R"("requestState":"theirs")"));
  ask("tools/call", R"("name":"two__read","arguments":{},"requestState":"theirs","inputResponses":{})", "two__read");
  ASSERT_EQ(second.calls.size(), 2U);
  EXPECT_TRUE(has(second.calls.back(), R"("requestState":"theirs")"));
}

TEST_F(Stateless, HaveNoSessionAndNoOtherMethods) {
  start_both();
  EXPECT_EQ(ask("ping").status, 404);
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":1,"result":{}})", "MCP-Protocol-Version: 2026-07-28\r\n").status, 400);
  Answer out;
  bool done = false;
  group.spawn(talk("GET", "MCP-Protocol-Version: 2026-07-28\r\n", {}, out, done));
  turn_until([&] { return done; });
  EXPECT_EQ(out.status, 405);
}

/// subscriptions/listen with two servers.
class Subscribed : public Stateless {
 protected:
  static constexpr const char* key = "io.modelcontextprotocol/subscriptionId";
  void SetUp() override {
    with(upstream, "resources/list", R"({"resources":[{"uri":"demo://both","name":"b"}]})");
    with(second, "resources/list", R"({"resources":[{"uri":"demo://both","name":"b"},{"uri":"demo://second","name":"s"}]})");
    serve(upstream, filters_of_one, end_one);
    serve(second, filters_of_two, end_two);
  }
  void serve(FakeServer& of, std::vector<std::string>& filters, bool& end) {
    of.on_request = [this, &filters, &end, before = of.on_request](net::HttpExchange& exchange, std::string method, std::string id, std::string body) -> net::Task<bool> {
      if (method != "subscriptions/listen") co_return co_await before(exchange, method, id, body);
      const std::size_t at = body.find("\"notifications\":") + 16;
      const std::string filter = body.substr(at, body.find('}', at) + 1 - at);
      filters.push_back(filter);
      co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
      co_await exchange.write("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"notifications\":" + filter + ",\"_meta\":{\"" + key + "\":" + id + "}}}\n\n");
      co_await exchange.write("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"demo://both\",\"_meta\":{\"" + std::string(key) + "\":" + id + "}}}\n\n");
      while (!end && !exchange.is_gone()) co_await loop.sleep(std::chrono::milliseconds(5));
      if (exchange.is_gone()) ++left;
      co_await exchange.write("data: {\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":{\"resultType\":\"complete\"}}\n\n");
      co_await exchange.finish();
      co_return true;
    };
  }
  void listen(const std::string& filter) {
    begin(modern_text("subscriptions/listen", R"("notifications":)" + filter, "\"sub\""), answer, done, modern_headers("subscriptions/listen"));
  }

  std::vector<std::string> filters_of_one, filters_of_two;
  bool end_one = false, end_two = false;
  int left = 0;
  Answer answer;
  bool done = false;
};

/// Protocol item 90.
TEST_F(Subscribed, ToBothAtOnceUnderTheClientsUris) {
  start_both();
  listen(R"({"toolsListChanged":true,"resourceSubscriptions":["demo://both","callgate://two/demo://both","demo://nobody"]})");
  turn_until([&] { return has(answer.body, "callgate://two/demo://both\",\"_meta"); });
  ASSERT_EQ(filters_of_one.size() + filters_of_two.size(), 2U) << answer.body;
  EXPECT_EQ(filters_of_one.front(), R"({"toolsListChanged":true,"resourceSubscriptions":["demo://both"]})");
  EXPECT_EQ(filters_of_two.front(), R"({"toolsListChanged":true,"resourceSubscriptions":["demo://both"]})");
  EXPECT_TRUE(has(answer.body, R"("notifications":{"toolsListChanged":true,"resourceSubscriptions":[)")) << answer.body;
  EXPECT_LT(answer.body.find("acknowledged"), answer.body.find("updated")) << "the acknowledgement comes first";
  EXPECT_EQ(answer.body.find("acknowledged"), answer.body.rfind("acknowledged")) << "and once";
  EXPECT_FALSE(has(answer.body, "demo://nobody"));
  many->router().servers_changed();
  turn_until([&] { return has(answer.body, "tools/list_changed"); });
  end_one = true;
  turn_until([&] { return gates->find("one")->busy() == 0; });
  EXPECT_FALSE(done) << "the other goes on";
  end_two = true;
  turn_until([&] { return done; });
  EXPECT_TRUE(has(answer.body, R"({"jsonrpc":"2.0","id":"sub","result":{"resultType":"complete"}})")) << answer.body;
}

TEST_F(Subscribed, EndsAtBothWhenTheClientLeaves) {
  start_both();
  listen(R"({"toolsListChanged":true})");
  turn_until([&] { return has(answer.body, "acknowledged"); });
  group.cancel();
  turn_until([&] { return left == 2; });
  EXPECT_EQ(left, 2);
}

TEST_F(Subscribed, EndsWhenTheGatewayStops) {
  start_both();
  listen(R"({"toolsListChanged":true})");
  turn_until([&] { return has(answer.body, "acknowledged"); });
  for (const auto& gate : gates->all()) gate->stop();
  many->router().stop();
  turn_until([&] { return done; });
  EXPECT_TRUE(has(answer.body, R"("id":"sub","result")"));
}

TEST_F(Subscribed, IsAcknowledgedWithoutOneThatIsSilent) {
  start_both();
  config.aggregate_wait = short_wait;
  second.on_request = [](net::HttpExchange& exchange, std::string method, std::string, std::string) -> net::Task<bool> {
    if (method != "subscriptions/listen") co_return false;
    co_await exchange.gone(net::Loop::forever);
    co_return true;
  };
  listen(R"({"toolsListChanged":true})");
  turn_until([&] { return has(answer.body, "acknowledged"); });
  EXPECT_TRUE(has(answer.body, R"("toolsListChanged":true)"));
}

TEST_F(Subscribed, IsAcknowledgedOnceByEach) {
  start_both();
  bool said = false;
  upstream.on_request = [&](net::HttpExchange& exchange, std::string method, std::string id, std::string) -> net::Task<bool> {
    if (method != "subscriptions/listen") co_return false;
    co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
    for (int i = 0; i < 3; ++i)
      co_await exchange.write(R"(data: {"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"promptsListChanged":true,"resourceSubscriptions":["more://)" + std::to_string(i) + R"("]},"_meta":{")" + key + "\":" + id + "}}}\n\n");
    said = true;
    co_await exchange.gone(net::Loop::forever);
    co_return true;
  };
  second.on_request = [&](net::HttpExchange& exchange, std::string method, std::string id, std::string) -> net::Task<bool> {
    if (method != "subscriptions/listen") co_return false;
    while (!said) co_await loop.sleep(std::chrono::milliseconds(5));
    co_await loop.sleep(std::chrono::milliseconds(50));
    co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
    co_await exchange.write(R"(data: {"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true},"_meta":{")" + std::string(key) + "\":" + id + "}}}\n\n");
    co_await exchange.gone(net::Loop::forever);
    co_return true;
  };
  listen(R"({"toolsListChanged":true,"promptsListChanged":true})");
  turn_until([&] { return has(answer.body, "acknowledged"); });
  EXPECT_TRUE(has(answer.body, R"("toolsListChanged":true)")) << "the second's own: " << answer.body;
  EXPECT_FALSE(has(answer.body, "more://1")) << answer.body;
}

TEST_F(Subscribed, HoldsALittleForOneThatIsSilent) {
  config.aggregate_wait = std::chrono::seconds(60);
  start_both();
  upstream.on_request = [](net::HttpExchange& exchange, std::string method, std::string, std::string) -> net::Task<bool> {
    if (method != "subscriptions/listen") co_return false;
    co_await exchange.gone(net::Loop::forever);
    co_return true;
  };
  int written = 0;
  second.on_request = [&, before = second.on_request](net::HttpExchange& exchange, std::string method, std::string id, std::string body) -> net::Task<bool> {
    if (method != "subscriptions/listen") co_return co_await before(exchange, method, id, body);
    co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
    co_await exchange.write(R"(data: {"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"resourceSubscriptions":["demo://second"]},"_meta":{")" + std::string(key) + "\":" + id + "}}}\n\n");
    const std::string padding(std::size_t{512} << 10U, 'x');
    while (written < 40 && co_await exchange.write(R"(data: {"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"demo://second","_meta":{"x":")" + padding + R"(",")" + key + "\":" + id + "}}}\n\n")) ++written;
    if (exchange.is_gone()) ++left;
    co_await exchange.gone(net::Loop::forever);
    ++left;
    co_return true;
  };
  listen(R"({"resourceSubscriptions":["demo://second"]})");
  turn_until([&] { return left > 0; });
  EXPECT_GT(left, 0) << written;
}

TEST_F(Stateless, AreForgottenAnHourAfterTheLastRequest) {
  start_both();
  ask("tools/list");
  EXPECT_EQ(many->router().stateless_count(), 1U);
  many->router().reap_idle(loop.now() + std::chrono::minutes(59));
  EXPECT_EQ(many->router().stateless_count(), 1U);
  many->router().reap_idle(loop.now() + std::chrono::minutes(61));
  EXPECT_EQ(many->router().stateless_count(), 0U);
  EXPECT_TRUE(has(ask("tools/list").body, "two__read"));
}

}  // namespace
}  // namespace callgate::aggregate::stateless_test
