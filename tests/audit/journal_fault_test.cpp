// What the disk can do to a journal, and what must hold all the same: no permit
// without a record, and a chain that verifies.
#include <gtest/gtest.h>

#include <cerrno>
#include <random>

#include "audit/verify.hpp"
#include "world.hpp"

namespace callgate::audit::journal_fault_test {
namespace {

using policy::Verdict;
using test::Folder;
using test::World;
using namespace std::chrono_literals;

void expect_sound(const MemoryDisk& disk) {
  const Folder data;
  test::save(disk, data / "one");
  const ChainReport report = verify_chain(data / "one").value();
  EXPECT_FALSE(report.fault.has_value()) << report.fault->where << ": " << report.fault->what;
}

TEST(JournalFault, ShortWritesAreFinished) {
  World world;
  world.disk.set_largest_write(100);
  EXPECT_TRUE(world.journal->permit(world.written()).has_value());
  EXPECT_GT(world.disk.writes(), 5U);
  expect_sound(world.disk);
}

TEST(JournalFault, FullDiskRefusesTheWholeBatchAndLeavesNoTrace) {
  World world;
  (void)world.written();
  const std::string before = world.disk.text();
  world.disk.set_room(1000);  // in the middle of the second line
  Ticket first = world.journal->record(world.call());
  Ticket second = world.journal->record(world.call());
  EXPECT_EQ(world.journal->flush().error().kind, ErrorKind::unavailable);
  EXPECT_EQ(world.disk.text(), before);
  EXPECT_EQ(world.journal->permit(std::move(first)).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(world.journal->permit(std::move(second)).error().kind, ErrorKind::unavailable);
  EXPECT_FALSE(world.journal->health().writing);
  EXPECT_TRUE(world.log.has("journal_failed"));
}

TEST(JournalFault, RecoversWithoutARestartAndOwnsUpToTheGap) {
  World world;
  world.disk.set_room(0);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(world.journal->permit(world.written()).has_value());
  world.disk.set_room(std::nullopt);
  EXPECT_TRUE(world.journal->permit(world.written()).has_value());
  EXPECT_TRUE(world.journal->health().writing);
  EXPECT_EQ(world.journal->health().lost, 3U);
  ASSERT_EQ(world.lines().size(), 2U);
  EXPECT_NE(world.lines()[0].find(R"("gap":{"lost":3,"unpermitted":0})"), std::string::npos);
  EXPECT_TRUE(world.log.has("journal_recovered"));
  expect_sound(world.disk);
}

TEST(JournalFault, ADiskThatTurnsReadOnlyRefusesEverythingUntilItIsWritableAgain) {
  World world({.instance = "one", .sync = Sync::none, .on_full = OnFull::refuse_medium});
  (void)world.written();
  world.disk.fail_write(EROFS);
  CallRecord low = world.call();
  low.may_use_reserve = true;
  Ticket ticket = world.journal->record(low);
  EXPECT_NE(world.journal->flush().error().message.find("Read-only"), std::string::npos);
  EXPECT_FALSE(world.journal->permit(std::move(ticket)).has_value()) << "the reserve is for a disk that is full";
  EXPECT_FALSE(world.journal->is_on_reserve());
  world.disk.fail_write(0);
  EXPECT_TRUE(world.journal->permit(world.written()).has_value());
  expect_sound(world.disk);
}

TEST(JournalFault, LinesThatCannotBeTakenBackStayInTheChainButGiveNoPermit) {
  World world;
  (void)world.written();
  world.disk.fail_truncate(EIO);
  world.disk.set_room(1000);
  Ticket landed = world.journal->record(world.call());
  Ticket torn = world.journal->record(world.call());
  EXPECT_FALSE(world.journal->flush().has_value());
  EXPECT_FALSE(world.journal->permit(std::move(landed)).has_value());
  EXPECT_FALSE(world.journal->permit(std::move(torn)).has_value());
  world.disk.set_room(std::nullopt);
  EXPECT_TRUE(world.journal->permit(world.written()).has_value());
  EXPECT_EQ(world.disk.segments().size(), 2U) << "nothing is written behind a torn line";
  EXPECT_NE(world.disk.text().find(R"("gap":{"lost":2,"unpermitted":1})"), std::string::npos);
  expect_sound(world.disk);
}

TEST(JournalFault, NoNewSegmentNoPermitWhereTheOldOneIsTorn) {
  World world;
  world.disk.fail_truncate(EIO);
  world.disk.set_room(10);
  (void)world.written();
  world.disk.set_room(std::nullopt);
  world.disk.fail_open(EMFILE);
  EXPECT_FALSE(world.journal->permit(world.written()).has_value());
  world.disk.fail_open(0);
  EXPECT_TRUE(world.journal->permit(world.written()).has_value());
  expect_sound(world.disk);
}

TEST(JournalFault, FullSegmentIsUsedOnWhereNoNewOneCanBeMade) {
  World world({.instance = "one", .sync = Sync::none, .segment_bytes = 1000});
  (void)world.written();
  (void)world.written();
  world.disk.fail_open(EMFILE);
  EXPECT_TRUE(world.journal->permit(world.written()).has_value());
  world.disk.fail_open(0);
  EXPECT_TRUE(world.journal->permit(world.written()).has_value());
  expect_sound(world.disk);
}

TEST(JournalFault, FailedSyncBeforeThePermitRefusesTheCall) {
  World world({.instance = "one", .sync = Sync::each});
  world.disk.fail_sync(EIO);
  EXPECT_FALSE(world.journal->permit(world.written()).has_value());
  EXPECT_FALSE(world.journal->permit(world.written()).has_value());
  world.disk.fail_sync(0);
  EXPECT_TRUE(world.journal->permit(world.written()).has_value());
  expect_sound(world.disk);
}

TEST(JournalFault, FailedBackgroundSyncRefusesCallsUntilASyncSucceeds) {
  World world({.instance = "one", .sync = Sync::batch, .sync_every = 1ms});
  world.disk.fail_sync(EIO);
  (void)world.written();
  world.disk.wait_for_syncs(1);
  // The error travels from the syncing thread; calls go on until it is here.
  while (world.journal->permit(world.written()).has_value()) {
  }
  EXPECT_FALSE(world.journal->health().writing);
  world.disk.fail_sync(0);
  while (!world.journal->permit(world.written()).has_value()) {
  }
  EXPECT_GT(world.disk.segments().size(), 1U) << "the file whose sync failed is left alone";
  world.journal.reset();
  expect_sound(world.disk);
}

TEST(JournalFault, JournalThatCannotBeginIsNotOpened) {
  MemoryDisk disk;
  FakeClock clock;
  MemoryLog log;
  disk.fail_open(EACCES);
  EXPECT_FALSE(Journal::open({.instance = "one"}, std::make_unique<MemorySink>(disk), clock, log).has_value());
}

TEST(JournalFault, OldFailedBatchesStayRefused) {
  World world;
  world.disk.set_room(0);
  std::vector<Ticket> tickets;
  for (int i = 0; i < 200; ++i) tickets.push_back(world.written());
  world.disk.set_room(std::nullopt);
  (void)world.written();
  for (Ticket& ticket : tickets) EXPECT_FALSE(world.journal->permit(std::move(ticket)).has_value());
}

/// Any mixture of faults: permits only for lines in the files, and a sound chain.
/// Security requirements S22, S24: whatever the disk does, no permit without a record.
TEST(JournalFault, RandomFaultsNeverBreakTheChainNorGiveAPermitWithoutARecord) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    World world({.instance = "one", .sync = pick(2) == 0 ? Sync::none : Sync::each, .segment_bytes = 4000});
    std::vector<std::string> permitted;
    for (int turn = 0; turn < 30; ++turn) {
      world.disk.set_room(pick(3) == 0 ? std::optional<std::uint64_t>(pick(2500)) : std::nullopt);
      world.disk.set_largest_write(pick(3) == 0 ? std::optional<std::size_t>(1 + pick(900)) : std::nullopt);
      world.disk.fail_truncate(pick(3) == 0 ? EIO : 0);
      world.disk.fail_open(pick(4) == 0 ? EMFILE : 0);
      world.disk.fail_sync(pick(4) == 0 ? EIO : 0);
      std::vector<Ticket> tickets;
      for (unsigned i = 0; i <= pick(4); ++i) tickets.push_back(world.journal->record(world.call()));
      (void)world.journal->flush();
      for (Ticket& ticket : tickets) {
        if (auto permit = world.journal->permit(std::move(ticket))) permitted.emplace_back(permit->id());
      }
    }
    world.journal.reset();
    const std::string text = world.disk.text();
    for (const std::string& id : permitted) EXPECT_NE(text.find(R"("id":")" + id), std::string::npos) << "seed " << seed;
    expect_sound(world.disk);
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace callgate::audit::journal_fault_test
