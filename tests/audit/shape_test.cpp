#include "audit/shape.hpp"

#include <gtest/gtest.h>

#include <random>

#include "base/decimal.hpp"

namespace callgate::audit::shape_test {
namespace {

struct Case {
  std::string name;
  std::string json;
  std::string words;
};
void PrintTo(const Case& each, std::ostream* out) { *out << each.json; }

std::string words_of(const std::string& json) {
  json::Document document;
  const auto read = json::parse(json, {.check_number_range = false}, document);
  EXPECT_TRUE(read.has_value()) << json;
  std::string out;
  append_words(out, shape_of(document.root()));
  return out;
}

struct Words : testing::TestWithParam<Case> {};
TEST_P(Words, TellTheBucketAndNotTheValue) {
  const std::string words = words_of(GetParam().json);
  EXPECT_EQ(words, GetParam().words);
  EXPECT_LE(words.size(), longest_shape);
  const auto read = read_shape(words);
  ASSERT_TRUE(read.has_value());
  std::string again;
  append_words(again, *read);
  EXPECT_EQ(again, words);
}

INSTANTIATE_TEST_SUITE_P(Numbers, Words, testing::Values(
    Case{"zero", "0", "integer<=10"},
    Case{"minus_zero", "-0.00", "integer<=10"},
    Case{"one_like_ten", "1", "integer<=10"},
    Case{"ten", "10", "integer<=10"},
    Case{"eleven", "11", "integer<=20"},
    Case{"twenty_in_other_words", "2.0e1", "integer<=20"},
    Case{"on_the_border", "500", "integer<=500"},
    Case{"past_it", "501", "integer<=1000"},
    Case{"past_it_by_a_hair", "500.0000000000000000000000000000001", "number<=1000"},
    Case{"whole_with_a_point", "500.000", "integer<=500"},
    Case{"a_fraction_below_one", "0.7", "number<=1"},
    Case{"a_tiny_one", "1e-300", "number<=1"},
    Case{"between_one_and_two", "1.5", "number<=2"},
    Case{"between_five_and_ten", "5.25", "number<=10"},
    Case{"negative", "-3", "integer>=-10"},
    Case{"negative_on_the_border", "-200", "integer>=-200"},
    Case{"negative_past_it", "-200.5", "number>=-500"},
    Case{"the_largest", "1e15", "integer<=1000000000000000"},
    Case{"beyond", "1000000000000001", "integer>1000000000000000"},
    Case{"far_beyond", "9e999999999999999999999", "integer>1000000000000000"},
    Case{"beyond_below", "-9e22", "integer<-1000000000000000"},
    Case{"smaller_than_any", "3e-99999999999999999999", "number<=1"},
    Case{"zero_with_an_exponent", "0e5", "integer<=10"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(Others, Words, testing::Values(
    Case{"null", "null", "null"},
    Case{"yes_is_told_like_no", "true", "boolean"},
    Case{"empty_text", R"("")", "text<=8"},
    Case{"digits", R"("0042")", "digits<=8"},
    Case{"hex", R"("c0ffee00")", "hex<=8"},
    Case{"identifier", R"("Invoice-2026_a")", "identifier<=16"},
    Case{"path", R"("\/etc/passwd")", "path<=16"},
    Case{"mail_address", R"("a@b.example")", "path<=16"},
    Case{"url", R"("https://a.example/x?y=1")", "url<=32"},
    Case{"word", R"("a=b;c")", "word<=8"},
    Case{"line", R"("two words")", "line<=16"},
    Case{"characters_and_not_bytes", R"("ööööööööö")", "line<=16"},
    Case{"eight_characters", R"("öööööööö")", "line<=8"},
    Case{"an_escape_is_one_character", R"("1\u00332345678")", "digits<=16"},
    Case{"a_pair_is_one_character", R"("\ud83d\ude00234567")", "line<=8"},
    Case{"line_feed", R"("a\nb")", "text<=8"},
    Case{"a_quote", R"("a\"b")", "word<=8"},
    Case{"long_ones_are_not_looked_at", '"' + std::string(300, '1') + '"', "text<=512"},
    Case{"long_ones_with_escapes", '"' + std::string(511, 'x') + R"(\n")", "text<=512"},
    Case{"longest", '"' + std::string(1'048'577, 'x') + '"', "text>1048576"},
    Case{"empty_list", "[]", "array<=4"},
    Case{"list", R"([1,"a",[2,3],{}])", "array<=4"},
    Case{"longer_list", "[1,2,3,4,5]", "array<=8"},
    Case{"empty_object", "{}", "object"},
    Case{"object_not_looked_into", R"({"a":1})", "object+"}),
    [](const auto& row) { return row.param.name; });

TEST(Shape, ItsBucketHoldsTheValueExactly) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string text = random() % 3 == 0 ? "-" : "";
    text += std::to_string(random() % (std::uint64_t{1} << (random() % 62)));
    if (random() % 2 == 0) text += "." + std::to_string(random() % 1'000'000);
    if (random() % 2 == 0) text += "e" + std::to_string(static_cast<int>(random() % 41) - 20);
    const Shape shape = *read_shape(words_of(text));
    const Decimal value = *Decimal::parse(text);
    EXPECT_EQ(shape.kind == Shape::Kind::integer, value.is_integer()) << text;
    if (shape.least) { EXPECT_TRUE(value >= Decimal(*shape.least)) << text; }
    if (shape.most) { EXPECT_TRUE(value <= Decimal(*shape.most)) << text; }
  }
}

TEST(Shape, OneThatIsKeptBackTellsItsTypeAlone) {
  json::Document document;
  for (const auto& [json, words] : std::vector<std::pair<std::string, std::string>>{{R"("hunter2")", "string"}, {"1234", "integer"}, {"0.5", "number"}, {"[1]", "array"}, {R"({"a":1})", "object+"}}) {
    ASSERT_TRUE(json::parse(json, {}, document).has_value());
    std::string out;
    append_words(out, type_of(document.root()));
    EXPECT_EQ(out, words);
    EXPECT_EQ(read_shape(words), type_of(document.root()));
  }
}

TEST(Shape, WordsThatWereNotWrittenByUsAreNotRead) {
  for (const std::string_view words : {"", "integer<=", "integer<=7", "integer<=1", "integer>500", "integer<=-10", "integer>=10", "integer<=010", "integer<=0", "integer<=10 ", "number<=3",
                                       "digits", "digits<=9", "digits<=4", "array<=2", "array>=4", "text>8", "boolean<=10", "object++", "null<=4", "integer<=99999999999999999999", "float<=10",
                                       "integer<-10", "integer<=10000000000000000", "text<=2097152"}) {
    EXPECT_FALSE(read_shape(words).has_value()) << words;
  }
}

}  // namespace
}  // namespace callgate::audit::shape_test
