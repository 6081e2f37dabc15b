// Protocol item 59; security requirements S8, S20: a stateless client waits for a person by a task of the gate's own.
#include "gateway/own_tasks_world.hpp"

namespace callgate::gateway::own_tasks_test {
namespace {

class StatelessTasks : public OwnTasksWorld {
 protected:
  Answer call(const std::string& arguments = R"({"n":471108150042})", const std::string& capabilities = all) {
    return post(R"({"jsonrpc":"2.0","id":)" + std::to_string(next_id()) + R"(,"method":"tools/call","params":{"name":"write","arguments":)" + arguments +
                    R"(,"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":)" + capabilities + "}}}",
                modern_headers("tools/call", "write"));
  }
  std::string ask(const std::string& method, const std::string& id, const std::string& more = {}) {
    return post(modern_text(method, R"("taskId":")" + id + '"' + more, std::to_string(next_id()), with_tasks), modern_headers(method, id)).body;
  }
  std::string get(const std::string& id) { return ask("tasks/get", id); }
  std::string begun() { return member(call().body, "taskId"); }
  /// Until the task is no longer at work.
  std::string outcome(const std::string& id) {
    std::string body;
    for (int i = 0; i < 200 && (body.empty() || has(body, R"("status":"working")")); ++i) body = get(id);
    return body;
  }

  static constexpr const char* all = R"({"elicitation":{"form":{},"url":{}},"sampling":{},"roots":{},"extensions":{"io.modelcontextprotocol/tasks":{},"io.modelcontextprotocol/ui":{}}})";
};

TEST_F(StatelessTasks, BeginAtOnceAndSayWhereAPersonAnswers) {
  begin_with();
  const std::string body = call().body;
  EXPECT_TRUE(has(body, R"("result":{"resultType":"task","taskId":")")) << body;
  EXPECT_TRUE(has(body, R"("status":"working")")) << body;
  EXPECT_TRUE(has(body, "http://127.0.0.1:9/approve/" + waiting_id())) << body;
  EXPECT_TRUE(has(body, R"("ttlMs":1200000,"pollIntervalMs":1000)")) << body;
  EXPECT_FALSE(has(body, "471108150042")) << "no argument beside a link";
  EXPECT_EQ(member(body, "taskId").size(), 32U);
  EXPECT_TRUE(has(records(), R"("verdict":"require_approval")"));
  EXPECT_TRUE(has(get(member(body, "taskId")), R"("resultType":"complete","taskId":")" + member(body, "taskId") + R"(","status":"working")"));
  EXPECT_TRUE(upstream.calls.empty());
}

TEST_F(StatelessTasks, RunTheCallOnceAfterTheYesAndGiveItsResult) {
  begin_with();
  const std::string id = begun();
  approve();
  const std::string body = outcome(id);
  EXPECT_TRUE(has(body, R"("status":"completed")")) << body;
  EXPECT_TRUE(has(body, R"("result":{"content":[{"type":"text","text":"done"}]})")) << body;
  EXPECT_EQ(get(id).substr(30), body.substr(30)) << "as often as it is asked for";
  EXPECT_EQ(upstream.calls.size(), 1U);
  EXPECT_TRUE(has(records(), R"("approval":")")) << records();
}

/// The record of the call that runs later names the trace that its request came with.
TEST_F(StatelessTasks, AreTracedLikeTheirRequest) {
  begin_with();
  const std::string id = member(post(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"write","arguments":{"n":1},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":)" + std::string(all) + "}}}",
                                     modern_headers("tools/call", "write") + "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n").body,
                                "taskId");
  approve();
  outcome(id);
  EXPECT_TRUE(has(records().substr(records().rfind(R"("verdict":"allow","rule":"/tools/write")")), R"("trace":"0af7651916cd43dd8448eb211c80319c")")) << records();
}

/// A server that is not asked for a task gives none, and asks nobody.
TEST_F(StatelessTasks, AskTheServerForAPlainAnswer) {
  begin_with();
  const std::string id = begun();
  approve();
  outcome(id);
  ASSERT_EQ(upstream.calls.size(), 1U);
  EXPECT_TRUE(has(upstream.calls[0], R"("arguments":{"n":471108150042},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/ui":{}}}}})"))
      << upstream.calls[0];
}

TEST_F(StatelessTasks, EndWithThePersonsWordsAfterANo) {
  begin_with();
  const std::string id = begun();
  decide(approval::Answer::no, "not on a Friday");
  const std::string body = outcome(id);
  EXPECT_TRUE(has(body, R"("status":"completed")")) << "`failed` is for errors of the protocol: " << body;
  EXPECT_TRUE(has(body, R"("isError":true)")) << body;
  EXPECT_TRUE(has(body, "a person refused it: not on a Friday")) << body;
  EXPECT_TRUE(upstream.calls.empty());
}

TEST_F(StatelessTasks, EndWhenTheQuestionRunsOut) {
  begin_with();
  const std::string id = begun();
  clock.advance(std::chrono::seconds(601));
  desk->expire(approval::Moment::of(clock));
  EXPECT_TRUE(has(outcome(id), "nobody approved it in time"));
}

TEST_F(StatelessTasks, AreWithdrawnByTheirCaller) {
  begin_with();
  const std::string id = begun();
  const std::string body = ask("tasks/cancel", id);
  EXPECT_TRUE(has(body, R"("result":{"resultType":"complete"})")) << body;
  EXPECT_EQ(desk->waiting(), 0U);
  EXPECT_TRUE(has(get(id), R"("status":"cancelled")"));
  EXPECT_TRUE(has(ask("tasks/cancel", id), R"("resultType":"complete")")) << "a cancel of what is over is heard as well";
  EXPECT_TRUE(upstream.calls.empty());
}

TEST_F(StatelessTasks, ThatRunAreCancelledAtTheServer) {
  begin_with();
  bool left = false;
  upstream.raw_answer = [&left](net::HttpExchange& exchange, std::string /*id*/) -> net::Task<void> {
    co_await exchange.gone(net::Loop::forever);
    left = true;
  };
  const std::string id = begun();
  approve();
  turn_until([&] { return !upstream.calls.empty(); });
  ask("tasks/cancel", id);
  turn_until([&] { return left; });
  EXPECT_TRUE(left);
  EXPECT_TRUE(has(get(id), R"("status":"cancelled")"));
}

TEST_F(StatelessTasks, OfOthersAreAnsweredLikeThoseOfNobody) {
  config.auth = config::Auth::grants;
  begin_with();
  call_as("ann");
  const std::string id = begun();
  ASSERT_EQ(id.size(), 32U);
  call_as("bob");
  for (const std::string method : {"tasks/get", "tasks/update", "tasks/cancel"}) {
    const std::string theirs = ask(method, id);
    const std::string nobodys = ask(method, "0123456789abcdef0123456789abcdef");
    EXPECT_EQ(theirs.substr(theirs.find("error")), nobodys.substr(nobodys.find("error"))) << method;
    EXPECT_TRUE(has(theirs, R"({"code":-32602,"message":"Unknown task"})")) << theirs;
  }
  EXPECT_EQ(desk->waiting(), 1U);
}

TEST_F(StatelessTasks, AreNotForWhoDidNotDeclareThem) {
  config.approval_wait = std::chrono::milliseconds(20);
  begin_with();
  EXPECT_TRUE(has(call("{}", "{}").body, "repeat the identical call"));
  EXPECT_TRUE(has(call("{}", R"({"elicitation":{"url":{}}})").body, "input_required"));
}

TEST_F(StatelessTasks, AreNotNeededForWhatNobodyIsAskedAbout) {
  begin_with("callgate: 1\ndefault: allow\n");
  EXPECT_TRUE(has(call().body, "done"));
}

TEST_F(StatelessTasks, DoNotBeginWhereNobodyCanBeAsked) {
  begin_with("callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval, approval: {timeout: 10m}}\n");
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(has(call(R"({"n":)" + std::to_string(i) + "}").body, R"("resultType":"task")"));
  const std::string body = call(R"({"n":20})").body;
  EXPECT_TRUE(has(body, R"("isError":true)")) << body;
  EXPECT_TRUE(has(body, "already wait for a person")) << body;
}

TEST_F(StatelessTasks, AreNotForACallThatIsTooLargeToKeep) {
  config.approval_wait = std::chrono::milliseconds(20);
  begin_with();
  const std::string body = call(R"({"n":1},"more":")" + std::string(std::size_t{1} << 20, 'x') + '"').body;
  EXPECT_TRUE(has(body, R"("resultType":"input_required")")) << body;
}

TEST_F(StatelessTasks, AreJudgedByThePolicyOfTheirTime) {
  begin_with();
  const std::string id = begun();
  write_policy("callgate: 1\ndefault: deny\n");
  ASSERT_TRUE(policies.refresh());
  approve();
  EXPECT_TRUE(has(outcome(id), R"("verdict":"deny")"));
  EXPECT_TRUE(upstream.calls.empty());
}

TEST_F(StatelessTasks, ThatWaitEndWithTheGateInWords) {
  begin_with();
  const std::string id = begun();
  gates->find("fake")->stop();
  EXPECT_TRUE(has(outcome(id), "the gateway stops before anybody answered"));
  EXPECT_EQ(desk->waiting(), 0U);
}

TEST_F(StatelessTasks, OfARevokedGrantDoNotRun) {
  config.auth = config::Auth::grants;
  begin_with();
  call_as("ann");
  begun();
  gates->find("fake")->end_sessions([](std::string_view) { return false; });
  turn_until([&] { return desk->waiting() == 0; });
  EXPECT_EQ(desk->waiting(), 0U);
  EXPECT_TRUE(has(records(), "the caller's grant or session ended while the call waited")) << records();
}

TEST_F(StatelessTasks, FailWhereTheServerFails) {
  begin_with();
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":-32050,"message":"no"}})");
  };
  const std::string id = begun();
  approve();
  const std::string body = outcome(id);
  EXPECT_TRUE(has(body, R"("status":"failed")")) << body;
  EXPECT_TRUE(has(body, R"("error":{"code":-32050,"message":"no"})")) << body;
}

TEST_F(StatelessTasks, TakeNoAnswerThatIsNone) {
  begin_with();
  std::string given;
  upstream.raw_answer = [&given](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + given + "}");
  };
  for (const char* result : {R"({"resultType":"task","taskId":"t-1","status":"working"})", R"({"resultType":"input_required","requestState":"s"})"}) {
    given = result;
    const std::string id = begun();
    approve();
    EXPECT_TRUE(has(outcome(id), R"("status":"failed")")) << result;
  }
  EXPECT_TRUE(has(get("t-1"), "Unknown task"));
}

TEST_F(StatelessTasks, AreForgottenSomeTimeAfterTheirEnd) {
  begin_with();
  const std::string id = begun();
  approve();
  EXPECT_TRUE(has(outcome(id), "done"));
  clock.advance(std::chrono::minutes(9));
  EXPECT_TRUE(has(get(id), "done"));
  clock.advance(std::chrono::minutes(2));
  EXPECT_TRUE(has(get(id), "Unknown task"));
}

TEST_F(StatelessTasks, ShareAQuestionButNotAYes) {
  begin_with();
  const std::string one = begun();
  const std::string two = begun();
  EXPECT_NE(one, two);
  EXPECT_EQ(desk->waiting(), 1U);
  approve();
  turn_until([&] { return desk->waiting() == 1 && has(get(one) + get(two), "done"); });
  EXPECT_EQ(upstream.calls.size(), 1U);
  EXPECT_EQ(desk->waiting(), 1U) << "the other one asks anew";
}

class OwnTasksBook : public testing::Test {
 protected:
  std::shared_ptr<OwnTask> add(const std::string& owner, std::size_t bytes = 10) {
    auto task = std::make_shared<OwnTask>(loop, std::make_shared<Conversation>(), mcp::Revision::r2026_07_28);
    task->id = std::to_string(++ids);
    task->owner = owner;
    task->bytes = std::string(bytes, 'x');
    return book.add(task, now.boot) ? task : nullptr;
  }
  void finish(OwnTask& task, std::size_t bytes) {
    task.result = std::string(bytes, 'r');
    book.finish(task, mcp::TaskStatus::completed, now);
    now.boot += std::chrono::seconds(1);
  }

  net::Loop loop;
  int ids = 0;
  approval::Moment now{.boot = BootTime{std::chrono::hours(1)}, .wall_ms = 1};
  OwnTasks book{{.open_of_owner = 2, .open = 3, .kept_of_owner = 4, .kept = 6, .call_bytes = 100, .result_bytes = 100, .bytes_of_owner = 200, .bytes = 300}};
};

TEST_F(OwnTasksBook, BoundsWhatIsOpenOfOneAndOfAll) {
  EXPECT_TRUE(add("ann"));
  EXPECT_TRUE(add("ann"));
  EXPECT_FALSE(add("ann"));
  EXPECT_TRUE(add("bob"));
  EXPECT_FALSE(add("cid"));
  EXPECT_FALSE(add("dan", 101));
}

TEST_F(OwnTasksBook, ForgetsTheOldestResultsForNewOnes) {
  std::vector<std::shared_ptr<OwnTask>> tasks;
  for (int i = 0; i < 3; ++i) {
    tasks.push_back(add("ann"));
    ASSERT_TRUE(tasks.back());
    finish(*tasks.back(), 90);
  }
  EXPECT_LE(book.bytes(), 200U);
  EXPECT_FALSE(book.find("ann", tasks[0]->id, now.boot));
  EXPECT_TRUE(book.find("ann", tasks[2]->id, now.boot));
  for (int i = 0; i < 10; ++i) {
    auto task = add("ann");
    ASSERT_TRUE(task);
    finish(*task, 1);
  }
  EXPECT_EQ(book.size(), 4U);
}

TEST_F(OwnTasksBook, TellsOfAResultThatIsTooLarge) {
  const auto task = add("ann");
  finish(*task, 101);
  EXPECT_EQ(task->status, mcp::TaskStatus::failed);
  EXPECT_TRUE(task->result.empty());
  EXPECT_NE(task->error.find("too large"), std::string::npos);
}

TEST_F(OwnTasksBook, OpenTasksStayWhateverElseComes) {
  const auto open = add("ann");
  for (int i = 0; i < 10; ++i) {
    if (const auto task = add("bob")) finish(*task, 100);
  }
  now.boot += std::chrono::hours(48);
  EXPECT_TRUE(book.find("ann", open->id, now.boot));
  EXPECT_EQ(book.size(), 1U);
  finish(*open, 1);
  now.boot += std::chrono::minutes(11);
  EXPECT_FALSE(book.find("ann", open->id, now.boot));
  EXPECT_EQ(book.bytes(), 0U);
}

}  // namespace
}  // namespace callgate::gateway::own_tasks_test
