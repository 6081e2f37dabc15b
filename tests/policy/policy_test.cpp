#include "policy/policy.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "policy/world.hpp"

namespace callgate::policy::policy_test {
namespace {

using testing::HasSubstr;

constexpr std::string_view shop = R"(callgate: 1
default: deny
tools:
  read: {action: allow}
  write:
    action: allow
    reason: only small writes
    arguments:
      properties:
        command: {enum: [SET, HSET]}
        size: {type: integer, maximum: 100}
      required: [command]
  pay:
    action: require_approval
    reason: money moves
    rate_limit: [{max: 3, window: 1m}, {max: 10, window: 1d, per: [server, grant]}]
    approval: {timeout: 15m}
  gone: {action: deny, reason: not for agents}
  secret: {action: hide}
  closed: {action: deny, arguments: {required: [x]}}
  "read_*": {action: allow}
  "read_private_*": {action: hide}
  "*_admin": {action: deny}
  "drop_?": {action: allow}
  "?drop_": {action: allow}
  a/b~c: {action: deny}
resources:
  "file:///pub/*": {action: allow}
  "file:///pub/private/*": {action: deny, reason: private}
  "file:///pub/hidden": {action: hide}
  "doc://a": {action: deny}
  "doc://*": {action: allow, rate_limit: {max: 1, window: 1s}}
prompts:
  greet: {action: allow, arguments: {properties: {name: {maxLength: 3, type: string}}}}
  "sys_*": {action: hide}
sampling: allow
)";

struct Row {
  const char* call;
  Verdict verdict;
  const char* rule;
};

class Judge : public testing::TestWithParam<Row> {};

TEST_P(Judge, DecidesByTheNearestRule) {
  const Decision decision = judge(shop, GetParam().call);
  EXPECT_EQ(word(decision.verdict), word(GetParam().verdict)) << decision.reason.view();
  EXPECT_EQ(decision.rule, GetParam().rule);
  EXPECT_FALSE(decision.reason.empty());
}

INSTANTIATE_TEST_SUITE_P(Policy, Judge, testing::ValuesIn(std::vector<Row>{
    {R"({"tool":"read"})", Verdict::allow, "/tools/read"},
    {R"({"tool":"Read"})", Verdict::deny, "/default"},
    {R"({"tool":"read "})", Verdict::deny, "/default"},
    {R"({"tool":"rea"})", Verdict::deny, "/default"},
    {R"({"tool":"read_mail"})", Verdict::allow, "/tools/read_*"},
    {R"({"tool":"read_private_mail"})", Verdict::hide, "/tools/read_private_*"},
    {R"({"tool":"read_admin"})", Verdict::deny, "/tools/*_admin"},
    {R"({"tool":"gone"})", Verdict::deny, "/tools/gone"},
    {R"({"tool":"secret"})", Verdict::hide, "/tools/secret"},
    {R"({"tool":"a/b~c"})", Verdict::deny, "/tools/a~1b~0c"},
    // A plain deny decides before the arguments.
    {R"({"tool":"closed","arguments":{}})", Verdict::deny, "/tools/closed"},
    {R"({"tool":"write","arguments":{"command":"SET"}})", Verdict::allow, "/tools/write"},
    {R"({"tool":"write","arguments":{"command":"DEL"}})", Verdict::invalid_arguments, "/tools/write/arguments"},
    {R"({"tool":"write","arguments":{"command":null}})", Verdict::invalid_arguments, "/tools/write/arguments"},
    {R"({"tool":"write","arguments":{"command":"SET","size":"5"}})", Verdict::invalid_arguments, "/tools/write/arguments"},
    {R"({"tool":"write","arguments":{"command":"SET","size":101}})", Verdict::invalid_arguments, "/tools/write/arguments"},
    {R"({"tool":"write","arguments":{}})", Verdict::invalid_arguments, "/tools/write/arguments"},
    // Absent arguments are judged as `{}`.
    {R"({"tool":"write"})", Verdict::invalid_arguments, "/tools/write/arguments"},
    {R"({"tool":"write","arguments":{"command":"SET","Command":"DEL"}})", Verdict::invalid_arguments, "/tools/write/arguments"},
    {R"({"tool":"write","arguments":{"command":"SET","a":{"SIZE":1,"size":1}}})", Verdict::invalid_arguments, "/tools/write/arguments"},
    {R"({"tool":"write","arguments":{"command":"SET","other":1,"Other":2}})", Verdict::allow, "/tools/write"},
    {R"({"tool":"pay"})", Verdict::require_approval, "/tools/pay"},
    // Two globs that are as near: nobody can say which counts. The first of the file is reported.
    {R"({"tool":"drop_"})", Verdict::deny, "/default"},
    {R"({"tool":"drop_x"})", Verdict::allow, "/tools/drop_?"},
    {R"({"resource":"file:///pub/a"})", Verdict::allow, "/resources/file:~1~1~1pub~1*"},
    {R"({"resource":"file:///pub/private/a"})", Verdict::deny, "/resources/file:~1~1~1pub~1private~1*"},
    {R"({"resource":"file:///pub/x/../private/a"})", Verdict::deny, "/resources/file:~1~1~1pub~1private~1*"},
    {R"({"resource":"file:///pub/%70rivate/a"})", Verdict::deny, "/resources/file:~1~1~1pub~1private~1*"},
    {R"({"resource":"FILE:/pub//private/a"})", Verdict::deny, "/resources/file:~1~1~1pub~1private~1*"},
    {R"({"resource":"file:///pub/../etc/passwd"})", Verdict::deny, "/default"},
    {R"({"resource":"file:///pub/%2e%2e/etc/passwd"})", Verdict::deny, "/default"},
    {R"({"resource":"file:///pub/%00"})", Verdict::invalid_arguments, ""},
    {R"({"resource":"file:///pub/hidden"})", Verdict::hide, "/resources/file:~1~1~1pub~1hidden"},
    {R"({"resource":"file:///pub/hidden#x"})", Verdict::hide, "/resources/file:~1~1~1pub~1hidden"},
    {R"({"resource":"file:///pub/hidden?x"})", Verdict::hide, "/resources/file:~1~1~1pub~1hidden"},
    {R"({"resource":"doc://a#part"})", Verdict::deny, "/resources/doc:~1~1a"},
    {R"({"resource":"doc://b"})", Verdict::allow, "/resources/doc:~1~1*"},
    {R"({"prompt":"greet","arguments":{"name":"Bo"}})", Verdict::allow, "/prompts/greet"},
    {R"({"prompt":"greet","arguments":{"name":"Robert"}})", Verdict::invalid_arguments, "/prompts/greet/arguments"},
    {R"({"prompt":"greet","arguments":{"name":"Bo","NAME":"x"}})", Verdict::invalid_arguments, "/prompts/greet/arguments"},
    {R"({"prompt":"sys_x"})", Verdict::hide, "/prompts/sys_*"},
    {R"({"prompt":"read"})", Verdict::deny, "/default"}}));

TEST(Policy, TwoGlobsThatAreAsNearAreAFault) {
  const Decision decision = judge(tools("  \"a*\": {action: allow}\n  \"*b\": {action: allow}\n"), R"({"tool":"ab"})");
  EXPECT_EQ(decision.verdict, Verdict::fault);
  EXPECT_EQ(decision.rule, "/tools/a*");
  ASSERT_EQ(decision.faults.size(), 1u);
  EXPECT_EQ(decision.faults[0], "`/tools/a*` and `/tools/*b` match it equally well");
}

TEST(Policy, LimitsAndApprovalComeWithWhatMayPass) {
  const auto policy = loaded(shop);
  const Decision pay = judge(*policy, R"({"tool":"pay"})");
  ASSERT_EQ(pay.limits.size(), 2u);
  EXPECT_EQ(pay.limits[0]->pointer, "/tools/pay/rate_limit/0");
  EXPECT_EQ(pay.limits[0]->max, 3u);
  EXPECT_EQ(pay.limits[0]->window, std::chrono::seconds(60));
  EXPECT_EQ(pay.limits[0]->per, std::vector<Per>{Per::session});
  EXPECT_EQ(pay.limits[0]->id, "/tools/pay max=3 window=60s per=session");
  EXPECT_EQ(pay.limits[1]->pointer, "/tools/pay/rate_limit/1");
  EXPECT_EQ(pay.limits[1]->per, (std::vector<Per>{Per::grant, Per::server}));
  EXPECT_EQ(pay.limits[1]->id, "/tools/pay max=10 window=86400s per=grant+server");
  ASSERT_NE(pay.approval, nullptr);
  EXPECT_EQ(pay.approval->timeout, std::chrono::minutes(15));
  EXPECT_EQ(pay.reason, "money moves");

  const Decision doc = judge(*policy, R"({"resource":"doc://x"})");
  ASSERT_EQ(doc.limits.size(), 1u);
  EXPECT_EQ(doc.limits[0]->pointer, "/resources/doc:~1~1*/rate_limit");
  EXPECT_TRUE(judge(*policy, R"({"tool":"gone"})").limits.empty());
  EXPECT_EQ(judge(*policy, R"({"tool":"read"})").approval, nullptr);
}

TEST(Policy, ReasonsNameTheArgumentAndTheKeywordAndNeverTheValue) {
  const Decision decision = judge(shop, R"({"tool":"write","arguments":{"command":"TOPSECRET"}})");
  EXPECT_EQ(decision.argument_path, "/command");
  EXPECT_EQ(decision.argument_keyword, "enum");
  EXPECT_EQ(decision.reason, "argument `/command` does not fit the policy (`enum`): only small writes");

  const Decision missing = judge(shop, R"({"tool":"write"})");
  EXPECT_EQ(missing.argument_path, "/command");
  EXPECT_EQ(missing.argument_keyword, "required");
  EXPECT_THAT(missing.reason, HasSubstr("`/command` is missing"));

  const Decision twin = judge(shop, R"({"tool":"write","arguments":{"command":"SET","Command":"DEL"}})");
  EXPECT_EQ(twin.argument_path, "/Command");
  EXPECT_EQ(twin.argument_keyword, "letter_case");
}

TEST(Policy, NamesThatAgentsChooseAreCutInReasons) {
  const std::string name(5000, 'x');
  const Decision decision = judge(tools("  t: {action: allow, arguments: {additionalProperties: false}}\n"),
                                  R"({"tool":"t","arguments":{")" + name + R"(":1}})");
  EXPECT_EQ(decision.verdict, Verdict::invalid_arguments);
  EXPECT_LT(decision.reason.view().size(), 250u);
}

class OwnSchema : public testing::Test {
 protected:
  Decision judge_listed(std::string_view rules, std::string_view json) const {
    return kept(tools(rules))->judge(call(json).request(&list_));
  }

  const ToolList list_ = tool_list(R"json({"tools":[
      {"name":"add","inputSchema":{"type":"object","properties":{"a":{"type":"number"}},"required":["a"]}},
      {"name":"bare"},
      {"name":"broken","inputSchema":{"type":"object","properties":{"a":{"pattern":"(?=x)"}}}}]})json");
};

/// Security requirement S12: the server's own schema is checked too.
TEST_F(OwnSchema, IsCheckedBeforeTheRulesArguments) {
  const std::string rules = "  add: {action: allow, arguments: {properties: {a: {type: number, maximum: 5}}}}\n";
  const Decision own = judge_listed(rules, R"({"tool":"add","arguments":{"a":"7"}})");
  EXPECT_EQ(own.verdict, Verdict::invalid_arguments);
  EXPECT_EQ(own.rule, "");
  EXPECT_EQ(own.argument_path, "/a");
  EXPECT_EQ(own.argument_keyword, "type");
  EXPECT_THAT(own.reason, HasSubstr("the tool's own schema"));
  EXPECT_EQ(judge_listed(rules, R"({"tool":"add","arguments":{"a":7}})").rule, "/tools/add/arguments");
  EXPECT_EQ(judge_listed(rules, R"({"tool":"add","arguments":{"a":5}})").verdict, Verdict::allow);
  EXPECT_EQ(judge_listed(rules, R"({"tool":"add"})").argument_keyword, "required");
}

TEST_F(OwnSchema, IsCheckedForTheDefaultToo) {
  const auto policy = loaded("callgate: 1\ndefault: allow\n");
  EXPECT_EQ(policy->judge(call(R"({"tool":"add"})").request(&list_)).verdict, Verdict::invalid_arguments);
  EXPECT_EQ(policy->judge(call(R"({"tool":"bare"})").request(&list_)).verdict, Verdict::allow);
  EXPECT_EQ(policy->judge(call(R"({"tool":"bare"})").request(&list_)).rule, "/default");
}

/// Security requirement S11: a server's pattern that does not compile is a fault.
TEST_F(OwnSchema, ThatDoesNotCompileIsAFaultUnlessSwitchedOff) {
  const Decision decision = judge_listed("  broken: {action: allow}\n", R"({"tool":"broken"})");
  EXPECT_EQ(decision.verdict, Verdict::fault);
  EXPECT_EQ(decision.rule, "");
  ASSERT_EQ(decision.faults.size(), 1u);
  EXPECT_EQ(judge_listed("  broken: {action: allow, validate: false}\n", R"({"tool":"broken"})").verdict, Verdict::allow);
  EXPECT_EQ(judge_listed("  broken: {action: deny}\n", R"({"tool":"broken"})").verdict, Verdict::deny);
  EXPECT_EQ(judge_listed("  add: {action: allow, validate: false}\n", R"({"tool":"add"})").verdict, Verdict::allow);
}

TEST_F(OwnSchema, ToolsOutsideTheListAreUnknownWhateverThePolicySays) {
  const Decision decision = judge_listed("  nowhere: {action: hide}\n", R"({"tool":"nowhere"})");
  EXPECT_EQ(decision.verdict, Verdict::unknown_tool);
  EXPECT_EQ(decision.rule, "");
}

TEST(Policy, QuarantineStandsBelowHideAndAboveEverythingElse) {
  const auto policy = loaded(tools("  a*: {action: allow}\n  h: {action: hide}\n  d: {action: deny}\n  \"*b\": {action: allow}\n"));
  const auto verdict = [&](std::string_view name) {
    return policy->judge({.name = name, .tool = {.state = ToolFacts::State::quarantined}});
  };
  EXPECT_EQ(verdict("a").verdict, Verdict::quarantined);
  EXPECT_EQ(verdict("a").rule, "");
  EXPECT_EQ(verdict("d").verdict, Verdict::quarantined);
  EXPECT_EQ(verdict("ab").verdict, Verdict::quarantined);
  EXPECT_EQ(verdict("h").verdict, Verdict::hide);
}

TEST(Policy, ArgumentsThatAreNoObjectNeverPass) {
  const auto document = json::OwnedDocument::parse("[1]");
  const auto policy = loaded("callgate: 1\ndefault: allow\n");
  Request request{.name = "x", .arguments = (*document)->root()};
  request.tool.state = ToolFacts::State::known;
  EXPECT_EQ(policy->judge(request).verdict, Verdict::invalid_arguments);
}

TEST(Policy, SaysWhatListsLeaveOut) {
  const auto policy = loaded(shop);
  EXPECT_TRUE(policy->hides_anything());
  EXPECT_TRUE(policy->hides_tool("secret", {}));
  EXPECT_TRUE(policy->hides_tool("read_private_x", {}));
  EXPECT_FALSE(policy->hides_tool("read", {}));
  EXPECT_FALSE(policy->hides_tool("gone", {}));
  EXPECT_TRUE(policy->hides_prompt("sys_a"));
  EXPECT_FALSE(policy->hides_prompt("secret"));
  EXPECT_TRUE(policy->hides_resource("file:///pub/x/../hidden"));
  EXPECT_TRUE(policy->hides_resource("file:///pub/%00"));
  EXPECT_FALSE(policy->hides_resource("file:///pub/{name}"));
  EXPECT_FALSE(loaded("callgate: 1\ndefault: deny\n")->hides_anything());
}

TEST(Policy, APromptIsCompletedWithoutItsArguments) {
  const auto policy = loaded("callgate: 1\ndefault: deny\nprompts:\n  p: {action: allow, arguments: {required: [city]}}\n  h: {action: hide}\n");
  const auto judged = [&](Action action, std::string_view name) { return policy->judge({.action = action, .name = name}); };
  EXPECT_EQ(judged(Action::prompt_get, "p").verdict, Verdict::invalid_arguments);
  EXPECT_EQ(judged(Action::prompt_complete, "p").verdict, Verdict::allow);
  EXPECT_EQ(judged(Action::prompt_complete, "p").rule, "/prompts/p");
  EXPECT_EQ(judged(Action::prompt_complete, "h").verdict, Verdict::hide);
  EXPECT_EQ(judged(Action::prompt_complete, "other").rule, "/default");
}

TEST(Policy, SaysWhatAHiddenNameWouldGetIfNoRuleHidIt) {
  const auto policy = loaded(R"(callgate: 1
default: deny
resources:
  "demo://*": {action: allow}
  "demo://secret": {action: hide}
prompts:
  "team_*": {action: deny}
  "team_s*": {action: hide}
  alone: {action: hide}
)");
  const auto unhidden = [&](Action action, std::string_view name) { return policy->judge_unhidden({.action = action, .name = name}); };
  EXPECT_EQ(unhidden(Action::resource_read, "demo://secret#x").rule, "/resources/demo:~1~1*");
  EXPECT_EQ(unhidden(Action::prompt_get, "team_secret").rule, "/prompts/team_*");
  EXPECT_EQ(unhidden(Action::prompt_complete, "alone").rule, "/default");
  EXPECT_EQ(policy->judge({.action = Action::prompt_get, .name = "alone"}).verdict, Verdict::hide);
}

/// Security requirement S8: resources are ruled by their address, however it is written.
TEST(Policy, NoSpellingOfAnAddressGoesAroundItsRule) {
  const auto policy = loaded(R"(callgate: 1
default: allow
resources:
  "file:///secret/*": {action: deny}
  "http://h/": {action: deny}
  "demo://secret": {action: hide}
)");
  const auto passes = [&](std::string_view uri) {
    return policy->judge({.action = Action::resource_read, .name = uri}).verdict == Verdict::allow;
  };
  for (const std::string_view uri :
       {"file:///secret/x", " file:///secret/x", "file:secret/x", "file:\\\\\\secret\\x", "file://any/secret/x", "file://secret/x",
        "file:///secret%5cx", "http://h", "http:h", "http:/h/", "http:\\\\h\\", "http://h:80/", "http://h:/?", "http://u@h", "http://H./",
        "http://%68/", "demo://secret", " demo://secret", "demo://secret ", "demo://secret:", "demo://@secret", "demo://secret?", "demo://se\tcret"})
    EXPECT_FALSE(passes(uri)) << uri;
  EXPECT_TRUE(passes("file:///public/x"));
  EXPECT_TRUE(passes("http://h/x"));
  EXPECT_TRUE(passes("demo://secrets"));
}

TEST(Policy, AnAddressThatServersMayReadAsANamedOneIsHeldToItsRule) {
  constexpr std::string_view named = R"(
resources:
  "file:///ask": {action: require_approval}
  "file:///often": {action: allow, rate_limit: {max: 1, window: 1m}}
  "demo:///deny": {action: deny}
)";
  const auto open = loaded("callgate: 1\ndefault: allow" + std::string(named));
  EXPECT_EQ(judge(*open, R"({"resource":"file:///ask#x"})").verdict, Verdict::require_approval);
  EXPECT_EQ(judge(*open, R"({"resource":"file:///often?x"})").limits.size(), 1U);
  EXPECT_EQ(judge(*open, R"({"resource":"demo:/deny"})").verdict, Verdict::deny);
  const auto closed = loaded("callgate: 1\ndefault: deny" + std::string(named));
  EXPECT_EQ(judge(*closed, R"({"resource":"file:///ask#x"})").rule, "/default");
  EXPECT_EQ(judge(*closed, R"({"resource":"file:///often?x"})").verdict, Verdict::deny);
}

/// Security requirement S8: sampling, elicitation and roots are denied unless enabled.
TEST(Policy, ServersAskForNothingUnlessAllowed) {
  const auto policy = loaded(shop);
  EXPECT_TRUE(policy->allows_sampling());
  EXPECT_FALSE(policy->allows_elicitation());
  EXPECT_FALSE(policy->allows_roots());
}

TEST(Policy, AnApprovalCountsForTheSameCompiledRuleOnly) {
  const auto digest = [](std::string_view rest) {
    const auto policy = loaded(tools("  t: {action: require_approval" + std::string(rest) + "}\n"));
    return judge(*policy, R"({"tool":"t","arguments":{"a":1}})").approval->rule_digest;
  };
  const std::string bare = digest("");
  EXPECT_EQ(digest(" # a comment\n  "), bare);
  EXPECT_EQ(digest(", approval: {timeout: 10m}"), bare);
  EXPECT_EQ(digest(", arguments: {required: [a], maxProperties: 3}"), digest(", arguments: {maxProperties: 3.0, required: [a]}"));
  for (const char* other : {", approval: {timeout: 11m}", ", reason: x", ", validate: false", ", arguments: {required: [a]}",
                            ", rate_limit: {max: 1, window: 1}"}) {
    EXPECT_NE(digest(other), bare) << other;
  }
}

TEST(Policy, ItsHashIsThatOfTheText) {
  EXPECT_EQ(loaded("callgate: 1\ndefault: deny\n")->hash(),
            "sha256:8651932de79362794aa2a467b682325d9507bca25b6d7e165e67c14426aa5218");
}

TEST(Policy, RulesOnOtherToolsCostNothing) {
  std::string many = tools("");
  for (int i = 0; i < 10'000; ++i) many += "  tool_" + std::to_string(i) + ": {action: deny}\n";
  const auto policy = loaded(many);
  EXPECT_EQ(policy->rule_count(), 10'000u);
  EXPECT_EQ(judge(*policy, R"({"tool":"tool_9999"})").rule, "/tools/tool_9999");
  EXPECT_EQ(judge(*policy, R"({"tool":"tool_10000"})").rule, "/default");
}

}  // namespace
}  // namespace callgate::policy::policy_test
