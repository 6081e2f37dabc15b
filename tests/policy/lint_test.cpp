#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/world.hpp"

namespace callgate::policy::lint_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view listed = R"json({"tools":[
  {"name":"read_mail","inputSchema":{"type":"object","properties":{"folder":{"type":"string"}}}},
  {"name":"read_file","inputSchema":{"type":"object"}},
  {"name":"pay","inputSchema":{"properties":{"amount":{"type":"number"},"in":{"enum":["eur","usd"]},"note":{"type":["string","null"]},"x":{}},"required":["amount"]}},
  {"name":"broken","inputSchema":{"properties":{"a":{"pattern":"(?=x)"}}}}]})json";

std::vector<std::string> lines(const std::vector<Error>& errors) {
  std::vector<std::string> out;
  for (const Error& error : errors) out.push_back(error.where + ": " + error.message);
  return out;
}

struct Row {
  const char* rules;
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
};

class AgainstTools : public testing::TestWithParam<Row> {};

TEST_P(AgainstTools, ThePolicyIsHeldAgainstTheList) {
  const ToolList list = tool_list(listed);
  const Loaded loaded = load(tools(GetParam().rules), "p", &list);
  EXPECT_EQ(lines(loaded.faults), GetParam().faults);
  EXPECT_EQ(lines(loaded.warnings), GetParam().warnings);
}

INSTANTIATE_TEST_SUITE_P(Policy, AgainstTools, testing::ValuesIn(std::vector<Row>{
    {"  read_mail: {action: allow}\n", {}, {}},
    {"  \"read_*\": {action: allow}\n", {}, {}},
    {"  read_mial: {action: allow}\n", {}, {"p:4:3: `read_mial` matches no listed tool; did you mean `read_mail`?"}},
    {"  \"write_*\": {action: allow}\n", {}, {"p:4:3: `write_*` matches no listed tool"}},
    {"  read_mail: {action: allow}\n  read_file: {action: allow}\n  \"read_*\": {action: deny}\n", {},
     {"p:6:3: `read_*` never decides: every listed tool that it matches has a nearer rule"}},
    {"  \"*mail\": {action: allow}\n  \"read*\": {action: deny}\n",
     {"p:5:3: `read*` and `*mail` (line 4) match the tool `read_mail` equally well: name the tool, or write more of it in one of them"}, {}},
    {"  \"*mail\": {action: allow}\n  \"read*\": {action: deny}\n  read_mail: {action: deny}\n", {},
     {"p:4:3: `*mail` never decides: every listed tool that it matches has a nearer rule"}},
    {"  read_mail: {action: allow, arguments: {properties: {foldr: {type: string}}}}\n", {},
     {"p:4:55: the tool `read_mail` has no argument `foldr`; did you mean `folder`?"}},
    {"  read_mail: {action: allow, arguments: {required: [x]}}\n", {}, {"p:4:41: the tool `read_mail` has no argument `x`"}},
    {"  read_file: {action: allow, arguments: {required: [x]}}\n", {}, {}},
    {"  pay: {action: allow, arguments: {properties: {amount: {type: string}, note: {type: integer}, x: {type: object}}}}\n", {},
     {"p:4:49: `amount` is a number for the tool and text here: every call is refused",
      "p:4:73: `note` is null or text for the tool and a number here: every call that holds it is refused"}},
    {"  pay: {action: allow, arguments: {properties: {amount: {const: five}}}}\n", {},
     {"p:4:49: `amount` is a number for the tool and text here: every call is refused"}},
    {"  pay: {action: allow, arguments: {properties: {in: {enum: [gbp]}}, required: [in]}}\n", {},
     {"p:4:49: `in` has a closed list of values in both, and no value is in both: every call is refused"}},
    {"  pay: {action: allow, arguments: {additionalProperties: false}}\n", {},
     {"p:4:35: the tool `pay` requires `amount`, which `additionalProperties: false` does not take: every call is refused"}},
    {"  pay: {action: allow, validate: false, arguments: {additionalProperties: false}}\n", {}, {}},
    {"  pay: {action: allow, arguments: {properties: {amount: {type: number, maximum: 5}, in: {enum: [usd, gbp]}, note: {const: null}}, additionalProperties: false}}\n", {}, {}},
    {"  \"pa*\": {action: allow, arguments: {properties: {amount: {type: string}}}}\n", {}, {}},
    {"  broken: {action: deny}\n", {}, {}},
    {"  broken: {action: allow, validate: false}\n", {}, {}}}));

TEST(AgainstTools, AnUnusableSchemaOfTheToolIsAWarning) {
  const ToolList list = tool_list(listed);
  const Loaded loaded = load(tools("  broken: {action: allow}\n"), "p", &list);
  ASSERT_EQ(loaded.warnings.size(), 1u);
  EXPECT_EQ(loaded.warnings[0].where, "p:4:3");
  EXPECT_THAT(loaded.warnings[0].message, testing::StartsWith("every call of `broken` ends as a fault"));
}

TEST(AgainstTools, TheFileMayBeAnything) {
  const ToolList list = tool_list(listed);
  for (const char* text : {"", "x", "[]", "tools: 5", "tools: {read_mail: 1}", "tools: {read_mail: {arguments: {properties: {a: 1}}}}"}) {
    EXPECT_FALSE(load(text, "p", &list).faults.empty()) << text;
  }
}

struct ListRow {
  const char* json;
  const char* message;
};

class BadLists : public testing::TestWithParam<ListRow> {};

TEST_P(BadLists, AreRefused) {
  const auto list = ToolList::parse(GetParam().json);
  ASSERT_FALSE(list);
  EXPECT_THAT(list.error().message, testing::HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(ToolList, BadLists, testing::ValuesIn(std::vector<ListRow>{
    {"", "not JSON"}, {"5", "no `tools` in it"}, {"[7]", "no tool of the list has a name"}, {"{}", "no `tools` in it"}, {R"({"tools":{}})", "no `tools` in it"},
    {R"({"tools":[{}]})", "no tool of the list has a name"}, {R"({"tools":["a"]})", "no tool of the list has a name"},
    {R"({"tools":[{"name":""}]})", "no tool of the list has a name"},
    {R"({"tools":[],"tools":[]})", "not JSON"}}));

TEST(ToolList, LeavesOutWhatTheGateKnowsNoToolByAndSaysSo) {
  const ToolList list = tool_list(R"({"tools":[{"name":"a"},{"name":""},{"name":"b"},{"name":5},7,{"name":"b"},{"name":"c"}]})");
  ASSERT_EQ(list.tools().size(), 2U);
  EXPECT_EQ(list.facts("a").state, ToolFacts::State::known);
  EXPECT_EQ(list.facts("b").state, ToolFacts::State::unknown);
  EXPECT_EQ(list.facts("c").state, ToolFacts::State::known);
  EXPECT_THAT(list.left_out(), testing::ElementsAre(testing::HasSubstr("entry 2 of the list has no name"), testing::HasSubstr("tool `b` is in the list 2 times"),
                                                    testing::HasSubstr("entry 4 of the list"), testing::HasSubstr("entry 5 of the list")));
}

TEST(ToolList, IsReadInFourForms) {
  for (const char* json : {R"({"server":"s","tools":[{"name":"a"}]})", R"({"tools":[{"name":"a"}],"nextCursor":"x"})",
                           R"({"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a"}]}})", R"([{"name":"a"}])"}) {
    const ToolList list = tool_list(json);
    ASSERT_EQ(list.tools().size(), 1u);
    EXPECT_EQ(list.facts("a").state, ToolFacts::State::known);
    EXPECT_EQ(list.facts("b").state, ToolFacts::State::unknown);
  }
}

/// Conditions of `everywhere` are asked for calls that have no arguments, too.
struct EverywhereRow {
  const char* rest;       ///< of the policy, from its third line on
  std::vector<std::string> warnings;
};

class EverywhereConditions : public testing::TestWithParam<EverywhereRow> {};

TEST_P(EverywhereConditions, AskWhetherAnArgumentIsThere) {
  const Loaded loaded = load("callgate: 1\n" + std::string(GetParam().rest), "p");
  EXPECT_THAT(lines(loaded.faults), IsEmpty());
  EXPECT_EQ(lines(loaded.warnings), GetParam().warnings);
}

INSTANTIATE_TEST_SUITE_P(Policy, EverywhereConditions, testing::ValuesIn(std::vector<EverywhereRow>{
    {"default: allow\neverywhere:\n  cases:\n    - {when: args.amount > 500, action: deny}\n",
     {"p:5:14: `everywhere` is asked for resources, prompts and whatever else `default` lets pass too, which end as a fault without `args.amount`: "
      "write `has(args.amount) && args.amount > 500`"}},
    {"default: deny\nresources: {\"x:*\": {action: allow}}\neverywhere:\n  cases:\n    - {when: \"args.a == 1 || args.b == 2\", action: deny}\n",
     {"p:6:15: `everywhere` is asked for resources too, which end as a fault without `args.a`: "
      "write `has(args.a) && has(args.b) && (args.a == 1 || args.b == 2)`"}},
    {"default: deny\nprompts: {\"*\": {action: require_approval}}\neverywhere:\n  cases:\n    - when: |\n        args.a\n        == 1\n      action: deny\n",
     {"p:7:9: `everywhere` is asked for prompts too, which end as a fault without `args.a`: write `has(args.a) && (…)`"}},
    // Nothing without arguments passes, or the question is there, or it is for tools alone.
    {"default: deny\nresources: {\"x:*\": {action: deny}}\neverywhere:\n  cases:\n    - {when: args.amount > 500, action: deny}\n", {}},
    {"default: allow\neverywhere:\n  cases:\n    - {when: has(args.amount) && args.amount > 500, action: deny}\n", {}},
    {"default: allow\neverywhere:\n  cases:\n    - {when: tool.name == \"pay\" && args.amount > 500, action: deny}\n", {}},
    {"default: allow\neverywhere:\n  cases:\n    - {when: \"!has(args.a)\", action: deny}\n    - {when: args.a > 500, action: deny}\n", {}},
}), [](const auto& row) { return std::to_string(row.index); });

TEST(EverywhereLint, WhatItSuggestsIsRight) {
  const std::string before = "callgate: 1\ndefault: allow\neverywhere: {cases: [{when: args.amount > 500, action: deny}]}\n";
  const std::string after = "callgate: 1\ndefault: allow\neverywhere: {cases: [{when: has(args.amount) && args.amount > 500, action: deny}]}\n";
  EXPECT_EQ(judge(before, R"({"resource":"x:a"})").verdict, Verdict::fault);
  EXPECT_EQ(judge(after, R"({"resource":"x:a"})").verdict, Verdict::allow);
  EXPECT_EQ(judge(after, R"({"tool":"pay","arguments":{"amount":501}})").verdict, Verdict::deny);
}

}  // namespace
}  // namespace callgate::policy::lint_test
