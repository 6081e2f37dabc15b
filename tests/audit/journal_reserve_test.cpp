// A full disk under `on_full: refuse_medium`: what may use the reserve goes on, the rest is refused, and nothing goes
// on without its record.
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <cerrno>
#include <random>

#include "audit/retention.hpp"
#include "audit/verify.hpp"
#include "world.hpp"

namespace callgate::audit::journal_reserve_test {
namespace {

using policy::Verdict;
using test::Folder;
using test::World;
using namespace std::chrono_literals;

constexpr std::uint64_t reserve = 16'000;

JournalOptions with_reserve() {
  return {.instance = "one", .sync = Sync::none, .on_full = OnFull::refuse_medium, .reserve_bytes = reserve};
}

struct FullWorld : World {
  FullWorld() : World(with_reserve()) { (void)written(); }
  explicit FullWorld(JournalOptions options) : World(std::move(options)) { (void)written(); }

  Ticket recorded(bool low, Verdict verdict = Verdict::allow) {
    CallRecord each = call(verdict);
    each.may_use_reserve = low;
    return journal->record(each);
  }
  bool passes(bool low) {
    Ticket ticket = recorded(low);
    (void)journal->flush();
    return journal->permit(std::move(ticket)).has_value();
  }
  /// What the chain says when the journal is closed.
  ChainReport proved() {
    journal.reset();
    const Folder data;
    test::save(disk, data / "one");
    return verify_chain(data / "one").value();
  }
};

TEST(JournalReserve, IsKeptFromTheStart) {
  FullWorld world;
  EXPECT_EQ(world.disk.reserve(), reserve);
  EXPECT_FALSE(world.journal->is_on_reserve());
  World refusing;
  EXPECT_EQ(refusing.disk.reserve(), 0U);
}

TEST(JournalReserve, LowRiskGoesOnAndTheRestIsRefused) {
  FullWorld world;
  world.disk.set_room(0);
  EXPECT_TRUE(world.passes(true));
  EXPECT_TRUE(world.journal->is_on_reserve());
  EXPECT_TRUE(world.log.has("journal_on_reserve"));
  EXPECT_FALSE(world.passes(false));
  EXPECT_TRUE(world.passes(true));
  Ticket high = world.recorded(false);
  (void)world.journal->flush();
  EXPECT_NE(world.journal->permit(std::move(high)).error().message.find("disk of the journal is full"), std::string::npos);
  EXPECT_FALSE(world.proved().fault.has_value());
}

TEST(JournalReserve, TheCallThatFindsTheDiskFullIsRefusedUnlessItIsOfLowRisk) {
  FullWorld world;
  world.disk.set_room(1000);  // in the middle of the second line
  Ticket low = world.recorded(true);
  Ticket high = world.recorded(false);
  Ticket also_low = world.recorded(true);
  EXPECT_TRUE(world.journal->flush().has_value());
  EXPECT_TRUE(world.journal->permit(std::move(low)).has_value());
  EXPECT_FALSE(world.journal->permit(std::move(high)).has_value());
  EXPECT_TRUE(world.journal->permit(std::move(also_low)).has_value());
  world.disk.set_room(std::nullopt);
  world.journal->tick();
  (void)world.written();
  EXPECT_NE(world.disk.text().find(R"("gap":{"lost":1,"unpermitted":1})"), std::string::npos) << "it stands there as allowed";
  EXPECT_FALSE(world.proved().fault.has_value());
}

TEST(JournalReserve, InternalTrafficAndOutcomesUseIt) {
  FullWorld world;
  world.disk.set_room(0);
  EXPECT_TRUE(world.passes(true));
  Ticket ping = world.journal->record_internal(Internal::ping, "s");
  world.journal->outcome("X", {.status = "answered"});
  EXPECT_TRUE(world.journal->flush().has_value());
  EXPECT_TRUE(world.journal->permit(std::move(ping)).has_value());
  EXPECT_NE(world.disk.text().find(R"("status":"answered")"), std::string::npos);
}

TEST(JournalReserve, WhenItIsUsedUpAllIsRefused) {
  FullWorld world;
  world.disk.set_room(0);
  int passed = 0;
  while (world.passes(true)) ++passed;
  EXPECT_GT(passed, 10);
  EXPECT_FALSE(world.journal->health().writing);
  for (const bool low : {true, false}) EXPECT_FALSE(world.passes(low));
  EXPECT_FALSE(world.proved().fault.has_value());
}

TEST(JournalReserve, RefusalsLeaveHalfOfIt) {
  FullWorld world;
  world.disk.set_room(0);
  EXPECT_TRUE(world.passes(true));
  for (int i = 0; i < 500; ++i) {
    (void)world.recorded(false, Verdict::deny);
    world.journal->refused({.reason = "unauthenticated"});
    (void)world.journal->flush();
  }
  EXPECT_TRUE(world.passes(true)) << "an agent that is refused again and again cannot use it up";
  EXPECT_NE(world.disk.text().find(R"("verdict":"deny")"), std::string::npos) << "the first ones are on record";
  const std::uint64_t told = world.journal->health().lost;
  EXPECT_GT(told, 500U);
  world.disk.set_room(std::nullopt);
  world.journal->tick();
  (void)world.written();
  EXPECT_NE(world.disk.text().find(fmt::format(R"("gap":{{"lost":{},"unpermitted":0}})", told)), std::string::npos) << "the others are counted";
  EXPECT_FALSE(world.proved().fault.has_value());
}

TEST(JournalReserve, RecoversWithoutARestartOnceThereIsRoomForANewReserve) {
  FullWorld world;
  world.disk.set_room(0);
  EXPECT_TRUE(world.passes(true));
  world.disk.set_room(reserve / 4);
  world.journal->tick();
  EXPECT_FALSE(world.passes(false)) << "some room is not enough";
  world.disk.set_room(reserve + 10'000);
  world.journal->tick();
  EXPECT_FALSE(world.journal->is_on_reserve());
  EXPECT_TRUE(world.log.has("journal_off_reserve"));
  EXPECT_TRUE(world.passes(false));
  EXPECT_EQ(world.disk.reserve(), reserve);
  EXPECT_EQ(world.disk.segments().size(), 3U) << "before, the reserve, after";
  world.disk.set_room(0);
  EXPECT_FALSE(world.passes(false)) << "and the second time the same";
  EXPECT_TRUE(world.passes(true));
  EXPECT_FALSE(world.proved().fault.has_value());
}

TEST(JournalReserve, ComesBackAlsoAfterItWasUsedUp) {
  FullWorld world;
  world.disk.set_room(0);
  while (world.passes(true)) {
  }
  world.disk.set_room(std::nullopt);
  world.journal->tick();
  EXPECT_TRUE(world.passes(false));
  EXPECT_TRUE(world.journal->health().writing);
  EXPECT_FALSE(world.proved().fault.has_value());
}

TEST(JournalReserve, ASegmentIsNotLeftForItsSizeWhileTheDiskIsFull) {
  JournalOptions options = with_reserve();
  options.segment_bytes = 2000;
  FullWorld world(std::move(options));
  world.disk.set_room(0);
  int passed = 0;
  while (world.passes(true)) ++passed;
  EXPECT_GT(passed, 10) << "all of the reserve was used";
}

TEST(JournalReserve, RefuseLetsNothingOnWithAFullDisk) {
  World world;
  world.disk.set_room(0);
  CallRecord low = world.call();
  low.may_use_reserve = true;
  Ticket ticket = world.journal->record(low);
  (void)world.journal->flush();
  EXPECT_FALSE(world.journal->permit(std::move(ticket)).has_value());
}

TEST(JournalReserve, ADiskWithoutRoomForItStartsAllTheSameAndRefusesWhenFull) {
  MemoryDisk disk;
  disk.set_room(reserve - 1);
  FakeClock clock;
  MemoryLog log;
  const auto journal = Journal::open(with_reserve(), std::make_unique<MemorySink>(disk), clock, log).value();
  EXPECT_TRUE(log.has("journal_reserve_missing"));
  disk.set_room(0);
  Ticket ticket = journal->record({.id = journal->next_id(), .verdict = Verdict::allow, .may_use_reserve = true});
  (void)journal->flush();
  EXPECT_FALSE(journal->permit(std::move(ticket)).has_value());
}

/// Any coming and going of room: permits only for lines in the files, high risk only off the reserve, a sound chain.
TEST(JournalReserve, RandomRoomNeverLetsAnythingOnWithoutARecord) {
  for (unsigned seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    JournalOptions options = with_reserve();
    options.sync = pick(2) == 0 ? Sync::none : Sync::each;
    options.segment_bytes = 6000;
    FullWorld world(std::move(options));
    std::vector<std::string> permitted;
    for (int turn = 0; turn < 40; ++turn) {
      world.disk.set_room(pick(3) == 0 ? std::nullopt : std::optional<std::uint64_t>(pick(2) == 0 ? 0 : pick(30'000)));
      world.disk.set_largest_write(pick(3) == 0 ? std::optional<std::size_t>(1 + pick(900)) : std::nullopt);
      world.disk.fail_truncate(pick(5) == 0 ? EIO : 0);
      world.disk.fail_sync(pick(6) == 0 ? EIO : 0);
      if (pick(3) == 0) world.journal->tick();
      const bool full = world.journal->is_on_reserve();
      std::vector<std::pair<bool, Ticket>> tickets;
      for (unsigned i = 0; i <= pick(4); ++i) {
        const bool low = pick(2) == 0;
        tickets.emplace_back(low, world.recorded(low));
      }
      (void)world.journal->flush();
      for (auto& [low, ticket] : tickets) {
        auto permit = world.journal->permit(std::move(ticket));
        EXPECT_FALSE(permit && !low && full) << "seed " << seed << " turn " << turn;
        if (permit) permitted.emplace_back(permit->id());
      }
    }
    const ChainReport report = world.proved();
    EXPECT_FALSE(report.fault.has_value()) << report.fault->where << ": " << report.fault->what;
    const std::string text = world.disk.text();
    for (const std::string& id : permitted) EXPECT_NE(text.find(R"("id":")" + id), std::string::npos) << "seed " << seed;
    if (testing::Test::HasFailure()) FAIL() << "seed " << seed;
  }
}

// The files themselves --------------------------------------------------------

class ReserveFile : public testing::Test {
 protected:
  std::uint64_t blocks(const std::string& path) const {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
  }
  Folder folder_;
  std::string chain_ = folder_ / "one";
};

TEST_F(ReserveFile, HoldsBlocksAndNoBytesAndBecomesASegment) {
  const auto sink = FileSink::create(chain_).value();
  ASSERT_TRUE(sink->open_segment(segment_name(1)).has_value());
  const Result<void> kept = sink->keep_reserve(1 << 20);
  if (!kept) GTEST_SKIP() << "the file system of the temporary folder sets nothing aside: " << kept.error().message;
  const std::string reserve_path = chain_ + "/" + std::string(reserve_name);
  EXPECT_GE(blocks(reserve_path), std::uint64_t{1} << 20U);
  EXPECT_EQ(std::filesystem::file_size(reserve_path), 0U);
  EXPECT_TRUE(sink->keep_reserve(1 << 20).has_value()) << "once is enough";
  ASSERT_TRUE(sink->open_reserve(segment_name(2)).has_value());
  EXPECT_EQ(sink->write("a line\n").bytes, 7U);
  EXPECT_TRUE(sink->sync().has_value());
  EXPECT_EQ(test::read_file(chain_ + "/" + segment_name(2)), "a line\n");
  EXPECT_FALSE(std::filesystem::exists(reserve_path));
  EXPECT_FALSE(sink->open_reserve(segment_name(3)).has_value()) << "there is none";
  EXPECT_TRUE(sink->truncate(7).has_value());
  EXPECT_LT(blocks(chain_ + "/" + segment_name(2)), std::uint64_t{1} << 20U) << "the rest is given back";
}

TEST_F(ReserveFile, GoesWithItsProcess) {
  std::filesystem::create_directories(folder_ / "dead");
  test::write_file(folder_ / "dead/reserve", "");
  {
    const auto sink = FileSink::create(chain_).value();
    if (!sink->keep_reserve(4096)) GTEST_SKIP() << "the file system of the temporary folder sets nothing aside";
    remove_left_reserves(folder_.path());
    EXPECT_FALSE(std::filesystem::exists(folder_ / "dead/reserve")) << "of one that was killed";
    EXPECT_TRUE(std::filesystem::exists(folder_ / "one/reserve")) << "of one that lives";
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "one/reserve"));
}

}  // namespace
}  // namespace callgate::audit::journal_reserve_test
