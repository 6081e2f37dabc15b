#include "limits/recount.hpp"

#include <gtest/gtest.h>

#include "limits/memory_counters.hpp"
#include "policy/load.hpp"

namespace callgate::limits::recount_test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view id = "/tools/x max=3 window=60s per=session";
constexpr Moment now{BootTime(1h), 1'000'000'000, "boot-2"};

std::uint64_t left(MemoryCounters& counters, const Subject& who) {
  const policy::RateLimit limit = limit_of_id(id).value();
  const policy::RateLimit* const all[] = {&limit};
  return counters.look_now(all, who, now.now).remaining;
}

TEST(LimitOfId, ReadsWhatThePolicyWrites) {
  const policy::Loaded loaded = policy::load(
      "callgate: 1\ndefault: deny\ntools:\n  \"a max=9 window=1s per=server\":\n    action: allow\n"
      "    rate_limit: [{max: 3, window: 60}, {max: 2000, window: 1d, per: [grant, server]}]\n",
      "p.yaml");
  ASSERT_TRUE(loaded.faults.empty());
  policy::Request request;
  request.name = "a max=9 window=1s per=server";
  request.tool.state = policy::ToolFacts::State::known;
  const policy::Decision decision = loaded.policy->judge(request);
  ASSERT_EQ(decision.limits.size(), 2U);
  for (const policy::RateLimit* limit : decision.limits) {
    const auto read = limit_of_id(limit->id);
    ASSERT_TRUE(read.has_value()) << limit->id;
    EXPECT_EQ(read->max, limit->max);
    EXPECT_EQ(read->window, limit->window);
    EXPECT_EQ(read->per, limit->per);
    EXPECT_EQ(read->id, limit->id);
  }
}

TEST(LimitOfId, ReadsNothingElse) {
  for (const std::string_view text : {"", "/x", "/x max=3", "/x max=3 window=60s", "/x max=3 window=60 per=session",
                                      "/x max=-3 window=60s per=session", "/x max=3 window=0s per=session",
                                      "/x max=3 window=60s per=nobody", "/x max=3 window=60s per=session+",
                                      "/x max=3 window=99999999999999s per=session"}) {
    EXPECT_FALSE(limit_of_id(text).has_value()) << text;
  }
}

struct Row {
  std::string name;
  std::string_view boot;
  Nanos at;  ///< on its boot's clock
  std::int64_t wall_ms;
  bool counts;
};

class RecountTime : public testing::TestWithParam<Row> {};

/// Security requirement S26: the time of a recorded call, across a boot too.
TEST_P(RecountTime, CountsCallsWhoseWindowRuns) {
  MemoryCounters counters;
  {
    Recount recount(counters, now);
    EXPECT_TRUE(recount.add({"valkey", "ann", "old", "server", id, BootTime(GetParam().at), GetParam().wall_ms, GetParam().boot}));
    EXPECT_EQ(recount.counted(), GetParam().counts ? 1U : 0U);
  }
  EXPECT_EQ(left(counters, {"valkey", "ann", "new"}), GetParam().counts ? 2U : 3U) << "the session ended with its process";
}

INSTANTIATE_TEST_SUITE_P(Limits, RecountTime,
                         testing::Values(Row{"same_boot", "boot-2", 1h - 59s, 0, true},
                                         Row{"same_boot_just_left", "boot-2", 1h - 60s, 1'000'000'000, false},
                                         Row{"same_boot_in_the_future", "boot-2", 2h, 0, true},
                                         Row{"earlier_boot", "boot-1", 9h, 999'941'000, true},
                                         Row{"earlier_boot_just_left", "boot-1", 9h, 999'940'000, false},
                                         Row{"wall_clock_set_back", "boot-1", 9h, 2'000'000'000, true}),
                         [](const auto& row) { return row.param.name; });

TEST(Recount, AddsToWhatTheSnapshotHeld) {
  MemoryCounters before;
  const policy::RateLimit limit = limit_of_id(id).value();
  const policy::RateLimit* const all[] = {&limit};
  ASSERT_TRUE(before.take_now(all, {"valkey", "ann", "old"}, now.now - 10s).has_value());
  MemoryCounters after;
  ASSERT_TRUE(after.restore(before.snapshot(now), now).has_value());
  {
    Recount recount(after, now);
    EXPECT_TRUE(recount.add({"valkey", "ann", "old", "server", id, now.now - 5s, now.wall_ms, now.boot_id}));
    EXPECT_FALSE(recount.add({"valkey", "ann", "old", "server", "no id", now.now - 5s, now.wall_ms, now.boot_id}));
  }
  EXPECT_EQ(left(after, {"valkey", "ann", "new"}), 1U);
  EXPECT_EQ(left(after, {"valkey", "bob", "new"}), 3U);
}

/// Security requirement S19: a max that was changed meanwhile is held against the calls of before.
TEST(Recount, CountsForTheLimitOfAnotherMax) {
  MemoryCounters counters;
  {
    Recount recount(counters, now);
    for (int i = 0; i < 2; ++i)
      EXPECT_TRUE(recount.add({"valkey", "ann", "old", "server", "/tools/x max=9 window=60s per=session", now.now - 5s, now.wall_ms, now.boot_id}));
    EXPECT_TRUE(recount.same_counter(id, "/tools/x max=9 window=60s per=session"));
    EXPECT_FALSE(recount.same_counter(id, "/tools/x max=3 window=61s per=session"));
    EXPECT_FALSE(recount.same_counter(id, "/tools/xy max=3 window=60s per=session"));
    EXPECT_FALSE(recount.same_counter("no id", "no id"));
  }
  EXPECT_EQ(left(counters, {"valkey", "ann", "new"}), 1U);
}

/// Security requirement S19.
TEST(Recount, FindsTheCallsOfAllSessionsForAMaxThatWasRaised) {
  MemoryCounters counters;
  {
    Recount recount(counters, now);
    for (const char* session : {"a", "b"})
      EXPECT_TRUE(recount.add({"valkey", "ann", session, "server", "/tools/x max=1 window=60s per=session", now.now - 5s, now.wall_ms, now.boot_id}));
  }
  EXPECT_EQ(left(counters, {"valkey", "ann", "new"}), 1U);
}

}  // namespace
}  // namespace callgate::limits::recount_test
