#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/explain.hpp"
#include "policy/world.hpp"

namespace callgate::policy::case_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::string_view shop = R"(callgate: 1
default: deny
tools:
  write:
    action: allow
    reason: only writes that replace one key
    arguments: {properties: {command: {enum: [SET, DEL]}}, required: [command]}
    rate_limit: {max: 10, window: 1m}
    cases:
      - when: args.command == "SET" && size(args.args) > 1 && size(args.args[1]) > 5
        action: deny
        reason: values over 5 characters do not belong in the cache
      - when: args.command == "DEL"
        action: require_approval
        rate_limit: {max: 2, window: 1h}
        approval: {timeout: 5m}
  charge:
    action: deny
    reason: not this much
    approval: {timeout: 1h}
    cases:
      - {when: args.amount <= 500, action: allow}
      - {when: args.amount <= 5000, action: require_approval}
  who:
    action: allow
    cases:
      - {when: tool.risk == "Critical" || tool.category == "Destructive", action: deny}
      - {when: tool.server == "x", action: deny}
      - {when: tool.name != "who", action: deny}
)";

struct Row {
  const char* call;
  Verdict verdict;
  const char* rule;
};

class CasesOfRules : public testing::TestWithParam<Row> {};

TEST_P(CasesOfRules, TheFirstThatIsTrueDecides) {
  const Decision decision = judge(shop, GetParam().call);
  EXPECT_EQ(word(decision.verdict), word(GetParam().verdict)) << decision.reason.view();
  EXPECT_EQ(decision.rule, GetParam().rule);
  EXPECT_EQ(decision.verdict == Verdict::fault, !decision.faults.empty());
  EXPECT_EQ(decision.verdict == Verdict::require_approval, decision.approval != nullptr);
}

INSTANTIATE_TEST_SUITE_P(Policy, CasesOfRules, testing::ValuesIn(std::vector<Row>{
    {R"({"tool":"write","arguments":{"command":"SET","args":["k","short"]}})", Verdict::allow, "/tools/write"},
    {R"({"tool":"write","arguments":{"command":"SET","args":["k","longer"]}})", Verdict::deny, "/tools/write/cases/0"},
    {R"({"tool":"write","arguments":{"command":"DEL","args":["k"]}})", Verdict::require_approval, "/tools/write/cases/1"},
    // Arguments are looked at first, and a fault of a case is never passed over.
    {R"({"tool":"write","arguments":{"command":"GET"}})", Verdict::invalid_arguments, "/tools/write/arguments"},
    {R"({"tool":"write","arguments":{"command":"SET"}})", Verdict::fault, "/tools/write/cases/0"},
    {R"({"tool":"write","arguments":{"command":"SET","args":5}})", Verdict::fault, "/tools/write/cases/0"},
    {R"({"tool":"write","arguments":{"command":"DEL"}})", Verdict::require_approval, "/tools/write/cases/1"},
    // A key in another letter case could be the one that the server reads.
    {R"({"tool":"write","arguments":{"command":"SET","args":[],"Args":["k","longer"]}})", Verdict::invalid_arguments, "/tools/write/arguments"},
    {R"({"tool":"charge","arguments":{"amount":1,"AMOUNT":9}})", Verdict::invalid_arguments, "/tools/charge/cases/0"},
    {R"({"tool":"charge","arguments":{"amount":500.0}})", Verdict::allow, "/tools/charge/cases/0"},
    {R"({"tool":"charge","arguments":{"amount":500.00000000000000000001}})", Verdict::require_approval, "/tools/charge/cases/1"},
    {R"({"tool":"charge","arguments":{"amount":5001}})", Verdict::deny, "/tools/charge"},
    {R"({"tool":"charge","arguments":{"amount":"5"}})", Verdict::fault, "/tools/charge/cases/0"},
    {R"({"tool":"charge"})", Verdict::fault, "/tools/charge/cases/0"},
    // Nobody knows here which server it is.
    {R"({"tool":"who"})", Verdict::fault, "/tools/who/cases/1"}}));

TEST(Cases, BringTheirOwnReasonLimitsAndApproval) {
  const auto policy = loaded(shop);
  const Decision denied = judge(*policy, R"({"tool":"write","arguments":{"command":"SET","args":["k","longer"]}})");
  EXPECT_EQ(denied.reason, "values over 5 characters do not belong in the cache");
  EXPECT_TRUE(denied.has_author_reason && denied.limits.empty());

  const Decision asks = judge(*policy, R"({"tool":"write","arguments":{"command":"DEL"}})");
  EXPECT_EQ(asks.approval->timeout, std::chrono::minutes(5));
  EXPECT_EQ(asks.reason, "by a case of the policy a person has to approve this call");
  ASSERT_EQ(asks.limits.size(), 2u) << "its own, then those of its rule";
  EXPECT_EQ(asks.limits[0]->pointer, "/tools/write/cases/1/rate_limit");
  EXPECT_EQ(asks.limits[1]->pointer, "/tools/write/rate_limit");

  const Decision inherited = judge(*policy, R"({"tool":"charge","arguments":{"amount":600}})");
  EXPECT_EQ(inherited.approval->timeout, std::chrono::hours(1)) << "that of the rule";
}

TEST(Cases, AFaultSaysWhatCouldNotBeToldAndNoValue) {
  const Decision decision = judge(shop, R"({"tool":"charge","arguments":{"amount":"much"}})");
  EXPECT_EQ(decision.reason, "this call could not be judged: `args.amount <= 500` asks for an order between text and a number");
  EXPECT_THAT(decision.faults, ElementsAre("`args.amount <= 500` asks for an order between text and a number"));
}

TEST(Cases, CountersFollowTheConditionAndNotTheNumberOfTheCase) {
  const auto one = loaded(tools("  t:\n    action: deny\n    cases:\n      - {when: args.a == 1, action: allow, rate_limit: {max: 2, window: 1m}}\n"));
  const auto two = loaded(tools("  t:\n    action: deny\n    cases:\n      - {when: args.b == 1, action: deny}\n"
                                "      - {when: args.a==1, action: allow, rate_limit: {max: 2, window: 1m}}\n"));
  const auto id = [](const Policy& policy) { return judge(policy, R"({"tool":"t","arguments":{"a":1,"b":2}})").limits[0]->id; };
  EXPECT_EQ(id(*one), id(*two));
}

TEST(Cases, AnApprovalIsForTheCaseThatAsked) {
  const auto digest = [](const char* cases, const char* call) {
    const auto policy = loaded(tools("  t:\n    action: allow\n    cases:\n" + std::string(cases)));
    return judge(*policy, call).approval->rule_digest;
  };
  constexpr const char* call = R"({"tool":"t","arguments":{"a":1}})";
  const std::string first = digest("      - {when: args.a == 1, action: require_approval}\n", call);
  EXPECT_EQ(first, digest("      - {action: require_approval, when: args.a==1} # note\n", call));
  EXPECT_NE(first, digest("      - {when: args.a >= 1, action: require_approval}\n", call));
  EXPECT_NE(first, digest("      - {when: args.a == 1, action: require_approval, reason: other}\n", call));
}

std::vector<std::string> lines(const std::vector<Error>& errors) {
  std::vector<std::string> out;
  for (const Error& error : errors) out.push_back(error.where + ": " + error.message);
  return out;
}

struct TextRow {
  const char* cases;
  const char* says;
};

std::string with_cases(std::string_view cases) { return tools("  t:\n    action: allow\n    cases:\n" + std::string(cases)); }

class Faulty : public testing::TestWithParam<TextRow> {};

TEST_P(Faulty, CasesAreRefusedWithThePlaceInTheFile) {
  EXPECT_THAT(lines(load(with_cases(GetParam().cases), "p").faults), ElementsAre(GetParam().says)) << GetParam().cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, Faulty, testing::ValuesIn(std::vector<TextRow>{
    {"      - {when: args.a >> 1, action: deny}\n", "p:7:24: `>` stands where a value should stand"},
    {"      - when: args.a > 1 && arg.b\n        action: deny\n", "p:7:29: there is no `arg`; did you mean `args`?"},
    {"      - when: \"args.a == \\\"x\\\" && y\"\n        action: deny\n", "p:7:35: there is no `y`: there are `args`, `tool.name`, `tool.category`, `tool.risk`, `tool.server`"},
    {"      - when: 'args.a == ''é'' && y'\n        action: deny\n", "p:7:35: there is no `y`: there are `args`, `tool.name`, `tool.category`, `tool.risk`, `tool.server`"},
    {"      - when: |\n          args.a == 1 &&\n            y\n        action: deny\n", "p:9:13: there is no `y`: there are `args`, `tool.name`, `tool.category`, `tool.risk`, `tool.server`"},
    {"      - when: >\n          args.a == 1\n          && y\n        action: deny\n", "p:9:14: there is no `y`: there are `args`, `tool.name`, `tool.category`, `tool.risk`, `tool.server`"},
    {"      - when: args.a == 1\n          && y\n        action: deny\n", "p:8:14: there is no `y`: there are `args`, `tool.name`, `tool.category`, `tool.risk`, `tool.server`"},
    {"      - {when: args.a + 1 > 2, action: deny}\n", "p:7:23: `+` is not supported yet by this version: conditions may use `==` `!=` `<` `<=` `>` `>=` `in` `&&` `||` `!` `has` `size`"},
    {"      - {when: principal.id == \"x\", action: deny}\n", "p:7:16: `principal` is not supported yet by this version: conditions may use `==` `!=` `<` `<=` `>` `>=` `in` `&&` `||` `!` `has` `size`"},
    {"      - {when: tool.risk == \"high\", action: deny}\n", "p:7:29: `tool.risk` is never `high`: it is one of `Low`, `Medium`, `High`, `Critical`"},
    {"      - {when: tool.name, action: deny}\n", "p:7:16: `tool.name` is text: a condition has to be true or false"},
    {"      - {action: deny}\n", "p:7:9: this case has no `when`: write for example `{when: args.amount > 500, action: require_approval}`"},
    {"      - {when: args.a == 1}\n", "p:7:9: this case has no `action`: write `allow`, `deny` or `require_approval`"},
    {"      - {when: args.a == 1, action: hide}\n", "p:7:37: a case cannot hide: whether a tool is listed is not decided by the arguments of a call, write `deny`, or `hide` as the action of the rule"},
    {"      - {when: args.a == 1, action: alow}\n", "p:7:37: `action` is `alow`; did you mean `allow`?"},
    {"      - {when: [a], action: deny}\n", "p:7:16: `when` is a list: write a condition, such as `args.amount > 500`, in quotes where it begins with `!`, `[`, `{` or a quote"},
    {"      - {when: args.a == 1, action: deny, arguments: {}}\n", "p:7:43: `arguments` does not stand in a case, only in a rule"},
    {"      - {when: args.a == 1, action: deny, resaon: x}\n", "p:7:43: unknown key `resaon`; did you mean `reason`?"},
    {"      - deny\n", "p:7:9: `cases` is `deny`: write for example `{when: args.amount > 500, action: require_approval}`"},
    {"      - {when: args.a == 1, action: allow, rate_limit: {max: 1, window: 1s, per: tool}}\n", "p:7:82: `per` is `tool`, which is not supported yet by this version: write `session`, `grant` or `server`"}}));

TEST(Cases, EveryFaultOfAllCasesIsSaidAtOnce) {
  EXPECT_THAT(load(with_cases("      - {when: x, action: hide}\n      - {when: args.a >, action: deny}\n      - {when: tool.risk > 5, action: deny, aproval: {}}\n"), "p").faults,
              testing::SizeIs(5));
  EXPECT_THAT(lines(load(with_cases("      - {}\n      []\n"), "p").faults), testing::Not(IsEmpty()));
  EXPECT_THAT(lines(load(tools("  t: {action: allow, cases: []}\n"), "p").faults),
              ElementsAre("p:4:29: `cases` is an empty list: it is a list, write for example `{when: args.amount > 500, action: require_approval}`"));
}

class Doubtful : public testing::TestWithParam<TextRow> {};

TEST_P(Doubtful, CasesAreWarnedOf) {
  const Loaded read = load(with_cases(GetParam().cases), "p");
  EXPECT_THAT(lines(read.faults), IsEmpty());
  EXPECT_THAT(lines(read.warnings), ElementsAre(GetParam().says)) << GetParam().cases;
}

INSTANTIATE_TEST_SUITE_P(Cases, Doubtful, testing::ValuesIn(std::vector<TextRow>{
    {"      - {when: true, action: deny}\n      - {when: args.a == 1, action: deny}\n", "p:8:16: this case never decides: the one on line 7 is always true"},
    {"      - {when: args.a == 1, action: deny}\n      - {when: args.a==1, action: allow}\n", "p:8:16: this case never decides: the one on line 7 asks the same"},
    {"      - {when: 1 > 2, action: deny}\n", "p:7:16: this case never decides: its condition is never true"},
    {"      - {when: args.a == 1, action: deny, rate_limit: {max: 1, window: 1s}}\n", "p:7:43: `rate_limit` has no effect: the action of this case is `deny`"},
    {"      - {when: args.a == 1, action: allow, approval: {timeout: 1m}}\n", "p:7:44: `approval` has no effect: the action of this case is `allow`"}}));

TEST(Cases, ThatAHiddenToolNeverAsksAreWarnedOf) {
  const Loaded read = load(tools("  t: {action: hide, cases: [{when: args.a == 1, action: deny}]}\n"), "p");
  EXPECT_THAT(lines(read.warnings), ElementsAre("p:4:21: `cases` has no effect: the action of `t` is `hide`"));
  EXPECT_THAT(load(tools("  t: {action: deny, rate_limit: {max: 1, window: 1s}, cases: [{when: args.a == 1, action: allow}]}\n"), "p").warnings, IsEmpty());
}

constexpr std::string_view listed = R"json({"server":"s","tools":[
  {"name":"pay","inputSchema":{"type":"object","properties":{"amount":{"type":"number"},"to":{"anyOf":[{"type":"string"},{"type":"null"}]},
    "note":{"type":"string"},"items":{"type":"array","items":{"$ref":"#/$defs/item"}}},"required":["amount","to","items"],
    "$defs":{"item":{"type":"object","properties":{"price":{"type":"integer"}},"required":["price"]}}}},
  {"name":"refund","inputSchema":{"type":"object","properties":{"id":{"type":"string"}}}},
  {"name":"items","inputSchema":{"type":"object","properties":{"action":{"type":"string","enum":["get","list","delete"]},"kind":{"anyOf":[{"enum":["a","b"]},{"type":"null"}]},
    "size":{"anyOf":[{"enum":["a","b"]},{"type":"string"}]}},"required":["action","kind","size"]}},
  {"name":"free","inputSchema":{"type":"object","additionalProperties":true,"properties":{"a":{"type":"string"}}}}]})json";

struct AgainstRow {
  const char* rules;
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
};

class CasesAgainstTools : public testing::TestWithParam<AgainstRow> {};

TEST_P(CasesAgainstTools, TypesAreHeldAgainstTheSchemasOfTheTools) {
  const ToolList list = tool_list(listed);
  const Loaded read = load(tools(GetParam().rules) + "  \"*\": {action: deny}\n", "p", &list);
  EXPECT_EQ(lines(read.faults), GetParam().faults);
  EXPECT_EQ(lines(read.warnings), GetParam().warnings);
}

INSTANTIATE_TEST_SUITE_P(Cases, CasesAgainstTools, testing::ValuesIn(std::vector<AgainstRow>{
    {"  pay: {action: allow, cases: [{when: args.amount > 500 && args.to != null, action: deny}]}\n", {}, {}},
    {"  pay: {action: allow, cases: [{when: \"args.items[0].price > 5\", action: deny}]}\n", {}, {}},
    {"  pay: {action: allow, cases: [{when: args.amuont > 500, action: deny}]}\n",
     {"p:4:39: the tool `pay` has no argument `amuont`; did you mean `amount`?"}, {}},
    {"  pay: {action: allow, cases: [{when: args.amount > \"500\", action: deny}]}\n",
     {"p:4:39: `args.amount` is a number and `\"500\"` is text: only numbers with numbers and texts with texts have an order"}, {}},
    {"  pay: {action: allow, cases: [{when: \"args.items[0].prize > 5\", action: deny}]}\n",
     {"p:4:40: `args.items[0]` has no member `prize`; did you mean `price`?"}, {}},
    {"  pay: {action: allow, cases: [{when: args.note == \"x\", action: deny}]}\n", {},
     {"p:4:39: `args.note` is optional, and a call without it ends as a fault: write `has(args.note) && …` before it, or `!has(args.note) || …`"}},
    {"  pay: {action: allow, arguments: {required: [note]}, cases: [{when: args.note == \"x\", action: deny}]}\n", {}, {}},
    {"  pay: {action: allow, cases: [{when: \"!has(args.note)\", action: deny}, {when: args.note == \"x\", action: deny}]}\n", {}, {}},
    {"  items: {action: allow, cases: [{when: args.action == \"delte\", action: deny}]}\n", {},
     {"p:4:56: `args.action` is never `delte`: it is one of `get`, `list`, `delete`; did you mean `delete`?"}},
    {"  items: {action: allow, cases: [{when: \"args.action in ['get', 'drop'] || args.kind == 'c'\", action: deny}]}\n", {},
     {"p:4:57: `args.action` is never `drop`: it is one of `get`, `list`, `delete`", "p:4:89: `args.kind` is never `c`: it is one of `a`, `b`"}},
    {"  items: {action: allow, cases: [{when: args.action == \"delete\" && args.size == \"c\" && args.action > \"d\" && args.kind != \"b\", action: deny}]}\n", {}, {}},
    {"  pay: {action: allow, validate: false, cases: [{when: args.amuont > 500, action: deny}]}\n", {}, {}},
    {"  free: {action: allow, cases: [{when: has(args.other) && args.other == 1, action: deny}]}\n", {}, {}},
    {"  \"*f*\": {action: allow, cases: [{when: args.amount > 5, action: deny}]}\n", {},
     {"p:4:41: for the tool `refund`: `args.amount` is optional, and a call without it ends as a fault: write `has(args.amount) && …` before it, or "
      "`!has(args.amount) || …`"}},
    {"  \"*f*\": {action: allow, cases: [{when: has(args.amount) && args.amount > 5, action: deny}]}\n", {}, {}}}));

TEST(Cases, AreExplainedOneByOneWithoutValues) {
  const auto policy = loaded(shop);
  const auto told = [&](const char* text) { return explain(*policy, call(text), nullptr); };
  Explanation why = told(R"({"tool":"write","arguments":{"command":"SET","args":["k","secret"]}})");
  EXPECT_EQ(why.line, 10);
  EXPECT_TRUE(why.steps[4].decides);
  EXPECT_THAT(why.steps[4].details, ElementsAre("`/tools/write/cases/0` (line 10): true: `args.command == \"SET\" && size(args.args) > 1 && size(args.args[1]) > 5` is true; `deny`",
                                                "`/tools/write/cases/1` (line 13): not reached"));
  why = told(R"({"tool":"write","arguments":{"command":"DEL","args":["k"]}})");
  EXPECT_TRUE(why.steps[6].decides);
  EXPECT_THAT(why.steps[4].details, ElementsAre("`/tools/write/cases/0` (line 10): false: `args.command == \"SET\"` is false",
                                                "`/tools/write/cases/1` (line 13): true: `args.command == \"DEL\"` is true; `require_approval`"));
  EXPECT_EQ(why.steps[4].found, "`require_approval`, by `/tools/write/cases/1`");
  why = told(R"({"tool":"charge","arguments":{"amount":"x"}})");
  EXPECT_TRUE(why.steps[4].decides);
  EXPECT_THAT(why.steps[4].details[0], HasSubstr("fault: `args.amount <= 500` asks for an order"));
  EXPECT_THAT(told(R"({"tool":"write","arguments":{"command":"GET"}})").steps[4].details, IsEmpty());
}

TEST(Cases, TheServerIsKnownWhereTheListNamesIt) {
  const ToolList list = tool_list(R"({"server":"x","tools":[{"name":"who"}]})");
  const auto policy = loaded(shop);
  EXPECT_EQ(judge_fresh(*policy, call(R"({"tool":"who"})"), &list).rule, "/tools/who/cases/1");
}

}  // namespace
}  // namespace callgate::policy::case_test
