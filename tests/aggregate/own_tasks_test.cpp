// Tasks by which the gates themselves let calls wait for a person, at the address of two servers.
#include "aggregate/world.hpp"

namespace callgate::aggregate::own_tasks_test {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

class OwnTasks : public TwoServers {
 protected:
  static constexpr const char* asks = "callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval}\n";

  OwnTasks() {
    second.revision = "2025-11-25";
    second.tools = R"({"name":"write","inputSchema":{"type":"object"},"execution":{"taskSupport":"optional"}})";
    second.on_request = [](net::HttpExchange& exchange, std::string method, std::string id, std::string /*body*/) -> net::Task<bool> {
      if (method != "initialize" && method != "tasks/list") co_return false;
      const std::string result = method == "tasks/list" ? R"({"tasks":[]})"
                                                        : R"({"protocolVersion":"2025-11-25","capabilities":{"tools":{},"tasks":{"list":{},"cancel":{},"requests":{"tools":{"call":{}}}}},"serverInfo":{"name":"f","version":"1"}})";
      co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + result + "}");
      co_return true;
    };
  }
  void approve() { decide(approval::Answer::yes); }
  void decide(approval::Answer how) {
    const auto list = desk->list(approval::State::waiting);
    ASSERT_EQ(list.size(), 1U);
    ASSERT_TRUE(desk->answer(list.front()->id, how, "operator", {}, approval::Moment::of(clock)).has_value());
  }
  static std::string task_of(const std::string& body) {
    const std::size_t at = body.find(R"("taskId":")");
    return at == std::string::npos ? std::string() : body.substr(at + 10, body.find('"', at + 10) - at - 10);
  }
  std::string modern(const std::string& method, const std::string& members, const std::string& name) {
    return post(modern_text(method, members, "3", with_tasks), modern_headers(method, name)).body;
  }
  std::string ask(const std::string& method, const std::string& params) { return post(R"({"jsonrpc":"2.0","id":3,"method":")" + method + R"(","params":)" + params + "}").body; }
};

/// Protocol items 59, 92.
TEST_F(OwnTasks, OfStatelessCallersHaveIdsThatNameTheirServer) {
  start_both(asks);
  const std::string id = task_of(modern("tools/call", R"("name":"two__write","arguments":{})", "two__write"));
  EXPECT_TRUE(id.starts_with("two__")) << id;
  EXPECT_EQ(id.size(), 37U);
  EXPECT_TRUE(has(modern("tasks/get", R"("taskId":")" + id + '"', id), R"("taskId":")" + id + R"(","status":"working")"));
  EXPECT_TRUE(has(modern("tasks/get", R"("taskId":"one__)" + id.substr(5) + '"', "one__" + id.substr(5)), "Unknown task"));
  approve();
  std::string body;
  for (int i = 0; i < 100 && !has(body, "completed"); ++i) body = modern("tasks/get", R"("taskId":")" + id + '"', id);
  EXPECT_TRUE(has(body, R"("status":"completed")")) << body;
  EXPECT_TRUE(has(body, "done")) << body;
}

/// Protocol items 60, 92.
TEST_F(OwnTasks, OfSessionsHaveIdsThatNameTheirServer) {
  start_both(asks);
  const Answer opened = post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})");
  const std::size_t at = opened.headers.find("Mcp-Session-Id: ");
  ASSERT_NE(at, std::string::npos) << opened.headers;
  session_id = opened.headers.substr(at + 16, opened.headers.find('\n', at) - at - 16);
  const std::string id = task_of(ask("tools/call", R"({"name":"two__write","arguments":{},"task":{"ttl":60000}})"));
  EXPECT_TRUE(id.starts_with("two__")) << id;
  EXPECT_TRUE(has(ask("tasks/list", "{}"), R"("tasks":[{"taskId":")" + id + '"'));
  approve();
  const std::string body = ask("tasks/result", R"({"taskId":")" + id + R"("})");
  EXPECT_TRUE(has(body, R"("io.modelcontextprotocol/related-task":{"taskId":")" + id + R"("})")) << body;
  EXPECT_TRUE(has(body, "done")) << body;
  EXPECT_TRUE(has(ask("tasks/get", R"({"taskId":")" + id + R"("})"), R"("status":"completed")"));
  const std::string refused = task_of(ask("tools/call", R"({"name":"two__write","arguments":{"n":2},"task":{"ttl":60000}})"));
  decide(approval::Answer::no);
  EXPECT_TRUE(has(ask("tasks/result", R"({"taskId":")" + refused + R"("})"), R"("io.modelcontextprotocol/related-task":{"taskId":")" + refused + R"("})"));
}

}  // namespace
}  // namespace callgate::aggregate::own_tasks_test
