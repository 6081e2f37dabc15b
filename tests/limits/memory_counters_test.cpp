#include "limits/memory_counters.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "base/slot_index.hpp"

namespace callgate::limits::memory_counters_test {
namespace {

using policy::Per;
using policy::RateLimit;
using namespace std::chrono_literals;

RateLimit limit(std::uint64_t max, Nanos window) {
  return {.max = max, .window = window, .per = {Per::session}, .pointer = "/x", .id = "/x"};
}

TEST(MemoryCounters, MemoryFollowsTheCallsOfTheLastWindowNotTheSessionsThereWere) {
  MemoryCounters counters;
  const RateLimit one = limit(5, 10s);
  const RateLimit* const all[] = {&one};
  std::size_t most = 0;
  for (int i = 0; i < 50'000; ++i) {
    const std::string session = "s" + std::to_string(i);
    (void)counters.take_now(all, {"valkey", "ann", session}, BootTime(i * 10ms));
    most = std::max(most, counters.size());
  }
  EXPECT_LT(most, 5000U) << "a window holds 1000 calls";
}

TEST(MemoryCounters, EndedSessionsLeaveOneCounter) {
  MemoryCounters counters;
  const RateLimit one = limit(1'000'000, 1h);
  const RateLimit* const all[] = {&one};
  for (int i = 0; i < 1000; ++i) {
    const std::string session = "s" + std::to_string(i);
    const Subject who{"valkey", "ann", session};
    EXPECT_TRUE(counters.take_now(all, who, BootTime(i * 1ms)).has_value());
    counters.session_ended(who, BootTime(i * 1ms));
  }
  EXPECT_EQ(counters.size(), 1U);
  EXPECT_EQ(counters.look_now(all, {"valkey", "ann", "next"}, BootTime(1s)).remaining, 999'000U);
}

/// Whoever opens sessions without end is not given memory for what they may not do.
TEST(MemoryCounters, RefusedSessionsHoldNothing) {
  MemoryCounters counters;
  const RateLimit one = limit(2, 1h);
  const RateLimit* const all[] = {&one};
  const Subject ann{"valkey", "ann", "s"};
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(counters.take_now(all, ann, BootTime(1s)).has_value());
  counters.session_ended(ann, BootTime(2s));
  for (int i = 0; i < 1000; ++i) {
    const std::string session = "s" + std::to_string(i);
    EXPECT_FALSE(counters.take_now(all, {"valkey", "ann", session}, BootTime(3s)).has_value());
  }
  EXPECT_EQ(counters.size(), 1U);
}

TEST(MemoryCounters, GivingBackAfterTheSessionEndedIsHarmless) {
  MemoryCounters counters;
  const RateLimit one = limit(2, 60s);
  const RateLimit* const all[] = {&one};
  const Subject ann{"valkey", "ann", "s1"};
  auto taken = counters.take_now(all, ann, BootTime(1s));
  counters.session_ended(ann, BootTime(2s));
  ASSERT_TRUE(counters.take_now(all, {"valkey", "bob", "s9"}, BootTime(2s)).has_value());  // uses the freed slot
  counters.give_back(std::move(*taken));
  EXPECT_EQ(counters.look_now(all, {"valkey", "bob", "s9"}, BootTime(3s)).remaining, 1U);
  EXPECT_EQ(counters.look_now(all, {"valkey", "ann", "s2"}, BootTime(3s)).remaining, 1U);
}

TEST(MemoryCounters, OneLimitListedTwiceIsNeverOverrun) {
  MemoryCounters counters;
  const RateLimit one = limit(3, 60s);
  const RateLimit* const twice[] = {&one, &one};
  const Subject ann{"valkey", "ann", "s1"};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(counters.take_now(twice, ann, BootTime(1s)).has_value()) << "it counts a call once";
  EXPECT_FALSE(counters.take_now(twice, ann, BootTime(1s)).has_value());
  EXPECT_EQ(counters.look_now(twice, ann, BootTime(1s)).remaining, 0U);
}

/// A policy that was read anew may have another limit where one of the old policy was.
TEST(MemoryCounters, ALimitAtTheAddressOfAnotherCountsForItself) {
  MemoryCounters counters;
  RateLimit here = limit(1, 60s);
  const RateLimit* const all[] = {&here};
  const Subject ann{"valkey", "ann", "s1"};
  ASSERT_TRUE(counters.take_now(all, ann, BootTime(1s)).has_value());
  ASSERT_FALSE(counters.take_now(all, ann, BootTime(1s)).has_value());
  here.id = "/y";
  EXPECT_TRUE(counters.take_now(all, ann, BootTime(2s)).has_value());
  EXPECT_FALSE(counters.take_now(all, ann, BootTime(2s)).has_value());
  here.id = "/x";
  EXPECT_FALSE(counters.take_now(all, ann, BootTime(3s)).has_value()) << "its calls of before still count";
  EXPECT_TRUE(counters.take_now(all, {"redis", "ann", "s1"}, BootTime(3s)).has_value()) << "of another server";
}

/// Where it was counted is forgotten with its window, and another limit is counted there.
TEST(MemoryCounters, ALimitWhosePlaceAnotherGotMeanwhileCountsForItself) {
  MemoryCounters counters;
  const RateLimit one = limit(1, 10s);
  RateLimit other = limit(1, 60s);
  other.id = "/y";
  const RateLimit* const ones[] = {&one};
  const RateLimit* const others[] = {&other};
  const Subject ann{"valkey", "ann", "s1"};
  ASSERT_TRUE(counters.take_now(ones, ann, BootTime(1s)).has_value());
  for (int i = 0; i < 100 && counters.size() > 0; ++i) counters.session_ended({"valkey", "bob", "s2"}, BootTime(30s));
  ASSERT_EQ(counters.size(), 0U) << "it is cleared away as time passes";
  ASSERT_TRUE(counters.take_now(others, ann, BootTime(30s)).has_value());
  EXPECT_TRUE(counters.take_now(ones, ann, BootTime(31s)).has_value());
  EXPECT_FALSE(counters.take_now(ones, ann, BootTime(31s)).has_value());
  EXPECT_FALSE(counters.take_now(others, ann, BootTime(31s)).has_value());
}

/// So many limits of different rules.
std::vector<RateLimit> several(std::size_t count, const RateLimit& like) {
  std::vector<RateLimit> limits(count, like);
  for (std::size_t i = 0; i < count; ++i) limits[i].id += std::to_string(i);
  return limits;
}

/// More limits than there are hints of where they are counted.
TEST(MemoryCounters, ManyLimitsShareTheHints) {
  MemoryCounters counters;
  const std::vector<RateLimit> limits = several(1000, limit(3, 60s));
  const Subject ann{"valkey", "ann", "s1"};
  for (int round = 0; round < 4; ++round) {
    for (const RateLimit& each : limits) {
      const RateLimit* const all[] = {&each};
      ASSERT_EQ(counters.take_now(all, ann, BootTime(1s)).has_value(), round < 3) << each.id;
    }
  }
}

TEST(MemoryCounters, ManyLimitsOnOneCallAreGivenBackWhole) {
  MemoryCounters counters;
  const std::vector<RateLimit> limits = several(9, limit(1, 60s));
  std::vector<const RateLimit*> all;
  for (const RateLimit& each : limits) all.push_back(&each);
  const Subject ann{"valkey", "ann", "s1"};
  auto taken = counters.take_now(all, ann, BootTime(1s));
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->size(), 9U);
  EXPECT_EQ(taken->remaining(8), 0U);
  counters.give_back(std::move(*taken));
  EXPECT_TRUE(counters.take_now(all, ann, BootTime(1s)).has_value());
}

TEST(SlotIndex, FindsWhatWasPutAndNotWhatWasErased) {
  SlotIndex index;
  std::mt19937 random(3);
  std::set<std::uint32_t> held;
  // Few hashes, so that entries collide and probe runs are long.
  const auto hash_of = [](std::uint32_t slot) { return std::uint64_t{slot % 7} << 61U | slot % 5; };
  for (int i = 0; i < 20'000; ++i) {
    const auto slot = static_cast<std::uint32_t>(random() % 200);
    if (held.erase(slot) > 0) {
      index.erase(hash_of(slot), slot);
    } else {
      held.insert(slot);
      index.insert(hash_of(slot), slot);
    }
    const auto asked = static_cast<std::uint32_t>(random() % 200);
    const std::uint32_t found = index.find(hash_of(asked), [&](std::uint32_t s) { return s == asked; });
    ASSERT_EQ(found != SlotIndex::none, held.contains(asked));
    ASSERT_EQ(index.size(), held.size());
  }
}

}  // namespace
}  // namespace callgate::limits::memory_counters_test
