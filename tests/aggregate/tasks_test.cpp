// Tasks of two servers at one address: their ids say whose they are.
#include "aggregate/names.hpp"
#include "aggregate/world.hpp"

namespace callgate::aggregate::tasks_test {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

class Tasks : public TwoServers {
 protected:
  Tasks() {
    serve(upstream, about_one);
    serve(second, about_two);
  }
  static void serve(FakeServer& of, std::vector<std::string>& about) {
    of.on_request = [&about](net::HttpExchange& exchange, std::string method, std::string id, std::string body) -> net::Task<bool> {
      std::string result;
      if (method.starts_with("tasks/")) about.push_back(body);
      if (method == "initialize")
        result = R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{},"tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}},"serverInfo":{"name":"f","version":"1"}})";
      if (method == "server/discover")
        result = R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{},"extensions":{"io.modelcontextprotocol/tasks":{}}}})";
      if (method == "tasks/list") result = R"({"tasks":[{"taskId":"theirs"},{"taskId":"t-1","status":"working"}]})";
      if (method == "tasks/get" || method == "tasks/cancel") result = R"({"resultType":"complete","taskId":"t-1","status":"completed"})";
      if (method == "tasks/result") result = R"({"content":[],"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t-1"}}})";
      if (method == "tools/call" && has(body, "2026-07-28") && !has(body, "callgate_probe_")) result = R"({"resultType":"task","taskId":"t-1","status":"working","ttlMs":60000})";
      if (method == "tools/call" && has(body, "\"task\"")) result = R"({"task":{"taskId":"t-1","status":"working","ttl":60000}})";
      if (result.empty()) co_return false;
      co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + result + "}");
      co_return true;
    };
  }
  void open_latest() {
    const Answer answer = post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})");
    EXPECT_TRUE(has(answer.body, R"("tasks":{"list":{},"cancel":{})")) << answer.body;
    const std::size_t at = answer.headers.find("Mcp-Session-Id: ");
    ASSERT_NE(at, std::string::npos) << answer.headers;
    session_id = answer.headers.substr(at + 16, answer.headers.find('\n', at) - at - 16);
  }
  Answer ask(const std::string& method, const std::string& params) { return post(R"({"jsonrpc":"2.0","id":3,"method":")" + method + R"(","params":)" + params + "}"); }
  Answer ask_modern(const std::string& method, const std::string& members, const std::string& name, const std::string& extensions = with_tasks) {
    return post(modern_text(method, members, "3", extensions), modern_headers(method, name));
  }

  std::vector<std::string> about_one, about_two;
};

/// Protocol item 92.
TEST_F(Tasks, OfSessionsHaveIdsThatNameTheirServer) {
  start_both();
  open_latest();
  EXPECT_EQ(ask("tools/call", R"({"name":"two__read","arguments":{},"task":{"ttl":60000}})").body,
            R"({"jsonrpc":"2.0","id":3,"result":{"task":{"taskId":"two__t-1","status":"working","ttl":60000}}})");
  EXPECT_TRUE(has(ask("tasks/get", R"({"taskId":"two__t-1"})").body, R"("taskId":"two__t-1")"));
  EXPECT_TRUE(has(ask("tasks/result", R"({"taskId":"two__t-1"})").body, R"("io.modelcontextprotocol/related-task":{"taskId":"two__t-1"})"));
  EXPECT_TRUE(has(ask("tasks/cancel", R"({"taskId":"two__t-1"})").body, R"("taskId":"two__t-1")"));
  ASSERT_EQ(about_two.size(), 3U);
  for (const std::string& body : about_two) EXPECT_TRUE(has(body, R"("taskId":"t-1")")) << body;
  EXPECT_TRUE(about_one.empty());
  EXPECT_TRUE(has(records(), R"("server":"two","tool":"read","method":"tasks/get")")) << records();
  EXPECT_EQ(list("tasks/list").body, R"({"jsonrpc":"2.0","id":7,"result":{"tasks":[{"taskId":"two__t-1","status":"working"}]}})") << "only those that began here";
}

/// Security requirement S8: a task of one server is none of the other's.
TEST_F(Tasks, ThatDidNotBeginAtAServerAreNotAskedOfIt) {
  start_both();
  open_latest();
  ask("tools/call", R"({"name":"two__read","arguments":{},"task":{"ttl":60000}})");
  for (const char* id : {"one__t-1", "t-1", "three__t-1", "two__theirs"}) EXPECT_TRUE(has(ask("tasks/get", R"({"taskId":")" + std::string(id) + R"("})").body, "Unknown task")) << id;
  EXPECT_TRUE(about_one.empty());
  EXPECT_TRUE(about_two.empty());
}

/// Protocol item 92.
TEST_F(Tasks, OfStatelessCallersHaveIdsThatNameTheirServer) {
  start_both();
  EXPECT_TRUE(has(ask_modern("server/discover", "", "").body, R"("extensions":{"io.modelcontextprotocol/tasks":{}})"));
  EXPECT_TRUE(has(ask_modern("tools/call", R"("name":"two__read","arguments":{})", "two__read").body, R"("resultType":"task","taskId":"two__t-1")"));
  EXPECT_TRUE(has(ask_modern("tasks/get", R"("taskId":"two__t-1")", "two__t-1").body, R"("taskId":"two__t-1")"));
  ASSERT_EQ(about_two.size(), 1U);
  EXPECT_TRUE(has(about_two.front(), R"("taskId":"t-1")"));
  EXPECT_TRUE(has(second.last_headers, "Mcp-Name: t-1\n")) << second.last_headers;
  EXPECT_EQ(ask_modern("tasks/get", R"("taskId":"two__t-1")", "t-1").status, 400) << "the header says what the body says";
  EXPECT_EQ(ask_modern("tasks/get", R"("taskId":"two__t-1")", "two__t-1", "").status, 400) << "whoever uses them declares them";
}

TEST_F(Tasks, AreReportedUnderTheIdsThatTheClientKnows) {
  second.stream_events = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks/status\",\"params\":{\"taskId\":\"t-1\",\"status\":\"completed\"}}\n\n";
  start_both();
  open_latest();
  ask("tools/call", R"({"name":"two__read","arguments":{},"task":{"ttl":60000}})");
  Answer stream;
  bool over = false;
  group.spawn(talk("GET", "Accept: text/event-stream\r\nMcp-Session-Id: " + session_id + "\r\n", {}, stream, over));
  turn_until([&] { return !stream.headers.empty(); });
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").status, 202);
  turn_until([&] { return has(stream.body, "completed"); });
  EXPECT_TRUE(has(stream.body, R"("taskId":"two__t-1")")) << stream.body;
}

}  // namespace
}  // namespace callgate::aggregate::tasks_test
