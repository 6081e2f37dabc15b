#include "config/units.hpp"

#include <gtest/gtest.h>

namespace callgate::config::units_test {
namespace {

using std::chrono::milliseconds;

TEST(DurationTest, EveryUnitAndPlainSecondsAreRead) {
  EXPECT_EQ(parse_duration("250ms").value(), milliseconds(250));
  EXPECT_EQ(parse_duration("50s").value(), milliseconds(50'000));
  EXPECT_EQ(parse_duration("5m").value(), milliseconds(300'000));
  EXPECT_EQ(parse_duration("1h").value(), milliseconds(3'600'000));
  EXPECT_EQ(parse_duration("90d").value(), milliseconds(7'776'000'000));
  EXPECT_EQ(parse_duration("0").value(), milliseconds(0));
  EXPECT_EQ(parse_duration("60").value(), milliseconds(60'000));
}

TEST(DurationTest, AnythingElseIsRefusedWithExamples) {
  for (const std::string_view text : {"", "s", "-1s", "1.5s", "1 s", " 1s", "1S", "1w", "5min", "99999999999d", "18446744073709551616s", "3651d"}) {
    const auto parsed = parse_duration(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find("`30s`"), std::string::npos);
  }
}

TEST(SizeTest, PowersOfTwoAndPlainBytesAreRead) {
  EXPECT_EQ(parse_size("512B").value(), 512U);
  EXPECT_EQ(parse_size("64KiB").value(), 65'536U);
  EXPECT_EQ(parse_size("4MiB").value(), 4'194'304U);
  EXPECT_EQ(parse_size("1GiB").value(), 1'073'741'824U);
  EXPECT_EQ(parse_size("7").value(), 7U);
}

TEST(SizeTest, AmbiguousAndWrongUnitsAreRefused) {
  for (const std::string_view text : {"", "4MB", "4M", "4mib", "-1", "1.5MiB", "4 MiB", "99999999GiB"}) EXPECT_FALSE(parse_size(text)) << text;
}

}  // namespace
}  // namespace callgate::config::units_test
