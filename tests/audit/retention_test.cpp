// Segments whose time is over go; what is left still proves that nothing else is missing.
#include "audit/retention.hpp"

#include <gtest/gtest.h>

#include <cerrno>

#include "audit/search.hpp"
#include "audit/verify.hpp"
#include "world.hpp"

namespace callgate::audit::retention_test {
namespace {

using test::Folder;
using namespace std::chrono_literals;

class RetentionTest : public testing::Test {
 protected:
  std::unique_ptr<Journal> open(const std::string& key = {}) {
    return Journal::open({.directory = folder_.path() + "/journal", .sync = Sync::none, .segment_bytes = 1000, .signing_key = key}, clock_, log_).value();
  }
  void call(Journal& journal, int times = 1) {
    for (int i = 0; i < times; ++i) {
      (void)journal.record({.id = journal.next_id(), .server = "s", .tool = "t", .method = "tools/call", .verdict = policy::Verdict::allow});
      (void)journal.flush();
    }
  }
  std::string chain(const Journal& journal) const { return folder_.path() + "/journal/" + journal.instance(); }
  std::vector<std::uint64_t> segments(const std::string& chain) const {
    std::vector<std::uint64_t> numbers;
    for (const SegmentFile& file : find_segments(chain).value_or(std::vector<SegmentFile>{})) numbers.push_back(file.number);
    return numbers;
  }
  /// All steps there are; how many files went.
  std::size_t expire(Retention& retention, Journal& journal, const Needed& needed = {}) {
    std::size_t gone = 0;
    for (;;) {
      const Result<std::optional<Expired>> step = retention.step(journal, needed);
      EXPECT_TRUE(step.has_value()) << step.error().message;
      if (!step || !*step) return gone;
      gone += (*step)->segments.size();
    }
  }
  Retention retention() const { return Retention(folder_.path() + "/journal", 24h, clock_); }
  std::vector<ChainReport> reports(const std::string& key = {}) const {
    return verify_chains(find_chains(folder_.path()).value(), key).value();
  }
  std::string fault(const std::string& key = {}) const {
    for (const ChainReport& report : reports(key)) {
      if (report.fault) return report.fault->what;
    }
    return {};
  }

  Folder folder_;
  FakeClock clock_;
  MemoryLog log_;
};

TEST_F(RetentionTest, OldSegmentsGoAndYoungOnesStay) {
  Retention old = retention();
  const auto journal = open();
  call(*journal, 8);
  const std::size_t before = segments(chain(*journal)).size();
  ASSERT_GE(before, 3U);
  EXPECT_EQ(expire(old, *journal), 0U) << "nothing is a day old";
  clock_.advance(23h);
  call(*journal, 8);
  clock_.advance(2h);
  EXPECT_GT(expire(old, *journal), 1U);
  const std::vector<std::uint64_t> left = segments(chain(*journal));
  EXPECT_GT(left.front(), 1U);
  EXPECT_LT(left.size(), before * 2);
  EXPECT_EQ(fault(), "");
  EXPECT_GT(reports().front().first_seq, 1U);
  EXPECT_EQ(expire(old, *journal), 0U);
}

TEST_F(RetentionTest, TheOpenSegmentNeverGoes) {
  Retention old = retention();
  const auto journal = open();
  call(*journal, 1);
  clock_.advance(1000h);
  EXPECT_EQ(expire(old, *journal), 0U);
  call(*journal, 1);
  EXPECT_EQ(fault(), "");
}

TEST_F(RetentionTest, ASegmentOfQuietTimesIsClosedByItsAge) {
  Retention old = retention();
  const auto journal = open();
  call(*journal, 1);
  clock_.advance(10 * 24h);
  journal->tick();
  EXPECT_EQ(segments(chain(*journal)), (std::vector<std::uint64_t>{1, 2}));
  journal->tick();
  EXPECT_EQ(segments(chain(*journal)).size(), 2U) << "an empty one is not closed";
  clock_.advance(25h);
  EXPECT_EQ(expire(old, *journal), 1U);
  EXPECT_EQ(fault(), "");
}

TEST_F(RetentionTest, ChainsOfProcessesThatAreGoneGoAsAWhole) {
  Retention old = retention();
  auto gone = open();
  call(*gone, 6);
  const std::string folder = chain(*gone);
  gone.reset();
  auto alive = open();
  call(*alive, 6);
  const auto journal = open();
  clock_.advance(25h);
  expire(old, *journal);
  EXPECT_FALSE(std::filesystem::exists(folder));
  EXPECT_EQ(segments(chain(*alive)).front(), 1U) << "it belongs to a process that lives, which does so itself";
  EXPECT_EQ(fault(), "");
  const Findings found = search(folder_.path(), {.everything = true}).value();
  EXPECT_TRUE(std::ranges::any_of(found.entries, [](const Entry& each) { return each.kind == Entry::Kind::removed; }));
}

TEST_F(RetentionTest, WhatIsLeftOfAChainIsVouchedForByAnother) {
  Retention old = retention();
  auto gone = open();
  call(*gone, 8);
  clock_.advance(20h);
  call(*gone, 8);
  const std::string folder = chain(*gone);
  gone.reset();
  clock_.advance(5h);
  const auto journal = open();
  EXPECT_GT(expire(old, *journal), 0U);
  EXPECT_GT(segments(folder).front(), 1U);
  EXPECT_EQ(fault(), "");
  EXPECT_TRUE(verify_chain(folder).value().fault.has_value()) << "alone it cannot say why it starts there";
}

TEST_F(RetentionTest, SegmentsTakenOutByHandAreFound) {
  Retention old = retention();
  const auto journal = open();
  call(*journal, 8);
  std::filesystem::remove(chain(*journal) + "/" + segment_name(1));
  EXPECT_NE(fault().find("segment 2"), std::string::npos) << "nothing was removed for its age";
  clock_.advance(25h);
  EXPECT_GT(expire(old, *journal), 0U);
  EXPECT_EQ(fault(), "");
  const std::vector<std::uint64_t> left = segments(chain(*journal));
  call(*journal, 8);
  std::filesystem::remove(chain(*journal) + "/" + segment_name(left.front()));
  EXPECT_NE(fault(), "") << "one more than the record says";
}

TEST_F(RetentionTest, WithAKeyOnlyASignedRecordCounts) {
  const std::string key = folder_.path() + "/keys/journal.key";
  Retention old = retention();
  const auto journal = open(key);
  call(*journal, 8);
  clock_.advance(25h);
  EXPECT_GT(expire(old, *journal), 0U);
  const std::string trusted = Signer::open(key).value().public_key();
  EXPECT_EQ(fault(trusted), "");
}

TEST_F(RetentionTest, AnUnsignedRecordVouchesForNothingWhereAKeyIsAsked) {
  const std::string key = folder_.path() + "/keys/journal.key";
  Retention old = retention();
  auto gone = open(key);
  call(*gone, 8);
  clock_.advance(20h);
  call(*gone, 8);
  gone.reset();
  clock_.advance(5h);
  {
    const auto unsigned_one = open();
    EXPECT_GT(expire(old, *unsigned_one), 0U);
  }
  EXPECT_EQ(fault(), "");
  // The forger's chain holds no signature, and so it proves nothing about the one that does.
  const std::string trusted = Signer::open(key).value().public_key();
  EXPECT_NE(fault(trusted), "");
}

TEST_F(RetentionTest, WhatIsStillToBeCountedStays) {
  Retention old = retention();
  auto gone = open();
  call(*gone, 12);
  const std::string instance = gone->instance();
  const std::string folder = chain(*gone);
  const std::uint64_t counted = gone->last_seq() / 2;
  gone.reset();
  clock_.advance(25h);
  const auto journal = open();
  expire(old, *journal, {{instance, counted}});
  std::uint64_t after = 0;
  for (const ChainReport& report : reports()) {
    if (report.folder == folder) after = report.first_seq;
  }
  EXPECT_GT(after, 1U);
  EXPECT_LE(after, counted + 1);
  EXPECT_EQ(fault(), "");
  expire(old, *journal);
  EXPECT_FALSE(std::filesystem::exists(folder)) << "counted by now";
}

TEST_F(RetentionTest, ADamagedSegmentStaysAsEvidence) {
  Retention old = retention();
  const auto journal = open();
  call(*journal, 8);
  const std::string first = chain(*journal) + "/" + segment_name(1);
  std::string text = test::read_file(first);
  text[text.size() - 200] ^= 1;
  test::write_file(first, text);
  clock_.advance(25h);
  EXPECT_EQ(expire(old, *journal), 0U);
  EXPECT_TRUE(std::filesystem::exists(first));
}

TEST_F(RetentionTest, ACrashBetweenTheRecordAndTheRemovalLeavesASoundChain) {
  Retention old = retention();
  const auto journal = open();
  call(*journal, 8);
  clock_.advance(25h);
  std::map<std::uint64_t, std::string> saved;
  for (const std::uint64_t number : segments(chain(*journal))) saved[number] = test::read_file(chain(*journal) + "/" + segment_name(number));
  ASSERT_GT(expire(old, *journal), 1U);
  for (std::uint64_t back = segments(chain(*journal)).front() - 1; back > 0; --back) {
    test::write_file(chain(*journal) + "/" + segment_name(back), saved[back]);
    EXPECT_EQ(fault(), "") << "files from " << back << " on did not go yet";
  }
}

TEST_F(RetentionTest, AClockSetForwardAgesNothing) {
  Retention old = retention();
  const auto journal = open();
  call(*journal, 8);
  clock_.set_wall_ms(clock_.wall_ms() + std::chrono::milliseconds(365 * 24h).count());
  EXPECT_EQ(expire(old, *journal), 0U);
  clock_.advance(25h);
  EXPECT_GT(expire(old, *journal), 0U);
}

TEST_F(RetentionTest, NothingGoesThatIsNotOnRecord) {
  MemoryDisk disk;
  Retention old = retention();
  {
    const auto gone = open();
    call(*gone, 6);
  }
  clock_.advance(25h);
  const auto journal = Journal::open({.instance = "one", .sync = Sync::batch}, std::make_unique<MemorySink>(disk), clock_, log_).value();
  disk.set_room(0);
  EXPECT_EQ(old.step(*journal, {}).error().kind, ErrorKind::unavailable);
  disk.set_room(std::nullopt);
  disk.fail_sync(EIO);
  EXPECT_EQ(old.step(*journal, {}).error().kind, ErrorKind::unavailable) << "written, and perhaps not on the disk";
  disk.fail_sync(0);
  EXPECT_EQ(fault(), "");
  EXPECT_GT(expire(old, *journal), 0U);
}

}  // namespace
}  // namespace callgate::audit::retention_test
