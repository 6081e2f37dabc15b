#include "gateway/world.hpp"

namespace callgate::gateway::sse_front_test {
namespace {

constexpr const char* allow_all = "callgate: 1\ndefault: allow\n";
constexpr const char* initialize =
    R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{"roots":{}},"clientInfo":{"name":"t","version":"1"}}})";

/// One stream of a client, read as it comes; hangs up when destroyed.
struct Pipe {
  World::Answer answer;
  bool done = false;
  net::TaskGroup reading;
  std::string address() const {
    const std::size_t at = answer.body.find("data: ");
    return at == std::string::npos ? std::string() : answer.body.substr(at + 6, answer.body.find('\n', at) - at - 6);
  }
};

/// Clients of 2024-11-05: a stream, and an address to post to (protocol item 21).
class SseFrontTest : public World {
 protected:
  std::unique_ptr<Pipe> get(const std::string& at = "/sse/fake") {
    auto pipe = std::make_unique<Pipe>();
    target = at;
    pipe->reading.spawn(talk("GET", "Accept: text/event-stream\r\n" + authorization, {}, pipe->answer, pipe->done));
    turn_until([&] { return pipe->done || !pipe->address().empty(); });
    return pipe;
  }
  Answer send(const std::string& at, const std::string& body) {
    target = at;
    return post(body);
  }
  std::unique_ptr<Pipe> open() {
    auto pipe = get();
    EXPECT_EQ(send(pipe->address(), initialize).status, 202);
    EXPECT_TRUE(hears(*pipe, R"("id":0)")) << pipe->answer.body;
    return pipe;
  }
  bool hears(const Pipe& pipe, const std::string& text) {
    turn_until([&] { return pipe.answer.body.find(text) != std::string::npos; });
    return pipe.answer.body.find(text) != std::string::npos;
  }
  Gate& gate() { return *gates->all().front(); }
};

TEST_F(SseFrontTest, FirstEventNamesTheAddressAndAnswersComeOnTheStream) {
  start(allow_all);
  const auto pipe = get("/sse");
  EXPECT_TRUE(pipe->answer.body.starts_with("event: endpoint\ndata: /sse/fake?sessionId=")) << pipe->answer.body;
  EXPECT_EQ(pipe->address().size(), std::string("/sse/fake?sessionId=").size() + 64);
  const Answer taken = send(pipe->address(), initialize);
  EXPECT_EQ(taken.status, 202);
  EXPECT_TRUE(taken.body.empty());
  EXPECT_TRUE(hears(*pipe, "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":0,\"result\"")) << pipe->answer.body;
  EXPECT_EQ(send(pipe->address(), call_text("read")).status, 202);
  EXPECT_TRUE(hears(*pipe, "done"));
  ASSERT_EQ(upstream.calls.size(), 1U);
  EXPECT_EQ(upstream.calls[0], call_text("read")) << "byte for byte";
}

TEST_F(SseFrontTest, ARequestBeforeTheSessionIsOpenedIsToldWhatItLacks) {
  start(allow_all);
  const auto pipe = get();
  EXPECT_EQ(send(pipe->address(), R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})").status, 202);
  EXPECT_TRUE(hears(*pipe, "send `initialize` first")) << pipe->answer.body;
}

TEST_F(SseFrontTest, DeniedCallNeverReachesTheServer) {
  start("callgate: 1\ndefault: allow\ntools:\n  write: {action: deny}\n");
  const auto pipe = open();
  EXPECT_EQ(send(pipe->address(), call_text("write")).status, 202);
  EXPECT_TRUE(hears(*pipe, "dev.callgate/decision"));
  EXPECT_TRUE(upstream.calls.empty());
}

/// Security requirement S4: no batches.
TEST_F(SseFrontTest, BadMessagesAreRefusedInTheAnswerToThePost) {
  start(allow_all);
  const auto pipe = open();
  struct Row {
    const char* body;
    const char* code;
  };
  for (const Row& row : {Row{"{", "-32700"}, Row{"[]", "-32600"}, Row{R"([{"jsonrpc":"2.0","method":"notifications/initialized"}])", "-32600"},
                         Row{R"({"jsonrpc":"2.0","id":1,"id":2,"method":"ping"})", "-32"}, Row{R"({"jsonrpc":"2.0","id":9,"result":{}})", "nobody waits"}}) {
    const Answer answer = send(pipe->address(), row.body);
    EXPECT_EQ(answer.status, 400) << row.body;
    EXPECT_NE(answer.body.find(row.code), std::string::npos) << answer.body;
  }
  EXPECT_EQ(send(pipe->address(), modern_text("tools/list", "", "7")).status, 400) << "another era's";
}

/// Security requirement S18: an id opens nothing to another grant or another transport.
TEST_F(SseFrontTest, ForeignAndUnknownIdsLookAlike) {
  config.auth = config::Auth::grants;
  start(allow_all);
  call_as("ann");
  const auto pipe = open();
  const std::string address = pipe->address();
  const std::string id = address.substr(address.find('=') + 1);
  session_id = id;
  EXPECT_EQ(send("/mcp", call_text("read")).status, 404) << "Streamable HTTP does not know it";
  session_id.clear();
  EXPECT_EQ(send("/sse/fake", call_text("read")).status, 400);
  EXPECT_EQ(send(address + "&sessionId=x", call_text("read")).status, 400) << "two ids mean two things";
  call_as("bob");
  const Answer foreign = send(address, call_text("read"));
  const Answer unknown = send("/sse/fake?sessionId=" + std::string(64, 'a'), call_text("read"));
  EXPECT_EQ(foreign.status, 404);
  EXPECT_EQ(foreign.body, unknown.body);
  EXPECT_EQ(foreign.headers, unknown.headers);
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_FALSE(log.has(id));
  EXPECT_EQ(records().find(id), std::string::npos);
}

TEST_F(SseFrontTest, WithoutATokenThereIsNoStream) {
  config.auth = config::Auth::grants;
  start(allow_all);
  const auto pipe = get();
  EXPECT_EQ(pipe->answer.status, 401);
  EXPECT_EQ(get("/sse/other")->answer.status, 404);
}

TEST_F(SseFrontTest, SessionEndsWithItsStreamAndTwoStreamsAreTwoSessions) {
  start(allow_all);
  auto first = open();
  const auto second = open();
  EXPECT_NE(first->address(), second->address());
  EXPECT_EQ(gate().session_count(), 2U);
  const std::string gone = first->address();
  first.reset();
  turn_until([&] { return gate().session_count() == 1; });
  EXPECT_EQ(send(gone, call_text("read")).status, 404);
  EXPECT_EQ(send(second->address(), call_text("read")).status, 202);
  EXPECT_TRUE(hears(*second, "done"));
}

TEST_F(SseFrontTest, OneGrantHasABoundedNumberOfStreams) {
  config.auth = config::Auth::grants;
  config.limits.sessions_per_grant = 2;
  start(allow_all);
  call_as("ann");
  const auto first = get();
  const auto second = get();
  const auto third = get();
  turn_until([&] { return first->done; });
  EXPECT_TRUE(first->done) << "the one longest unused makes room";
  EXPECT_FALSE(third->done);
  EXPECT_EQ(gate().session_count(), 2U);
}

TEST_F(SseFrontTest, SeveralCallsAreUnderWayAtOnceAndEndOutOfOrder) {
  start(allow_all);
  const auto pipe = open();
  net::Signal go_on(loop);
  const auto slow = [](net::Signal& signal, net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    if (id == "1") co_await signal.wait(std::chrono::seconds(10));
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"content":[]}})");
  };
  upstream.raw_answer = [&](net::HttpExchange& exchange, std::string id) { return slow(go_on, exchange, std::move(id)); };
  EXPECT_EQ(send(pipe->address(), call_text("read", "{}", 1)).status, 202);
  EXPECT_EQ(send(pipe->address(), call_text("read", "{}", 2)).status, 202);
  EXPECT_TRUE(hears(*pipe, R"("id":2,)"));
  EXPECT_EQ(pipe->answer.body.find(R"("id":1,)"), std::string::npos);
  gates->all().front()->stop();
  EXPECT_FALSE(pipe->done) << "a gate that stops lets what is under way finish";
  go_on.raise();
  EXPECT_TRUE(hears(*pipe, R"("id":1,)"));
  turn_until([&] { return pipe->done; });
  EXPECT_TRUE(pipe->done) << "and ends the stream behind it";
}

/// Security requirement S14: messages under way count by what is kept of them, which of many short values is more than their bytes.
TEST_F(SseFrontTest, MessagesOfManyShortValuesFillASessionSoonerThanTheirBytes) {
  start(allow_all);
  const auto pipe = open();
  bool go_on = false;
  upstream.raw_answer = [&](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    return [](net::Loop& on, net::HttpExchange& to, const bool& when, std::string of) -> net::Task<void> {
      while (!when) co_await on.sleep(std::chrono::milliseconds(5));
      co_await to.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + of + R"(,"result":{"content":[]}})");
    }(loop, exchange, go_on, std::move(id));
  };
  std::string values = R"({"x":[0)";
  for (int i = 1; i < 400'000; ++i) values += ",0";
  values += "]}";
  const std::string address = pipe->address();
  std::vector<int> statuses;  // 16 MiB is what a session may have under way, and each keeps 7
  for (int id = 1; id <= 4; ++id) statuses.push_back(send(address, call_text("read", values, id)).status);
  EXPECT_EQ(statuses, (std::vector<int>{202, 202, 503, 503}));
  EXPECT_EQ(send(address, R"({"jsonrpc":"2.0","id":9,"method":"ping"})").status, 202) << "small ones go on";
  go_on = true;
  EXPECT_TRUE(hears(*pipe, R"("id":2,"result")")) << pipe->answer.body;
  EXPECT_EQ(send(address, call_text("read", values, 5)).status, 202);
  EXPECT_TRUE(hears(*pipe, R"("id":5,"result")"));
}

TEST_F(SseFrontTest, StreamsOfAGateThatStopsEnd) {
  start(allow_all);
  const auto opened = open();
  const auto fresh = get();
  gates->all().front()->stop();
  turn_until([&] { return opened->done && fresh->done; });
  EXPECT_TRUE(opened->done && fresh->done);
  EXPECT_EQ(get()->answer.status, 503);
}

TEST_F(SseFrontTest, ServersAskOnTheStreamAndAreAnsweredByPost) {
  upstream.stream_events = "id: 5\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":\"ask-1\",\"method\":\"roots/list\"}\n\n";
  start("callgate: 1\ndefault: allow\nroots: allow\n");
  const auto pipe = open();
  EXPECT_EQ(send(pipe->address(), R"({"jsonrpc":"2.0","method":"notifications/initialized"})").status, 202);
  EXPECT_TRUE(hears(*pipe, "roots/list")) << pipe->answer.body;
  EXPECT_EQ(pipe->answer.body.find("id: 5"), std::string::npos) << "ids of the server's own stream mean nothing here";
  const std::string answer = R"({"jsonrpc":"2.0","id":"ask-1","result":{"roots":[]}})";
  EXPECT_EQ(send(pipe->address(), answer).status, 202);
  turn_until([&] { return !upstream.responses.empty(); });
  ASSERT_EQ(upstream.responses.size(), 1U);
  EXPECT_EQ(upstream.responses[0], answer);
  EXPECT_EQ(send(pipe->address(), answer).status, 400) << "each once";
}

/// What is cancelled is over: an answer behind it finds nobody who could place it (protocol item 73).
TEST_F(SseFrontTest, ACancelBeforeAServerOfTheStatelessEraEndsTheExchangeAndHasNoAnswer) {
  bool begun = false;
  bool left = false;
  const auto serve = [](bool& call_begun, bool& call_left, net::HttpExchange& exchange, std::string method, std::string id, std::string body) -> net::Task<bool> {
    if (method == "initialize") co_return co_await exchange.respond(400, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":-32601,"message":"no"}})");
    if (method != "tools/call" || body.contains("callgate_probe_")) co_return false;
    call_begun = true;
    co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
    co_await exchange.gone(net::Loop::forever);
    call_left = true;
    co_return true;
  };
  upstream.on_request = [&](net::HttpExchange& exchange, std::string method, std::string id, std::string body) {
    return serve(begun, left, exchange, std::move(method), std::move(id), std::move(body));
  };
  start(allow_all);
  const auto pipe = open();
  EXPECT_EQ(send(pipe->address(), call_text("read", "{}", 5)).status, 202);
  turn_until([&] { return begun; });
  EXPECT_EQ(send(pipe->address(), R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}})").status, 202);
  turn_until([&] { return left; });
  EXPECT_TRUE(left) << "the server hears of it";
  EXPECT_EQ(send(pipe->address(), R"({"jsonrpc":"2.0","id":6,"method":"ping"})").status, 202);
  EXPECT_TRUE(hears(*pipe, R"("id":6,)"));
  EXPECT_EQ(pipe->answer.body.find(R"("id":5,)"), std::string::npos) << pipe->answer.body;
}

}  // namespace
}  // namespace callgate::gateway::sse_front_test
