#include "policy/said.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace callgate::policy::said_test {
namespace {

TEST(Said, PointsToWhatThePolicySays) {
  const std::string reason = "only small writes, and none at night";
  const Said said = Said::in_policy(reason);
  EXPECT_EQ(said.view().data(), reason.data());
  const Said copy = said;
  EXPECT_EQ(copy.view().data(), reason.data());
  EXPECT_EQ(said, reason);
  EXPECT_EQ(said, copy);
}

/// Short texts and long ones, which a string keeps in other places.
TEST(Said, KeepsWhatWasMadeForIt) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, std::size_t{200}}) {
    const std::string expected(size, 'x');
    Said first{std::string(size, 'x')};
    const Said copy = first;
    const Said moved = std::move(first);
    EXPECT_EQ(copy, expected);
    EXPECT_EQ(moved, expected);
    EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): it holds no view of what went
    EXPECT_NE(copy.view().data(), moved.view().data());
    std::vector<Said> many;
    for (int i = 0; i < 20; ++i) many.push_back(copy);
    for (const Said& each : many) EXPECT_EQ(each, expected);
  }
}

TEST(Said, TakesAnotherTextInItsPlace) {
  Said said = "made first";
  const std::string in_policy = "of the policy";
  said = Said::in_policy(in_policy);
  EXPECT_EQ(said, "of the policy");
  said = fmt::format("{}, and more", said);
  EXPECT_EQ(said, "of the policy, and more");
  const Said& itself = said;
  said = itself;
  EXPECT_EQ(said, "of the policy, and more");
  said = std::string_view();
  EXPECT_TRUE(said.empty());
}

}  // namespace
}  // namespace callgate::policy::said_test
