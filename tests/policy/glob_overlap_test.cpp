#include "policy/glob_overlap.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace callgate::policy::glob_overlap_test {
namespace {

struct Row {
  const char* a;
  const char* b;
  std::optional<std::string> both;
};

class GlobOverlap : public testing::TestWithParam<Row> {};

TEST_P(GlobOverlap, IsAShortestTextThatBothMatch) {
  EXPECT_EQ(matched_by_both(Glob(GetParam().a), Glob(GetParam().b)), GetParam().both);
  EXPECT_EQ(matched_by_both(Glob(GetParam().b), Glob(GetParam().a)), GetParam().both);
}

INSTANTIATE_TEST_SUITE_P(Policy, GlobOverlap, testing::Values(
    Row{"read_*", "*_secret", "read_secret"},
    Row{"read_*", "write_*", std::nullopt},
    Row{"a", "a", "a"},
    Row{"a", "b", std::nullopt},
    Row{"*", "*", ""},
    Row{"", "*", ""},
    Row{"?", "*", "x"},
    Row{"??", "*", "xx"},
    Row{"a?c", "*b*", "abc"},
    Row{"*a", "b*", "ba"},
    Row{"a*b", "ab", "ab"},
    Row{"?", "\xc3\xa9", "\xc3\xa9"},
    Row{"?", "\xc3\xa9\xc3\xa9", std::nullopt},
    Row{"*ab*", "*bc*", "abc"}));

/// Against all texts of up to six characters: two patterns of four have no longer one that is shortest.
TEST(GlobOverlap, ThereIsOneWheneverATextMatchesBoth) {
  std::vector<std::string> texts{""};
  for (std::size_t at = 0; texts[at].size() < 6; ++at) {
    for (const char c : {'a', 'b'}) texts.push_back(texts[at] + c);
  }
  std::mt19937 random(7);
  const auto pattern = [&] {
    std::string text;
    for (unsigned length = random() % 5; length > 0; --length) text += "ab?*"[random() % 4];
    return text;
  };
  for (int i = 0; i < 20'000; ++i) {
    const Glob a(pattern());
    const Glob b(pattern());
    const auto both = matched_by_both(a, b);
    const auto found = std::ranges::find_if(texts, [&](const std::string& text) { return a.matches(text) && b.matches(text); });
    ASSERT_EQ(both.has_value(), found != texts.end()) << a.pattern() << ' ' << b.pattern();
    if (!both) continue;
    ASSERT_TRUE(a.matches(*both) && b.matches(*both)) << a.pattern() << ' ' << b.pattern() << ' ' << *both;
    ASSERT_EQ(both->size(), found->size()) << "texts come by their length";
  }
}

}  // namespace
}  // namespace callgate::policy::glob_overlap_test
