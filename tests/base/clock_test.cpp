#include "base/clock.hpp"

#include <gtest/gtest.h>

namespace callgate::clock_test {
namespace {

using namespace std::chrono_literals;

TEST(SystemClock, RunsForwardAndNamesItsBoot) {
  const SystemClock clock;
  const BootTime first = clock.now();
  EXPECT_LE(first, clock.now());
  EXPECT_GT(first.time_since_epoch(), 0ns);
  EXPECT_GT(clock.wall_ms(), 1'600'000'000'000);
  EXPECT_FALSE(clock.boot_id().empty());
  EXPECT_EQ(clock.boot_id(), SystemClock().boot_id());
}

TEST(FakeClock, MovesOnlyWhenTold) {
  FakeClock clock;
  const BootTime start = clock.now();
  const std::int64_t wall = clock.wall_ms();
  EXPECT_EQ(clock.now(), start);
  clock.advance(1500ms);
  EXPECT_EQ(clock.now() - start, 1500ms);
  EXPECT_EQ(clock.wall_ms() - wall, 1500);
  clock.set_wall_ms(wall - 1000);
  EXPECT_EQ(clock.now() - start, 1500ms) << "setting the wall clock does not move the boot clock";
}

TEST(ExpiryClock, FollowsTheWallClockForwardAndNeverFallsBehindTheBootClock) {
  FakeClock clock;
  const std::int64_t began = clock.wall_ms();
  const ExpiryClock expiry(clock);
  clock.advance(10s);
  EXPECT_EQ(expiry.wall_ms() - began, 10'000);
  clock.set_wall_ms(began - 86'400'000);
  EXPECT_EQ(expiry.wall_ms() - began, 10'000) << "set back a day";
  clock.set_wall_ms(began + 86'400'000);
  EXPECT_EQ(expiry.wall_ms() - began, 86'400'000);
  clock.set_wall_ms(began + 10'000);
  EXPECT_EQ(expiry.wall_ms() - began, 10'000) << "put right again";
}

TEST(UtcText, WritesRfc3339WithMilliseconds) {
  EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(utc_text(1'709'210'096'007), "2024-02-29T12:34:56.007Z");
  EXPECT_EQ(utc_text(-1), "1969-12-31T23:59:59.999Z");
}

TEST(UtcText, IsRightAcrossASecondAndBack) {
  UtcText text;
  EXPECT_EQ(text.of(999), "1970-01-01T00:00:00.999Z");
  EXPECT_EQ(text.of(1000), "1970-01-01T00:00:01.000Z");
  EXPECT_EQ(text.of(1042), "1970-01-01T00:00:01.042Z");
  EXPECT_EQ(text.of(17), "1970-01-01T00:00:00.017Z");
}

}  // namespace
}  // namespace callgate::clock_test
