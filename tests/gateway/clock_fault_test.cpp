// Somebody sets the wall clock a day back or forward while the gate runs: nothing is allowed more often or longer than
// before, nothing that was right is refused for good, and the journal stays sound.
#include <chrono>
#include <iostream>

#include <fmt/format.h>

#include "audit/verify.hpp"
#include "audit/world.hpp"
#include "base/sanitized.hpp"
#include "gateway/world.hpp"

namespace callgate::gateway::clock_fault_test {
namespace {

using namespace std::chrono_literals;

class ClockFault : public World, public testing::WithParamInterface<std::chrono::hours> {
 protected:
  /// Says how long refusals took while the clock was wrong, and the first call that ran once it was right.
  ~ClockFault() override {
    if (!refused_ms_ && !recovered_ms_) return;
    const auto told = [](const std::optional<double>& ms) { return ms ? fmt::format("{:.1f} ms", *ms) : std::string("-"); };
    std::cout << fmt::format("        slowest refusal {}, first call with the clock right again {}\n", told(refused_ms_), told(recovered_ms_));
    EXPECT_LT(refused_ms_.value_or(0), 500 * slower);
    EXPECT_LT(recovered_ms_.value_or(0), 500 * slower);
  }
  void set_clock() {
    shift(GetParam());
    is_ = Is::wrong;
  }
  void put_right() {
    shift(-GetParam());
    is_ = Is::right_again;
  }
  void shift(std::chrono::hours by) { clock.set_wall_ms(clock.wall_ms() + std::chrono::milliseconds(by).count()); }
  bool runs(const std::string& tool, const std::string& arguments = "{}") {
    const std::size_t before = upstream.calls.size();
    const net::Duration began = time_had();
    last = call(tool, arguments).body;
    const double took = std::chrono::duration<double, std::milli>(time_had() - began).count();
    const bool ran = upstream.calls.size() > before;
    if (is_ == Is::wrong && !ran) refused_ms_ = std::max(refused_ms_.value_or(0), took);
    if (is_ == Is::right_again && ran && !recovered_ms_) recovered_ms_ = took;
    return ran;
  }
  void expect_sound_journal() {
    ASSERT_TRUE(journal->flush().has_value());
    const audit::test::Folder data;
    audit::test::save(disk, data / "test");
    const audit::ChainReport report = audit::verify_chain(data / "test").value();
    EXPECT_FALSE(report.fault.has_value()) << report.fault->what;
  }
  std::string last;

 private:
  enum class Is : std::uint8_t { right, wrong, right_again };
  Is is_ = Is::right;
  std::optional<double> refused_ms_;
  std::optional<double> recovered_ms_;
};

INSTANTIATE_TEST_SUITE_P(Gateway, ClockFault, testing::Values(24h, -24h),
                         [](const auto& row) { return row.param > 0h ? "a_day_forward" : "a_day_back"; });

/// Security requirement S26: windows go by the boot clock, whatever the wall clock does.
TEST_P(ClockFault, ALimitKeepsItsWindow) {
  start("callgate: 1\ndefault: deny\ntools:\n  write: {action: allow, rate_limit: {max: 2, window: 1h}}\n");
  open_session();
  EXPECT_TRUE(runs("write"));
  EXPECT_TRUE(runs("write"));
  set_clock();
  EXPECT_FALSE(runs("write"));
  EXPECT_NE(last.find("rate_limited"), std::string::npos);
  clock.advance(30min);
  EXPECT_FALSE(runs("write"));
  put_right();
  EXPECT_FALSE(runs("write"));
  clock.advance(31min);
  EXPECT_TRUE(runs("write")) << "its hour is over by the boot clock";
  expect_sound_journal();
}

TEST_P(ClockFault, CountersThatAreTakenUpInTheSameBootKeepTheirTimes) {
  start("callgate: 1\ndefault: deny\ntools:\n  write: {action: allow, rate_limit: {max: 1, window: 1h, per: server}}\n");
  open_session();
  EXPECT_TRUE(runs("write"));
  const std::string snapshot = counters.snapshot(limits::Moment::of(clock));
  set_clock();
  ASSERT_TRUE(counters.restore(snapshot, limits::Moment::of(clock)).has_value());
  EXPECT_FALSE(runs("write"));
  clock.advance(61min);
  EXPECT_TRUE(runs("write"));
}

/// Security requirement S26: so does the life of a yes.
TEST_P(ClockFault, AYesLastsAsLongAsItWouldHaveAndDoesNotRevive) {
  config.approval_wait = 0ms;
  start("callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval}\n");
  open_session();
  const auto approve = [&] {
    const auto waiting = desk->list(approval::State::waiting);
    ASSERT_EQ(waiting.size(), 1U);
    ASSERT_TRUE(desk->answer(waiting.front()->id, approval::Answer::yes, "operator", {}, approval::Moment::of(clock)).has_value());
  };
  EXPECT_FALSE(runs("write"));
  approve();
  set_clock();
  EXPECT_TRUE(runs("write")) << "a yes of this minute is good";
  EXPECT_FALSE(runs("write"));
  approve();
  clock.advance(11min);
  EXPECT_FALSE(runs("write")) << "a yes is good for ten minutes";
  put_right();
  EXPECT_FALSE(runs("write"));
  expect_sound_journal();
}

class ClockAndGrant : public ClockFault {
 protected:
  ClockAndGrant() { config.auth = config::Auth::grants; }
  /// A caller whose token is good for so long.
  void call_as(const std::string& name, std::chrono::milliseconds lasts) {
    start("callgate: 1\ndefault: allow\n");
    const std::string token = store::new_token();
    ASSERT_TRUE(store->grants().add({.id = ids.next(clock.wall_ms()), .name = name, .server = "fake", .policy = (folder / "policy.yaml").string(),
                                     .token_hash = store::hash_token(token), .expires_ms = clock.wall_ms() + lasts.count()}).has_value());
    ASSERT_TRUE(grants->refresh().has_value());
    authorization = "Authorization: Bearer " + token + "\r\n";
    open_session();
  }
};

INSTANTIATE_TEST_SUITE_P(Gateway, ClockAndGrant, testing::Values(24h, -24h),
                         [](const auto& row) { return row.param > 0h ? "a_day_forward" : "a_day_back"; });

TEST_P(ClockAndGrant, AnExpiredGrantDoesNotRevive) {
  call_as("ann", 1h);
  EXPECT_TRUE(runs("read"));
  clock.advance(2h);
  EXPECT_FALSE(runs("read"));
  set_clock();
  EXPECT_FALSE(runs("read"));
  put_right();
  EXPECT_FALSE(runs("read"));
}

TEST_P(ClockAndGrant, AGrantThatIsGoodIsGoodAgainOnceTheClockIsRight) {
  call_as("ann", 12h);
  set_clock();
  [[maybe_unused]] const bool meanwhile = runs("read");  // a day forward it counts as expired, which is the safe side
  EXPECT_EQ(meanwhile, GetParam() < 0h);
  put_right();
  EXPECT_TRUE(runs("read"));
}

}  // namespace
}  // namespace callgate::gateway::clock_fault_test
