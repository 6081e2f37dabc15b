#include "policy/explain.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/world.hpp"

namespace callgate::policy::explain_test {
namespace {

constexpr std::string_view text = R"(callgate: 1
default: deny
tools:
  a: {action: allow, arguments: {required: [x]}, rate_limit: {max: 2, window: 1m, per: [grant, server]}}
  ask: {action: require_approval, reason: big}
  none: {action: allow, rate_limit: {max: 0, window: 1m}}
  secret: {action: hide}
  "t*": {action: allow}
  "*t": {action: allow}
)";

struct Row {
  const char* call;
  int decides;
  const char* rule;
  int line;
};

class Explained : public testing::TestWithParam<Row> {};

TEST_P(Explained, OneStepDecidesAndThoseAfterItAreNotReached) {
  const Explanation told = explain(*kept(text), call(GetParam().call), nullptr);
  ASSERT_EQ(told.steps.size(), 8u);
  for (const Step& step : told.steps) {
    EXPECT_EQ(step.decides, step.number == GetParam().decides) << step.number;
    EXPECT_EQ(step.found == "not reached", step.number > GetParam().decides) << step.found;
    EXPECT_FALSE(step.title.empty());
  }
  EXPECT_EQ(told.deciding_rule, GetParam().rule);
  EXPECT_EQ(told.line, GetParam().line);
}

INSTANTIATE_TEST_SUITE_P(Policy, Explained, testing::ValuesIn(std::vector<Row>{
    {R"({"tool":"a","arguments":{"x":1}})", 8, "/tools/a", 4},
    {R"({"tool":"a"})", 4, "/tools/a", 4},
    {R"({"tool":"ask"})", 7, "/tools/ask", 5},
    {R"({"tool":"none"})", 6, "/tools/none", 6},
    {R"({"tool":"secret"})", 2, "/tools/secret", 7},
    {R"({"tool":"other"})", 3, "/default", 2},
    {R"({"tool":"tt"})", 3, "/tools/t*", 8},
    {R"({"resource":"x:y"})", 3, "/default", 2},
    {R"({"resource":"file:///%00"})", 4, "/default", 2},
    {R"({"prompt":"a"})", 3, "/default", 2}}));

TEST(Explain, TellsWhatEachStepFound) {
  const ToolList list = tool_list(R"({"tools":[{"name":"a","inputSchema":{"type":"object"}}]})");
  const Explanation told = explain(*kept(text), call(R"({"tool":"a","arguments":{"x":1}})"), &list);
  EXPECT_EQ(told.steps[1].found, "it is in the list of tools; rule `/tools/a` speaks of it");
  EXPECT_EQ(told.steps[3].found, "they fit the tool's own schema; they fit `/tools/a/arguments`");
  EXPECT_EQ(told.steps[4].found, "`allow`");
  EXPECT_EQ(told.steps[5].found, "at most 2 in any 60 s, per grant and server; nothing is counted here");
  EXPECT_EQ(told.decision.verdict, Verdict::allow);
}

}  // namespace
}  // namespace callgate::policy::explain_test
