#include "policy/expect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "policy/world.hpp"

namespace callgate::policy::expect_test {
namespace {

using testing::HasSubstr;

constexpr std::string_view base = R"(callgate: 1
default: deny
tools:
  a: {action: allow, arguments: {required: [x]}}
  never: {action: require_approval, rate_limit: [{max: 5, window: 1m}, {max: 0, window: 1m}]}
)";

struct Row {
  const char* expectation;
  const char* message;  ///< empty: it holds
};

class Expectations : public testing::TestWithParam<Row> {};

TEST_P(Expectations, HoldOrSayWhatCameInstead) {
  const Loaded loaded = load(std::string(base) + "expect: [" + GetParam().expectation + "]\n", "p");
  ASSERT_TRUE(loaded.faults.empty()) << loaded.faults[0].message;
  const Outcome outcome = run(*loaded.policy, loaded.expectations.at(0), nullptr);
  EXPECT_EQ(outcome.held, std::string_view(GetParam().message).empty());
  EXPECT_THAT(outcome.message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(Policy, Expectations, testing::ValuesIn(std::vector<Row>{
    {"{call: {tool: a, arguments: {x: 1}}, verdict: allow}", ""},
    {"{call: {tool: a, arguments: {x: 1}}, verdict: allow, rule: /tools/a}", ""},
    {"{call: {tool: a}, verdict: invalid_arguments, rule: /tools/a/arguments}", ""},
    {"{call: {tool: b}, verdict: deny, rule: /default}", ""},
    {"{call: {resource: \"file:///x\"}, verdict: deny}", ""},
    {"{call: {resource: \"file:///%00\"}, verdict: invalid_arguments, rule: \"\"}", ""},
    {"{call: {tool: never}, verdict: rate_limited, rule: /tools/never/rate_limit/1}", ""},
    {"{call: {tool: a}, verdict: allow}",
     "expected `allow`, the policy says `invalid_arguments` by `/tools/a/arguments`: argument `/x` is missing, the policy requires it"},
    {"{call: {tool: b}, verdict: deny, rule: /tools/b}", "expected `deny` by `/tools/b`, the policy says `deny` by `/default`"},
    {"{call: {tool: b}, verdict: deny, rule: \"\"}", "expected `deny` by no rule, the policy says `deny` by `/default`"}}));

/// What a gate may refuse a file for, whose list of tools it has not read yet.
struct BrokenRow {
  const char* rules;
  const char* expectation;
  bool broken;
};

class Broken : public testing::TestWithParam<BrokenRow> {};

TEST_P(Broken, IsATestThatNoListOfToolsCouldMend) {
  const Loaded loaded = load("callgate: 1\ndefault: deny\n" + std::string(GetParam().rules) + "\nexpect: [" + GetParam().expectation + "]\n", "p");
  ASSERT_TRUE(loaded.faults.empty()) << loaded.faults[0].message;
  const std::vector<Error> faults = broken(*loaded.policy, loaded.expectations);
  ASSERT_EQ(faults.size(), GetParam().broken ? 1U : 0U);
  if (!GetParam().broken) return;
  const auto lines = 4 + std::ranges::count(std::string_view(GetParam().rules), '\n');
  EXPECT_EQ(faults[0].where, "p:" + std::to_string(lines) + ":10");
  EXPECT_THAT(faults[0].message, HasSubstr("its own test does not hold, "));
}

INSTANTIATE_TEST_SUITE_P(Policy, Broken, testing::ValuesIn(std::vector<BrokenRow>{
    {"tools: {a: {action: allow}}", "{call: {tool: a}, verdict: allow}", false},
    {"tools: {a: {action: allow}}", "{call: {tool: a}, verdict: deny}", true},
    {"tools: {a: {action: allow}}", "{call: {tool: a}, verdict: allow, rule: /default}", true},
    {"tools: {a: {action: allow}}", "{call: {prompt: a}, verdict: allow}", true},
    {"tools: {a: {action: allow}}", "{call: {resource: \"x:a\"}, verdict: unknown_tool}", true},
    // The server may have no such tool, or another definition of it.
    {"tools: {a: {action: allow}}", "{call: {tool: a}, verdict: unknown_tool}", false},
    {"tools: {a: {action: allow}}", "{call: {tool: a}, verdict: quarantined}", false},
    {"tools: {a: {action: allow}}", "{call: {tool: a}, verdict: unknown_tool, rule: /tools/a}", true},
    // Its own schema may refuse them, unless nothing asks it.
    {"tools: {a: {action: allow}}", "{call: {tool: a}, verdict: invalid_arguments}", false},
    {"tools: {a: {action: allow}}", "{call: {tool: a}, verdict: invalid_arguments, rule: \"\"}", false},
    {"tools: {a: {action: allow}}", "{call: {tool: a}, verdict: invalid_arguments, rule: /tools/a/arguments}", true},
    {"tools: {a: {action: allow}}", "{call: {tool: a}, verdict: fault}", false},
    {"tools: {a: {action: allow, validate: false}}", "{call: {tool: a}, verdict: invalid_arguments}", true},
    {"tools: {a: {action: deny}}", "{call: {tool: a}, verdict: invalid_arguments}", true},
    {"tools: {a: {action: hide}}", "{call: {tool: a}, verdict: invalid_arguments}", true},
    // What it is, nobody knows without its definition.
    {"classes: {Read: {action: allow}}", "{call: {tool: a}, verdict: allow}", false},
    {"classes: {Read: {action: allow}}\ntools: {a: {action: deny}}", "{call: {tool: a}, verdict: allow}", true},
    {"tools: {a: {action: allow, cases: [{when: tool.risk == \"Low\", action: deny}]}}", "{call: {tool: a}, verdict: deny}", false},
    {"tools: {a: {action: allow, cases: [{when: tool.category == \"Read\", action: deny}]}}", "{call: {tool: a}, verdict: deny}", false},
    {"tools: {a: {action: allow, cases: [{when: tool.server == \"s\", action: deny}]}}", "{call: {tool: a}, verdict: deny}", false},
    {"tools: {a: {action: allow, cases: [{when: tool.name == \"b\", action: deny}]}}", "{call: {tool: a}, verdict: deny}", true},
    {"tools: {a: {action: allow}}\neverywhere: {cases: [{when: tool.risk == \"Low\", action: deny}]}", "{call: {tool: a}, verdict: deny}", false},
}), [](const auto& row) { return std::to_string(row.index); });

TEST(Expect, WhatDependsOnTheToolsSaysSo) {
  const Loaded loaded = load("callgate: 1\ndefault: deny\nclasses: {Read: {action: allow}}\nexpect: [{call: {tool: a}, verdict: allow}]\n", "p");
  const Outcome outcome = run(*loaded.policy, loaded.expectations.at(0), nullptr);
  EXPECT_TRUE(outcome.depends_on_tools);
  EXPECT_THAT(outcome.message, HasSubstr("that depends on the server's tools: give them by `--tools FILE` or `--server NAME`"));
  const ToolList list = tool_list(R"({"tools":[{"name":"a"}]})");
  EXPECT_FALSE(run(*loaded.policy, loaded.expectations.at(0), &list).depends_on_tools) << "they are given";
}

TEST(Expect, TheServerOfACallMayBeSaid) {
  const Loaded loaded = load("callgate: 1\ndefault: deny\ntools: {a: {action: allow, cases: [{when: tool.server == \"s\", action: deny}]}}\n"
                             "expect: [{call: {tool: a}, verdict: deny}]\n", "p");
  Expectation expectation = loaded.expectations.at(0);
  const Outcome unsaid = run(*loaded.policy, expectation, nullptr);
  EXPECT_EQ(unsaid.decision.verdict, Verdict::fault);
  EXPECT_THAT(unsaid.message, HasSubstr("that depends on `tool.server`: give it by `--name NAME`"));
  expectation.call.server = "s";
  EXPECT_TRUE(run(*loaded.policy, expectation, nullptr).held);
  expectation.call.server = "other";
  const Outcome other = run(*loaded.policy, expectation, nullptr);
  EXPECT_FALSE(other.held);
  EXPECT_FALSE(other.depends_on_tools);
  const ToolList list = tool_list(R"({"server":"other","tools":[{"name":"a"}]})");
  expectation.call.server = "s";
  EXPECT_TRUE(run(*loaded.policy, expectation, &list).held) << "over what the list says";
}

TEST(Expect, ToolsOutsideAListAreUnknown) {
  const ToolList list = tool_list(R"({"tools":[{"name":"a"}]})");
  const auto policy = loaded(base);
  EXPECT_EQ(judge_fresh(*policy, call(R"({"tool":"b"})"), &list).verdict, Verdict::unknown_tool);
  EXPECT_EQ(judge_fresh(*policy, call(R"({"tool":"a","arguments":{"x":1}})"), &list).verdict, Verdict::allow);
}

struct CallRow {
  const char* json;
  const char* message;
};

class BadCalls : public testing::TestWithParam<CallRow> {};

TEST_P(BadCalls, AreRefused) {
  const auto read = parse_call(GetParam().json);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(Policy, BadCalls, testing::ValuesIn(std::vector<CallRow>{
    {"", "the call is not JSON"}, {"{tool: a}", "the call is not JSON"}, {"[]", "has to be an object"}, {"{}", "names nothing"},
    {R"({"tool":""})", "`tool` of the call has to be a name"}, {R"({"tool":5})", "`tool` of the call has to be a name"},
    {R"({"tool":"a","prompt":"b"})", "a call names one thing"}, {R"({"tool":"a","args":{}})", "unknown member `args`"},
    {R"({"tool":"a","arguments":[]})", "`arguments` of the call has to be an object"},
    {R"({"tool":"a","arguments":null})", "`arguments` of the call has to be an object"},
    {R"({"resource":"a","arguments":{}})", "reading a resource takes none"},
    {R"({"tool":"a","arguments":{"x":1,"x":2}})", "the call is not JSON"}}));

TEST(Expect, CallsAreReadWhateverTheOrderOfTheirMembers) {
  const Call read = call(R"({"arguments":{"x":1},"prompt":"\u0061"})");
  EXPECT_EQ(read.action, Action::prompt_get);
  EXPECT_EQ(read.name, "a");
  ASSERT_NE(read.arguments, nullptr);
  EXPECT_EQ(read.arguments->root().text(), R"({"x":1})");
  EXPECT_EQ(call(R"({"resource":"x:y"})").action, Action::resource_read);
}

}  // namespace
}  // namespace callgate::policy::expect_test
