#include "policy/verdict.hpp"

#include <gtest/gtest.h>

namespace callgate::policy::verdict_test {
namespace {

struct Row {
  Verdict verdict;
  const char* word;
};

// Strictest first: the order is the contract.
constexpr Row rows[] = {
    {Verdict::unknown_tool, "unknown_tool"}, {Verdict::hide, "hide"},
    {Verdict::quarantined, "quarantined"},   {Verdict::fault, "fault"},
    {Verdict::deny, "deny"},                 {Verdict::invalid_arguments, "invalid_arguments"},
    {Verdict::rate_limited, "rate_limited"}, {Verdict::require_approval, "require_approval"},
    {Verdict::allow, "allow"},
};

TEST(Verdict, WordsRoundTripAndFollowTheOrderOfStrictness) {
  int place = 0;
  for (const Row& row : rows) {
    EXPECT_EQ(word(row.verdict), row.word);
    EXPECT_EQ(verdict_of(row.word), row.verdict);
    EXPECT_EQ(static_cast<int>(row.verdict), place++);
  }
}

TEST(Verdict, OtherTextMeansNoVerdict) {
  for (const char* text : {"", "Allow", "allow ", "shadow", "denied"}) EXPECT_FALSE(verdict_of(text)) << text;
}

}  // namespace
}  // namespace callgate::policy::verdict_test
