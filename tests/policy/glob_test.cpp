#include "policy/glob.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace callgate::policy::glob_test {
namespace {

struct Row {
  const char* pattern;
  const char* text;
  bool matches;
};

class Globs : public testing::TestWithParam<Row> {};

TEST_P(Globs, MatchWholeTexts) {
  const Row& row = GetParam();
  EXPECT_EQ(Glob(row.pattern).matches(row.text), row.matches) << row.pattern << " on " << row.text;
}

INSTANTIATE_TEST_SUITE_P(Policy, Globs, testing::ValuesIn(std::vector<Row>{
    {"delete_*", "delete_user", true}, {"delete_*", "delete_", true}, {"delete_*", "delete", false},
    {"delete_*", "undelete_user", false}, {"delete_*", "Delete_user", false}, {"*", "", true}, {"*", "anything", true},
    {"?", "", false}, {"?", "a", true}, {"?", "ab", false}, {"?", "ü", true}, {"??", "ü", false}, {"a?c", "aüc", true},
    {"*_user", "delete_user", true}, {"*_user", "_user", true}, {"*_user", "user", false}, {"*_user", "a_user_b", false},
    {"a*b*c", "abc", true}, {"a*b*c", "aXbYbZc", true}, {"a*b*c", "acb", false}, {"**", "x", true}, {"a**b", "ab", true},
    {"*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaa", false}, {"*ab", "aaab", true}, {"*ab", "aaba", false},
    {"abcdefghij*", "abcdefghij", true}, {"abcdefghij*", "abcdefghix", false}, {"abcdefgh*", "abcdefgx", false},
    {"a.c*", "abc", false}, {"[a]*", "a", false}, {"[a]*", "[a]x", true}, {"*?", "", false}, {"*?", "x", true},
    {"?*?", "x", false}, {"?*?", "xy", true}, {"*\\*", "a\\", true}, {"plain", "plain", true}, {"plain", "plain2", false}}));

TEST(Glob, CountsCharactersThatStandForThemselves) {
  EXPECT_EQ(Glob("delete_*").literals(), 7u);
  EXPECT_EQ(Glob("*").literals(), 0u);
  EXPECT_EQ(Glob("g?ün*").literals(), 3u);
}

TEST(Glob, EqualPatternsAreWrittenEqually) {
  EXPECT_EQ(Glob("a***b").pattern(), Glob("a*b").pattern());
  EXPECT_NE(Glob("a*?b").pattern(), Glob("a?b").pattern());
}

TEST(Glob, ManyStarsOnALongTextStayBounded) {
  std::string pattern;
  for (int i = 0; i < 60; ++i) pattern += "*a";
  EXPECT_FALSE(Glob(pattern + "b").matches(std::string(60'000, 'a')));
}

}  // namespace
}  // namespace callgate::policy::glob_test
