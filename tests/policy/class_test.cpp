#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/explain.hpp"
#include "policy/world.hpp"

namespace callgate::policy::class_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view classes = R"(callgate: 1
default: deny
tools:
  named: {action: allow}
classes:
  Read: {action: allow}
  Write: {action: allow, rate_limit: {max: 5, window: 1m}, reason: slowly}
  Execute: {action: require_approval}
  Destructive: {action: hide}
  "risk>=Medium": {action: allow, rate_limit: {max: 9, window: 1m}}
  "risk>=Critical": {action: deny, reason: nothing critical}
)";

/// Tools of every class, as a list would say them; `plain` is not classified.
ToolList list_of(std::string_view policy_server = "s") {
  const auto judge = [](std::span<const json::Value> definitions) {
    std::vector<ToolClass> out;
    for (const json::Value each : definitions) {
      ToolClass is;
      if (const auto risk = each.find("risk")) is.risk = static_cast<Risk>(*risk->as_int64());
      if (const auto category = each.find("category")) is.category = category_words[static_cast<std::size_t>(*category->as_int64())];
      out.push_back(is);
    }
    return out;
  };
  std::string text = R"({"server":")" + std::string(policy_server) + R"(","tools":[{"name":"plain"},{"name":"named","category":3,"risk":3})";
  for (int category = 0; category < 5; ++category) {
    for (int risk = 0; risk < 4; ++risk) {
      text += R"(,{"name":"c)" + std::to_string(category) + "r" + std::to_string(risk) + R"(","category":)" + std::to_string(category) + R"(,"risk":)" +
              std::to_string(risk) + "}";
    }
  }
  Result<ToolList> list = ToolList::parse(text + "]}", judge);
  if (!list) ADD_FAILURE() << list.error().message;
  return list.value_or(ToolList{});
}

struct Row {
  const char* tool;
  Verdict verdict;
  const char* rule;
  std::size_t limits = 0;
};

class ByClass : public testing::TestWithParam<Row> {};

TEST_P(ByClass, CategoryAndRiskAreLookedUpAndTheStricterStands) {
  const auto policy = loaded(classes);
  const ToolList list = list_of();
  const Decision decision = judge_fresh(*policy, call(R"({"tool":")" + std::string(GetParam().tool) + "\"}"), &list);
  EXPECT_EQ(word(decision.verdict), word(GetParam().verdict)) << decision.reason.view();
  EXPECT_EQ(decision.rule, GetParam().rule);
  EXPECT_EQ(decision.limits.size(), GetParam().limits) << "where both let pass, the limits of both count";
  EXPECT_EQ(policy->hides_tool(GetParam().tool, list.find(GetParam().tool)->is), GetParam().verdict == Verdict::hide);
}

INSTANTIATE_TEST_SUITE_P(Policy, ByClass, testing::ValuesIn(std::vector<Row>{
    {"named", Verdict::allow, "/tools/named", 0},
    {"c0r0", Verdict::allow, "/classes/Read", 0}, {"c0r1", Verdict::allow, "/classes/Read", 1}, {"c0r3", Verdict::deny, "/classes/risk>=Critical", 0},
    {"c1r0", Verdict::allow, "/classes/Write", 1}, {"c1r2", Verdict::allow, "/classes/Write", 2}, {"c1r3", Verdict::deny, "/classes/risk>=Critical", 0},
    {"c2r0", Verdict::require_approval, "/classes/Execute", 0}, {"c2r2", Verdict::require_approval, "/classes/Execute", 1},
    {"c3r0", Verdict::hide, "/classes/Destructive", 0}, {"c3r3", Verdict::hide, "/classes/Destructive", 0},
    // Financial has no rule here: the risk alone, or the default.
    {"c4r0", Verdict::deny, "/default", 0}, {"c4r1", Verdict::allow, "/classes/risk>=Medium", 1}, {"c4r3", Verdict::deny, "/classes/risk>=Critical", 0},
    // Nobody said what it is: risk High, no category.
    {"plain", Verdict::allow, "/classes/risk>=Medium", 1}}));

TEST(Classes, WithoutAListEveryToolCountsAsHigh) {
  EXPECT_EQ(judge(classes, R"({"tool":"anything"})").rule, "/classes/risk>=Medium");
}

TEST(Classes, TheirCasesAndArgumentsCountToo) {
  const auto policy = loaded(R"(callgate: 1
default: deny
classes:
  Write:
    action: allow
    arguments: {required: [id]}
    cases: [{when: args.id == 0, action: deny}]
  "risk>=High":
    action: require_approval
    cases: [{when: tool.category == "Write" && args.id == 1, action: allow}]
)");
  const ToolList list = list_of();
  const auto rule = [&](const char* text) {
    const Decision decision = judge_fresh(*policy, call(text), &list);
    return std::string(word(decision.verdict)) + " " + std::string(decision.rule);
  };
  EXPECT_EQ(rule(R"({"tool":"c1r0"})"), "invalid_arguments /classes/Write/arguments");
  EXPECT_EQ(rule(R"({"tool":"c1r0","arguments":{"id":0}})"), "deny /classes/Write/cases/0");
  EXPECT_EQ(rule(R"({"tool":"c1r0","arguments":{"id":2}})"), "allow /classes/Write");
  EXPECT_EQ(rule(R"({"tool":"c1r2","arguments":{"id":2}})"), "require_approval /classes/risk>=High");
  EXPECT_EQ(rule(R"({"tool":"c1r2","arguments":{"id":1}})"), "allow /classes/Write");
  EXPECT_EQ(rule(R"({"tool":"c1r2","arguments":{"id":0}})"), "deny /classes/Write/cases/0");
}

TEST(Classes, ExpectationsKnowThemWhereAListIsGiven) {
  const ToolList list = list_of();
  const Loaded read = load(std::string(classes) + "expect:\n  - {call: {tool: c3r0}, verdict: hide, rule: /classes/Destructive}\n", "p", &list);
  ASSERT_NE(read.policy, nullptr);
  EXPECT_TRUE(run(*read.policy, read.expectations[0], &list).held);
  EXPECT_FALSE(run(*read.policy, read.expectations[0], nullptr).held);
}

TEST(Classes, AreExplained) {
  const ToolList list = list_of();
  const Explanation told = explain(*kept(classes), call(R"({"tool":"c1r3"})"), &list);
  EXPECT_EQ(told.deciding_rule, "/classes/risk>=Critical");
  EXPECT_EQ(told.line, 11);
  EXPECT_THAT(told.steps[1].found, HasSubstr("rules `/classes/Write` and `/classes/risk>=Critical` speak of it"));
}

std::vector<std::string> lines(const std::vector<Error>& errors) {
  std::vector<std::string> out;
  for (const Error& error : errors) out.push_back(error.where + ": " + error.message);
  return out;
}

TEST(Classes, MisspeltOnesAreRefused) {
  const auto faults = [](const char* text) { return lines(load("callgate: 1\ndefault: deny\n" + std::string(text), "p").faults); };
  EXPECT_THAT(faults("classes: {read: {action: allow}}"), ElementsAre("p:3:11: `read` is no class; did you mean `Read`?"));
  EXPECT_THAT(faults("classes: {\"risk>High\": {action: allow}}"), ElementsAre("p:3:11: `risk>High` is no class; did you mean `risk>=High`?"));
  EXPECT_THAT(faults("classes: {Anything: {action: allow}}"),
              ElementsAre("p:3:11: `Anything` is no class: write `Read`, `Write`, `Execute`, `Destructive` or `Financial`, or `risk>=` with `Low`, `Medium`, `High` or `Critical`"));
  EXPECT_THAT(faults("classes: {Read: {action: alow}}"), ElementsAre("p:3:26: `action` is `alow`; did you mean `allow`?"));
}

TEST(Classes, ThatHoldNoListedToolAreWarnedOf) {
  const ToolList list = tool_list(R"({"tools":[{"name":"a"}]})");
  const Loaded read = load("callgate: 1\ndefault: deny\nclasses:\n  Read: {action: allow}\n  \"risk>=High\": {action: deny}\n", "p", &list);
  EXPECT_THAT(lines(read.warnings), ElementsAre("p:4:3: `Read` decides for no listed tool"));
}

constexpr std::string_view everywhere = R"(callgate: 1
default: deny
tools:
  open: {action: allow, rate_limit: {max: 5, window: 1m}}
  asks: {action: require_approval, reason: the rule asks}
  closed: {action: deny}
  checked: {action: allow, arguments: {required: [id]}}
everywhere:
  rate_limit: {max: 600, window: 1h}
  cases:
    - {when: has(args.amount) && args.amount > 500, action: require_approval, reason: large}
    - {when: has(args.bad) && args.bad, action: deny, reason: bad}
    - {when: has(args.slow), action: allow, rate_limit: {max: 1, window: 1m}}
resources:
  "doc://*": {action: allow}
)";

class Everywhere : public testing::TestWithParam<Row> {};

TEST_P(Everywhere, OnlyTightens) {
  const Decision decision = judge(everywhere, GetParam().tool);
  EXPECT_EQ(word(decision.verdict), word(GetParam().verdict)) << decision.reason.view();
  EXPECT_EQ(decision.rule, GetParam().rule);
  EXPECT_EQ(decision.limits.size(), GetParam().limits);
}

INSTANTIATE_TEST_SUITE_P(Policy, Everywhere, testing::ValuesIn(std::vector<Row>{
    {R"({"tool":"open"})", Verdict::allow, "/tools/open", 2},
    {R"({"tool":"open","arguments":{"amount":501}})", Verdict::require_approval, "/everywhere/cases/0", 2},
    {R"({"tool":"open","arguments":{"bad":true}})", Verdict::deny, "/everywhere/cases/1", 0},
    {R"({"tool":"open","arguments":{"bad":5}})", Verdict::fault, "/everywhere/cases/1", 0},
    {R"({"tool":"open","arguments":{"slow":1}})", Verdict::allow, "/tools/open", 3},
    {R"({"tool":"open","arguments":{"bad":false,"BAD":true}})", Verdict::invalid_arguments, "/everywhere/cases/0", 0},
    // On a tie the rule is reported; what denies stays denied.
    {R"({"tool":"asks","arguments":{"amount":501}})", Verdict::require_approval, "/tools/asks", 1},
    {R"({"tool":"asks","arguments":{"bad":true}})", Verdict::deny, "/everywhere/cases/1", 0},
    {R"({"tool":"closed","arguments":{"slow":1}})", Verdict::deny, "/tools/closed", 0},
    {R"({"tool":"other","arguments":{"slow":1}})", Verdict::deny, "/default", 0},
    {R"({"tool":"checked","arguments":{"bad":true}})", Verdict::deny, "/everywhere/cases/1", 0},
    {R"({"tool":"checked","arguments":{"amount":501}})", Verdict::invalid_arguments, "/tools/checked/arguments", 0},
    // Its limits count for resources and prompts too, and so do its cases: those of `args` find none here.
    {R"({"resource":"doc://a"})", Verdict::allow, "/resources/doc:~1~1*", 1}}));

constexpr std::string_view everywhere_of_all = R"(callgate: 1
default: allow
prompts:
  asks: {action: require_approval}
everywhere:
  cases:
    - {when: tool.risk == "High", action: require_approval, reason: risky}
    - {when: has(args.stop), action: deny, reason: stop}
    - {when: has(args.n) && args.n > 5, action: require_approval, reason: many}
)";

class EverywhereOfAll : public testing::TestWithParam<Row> {};

TEST_P(EverywhereOfAll, JudgesResourcesAndPromptsByWhatSpeaksOfThem) {
  const Decision decision = judge(everywhere_of_all, GetParam().tool);
  EXPECT_EQ(word(decision.verdict), word(GetParam().verdict)) << decision.reason.view();
  EXPECT_EQ(decision.rule, GetParam().rule);
}

INSTANTIATE_TEST_SUITE_P(Policy, EverywhereOfAll, testing::ValuesIn(std::vector<Row>{
    {R"({"tool":"a"})", Verdict::require_approval, "/everywhere/cases/0", 0},
    {R"({"resource":"doc://a"})", Verdict::allow, "/default", 0},
    {R"({"prompt":"p"})", Verdict::allow, "/default", 0},
    {R"({"prompt":"p","arguments":{"stop":"x"}})", Verdict::deny, "/everywhere/cases/1", 0},
    {R"({"prompt":"p","arguments":{"n":6}})", Verdict::require_approval, "/everywhere/cases/2", 0},
    {R"({"prompt":"p","arguments":{"n":"6"}})", Verdict::fault, "/everywhere/cases/2", 0},
    {R"({"prompt":"asks","arguments":{"stop":"x"}})", Verdict::deny, "/everywhere/cases/1", 0},
    {R"({"prompt":"p","arguments":{"stop":"x","STOP":"y"}})", Verdict::invalid_arguments, "/everywhere/cases/1", 0}}));

TEST(EverywhereOfAll, ClosesTheHouse) {
  const auto policy = loaded("callgate: 1\ndefault: allow\neverywhere: {cases: [{when: 'true', action: deny, reason: closed today}]}\n");
  EXPECT_EQ(judge(*policy, R"({"tool":"a"})").reason, "closed today");
  for (const Action action : {Action::resource_read, Action::resource_subscribe, Action::prompt_get, Action::prompt_complete, Action::other}) {
    const Decision decision = policy->judge({.action = action, .name = "doc://a"});
    EXPECT_EQ(decision.verdict, Verdict::deny);
    EXPECT_EQ(decision.reason, "closed today");
  }
}

TEST(EverywhereOfAll, IsExplained) {
  const Explanation told = explain(*kept(everywhere_of_all), call(R"({"prompt":"p","arguments":{"stop":"x"}})"), nullptr);
  EXPECT_EQ(told.deciding_rule, "/everywhere");
  EXPECT_EQ(told.line, 8);
  EXPECT_THAT(told.steps[4].details, ElementsAre(HasSubstr("`/everywhere/cases/0` (line 7): speaks of tools only"), HasSubstr("true"), HasSubstr("not reached")));
}

TEST(EverywhereLimits, StayAliveWithTheDecisionThatJoinedThem) {
  Decision copy;
  const auto policy = loaded(everywhere);
  {
    const Decision decision = judge(*policy, R"({"tool":"open","arguments":{"slow":1}})");
    copy = stricter(decision, judge(*policy, R"({"tool":"open","arguments":{"slow":1}})"));
  }
  ASSERT_EQ(copy.limits.size(), 3u);
  EXPECT_EQ(copy.limits[0]->pointer, "/tools/open/rate_limit");
  EXPECT_EQ(copy.limits[1]->pointer, "/everywhere/rate_limit");
  EXPECT_EQ(copy.limits[2]->pointer, "/everywhere/cases/2/rate_limit");
  EXPECT_EQ(copy.grant_limits.size(), 3u);
}

/// Security requirement S20: where two rules ask, an answer is to both.
TEST(EverywhereApprovals, AreJoinedWithThoseOfTheRule) {
  const auto asked = [](std::string_view of_everywhere) {
    const auto policy = loaded(fmt::format("callgate: 1\ndefault: deny\ntools:\n  a: {{action: require_approval, approval: {{timeout: 15m, self: true}}}}\neverywhere:\n  cases:\n    - {}\n", of_everywhere));
    const Decision decision = judge(*policy, R"({"tool":"a","arguments":{"n":1}})");
    EXPECT_EQ(decision.rule, "/tools/a");
    return *decision.approval;
  };
  const ApprovalRule alone = asked("{when: has(args.m), action: require_approval}");
  const ApprovalRule both = asked("{when: has(args.n), action: require_approval, approval: {timeout: 5m}}");
  const ApprovalRule other = asked("{when: has(args.n) && args.n < 9, action: require_approval, approval: {timeout: 5m}}");
  EXPECT_EQ(alone.timeout, std::chrono::minutes(15));
  EXPECT_TRUE(alone.self);
  EXPECT_EQ(both.timeout, std::chrono::minutes(5));
  EXPECT_FALSE(both.self);
  EXPECT_NE(both.rule_digest, alone.rule_digest);
  EXPECT_NE(both.rule_digest, other.rule_digest);
  EXPECT_EQ(both.rule_digest, asked("{when: has(args.n), action: require_approval, approval: {timeout: 5m}}").rule_digest);
}

TEST(EverywhereLimits, AreExplained) {
  const Explanation told = explain(*kept(everywhere), call(R"({"tool":"open","arguments":{"bad":true}})"), nullptr);
  EXPECT_EQ(told.deciding_rule, "/everywhere");
  EXPECT_EQ(told.line, 12);
  EXPECT_THAT(told.steps[4].details, ElementsAre(HasSubstr("`/everywhere/cases/0` (line 11): false: `has(args.amount)` is false"), HasSubstr("true"), HasSubstr("not reached")));
}

}  // namespace
}  // namespace callgate::policy::class_test
