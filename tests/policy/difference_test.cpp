#include "policy/difference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/world.hpp"

namespace callgate::policy::difference_test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::string shown(const Difference& each) {
  std::string text = each.what + (each.call.empty() ? "" : " " + each.call) + ": ";
  text += std::string(word(each.before)) + " -> " + std::string(word(each.after));
  for (const std::string& part : each.parts) text += " " + part;
  return text;
}

std::vector<std::string> between(const std::string& before, const std::string& after, const ToolList* tools = nullptr) {
  const std::string old_text = "callgate: 1\n" + before;
  const std::string new_text = "callgate: 1\n" + after;
  const Loaded old_loaded = load(old_text, "old.yaml", tools);
  const Loaded new_loaded = load(new_text, "new.yaml", tools);
  if (!old_loaded.policy || !new_loaded.policy) return {"a policy has faults"};
  std::vector<std::string> lines;
  for (const Difference& each : differences({old_text, old_loaded}, {new_text, new_loaded}, tools)) lines.push_back(shown(each));
  return lines;
}

struct Row {
  const char* name;
  const char* before;
  const char* after;
  std::vector<std::string> lines;
};

class Differences : public testing::TestWithParam<Row> {};

TEST_P(Differences, AreToldByKindOfCall) { EXPECT_EQ(between(GetParam().before, GetParam().after), GetParam().lines); }

INSTANTIATE_TEST_SUITE_P(Policy, Differences, testing::ValuesIn(std::vector<Row>{
    {"same", "default: deny\ntools: {a: {action: allow}}\n", "default: deny\ntools: {\"a\": {action: allow, reason: so}}\n", {}},
    {"action", "default: deny\ntools: {a: {action: deny}}\n", "default: deny\ntools: {a: {action: allow}}\n", {"tool `a`: deny -> allow"}},
    {"new_rule", "default: deny\n", "default: deny\ntools: {a: {action: require_approval}}\n", {"tool `a`: deny -> require_approval"}},
    {"rule_gone", "default: deny\ntools: {a: {action: allow}}\n", "default: deny\n", {"tool `a`: allow -> deny"}},
    {"gone_to_a_pattern", "default: deny\ntools: {ab: {action: allow}}\n", "default: deny\ntools: {\"a*\": {action: allow}}\n", {"tool `a*`: deny -> allow"}},
    {"refusals", "default: deny\ntools: {a: {action: deny}}\n", "default: deny\ntools: {a: {action: hide}}\n", {}},
    {"default", "default: deny\n", "default: allow\n", {"whatever no rule names: deny -> allow"}},
    {"arguments", "default: deny\ntools: {a: {action: allow, arguments: {required: [x]}}}\n",
     "default: deny\ntools: {a: {action: allow, arguments: {required: [y]}}}\n", {"tool `a`: allow -> allow arguments"}},
    {"arguments_in_other_order", "default: deny\ntools: {a: {action: allow, arguments: {required: [x], properties: {x: {type: string}}}}}\n",
     "default: deny\ntools: {a: {action: allow, arguments: {properties: {x: {\"type\": string}}, required: [x]}}}\n", {}},
    {"limit", "default: deny\ntools: {a: {action: allow, rate_limit: {max: 5, window: 1m}}}\n",
     "default: deny\ntools: {a: {action: allow, rate_limit: {max: 6, window: 60}}}\n", {"tool `a`: allow -> allow rate_limit"}},
    {"limit_written_otherwise", "default: deny\ntools: {a: {action: allow, rate_limit: {max: 5, window: 1m}}}\n",
     "default: deny\ntools: {a: {action: allow, rate_limit: [{max: 5, window: 60}]}}\n", {}},
    {"limit_of_each_instead_of_all", "default: deny\ntools: {\"s_*\": {action: allow, rate_limit: {max: 5, window: 1m}}, s_a: {action: allow}}\n",
     "default: deny\ntools: {\"s_*\": {action: allow, rate_limit: {max: 5, window: 1m}}, s_a: {action: allow}, s_b: {action: allow, rate_limit: {max: 5, window: 1m}}}\n",
     {"tool `s_*`: allow -> allow what else its limit counts", "tool `s_b`: allow -> allow what else its limit counts"}},
    {"limit_under_another_key", "default: deny\ntools: {\"s_*\": {action: allow, rate_limit: {max: 5, window: 1m}}}\n",
     "default: deny\ntools: {\"s_*\": {action: deny}, \"s_a\": {action: allow, rate_limit: {max: 5, window: 1m}}}\n", {"tool `s_*`: allow -> deny"}},
    {"names_of_two_patterns", "default: deny\ntools: {\"read_*\": {action: allow}, \"*_secret\": {action: deny}}\n",
     "default: deny\ntools: {\"read_*\": {action: allow}, \"*_secrets\": {action: deny}}\n", {"tool `read_secret`: deny -> allow", "tool `read_secrets`: allow -> deny"}},
    {"names_of_two_patterns_told_once", "default: deny\ntools: {\"read_*\": {action: allow}, \"*_x\": {action: deny}}\n",
     "default: deny\ntools: {\"read_*\": {action: require_approval}, \"*_x\": {action: deny}}\n", {"tool `read_*`: allow -> require_approval"}},
    {"resources_of_two_patterns", "default: deny\nresources: {\"f:a*\": {action: allow}, \"f:*z\": {action: deny}}\n", "default: deny\nresources: {\"f:a*\": {action: allow}, \"f:*zz\": {action: deny}}\n",
     {"resource `f:az`: deny -> allow"}},
    {"limit_of_none", "default: deny\ntools: {a: {action: allow}}\n", "default: deny\ntools: {a: {action: allow, rate_limit: {max: 0, window: 1m}}}\n",
     {"tool `a`: allow -> rate_limited"}},
    {"case", "default: deny\ntools: {a: {action: deny, cases: [{when: args.n > 5, action: allow}]}}\n",
     "default: deny\ntools: {a: {action: deny, cases: [{when: args.n > 6, action: allow}]}}\n", {"tool `a`: allow -> allow cases"}},
    {"case_gone", "default: deny\ntools: {a: {action: deny, cases: [{when: args.n > 5, action: allow}]}}\n", "default: deny\ntools: {a: {action: deny}}\n",
     {"tool `a`: allow -> deny"}},
    {"case_beside_the_action", "default: deny\ntools: {a: {action: deny, cases: [{when: args.n > 5, action: allow}]}}\n",
     "default: deny\ntools: {a: {action: require_approval, cases: [{when: args.n > 5, action: allow}]}}\n", {"tool `a`: allow -> allow action approval"}},
    {"approval", "default: deny\ntools: {a: {action: require_approval}}\n", "default: deny\ntools: {a: {action: require_approval, approval: {timeout: 1m}}}\n",
     {"tool `a`: require_approval -> require_approval approval"}},
    {"validate", "default: deny\ntools: {a: {action: allow}}\n", "default: deny\ntools: {a: {action: allow, validate: false}}\n", {"tool `a`: allow -> allow validate"}},
    {"resource", "default: deny\nresources: {\"x:*\": {action: allow}}\n", "default: deny\nresources: {\"x:*\": {action: allow}, \"x:a\": {action: deny}}\n",
     {"resource `x:a`: allow -> deny"}},
    {"prompt", "default: deny\nprompts: {p: {action: allow}}\n", "default: deny\n", {"prompt `p`: allow -> deny"}},
    {"class", "default: deny\nclasses: {Read: {action: allow}}\n", "default: deny\nclasses: {Read: {action: require_approval}}\n",
     {"class `Read`: allow -> require_approval"}},
    {"class_of_a_risk", "default: allow\nclasses: {\"risk>=Medium\": {action: deny}}\n", "default: allow\nclasses: {\"risk>=Medium\": {action: deny}, \"risk>=High\": {action: allow}}\n",
     {"class `risk>=High`: deny -> allow"}},
    {"everywhere", "default: allow\n", "default: allow\neverywhere: {rate_limit: {max: 5, window: 1m}}\n", {"`everywhere`: allow -> allow rate_limit"}},
    {"requests", "default: deny\n", "default: deny\nsampling: allow\n", {"sampling that the server starts: deny -> allow"}},
    {"test", "default: deny\ntools: {a: {action: allow}}\nexpect: [{call: {tool: a, arguments: {n: 7}}, verdict: allow}]\n",
     "default: deny\ntools: {a: {action: allow, cases: [{when: has(args.n) && args.n > 5, action: deny}]}}\n",
     {"tool `a`: allow -> allow cases", "tool `a` {\"n\":7}: allow -> deny"}},
}), [](const auto& row) { return row.param.name; });

TEST(Differences, OfAListEachToolIsLookedAt) {
  const ToolList list = tool_list(R"({"tools":[{"name":"read_a"},{"name":"read_b"},{"name":"c"}]})");
  EXPECT_THAT(between("default: deny\ntools: {\"read_*\": {action: allow}}\n", "default: deny\ntools: {\"read_*\": {action: allow}, read_b: {action: deny}}\n", &list),
              ElementsAre("tool `read_b`: allow -> deny"));
  EXPECT_THAT(between("default: deny\ntools: {gone: {action: allow}}\n", "default: deny\n", &list), IsEmpty()) << "nobody has such a tool";
}

}  // namespace
}  // namespace callgate::policy::difference_test
