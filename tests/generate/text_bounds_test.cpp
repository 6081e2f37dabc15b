#include "generate/text_bounds.hpp"

#include <gtest/gtest.h>

namespace callgate::generate::text_bounds_test {
namespace {

struct Case {
  const char* name;
  Bounded what;
  const char* text;
  const char* read;  ///< what is understood
};

std::string shown(const TextBounds& bounds) {
  std::string out;
  const auto add = [&](const char* word, const auto& value) {
    if (value) out += std::string(out.empty() ? "" : " ") + word + std::to_string(*value);
  };
  if (!bounds.key.empty()) out = "key " + bounds.key;
  add("len>=", bounds.min_length);
  add("len<=", bounds.max_length);
  add(">=", bounds.minimum);
  add("<=", bounds.maximum);
  add("items<=", bounds.max_items);
  if (!bounds.pattern.empty()) out += (out.empty() ? "" : " ") + bounds.pattern;
  return out;
}

struct Bounds : testing::TestWithParam<Case> {};

TEST_P(Bounds, AreReadOnlyWhereTheTextLeavesNoDoubt) { EXPECT_EQ(shown(read_text_bounds(GetParam().text, GetParam().what)), GetParam().read); }

INSTANTIATE_TEST_SUITE_P(
    Text, Bounds,
    testing::Values(
        Case{"a_range", Bounded::text, "Token (33-256 chars)", "len>=33 len<=256"},
        Case{"a_range_with_a_long_dash", Bounded::text, "Description, 1–4096 characters", "len>=1 len<=4096"},
        Case{"a_maximum", Bounded::text, "Name, max 48 chars.", "len<=48"},
        Case{"a_maximum_in_words", Bounded::text, "At most 120 characters.", "len<=120"},
        Case{"a_maximum_length", Bounded::text, "Maximum length: 255", "len<=255"},
        Case{"a_minimum", Bounded::text, "A password of at least 8 characters", "len>=8"},
        Case{"a_pattern", Bounded::text, "Pattern: [A-Za-z][A-Za-z0-9_]*, max 48 chars.", "len<=48 ^[A-Za-z][A-Za-z0-9_]*$"},
        Case{"a_count_within_a_larger_one", Bounded::text, "1,000 characters or so", ""},
        Case{"what_is_cut_is_not_refused", Bounded::text, "Truncated to at most 200 characters", ""},
        Case{"advice", Bounded::text, "Recommended: at most 80 characters", ""},
        Case{"of_an_answer", Bounded::text, "Returns up to 500 characters", ""},
        Case{"the_opposite", Bounded::text, "Not limited to 20 characters", ""},
        Case{"the_opposite_in_other_words", Bounded::text, "Need not be at least 8 characters", ""},
        Case{"the_opposite_of_another", Bounded::text, "Must not be empty, at most 20 characters", "len<=20"},
        Case{"the_opposite_of_numbers", Bounded::number, "Must not be between 1 and 50", ""},
        Case{"two_of_them", Bounded::text, "max 10 chars for a key, max 20 chars for a name", ""},
        Case{"turned_round", Bounded::text, "(256-33 chars)", ""},
        Case{"nothing", Bounded::text, "(0-0 chars)", ""},
        Case{"a_pattern_of_anything", Bounded::text, "Pattern: .*", ""},
        Case{"a_number_between", Bounded::number, "A number between 1 and 50", ">=1 <=50"},
        Case{"a_number_in_brackets", Bounded::number, "Page size (1-100, default 20)", ">=1 <=100"},
        Case{"a_largest_number", Bounded::number, "Page size (default: 20, max: 100)", "<=100"},
        Case{"a_year", Bounded::number, "A year, for example 2020", ""},
        Case{"a_count_of_retries_in_a_sentence", Bounded::number, "Maximum 3 retries are made", ""},
        Case{"items", Bounded::list, "IDs to look at, up to 50 ids", "items<=50"},
        Case{"items_of_a_kind", Bounded::list, "At most 10 image urls", "items<=10"},
        Case{"one_key", Bounded::free_object, "Specify key \"rawText\" with a text (1-2000 chars).", "key rawText len>=1 len<=2000"},
        Case{"one_key_by_example", Bounded::free_object, "Specify key \"id\". Example: {\"id\": \"x\"}", "key id"},
        Case{"a_key_without_more", Bounded::free_object, "Specify key \"id\".", ""},
        Case{"two_keys", Bounded::free_object, "Specify key \"a\" (1-2 chars) or with key \"b\" (1-2 chars)", ""}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(TextBounds, AnArnIsBoundByItsExampleAndTheWordThatSaysOnly) {
  constexpr std::string_view text =
      "Specify key \"arn\" (20-1011 chars). Only Gateway ARNs are taken. Example: {\"arn\": \"arn:aws:some-service:eu-west-1:123456789012:gateway/x\"}";
  EXPECT_EQ(read_text_bounds(text, Bounded::free_object).pattern, "^arn:[a-z-]+:some-service:[a-z0-9-]+:[0-9]{12}:gateway/");
  constexpr std::string_view other = "Specify key \"arn\" (20-1011 chars). Only Role ARNs are taken. Example: {\"arn\": \"arn:aws:iam:eu-west-1:123456789012:gateway/x\"}";
  EXPECT_EQ(read_text_bounds(other, Bounded::free_object).pattern, "");
}

TEST(TextBounds, TheQuotesStandInTheText) {
  const std::string text = "Name for tracking. Pattern: [a-z]+, max 48 chars.";
  const auto quotes = read_text_bounds(text, Bounded::text).quotes;
  EXPECT_EQ(quotes, (std::vector<std::string>{"Pattern: [a-z]+", "max 48 chars"}));
  for (const std::string& quote : quotes) EXPECT_NE(text.find(quote), std::string::npos) << quote;
}

TEST(TextBounds, OfAnArgumentStandOnTheLineThatBeginsWithItsName) {
  const std::string text = "Make a slip.\n\nArgs:\n    name: the name (max 64 chars)\n    name_of_tray: of the tray\n - `size` (integer, optional): 1 or 2\n    twice: a\n    twice: b\n";
  EXPECT_EQ(line_about("name", text), " the name (max 64 chars)");
  EXPECT_EQ(line_about("size", text), " 1 or 2");
  EXPECT_EQ(line_about("twice", text), "");
  EXPECT_EQ(line_about("Make", text), "");
  EXPECT_EQ(line_about("other", text), "");
}

TEST(TextBounds, TakesLinearTimeOnLongTexts) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += "max (1-";
  EXPECT_FALSE(read_text_bounds(text, Bounded::text).any());
}

}  // namespace
}  // namespace callgate::generate::text_bounds_test
