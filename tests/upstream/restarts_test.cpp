#include <gtest/gtest.h>

#include "upstream/restarts.hpp"

namespace callgate::upstream::restarts_test {
namespace {

using namespace std::chrono_literals;

TEST(RestartsOfAProgram, ComeLaterAndLaterWhileItEndsUnheard) {
  Restarts restarts;
  net::Instant now{1h};
  EXPECT_EQ(restarts.wait("ann", now), 0ns);
  for (const auto pause : {0ms, 250ms, 500ms, 1000ms, 2000ms, 4000ms, 8000ms, 10'000ms, 10'000ms}) {
    restarts.ended_unheard("ann", now);
    EXPECT_EQ(restarts.wait("ann", now), pause);
    EXPECT_EQ(restarts.wait("ann", now + pause / 2), pause / 2);
    now += pause;
    EXPECT_EQ(restarts.wait("ann", now), 0ns);
  }
  EXPECT_EQ(restarts.in_a_row("ann"), 9U);
}

TEST(RestartsOfAProgram, BeginAnewOnceItSpoke) {
  Restarts restarts;
  const net::Instant now{1h};
  for (int i = 0; i < 5; ++i) restarts.ended_unheard("ann", now);
  restarts.spoke("ann");
  EXPECT_EQ(restarts.wait("ann", now), 0ns);
  restarts.ended_unheard("ann", now);
  EXPECT_EQ(restarts.wait("ann", now), 0ns);
  restarts.ended_unheard("ann", now);
  EXPECT_EQ(restarts.wait("ann", now), 250ms);
}

/// Protocol item 80: what one caller makes of its program keeps no other out.
TEST(RestartsOfAProgram, AreEachCallersOwn) {
  Restarts restarts;
  const net::Instant now{1h};
  for (int i = 0; i < 9; ++i) restarts.ended_unheard("ann", now);
  EXPECT_EQ(restarts.wait("ann", now), 10s);
  EXPECT_EQ(restarts.wait("bob", now), 0ns);
  EXPECT_EQ(restarts.in_a_row("bob"), 0U);
  restarts.spoke("bob");
  EXPECT_EQ(restarts.wait("ann", now), 10s) << "what works for one says nothing of the other";
}

TEST(RestartsOfAProgram, AreSoManyInAllHoweverManyAsk) {
  Restarts restarts;
  net::Instant now{1h};
  for (std::size_t i = 0; i < Restarts::most_in_all; ++i) {
    EXPECT_EQ(restarts.wait("one more", now), 0ns) << i;
    restarts.ended_unheard("caller " + std::to_string(i), now);
    now += 10ms;
  }
  EXPECT_EQ(restarts.wait("one more", now), 10s - Restarts::most_in_all * 10ms);
  EXPECT_EQ(restarts.wait("one more", now + 10s), 0ns);
}

TEST(RestartsOfAProgram, OfACallerThatDoesNotComeBackAreForgotten) {
  Restarts restarts;
  const net::Instant now{1h};
  for (int i = 0; i < 9; ++i) restarts.ended_unheard("ann", now);
  restarts.ended_unheard("bob", now + 2min);
  EXPECT_EQ(restarts.in_a_row("ann"), 0U);
}

}  // namespace
}  // namespace callgate::upstream::restarts_test
