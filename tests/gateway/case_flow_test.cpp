#include "gateway/world.hpp"

namespace callgate::gateway::case_flow_test {
namespace {

/// Calls that cases, classes and `everywhere` decide, from the client to the server.
class CaseFlow : public World {
 protected:
  CaseFlow() {
    upstream.tools = R"({"name":"read","inputSchema":{"type":"object"}},{"name":"write","inputSchema":{"type":"object"}},)"
                     R"({"name":"drop","annotations":{"readOnlyHint":true},"inputSchema":{"type":"object"}})";
    classes_of = SaidAtOnce::by([](std::span<const json::Value> definitions) {
      std::vector<registry::ToolClass> classes;
      for (const json::Value each : definitions) {
        if (each.find("name")->equals("read")) classes.push_back({.risk = registry::Risk::low, .category = "Read"});
        if (each.find("name")->equals("write")) classes.push_back({});
        if (each.find("name")->equals("drop")) classes.push_back({.risk = registry::Risk::critical, .category = "Destructive"});
      }
      return classes;
    });
  }
  void expect_refused(const Answer& answer, const std::string& verdict, const std::string& rule) {
    EXPECT_NE(answer.body.find(R"("verdict":")" + verdict + R"(")"), std::string::npos) << answer.body;
    EXPECT_NE(answer.body.find(R"("rule":")" + rule + R"(")"), std::string::npos) << answer.body;
  }
};

constexpr const char* cases = R"(callgate: 1
default: deny
tools:
  write:
    action: allow
    cases:
      - {when: args.n > 500, action: deny, reason: too many}
      - {when: args.n > 100, action: require_approval}
      - {when: args.n > 50, action: allow, rate_limit: {max: 1, window: 1h}}
)";

TEST_F(CaseFlow, ACaseDeniesAndTheRestPasses) {
  start(cases);
  open_session();
  const Answer answer = call("write", R"({"n":501})");
  expect_refused(answer, "deny", "/tools/write/cases/0");
  EXPECT_NE(answer.body.find("too many"), std::string::npos);
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_NE(call("write", R"({"n":1})", 2).body.find("done"), std::string::npos);
  EXPECT_EQ(upstream.calls.size(), 1U);
}

/// Security requirement S22: what cannot be decided is refused.
TEST_F(CaseFlow, AFaultInACaseIsRefusedAndRecordedWithoutTheValue) {
  start(cases);
  open_session();
  expect_refused(call("write", R"({"n":"471108150042"})"), "fault", "/tools/write/cases/0");
  expect_refused(call("write", "{}", 2), "fault", "/tools/write/cases/0");
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_NE(records().find("asks for an order between text and a number"), std::string::npos) << records();
  EXPECT_EQ(records().find("471108150042"), std::string::npos);
}

TEST_F(CaseFlow, ACaseAsksAPersonAndItsYesIsForThatCase) {
  start(cases);
  open_session();
  Answer answer;
  bool done = false;
  begin(call_text("write", R"({"n":101})"), answer, done);
  turn_until([&] { return desk->waiting() == 1; });
  EXPECT_TRUE(upstream.calls.empty());
  ASSERT_TRUE(desk->answer(desk->list(approval::State::waiting).front()->id, approval::Answer::yes, "operator", "", approval::Moment::of(clock)).has_value());
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find("done"), std::string::npos) << answer.body;
  EXPECT_NE(records().find(R"("rule":"/tools/write/cases/1")"), std::string::npos) << records();
}

TEST_F(CaseFlow, TheLimitOfACaseCountsForItsCallsAlone) {
  start(cases);
  open_session();
  EXPECT_NE(call("write", R"({"n":51})", 1).body.find("done"), std::string::npos);
  expect_refused(call("write", R"({"n":52})", 2), "rate_limited", "/tools/write/cases/2/rate_limit");
  EXPECT_NE(call("write", R"({"n":1})", 3).body.find("done"), std::string::npos);
}

/// The class is that of the pinned definition; what a server says of itself lowers nothing.
TEST_F(CaseFlow, ClassesDecideAndHideFromLists) {
  start("callgate: 1\ndefault: deny\nclasses:\n  Read: {action: allow}\n  Destructive: {action: hide}\n  \"risk>=High\": {action: deny, reason: nobody said what it is}\n");
  open_session();
  EXPECT_NE(call("read").body.find("done"), std::string::npos);
  expect_refused(call("write", "{}", 2), "deny", "/classes/risk>=High");
  EXPECT_NE(call("drop", "{}", 3).body.find("no tool drop"), std::string::npos) << "answered like a name that nobody has";
  EXPECT_EQ(upstream.calls.size(), 1U);
  const std::string list = post(R"({"jsonrpc":"2.0","id":5,"method":"tools/list"})").body;
  EXPECT_NE(list.find(R"("name":"read")"), std::string::npos) << list;
  EXPECT_NE(list.find(R"("name":"write")"), std::string::npos);
  EXPECT_EQ(list.find(R"("name":"drop")"), std::string::npos);
  EXPECT_NE(records().find(R"("rule":"/classes/Destructive")"), std::string::npos);
}

TEST_F(CaseFlow, EverywhereTightensWhatTheRulesAllow) {
  start(R"(callgate: 1
default: allow
everywhere:
  rate_limit: {max: 2, window: 1h}
  cases:
    - {when: tool.risk == "Critical" && tool.server == "fake", action: deny, reason: nothing critical}
)");
  open_session();
  expect_refused(call("drop"), "deny", "/everywhere/cases/0");
  EXPECT_NE(call("read", "{}", 2).body.find("done"), std::string::npos);
  EXPECT_NE(call("write", "{}", 3).body.find("done"), std::string::npos);
  expect_refused(call("read", "{}", 4), "rate_limited", "/everywhere/rate_limit");
  EXPECT_EQ(upstream.calls.size(), 2U);
}

}  // namespace
}  // namespace callgate::gateway::case_flow_test
