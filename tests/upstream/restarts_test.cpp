#include <gtest/gtest.h>

#include "upstream/restarts.hpp"

namespace callgate::upstream {
namespace {

using namespace std::chrono_literals;

TEST(RestartsOfAProgram, ComeLaterAndLaterWhileItEndsUnheard) {
  Restarts restarts;
  net::Instant now{1h};
  EXPECT_EQ(restarts.wait(now), 0ns);
  for (const auto pause : {0ms, 250ms, 500ms, 1000ms, 2000ms, 4000ms, 8000ms, 10'000ms, 10'000ms}) {
    restarts.ended_unheard(now);
    EXPECT_EQ(restarts.wait(now), pause);
    EXPECT_EQ(restarts.wait(now + pause / 2), pause / 2);
    now += pause;
    EXPECT_EQ(restarts.wait(now), 0ns);
  }
  EXPECT_EQ(restarts.in_a_row(), 9U);
}

TEST(RestartsOfAProgram, BeginAnewOnceItSpoke) {
  Restarts restarts;
  const net::Instant now{1h};
  for (int i = 0; i < 5; ++i) restarts.ended_unheard(now);
  restarts.spoke();
  EXPECT_EQ(restarts.wait(now), 0ns);
  restarts.ended_unheard(now);
  EXPECT_EQ(restarts.wait(now), 0ns);
  restarts.ended_unheard(now);
  EXPECT_EQ(restarts.wait(now), 250ms);
}

}  // namespace
}  // namespace callgate::upstream
