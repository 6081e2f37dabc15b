// Counters as bytes: what outlives a process, a boot, and damage.
#include <gtest/gtest.h>

#include <random>

#include "limits/memory_counters.hpp"

namespace callgate::limits::snapshot_test {
namespace {

using policy::Per;
using policy::RateLimit;
using namespace std::chrono_literals;

RateLimit limit(std::uint64_t max, Nanos window, std::vector<Per> per = {Per::session}, std::string id = "/tools/x") {
  return {.max = max, .window = window, .per = std::move(per), .pointer = id + "/rate_limit", .id = id};
}

class CountersSnapshot : public testing::Test {
 protected:
  bool take(const RateLimit& one, Subject who, Nanos at) {
    const RateLimit* const all[] = {&one};
    return counters_.take_now(all, who, time(at)).has_value();
  }
  Look look(const RateLimit& one, Subject who, Nanos at) {
    const RateLimit* const all[] = {&one};
    return counters_.look_now(all, who, time(at));
  }
  static BootTime time(Nanos at) { return BootTime(1h) + at; }
  static Moment moment(Nanos at, std::int64_t wall_ms, std::string_view boot) { return {time(at), wall_ms, boot}; }
  /// A new process that takes the counters up.
  void restart(const Moment& before, const Moment& after) {
    const std::string bytes = counters_.snapshot(before);
    counters_ = MemoryCounters();
    ASSERT_TRUE(counters_.restore(bytes, after).has_value());
  }

  MemoryCounters counters_;
  Subject ann_{"valkey", "ann", "s1"};
};

TEST_F(CountersSnapshot, CountsRecordedCallsWhateverTheLimitSays) {
  const RateLimit two = limit(2, 60s);
  for (int i = 0; i < 5; ++i) counters_.count(two, ann_, time(i * 1s), time(10s));
  EXPECT_FALSE(take(two, ann_, 10s));
  EXPECT_EQ(look(two, ann_, 10s).retry_after, 53s) << "the second newest must leave first";
}

/// Security requirement S19: a policy with another max does not start the count anew, in whatever order it comes.
TEST_F(CountersSnapshot, AnotherMaxAfterTheRestartGoesOnWithTheCounts) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(take(limit(8, 60s, {Per::grant}), ann_, i * 1s));
  restart(moment(10s, 1'000'000, "boot"), moment(10s, 1'000'000, "boot"));
  EXPECT_EQ(look(limit(6, 60s, {Per::grant}), ann_, 10s).remaining, 1U);
  EXPECT_FALSE(take(limit(5, 60s, {Per::grant}), ann_, 10s));
  EXPECT_EQ(look(limit(2000, 60s, {Per::grant}), ann_, 10s).remaining, 1995U);
}

/// Security requirement S19: nor does it forget what many sessions did under the lower one.
TEST_F(CountersSnapshot, ARaisedMaxAfterTheRestartFindsTheCallsOfAllSessions) {
  for (const char* session : {"a", "b", "c"}) {
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(take(limit(2, 60s), {"valkey", "ann", session}, 0s));
  }
  restart(moment(10s, 1'000'000, "boot"), moment(10s, 1'000'000, "boot"));
  restart(moment(11s, 1'000'000, "boot"), moment(11s, 1'000'000, "boot"));
  EXPECT_EQ(look(limit(8, 60s), ann_, 12s).remaining, 2U);
  EXPECT_EQ(look(limit(2000, 60s), ann_, 12s).remaining, 1994U);
}

/// Writes numbers and texts as snapshots hold them.
std::string number(std::int64_t value) {
  std::string out;
  for (unsigned i = 0; i < 8; ++i) out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xffU);
  return out;
}
std::string text(const std::string& value) { return number(static_cast<std::int64_t>(value.size())) + value; }

/// Snapshots of the version before kept a counter for each max.
TEST_F(CountersSnapshot, CountersOfEarlierVersionsAreJoined) {
  const std::int64_t now = time(2s).time_since_epoch().count();
  const auto counter = [&](std::int64_t max, std::int64_t calls) {
    return text("valkey") + text("server") + text("/tools/x max=" + std::to_string(max) + " window=60s per=grant") + number(max) + number(Nanos(60s).count()) + number(2) +
           number(0) + text("ann") + text("") + number(1) + number(now - Nanos(1s).count()) + number(calls);
  };
  const std::string bytes = "callgate-counters-1\n" + text("boot") + number(now) + number(1'000'000) + number(2) + counter(3, 3) + counter(9, 4);
  ASSERT_TRUE(counters_.restore(bytes, moment(2s, 1'000'000, "boot")).has_value());
  EXPECT_EQ(look(limit(9, 60s, {Per::grant}, "/tools/x max=9 window=60s per=grant"), ann_, 3s).remaining, 2U);
}

/// Security requirement S19: durable across a restart.
TEST_F(CountersSnapshot, CountsSurviveARestartOfTheProcess) {
  const RateLimit per_grant = limit(2, 60s, {Per::grant});
  const RateLimit per_session = limit(3, 60s, {Per::session}, "/s");
  EXPECT_TRUE(take(per_grant, ann_, 0s));
  EXPECT_TRUE(take(per_grant, ann_, 10s));
  EXPECT_TRUE(take(per_session, ann_, 10s));
  restart(moment(20s, 1'000'000, "boot"), moment(30s, 1'010'000, "boot"));
  EXPECT_EQ(look(per_grant, ann_, 30s).retry_after, 30s);
  EXPECT_EQ(look(per_session, {"valkey", "ann", "new"}, 30s).remaining, 2U) << "its sessions ended with the process";
  EXPECT_TRUE(take(per_grant, ann_, 60s));
}

struct Boot {
  std::string name;
  std::int64_t wall_after_ms;  ///< the snapshot's was 1,000,000
  Nanos expected_wait;         ///< of a call made 5 s before the snapshot, window 60 s
};

/// Security requirement S26: across a boot the wall clock counts, and set back it counts as no time.
TEST_F(CountersSnapshot, AcrossABootTheWallClockTellsTheTime) {
  const Boot rows[] = {
      {"ten_seconds_later", 1'010'000, 45s},
      {"no_time", 1'000'000, 55s},
      {"set_back_counts_as_none", 400'000, 55s},
      {"long_ago", 1'055'000, 0s},
      {"a_day_later", 87'400'000, 0s},
  };
  for (const Boot& row : rows) {
    counters_ = MemoryCounters();
    const RateLimit one = limit(1, 60s, {Per::grant});
    EXPECT_TRUE(take(one, ann_, 1000s));
    restart(moment(1005s, 1'000'000, "boot-1"), moment(-3590s, row.wall_after_ms, "boot-2"));
    EXPECT_EQ(look(one, ann_, -3590s).retry_after, row.expected_wait) << row.name;
  }
}

TEST_F(CountersSnapshot, LargeLimitsSurviveToo) {
  const RateLimit large = limit(1500, 64s, {Per::grant});
  for (int i = 0; i < 1500; ++i) ASSERT_TRUE(take(large, ann_, i * 10ms));
  restart(moment(16s, 1'000'000, "boot"), moment(20s, 1'004'000, "boot"));
  EXPECT_FALSE(take(large, ann_, 20s));
  EXPECT_EQ(look(large, ann_, 32s).remaining, 0U);
  EXPECT_GT(look(large, ann_, 66s).remaining, 0U);
}

TEST_F(CountersSnapshot, DamagedBytesAreRefusedAndChangeNothing) {
  const RateLimit one = limit(1, 60s);
  EXPECT_TRUE(take(one, ann_, 0s));
  const std::string bytes = counters_.snapshot(moment(1s, 1'000'000, "boot"));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(counters_.restore(bytes.substr(0, size), moment(2s, 1'001'000, "boot")).has_value()) << size;
  }
  EXPECT_FALSE(counters_.restore(bytes + "x", moment(2s, 1'001'000, "boot")).has_value());
  EXPECT_FALSE(take(one, ann_, 2s));
}

TEST_F(CountersSnapshot, ChangedBytesNeverCrash) {
  const RateLimit one = limit(3, 60s);
  const RateLimit large = limit(5000, 60s, {Per::grant}, "/large");
  EXPECT_TRUE(take(one, ann_, 0s));
  EXPECT_TRUE(take(large, ann_, 0s));
  const std::string bytes = counters_.snapshot(moment(1s, 1'000'000, "boot"));
  std::mt19937 random(7);
  for (int i = 0; i < 3000; ++i) {
    std::string changed = bytes;
    changed[random() % changed.size()] = static_cast<char>(random());
    MemoryCounters fresh;
    (void)fresh.restore(changed, moment(2s, 1'001'000, i % 2 == 0 ? "boot" : "other"));
    const RateLimit* const all[] = {&one, &large};
    (void)fresh.take_now(all, ann_, time(3s));
  }
}

}  // namespace
}  // namespace callgate::limits::snapshot_test
