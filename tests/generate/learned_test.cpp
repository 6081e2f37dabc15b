#include "generate/learned.hpp"

#include <gmock/gmock.h>

#include "generate/world.hpp"

namespace callgate::generate::learned_test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using Kind = SeenShape::Kind;

constexpr std::string_view tools = R"([
  {"name":"add_note","description":"Add a note.","inputSchema":{"type":"object","properties":{
    "count":{"type":"integer"},"share":{"type":"number","maximum":10},"text":{"type":"string","description":"At most 20 characters"},"id":{"type":"string"},
    "tags":{"type":"array","items":{"type":"string"}},"loose":{},"shown":{"type":"boolean"},"size":{"type":"integer","default":5000},
    "kind":{"enum":["a","b"]},"where":{"type":"object","properties":{"row":{"type":"integer"},"name":{"type":"string"}},"required":["name"]}}}}])";

SeenShape number(std::string pointer, std::int64_t least, std::int64_t most, Kind kind = Kind::integer) {
  return {.pointer = std::move(pointer), .kind = kind, .bucket = {least, most}};
}
SeenShape text(std::string pointer, std::int64_t least, std::int64_t most, Letters letters = Letters::any) {
  return {.pointer = std::move(pointer), .kind = Kind::string, .bucket = {least, most}, .letters = letters};
}
SeenShape list(std::int64_t most) { return {.pointer = "/tags", .kind = Kind::array, .bucket = {0, most}}; }
SeenShape object(bool more = false) { return {.pointer = "/where", .kind = Kind::object, .more = more}; }

/// As many calls that all have these shapes.
std::vector<RecordedCall> calls_with(const std::vector<SeenShape>& shapes, std::size_t count = enough_calls) {
  RecordedCall call{.tool = "add_note", .session = "s", .shapes = shapes};
  for (const SeenShape& each : shapes) {
    const std::string name = each.pointer.substr(1, each.pointer.find('/', 1) - 1);
    if (std::ranges::find(call.arguments, name) == call.arguments.end()) call.arguments.push_back(name);
  }
  return std::vector<RecordedCall>(count, call);
}

struct LearnRanges : testing::Test {
  /// The policy for these calls, which holds its own tests.
  std::string learn(std::vector<RecordedCall> calls, const std::vector<RecordedCall>& more = {}) {
    calls.insert(calls.end(), more.begin(), more.end());
    Learned made = learn_policy("shop", world.definitions, world.classes, seen_tools(calls));
    changes = std::move(made.changes);
    EXPECT_EQ(world.faults_of(made.policy.text), "") << made.policy.text;
    return made.policy.text;
  }
  World world{tools};
  std::vector<std::string> changes;
};

TEST_F(LearnRanges, ANumberMayBeTwiceAsLargeAsTheLargestThatWasSent) {
  const std::string policy = learn(calls_with({number("/count", 200, 500)}), calls_with({number("/count", 0, 10)}));
  EXPECT_THAT(policy, HasSubstr("# learned from 40 calls, which had 0 to 500: here with room\n        count: {type: integer, minimum: 0, maximum: 1000}"));
  EXPECT_THAT(policy, HasSubstr("{tool: add_note, arguments: {count: 1001}}, verdict: invalid_arguments"));
  EXPECT_THAT(changes, Contains(HasSubstr("count: 0 to 1000")));
}

TEST_F(LearnRanges, NegativeNumbersHaveRoomToo) {
  EXPECT_THAT(learn(calls_with({number("/count", -20, -10)})), HasSubstr("count: {type: integer, minimum: -40, maximum: 0}"));
}

TEST_F(LearnRanges, ABoundOfTheSchemaThatIsNarrowerStands) {
  EXPECT_THAT(learn(calls_with({number("/share", 5, 10, Kind::number)})), HasSubstr("share: {type: number, minimum: 0}"));
  EXPECT_THAT(learn(calls_with({number("/share", 0, 1, Kind::number)})), HasSubstr("share: {type: number, minimum: 0, maximum: 3}"));
}

TEST_F(LearnRanges, TheDefaultOfTheToolStaysAllowed) { EXPECT_THAT(learn(calls_with({number("/size", 0, 10)})), HasSubstr("size: {type: integer, minimum: 0, maximum: 5000}")); }

TEST_F(LearnRanges, AnOpenSideHasNoBound) {
  EXPECT_THAT(learn(calls_with({{.pointer = "/count", .kind = Kind::integer, .bucket = {1'000'000'000'000'000, std::nullopt}}})), HasSubstr("count: {type: integer, minimum: 0}"));
}

TEST_F(LearnRanges, TextsHaveALengthAndNarrowOnesTheirCharacters) {
  EXPECT_THAT(learn(calls_with({text("/id", 9, 16, Letters::identifier)})), HasSubstr("which had at most 16 characters of [A-Za-z0-9_-]: here with room\n        id: {type: string, maxLength: 35, pattern: "));
  EXPECT_THAT(learn(calls_with({text("/id", 9, 16, Letters::identifier)}), calls_with({text("/id", 0, 8, Letters::path)}, 1)), HasSubstr("id: {type: string, maxLength: 35}"));
  EXPECT_THAT(learn(calls_with({text("/id", 0, 8, Letters::digits)}), calls_with({text("/id", 0, 8, Letters::hex)}, 1)), HasSubstr("pattern: \"^[0-9A-Fa-f]*$\""));
}

TEST_F(LearnRanges, WhatTheDescriptionStatesStandsUnlessACallMayHaveBrokenIt) {
  EXPECT_THAT(learn(calls_with({text("/text", 9, 16)})), HasSubstr("text: {type: string, maxLength: 20}"));
  EXPECT_THAT(learn(calls_with({text("/text", 17, 32)})), HasSubstr("text: {type: string, maxLength: 65}"));
  EXPECT_THAT(learn(calls_with({text("/text", 17, 32)}, 1)), Not(HasSubstr("maxLength")));
}

TEST_F(LearnRanges, ListsHaveANumberOfElements) {
  EXPECT_THAT(learn(calls_with({list(4)})), HasSubstr("tags: {type: array, maxItems: 8}"));
  EXPECT_THAT(learn(calls_with({list(128)})), HasSubstr("tags: {type: array, maxItems: 260}")) << "more than our own bound was sent";
  EXPECT_THAT(learn(calls_with({list(4)}, 2)), HasSubstr("tags: {type: array, maxItems: 64}")) << "our own bound takes them";
  EXPECT_THAT(learn(calls_with({list(128)}, 2)), Not(HasSubstr("maxItems")));
}

TEST_F(LearnRanges, MembersOfAnObjectAreLearnedWhereAllOfThemAreTold) {
  const std::vector<SeenShape> told{number("/where/row", 10, 20), text("/where/name", 0, 8), object()};
  EXPECT_THAT(learn(calls_with(told)), HasSubstr("where: {type: object, properties: {row: {type: integer, minimum: 0, maximum: 40}, name: {type: string, maxLength: 16}}}"));
  EXPECT_THAT(learn(calls_with(told), calls_with({object(true)}, 1)), Not(HasSubstr("row:")));
}

TEST_F(LearnRanges, WhatTheSchemaDoesNotTypeIsTypedByTheCalls) {
  EXPECT_THAT(learn(calls_with({number("/loose", 0, 10)})), HasSubstr("loose: {type: number, minimum: 0, maximum: 20}"));
  EXPECT_THAT(learn(calls_with({number("/loose", 0, 10)}), calls_with({text("/loose", 0, 8)}, 1)), HasSubstr("loose: true"));
}

TEST_F(LearnRanges, NullStaysAllowedWhereItWasSent) {
  EXPECT_THAT(learn(calls_with({number("/count", 0, 10)}), calls_with({{.pointer = "/count"}}, 1)), HasSubstr(R"(count: {type: [integer, "null"], minimum: 0, maximum: 20})"));
}

TEST_F(LearnRanges, BooleansAndClosedListsStayAsTheyAre) {
  const std::string policy = learn(calls_with({{.pointer = "/shown", .kind = Kind::boolean}, {.pointer = "/kind", .kind = Kind::string, .type_only = true}}));
  EXPECT_THAT(policy, HasSubstr("shown: true\n        kind: true"));
  EXPECT_THAT(policy, Not(HasSubstr("# learned from")));
}

TEST_F(LearnRanges, TooFewCallsTeachNothingAndTheRuleSaysSo) {
  const std::string policy = learn(calls_with({number("/count", 0, 10), text("/id", 0, 8)}, enough_calls - 1));
  EXPECT_THAT(policy, HasSubstr("# no range learned yet, 20 calls with it are needed: `count` (19), `id` (19)"));
  EXPECT_THAT(policy, Not(HasSubstr("# learned from")));
}

TEST_F(LearnRanges, AnArgumentThatOneRecordDoesNotTellIsNotLearned) {
  RecordedCall untold{.tool = "add_note", .session = "s", .arguments = {"count"}, .shapes = std::vector<SeenShape>{}};
  EXPECT_THAT(learn(calls_with({number("/count", 0, 10)}), {untold}), Not(HasSubstr("maximum")));
  untold.arguments.clear();
  untold.all_named = false;
  const std::string policy = learn(calls_with({number("/count", 0, 10)}), {untold});
  EXPECT_THAT(policy, Not(HasSubstr("maximum")));
  EXPECT_THAT(policy, Not(HasSubstr("additionalProperties"))) << "nor is it known which arguments were never sent";
}

TEST_F(LearnRanges, ArgumentsThatTheSchemaDoesNotNameAreNotShutOut) {
  const std::string policy = learn({{.tool = "add_note", .session = "s", .arguments = {"count", "other"}}});
  EXPECT_THAT(policy, Not(HasSubstr("additionalProperties")));
}

TEST_F(LearnRanges, WithoutShapesTheHeadingSaysWhatTheyNeed) {
  EXPECT_THAT(learn({{.tool = "add_note", .session = "s", .arguments = {"count"}}}), HasSubstr("# No ranges are learned: they need `audit: {shapes: true}`"));
  EXPECT_THAT(learn(calls_with({number("/count", 0, 10)}, 1)), HasSubstr("# Ranges come from the shapes of arguments"));
}

TEST(LearnAmounts, LeaveNothingToChoose) {
  const World world(R"json([{"name":"create_order","description":"Create an order.","inputSchema":{"type":"object","properties":{"amount":{"type":"number"},"price":{"type":"number","description":"How much (1-50)"}}}}])json");
  EXPECT_THAT(world.made.text, HasSubstr("# choose: the most that may be asked for, under `arguments`: `amount:"));
  EXPECT_THAT(world.made.text, Not(HasSubstr("`price: {type: number, maximum: 100}`"))) << "the text has chosen";
  RecordedCall call{.tool = "create_order", .session = "s", .arguments = {"amount"}, .shapes = std::vector{number("/amount", 5, 20)}};
  const Learned learned = learn_policy("shop", world.definitions, world.classes, seen_tools(std::vector<RecordedCall>(enough_calls, call)));
  EXPECT_EQ(world.faults_of(learned.policy.text), "") << learned.policy.text;
  EXPECT_THAT(learned.policy.text, HasSubstr("amount: {type: number, minimum: 0, maximum: 40}"));
  EXPECT_THAT(learned.policy.text, Not(HasSubstr("# choose:")));
}

}  // namespace
}  // namespace callgate::generate::learned_test
