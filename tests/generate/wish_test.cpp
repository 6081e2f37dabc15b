#include "generate/wish.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "generate/world.hpp"

namespace callgate::generate::wish_test {
namespace {

using policy::Verdict;
using testing::Contains;
using testing::HasSubstr;

const std::vector<std::string> tools{"get_note", "send_mail", "delete_note", "pay"};

std::string shown(const Wish& wish) {
  std::string out = wish.action ? std::string(policy::word(*wish.action)) : "limit";
  const auto named = [](const Wish::Target& target) { return target.on == Wish::On::everything ? "*all*" : target.on == Wish::On::rest ? "*rest*" : target.name; };
  for (const Wish::Target& target : wish.targets) out += " " + named(target);
  for (const Wish::Target& target : wish.except) out += " -" + named(target);
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
        Row{"two_bounds", "allow pay only if amount >= 1 and amount <= 100", R"(allow pay amount{"type":"number","minimum":1,"maximum":100})"},
        Row{"a_range", "allow pay only if amount is between 1 and 100", R"(allow pay amount{"type":"number","minimum":1,"maximum":100})"},
        Row{"a_range_and_more", "allow pay only if amount between 1 and 100 and currency is EUR", R"(allow pay amount{"type":"number","minimum":1,"maximum":100} currency{"enum":["EUR"]})"},
        Row{"half_a_range", "allow pay only if amount is between 1", "? `allow pay only if amount is between 1`: `1` is not understood"},
        Row{"a_number_that_is_none", "allow pay only if amount <= 007", "? `allow pay only if amount <= 007`: `007` is not understood"},
        Row{"digits_that_are_a_text", "allow pay only if code is 007 and code is not 1.2.3", R"(allow pay code{"enum":["007"],"not":{"enum":["1.2.3"]}})"},
        Row{"two_of_a_kind", "allow pay only if amount <= 100 and amount <= 50", R"(allow pay amount{"allOf":[{"type":"number","maximum":100},{"type":"number","maximum":50}]})"},
        Row{"the_same_twice", "allow pay only if amount <= 100 and amount <= 100", R"(allow pay amount{"type":"number","maximum":100})"},
        Row{"everything_else", "allow reads, deny everything else", "allow Read; deny *rest*"}, Row{"the_rest", "allow reads and deny the rest", "allow Read; deny *rest*"},
        Row{"all_other_tools", "allow reads, hide all other tools", "allow Read; hide *rest*"}, Row{"a_class_by_that_word", "allow class Read", "allow Read"},
        Row{"classes", "ask before the classes write and destructive", "require_approval Write Destructive"},
        Row{"an_exception", "deny everything except reads", "deny *all* -Read"}, Row{"a_but", "allow everything but deletions and pay", "allow *all* -Destructive -pay"},
        Row{"other_than", "hide everything other than get_*", "hide *all* -get_*"}, Row{"an_exception_with_a_limit", "allow reads except get_note at most 5 per hour", "allow Read -get_note 5/3600"},
        Row{"an_exception_of_nothing", "deny everything except", "? `deny everything except`: it does not say what is left out, as in `everything except reads`"},
        Row{"a_but_before_an_action", "allow reads but deny send_mail", "allow Read; deny send_mail"}, Row{"a_class_that_is_none", "allow class Nothing", "? `allow class Nothing`: `class` is not understood"},
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

TEST(Wish, TwoConditionsOnOneArgumentBothHoldAndEachHasATest) {
  const World world(list);
  const Wished made = wished(world, "allow pay only if amount >= 5 and amount <= 100");
  ASSERT_TRUE(made.faults.empty()) << made.faults.front();
  EXPECT_THAT(made.policy.text, HasSubstr("amount: {type: number, minimum: 5, maximum: 100}"));
  EXPECT_THAT(made.policy.text, HasSubstr("arguments: {amount: 101}}, verdict: invalid_arguments, rule: \"/tools/pay/arguments\"}"));
  EXPECT_THAT(made.policy.text, HasSubstr("arguments: {amount: 4}}, verdict: invalid_arguments, rule: \"/tools/pay/arguments\"}"));
  EXPECT_EQ(world.faults_of(made.policy.text), "") << made.policy.text;
}

struct Tested {
  const char* name;
  const char* condition;
  const char* argument;
  const char* passes;
  const char* refused;  ///< by this condition alone
};
struct Conditions : testing::TestWithParam<Tested> {};

constexpr std::string_view order_list = R"([{"name":"order","description":"Order an item.","inputSchema":{"type":"object","properties":{
  "count":{"type":"integer","minimum":0},"tens":{"type":"integer","enum":[10,20,30]},"maybe":{"anyOf":[{"type":"string"},{"type":"null"}]},"step":{"type":"integer","multipleOf":7},"size":{"enum":["s","m","l"]},"to":{"type":"string"},"note":{"type":["string","null"]},"now":{"type":"boolean"},"any":{}}}}])";

TEST_P(Conditions, ComeWithATestThatTheyAloneRefuse) {
  const World world(order_list);
  const Wished made = wished(world, std::string("allow order only if ") + GetParam().condition);
  ASSERT_TRUE(made.faults.empty()) << made.faults.front();
  const auto test = [&](const char* value, const char* verdict) { return fmt::format("arguments: {{{}: {}}}}}, verdict: {}", GetParam().argument, value, verdict); };
  EXPECT_THAT(made.policy.text, HasSubstr(test(GetParam().passes, "allow")));
  EXPECT_THAT(made.policy.text, HasSubstr(test(GetParam().refused, "invalid_arguments")));
  EXPECT_EQ(world.faults_of(made.policy.text), "") << made.policy.text;
}

INSTANTIATE_TEST_SUITE_P(Wish, Conditions,
                         testing::Values(Tested{"at_most", "count <= 500", "count", "500", "501"}, Tested{"at_most_a_part", "count <= 99.5", "count", "99", "100"}, Tested{"above", "count > 3", "count", "4", "3"},
                                         Tested{"of_a_list", "tens <= 25", "tens", "10", "30"}, Tested{"a_step", "step >= 10", "step", "14", "7"}, Tested{"one", "size is s", "size", "s", "m"}, Tested{"not_one", "size is not s", "size", "m", "s"},
                                         Tested{"a_text", "to is 'DE'", "to", "DE", "DEx"}, Tested{"a_beginning", "to starts with DE", "to", "DE", "xDE"}, Tested{"nullable", "note is 'a'", "note", "a", "ax"},
                                         Tested{"a_switch", "now is true", "now", "true", "false"}, Tested{"a_number_of_anything", "any is 5", "any", "5", "6"}),
                         [](const auto& row) { return std::string(row.param.name); });

struct Unmet {
  const char* name;
  const char* condition;
  const char* fault;
};
struct Impossible : testing::TestWithParam<Unmet> {};

TEST_P(Impossible, ConditionsAreFaultsAndNothingIsMade) {
  const World world(order_list);
  const Wished made = wished(world, std::string("allow order only if ") + GetParam().condition);
  EXPECT_THAT(made.faults, Contains(GetParam().fault));
  EXPECT_EQ(made.policy.text, "");
}

INSTANTIATE_TEST_SUITE_P(Wish, Impossible,
                         testing::Values(Unmet{"a_number_for_a_text", "to is 5", "`to` of `order` is a text, never 5: put it in quotation marks"},
                                         Unmet{"a_text_for_a_number", "count is '5'", "`count` of `order` is a number, never \"5\": leave the quotation marks out"},
                                         Unmet{"a_text_compared", "to <= 5", "`to` of `order` is a text, which is not compared with a number"},
                                         Unmet{"a_text_or_nothing_compared", "maybe <= 5", "`maybe` of `order` is a text, which is not compared with a number"},
                                         Unmet{"a_text_between", "to is between 1 and 5", "`to` of `order` is a text, which is not compared with a number"},
                                         Unmet{"a_number_that_begins", "count starts with 5", "`count` of `order` is a number, which does not start with a text"},
                                         Unmet{"an_exclusion_of_a_number", "to is not 5", "`to` of `order` is a text, never 5: put it in quotation marks"},
                                         Unmet{"one_of_several", "to is one of DE, 5", "`to` of `order` is a text, never 5: put it in quotation marks"},
                                         Unmet{"nothing_between", "count >= 10 and count <= 5", "no value of `count` that `order` takes meets what is wished of it"},
                                         Unmet{"two_that_differ", "size is s and size is m", "no value of `size` that `order` takes meets what is wished of it"},
                                         Unmet{"not_in_the_list", "size is xl", "no value of `size` that `order` takes meets what is wished of it"},
                                         Unmet{"below_what_the_tool_takes", "count < 0", "no value of `count` that `order` takes meets what is wished of it"}),
                         [](const auto& row) { return std::string(row.param.name); });

std::string action_of(const Wished& made, std::string_view tool) {
  const auto rule = std::ranges::find(made.policy.rules, tool, &Rule::tool);
  return rule == made.policy.rules.end() ? "none" : std::string(policy::word(rule->action));
}

TEST(Wish, TheRestIsWhatNoOtherClauseSpeaksOf) {
  const World world(list);
  const Wished hidden = wished(world, "allow reads, ask before pay, hide everything else");
  ASSERT_TRUE(hidden.faults.empty()) << hidden.faults.front();
  EXPECT_EQ(action_of(hidden, "get_note"), "allow");
  EXPECT_EQ(action_of(hidden, "pay"), "require_approval");
  EXPECT_EQ(action_of(hidden, "send_mail"), "hide");
}

TEST(Wish, AnExceptionIsNotSpokenOf) {
  const World world(list);
  const Wished made = wished(world, "allow everything but pay and list_*");
  ASSERT_TRUE(made.faults.empty()) << made.faults.front();
  EXPECT_EQ(action_of(made, "get_note"), "allow");
  EXPECT_EQ(action_of(made, "pay"), "none");
  EXPECT_EQ(action_of(made, "list_notes"), "none");
}

TEST(Wish, ALimitGrantsNothing) {
  const World world(list);
  const Wished alone = wished(world, "limit everything to 100 per day");
  EXPECT_THAT(alone.faults, Contains(HasSubstr("the limit of 100 in 1d limits nothing: no tool that it speaks of is let through by another clause")));
  EXPECT_EQ(alone.policy.text, "");
  const Wished with = wished(world, "allow reads, limit everything to 100 per day");
  ASSERT_TRUE(with.faults.empty()) << with.faults.front();
  EXPECT_EQ(action_of(with, "pay"), "none");
  EXPECT_EQ(action_of(with, "get_note"), "allow");
  EXPECT_THAT(with.policy.text, HasSubstr("  get_note:\n    action: allow\n    rate_limit: {max: 100, window: 1d}"));
  EXPECT_THAT(with.notes, Contains(HasSubstr("counts each tool by itself, in each session")));
}

TEST(Wish, ATextThatIsNoUtf8IsAFault) {
  const World world(list);
  const Wished made = wished(world, "allow send_mail only if to is '\xff' and to is not '\xfe'");
  EXPECT_THAT(made.faults, testing::Not(testing::IsEmpty()));
  EXPECT_EQ(made.policy.text, "");
}

TEST(Wish, AClauseThatMeansNoListedToolIsAFault) {
  const World world(list);
  EXPECT_THAT(wished(world, "allow get_note, deny drop_*").faults, Contains("a clause means no listed tool: `drop_*`"));
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
}  // namespace callgate::generate::wish_test
