#include "base/decimal.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <limits>

namespace callgate::decimal_test {
namespace {

Decimal number(std::string_view text) {
  const auto value = Decimal::parse(text);
  EXPECT_TRUE(value.has_value()) << text;
  return value.value_or(Decimal());
}

struct Spelled {
  const char* name;
  const char* text;
  const char* canonical;
};

class CanonicalText : public testing::TestWithParam<Spelled> {};

TEST_P(CanonicalText, IsTheSameForEverySpelling) {
  EXPECT_EQ(number(GetParam().text).text(), GetParam().canonical);
  EXPECT_EQ(number(GetParam().canonical), number(GetParam().text)) << "the canonical text is the same number";
}

INSTANTIATE_TEST_SUITE_P(Decimal, CanonicalText, testing::Values(
    Spelled{"one", "1", "1"},
    Spelled{"one_with_fraction", "1.0", "1"},
    Spelled{"one_with_exponent", "1e0", "1"},
    Spelled{"one_from_small_parts", "0.0001e4", "1"},
    Spelled{"ten_scaled_down", "10E-1", "1"},
    Spelled{"minus_zero", "-0", "0"},
    Spelled{"zero_with_exponent", "0.000e99", "0"},
    Spelled{"zero_with_absurd_exponent", "-0e99999999999999999999999", "0"},
    Spelled{"thousand", "1e3", "1000"},
    Spelled{"fraction", "-12.50", "-12.5"},
    Spelled{"small_fraction", "0.0000001", "0.0000001"},
    Spelled{"smaller_fraction", "0.00000001", "1e-8"},
    Spelled{"largest_int64", "9223372036854775807", "9223372036854775807"},
    Spelled{"smallest_int64", "-9223372036854775808", "-9223372036854775808"},
    Spelled{"past_int64", "9223372036854775808", "9223372036854775808"},
    Spelled{"past_int64_by_exponent", "92233720368547758.08e2", "9223372036854775808"},
    Spelled{"twenty_one_digits", "1e20", "100000000000000000000"},
    Spelled{"twenty_two_digits", "1e21", "1e21"},
    Spelled{"huge_exponent", "15e299", "1.5e300"},
    Spelled{"enormous_exponent", "-1e999999999999999999", "-1e999999999999999999"},
    Spelled{"many_digits", "123456789012345678901234567890", "1.2345678901234567890123456789e29"},
    Spelled{"many_digits_and_fraction", "123456789012345678901.5", "123456789012345678901.5"}),
    [](const auto& row) { return row.param.name; });

TEST(Decimal, RefusesWhatIsNoJsonNumber) {
  for (const char* text : {"", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "1.e3", "0x10", "1 ", " 1", "NaN",
                           "Infinity", "1_000", "1,5", "--1", "1e1.5",
                           "1e1000000000000000001", "1e9999999999999999999", "1e-99999999999999999999"}) {
    EXPECT_FALSE(Decimal::parse(text).has_value()) << text;
  }
}

/// Security requirement S11: numbers are compared exactly.
TEST(Decimal, OrdersByExactValue) {
  const char* rising[] = {"-1e400", "-9223372036854775809", "-9223372036854775808", "-1.5", "-1", "-0.99999999999999999999", "-0.1", "-1e-400", "0",
                          "1e-400", "0.1", "0.10000000000000000000000001", "0.2", "0.99999999999999999999", "1", "1.00000000000000000000000000001",
                          "2", "10", "9007199254740992", "9007199254740993", "9223372036854775807",
                          "9223372036854775807.5", "9223372036854775808", "18446744073709551616", "1e300", "1e400"};
  for (std::size_t i = 0; i < std::size(rising); ++i) {
    for (std::size_t j = 0; j < std::size(rising); ++j) {
      EXPECT_EQ(number(rising[i]) <=> number(rising[j]), i <=> j) << rising[i] << " against " << rising[j];
      EXPECT_EQ(number(rising[i]) == number(rising[j]), i == j) << rising[i] << " against " << rising[j];
    }
  }
}

TEST(Decimal, KnowsIntegers) {
  for (const char* text : {"0", "-7", "1.0", "1e400", "123456789012345678901234567890", "2.50e1"}) {
    EXPECT_TRUE(number(text).is_integer()) << text;
  }
  for (const char* text : {"0.5", "-1e-1", "1e-400", "123456789012345678901234567890.1", "25e-1"}) {
    EXPECT_FALSE(number(text).is_integer()) << text;
  }
}

TEST(Decimal, GivesAnInt64OnlyWhereItFits) {
  EXPECT_EQ(number("1.5e1").as_int64(), 15);
  EXPECT_EQ(number("-9223372036854775808").as_int64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(number("9223372036854775808").as_int64(), std::nullopt);
  EXPECT_EQ(number("0.5").as_int64(), std::nullopt);
}

struct Multiple {
  const char* name;
  const char* value;
  const char* divisor;
  bool is_multiple;
};

class MultipleOf : public testing::TestWithParam<Multiple> {};

TEST_P(MultipleOf, IsExact) {
  const Decimal divisor = number(GetParam().divisor);
  ASSERT_TRUE(divisor.can_divide());
  EXPECT_EQ(number(GetParam().value).multiple_of(divisor), GetParam().is_multiple);
}

INSTANTIATE_TEST_SUITE_P(Decimal, MultipleOf, testing::Values(
    Multiple{"integers", "10", "2", true},
    Multiple{"integers_not", "7", "2", false},
    Multiple{"negative", "-9", "3", true},
    Multiple{"smallest", "-9223372036854775808", "3", false},
    Multiple{"zero", "0", "0.3", true},
    Multiple{"tenths", "0.3", "0.1", true},
    Multiple{"cents", "19.99", "0.01", true},
    Multiple{"half_cent", "19.995", "0.01", false},
    Multiple{"hundreds", "700", "1e2", true},
    Multiple{"hundreds_not", "750", "1e2", false},
    Multiple{"fraction_of_integer", "4.5", "1.5", true},
    Multiple{"integer_of_fraction", "35", "1.5", false},
    Multiple{"small", "0.0075", "0.0001", true},
    Multiple{"small_not", "0.00751", "0.0001", false},
    Multiple{"large", "12391239123", "1e-8", true},
    Multiple{"beyond_double", "1e308", "0.123456789", false},
    Multiple{"beyond_double_even", "1e308", "0.5", true},
    Multiple{"long_value", "100000000000000000000000000000000000000000000003", "3", false},
    Multiple{"long_value_multiple", "100000000000000000000000000000000000000000000002", "3", true},
    Multiple{"enormous_exponent", "1e999999999999999999", "7", false},
    Multiple{"enormous_exponent_of_power", "1e999999999999999999", "1048576", true},
    Multiple{"divisor_with_enormous_exponent", "5", "1e999999999999999999", false}),
    [](const auto& row) { return row.param.name; });

TEST(Decimal, DividesOnlyByShortPositiveNumbers) {
  for (const char* text : {"1", "0.1", "1e900", "123456789012345678"}) EXPECT_TRUE(number(text).can_divide()) << text;
  for (const char* text : {"0", "-1", "1234567890123456789", "0.1234567890123456789"}) {
    EXPECT_FALSE(number(text).can_divide()) << text;
  }
}

TEST(Decimal, StaysCheapForAMillionDigitsAndTheLargestExponent) {
  const std::string digits(1'000'000, '7');
  const std::clock_t begin = std::clock();
  const Decimal value = number(digits + "e999999999999999999");
  EXPECT_FALSE(value.multiple_of(number("999999999999999989e-900")));
  EXPECT_LT(value.text().size(), digits.size() + 30);
  EXPECT_EQ(value, number(digits + "0e999999999999999998"));
  EXPECT_LT((std::clock() - begin) / CLOCKS_PER_SEC, 2);
}

}  // namespace
}  // namespace callgate::decimal_test
