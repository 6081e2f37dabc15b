#include "base/ids.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace callgate::ids_test {
namespace {

TEST(Ulid, WritesTheTextOfTheSpecification) {
  // The largest one, and one worked out by hand.
  std::array<std::uint8_t, 10> ones{};
  ones.fill(0xff);
  EXPECT_EQ(Ulid((std::uint64_t{1} << 48U) - 1, ones).text(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  EXPECT_EQ(Ulid(1469918176385, {}).text(), "01ARYZ6S410000000000000000");
}

TEST(Ulid, IsRecognised) {
  EXPECT_TRUE(is_ulid("01ARYZ6S410000000000000000"));
  EXPECT_FALSE(is_ulid("01ARYZ6S41000000000000000"));   // short
  EXPECT_FALSE(is_ulid("81ARYZ6S410000000000000000"));  // time beyond 48 bits
  EXPECT_FALSE(is_ulid("01ARYZ6S41000000000000000I"));  // not of the alphabet
}

TEST(IdSource, GrowsStrictlyWhateverTheWallClockDoes) {
  IdSource source;
  std::string last;
  for (const std::int64_t wall : {1000, 1000, 1000, 2000, 1500, 0, -5, 2001}) {
    const std::string id = source.next(wall);
    EXPECT_TRUE(is_ulid(id)) << id;
    EXPECT_GT(id, last);
    last = id;
  }
}

TEST(IdSource, NeverRepeats) {
  IdSource source;
  std::set<std::string> seen;
  for (int i = 0; i < 20'000; ++i) EXPECT_TRUE(seen.insert(source.next(i / 100)).second);
}

TEST(IdSource, TwoSourcesDoNotMakeTheSame) {
  EXPECT_NE(IdSource().next(1000), IdSource().next(1000));
}

}  // namespace
}  // namespace callgate::ids_test
