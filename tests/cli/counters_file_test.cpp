#include "cli/counters_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "audit/world.hpp"
#include "limits/memory_counters.hpp"
#include "limits/recount.hpp"

namespace callgate::cli::counters_file_test {
namespace {

using audit::test::Folder;
using limits::MemoryCounters;
using limits::Moment;
using limits::Subject;
using namespace std::chrono_literals;

/// A process that counts calls and records them; it may be killed at any time.
class Process {
 public:
  Process(const Folder& data, FakeClock& clock, MemoryLog& log) : data_(data), clock_(clock) {
    journal_ = audit::Journal::open({.directory = data / "journal", .sync = audit::Sync::none}, clock, log).value();
    found_ = take_up_counters(file(), data / "journal", counters_, Moment::of(clock)).value();
    keep();
  }
  bool call(std::string_view session = "s1") {
    const policy::RateLimit* const all[] = {&limit_, &wider_};
    auto taken = counters_.take_now(all, {"valkey", "ann", session}, clock_.now());
    if (!taken) return false;
    const audit::LimitUse uses[] = {{limit_.id, "server", taken->remaining(0)}, {wider_.id, "server", taken->remaining(1)}};
    (void)journal_->record({.id = journal_->next_id(),
                            .server = "valkey",
                            .session = session,
                            .grant = "ann",
                            .verdict = policy::Verdict::allow,
                            .limits = uses,
                            .limits_taken_at = clock_.now()});
    return journal_->flush().has_value();
  }
  void keep() {
    ASSERT_TRUE(keep_counters(file(), counters_, {journal_->instance(), journal_->last_seq()}, Moment::of(clock_)).has_value());
  }
  std::filesystem::path file() const { return data_ / "counters.bin"; }
  const TakenUp& found() const { return found_; }
  std::string chain() const { return data_ / "journal/" + journal_->instance(); }

 private:
  const Folder& data_;
  FakeClock& clock_;
  std::unique_ptr<audit::Journal> journal_;
  MemoryCounters counters_;
  policy::RateLimit limit_ = limits::limit_of_id("/tools/x max=5 window=60s per=session").value();
  /// Differs in max alone, so that one counter stands for both and counts a call once.
  policy::RateLimit wider_ = limits::limit_of_id("/tools/x max=9 window=60s per=session").value();
  TakenUp found_;
};

class CountersFile : public testing::Test {
 protected:
  Folder data_;
  FakeClock clock_;
  MemoryLog log_;
};

TEST_F(CountersFile, KilledProcessLosesNoCount) {
  {
    Process process(data_, clock_, log_);
    EXPECT_TRUE(process.call());
    EXPECT_TRUE(process.call());
    process.keep();
    clock_.advance(1s);
    EXPECT_TRUE(process.call());
    EXPECT_TRUE(process.call("s2"));
  }  // nothing was kept after these two
  clock_.advance(1s);
  Process next(data_, clock_, log_);
  EXPECT_EQ(next.found().counted, 2U);
  EXPECT_TRUE(next.call("new"));
  EXPECT_FALSE(next.call("new"));
  clock_.advance(58s);
  EXPECT_TRUE(next.call("new")) << "the first two have left";
}

TEST_F(CountersFile, CallsAreNotCountedTwiceOverManyKills) {
  for (int i = 0; i < 5; ++i) {
    Process process(data_, clock_, log_);
    EXPECT_EQ(process.found().counted, i == 0 ? 0U : 1U);
    EXPECT_TRUE(process.call("s" + std::to_string(i))) << i;
  }
  EXPECT_FALSE(Process(data_, clock_, log_).call("s9"));
}

TEST_F(CountersFile, KeptCallsAreNotCountedAgain) {
  {
    Process process(data_, clock_, log_);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(process.call());
    process.keep();
  }
  Process next(data_, clock_, log_);
  EXPECT_EQ(next.found().counted, 0U);
  EXPECT_TRUE(next.call("new") && next.call("new"));
  EXPECT_FALSE(next.call("new"));
}

TEST_F(CountersFile, IsForItsOwnerOnly) {
  const Process process(data_, clock_, log_);
  struct stat status{};
  ASSERT_EQ(::stat(process.file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(CountersFile, MissingJournalLeavesTheSnapshot) {
  {
    Process process(data_, clock_, log_);
    EXPECT_TRUE(process.call());
    process.keep();
    std::filesystem::remove_all(process.chain());
  }
  const Process next(data_, clock_, log_);
  EXPECT_FALSE(next.found().journal_found);
}

TEST_F(CountersFile, WhatIsNoCountersFileIsRefused) {
  const std::string path = data_ / "counters.bin";
  MemoryCounters counters;
  for (const std::string_view bytes : {"", "x", "01ARYZ6S410000000000000000 7\n", "01ARYZ6S410000000000000000 x\ncallgate",
                                       "../../../../../../../etc 1\n", "01ARYZ6S410000000000000000 1"}) {
    audit::test::write_file(path, bytes);
    EXPECT_EQ(take_up_counters(path, data_ / "journal", counters, Moment::of(clock_)).error().kind, ErrorKind::malformed) << bytes;
  }
  EXPECT_TRUE(take_up_counters(data_ / "none", data_ / "journal", counters, Moment::of(clock_)).has_value());
  EXPECT_FALSE(keep_counters(data_ / "no/such/folder/x", counters, {"i", 1}, Moment::of(clock_)).has_value());
}

}  // namespace
}  // namespace callgate::cli::counters_file_test
