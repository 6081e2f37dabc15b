#include <gmock/gmock.h>

#include "generate/world.hpp"

namespace callgate::generate::learn_test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view tools = R"([
  {"name":"get_note","description":"Get a note.","inputSchema":{"type":"object","properties":{"id":{"type":"string"},"deep":{"type":"boolean"},"format":{"type":"string"}},"required":["id"]}},
  {"name":"update_note","description":"Update a note.","inputSchema":{"type":"object","properties":{"id":{"type":"string"},"text":{"type":"string"}}}},
  {"name":"delete_database","description":"Delete a database.","inputSchema":{"type":"object","properties":{"name":{"type":"string"}}}},
  {"name":"list_notes","description":"List notes."}])";

Learned learned(const World& world, const std::vector<RecordedCall>& calls) {
  return learn_policy("shop", world.definitions, world.classes, seen_tools(calls));
}

TEST(Learn, ToolsThatWereNeverCalledGetNoRule) {
  const World world(tools);
  const Learned made = learned(world, {{"get_note", "s", 0, {"id"}}});
  EXPECT_THAT(made.policy.text, HasSubstr("  get_note:"));
  EXPECT_THAT(made.policy.text, Not(HasSubstr("update_note")));
  EXPECT_THAT(made.changes, Contains("- list_notes: never called, so no rule: refused"));
  EXPECT_EQ(world.faults_of(made.policy.text), "") << made.policy.text;
}

TEST(Learn, ArgumentsThatNobodySentAreRefused) {
  const World world(tools);
  const Learned made = learned(world, {{"get_note", "s", 0, {"id"}}, {"get_note", "s", 1, {"id", "format"}}});
  EXPECT_THAT(made.policy.text, HasSubstr("id: true\n        format: true\n      additionalProperties: false"));
  EXPECT_THAT(made.policy.text, HasSubstr("arguments: {id: x, deep: false}}, verdict: invalid_arguments"));
  EXPECT_THAT(made.changes, Contains(HasSubstr("no longer takes deep")));
  EXPECT_EQ(world.faults_of(made.policy.text), "");
}

TEST(Learn, ALimitIsTwiceTheMostThatWasSeen) {
  const World world(tools);
  std::vector<RecordedCall> calls;
  for (int i = 0; i < 5; ++i) calls.push_back({"update_note", "s", i * 1000, {"id", "text"}});
  const Learned made = learned(world, calls);
  EXPECT_THAT(made.policy.text, HasSubstr("rate_limit: {max: 10, window: 60s}  # twice the most that was seen (5 in 60s)"));
  EXPECT_THAT(made.changes, Contains("~ update_note (called 5 times): 30 in 60s becomes 10 in 60s"));
}

TEST(Learn, ALimitSaysHowItsNumberCameAbout) {
  const World world(tools);
  const auto limit = [&](int calls) {
    std::vector<RecordedCall> recorded;
    for (int i = 0; i < calls; ++i) recorded.push_back({"update_note", "s", i * 1000, {"id", "text"}});
    const Learned made = learned(world, recorded);
    const std::size_t at = made.policy.text.find("rate_limit: ");
    return made.policy.text.substr(at, made.policy.text.find('\n', at) - at);
  };
  EXPECT_EQ(limit(1), "rate_limit: {max: 3, window: 60s}  # 3 at least, more than twice the most that was seen (1 in 60s)");
  EXPECT_EQ(limit(2), "rate_limit: {max: 4, window: 60s}  # twice the most that was seen (2 in 60s)");
  EXPECT_EQ(limit(11), "rate_limit: {max: 25, window: 60s}  # twice the most that was seen, rounded up (11 in 60s)");
}

TEST(Learn, ALimitBelowWhatWasSeenGrows) {
  const World world(tools);
  std::vector<RecordedCall> calls;
  for (int i = 0; i < 50; ++i) calls.push_back({"update_note", "s", i * 1000, {"id", "text"}});
  const Learned made = learned(world, calls);
  EXPECT_THAT(made.policy.text, HasSubstr("rate_limit: {max: 100, window: 60s}  # twice the most that was seen (50 in 60s)"));
  EXPECT_THAT(made.changes, Contains("~ update_note (called 50 times): 30 in 60s becomes 100 in 60s"));
  EXPECT_EQ(world.faults_of(made.policy.text), "");
}

TEST(Learn, WhatIsInUseIsAskedAboutAndNotTakenAway) {
  const World world(tools);
  const Learned made = learned(world, {{"delete_database", "s", 0, {"name"}}});
  EXPECT_THAT(made.policy.text, HasSubstr("action: require_approval"));
  EXPECT_THAT(made.policy.text, HasSubstr("# would be refused, but was called 1 time"));
  EXPECT_EQ(world.faults_of(made.policy.text), "") << made.policy.text;
}

TEST(Learn, CallsOfToolsThatAreGoneMakeNoRule) {
  const World world(tools);
  EXPECT_TRUE(learned(world, {{"gone", "s", 0, {}}}).policy.rules.empty());
}

}  // namespace
}  // namespace callgate::generate::learn_test
