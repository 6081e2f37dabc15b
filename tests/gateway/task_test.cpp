#include <string>

#include "gateway/world.hpp"

namespace callgate::gateway::task_test {
namespace {

/// Tasks belong to whoever made the call that began them (protocol items 26, 32, 33; security requirement S8).
class Tasks : public World {
 protected:
  void begin_with(const std::string& policy) {
    start(policy);
    upstream.on_request = [this](net::HttpExchange& exchange, std::string method, std::string id, std::string body) { return serve(exchange, method, id, body); };
  }
  Answer call_modern(const std::string& extensions) {
    return post(modern_text("tools/call", R"("name":"read","arguments":{})", "1", extensions), modern_headers("tools/call", "read"));
  }
  Answer task(const std::string& method, const std::string& id, const std::string& extensions = with_tasks) {
    return post(modern_text(method, R"("taskId":")" + id + '"', "2", extensions), modern_headers(method, id));
  }

  std::vector<std::string> about_tasks;  ///< methods that reached the server
  std::string view = R"({"resultType":"complete","taskId":"t-1","status":"completed"})";

 private:
  net::Task<bool> serve(net::HttpExchange& exchange, std::string method, std::string id, std::string body) {
    std::string result;
    if (method.starts_with("tasks/")) {
      about_tasks.push_back(method);
      result = method == "tasks/list" ? R"({"tasks":[{"taskId":"theirs"},{"taskId":"t-1"}]})" : view;
    } else if (method == "tools/call" && body.find("2026-07-28") != std::string::npos && body.find("callgate_probe_") == std::string::npos) {
      result = R"({"resultType":"task","taskId":"t-1","status":"working","ttlMs":60000})";
    } else if (method == "tools/call" && body.find("\"task\"") != std::string::npos) {
      result = R"({"task":{"taskId":"t-1","status":"working","ttl":60000}})";
    }
    if (result.empty()) co_return false;
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + result + "}");
    co_return true;
  }
};

constexpr const char* allow_all = "callgate: 1\ndefault: allow\n";

TEST_F(Tasks, AreThereForWhoeverBeganThem) {
  begin_with(allow_all);
  EXPECT_NE(call_modern(with_tasks).body.find("t-1"), std::string::npos);
  EXPECT_EQ(task("tasks/get", "t-1").body, R"({"jsonrpc":"2.0","id":2,"result":)" + view + "}");
  EXPECT_NE(records().find(R"("tool":"read","method":"tasks/get")"), std::string::npos) << records();
  EXPECT_EQ(about_tasks, (std::vector<std::string>{"tasks/get"}));
}

TEST_F(Tasks, ThatNobodyBeganHereNeverReachTheServer) {
  begin_with(allow_all);
  for (const std::string method : {"tasks/get", "tasks/update", "tasks/cancel"}) {
    EXPECT_EQ(task(method, "theirs").body, R"({"jsonrpc":"2.0","id":2,"error":{"code":-32602,"message":"Unknown task"}})");
  }
  EXPECT_TRUE(about_tasks.empty());
  EXPECT_NE(records().find(R"("method":"tasks/cancel")"), std::string::npos);
}

TEST_F(Tasks, NeedTheExtensionDeclaredInTheSameRequest) {
  begin_with(allow_all);
  call_modern(with_tasks);
  const Answer answer = task("tasks/get", "t-1", "");
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find(R"("code":-32021)"), std::string::npos) << answer.body;
  EXPECT_TRUE(about_tasks.empty());
}

TEST_F(Tasks, ThatAServerStartsForWhoNeverAskedAreNobodys) {
  begin_with(allow_all);
  call_modern("");
  EXPECT_NE(task("tasks/get", "t-1").body.find("-32602"), std::string::npos);
}

/// Protocol item 84.
TEST_F(Tasks, MayNotAskTheClientForWhatThePolicyDoesNotAllow) {
  begin_with(allow_all);
  view = R"({"resultType":"complete","taskId":"t-1","status":"input_required","inputRequests":{"a":{"method":"sampling/createMessage","params":{}}}})";
  call_modern(with_tasks);
  const Answer answer = task("tasks/get", "t-1");
  EXPECT_EQ(answer.body.find("inputRequests"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("sampling/createMessage"), std::string::npos);
}

constexpr const char* with_elicitation = "callgate: 1\ndefault: allow\nelicitation: allow\n";

std::string failed_by_pages(const std::string& code) {
  return R"("taskId":"t-1","status":"failed","error":{"code":)" + code + R"(,"message":"more","data":{"elicitations":[{"mode":"url","elicitationId":"e1","url":"https://evil.example/","message":"Sign in"}]}})";
}

/// Protocol item 84: pages are asked for in a task's error as in that of an answer.
TEST_F(Tasks, MayNotAskForPagesByTheirErrorEither) {
  begin_with(allow_all);
  call_modern(with_tasks);
  for (const char* code : {"-32042", "-32042.0", "-3.2042e4", "-32042.0000000000000000001"}) {
    for (const std::string also : {"", R"("isError":true,)"}) {
      view = R"({"resultType":"complete",)" + also + failed_by_pages(code) + "}";
      const Answer answer = task("tasks/get", "t-1");
      EXPECT_FALSE(answer.body.contains("evil")) << answer.body;
      EXPECT_TRUE(answer.body.contains("the server asks the client for `elicitation/create`, which the policy does not allow")) << answer.body;
    }
  }
  EXPECT_TRUE(records().contains(R"("method":"elicitation/create")")) << records();
}

TEST_F(Tasks, MayAskForPagesWhereThePolicyLetsThem) {
  begin_with(with_elicitation);
  call_modern(with_tasks);
  view = R"({"resultType":"complete",)" + failed_by_pages("-32042") + "}";
  EXPECT_EQ(task("tasks/get", "t-1").body, R"({"jsonrpc":"2.0","id":2,"result":)" + view + "}");
}

/// The session's own stream, to whose end news of its task come.
class TaskNews : public Tasks {
 protected:
  std::string heard_under(const std::string& policy) {
    upstream.revision = "2025-11-25";
    upstream.stream_events = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks/status\",\"params\":{" + failed_by_pages("-32042") + "}}\n\n" +
                             "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":\"end\"}}\n\n";
    begin_with(policy);
    open_session(R"({"elicitation":{"url":{}}})");
    EXPECT_TRUE(post(R"({"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"read","arguments":{},"task":{"ttl":60000}}})").body.contains("t-1"));
    group.spawn(talk("GET", "Accept: text/event-stream\r\nMcp-Session-Id: " + session_id + "\r\n", "", stream, over));
    turn_until([&] { return stream.body.contains(R"("data":"end")") || over; });
    EXPECT_TRUE(stream.body.contains(R"("data":"end")")) << stream.body;
    return stream.body;
  }
  Answer stream;
  bool over = false;
};

TEST_F(TaskNews, MayNotAskForPagesByTheirErrorEither) {
  EXPECT_FALSE(heard_under(allow_all).contains("evil")) << stream.body;
  EXPECT_TRUE(records().contains(R"("method":"elicitation/create")")) << records();
}

TEST_F(TaskNews, MayAskForPagesWhereThePolicyLetsThem) { EXPECT_TRUE(heard_under(with_elicitation).contains("evil")) << stream.body; }

/// Protocol item 18: `tasks/list` is of 2025-11-25 only, and no request here has a version header.
TEST_F(Tasks, OfASessionAreListedWithoutThoseOfOthers) {
  upstream.revision = "2025-11-25";
  begin_with(allow_all);
  open_session();
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":1,"method":"tasks/list"})").body, R"({"jsonrpc":"2.0","id":1,"result":{"tasks":[]}})");
  post(R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read","arguments":{},"task":{"ttl":60000}}})");
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":3,"method":"tasks/list"})").body, R"({"jsonrpc":"2.0","id":3,"result":{"tasks":[{"taskId":"t-1"}]}})");
  EXPECT_NE(post(R"({"jsonrpc":"2.0","id":4,"method":"tasks/result","params":{"taskId":"t-1"}})").body.find("completed"), std::string::npos);
  session_id.clear();
  open_session();
  EXPECT_NE(post(R"({"jsonrpc":"2.0","id":5,"method":"tasks/result","params":{"taskId":"t-1"}})").body.find("Unknown task"), std::string::npos);
}

/// Protocol items 32, 71.
TEST_F(Tasks, AreThereAlsoWhereTheAnswerComesOnAResumedStream) {
  upstream.revision = "2025-11-25";
  begin_with(allow_all);
  open_session();
  upstream.on_request = {};
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string /*id*/) -> net::Task<void> {
    co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
    co_await exchange.write("id: 1\ndata:\n\n");
    co_await exchange.finish();
  };
  post(R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read","arguments":{},"task":{"ttl":60000}}})");
  upstream.stream_events = R"(data: {"jsonrpc":"2.0","id":2,"result":{"task":{"taskId":"late","status":"working","ttl":60000}}})" "\n\n";
  Answer stream;
  bool done = false;
  group.spawn(talk("GET", "Accept: text/event-stream\r\nLast-Event-ID: 1\r\nMcp-Session-Id: " + session_id + "\r\n", {}, stream, done));
  turn_until([&] { return stream.body.find("late") != std::string::npos; });
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":4,"method":"tasks/result","params":{"taskId":"late"}})").body.find("Unknown task"), std::string::npos);
}

TEST_F(Tasks, ChangeNothingAboutTheDecision) {
  begin_with("callgate: 1\ndefault: deny\n");
  open_session();
  const Answer answer = post(R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read","arguments":{},"task":{"ttl":60000}}})");
  EXPECT_NE(answer.body.find(R"("isError":true)"), std::string::npos) << answer.body;
  EXPECT_TRUE(upstream.calls.empty());
}

TEST(TaskBook, ForgetsWhatIsOverAndBoundsWhatOneOwnerHas) {
  TaskBook book;
  const BootTime now{std::chrono::hours(1)};
  book.remember("ann", "short", "read", now, std::chrono::milliseconds(1));
  EXPECT_NE(book.find("ann", "short", now), nullptr);
  EXPECT_EQ(book.find("bob", "short", now), nullptr);
  EXPECT_EQ(book.find("ann", "short", now + std::chrono::hours(2)), nullptr);
  for (std::size_t i = 0; i < TaskBook::max_tasks_of_owner; ++i) book.remember("ann", std::to_string(i), "read", now, {});
  EXPECT_EQ(book.size(), TaskBook::max_tasks_of_owner);
  EXPECT_EQ(book.find("ann", "short", now), nullptr) << "it would have ended first";
}

}  // namespace
}  // namespace callgate::gateway::task_test
