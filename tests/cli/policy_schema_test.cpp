#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/yaml.hpp"
#include "config/text_file.hpp"
#include "policy/load.hpp"
#include "schema/schema.hpp"

namespace callgate::cli::policy_schema_test {
namespace {

/// The published schema of policy files and the loader must agree.
class PolicySchema : public testing::TestWithParam<std::string> {
 protected:
  static bool schema_accepts(const std::string& text) {
    const auto source = config::read_text(CALLGATE_SOURCE_DIR "/schemas/policy.schema.json");
    const auto document = json::OwnedDocument::parse(*source).value();
    const auto compiled = schema::Schema::compile(document->root());
    if (!compiled) ADD_FAILURE() << compiled.error().where << ": " << compiled.error().message;
    const yaml::Parsed parsed = yaml::parse(text, "f");
    std::vector<Error> faults;
    const auto value = json::OwnedDocument::parse(yaml::to_json(*parsed.root, "f", faults)).value();
    return faults.empty() && !(*compiled)->validate(value->root());
  }
  static std::string file() { return "callgate: 1\ndefault: deny\n" + GetParam() + "\n"; }
};

class Good : public PolicySchema {};
class Bad : public PolicySchema {};

TEST_P(Good, PoliciesAreAcceptedByBoth) {
  EXPECT_TRUE(schema_accepts(file())) << file();
  const policy::Loaded loaded = policy::load(file(), "f");
  EXPECT_TRUE(loaded.faults.empty()) << loaded.faults[0].message << "\n" << file();
}

TEST_P(Bad, PoliciesAreRefusedByBoth) {
  EXPECT_FALSE(schema_accepts(file())) << file();
  EXPECT_FALSE(policy::load(file(), "f").faults.empty()) << file();
}

INSTANTIATE_TEST_SUITE_P(Policies, Good, testing::Values(
    "", "mode: enforce", "tools: {}", "tools: {a: {action: hide}, \"b*\": {action: require_approval, approval: {timeout: 15m}, reason: so}}",
    "tools: {a: {action: allow, validate: false, arguments: {required: [x]}, rate_limit: {max: 0, window: 60}}}",
    "tools: {a: {action: allow, rate_limit: [{max: 1, window: 1d, per: grant}, {max: 2, window: 1h, per: [session, server]}]}}",
    "tools: {a: {action: deny, cases: [{when: args.x > 1, action: allow, rate_limit: {max: 1, window: 1s}}, {when: true, action: require_approval, reason: r, approval: {timeout: 1m}}]}}",
    "classes: {Read: {action: allow}, Financial: {action: hide}, \"risk>=Critical\": {action: deny}}",
    "everywhere: {rate_limit: {max: 1, window: 1s}, cases: [{when: tool.risk == \"High\", action: deny}]}",
    "resources: {\"file:///a/*\": {action: allow, rate_limit: {max: 1, window: 1s}}}", "prompts: {p: {action: allow, arguments: {required: [x]}}}",
    "sampling: allow\nelicitation: deny\nroots: allow",
    "expect: [{call: {tool: a, arguments: {}}, verdict: deny, rule: /default}, {call: {resource: \"x:y\"}, verdict: deny}, {call: {prompt: p}, verdict: deny, rule: \"\"}]"));

INSTANTIATE_TEST_SUITE_P(Policies, Bad, testing::Values(
    "mode: shadow", "tools: []", "tools: {\"\": {action: allow}}", "tools: {a: {}}", "tools: {a: {action: alow}}", "tools: {a: {action: allow, colour: red}}",
    "tools: {a: {action: allow, cases: []}}", "tools: {a: {action: allow, cases: [{action: deny}]}}", "tools: {a: {action: allow, cases: [{when: args.x, action: hide}]}}",
    "tools: {a: {action: allow, cases: [{when: args.x, action: deny, mode: enforce}]}}", "tools: {a: {action: allow, approval: {}}}",
    "tools: {a: {action: allow, rate_limit: {max: 1}}}", "tools: {a: {action: allow, rate_limit: {max: -1, window: 1}}}",
    "tools: {a: {action: allow, rate_limit: {max: 1, window: 0}}}", "tools: {a: {action: allow, rate_limit: {max: 1, window: 1w}}}",
    "tools: {a: {action: allow, rate_limit: {max: 1, window: 1, per: tool}}}", "tools: {a: {action: allow, validate: \"no\"}}", "classes: {read: {action: allow}}",
    "classes: {\"risk>High\": {action: allow}}", "everywhere: {}", "everywhere: {action: deny}", "resources: {\"x:y\": {action: allow, arguments: {}}}",
    "prompts: {p: {action: allow, cases: [{when: true, action: deny}]}}", "sampling: yes", "expect: [{call: {}, verdict: deny}]",
    "expect: [{call: {resource: \"x:y\", arguments: {}}, verdict: deny}]", "expect: [{call: {tool: a}, verdict: no}]", "expect: [{call: {tool: a}, verdict: deny, rule: default}]"));

}  // namespace
}  // namespace callgate::cli::policy_schema_test
