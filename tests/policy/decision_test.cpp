#include "policy/decision.hpp"

#include <gtest/gtest.h>

namespace callgate::policy::decision_test {
namespace {

Decision says(Verdict verdict, std::string rule) { return {.verdict = verdict, .rule = std::move(rule)}; }

TEST(Stricter, TheSmallerVerdictStandsForEveryPair) {
  for (int a = 0; a <= static_cast<int>(Verdict::allow); ++a) {
    for (int b = 0; b <= static_cast<int>(Verdict::allow); ++b) {
      const Decision both = stricter(says(static_cast<Verdict>(a), "server"), says(static_cast<Verdict>(b), "grant"));
      EXPECT_EQ(static_cast<int>(both.verdict), std::min(a, b));
      EXPECT_EQ(both.rule, a <= b ? "server" : "grant");
    }
  }
}

TEST(Stricter, LimitsOfBothPoliciesAreTakenWhereTheCallMayPass) {
  const RateLimit one{.max = 1};
  const RateLimit two{.max = 2};
  Decision server = says(Verdict::allow, "s");
  Decision grant = says(Verdict::require_approval, "g");
  const RateLimit* const of_server[] = {&one};
  server.limits = of_server;
  const RateLimit* const of_grant[] = {&two};
  grant.limits = of_grant;
  const ApprovalRule asks;
  grant.approval = &asks;

  const Decision both = stricter(server, grant);
  EXPECT_EQ(both.verdict, Verdict::require_approval);
  EXPECT_EQ(both.approval, &asks);
  ASSERT_EQ(both.limits.size(), 1u);
  EXPECT_EQ(both.limits[0], &one);
  ASSERT_EQ(both.grant_limits.size(), 1u);
  EXPECT_EQ(both.grant_limits[0], &two);
}

Decision asks(const ApprovalRule& approval) {
  Decision decision = says(Verdict::require_approval, "asks");
  decision.approval = &approval;
  return decision;
}

TEST(Stricter, WhereBothAskThePersonHasToBeGoodEnoughForBoth) {
  for (const bool of_server : {false, true}) {
    for (const bool of_grant : {false, true}) {
      const ApprovalRule server{.self = of_server};
      const ApprovalRule grant{.self = of_grant};
      EXPECT_EQ(stricter(asks(server), asks(grant)).approval->self, of_server && of_grant);
    }
  }
  const ApprovalRule lets{.self = true};
  EXPECT_TRUE(stricter(says(Verdict::allow, "s"), asks(lets)).approval->self);
}

TEST(Stricter, WhereBothAskTheAnswerHasToComeInTimeForBoth) {
  const ApprovalRule soon{.timeout = std::chrono::seconds(60)};
  const ApprovalRule late{.timeout = std::chrono::seconds(900)};
  EXPECT_EQ(stricter(asks(soon), asks(late)).approval->timeout, soon.timeout);
  EXPECT_EQ(stricter(asks(late), asks(soon)).approval->timeout, soon.timeout);
}

/// Security requirement S20: a yes is tied to every rule that asked for it.
TEST(Stricter, WhereBothAskTheAnswerIsToBothRules) {
  const ApprovalRule one{.rule_digest = "one"};
  const ApprovalRule two{.rule_digest = "two"};
  const ApprovalRule three{.rule_digest = "three"};
  const std::string both = stricter(asks(one), asks(two)).approval->rule_digest;
  EXPECT_NE(both, stricter(asks(one), asks(three)).approval->rule_digest);
  EXPECT_NE(both, stricter(asks(three), asks(two)).approval->rule_digest);
  EXPECT_NE(both, stricter(says(Verdict::allow, "s"), asks(two)).approval->rule_digest);
  EXPECT_EQ(both, stricter(asks(one), asks(two)).approval->rule_digest);
}

TEST(Stricter, WhatBothAskForStaysAliveInCopies) {
  Decision copy;
  {
    const ApprovalRule one{.timeout = std::chrono::seconds(60), .rule_digest = "one"};
    const ApprovalRule two{.timeout = std::chrono::seconds(90), .rule_digest = "two"};
    const Decision first = stricter(asks(one), asks(two));
    copy = first;
  }
  EXPECT_EQ(copy.approval->timeout, std::chrono::seconds(60));
}

TEST(Stricter, ARefusalAsksNobody) {
  const ApprovalRule one;
  EXPECT_EQ(stricter(says(Verdict::deny, "s"), asks(one)).approval, nullptr);
}

TEST(Stricter, ARefusalTakesNoLimitsAndKeepsTheFaultsOfBoth) {
  const RateLimit one{.max = 1};
  Decision server = says(Verdict::allow, "s");
  const RateLimit* const of_server[] = {&one};
  server.limits = of_server;
  Decision grant = says(Verdict::deny, "g");
  server.faults = {"from the server's"};
  grant.faults = {"from the grant's"};

  const Decision both = stricter(server, grant);
  EXPECT_EQ(both.verdict, Verdict::deny);
  EXPECT_TRUE(both.limits.empty());
  EXPECT_TRUE(both.grant_limits.empty());
  EXPECT_EQ(both.faults, (std::vector<std::string>{"from the grant's", "from the server's"}));
}

TEST(Decision, DeniesByDefaultAndWithoutAPolicy) {
  EXPECT_EQ(Decision{}.verdict, Verdict::deny);
  EXPECT_EQ(denied_without_policy().verdict, Verdict::deny);
  EXPECT_EQ(denied_without_policy().rule, "");
}

}  // namespace
}  // namespace callgate::policy::decision_test
