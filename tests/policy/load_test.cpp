#include "policy/load.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "policy/world.hpp"

namespace callgate::policy::load_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> lines(const std::vector<Error>& errors) {
  std::vector<std::string> out;
  for (const Error& error : errors) out.push_back(error.where + ": " + error.message);
  return out;
}

/// A rule for the tool `t`.
std::string rule(std::string_view body) { return tools("  t: " + std::string(body) + "\n"); }
std::string part(std::string_view text) { return "callgate: 1\ndefault: deny\n" + std::string(text) + "\n"; }

struct FaultRow {
  std::string text;
  std::string fault;  ///< the only one, with its place
};

class Faults : public testing::TestWithParam<FaultRow> {};

/// Security requirement S23: keys, types and values that the language does not have, each with its place.
TEST_P(Faults, AreSaidWithPlaceAndRemedy) {
  const Loaded loaded = load(GetParam().text, "p");
  EXPECT_THAT(lines(loaded.faults), ElementsAre(GetParam().fault)) << GetParam().text;
  EXPECT_EQ(loaded.policy, nullptr);
  EXPECT_TRUE(loaded.expectations.empty());
}

INSTANTIATE_TEST_SUITE_P(TopOfTheFile, Faults, testing::ValuesIn(std::vector<FaultRow>{
    {"", "p:1:1: the file is empty"},
    {"hello", "p:1:1: `policy` is `hello`: write `callgate: 1`, `default: deny` and rules under `tools`"},
    {"[1, 2]", "p:1:1: `policy` is a list: write `callgate: 1`, `default: deny` and rules under `tools`"},
    {"default: deny", "p:1:1: `callgate` is missing: write `callgate: 1`, the version of the language"},
    {"callgate: 1", "p:1:1: `default` is missing: write `default: deny`, or `default: allow` to let pass what no rule names"},
    {"callgate: 2\ndefault: deny", "p:1:11: `callgate` is `2`: this version reads language version 1, write `callgate: 1`"},
    {"callgate: \"1\"\ndefault: deny", "p:1:11: `callgate` is `1`: this version reads language version 1, write `callgate: 1`"},
    {"callgate: 1.0\ndefault: deny", "p:1:11: `callgate` is `1.0`: this version reads language version 1, write `callgate: 1`"},
    {"callgate:\ndefault: deny", "p:1:1: `callgate` is nothing: this version reads language version 1, write `callgate: 1`"},
    {"callgate: 1\ndefault: no", "p:2:10: `default` is `no`: write `allow` or `deny`"},
    {"callgate: 1\ndefault: off", "p:2:10: `default` is `off`: write `allow` or `deny`"},
    {"callgate: 1\ndefault: Deny", "p:2:10: `default` is `Deny`; did you mean `deny`?"},
    {"callgate: 1\ndefault: hide", "p:2:10: `default` is `hide`: write `allow` or `deny`"},
    {"callgate: 1\ndefault:", "p:2:1: `default` is nothing: write `allow` or `deny`"},
    {"callgate: 1\ndefault: [deny]", "p:2:10: `default` is a list: write `allow` or `deny`"},
    {part("mode: shadow"), "p:3:7: `mode: shadow` is not supported yet by this version: remove it"},
    {part("mode:"), "p:3:1: `mode` is nothing: write `enforce`"},
    {part("mode: enforced"), "p:3:7: `mode` is `enforced`; did you mean `enforce`?"},
    {part("mode: monitor"), "p:3:7: `mode` is `monitor`: write `enforce`"},
    {part("classes: []"), "p:3:10: `classes` is a list: write rules by class, such as `Destructive: {action: deny}`, or leave it out"},
    {part("everywhere: {}"), "p:3:13: `everywhere` is empty: write `cases` or `rate_limit`, or leave it out"},
    {part("everywhere: []"), "p:3:13: `everywhere` is a list: write `cases` or `rate_limit`"},
    {part("tool: {}"), "p:3:1: `tool` does not stand at the top of the file, only in `call`"},
    {part("rate_limit: {}"), "p:3:1: `rate_limit` does not stand at the top of the file, only in a rule"},
    {part("toolz: {}"), "p:3:1: unknown key `toolz`; did you mean `tools`?"},
    {part("Tools: {}"), "p:3:1: unknown key `Tools`; did you mean `tools`?"},
    {part("colour: red"),
     "p:3:1: unknown key `colour`; at the top of the file there may be `callgate`, `default`, `mode`, `tools`, `classes`, `everywhere`, `resources`, `prompts`, "
     "`sampling`, `elicitation`, `roots`, `expect`"},
    {part("sampling: true"), "p:3:11: `sampling` is `true`: write `allow` or `deny`"},
    {part("elicitation: {}"), "p:3:14: `elicitation` is a mapping: write `allow` or `deny`"},
    {part("roots:"), "p:3:1: `roots` is nothing: write `allow` or `deny`"},
    {part("tools:"), "p:3:1: `tools` is nothing: write rules by name, such as `NAME: {action: allow}`, or leave it out"},
    {part("tools: [a]"), "p:3:8: `tools` is a list: write rules by name, such as `NAME: {action: allow}`, or leave it out"},
    {part("tools: {a: {action: deny}}\ntools: {b: {action: deny}}"), "p:4:1: key `tools` is already on line 3: keep one of them"}}));

INSTANTIATE_TEST_SUITE_P(Rules, Faults, testing::ValuesIn(std::vector<FaultRow>{
    {rule("{}"), "p:4:3: `t` has no `action`: write `allow`, `deny`, `hide` or `require_approval`"},
    {rule("allow"), "p:4:6: `t` is `allow`: write a rule, such as `{action: allow}`"},
    {rule(""), "p:4:3: `t` is nothing: write a rule, such as `{action: allow}`"},
    {rule("{action: alow}"), "p:4:15: `action` is `alow`; did you mean `allow`?"},
    {rule("{action: no}"), "p:4:15: `action` is `no`: write `allow`, `deny`, `hide` or `require_approval`"},
    {rule("{action: approve}"), "p:4:15: `action` is `approve`: write `allow`, `deny`, `hide` or `require_approval`"},
    {rule("{action: [allow, deny]}"), "p:4:15: `action` is a list: write `allow`, `deny`, `hide` or `require_approval`"},
    {rule("{action: deny, reson: x}"), "p:4:21: unknown key `reson`; did you mean `reason`?"},
    {rule("{action: allow, redact: []}"), "p:4:22: `redact` is not supported yet by this version: remove it"},
    {rule("{action: allow, result: {}}"), "p:4:22: `result` is not supported yet by this version: remove it"},
    {rule("{action: allow, repeat: {}}"), "p:4:22: `repeat` is not supported yet by this version: remove it"},
    {rule("{action: allow, on_limit: refuse}"), "p:4:22: `on_limit` is not supported yet by this version: remove it"},
    {rule("{action: allow, sum: x}"), "p:4:22: `sum` is not supported yet by this version: remove it"},
    {rule("{action: allow, when: x}"), "p:4:22: `when` does not stand in a rule, only in a case"},
    {rule("{action: allow, mode: shadow}"), "p:4:28: `mode: shadow` is not supported yet by this version: remove it"},
    {rule("{action: allow, mode: on}"), "p:4:28: `mode` is `on`: write `enforce`"},
    {rule("{action: allow, max: 3}"), "p:4:22: `max` does not stand in a rule, only in `rate_limit`"},
    {rule("{action: allow, default: deny}"), "p:4:22: `default` does not stand in a rule, only at the top of the file"},
    {rule("{action: allow, timeout: 3}"), "p:4:22: `timeout` does not stand in a rule, only in `approval`"},
    {rule("{action: deny, reason: }"), "p:4:21: `reason` is nothing: write some text"},
    {rule("{action: deny, reason: \"\"}"), "p:4:29: `reason` is ``: write some text"},
    {rule("{action: deny, reason: 5}"), "p:4:29: `reason` is `5`: write it in quotes if it is meant as text"},
    {rule("{action: deny, reason: \"a\\nb\"}"), "p:4:29: `reason` is `a?b`: write one sentence on one line, at most 1000 bytes"},
    {rule("{action: allow, validate: no}"), "p:4:32: `validate` is `no`: write `true` or `false`, without quotes"},
    {rule("{action: allow, validate: \"false\"}"), "p:4:32: `validate` is `false`: write `true` or `false`, without quotes"},
    {tools("  \"\": {action: deny}\n"), "p:4:3: an empty key under `tools`: write a name"},
    {tools("  \"a*\": {action: deny}\n  \"a**\": {action: allow}\n"), "p:5:3: `a**` matches the same as `a*` on line 4: keep one of them"},
    {tools("  a: {action: deny}\n  a: {action: allow}\n"), "p:5:3: key `a` is already on line 4: keep one of them"}}));

INSTANTIATE_TEST_SUITE_P(Limits, Faults, testing::ValuesIn(std::vector<FaultRow>{
    {rule("{action: allow, rate_limit: 5}"), "p:4:34: `rate_limit` is `5`: write for example `{max: 10, window: 60s}`"},
    {rule("{action: allow, rate_limit: []}"), "p:4:34: `rate_limit` is an empty list: write a limit or leave it out"},
    {rule("{action: allow, rate_limit: {window: 1}}"), "p:4:34: `rate_limit` has no `max`: write for example `max: 10`"},
    {rule("{action: allow, rate_limit: {max: 1}}"), "p:4:34: `rate_limit` has no `window`: write for example `window: 60s`"},
    {rule("{action: allow, rate_limit: {max: -1, window: 1}}"), "p:4:40: `max` is `-1`: write a whole number from 0 to 1000000000, without quotes"},
    {rule("{action: allow, rate_limit: {max: 1.5, window: 1}}"), "p:4:40: `max` is `1.5`: write a whole number from 0 to 1000000000, without quotes"},
    {rule("{action: allow, rate_limit: {max: 1e3, window: 1}}"), "p:4:40: `max` is `1e3`: write a whole number from 0 to 1000000000, without quotes"},
    {rule("{action: allow, rate_limit: {max: \"1\", window: 1}}"), "p:4:40: `max` is `1`: write a whole number from 0 to 1000000000, without quotes"},
    {rule("{action: allow, rate_limit: {max: 99999999999999999999, window: 1}}"),
     "p:4:40: `max` is `99999999999999999999`: write a whole number from 0 to 1000000000, without quotes"},
    {rule("{action: allow, rate_limit: {max: 1, window: 0}}"), "p:4:51: `window` is `0`: write a time from `1s` to `366d`"},
    {rule("{action: allow, rate_limit: {max: 1, window: 367d}}"), "p:4:51: `window` is `367d`: write a time from `1s` to `366d`"},
    {rule("{action: allow, rate_limit: {max: 1, window: 1.5}}"), "p:4:51: `window` is `1.5`: write whole seconds, such as `60`, or `30s`, `5m`, `1h`, `1d`"},
    {rule("{action: allow, rate_limit: {max: 1, window: 5 m}}"), "p:4:51: `window` is `5 m`: write whole seconds, such as `60`, or `30s`, `5m`, `1h`, `1d`"},
    {rule("{action: allow, rate_limit: {max: 1, window: 5min}}"), "p:4:51: `window` is `5min`: write whole seconds, such as `60`, or `30s`, `5m`, `1h`, `1d`"},
    {rule("{action: allow, rate_limit: {max: 1, window: -5s}}"), "p:4:51: `window` is `-5s`: write whole seconds, such as `60`, or `30s`, `5m`, `1h`, `1d`"},
    {rule("{action: allow, rate_limit: {max: 1, window: \"60\"}}"), "p:4:51: `window` is `60`: write whole seconds, such as `60`, or `30s`, `5m`, `1h`, `1d`"},
    {rule("{action: allow, rate_limit: {max: 1, window: 1:30}}"), "p:4:51: `window` is `1:30`: write whole seconds, such as `60`, or `30s`, `5m`, `1h`, `1d`"},
    {rule("{action: allow, rate_limit: {max: 1, window: 99999999999999999999d}}"),
     "p:4:51: `window` is `99999999999999999999d`: write whole seconds, such as `60`, or `30s`, `5m`, `1h`, `1d`"},
    {rule("{action: allow, rate_limit: {max: 1, window: minute}}"), "p:4:51: `window` is `minute`: write whole seconds, such as `60`, or `30s`, `5m`, `1h`, `1d`"},
    {rule("{action: allow, rate_limit: {max: 1, window: 1, per: sesion}}"), "p:4:59: `per` is `sesion`; did you mean `session`?"},
    {rule("{action: allow, rate_limit: {max: 1, window: 1, per: principal}}"),
     "p:4:59: `per` is `principal`, which is not supported yet by this version: write `session`, `grant` or `server`"},
    {rule("{action: allow, rate_limit: {max: 1, window: 1, per: tool}}"),
     "p:4:59: `per` is `tool`, which is not supported yet by this version: write `session`, `grant` or `server`"},
    {rule("{action: allow, rate_limit: {max: 1, window: 1, per: args.customer_id}}"),
     "p:4:59: `per` is `args.customer_id`, which is not supported yet by this version: write `session`, `grant` or `server`"},
    {rule("{action: allow, rate_limit: {max: 1, window: 1, per: [session, session]}}"), "p:4:69: `session` stands twice in `per`: keep one"},
    {rule("{action: allow, rate_limit: {max: 1, window: 1, per: []}}"), "p:4:59: `per` is an empty list: write `session`, `grant` or `server`"},
    {rule("{action: allow, rate_limit: {max: 1, window: 1, per: }}"), "p:4:54: `per` is nothing: write `session`, `grant` or `server`, or a list of them"},
    {rule("{action: allow, rate_limit: {sum: args.x, max: \"10\", window: 24h}}"), "p:4:35: `sum` is not supported yet by this version: remove it"},
    {rule("{action: allow, rate_limit: {sum: args.x, window: 24h}}"), "p:4:35: `sum` is not supported yet by this version: remove it"},
    {rule("{action: allow, rate_limit: {max: 1, window: 1, sum: args.x}}"), "p:4:54: `sum` is not supported yet by this version: remove it"},
    {rule("{action: allow, rate_limit: {max: 1, window: 1, burst: 2}}"),
     "p:4:54: unknown key `burst`; in `rate_limit` there may be `max`, `window`, `per`"},
    {rule("{action: allow, rate_limit: [{max: 1, window: 60}, {max: 1, window: 1m, per: session}]}"), "p:4:57: this limit stands twice in the list: keep one"},
    {rule("{action: require_approval, approval: 15m}"), "p:4:43: `approval` is `15m`: write for example `{timeout: 15m}`"},
    {rule("{action: require_approval, approval: {}}"), "p:4:43: `approval` is empty: write `timeout` or `self`, or leave it out"},
    {rule("{action: require_approval, approval: {timeout: 0}}"), "p:4:53: `timeout` is `0`: write a time from `1s` to `30d`"},
    {rule("{action: require_approval, approval: {timeout: 31d}}"), "p:4:53: `timeout` is `31d`: write a time from `1s` to `30d`"},
    {rule("{action: require_approval, approval: {timeout: 1m, approvers: [x]}}"), "p:4:57: `approvers` is not supported yet by this version: remove it"},
    {rule("{action: require_approval, approval: {timeout: 1m, quorum: 2}}"), "p:4:57: `quorum` is not supported yet by this version: remove it"},
    {rule("{action: require_approval, approval: {timeout: 1m, self: yes}}"), "p:4:63: `self` is `yes`: write `true` or `false`, without quotes"},
    {rule("{action: require_approval, approval: {timeout: 1m, edit: true}}"), "p:4:57: `edit` is not supported yet by this version: remove it"},
    {rule("{action: require_approval, approval: {timeout: 1m, remember: never}}"), "p:4:57: `remember` is not supported yet by this version: remove it"},
    {rule("{action: require_approval, approval: {timeout: 1m, by: x}}"), "p:4:57: unknown key `by`; in `approval` there may be `timeout`, `self`"}}));

INSTANTIATE_TEST_SUITE_P(Arguments, Faults, testing::ValuesIn(std::vector<FaultRow>{
    {rule("{action: allow, arguments: true}"), "p:4:33: `arguments` is `true`: write a JSON Schema, such as `{properties: {name: {type: string}}}`"},
    {rule("{action: allow, arguments: [a]}"), "p:4:33: `arguments` is a list: write a JSON Schema, such as `{properties: {name: {type: string}}}`"},
    {rule("{action: allow, arguments: {type: string}}"), "p:4:40: `type` is `string`: the arguments are always an object, write `object` or leave it out"},
    {rule("{action: allow, arguments: {propertes: {}}}"), "p:4:34: unknown JSON Schema keyword `propertes`; did you mean `properties`?"},
    {rule("{action: allow, arguments: {command: {enum: [a]}}}"), "p:4:34: unknown JSON Schema keyword `command`; names of arguments stand under `properties`"},
    {rule("{action: allow, arguments: {definitions: {}}}"), "p:4:34: `definitions` is not of JSON Schema 2020-12: write `$defs`"},
    {rule("{action: allow, arguments: {properties: {a: {type: array, items: {typ: string}}}}}"), "p:4:72: unknown JSON Schema keyword `typ`; did you mean `type`?"},
    {rule("{action: allow, arguments: {properties: {a: {enum: [yes]}}}}"),
     "p:4:58: `yes` is read differently by different readers: write it in quotes if it is text, else as `true`, `false`, `null` or a plain decimal number"},
    {rule("{action: allow, arguments: {$schema: \"http://json-schema.org/draft-07/schema#\"}}"),
     "p:4:43: `$schema` is `http://json-schema.org/draft-07/schema#`: `arguments` is JSON Schema 2020-12, leave `$schema` out"}}));

INSTANTIATE_TEST_SUITE_P(ResourcesAndPrompts, Faults, testing::ValuesIn(std::vector<FaultRow>{
    {part("resources: {\"file:///a/../b\": {action: deny}}"), "p:3:13: `file:///a/../b` can never match, addresses are compared in their plain form: write `file:///b`"},
    {part("resources: {\"FILE:///a\": {action: deny}}"), "p:3:13: `FILE:///a` can never match, addresses are compared in their plain form: write `file:///a`"},
    {part("resources: {\"file:///a%20b\": {action: deny}}"), "p:3:13: `file:///a%20b` can never match, addresses are compared in their plain form: write `file:///a b`"},
    {part("resources: {\"http://H:80\": {action: deny}}"), "p:3:13: `http://H:80` can never match, addresses are compared in their plain form: write `http://h/`"},
    {part("resources: {\"file:///%00\": {action: deny}}"), "p:3:13: `file:///%00` can never match: write the address plainly, without escapes, `..`, `.`, `\\`, user info and blanks around it"},
    {part("resources: {\"x:a\": {action: allow, arguments: {}}}"), "p:3:36: `arguments` does not stand in a rule for a resource, only in a rule"},
    {part("resources: {\"x:a\": {action: allow, validate: false}}"), "p:3:36: `validate` does not stand in a rule for a resource, only in a rule"},
    {part("prompts: {a: {action: allow, validate: false}}"), "p:3:30: `validate` does not stand in a rule for a prompt, only in a rule"},
    {part("prompts: {a: {action: allow, cases: []}}"), "p:3:30: `cases` is not supported yet by this version: remove it"},
    {part("prompts: {a: {}}"), "p:3:11: `a` has no `action`: write `allow`, `deny`, `hide` or `require_approval`"}}));

INSTANTIATE_TEST_SUITE_P(Expect, Faults, testing::ValuesIn(std::vector<FaultRow>{
    {part("expect: {}"), "p:3:9: `expect` is a mapping: write a list of entries with `call` and `verdict`"},
    {part("expect:"), "p:3:1: `expect` is nothing: write a list of entries with `call` and `verdict`"},
    {part("expect: [x]"), "p:3:10: `expect` is `x`: each entry holds `call` and `verdict`"},
    {part("expect: [{verdict: deny}]"), "p:3:10: `expect` has an entry without `call`: write for example `{tool: NAME, arguments: {}}`"},
    {part("expect: [{call: {tool: a}}]"), "p:3:10: `expect` has an entry without `verdict`: write for example `verdict: deny`"},
    {part("expect: [{call: a, verdict: deny}]"), "p:3:17: `call` is `a`: write for example `{tool: NAME, arguments: {}}`"},
    {part("expect: [{call: {}, verdict: deny}]"), "p:3:17: `call` names nothing: write for example `{tool: NAME, arguments: {}}`"},
    {part("expect: [{call: {tool: a, prompt: b}, verdict: deny}]"), "p:3:27: `prompt` beside `tool`: a call names one thing"},
    {part("expect: [{call: {tool: 5}, verdict: deny}]"), "p:3:24: `tool` is `5`: write it in quotes if it is meant as text"},
    {part("expect: [{call: {tool: a, arguments: [1]}, verdict: deny}]"), "p:3:38: `arguments` is a list: write the arguments of the call, or `{}`"},
    {part("expect: [{call: {tool: a, arguments: {x: no}}, verdict: deny}]"),
     "p:3:42: `no` is read differently by different readers: write it in quotes if it is text, else as `true`, `false`, `null` or a plain decimal number"},
    {part("expect: [{call: {resource: a, arguments: {}}, verdict: deny}]"), "p:3:31: `arguments` beside `resource`: reading a resource takes none, remove it"},
    {part("expect: [{call: {tool: a, args: {}}, verdict: deny}]"),
     "p:3:27: unknown key `args`; in `call` there may be `tool`, `resource`, `prompt`, `arguments`"},
    {part("expect: [{call: {tool: a}, verdict: denny}]"), "p:3:37: `verdict` is `denny`; did you mean `deny`?"},
    {part("expect: [{call: {tool: a}, verdict: no}]"),
     "p:3:37: `verdict` is `no`: write `allow`, `deny`, `hide`, `require_approval`, `invalid_arguments`, `rate_limited`, `unknown_tool`, `quarantined` or `fault`"},
    {part("expect: [{call: {tool: a}, verdict: deny, rule: default}]"), "p:3:49: `rule` is `default`: write a JSON Pointer such as `/tools/NAME`, or `\"\"` for no rule"},
    {part("expect: [{call: {tool: a}, verdict: deny, reason: x}]"), "p:3:43: `reason` does not stand in `expect`, only in a rule"}}));

/// Security requirement S11: a pattern of ours that does not compile is a load error.
TEST(Load, SchemasThatDoNotCompileAreFaultsAtTheirPlace) {
  const Loaded pattern = load(rule("{action: allow, arguments: {properties: {a: {type: string, pattern: \"(?=x)\"}}}}"), "p");
  ASSERT_EQ(pattern.faults.size(), 1u);
  EXPECT_EQ(pattern.faults[0].where, "p:4:74");
  EXPECT_THAT(pattern.faults[0].message, HasSubstr("`arguments` is not usable"));
  EXPECT_THAT(pattern.faults[0].message, HasSubstr("pattern"));
  EXPECT_THAT(pattern.faults[0].message, HasSubstr("look-ahead and look-behind have no linear-time form"));

  const Loaded reference = load(rule("{action: allow, arguments: {properties: {a: {$ref: \"http://x/y\"}}}}"), "p");
  ASSERT_EQ(reference.faults.size(), 1u);
  EXPECT_EQ(reference.faults[0].where, "p:4:57");

  const Loaded vocabulary = load(rule("{action: allow, arguments: {$vocabulary: {}}}"), "p");
  EXPECT_THAT(lines(vocabulary.faults), ElementsAre("p:4:47: `arguments` is not usable: `$vocabulary` is not supported; leave it out"));
}

TEST(Load, ARuleHasAtMost64Limits) {
  std::string limits;
  for (int at = 1; at <= 65; ++at) limits += fmt::format("{}{{max: {}, window: 60}}", at == 1 ? "" : ", ", at);
  const Loaded loaded = load(rule("{action: allow, rate_limit: [" + limits + "]}"), "p");
  EXPECT_THAT(lines(loaded.faults), ElementsAre("p:4:34: `rate_limit` has 65 limits: at most 64 fit one rule"));
}

/// Journals cut long texts: a limit whose name was cut could not be counted again after a kill.
TEST(Load, TheNameOfALimitIsShortHoweverLongItsRuleIs) {
  std::string uri = "file:///";
  for (int at = 0; at < 280; ++at) uri += "ab/";
  uri += 'x';
  const Loaded loaded = load("callgate: 1\ndefault: deny\nresources:\n  \"" + uri + "\": {action: allow, rate_limit: {max: 3, window: 1h}}\n", "p");
  for (const Error& fault : loaded.faults) ADD_FAILURE() << fault.where << ": " << fault.message;
  ASSERT_NE(loaded.policy, nullptr);
  const Decision decision = loaded.policy->judge({.action = Action::resource_read, .name = uri, .arguments = {}, .tool = {}});
  ASSERT_EQ(decision.limits.size(), 1U);
  EXPECT_LT(decision.limits[0]->id.size(), 200U);
  EXPECT_THAT(decision.limits[0]->id, testing::EndsWith(" max=3 window=3600s per=session"));
}

TEST(Load, EveryFaultOfAFileIsSaidAtOnceInItsOrder) {
  const Loaded loaded = load(R"(callgate: 3
mode: shadow
tools:
  a: {action: alow, rate_limit: {max: x, window: y}}
  a: {action: deny}
  b: {reson: 1}
classes: {reads: {action: deny}}
)", "p.yaml");
  EXPECT_THAT(lines(loaded.faults), ElementsAre(
      HasSubstr("p.yaml:1:1: `default` is missing"), HasSubstr("p.yaml:1:11: `callgate` is `3`"), HasSubstr("p.yaml:2:7: `mode: shadow`"),
      HasSubstr("p.yaml:4:15: `action` is `alow`"), HasSubstr("p.yaml:4:39: `max` is `x`"), HasSubstr("p.yaml:4:50: `window` is `y`"),
      HasSubstr("p.yaml:5:3: key `a` is already"), HasSubstr("p.yaml:6:3: `b` has no `action`"), HasSubstr("p.yaml:6:7: unknown key `reson`"),
      HasSubstr("p.yaml:7:11: `reads` is no class")));
}

TEST(Load, WhatThePageHasAndThisVersionDoesNotIsUnsupported) {
  for (const char* text : {"mode: shadow", "prompts: {a: {action: allow, cases: []}}"}) {
    const Loaded loaded = load(part(text), "p");
    ASSERT_EQ(loaded.faults.size(), 1u) << text;
    EXPECT_EQ(loaded.faults[0].kind, ErrorKind::unsupported) << text;
    EXPECT_THAT(loaded.faults[0].message, HasSubstr("not supported yet by this version"));
  }
}

TEST(Load, EveryFaultOfAnArgumentSchemaHasItsPlace) {
  const Loaded loaded = load(rule("\n    action: allow\n    arguments:\n      properties:\n"
                                  "        x: {type: string, pattern: \"(?=1)\"}\n        y: {type: string, pattern: \"(?<!2)\"}\n"
                                  "        z: {$ref: \"http://x/y\"}\n        w: {type: nope}\n        v: {minimum: a, type: number}\n"),
                             "p");
  std::vector<std::string> places;
  for (const Error& fault : loaded.faults) places.push_back(fault.where);
  EXPECT_EQ(places, (std::vector<std::string>{"p:8:36", "p:9:36", "p:10:19", "p:11:19", "p:12:22"}));
}

struct WarningRow {
  std::string text;
  std::vector<std::string> warnings;
};

class Warnings : public testing::TestWithParam<WarningRow> {};

TEST_P(Warnings, NameWhatIsMostLikelyNotMeant) {
  const Loaded loaded = load(GetParam().text, "p");
  EXPECT_THAT(lines(loaded.faults), IsEmpty());
  EXPECT_EQ(lines(loaded.warnings), GetParam().warnings) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(Load, Warnings, testing::ValuesIn(std::vector<WarningRow>{
    {rule("{action: allow, reason: x, rate_limit: {max: 0, window: 1d}, arguments: {}, validate: false, mode: enforce}"), {}},
    {rule("{action: deny, rate_limit: {max: 1, window: 1}}"), {"p:4:21: `rate_limit` has no effect: the action of `t` is `deny`"}},
    {rule("{action: hide, arguments: {}, validate: false}"),
     {"p:4:21: `arguments` has no effect: the action of `t` is `hide`", "p:4:36: `validate` has no effect: the action of `t` is `hide`"}},
    {rule("{action: allow, approval: {timeout: 1m}}"), {"p:4:22: `approval` has no effect: the action of `t` is `allow`"}},
    {rule("{action: deny, approval: {timeout: 1m}}"), {"p:4:21: `approval` has no effect: the action of `t` is `deny`"}},
    {rule("{action: allow, arguments: {properties: {a: {type: string, format: email}}}}"), {"p:4:65: `format` has no effect: use `pattern`"}},
    {rule("{action: allow, arguments: {then: {required: [a]}}}"), {"p:4:34: `then` has no effect without `if`"}},
    {rule("{action: allow, arguments: {properties: {a: {maximum: 5}}}}"), {"p:4:51: `maximum` lets every value pass that is no number: add `type: number`"}},
    {rule("{action: allow, arguments: {properties: {a: {pattern: x}}}}"), {"p:4:51: `pattern` lets every value pass that is no string: add `type: string`"}},
    {rule("{action: allow, arguments: {properties: {a: {type: integer, maximum: 5}, b: {enum: [1]}}}}"), {}},
    {rule("{action: allow, arguments: {anyOf: [{minProperties: 1}], properties: {a: {type: string, not: {pattern: x}}}}}"), {}},
    {rule("{action: allow, arguments: {properties: {a: {not: {pattern: x}}}}}"),
     {"p:4:57: `pattern` lets every value pass that is no string: add `type: string`"}},
    {tools("  " + std::string(129, 'x') + ": {action: deny}\n"),
     {"p:4:3: `" + std::string(60, 'x') + "...` can never decide: names of tools have at most 128 bytes"}}}));

TEST(Load, TheWholeLanguageOfThisVersionIsAccepted) {
  const Loaded loaded = load(R"(# a comment
callgate: 1
default: "deny"
mode: enforce
tools: {}
resources:
  "file:///srv/*": {action: allow, reason: fine, rate_limit: {max: 5, window: 1h, per: [server, grant]}}
prompts:
  p: {action: require_approval, approval: {timeout: 90}, arguments: {properties: {n: {type: string}}}}
sampling: allow
elicitation: deny
roots: allow
expect:
  - call: {resource: "file:///srv/a"}
    verdict: allow
    rule: /resources/file:~1~1~1srv~1*
  - call: {prompt: p, arguments: {n: "1"}}
    verdict: require_approval
  - {call: {tool: x}, verdict: deny, rule: /default}
)", "p");
  EXPECT_THAT(lines(loaded.faults), IsEmpty());
  EXPECT_THAT(lines(loaded.warnings), IsEmpty());
  ASSERT_NE(loaded.policy, nullptr);
  EXPECT_EQ(loaded.expectations.size(), 3u);
  EXPECT_EQ(loaded.expectations[1].where, "p:17:5");
}

TEST(Load, EveryKeywordOfTheStandardIsKnown) {
  const Loaded loaded = load(tools(R"(  t:
    action: allow
    arguments:
      $schema: https://json-schema.org/draft/2020-12/schema
      $id: https://example.com/t
      $comment: all of them
      title: t
      description: d
      examples: [{}]
      type: object
      $defs: {short: {$anchor: short, type: string, maxLength: 9, minLength: 1, pattern: "^a"}}
      properties:
        a: {$ref: "#/$defs/short", default: a, deprecated: false, readOnly: false, writeOnly: false}
        b: {type: array, prefixItems: [{type: integer}], items: {type: number}, contains: {const: 1}, minContains: 0,
            maxContains: 5, minItems: 0, maxItems: 9, uniqueItems: true}
        c: {type: number, multipleOf: 0.5, minimum: 0, maximum: 9, exclusiveMinimum: -1, exclusiveMaximum: 10}
        d: {type: array, prefixItems: [{type: string}], unevaluatedItems: false}
        e: {enum: [1, "1", null, true, [], {}]}
        f: {not: {type: "null"}, oneOf: [{type: string}, {type: integer}]}
      patternProperties: {"^x_": {type: string}}
      additionalProperties: true
      propertyNames: {type: string, maxLength: 20}
      required: [a]
      dependentRequired: {b: [c]}
      dependentSchemas: {d: {required: [e]}}
      minProperties: 1
      maxProperties: 20
      allOf: [{required: [a]}]
      anyOf: [{required: [a]}, {required: [b]}]
      if: {required: [c]}
      then: {required: [b]}
      else: {maxProperties: 19}
      unevaluatedProperties: false
)"), "p");
  EXPECT_THAT(lines(loaded.faults), IsEmpty());
  EXPECT_THAT(lines(loaded.warnings), IsEmpty());
}

TEST(Load, AliasesShareSettings) {
  const auto policy = loaded(tools("  a: {action: allow, arguments: &small {maxProperties: 1}}\n  b: {action: allow, arguments: *small}\n"));
  EXPECT_EQ(judge(*policy, R"({"tool":"b","arguments":{"x":1,"y":2}})").verdict, Verdict::invalid_arguments);
}

TEST(Load, LargeFilesStayQuick) {
  std::string many = tools("");
  while (many.size() < 1'000'000) {
    many += "  tool_" + std::to_string(many.size()) + ": {action: allow, arguments: {properties: {a: {type: string, maxLength: 5}}}}\n";
  }
  EXPECT_THAT(lines(load(many, "p").faults), IsEmpty());
  EXPECT_THAT(load(std::string(5u << 20, '#'), "p").faults.at(0).message, HasSubstr("larger than"));
}

}  // namespace
}  // namespace callgate::policy::load_test
