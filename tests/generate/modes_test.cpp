#include "generate/modes.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "generate/mode_verdicts.hpp"
#include "generate/policy_text.hpp"
#include "generate/suggest.hpp"
#include "generate/world.hpp"

namespace callgate::generate::modes_test {
namespace {

using policy::Verdict;
using testing::HasSubstr;

/// `items` with one act to choose and, beside `properties`, whatever its schema says more.
std::string items(std::string_view action, std::string_view more = "", std::string_view text = "Works on items of a shelf.") {
  return fmt::format(R"([{{"name":"items","description":"{}","inputSchema":{{"type":"object","properties":{{"action":{},"id":{{"type":"string"}},"name":{{"type":"string"}}}}{}}}}}])", text,
                     action, more);
}

/// No arguments can be made up that its own schema takes.
constexpr std::string_view either = R"(,"anyOf":[{"required":["id"]},{"required":["name"]}])";

Verdict verdict_of(const World& world, const std::string& arguments) {
  const auto list = policy::ToolList::parse(std::string(world.document->bytes()));
  const policy::Loaded loaded = policy::load(world.made.text, "made", &*list);
  EXPECT_NE(loaded.policy, nullptr) << world.made.text;
  if (loaded.policy == nullptr) return Verdict::fault;
  const auto call = policy::parse_call(R"({"tool":"items","arguments":)" + arguments + "}");
  return policy::judge_fresh(*loaded.policy, *call, &*list).verdict;
}

TEST(Modes, AreListedAlsoWhereNoCallCanBeMadeUpThatTriesThem) {
  const World world(items(R"({"type":"string","enum":["get","list","purge"],"default":"list"})", either));
  EXPECT_EQ(world.faults(), "") << world.made.text;
  EXPECT_EQ(verdict_of(world, R"({"id":"a","action":"purge"})"), Verdict::invalid_arguments) << world.made.text;
  EXPECT_EQ(verdict_of(world, R"({"id":"a","action":"get"})"), Verdict::allow) << world.made.text;
  EXPECT_EQ(verdict_of(world, R"({"id":"a"})"), Verdict::allow) << world.made.text;
}

TEST(Modes, OfAnOpenListAreListedAlsoWhereNoCallCanBeMadeUpThatTriesThem) {
  const World world(items(R"({"type":"string","default":"list","description":"\"get\", \"list\" or \"purge\""})", either));
  ASSERT_TRUE(world.classes[0].modes);
  EXPECT_FALSE(world.classes[0].modes->closed);
  EXPECT_EQ(world.faults(), "") << world.made.text;
  for (const char* act : {"purge", "wipe_all"}) EXPECT_EQ(verdict_of(world, fmt::format(R"({{"id":"a","action":"{}"}})", act)), Verdict::invalid_arguments) << world.made.text;
  EXPECT_EQ(verdict_of(world, R"({"id":"a","action":"get"})"), Verdict::allow) << world.made.text;
}

TEST(Modes, OfARuleWithoutATestThatPassesAreJudgedByTheRule) {
  for (const std::string_view action : {R"({"type":"string","enum":["get","list","purge"],"default":"list"})", R"({"type":"string","enum":["get","list","purge"]})"}) {
    const World world(items(action, either));
    const Rule& rule = world.rule("items");
    ASSERT_TRUE(world.classes[0].modes);
    const ModeVerdicts verdicts = mode_verdicts(rule, world.definitions[0], *world.classes[0].modes);
    for (std::size_t i = 0; i < verdicts.values.size(); ++i) {
      const std::string& value = world.classes[0].modes->values[i].value;
      EXPECT_EQ(verdicts.values[i], verdict_of(world, fmt::format(R"({{"id":"a","action":"{}"}})", value))) << value << "\n" << world.made.text;
    }
    ASSERT_TRUE(verdicts.left_out);
    EXPECT_EQ(*verdicts.left_out, verdict_of(world, R"({"id":"a"})")) << world.made.text;
  }
}

TEST(Modes, ThatMayBeNullAreAskedForLikeThoseThatAreLeftOut) {
  for (const std::string_view action : {R"({"enum":["get","list","delete",null]})", R"({"enum":["get","list","delete",null],"default":"list"})",
                                        R"({"anyOf":[{"enum":["get","list","delete"]},{"const":null}]})", R"({"anyOf":[{"enum":["get","list","delete"]},{"enum":[null]}],"default":"list"})",
                                        R"({"oneOf":[{"enum":["get","list","delete",null]},{"type":"null"}],"default":"list"})"}) {
    const World world(items(action));
    EXPECT_EQ(world.faults(), "") << world.made.text;
    EXPECT_NE(verdict_of(world, R"({"action":null})"), Verdict::allow) << action << "\n" << world.made.text;
    EXPECT_EQ(verdict_of(world, R"({"action":"get"})"), Verdict::allow) << action << "\n" << world.made.text;
    EXPECT_EQ(verdict_of(world, R"({"action":"delete"})"), Verdict::require_approval) << action << "\n" << world.made.text;
  }
}

TEST(Modes, OfAReferenceHaveTheWorstOfItsDefaults) {
  const auto defaults = [](std::string_view own, std::string_view between, std::string_view last) {
    return items(fmt::format(R"({{"$ref":"#/$defs/act"{}}})", own),
                       fmt::format(R"(,"$defs":{{"act":{{"$ref":"#/$defs/last"{}}},"last":{{"type":"string","enum":["get","list","delete"]{}}}}})", between, last));
  };
  constexpr std::string_view mild = R"(,"default":"list")";
  constexpr std::string_view harmful = R"(,"default":"delete")";
  for (const std::string& tools : {defaults(harmful, "", mild), defaults(mild, "", harmful), defaults("", harmful, mild), defaults(harmful, "", ""), defaults(mild, R"(,"default":"other")", mild)}) {
    const World world(tools);
    EXPECT_EQ(world.faults(), "") << world.made.text;
    EXPECT_NE(verdict_of(world, "{}"), Verdict::allow) << world.made.text;
    EXPECT_EQ(verdict_of(world, R"({"action":"get"})"), Verdict::allow) << world.made.text;
  }
  for (const std::string& tools : {defaults(mild, "", ""), defaults("", "", mild), defaults(mild, mild, mild)}) {
    const World world(tools);
    EXPECT_EQ(world.faults(), "") << world.made.text;
    EXPECT_EQ(verdict_of(world, "{}"), Verdict::allow) << world.made.text;
    EXPECT_EQ(verdict_of(world, R"({"action":"delete"})"), Verdict::require_approval) << world.made.text;
  }
}

std::string note_acts(std::string_view more = "") {
  return fmt::format(R"([{{"name":"items","description":"Works on items of a shelf.","inputSchema":{{"type":"object","properties":{{"action":{{"type":"string","enum":["get","create","delete"]{}}},"id":{{"type":"string"}}}},"required":[{}]}}}}])",
                     more, more.empty() ? "\"action\"" : "");
}

TEST(Modes, ReadingDoesNotUseUpWhatMayBeChanged) {
  const World world(note_acts());
  EXPECT_EQ(world.faults(), "") << world.made.text;
  const Rule& rule = world.rule("items");
  EXPECT_FALSE(rule.limit) << "reads had a limit: " << world.made.text;
  EXPECT_THAT(world.made.text, HasSubstr("- when: \"args.action == \\\"create\\\"\"\n        action: allow\n        rate_limit: {max: 30, window: 60s}"));
  EXPECT_THAT(world.made.text, HasSubstr("- when: \"args.action == \\\"delete\\\"\"\n        action: require_approval\n"));
  EXPECT_EQ(verdict_of(world, R"({"action":"get"})"), Verdict::allow);
  EXPECT_EQ(verdict_of(world, R"({"action":"create"})"), Verdict::allow);
  EXPECT_EQ(verdict_of(world, R"({"action":"delete"})"), Verdict::require_approval);
}

TEST(Modes, OfACallWithoutTheArgumentHaveTheLimitOfTheDefault) {
  const World world(note_acts(R"(,"default":"create")"));
  EXPECT_EQ(world.faults(), "") << world.made.text;
  EXPECT_THAT(world.made.text, HasSubstr("!has(args.action) || args.action == \\\"create\\\"\"\n        action: allow\n        rate_limit: {max: 30, window: 60s}"));
  const ModeVerdicts verdicts = mode_verdicts(world.rule("items"), world.definitions[0], *world.classes[0].modes);
  ASSERT_TRUE(verdicts.left_out_is);
  EXPECT_EQ(world.classes[0].modes->values[*verdicts.left_out_is].value, "create");
}

TEST(Modes, ThatReadMuchHaveTheLimitOfSuchReads) {
  World world(note_acts());
  classify::Classification tool = world.classes[0];
  tool.signals.emplace_back("private_data");
  std::ranges::sort(tool.signals);
  const Rule rule = suggest(world.definitions[0], tool, Siblings(world.classes));
  EXPECT_THAT(rule_text(rule), HasSubstr("- when: \"args.action == \\\"get\\\"\"\n        action: allow\n        rate_limit: {max: 60, window: 60s}"));
}

TEST(Modes, OfAJournalShareTheLimitThatItTaught) {
  const World world(note_acts());
  const std::vector<RecordedCall> calls(50, RecordedCall{.tool = "items", .session = "s", .arguments = {"action"}});
  const Learned learned = learn_policy("shop", world.definitions, world.classes, seen_tools(calls));
  EXPECT_EQ(world.faults_of(learned.policy.text), "") << learned.policy.text;
  EXPECT_THAT(learned.policy.text, HasSubstr("rate_limit: {max: 100, window: 60s}"));
  EXPECT_THAT(learned.policy.text, testing::Not(HasSubstr("{max: 30, window: 60s}"))) << "less than what was in use";
}

}  // namespace
}  // namespace callgate::generate::modes_test
