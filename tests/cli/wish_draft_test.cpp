#include "cli/wish_draft.hpp"

#include <gmock/gmock.h>

namespace callgate::cli::wish_draft_test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view tools = R"([
  {"name":"read_item","description":"Read an item.","inputSchema":{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}},
  {"name":"update_item","description":"Update an item.","inputSchema":{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}},
  {"name":"charge","description":"Charge a customer.","inputSchema":{"type":"object","properties":{"amount":{"type":"number"}},"required":["amount"]}}])";

constexpr std::string_view in_force = R"(callgate: 1
default: deny
tools:
  read_item: {action: allow, rate_limit: {max: 2, window: 1h}}
  charge: {action: allow, arguments: {properties: {amount: {type: number, maximum: 10}}, required: [amount]}}
  update_item: {action: allow, cases: [{when: args.id == "root", action: deny}]}
everywhere: {rate_limit: {max: 5, window: 1h}}
resources: {"x:*": {action: allow}}
prompts: {p: {action: allow}}
sampling: allow
expect:
  - {call: {tool: charge, arguments: {amount: 11}}, verdict: invalid_arguments}
)";

admin::PolicyDraft drafted(std::string wish, std::string_view policy = in_force) {
  return draft_wish({.server = "shop", .wish = std::move(wish), .tools = std::string(tools), .rules = {}, .in_force = std::string(policy), .base = {}});
}

/// The policy is laid over, so what is told to change nothing does so.
TEST(WishDraft, SaysThatNothingChangesOnlyWhereThatIsSo) {
  const admin::PolicyDraft draft = drafted("allow read_item, allow charge, allow update_item");
  ASSERT_THAT(draft.faults, IsEmpty());
  EXPECT_EQ(draft.text, in_force);
  EXPECT_THAT(draft.changes, IsEmpty());
  EXPECT_EQ(draft.effect, "3 tools callable, 0 ask a person, 0 refused, 0 hidden; 0 of 3 tools judged otherwise than now; of the policy in force nothing is dropped or replaced");
}

TEST(WishDraft, NamesEveryPartThatItTakesAwayAndTheCallsThatShowIt) {
  const admin::PolicyDraft draft = drafted("allow charge only if amount <= 500, limit read_item to 50 per hour");
  ASSERT_THAT(draft.faults, IsEmpty());
  EXPECT_THAT(draft.changes, Contains("charge: `invalid_arguments` -> `allow`")) << "at the border of what is wished";
  EXPECT_THAT(draft.changes, Contains(HasSubstr("charge: what `/tools/charge` asks of `amount` is replaced: {type: number, maximum: 10} becomes")));
  EXPECT_THAT(draft.changes, Contains(HasSubstr("read_item: `rate_limit` of `/tools/read_item` is replaced")));
  EXPECT_THAT(draft.changes, Contains(HasSubstr("the test at policy:12:")));
  EXPECT_THAT(draft.effect, HasSubstr("1 of 3 tools judged otherwise than now; 3 parts of the policy in force are dropped, replaced or loosened: see the changes"));
  EXPECT_THAT(draft.text, HasSubstr("everywhere: {rate_limit: {max: 5, window: 1h}}"));
}

TEST(WishDraft, OneRefusalForAnotherIsNoChange) {
  const admin::PolicyDraft draft = drafted("allow charge only if amount <= 5", "callgate: 1\ndefault: deny\n");
  EXPECT_THAT(draft.changes, ElementsAre("charge: `deny` -> `allow`"));
}

/// One tool may be judged otherwise in more than one way.
TEST(WishDraft, JudgesTheCallsOfTheTestsOfBothPolicies) {
  const admin::PolicyDraft draft = drafted("ask before charge", "callgate: 1\ndefault: deny\ntools:\n  charge: {action: deny, cases: [{when: args.amount < 5, action: allow}]}\n"
                                                                "expect:\n  - {call: {tool: charge, arguments: {amount: 4}}, verdict: allow}\n  - {call: {tool: charge, arguments: {amount: 6}}, verdict: deny}\n");
  ASSERT_THAT(draft.faults, IsEmpty());
  EXPECT_THAT(draft.changes, Contains("charge {\"amount\":6}: `deny` -> `require_approval`"));
  EXPECT_THAT(draft.changes, Contains(HasSubstr("`allow` -> `require_approval`")));
}

TEST(WishDraft, OverAPolicyWithFaultsNothingIsDrafted) {
  const admin::PolicyDraft draft = drafted("allow charge", "callgate: 1\ndefault: dny\n");
  EXPECT_THAT(draft.faults, ElementsAre(HasSubstr("mend it first")));
  EXPECT_EQ(draft.text, "");
}

TEST(WishDraft, WithoutAPolicyInForceItSaysSo) {
  const admin::PolicyDraft draft = drafted("allow charge", "");
  ASSERT_THAT(draft.faults, IsEmpty());
  EXPECT_THAT(draft.effect, HasSubstr("1 of 3 tools judged otherwise than now; there is no policy to lay it over: without one nothing is callable"));
}

/// It stands for a tool that may be listed later.
TEST(WishDraft, AKeyThatDecidesForNoToolAnyMoreIsSaidAndNoFault) {
  const admin::PolicyDraft draft = drafted("deny charge", "callgate: 1\ndefault: deny\ntools:\n  \"char*\": {action: allow}\n");
  ASSERT_THAT(draft.faults, IsEmpty());
  EXPECT_THAT(draft.findings, Contains(HasSubstr("`char*` never decides")));
}

}  // namespace
}  // namespace callgate::cli::wish_draft_test
