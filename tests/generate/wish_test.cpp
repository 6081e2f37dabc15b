#include "generate/wish.hpp"

#include <gmock/gmock.h>

#include "generate/world.hpp"

namespace callgate::generate {
namespace {

using policy::Verdict;
using testing::Contains;
using testing::HasSubstr;

const std::vector<std::string> tools{"get_note", "send_mail", "delete_note", "pay"};

std::string shown(const Wish& wish) {
  std::string out = wish.action ? std::string(policy::word(*wish.action)) : "limit";
  for (const Wish::Target& target : wish.targets) out += " " + (target.on == Wish::On::everything ? "*all*" : target.name);
  if (wish.limit) out += " " + std::to_string(wish.limit->max) + "/" + std::to_string(wish.limit->window.count());
  for (const WishCondition& each : wish.conditions) out += " " + each.argument + each.schema;
  return out;
}

std::string read(std::string_view sentence) {
  const ReadWish read = read_wish(sentence, tools);
  std::string out;
  for (const Wish& wish : read.wishes) out += (out.empty() ? "" : "; ") + shown(wish);
  for (const std::string& each : read.not_understood) out += (out.empty() ? "? " : "; ? ") + each;
  return out;
}

struct Row {
  const char* name;
  const char* sentence;
  const char* read;
};
struct Sentences : testing::TestWithParam<Row> {};

TEST_P(Sentences, AreReadByAFixedGrammar) { EXPECT_EQ(read(GetParam().sentence), GetParam().read); }

INSTANTIATE_TEST_SUITE_P(
    Wish, Sentences,
    testing::Values(
        Row{"a_class", "allow reads", "allow Read"}, Row{"a_tool", "Deny delete_note.", "deny delete_note"}, Row{"a_pattern", "block delete_*", "deny delete_*"},
        Row{"everything", "allow everything", "allow *all*"}, Row{"all_of_a_class", "allow all reads", "allow Read"}, Row{"a_risk", "ask before high risk tools", "require_approval High"},
        Row{"several", "allow get_note and send_mail", "allow get_note send_mail"}, Row{"two_clauses", "allow reads and deny send_mail", "allow Read; deny send_mail"},
        Row{"commas", "allow reads, ask before send_mail, hide pay", "allow Read; require_approval send_mail; hide pay"},
        Row{"a_limit", "limit send_mail to 10 per minute", "limit send_mail 10/60"}, Row{"a_limit_beside", "allow send_mail at most 3 times in 5 minutes", "allow send_mail 3/300"},
        Row{"once_a_day", "allow pay once a day", "allow pay 1/86400"}, Row{"approval", "require approval for pay", "require_approval pay"},
        Row{"a_bound", "allow pay only if amount <= 100", R"(allow pay amount{"type":"number","maximum":100})"},
        Row{"glued", "allow pay if amount<=99.5", R"(allow pay amount{"type":"number","maximum":99.5})"},
        Row{"a_value", "allow pay only if currency is EUR", R"(allow pay currency{"enum":["EUR"]})"},
        Row{"one_of", "allow pay only if currency is one of EUR, USD or GBP and amount is under 5", R"(allow pay currency{"enum":["EUR","USD","GBP"]} amount{"type":"number","exclusiveMaximum":5})"},
        Row{"a_beginning", "allow pay only if to starts with 'DE.'", R"(allow pay to{"type":"string","pattern":"^DE\\."})"},
        Row{"an_exclusion", "allow send_mail only if to is not 'all'", R"(allow send_mail to{"not":{"enum":["all"]}})"},
        Row{"no_such_tool", "allow get_mail", "? `allow get_mail`: `get_mail` is not understood"}, Row{"more_than_it_knows", "allow reads on weekdays", "? `allow reads on weekdays`: `on` is not understood"},
        Row{"no_target", "allow", "? `allow`: it names no tools: write their names, a pattern as `get_*`, `reads`, `writes`, `high risk` or `everything`"},
        Row{"no_action", "be careful", "? `be careful`: `be` is no action: begin with `allow`, `deny`, `hide`, `ask before`, `require approval for` or `limit`"},
        Row{"one_word", "dance", "? `dance`: `dance` is no action: begin with `allow`, `deny`, `hide`, `ask before`, `require approval for` or `limit`"},
        Row{"no_limit", "limit pay", "? `limit pay`: it does not say how often, as in `to 10 per minute`"},
        Row{"half_a_condition", "allow pay only if amount", "? `allow pay only if amount`: a condition is an argument, a comparison and a value, as in `only if amount <= 100`"},
        Row{"a_folder", "allow pay only if to starts with '/home/me/'", R"json(allow pay to{"type":"string","pattern":"^/home/me/","not":{"type":"string","pattern":"(^|[/\\\\]|%2[fF]|%5[cC])(\\.|%2[eE]){2}([/\\\\?#;]|%2[fF]|%5[cC]|$)"}})json"},
        Row{"a_case", "ask before pay if amount > 100", "? `ask before pay if amount > 100`: `if` is not understood"},
        Row{"a_refusal_with_a_case", "deny pay only if amount > 100", "? `deny pay only if amount > 100`: `only` is not understood"},
        Row{"half_a_limit", "limit pay to 10", "? `limit pay to 10`: `to` is not understood"}, Row{"nothing", " ", "? the wish is empty"},
        Row{"a_comparison_of_words", "allow pay only if amount <= much", "? `allow pay only if amount <= much`: `much` is not understood"}),
    [](const auto& row) { return std::string(row.param.name); });

constexpr std::string_view list = R"([
  {"name":"get_note","description":"Get a note.","inputSchema":{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}},
  {"name":"list_notes","description":"List notes."},
  {"name":"send_mail","description":"Send a mail.","inputSchema":{"type":"object","properties":{"to":{"type":"string"}},"required":["to"]}},
  {"name":"pay","description":"Pay an invoice.","inputSchema":{"type":"object","properties":{"amount":{"type":"number"}},"required":["amount"]}}])";

Wished wished(const World& world, std::string_view sentence) { return wish_policy(sentence, "shop", world.definitions, world.classes); }

TEST(Wish, MakesRulesForWhatItSpeaksOfAndLeavesTheRestRefused) {
  const World world(list);
  const Wished made = wished(world, "allow reads, ask before pay only if amount <= 100, limit pay to 2 per day");
  ASSERT_TRUE(made.faults.empty()) << made.faults.front();
  EXPECT_THAT(made.policy.text, HasSubstr("  get_note: {action: allow}"));
  EXPECT_THAT(made.policy.text, HasSubstr("  list_notes: {action: allow}"));
  EXPECT_THAT(made.policy.text, HasSubstr("action: require_approval\n    rate_limit: {max: 2, window: 1d}"));
  EXPECT_THAT(made.policy.text, HasSubstr("amount: {type: number, maximum: 100}"));
  EXPECT_THAT(made.policy.text, testing::Not(HasSubstr("send_mail")));
  EXPECT_EQ(world.faults_of(made.policy.text), "") << made.policy.text;
}

TEST(Wish, TheNearerClauseCounts) {
  const World world(list);
  const Wished made = wished(world, "deny everything, allow reads, deny list_*, ask before get_note");
  const auto action = [&](std::string_view tool) { return std::ranges::find(made.policy.rules, tool, &Rule::tool)->action; };
  EXPECT_EQ(action("pay"), Verdict::deny);
  EXPECT_EQ(action("list_notes"), Verdict::deny);
  EXPECT_EQ(action("get_note"), Verdict::require_approval);
}

TEST(Wish, TwoClausesThatAreEquallyNearAndDifferAreAFault) {
  const World world(list);
  EXPECT_THAT(wished(world, "allow pay, deny pay").faults, Contains("`pay` would be both `allow` and `deny`: name it in one clause"));
}

TEST(Wish, AnArgumentThatTheToolDoesNotHaveIsAFault) {
  const World world(list);
  const Wished made = wished(world, "allow pay only if price < 5");
  EXPECT_THAT(made.faults, Contains("`pay` has no argument `price`"));
  EXPECT_EQ(made.policy.text, "");
}

TEST(Wish, AConditionThatCannotBeKeptIsAFaultAndNothingIsMade) {
  const World world(list);
  const Wished made = wished(world, "allow pay only if amount >= 5 and amount <= 100");
  EXPECT_THAT(made.faults, Contains("what is wished for `pay` cannot be written as a rule that holds"));
  EXPECT_EQ(made.policy.text, "");
}

TEST(Wish, ASentenceCannotLeaveItsComment) {
  const World world(list);
  const Wished made = wished(world, "allow\ndefault_x\npay");
  EXPECT_FALSE(made.faults.empty());
  const Wished other = wished(world, "allow\npay\u2028");
  if (other.faults.empty()) EXPECT_EQ(world.faults_of(other.policy.text), "");
}

TEST(WishPolicy, WhatBeginsWithAFolderStaysWithinIt) {
  const World world(R"([{"name":"write_file","description":"Write a file.","inputSchema":{"type":"object","properties":{"path":{"type":"string"}},"required":["path"]}}])");
  const Wished wished = wish_policy("allow write_file only if path starts with /home/me/drafts/", "s", world.definitions, world.classes);
  ASSERT_THAT(wished.faults, testing::IsEmpty());
  EXPECT_EQ(world.faults_of(wished.policy.text), "") << wished.policy.text;
  const auto known = policy::ToolList::parse(std::string(world.document->bytes()));
  const policy::Loaded loaded = policy::load(wished.policy.text, "made", &*known);
  const auto verdict = [&](const std::string& path) {
    const auto call = policy::parse_call(R"({"tool":"write_file","arguments":{"path":)" + json::quoted(path) + "}}");
    return policy::judge_fresh(*loaded.policy, *call, &*known).verdict;
  };
  for (const char* path : {"/home/me/drafts/a", "/home/me/drafts/a/b..c", "/home/me/drafts/..a", "/home/me/drafts/.hidden", "/home/me/drafts/a../b", "/home/me/drafts/..."}) EXPECT_EQ(verdict(path), Verdict::allow) << path;
  for (const char* path : {"/home/me/other", "/home/me/drafts/../../etc/x", "/home/me/drafts/..", "/home/me/drafts/a/../../..", "/home/me/drafts/..\\x", "/home/me/drafts/a\\..\\..\\x", "/home/me/drafts/%2e%2E/x",
                           "/home/me/drafts/a%2f..%2Fx", "/home/me/drafts/..?x"})
    EXPECT_EQ(verdict(path), Verdict::invalid_arguments) << path;
}

}  // namespace
}  // namespace callgate::generate
