// Protocol item 60; security requirements S8, S20: a client of 2025-11-25 waits for a person by a task of the gate's own.
#include "gateway/own_tasks_world.hpp"

namespace callgate::gateway::own_tasks_session_test {
namespace {

class SessionTasks : public OwnTasksWorld {
 protected:
  SessionTasks() {
    upstream.revision = "2025-11-25";
    upstream.tools = R"({"name":"read","inputSchema":{"type":"object"}},{"name":"write","inputSchema":{"type":"object"},"execution":{"taskSupport":"optional"}})";
    upstream.on_request = [this](net::HttpExchange& exchange, std::string method, std::string id, std::string body) { return serve(exchange, method, id, body); };
  }
  void open(const std::string& policy = asks) {
    if (!server) begin_with(policy);
    session_id.clear();
    const Answer answer = post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})");
    const std::size_t at = answer.headers.find("Mcp-Session-Id: ");
    ASSERT_NE(at, std::string::npos) << answer.body;
    session_id = answer.headers.substr(at + 16, answer.headers.find('\n', at) - at - 16);
  }
  static std::string text(const std::string& method, const std::string& params, int id) {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method + R"(","params":)" + params + "}";
  }
  std::string ask(const std::string& method, const std::string& params) { return post(text(method, params, next_id())).body; }
  std::string about(const std::string& method, const std::string& id) { return ask(method, R"({"taskId":")" + id + R"("})"); }
  std::string call(const std::string& task = R"(,"task":{"ttl":60000})") { return ask("tools/call", R"({"name":"write","arguments":{"n":471108150042})" + task + "}"); }
  std::string begun() { return member(call(), "taskId"); }

  std::string server_tasks = R"("tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}})";

 private:
  net::Task<bool> serve(net::HttpExchange& exchange, std::string method, std::string id, std::string body) {
    std::string result;
    std::string head = "Content-Type: application/json\r\n";
    if (method == "initialize") {
      result = R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{},)" + server_tasks + R"(},"serverInfo":{"name":"fake","version":"1"}})";
      head += "Mcp-Session-Id: theirs-1\r\n";
    }
    if (method == "tasks/list") result = R"({"tasks":[{"taskId":"theirs","status":"working"}]})";
    if (result.empty()) co_return false;
    co_await exchange.respond(200, head, R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + result + "}");
    co_return true;
  }
};

TEST_F(SessionTasks, BeginAtOnceAndSayWhereAPersonAnswers) {
  open();
  const std::string body = call();
  EXPECT_TRUE(has(body, R"("result":{"task":{"taskId":")")) << body;
  EXPECT_TRUE(has(body, "http://127.0.0.1:9/approve/" + waiting_id())) << body;
  EXPECT_TRUE(has(body, R"("ttl":1200000,"pollInterval":1000}})")) << body;
  EXPECT_TRUE(has(about("tasks/get", member(body, "taskId")), R"("result":{"taskId":")" + member(body, "taskId") + R"(","status":"working")"));
  EXPECT_TRUE(upstream.calls.empty());
}

TEST_F(SessionTasks, GiveTheirResultToWhoWaitsForIt) {
  open();
  const std::string id = begun();
  Answer result;
  bool done = false;
  begin(text("tasks/result", R"({"taskId":")" + id + R"("})", 7), result, done);
  for (int i = 0; i < 50; ++i) loop.turn(std::chrono::milliseconds(1));
  EXPECT_FALSE(done);
  approve();
  turn_until([&] { return done; });
  EXPECT_EQ(result.body, R"({"jsonrpc":"2.0","id":7,"result":{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":")" + id + R"("}},"content":[{"type":"text","text":"done"}]}})");
  EXPECT_TRUE(has(about("tasks/get", id), R"("status":"completed")"));
  EXPECT_TRUE(has(about("tasks/result", id), "done"));
  ASSERT_EQ(upstream.calls.size(), 1U);
  EXPECT_FALSE(has(upstream.calls[0], "\"task\"")) << "the server is asked for a plain answer: " << upstream.calls[0];
}

TEST_F(SessionTasks, FailWithThePersonsWordsAfterANo) {
  open();
  const std::string id = begun();
  decide(approval::Answer::no, "not on a Friday");
  const std::string body = about("tasks/result", id);
  EXPECT_TRUE(has(body, "a person refused it: not on a Friday")) << body;
  const std::string state = about("tasks/get", id);
  EXPECT_TRUE(has(state, R"("status":"failed","statusMessage":"Refused by policy:)")) << state;
  EXPECT_TRUE(has(state, "not on a Friday")) << state;
}

TEST_F(SessionTasks, AreWithdrawnByTheirCaller) {
  open();
  const std::string id = begun();
  EXPECT_TRUE(has(about("tasks/cancel", id), R"("status":"cancelled")"));
  EXPECT_EQ(desk->waiting(), 0U);
  EXPECT_TRUE(has(about("tasks/cancel", id), "-32602")) << "what is over is not cancelled";
  EXPECT_TRUE(has(about("tasks/result", id), "the task was cancelled"));
}

TEST_F(SessionTasks, ThatRunAreCancelledAtTheServer) {
  open();
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string /*id*/) -> net::Task<void> { co_await exchange.gone(net::Loop::forever); };
  const std::string id = begun();
  approve();
  turn_until([&] { return !upstream.calls.empty(); });
  upstream.notes.clear();
  about("tasks/cancel", id);
  turn_until([&] { return !upstream.notes.empty(); });
  ASSERT_EQ(upstream.notes.size(), 1U);
  EXPECT_TRUE(has(upstream.notes[0], "notifications/cancelled")) << upstream.notes[0];
}

TEST_F(SessionTasks, AreListedBeforeThoseOfTheServer) {
  open();
  EXPECT_TRUE(has(ask("tasks/list", "{}"), R"("result":{"tasks":[]})"));
  const std::string id = begun();
  EXPECT_TRUE(has(ask("tasks/list", "{}"), R"("result":{"tasks":[{"taskId":")" + id + R"(","status":"working")"));
  open();
  EXPECT_TRUE(has(ask("tasks/list", "{}"), R"("result":{"tasks":[]})")) << "nobody else's";
  EXPECT_TRUE(has(about("tasks/get", id), "Unknown task"));
}

TEST_F(SessionTasks, AreReportedOnTheSessionsStream) {
  upstream.stream_events = ": open\n\n";
  open();
  Answer stream;
  bool over = false;
  group.spawn(talk("GET", "Accept: text/event-stream\r\nMcp-Session-Id: " + session_id + "\r\n", {}, stream, over));
  turn_until([&] { return !stream.headers.empty(); });
  const std::string id = begun();
  ASSERT_EQ(id.size(), 32U);
  approve();
  turn_until([&] { return has(stream.body, "notifications/tasks/status"); });
  EXPECT_TRUE(has(stream.body, R"("params":{"taskId":")" + id + R"(","status":"completed")")) << stream.body;
}

TEST_F(SessionTasks, BeginOnlyWhereServerAndToolAllowThem) {
  config.approval_wait = std::chrono::milliseconds(20);
  open();
  EXPECT_TRUE(has(call({}), "repeat the identical call")) << "it was not asked for";
  write_policy("callgate: 1\ndefault: allow\ntools:\n  read: {action: require_approval}\n");
  ASSERT_TRUE(policies.refresh());
  EXPECT_TRUE(has(ask("tools/call", R"({"name":"read","arguments":{},"task":{"ttl":60000}})"), "repeat the identical call")) << "the tool says nothing of tasks";
}

TEST_F(SessionTasks, DoNotBeginWhereTheServerHasNone) {
  config.approval_wait = std::chrono::milliseconds(20);
  server_tasks = R"("tasks":{"list":{}})";
  open();
  EXPECT_TRUE(has(call(), "repeat the identical call"));
}

TEST_F(SessionTasks, EndWithTheirSession) {
  open();
  begun();
  Answer gone;
  bool done = false;
  group.spawn(talk("DELETE", "Mcp-Session-Id: " + session_id + "\r\n", {}, gone, done));
  turn_until([&] { return done && desk->waiting() == 0; });
  EXPECT_EQ(desk->waiting(), 0U);
  EXPECT_TRUE(upstream.calls.empty());
}

/// A grant outlives its sessions, and its tasks do as long as the session that began them is not ended.
TEST_F(SessionTasks, OfAGrantAreThereInItsNextSession) {
  config.auth = config::Auth::grants;
  begin_with();
  call_as("ann");
  open();
  const std::string id = begun();
  open();
  approve();
  ASSERT_EQ(id.size(), 32U);
  const std::string body = about("tasks/result", id);
  EXPECT_TRUE(has(body, "done")) << body;
}

}  // namespace
}  // namespace callgate::gateway::own_tasks_session_test
