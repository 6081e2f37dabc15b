#include <gmock/gmock.h>

#include <algorithm>
#include <string>

#include "generate/wish.hpp"
#include "generate/world.hpp"

namespace callgate::generate::wish_standing_test {
namespace {

using policy::Verdict;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view list = R"([
  {"name":"read_item","description":"Read an item.","inputSchema":{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}},
  {"name":"update_item","description":"Update an item.","inputSchema":{"type":"object","properties":{"id":{"type":"string"}},"required":["id"]}},
  {"name":"charge","description":"Charge a customer.","inputSchema":{"type":"object","properties":{"amount":{"type":"number"},"customer":{"type":"string"}},"required":["amount"]}},
  {"name":"drop_table","description":"Delete a table.","inputSchema":{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}}])";

constexpr std::string_view in_force = R"(# Ours, since spring.
callgate: 1
default: deny
tools:
  # two an hour are plenty
  read_item: {action: allow, rate_limit: {max: 2, window: 1h}}
  charge:
    action: allow
    arguments:
      properties:
        amount: {type: number, maximum: 10}   # small change
        customer: {type: string, maxLength: 8}
      required: [amount]
  update_item: {action: allow, cases: [{when: args.id == "root", action: deny}]}
  "drop_*": {action: require_approval, approval: {timeout: 15m}, rate_limit: {max: 4, window: 1h}}
everywhere: {rate_limit: {max: 5, window: 1h}}   # all told
resources: {"x:*": {action: allow}}
prompts: {p: {action: allow}}
sampling: allow
expect:
  # what went wrong in March
  - {call: {tool: charge, arguments: {amount: 11}}, verdict: invalid_arguments}
  - {call: {tool: update_item, arguments: {id: root}}, verdict: deny}
)";

/// A wish that is laid over a policy.
struct Laid {
  explicit Laid(std::string_view wish, std::string_view policy = in_force, const policy::ClassesOf& classes = {}) : world(list) {
    auto parsed = policy::ToolList::parse("{\"tools\":" + std::string(list) + "}", classes);
    EXPECT_TRUE(parsed.has_value());
    tools.emplace(std::move(*parsed));
    before = policy::load(policy, "policy", &*tools);
    EXPECT_THAT(before.faults, IsEmpty()) << before.faults.front().message;
    const Standing standing{policy, before, *tools};
    made = wish_policy(wish, "shop", world.definitions, world.classes, {}, &standing);
    after = policy::load(made.policy.text, "draft", &*tools);
  }

  std::string judged(const policy::Loaded& by, std::string_view call) const {
    const auto read = policy::parse_call(call);
    return by.policy == nullptr || !read ? "no policy" : std::string(policy::word(policy::judge_fresh(*by.policy, *read, &*tools).verdict));
  }
  std::string now(std::string_view call) const { return judged(after, call); }
  std::string tests() const {
    std::string failing;
    for (const Error& each : after.faults) failing += each.where + ": " + each.message + "\n";
    for (const policy::Expectation& each : after.expectations) {
      if (const policy::Outcome outcome = policy::run(*after.policy, each, &*tools); !outcome.held) failing += each.where + ": " + outcome.message + "\n";
    }
    return failing;
  }

  World world;
  std::optional<policy::ToolList> tools;
  policy::Loaded before;
  policy::Loaded after;
  Wished made;
};

TEST(WishOverAPolicy, ThatDoesAlreadyWhatIsWishedChangesNothing) {
  const Laid laid("allow read_item, allow charge, allow update_item");
  ASSERT_THAT(laid.made.faults, IsEmpty());
  EXPECT_EQ(laid.made.policy.text, in_force);
  EXPECT_THAT(laid.made.dropped, IsEmpty());
  EXPECT_THAT(laid.made.notes, Contains("the policy in force does already what is wished"));
}

TEST(WishOverAPolicy, KeepsWhatItDoesNotSpeakOf) {
  const Laid laid("allow charge only if customer is 'ACME'");
  ASSERT_THAT(laid.made.faults, IsEmpty());
  EXPECT_EQ(laid.tests(), "");
  EXPECT_EQ(laid.now(R"({"tool":"charge","arguments":{"amount":10,"customer":"ACME"}})"), "allow");
  EXPECT_EQ(laid.now(R"({"tool":"charge","arguments":{"amount":11,"customer":"ACME"}})"), "invalid_arguments") << "the old bound stays";
  EXPECT_EQ(laid.now(R"({"tool":"charge","arguments":{"amount":10}})"), "invalid_arguments");
  EXPECT_EQ(laid.now(R"({"tool":"update_item","arguments":{"id":"root"}})"), "deny");
  EXPECT_EQ(laid.now(R"({"resource":"x:a"})"), "allow");
  EXPECT_EQ(laid.now(R"({"prompt":"p"})"), "allow");
  EXPECT_TRUE(laid.after.policy->allows_sampling());
  for (const char* kept : {"# two an hour are plenty\n  read_item: {action: allow, rate_limit: {max: 2, window: 1h}}", "everywhere: {rate_limit: {max: 5, window: 1h}}   # all told", "# what went wrong in March",
                           "customer: ACME}}, verdict: allow", "customer: ACMEx}}, verdict: invalid_arguments"})
    EXPECT_THAT(laid.made.policy.text, HasSubstr(kept));
  EXPECT_THAT(laid.made.dropped, testing::ElementsAre("charge: what `/tools/charge` asks of `customer` is replaced: {type: string, maxLength: 8} becomes {enum: [ACME]}"));
}

TEST(WishOverAPolicy, SaysWhatItReplaces) {
  const Laid laid("limit read_item to 20 per hour, allow charge only if amount <= 500");
  ASSERT_THAT(laid.made.faults, IsEmpty());
  EXPECT_EQ(laid.tests(), "");
  EXPECT_THAT(laid.made.dropped, Contains(R"(read_item: `rate_limit` of `/tools/read_item` is replaced: {max: 2, window: "1h"} becomes {max: 20, window: "1h"})"));
  EXPECT_THAT(laid.made.dropped, Contains("charge: what `/tools/charge` asks of `amount` is replaced: {type: number, maximum: 10} becomes {type: number, maximum: 500}"));
  EXPECT_THAT(laid.made.dropped, Contains(HasSubstr("holds no more and is taken out: `invalid_arguments` is `allow` now"))) << "a test of the policy is one of its parts";
  EXPECT_EQ(laid.now(R"({"tool":"charge","arguments":{"amount":11,"customer":"much too long"}})"), "invalid_arguments");
}

TEST(WishOverAPolicy, SaysWhatIsLoosenedOrGoesWithARule) {
  const Laid allowed("allow drop_table");
  ASSERT_THAT(allowed.made.faults, IsEmpty());
  EXPECT_THAT(allowed.made.dropped, testing::ElementsAre("drop_table: loosened: `require_approval` of `/tools/drop_*` becomes `allow`", R"(drop_table: `approval` of `/tools/drop_*` is dropped, nobody is asked: {timeout: "15m"})",
                                                         HasSubstr("drop_table: loosened: the limit of `/tools/drop_*` counted its tools together")));
  EXPECT_THAT(allowed.made.policy.text, HasSubstr("  drop_table:\n    action: allow\n    rate_limit: {max: 4, window: \"1h\"}"));
  const Laid denied("deny charge");
  EXPECT_THAT(denied.made.dropped, Contains(HasSubstr("charge: `arguments` of `/tools/charge` is dropped with it: {properties: {amount: {type: number, maximum: 10}")));
  EXPECT_EQ(denied.now(R"({"tool":"charge","arguments":{"amount":1}})"), "deny");
}

TEST(WishOverAPolicy, WhoWishesToBeAskedIsAskedAlways) {
  const Laid laid("ask before update_item", R"(callgate: 1
default: deny
tools:
  update_item: {action: deny, cases: [{when: args.id == "root", action: deny}, {when: args.id == "me", action: allow}]}
)");
  ASSERT_THAT(laid.made.faults, IsEmpty());
  EXPECT_EQ(laid.now(R"({"tool":"update_item","arguments":{"id":"me"}})"), "require_approval");
  EXPECT_EQ(laid.now(R"({"tool":"update_item","arguments":{"id":"root"}})"), "deny");
  EXPECT_THAT(laid.made.dropped, Contains(HasSubstr("a case of `/tools/update_item` that lets calls through unasked is dropped: {when: \"args.id == \\\"me\\\"\", action: allow}")));
}

TEST(WishOverAPolicy, ALimitLimitsWhatIsLetThroughAndNothingElse) {
  const Laid laid("limit everything to 100 per day", R"(callgate: 1
default: deny
tools:
  read_item: {action: allow}
  charge: {action: deny, cases: [{when: args.amount < 5, action: allow}]}
  drop_table: {action: hide}
)");
  ASSERT_THAT(laid.made.faults, IsEmpty());
  EXPECT_EQ(laid.now(R"({"tool":"read_item","arguments":{"id":"a"}})"), "allow");
  EXPECT_EQ(laid.now(R"({"tool":"charge","arguments":{"amount":4}})"), "allow");
  EXPECT_EQ(laid.now(R"({"tool":"charge","arguments":{"amount":6}})"), "deny");
  EXPECT_EQ(laid.now(R"({"tool":"drop_table","arguments":{"name":"a"}})"), "hide");
  EXPECT_EQ(laid.now(R"({"tool":"update_item","arguments":{"id":"a"}})"), "deny");
  EXPECT_THAT(laid.made.policy.text, HasSubstr("  charge:\n    action: deny\n    cases: [{when: \"args.amount < 5\", action: allow}]\n    rate_limit: {max: 100, window: \"1d\"}")) << laid.made.policy.text;
  EXPECT_THAT(laid.made.policy.text, Not(HasSubstr("update_item")));
}

TEST(WishOverAPolicy, SaysWhereWhatStaysRefusesWhatIsWished) {
  const Laid laid("allow charge only if amount <= 500", "callgate: 1\ndefault: deny\ntools:\n  charge: {action: allow, cases: [{when: args.amount > 10, action: deny}]}\n");
  ASSERT_THAT(laid.made.faults, IsEmpty());
  EXPECT_EQ(laid.now(R"({"tool":"charge","arguments":{"amount":500}})"), "deny");
  EXPECT_THAT(laid.made.notes, Contains("charge: what stays of the policy in force decides otherwise than is wished: with {amount: 500} it is `deny`, by `/tools/charge/cases/0`"));
}

TEST(WishOverAPolicy, DenyingTheRestRefusesWhatItAllowed) {
  const Laid laid("allow charge, deny everything else");
  ASSERT_THAT(laid.made.faults, IsEmpty());
  EXPECT_EQ(laid.now(R"({"tool":"charge","arguments":{"amount":1}})"), "allow");
  for (const char* call : {R"({"tool":"read_item","arguments":{"id":"a"}})", R"({"tool":"update_item","arguments":{"id":"a"}})", R"({"tool":"drop_table","arguments":{"name":"a"}})"}) EXPECT_EQ(laid.now(call), "deny") << call;
  EXPECT_EQ(laid.tests(), "");
}

TEST(WishOverAPolicy, RulesByClassStandForTheToolsThatTheyJudge) {
  auto classed = [](std::string_view wish, std::string_view policy) { return Laid(wish, policy); };
  const Laid two = classed("allow charge", "callgate: 1\ndefault: deny\nclasses:\n  \"risk>=High\": {action: require_approval, rate_limit: {max: 3, window: 1h}}\n");
  ASSERT_THAT(two.made.faults, IsEmpty());
  EXPECT_THAT(two.made.policy.text, HasSubstr("tools:\n  charge:\n    action: allow\n    rate_limit: {max: 3, window: \"1h\"}"));
  EXPECT_THAT(two.made.dropped, Contains("charge: loosened: `require_approval` of `/classes/risk>=High` becomes `allow`"));
}

/// The stricter of two rules by class stands for all calls, also those that a case of the other lets through.
TEST(WishOverAPolicy, TwoRulesByClassOfWhichOneLetsMorePassMakeNoSingleRule) {
  const auto financial = [](std::span<const json::Value> definitions) {
    return std::vector<policy::ToolClass>(definitions.size(), {.risk = policy::Risk::high, .category = "Financial"});
  };
  for (const char* classes : {R"(  Financial: {action: require_approval}
  "risk>=High": {action: allow, cases: [{when: args.amount < 10, action: allow}]}
)", R"(  Financial: {action: deny, cases: [{when: args.amount < 10, action: allow}]}
  "risk>=High": {action: require_approval}
)", R"(  Financial: {action: allow, validate: false}
  "risk>=High": {action: require_approval}
)"}) {
    const Laid laid("limit charge to 10 per minute", std::string("callgate: 1\ndefault: deny\nclasses:\n") + classes, financial);
    EXPECT_FALSE(laid.made.faults.empty()) << classes << laid.made.policy.text;
  }
}

/// Whatever way the file is written, what it says of the rest stays.
TEST(WishOverAPolicy, ThatIsWrittenInAnotherFormKeepsWhatItSays) {
  for (const std::string_view policy : {
           std::string_view(R"({callgate: 1, default: deny, tools: {read_item: {action: allow}, charge: {action: allow, rate_limit: {max: 2, window: 1h}}}, prompts: {p: {action: allow}}, expect: [{call: {tool: read_item, arguments: {id: a}}, verdict: allow}]})"),
           std::string_view("callgate: 1\ndefault: deny\ntools: {read_item: {action: allow},\n  charge: {action: allow, rate_limit: {max: 2, window: 1h}}}\nprompts:\n    p:\n        action: allow\n"),
           std::string_view("callgate: 1\ndefault: deny\nprompts:\n  p: &yes {action: allow}\ntools:\n    read_item: *yes\n    charge:\n        action: allow\n        rate_limit: {max: 2, window: 1h}\nexpect:\n- call: {tool: read_item, arguments: {id: a}}\n  verdict: allow\n# the end"),
           std::string_view("expect:\n  -\n    call: {tool: read_item, arguments: {id: a}}\n    verdict: allow\ntools:\n  read_item:\n    action: allow\n    reason: >-\n      one\n      two: x\n  charge: {action: allow, rate_limit: {max: 2, window: 1h}}\nprompts: {p: {action: allow}}\ndefault: deny\ncallgate: 1"),
       }) {
    const Laid laid("ask before charge", policy);
    ASSERT_THAT(laid.made.faults, IsEmpty()) << policy << "\n" << laid.made.policy.text;
    EXPECT_EQ(laid.tests(), "") << laid.made.policy.text;
    EXPECT_EQ(laid.now(R"({"tool":"charge","arguments":{"amount":1}})"), "require_approval") << laid.made.policy.text;
    EXPECT_EQ(laid.now(R"({"tool":"read_item","arguments":{"id":"a"}})"), "allow") << laid.made.policy.text;
    EXPECT_EQ(laid.now(R"({"prompt":"p"})"), "allow") << laid.made.policy.text;
    EXPECT_THAT(laid.made.policy.text, HasSubstr("rate_limit: {max: 2, window: \"1h\"}"));
  }
}

/// A rule that others are copies of cannot be replaced alone.
TEST(WishOverAPolicy, AnAnchorThatWouldGoIsAFaultOrKept) {
  const Laid laid("deny read_item", "callgate: 1\ndefault: deny\ntools:\n  read_item: &yes {action: allow}\n  charge: *yes\n");
  ASSERT_THAT(laid.made.faults, IsEmpty());
  EXPECT_EQ(laid.now(R"({"tool":"read_item","arguments":{"id":"a"}})"), "deny");
  EXPECT_EQ(laid.now(R"({"tool":"charge","arguments":{"amount":1}})"), "allow");
}

}  // namespace
}  // namespace callgate::generate::wish_standing_test
