#include "schema/pattern.hpp"

#include <gtest/gtest.h>

#include "schema/ecma.hpp"

namespace callgate::schema::pattern_test {
namespace {

struct Row {
  const char* name;
  const char* pattern;
  const char* matching;
  const char* other;
};

class EcmaPattern : public testing::TestWithParam<Row> {};

TEST_P(EcmaPattern, MeansWhatEcmaScriptMeans) {
  const auto pattern = Pattern::compile(GetParam().pattern);
  ASSERT_TRUE(pattern.has_value()) << pattern.error().message << " in " << to_re2(GetParam().pattern);
  EXPECT_TRUE((*pattern)->search(GetParam().matching)) << to_re2(GetParam().pattern);
  EXPECT_FALSE((*pattern)->search(GetParam().other)) << to_re2(GetParam().pattern);
}

INSTANTIATE_TEST_SUITE_P(Pattern, EcmaPattern, testing::Values(
    Row{"searches_anywhere", "b", "abc", "ac"},
    Row{"anchors_are_text_ends", "^b$", "b", "a\nb\nc"},
    Row{"end_is_not_before_a_line_end", "^b$", "b", "b\n"},
    Row{"space_is_unicode", "^\\s$", "\u00a0", "x"},
    Row{"space_includes_vertical_tab", "^\\s$", "\v", "\u200b"},
    Row{"space_includes_byte_order_mark", "^\\s$", "\ufeff", "_"},
    Row{"no_space_is_its_opposite", "^\\S+$", "a\u200bé😀", "a\u00a0b"},
    Row{"space_in_class", "^[\\sx]$", "\u3000", "y"},
    Row{"no_space_in_class", "^[\\S]$", "y", "\u2003"},
    Row{"neither_space_nor_x", "^[^\\sx]$", "y", "\u2028"},
    Row{"digits_are_ascii", "^\\d$", "7", "٧"},
    Row{"words_are_ascii", "^\\w$", "_", "é"},
    Row{"dot_is_one_character", "^.$", "😀", "ab"},
    Row{"dot_stops_at_carriage_return", "^a.b$", "a\tb", "a\rb"},
    Row{"dot_stops_at_line_separator", "^a.b$", "a\u2027b", "a\u2028b"},
    Row{"dot_in_class_is_a_dot", "^[.]$", ".", "a"},
    Row{"escaped_dot_is_a_dot", "^\\.$", ".", "a"},
    Row{"inline_flags_are_re2", "(?i)^ABC.$", "abc\r", "abd"},
    Row{"four_digit_escape", "^\\u0041$", "A", "u0041"},
    Row{"braced_escape", "^\\u{1F600}$", "😀", "A"},
    Row{"surrogate_pair_escape", "^\\uD83D\\uDE00$", "😀", "\ufffd"},
    Row{"escape_in_class", "^[\\u0041-\\u0043]$", "B", "D"},
    Row{"control_escape", "^\\cJ$", "\n", "J"},
    Row{"named_group", "^(?<year>\\d{4})$", "2024", "24"},
    Row{"empty_class_matches_nothing", "^(a|[])$", "a", "]"},
    Row{"full_class_matches_all", "^[^]$", "\n", ""},
    Row{"bracket_in_class", "^[[]$", "[", "]"},
    Row{"long_category", "^\\p{Letter}$", "é", "1"},
    Row{"long_category_negated", "^\\P{Uppercase_Letter}$", "a", "A"},
    Row{"script", "^\\p{Script=Greek}$", "λ", "l"},
    Row{"escaped_backslash_before_s", "^\\\\s$", "\\s", " "},
    Row{"escaped_slash", "^a\\/b$", "a/b", "a\\b"}),
    [](const auto& row) { return row.param.name; });

TEST(Pattern, RefusesWhatHasNoLinearForm) {
  for (const char* text : {"(?=a)", "(?!a)", "(?<=a)b", "(?<!a)b", "(a)\\1", "(?<n>a)\\k<n>", "(", "[", "*", "a{1001}",
                           "\\u00", "\\u{}", "\\p{Nonsense}", "\\"}) {
    EXPECT_FALSE(Pattern::compile(text).has_value()) << text;
  }
}

TEST(Pattern, SaysWhatToWriteInstead) {
  const auto message = [](const char* text) { return Pattern::compile(text).error().message; };
  for (const char* text : {"^(?!admin).*$", "(?=a)", "(?<=a)b", "(?<!a)b"})
    EXPECT_NE(message(text).find("under `allOf`, what must not under `not`"), std::string::npos) << message(text);
  for (const char* text : {"(a)\\1", "(?<n>a)\\k<n>"}) EXPECT_NE(message(text).find("spell out"), std::string::npos) << message(text);
  EXPECT_NE(message("(").find("write it in the syntax of RE2"), std::string::npos) << message("(");
  EXPECT_NE(message("(\\\\1").find("write it in the syntax of RE2"), std::string::npos) << message("(\\\\1");
}

TEST(Pattern, TakesTheLongRepeatsThatPeopleWrite) {
  for (const char* text : {"^.{1,1000}$", "^\\S{1,1000}$", "^[\\s\\S]{0,1000}$", "^[\\u0020-\\uD7FF\\r\\n\\t]{1,1000}$"}) {
    const auto pattern = Pattern::compile(text);
    ASSERT_TRUE(pattern.has_value()) << text << ": " << pattern.error().message;
    EXPECT_TRUE((*pattern)->search(std::string(1000, 'x'))) << text;
    EXPECT_FALSE((*pattern)->search(std::string(1001, 'x'))) << text;
    EXPECT_LT((*pattern)->cost(4096), 100'000U) << text;
  }
}

TEST(Pattern, RefusesTextsAndAutomataThatAreTooLarge) {
  EXPECT_EQ(Pattern::compile(std::string(10'000, 'a')).error().kind, ErrorKind::too_large);
  EXPECT_FALSE(Pattern::compile("(\\pL{100}){100}").has_value());
}

TEST(Pattern, CostGrowsWithTextAndAutomaton) {
  const auto small = *Pattern::compile("a");
  const auto large = *Pattern::compile("[a-z]{500}");
  EXPECT_LT(small->cost(10), small->cost(10'000));
  EXPECT_LT(small->cost(10'000), large->cost(10'000));
}

}  // namespace
}  // namespace callgate::schema::pattern_test
