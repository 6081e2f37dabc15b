// What every implementation of limits::Counters must do.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>

#include "limits/counters.hpp"
#include "limits/memory_counters.hpp"
#include "limits_model.hpp"

namespace callgate::limits {
namespace {

using policy::Per;
using policy::RateLimit;
using test::Model;
using namespace std::chrono_literals;

RateLimit limit(std::uint64_t max, Nanos window, std::vector<Per> per = {Per::session}, std::string id = "/tools/x") {
  return {.max = max, .window = window, .per = std::move(per), .pointer = id + "/rate_limit", .id = id};
}

struct Implementation {
  std::string name;
  std::function<std::unique_ptr<Counters>()> make;
};

class CountersContract : public testing::TestWithParam<Implementation> {
 protected:
  /// Takes one call at `at`; whether it could.
  bool take(const RateLimit& one, Subject who, Nanos at) {
    const RateLimit* const all[] = {&one};
    return counters_->take(all, who, time(at)).has_value();
  }
  Look look(const RateLimit& one, Subject who, Nanos at) {
    const RateLimit* const all[] = {&one};
    return counters_->look(all, who, time(at));
  }
  static BootTime time(Nanos at) { return BootTime(1h) + at; }

  std::unique_ptr<Counters> counters_ = GetParam().make();
  Subject ann_{"valkey", "ann", "s1"};
};

TEST_P(CountersContract, LetsMaxCallsPassInAWindowAndNoMore) {
  const RateLimit two = limit(2, 60s);
  EXPECT_TRUE(take(two, ann_, 0s));
  EXPECT_TRUE(take(two, ann_, 10s));
  EXPECT_FALSE(take(two, ann_, 20s));
  EXPECT_FALSE(take(two, ann_, 60s - 1ns));
  EXPECT_TRUE(take(two, ann_, 60s)) << "a call made exactly one window ago has left";
  EXPECT_FALSE(take(two, ann_, 60s));
  EXPECT_TRUE(take(two, ann_, 70s));
}

TEST_P(CountersContract, SaysWhenToComeBack) {
  const RateLimit two = limit(2, 60s);
  EXPECT_EQ(look(two, ann_, 0s).remaining, 2U);
  EXPECT_TRUE(take(two, ann_, 0s));
  EXPECT_TRUE(take(two, ann_, 10s));
  const Look full = look(two, ann_, 25s);
  EXPECT_FALSE(full.free);
  EXPECT_EQ(full.limit, &two);
  EXPECT_EQ(full.remaining, 0U);
  EXPECT_EQ(full.retry_after, 35s);
  EXPECT_TRUE(take(two, ann_, 25s + full.retry_after));
  EXPECT_EQ(look(two, ann_, 60s).retry_after, 10s);
}

TEST_P(CountersContract, LookingTakesNothing) {
  const RateLimit one = limit(1, 60s);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(look(one, ann_, 0s).free);
  EXPECT_TRUE(take(one, ann_, 0s));
}

TEST_P(CountersContract, RefusedCallsTakeNothing) {
  const RateLimit one = limit(1, 60s);
  EXPECT_TRUE(take(one, ann_, 0s));
  for (int i = 1; i < 60; ++i) EXPECT_FALSE(take(one, ann_, i * 1s));
  EXPECT_TRUE(take(one, ann_, 60s));
}

TEST_P(CountersContract, ZeroBlocksAll) {
  const RateLimit never = limit(0, 60s);
  EXPECT_FALSE(take(never, ann_, 0s));
  EXPECT_EQ(look(never, ann_, 0s).retry_after, 60s);
  EXPECT_EQ(look(never, ann_, 0s).remaining, 0U);
}

TEST_P(CountersContract, CallWithoutLimitsIsFree) {
  const Look none = counters_->look(Counters::LimitSpan(), ann_, time(0s));
  EXPECT_TRUE(none.free);
  EXPECT_EQ(none.remaining, UINT64_MAX);
  EXPECT_TRUE(counters_->take(Counters::LimitSpan(), ann_, time(0s)).has_value());
}

TEST_P(CountersContract, AllLimitsOfACallAreTakenOrNone) {
  const RateLimit wide = limit(10, 1h, {Per::grant}, "/wide");
  const RateLimit narrow = limit(1, 60s, {Per::session}, "/narrow");
  const RateLimit* const both[] = {&wide, &narrow};
  auto taken = counters_->take(both, ann_, time(0s));
  ASSERT_TRUE(taken.has_value());
  EXPECT_EQ(taken->remaining(0), 9U);
  EXPECT_EQ(taken->remaining(), 0U);
  const auto refused = counters_->take(both, ann_, time(1s));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().blocking, 1U);
  EXPECT_EQ(refused.error().limit, &narrow);
  EXPECT_EQ(look(wide, ann_, 1s).remaining, 9U) << "the wide limit was not touched";
}

TEST_P(CountersContract, NamesTheFirstThatBlocksAndTheLongestWait) {
  const RateLimit shorter = limit(1, 10s, {Per::session}, "/shorter");
  const RateLimit longer = limit(1, 100s, {Per::session}, "/longer");
  const RateLimit* const both[] = {&shorter, &longer};
  EXPECT_TRUE(counters_->take(both, ann_, time(0s)).has_value());
  const Look look = counters_->look(both, ann_, time(1s));
  EXPECT_EQ(look.blocking, 0U);
  EXPECT_EQ(look.retry_after, 99s);
  EXPECT_EQ(counters_->look(both, ann_, time(10s)).blocking, 1U);
}

TEST_P(CountersContract, LimitsOfServerAndGrantPolicyCountTogetherAndApart) {
  const RateLimit servers = limit(5, 60s);
  const RateLimit grants = limit(1, 60s);  // the same pointer in another policy
  const RateLimit* const of_server[] = {&servers};
  const RateLimit* const of_grant[] = {&grants};
  const Ask asks[] = {{of_server, "server"}, {of_grant, "ann"}};
  EXPECT_TRUE(counters_->take(asks, ann_, time(0s)).has_value());
  const auto refused = counters_->take(asks, ann_, time(1s));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().blocking, 1U);
  EXPECT_EQ(look(servers, ann_, 1s).remaining, 4U);
}

TEST_P(CountersContract, GivenBackCallIsFreeAgain) {
  const RateLimit one = limit(1, 60s);
  const RateLimit* const all[] = {&one};
  auto taken = counters_->take(all, ann_, time(0s));
  ASSERT_TRUE(taken.has_value());
  EXPECT_FALSE(take(one, ann_, 1s));
  counters_->give_back(std::move(*taken));
  EXPECT_TRUE(take(one, ann_, 2s));
  EXPECT_FALSE(take(one, ann_, 61s));
  EXPECT_TRUE(take(one, ann_, 62s));
}

TEST_P(CountersContract, GivingBackTwiceFreesOne) {
  const RateLimit two = limit(2, 60s);
  const RateLimit* const all[] = {&two};
  auto first = counters_->take(all, ann_, time(0s));
  ASSERT_TRUE(first.has_value() && take(two, ann_, 0s));
  counters_->give_back(std::move(*first));
  counters_->give_back(std::move(*first));  // NOLINT(bugprone-use-after-move): harmless, and that is tested
  EXPECT_TRUE(take(two, ann_, 1s));
  EXPECT_FALSE(take(two, ann_, 1s));
}

struct Sharing {
  std::string name;
  std::vector<Per> per;
  Subject other;
  bool shared;
};

TEST_P(CountersContract, KeyIsWhatTheLimitSays) {
  const Sharing rows[] = {
      {"session_apart", {Per::session}, {"valkey", "ann", "s2"}, false},
      {"same_session_id_of_another_grant", {Per::session}, {"valkey", "bob", "s1"}, false},
      {"grant_shares_over_sessions", {Per::grant}, {"valkey", "ann", "s2"}, true},
      {"grants_apart", {Per::grant}, {"valkey", "bob", "s1"}, false},
      {"server_shares_over_grants", {Per::server}, {"valkey", "bob", "s2"}, true},
      {"servers_apart", {Per::server}, {"billing", "ann", "s1"}, false},
      {"scopes_apart", {Per::server}, {"valkey", "ann", "s1", "ann"}, false},
      {"compound_grant_and_server", {Per::grant, Per::server}, {"valkey", "ann", "s2"}, true},
      {"compound_session_and_grant", {Per::session, Per::grant}, {"valkey", "ann", "s2"}, false},
      {"no_confusion_of_parts", {Per::session}, {"valkey", "anns", "1"}, false},
  };
  for (const Sharing& row : rows) {
    counters_ = GetParam().make();
    const RateLimit one = limit(1, 60s, row.per);
    EXPECT_TRUE(take(one, ann_, 0s));
    EXPECT_EQ(take(one, row.other, 1s), !row.shared) << row.name;
  }
}

TEST_P(CountersContract, LimitsWithOtherIdsCountApart) {
  EXPECT_TRUE(take(limit(1, 60s, {Per::session}, "/tools/a"), ann_, 0s));
  EXPECT_TRUE(take(limit(1, 60s, {Per::session}, "/tools/b"), ann_, 0s));
}

TEST_P(CountersContract, CounterSurvivesAReloadThatKeepsTheLimit) {
  EXPECT_TRUE(take(limit(1, 60s), ann_, 0s));
  EXPECT_FALSE(take(limit(1, 60s), ann_, 1s)) << "another object of the same id";
}

TEST_P(CountersContract, NewSessionStartsWithTheCountsOfThoseThatEnded) {
  const RateLimit three = limit(3, 60s);
  EXPECT_TRUE(take(three, ann_, 0s));
  EXPECT_TRUE(take(three, ann_, 10s));
  counters_->session_ended(ann_, time(20s));
  const Subject again{"valkey", "ann", "s2"};
  EXPECT_EQ(look(three, again, 21s).remaining, 1U);
  EXPECT_TRUE(take(three, again, 21s));
  EXPECT_FALSE(take(three, again, 22s));
  EXPECT_EQ(look(three, again, 22s).retry_after, 38s);
  EXPECT_TRUE(take(three, again, 60s));
  EXPECT_EQ(look(three, {"valkey", "bob", "s3"}, 60s).remaining, 3U) << "another grant is not concerned";
}

TEST_P(CountersContract, AnonymousCallersAreOneGrant) {
  const RateLimit one = limit(1, 60s);
  EXPECT_TRUE(take(one, {"valkey", "", "s1"}, 0s));
  counters_->session_ended({"valkey", "", "s1"}, time(1s));
  EXPECT_FALSE(take(one, {"valkey", "", "s2"}, 2s));
  EXPECT_TRUE(take(one, {"valkey", "", "s2"}, 60s));
}

TEST_P(CountersContract, ManySessionsInTurnNeverGetMoreThanMax) {
  const RateLimit five = limit(5, 60s);
  Model model(5, 60s);
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    const std::string session = "s" + std::to_string(i);
    const Subject who{"valkey", "ann", session};
    for (unsigned j = random() % 4; j > 0; --j) {
      const Nanos at = i * 1s + 3ms;
      const bool expected = model.free(time(at));
      EXPECT_EQ(take(five, who, at), expected) << i;
      if (expected) model.add(time(at));
    }
    counters_->session_ended(who, time(i * 1s + 4ms));
  }
  EXPECT_EQ(model.densest(), 5U);
}

TEST_P(CountersContract, InheritedCallsAreNotPassedOnTwice) {
  const RateLimit four = limit(4, 60s);
  EXPECT_TRUE(take(four, ann_, 0s));
  counters_->session_ended(ann_, time(1s));
  // Each of these inherits the one call and adds none of its own.
  for (int i = 0; i < 10; ++i) {
    const std::string session = "t" + std::to_string(i);
    const Subject who{"valkey", "ann", session};
    EXPECT_EQ(look(four, who, 2s).remaining, 3U);
    if (i % 2 == 0) {
      const RateLimit* const all[] = {&four};
      counters_->give_back(std::move(counters_->take(all, who, time(2s)).value()));
    }
    counters_->session_ended(who, time(2s));
  }
  EXPECT_EQ(look(four, {"valkey", "ann", "last"}, 3s).remaining, 3U);
}

TEST_P(CountersContract, SessionsThatEndTogetherAddUp) {
  const RateLimit three = limit(3, 60s);
  for (const Nanos at : {0s, 5s}) {
    for (const char* session : {"a", "b"}) EXPECT_TRUE(take(three, {"valkey", "ann", session}, at));
  }
  for (const char* session : {"a", "b"}) counters_->session_ended({"valkey", "ann", session}, time(10s));
  const Subject next{"valkey", "ann", "c"};
  EXPECT_FALSE(take(three, next, 11s));
  EXPECT_EQ(look(three, next, 11s).retry_after, 49s) << "two of the four calls leave at once";
  EXPECT_TRUE(take(three, next, 60s));
}

TEST_P(CountersContract, EndOfAnUnknownSessionIsNothing) {
  counters_->session_ended(ann_, time(0s));
  EXPECT_TRUE(take(limit(1, 60s), ann_, 0s));
}

TEST_P(CountersContract, CountsRecordedCallsWhateverTheLimitSays) {
  const RateLimit two = limit(2, 60s);
  for (int i = 0; i < 5; ++i) counters_->count(two, ann_, time(i * 1s), time(10s));
  EXPECT_FALSE(take(two, ann_, 10s));
  EXPECT_EQ(look(two, ann_, 10s).retry_after, 53s) << "the second newest must leave first";
}

TEST_P(CountersContract, TimeThatSeemsToGoBackCountsAsNoTimePassed) {
  const RateLimit one = limit(1, 60s);
  EXPECT_TRUE(take(one, ann_, 100s));
  EXPECT_FALSE(take(one, ann_, 0s));
  EXPECT_FALSE(take(one, ann_, 159s));
  EXPECT_TRUE(take(one, ann_, 160s));
}

TEST_P(CountersContract, LargeLimitNeverPassesTooManyAndRefusesAtMostA64thEarly) {
  const RateLimit large = limit(2000, 64s);
  for (int i = 0; i < 2000; ++i) ASSERT_TRUE(take(large, ann_, 500ms));
  const Nanos wait = look(large, ann_, 500ms).retry_after;
  EXPECT_GE(wait, 64s);
  EXPECT_LE(wait, 65s);
  EXPECT_FALSE(look(large, ann_, 500ms + wait - 1ns).free);
  EXPECT_TRUE(take(large, ann_, 500ms + wait));
}

// Random times against the plain model: exact up to 1024, never late above.
TEST_P(CountersContract, AgreesWithTheModelOnRandomCalls) {
  for (unsigned seed = 0; seed < 60; ++seed) {
    counters_ = GetParam().make();
    std::mt19937_64 random(seed);
    const std::uint64_t max = 1 + random() % 40;
    const Nanos window(1 + static_cast<std::int64_t>(random() % 100'000));
    const RateLimit one = limit(max, window);
    const RateLimit* const all[] = {&one};
    Model model(max, window);
    BootTime now(1h);
    for (int i = 0; i < 400; ++i) {
      now += Nanos(static_cast<std::int64_t>(random() % (3 * static_cast<std::uint64_t>(window.count()) / max + 2)));
      const Look seen = counters_->look(all, ann_, now);
      ASSERT_EQ(seen.free, model.free(now)) << "seed " << seed << " call " << i;
      ASSERT_EQ(seen.remaining, max - model.used(now));
      if (!seen.free) ASSERT_EQ(seen.retry_after, model.wait(now)) << "seed " << seed << " call " << i;
      auto taken = counters_->take(all, ann_, now);
      ASSERT_EQ(taken.has_value(), seen.free);
      if (!taken) continue;
      if (random() % 8 == 0) {
        counters_->give_back(std::move(*taken));
      } else {
        model.add(now);
      }
    }
    EXPECT_LE(model.densest(), max);
  }
}

TEST_P(CountersContract, LargeLimitsStayWithinTheModelOnRandomCalls) {
  for (unsigned seed = 0; seed < 10; ++seed) {
    counters_ = GetParam().make();
    std::mt19937_64 random(seed);
    const std::uint64_t max = 1025 + random() % 100;
    const Nanos window(1 + static_cast<std::int64_t>(random() % 1'000'000));
    const RateLimit one = limit(max, window);
    Model exact(max, window);
    BootTime now(1h);
    for (int i = 0; i < 3000; ++i) {
      now += Nanos(static_cast<std::int64_t>(random() % (static_cast<std::uint64_t>(window.count()) / 1000 + 2)));
      const RateLimit* const all[] = {&one};
      const Look seen = counters_->look(all, ann_, now);
      const bool may = exact.free(now);
      if (seen.free) ASSERT_TRUE(may) << "a permission too early, seed " << seed;
      // A refusal that the exact window would not give: only within a 64th of a call's leaving.
      if (!seen.free && may) ASSERT_LE(seen.retry_after, window / 64 + 1ns) << "seed " << seed;
      if (counters_->take(all, ann_, now).has_value()) exact.add(now);
    }
    EXPECT_LE(exact.densest(), max);
  }
}

// Snapshots ---------------------------------------------------------------------

class CountersSnapshot : public CountersContract {
 protected:
  static Moment moment(Nanos at, std::int64_t wall_ms, std::string_view boot) { return {time(at), wall_ms, boot}; }
  /// A new process that takes the counters up.
  void restart(const Moment& before, const Moment& after) {
    const std::string bytes = counters_->snapshot(before);
    counters_ = GetParam().make();
    ASSERT_TRUE(counters_->restore(bytes, after).has_value());
  }
};

TEST_P(CountersSnapshot, CountsSurviveARestartOfTheProcess) {
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

TEST_P(CountersSnapshot, AcrossABootTheWallClockTellsTheTime) {
  const Boot rows[] = {
      {"ten_seconds_later", 1'010'000, 45s},
      {"no_time", 1'000'000, 55s},
      {"set_back_counts_as_none", 400'000, 55s},
      {"long_ago", 1'055'000, 0s},
      {"a_day_later", 87'400'000, 0s},
  };
  for (const Boot& row : rows) {
    counters_ = GetParam().make();
    const RateLimit one = limit(1, 60s, {Per::grant});
    EXPECT_TRUE(take(one, ann_, 1000s));
    restart(moment(1005s, 1'000'000, "boot-1"), moment(-3590s, row.wall_after_ms, "boot-2"));
    EXPECT_EQ(look(one, ann_, -3590s).retry_after, row.expected_wait) << row.name;
  }
}

TEST_P(CountersSnapshot, LargeLimitsSurviveToo) {
  const RateLimit large = limit(1500, 64s, {Per::grant});
  for (int i = 0; i < 1500; ++i) ASSERT_TRUE(take(large, ann_, i * 10ms));
  restart(moment(16s, 1'000'000, "boot"), moment(20s, 1'004'000, "boot"));
  EXPECT_FALSE(take(large, ann_, 20s));
  EXPECT_EQ(look(large, ann_, 32s).remaining, 0U);
  EXPECT_GT(look(large, ann_, 66s).remaining, 0U);
}

TEST_P(CountersSnapshot, DamagedBytesAreRefusedAndChangeNothing) {
  const RateLimit one = limit(1, 60s);
  EXPECT_TRUE(take(one, ann_, 0s));
  const std::string bytes = counters_->snapshot(moment(1s, 1'000'000, "boot"));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(counters_->restore(bytes.substr(0, size), moment(2s, 1'001'000, "boot")).has_value()) << size;
  }
  EXPECT_FALSE(counters_->restore(bytes + "x", moment(2s, 1'001'000, "boot")).has_value());
  EXPECT_FALSE(take(one, ann_, 2s));
}

TEST_P(CountersSnapshot, ChangedBytesNeverCrash) {
  const RateLimit one = limit(3, 60s);
  const RateLimit large = limit(5000, 60s, {Per::grant}, "/large");
  EXPECT_TRUE(take(one, ann_, 0s));
  EXPECT_TRUE(take(large, ann_, 0s));
  const std::string bytes = counters_->snapshot(moment(1s, 1'000'000, "boot"));
  std::mt19937 random(7);
  for (int i = 0; i < 3000; ++i) {
    std::string changed = bytes;
    changed[random() % changed.size()] = static_cast<char>(random());
    const auto fresh = GetParam().make();
    (void)fresh->restore(changed, moment(2s, 1'001'000, i % 2 == 0 ? "boot" : "other"));
    const RateLimit* const all[] = {&one, &large};
    (void)fresh->take(all, ann_, time(3s));
  }
}

const auto implementations =
    testing::Values(Implementation{"memory", [] { return std::make_unique<MemoryCounters>(); }});
const auto name_of = [](const auto& row) { return row.param.name; };
INSTANTIATE_TEST_SUITE_P(Limits, CountersContract, implementations, name_of);
INSTANTIATE_TEST_SUITE_P(Limits, CountersSnapshot, implementations, name_of);

}  // namespace
}  // namespace callgate::limits
