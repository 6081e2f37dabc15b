// How long a start takes after many recorded calls: the snapshot and the journal's tail are read, nothing else.
//
// CALLGATE_JOURNAL_CALLS says how many calls were recorded (30,000 by default; 10,000,000 take 12 GB and some minutes).
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <iostream>

#include "audit/world.hpp"
#include "base/sanitized.hpp"
#include "cli/counters_file.hpp"
#include "limits/memory_counters.hpp"
#include "limits/recount.hpp"

namespace callgate::cli {
namespace {

using audit::test::Folder;
using limits::Moment;
using namespace std::chrono_literals;

std::uint64_t calls_to_record() {
  const char* text = std::getenv("CALLGATE_JOURNAL_CALLS");
  return text == nullptr ? 30'000 : std::strtoull(text, nullptr, 10);
}

double seconds_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

/// A journal as a busy gateway leaves it: one limited call in two, each with its outcome.
class Recorder {
 public:
  Recorder(const Folder& data, FakeClock& clock, MemoryLog& log) : clock_(clock) {
    journal_ = audit::Journal::open({.directory = data / "journal", .sync = audit::Sync::none}, clock, log).value();
  }
  void calls(std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      one(i);
      clock_.advance(50us);
      if (i % 8 == 7) (void)journal_->flush();
    }
    (void)journal_->flush();
  }
  audit::Journal& journal() { return *journal_; }
  limits::MemoryCounters& counters() { return counters_; }

 private:
  void one(std::uint64_t number) {
    static constexpr std::string_view keys[] = {"command", "key", "value"};
    const std::string_view session = sessions_[number % sessions_.size()];
    audit::CallRecord record{.id = journal_->next_id(), .server = "valkey", .tool = "valkey_read", .method = "tools/call", .era = "2025-11-25",
                             .session = session, .grant = "01JZZZZZZZZZZZZZZZZZZZZZZZ", .principal = "reporting-agent",
                             .verdict = policy::Verdict::allow, .rule = "/tools/valkey_read/allow",
                             .policy = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                             .definition = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                             .args_digest = "hmac-sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                             .arg_keys = keys};
    std::vector<audit::LimitUse> uses;
    if (number % 2 == 0) {
      const policy::RateLimit* const all[] = {&limit_};
      const limits::Ask asks[] = {{.limits = all, .scope = "server"}};
      auto taken = counters_.take_now(asks, {"valkey", "01JZZZZZZZZZZZZZZZZZZZZZZZ", session}, clock_.now());
      ASSERT_TRUE(taken.has_value());
      uses.push_back({limit_.id, "server", taken->remaining(0)});
      record.limits = uses;
      record.limits_taken_at = clock_.now();
    }
    (void)journal_->record(record);
    journal_->outcome(record.id.text(), {.status = "answered", .bytes = 120, .latency = 400us});
  }

  FakeClock& clock_;
  std::unique_ptr<audit::Journal> journal_;
  limits::MemoryCounters counters_;
  policy::RateLimit limit_ = limits::limit_of_id("/tools/valkey_read max=100000000 window=60s per=session").value();
  std::vector<std::string> sessions_{"aaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccccc", "dddddddddddddddddddddd"};
};

std::uint64_t folder_mib(const std::string& path) {
  std::uint64_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes >> 20U;
}

TEST(StartTime, StaysBelowASecondHoweverMuchWasRecorded) {
  const Folder data;
  FakeClock clock;
  MemoryLog log;
  const std::uint64_t all = calls_to_record();
  // Snapshots are ten seconds or 100,000 records apart, so no tail is longer.
  const std::uint64_t tail = std::min<std::uint64_t>(all / 3, 200'000);
  std::uint64_t last = 0;
  {
    Recorder recorder(data, clock, log);
    recorder.calls(all - tail);
    ASSERT_TRUE(keep_counters(data / "counters.bin", recorder.counters(), {recorder.journal().instance(), recorder.journal().last_seq()}, Moment::of(clock)));
    recorder.calls(tail);
    last = recorder.journal().last_seq();
  }
  const auto began = std::chrono::steady_clock::now();
  limits::MemoryCounters counters;
  const TakenUp found = take_up_counters(data / "counters.bin", data / "journal", counters, Moment::of(clock)).value();
  const double took = seconds_since(began);
  std::cout << "        " << all << " calls, " << last << " records, " << folder_mib(data.path()) << " MiB; " << found.counted
            << " counted again from the tail in " << took << " s\n";
  EXPECT_EQ(found.counted, (tail + 1) / 2);
  EXPECT_EQ(found.unreadable, 0U);
  EXPECT_LT(took, 1.0 * slower);
}

}  // namespace
}  // namespace callgate::cli
