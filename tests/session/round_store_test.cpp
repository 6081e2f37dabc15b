// Calls of several rounds: what every store of them must do, and what is there after a restart or at another gateway.
#include "session/round_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "base/sha256.hpp"
#include "net/redis_server.hpp"
#include "session/round_book.hpp"
#include "session/shared_rounds.hpp"
#include "session/stored_rounds.hpp"
#include "store/temporary_folder.hpp"

namespace callgate::session::round_store_test {
namespace {

using callgate::test::await;
using callgate::test::RedisServer;
using namespace std::chrono_literals;
using testing::IsEmpty;

RoundKey key(const std::string& what, std::string server = "it") {
  return {.server = std::move(server), .digest = sha256_hex(what)};
}

/// A gateway's view of a server that several share.
struct Shared {
  Shared(net::Loop& loop, const Clock& clock, const RedisServer& server,
         std::chrono::milliseconds lasts = RoundStore::good_for)
      : client(loop, server.place()), rounds(client, clock, {.prefix = "callgate:", .lasts = lasts}) {
    client.start({});
  }
  net::RedisClient client;
  SharedRounds rounds;
};

class Rounds : public testing::Test {
 protected:
  CallSoFar so_far(std::size_t rounds = 1) const {
    return {.rounds = rounds,
            .began = clock_.now(),
            .counted = true,
            .covered = sha256_hex("covered"),
            .approval = "01ARZ3NDEKTSV4RRFFQ69G5FAV"};
  }
  bool expect(RoundStore& store, const RoundKey& which, const CallSoFar& what) {
    return await(loop_, store.expect(which, what));
  }
  std::optional<CallSoFar> find(RoundStore& store, const RoundKey& which) { return await(loop_, store.find(which)); }
  std::optional<CallSoFar> take(RoundStore& store, const RoundKey& which) { return await(loop_, store.take(which)); }

  net::Loop loop_;
  FakeClock clock_;
  MemoryLog log_;
};

class RoundContract : public Rounds, public testing::WithParamInterface<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "shared" && !RedisServer::program())
      GTEST_SKIP() << "neither valkey-server nor redis-server is installed";
    if (GetParam() == "shared") shared_.emplace(loop_, clock_, server_.emplace());
    if (GetParam() == "stored")
      stored_.emplace(loop_, clock_, log_, folder_.path() / "rounds.db", StoredRounds::Options{.write_time = 20s});
  }
  RoundStore& store() {
    return shared_ ? static_cast<RoundStore&>(shared_->rounds) : stored_ ? static_cast<RoundStore&>(*stored_) : memory_;
  }

  const TemporaryFolder folder_;
  std::optional<RedisServer> server_;
  std::optional<Shared> shared_;
  std::optional<StoredRounds> stored_;
  MemoryRounds memory_{clock_};
};

/// Protocol item 31.
TEST_P(RoundContract, WhatIsExpectedIsTakenOnce) {
  EXPECT_TRUE(expect(store(), key("a"), so_far(3)));
  const auto seen = find(store(), key("a"));
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->rounds, 3U);
  EXPECT_TRUE(seen->counted);
  EXPECT_EQ(seen->covered, so_far().covered);
  EXPECT_EQ(seen->approval, so_far().approval);
  EXPECT_FALSE(take(store(), key("b"))) << "another's";
  EXPECT_TRUE(take(store(), key("a"))) << "looking takes nothing";
  EXPECT_FALSE(take(store(), key("a")));
  EXPECT_FALSE(find(store(), key("a")));
}

TEST_P(RoundContract, OneThatComesTwiceAtOnceIsTakenOnce) {
  EXPECT_TRUE(expect(store(), key("a"), so_far()));
  auto first = store().take(key("a"));
  auto second = store().take(key("a"));
  const auto both = {await(loop_, std::move(first)), await(loop_, std::move(second))};
  EXPECT_EQ(std::ranges::count_if(both, [](const auto& each) { return each.has_value(); }), 1);
}

TEST_P(RoundContract, ExpectedAnewTheLaterCountsAlone) {
  expect(store(), key("a"), so_far(1));
  CallSoFar later = so_far(2);
  later.covered.clear();
  later.counted = false;
  expect(store(), key("a"), later);
  const auto taken = take(store(), key("a"));
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->rounds, 2U);
  EXPECT_FALSE(taken->counted);
  EXPECT_EQ(taken->covered, "");
  EXPECT_FALSE(take(store(), key("a")));
}

TEST_P(RoundContract, WhatWentOnForTooManyRoundsOrTooLongGoesOnNoMore) {
  expect(store(), key("many"), so_far(RoundStore::most_rounds));
  EXPECT_FALSE(take(store(), key("many")));
  CallSoFar old = so_far();
  old.began = clock_.now() - RoundStore::good_for - 1s;
  expect(store(), key("old"), old);
  EXPECT_FALSE(find(store(), key("old")));
  EXPECT_FALSE(take(store(), key("old")));
  old.began = clock_.now() - 59min;
  expect(store(), key("old"), old);
  EXPECT_TRUE(take(store(), key("old")));
}

INSTANTIATE_TEST_SUITE_P(Rounds, RoundContract, testing::Values("memory", "stored", "shared"),
                         [](const auto& each) { return each.param; });

/// Bounded for each server: a caller of one takes no room of another's.
TEST(RoundBookTest, TheOldestOfTheSameServerMakesRoom) {
  RoundBook book;
  const BootTime now{1h};
  std::vector<std::string> gone = book.expect(key("other", "quiet"), {.rounds = 1, .began = now}, now);
  for (std::size_t i = 0; i <= RoundStore::most_of_server; ++i)
    std::ranges::move(book.expect(key(fmt::format("{}", i)), {.rounds = 1, .began = now}, now),
                      std::back_inserter(gone));
  EXPECT_THAT(gone, testing::ElementsAre(key("0").digest));
  EXPECT_EQ(book.find(key("0").digest, now), nullptr);
  EXPECT_NE(book.find(key("1").digest, now), nullptr);
  EXPECT_NE(book.find(key("other").digest, now), nullptr);
  EXPECT_EQ(book.size(), RoundStore::most_of_server + 1);
}

class StoredRoundsTest : public Rounds {
 protected:
  StoredRoundsTest() { open(); }

  /// As a new process does on the same file.
  void open(StoredRounds::Options options = {.write_time = 20s}) {
    stored_.reset();
    stored_.emplace(loop_, clock_, log_, file(), options);
  }
  std::filesystem::path file() const { return folder_.path() / "rounds.db"; }
  net::Task<void> note(RoundKey which, std::optional<bool>& noted) {
    noted = co_await stored_->expect(std::move(which), so_far());
  }
  std::vector<store::RoundRow> rows() {
    stored_.reset();  // all that waits is written
    return (*store::RoundFile::open(file(), 1000ms))->list().value();
  }

  const TemporaryFolder folder_;
  std::optional<StoredRounds> stored_;
};

/// Most gateways never see a call of several rounds: an idle one needs no memory for them.
TEST_F(StoredRoundsTest, NothingIsOpenedBeforeTheFirst) {
  EXPECT_FALSE(find(*stored_, key("a")));
  EXPECT_FALSE(take(*stored_, key("a"))) << "there is no file in which it could stand";
  EXPECT_FALSE(std::filesystem::exists(file()));
  EXPECT_TRUE(expect(*stored_, key("a"), so_far()));
  EXPECT_TRUE(std::filesystem::exists(file()));
  open();
  stored_.reset();
  open();
  EXPECT_FALSE(std::filesystem::exists(file().string() + "-wal")) << "nobody asked for what stands there";
  EXPECT_TRUE(find(*stored_, key("a")));
  EXPECT_TRUE(std::filesystem::exists(file().string() + "-wal"));
}

/// Protocol item 31.
TEST_F(StoredRoundsTest, GoOnInTheNextProcessAndTheOneAfterIt) {
  EXPECT_TRUE(expect(*stored_, key("a"), so_far(3)));
  const CallSoFar before = so_far(3);
  open();
  open();
  EXPECT_EQ(find(*stored_, key("a")), before);
  EXPECT_EQ(take(*stored_, key("a")), before);
}

TEST_F(StoredRoundsTest, WhatWasTakenIsTakenInEveryProcessToCome) {
  expect(*stored_, key("a"), so_far());
  EXPECT_TRUE(take(*stored_, key("a")));
  open();
  EXPECT_FALSE(take(*stored_, key("a")));
  EXPECT_THAT(rows(), IsEmpty());
}

TEST_F(StoredRoundsTest, NobodyElseReadsTheFile) {
  expect(*stored_, key("a"), so_far());
  EXPECT_EQ(std::filesystem::status(file()).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(StoredRoundsTest, TheTimeBetweenTwoProcessesCounts) {
  expect(*stored_, key("a"), so_far());
  expect(*stored_, key("b"), so_far());
  clock_.advance(59min);
  open();
  EXPECT_TRUE(take(*stored_, key("a")));
  clock_.advance(2min);
  EXPECT_FALSE(take(*stored_, key("b"))) << "by the time of both";
  open();
  EXPECT_FALSE(take(*stored_, key("b")));
  EXPECT_THAT(rows(), IsEmpty());
}

/// Who sets a clock back revives nothing.
TEST_F(StoredRoundsTest, WhatBeganLaterThanNowGoesOnNoMore) {
  expect(*stored_, key("a"), so_far());
  clock_.set_wall_ms(clock_.wall_ms() - 1);
  open();
  EXPECT_FALSE(take(*stored_, key("a")));
  clock_.set_wall_ms(clock_.wall_ms() + 1);
  open();
  EXPECT_FALSE(take(*stored_, key("a"))) << "nor once the clock is right again";
}

/// Another connection that holds the file as long as it lives.
struct Holder {
  explicit Holder(const std::filesystem::path& file) : database(std::move(*store::Database::open(file, 1000ms))) {
    EXPECT_TRUE(database->execute("BEGIN IMMEDIATE"));
  }
  std::unique_ptr<store::Database> database;
};

/// Fails closed: it is counted anew rather than found twice.
TEST_F(StoredRoundsTest, WhatCannotBeRemovedFromTheFileIsNotTaken) {
  expect(*stored_, key("a"), so_far());
  open({.write_time = 20ms});
  {
    const Holder holder(file());
    EXPECT_FALSE(take(*stored_, key("a")));
    EXPECT_FALSE(expect(*stored_, key("b"), so_far()));
    EXPECT_TRUE(log_.has("rounds_not_written"));
    EXPECT_FALSE(take(*stored_, key("a"))) << "who tries again gets nothing either";
    stored_.reset();  // gives up on the file
  }
  const auto left = rows();
  ASSERT_EQ(left.size(), 1U) << "nothing was removed, and nothing noted";
  EXPECT_EQ(left[0].digest, key("a").digest);
  open();
  EXPECT_TRUE(take(*stored_, key("a"))) << "nobody had it yet";
  EXPECT_FALSE(take(*stored_, key("a")));
  EXPECT_THAT(rows(), IsEmpty());
}

TEST_F(StoredRoundsTest, NoMoreWaitForTheFileThanHaveRoom) {
  open({.write_time = 5ms, .most_waiting = 2});
  const Holder holder(file());
  std::size_t refused = 0;
  std::vector<std::optional<bool>> noted(8);
  net::TaskGroup tasks;
  for (std::size_t i = 0; i < noted.size(); ++i) tasks.spawn(note(key(fmt::format("{}", i)), noted[i]));
  for (const auto& each : noted) refused += each == false ? 1 : 0;
  EXPECT_GE(refused, 4U) << "two wait, and two may be in the thread's hands";
  tasks.cancel();
}

/// A backup, say, holds it for a while.
TEST_F(StoredRoundsTest, AFileThatAnotherProcessHoldsIsReadOnceItIsFree) {
  expect(*stored_, key("a"), so_far());
  open({.write_time = 20ms});
  {
    const auto holder = std::move(*store::Database::open(file(), 1000ms));
    ASSERT_TRUE(holder->execute("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE"));
    EXPECT_FALSE(take(*stored_, key("a"))) << "nobody can know";
    EXPECT_FALSE(expect(*stored_, key("b"), so_far()));
    EXPECT_TRUE(log_.has("rounds_not_written"));
  }
  const auto until = net::Loop::read_clock() + 20s;
  while (!find(*stored_, key("a")) && net::Loop::read_clock() < until) loop_.turn(5ms);
  EXPECT_TRUE(log_.has("rounds_written_again"));
  EXPECT_FALSE(find(*stored_, key("b"))) << "it was not noted, so it counts as a call of its own";
  open();
  EXPECT_TRUE(take(*stored_, key("a")));
  EXPECT_FALSE(take(*stored_, key("a")));
}

/// Has somebody take the file for writing when the first row of before is recalled: behind its opening, before a write.
class TakingClock final : public Clock {
 public:
  TakingClock(const FakeClock& clock, std::filesystem::path file) : clock_(clock), file_(std::move(file)) {}
  BootTime now() const override { return clock_.now(); }
  std::int64_t wall_ms() const override {
    if (armed && !holder_) holder_.emplace(file_);
    return clock_.wall_ms();
  }
  std::string_view boot_id() const override { return clock_.boot_id(); }
  bool taken() const { return holder_.has_value(); }

  bool armed = false;

 private:
  const FakeClock& clock_;
  std::filesystem::path file_;
  mutable std::optional<Holder> holder_;
};

/// The opening of the file and the write of a call are waited for together.
TEST_F(StoredRoundsTest, NobodyWaitsTwiceAsLong) {
  expect(*stored_, key("a"), so_far());
  stored_.reset();
  TakingClock clock(clock_, file());
  auto opening = std::move(*store::Database::open(file(), 1000ms));
  ASSERT_TRUE(opening->execute("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE"));
  stored_.emplace(loop_, clock, log_, file(), StoredRounds::Options{.write_time = 2000ms});
  std::optional<bool> noted;
  bool over = false;
  net::TaskGroup tasks;
  const auto free_it = [](net::Loop& loop, std::unique_ptr<store::Database>& held, bool& armed) -> net::Task<void> {
    co_await loop.sleep(300ms);
    armed = true;
    held.reset();
  };
  const auto end = [](net::Loop& loop, bool& flag) -> net::Task<void> {
    co_await loop.sleep(2100ms);
    flag = true;
  };
  tasks.spawn(note(key("b"), noted));
  tasks.spawn(free_it(loop_, opening, clock.armed));
  tasks.spawn(end(loop_, over));
  while (!over) loop_.turn(5ms);
  EXPECT_EQ(noted, false) << "in the time for one";
  EXPECT_TRUE(clock.taken()) << "it was opened meanwhile";
}

TEST_F(StoredRoundsTest, AFileOfANewerVersionIsLeftAloneAndTheyGoOnInThisProcess) {
  expect(*stored_, key("a"), so_far());
  stored_.reset();
  EXPECT_TRUE((*store::Database::open(file(), 1000ms))->execute("PRAGMA user_version = 99"));
  open();
  EXPECT_FALSE(find(*stored_, key("a")));
  EXPECT_TRUE(expect(*stored_, key("b"), so_far()));
  EXPECT_TRUE(take(*stored_, key("b")));
  EXPECT_FALSE(take(*stored_, key("b")));
  EXPECT_TRUE(log_.has("rounds_not_kept"));
  stored_.reset();
  EXPECT_TRUE((*store::Database::open(file(), 1000ms))->execute("PRAGMA user_version = 1"));
  const auto left = rows();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].digest, key("a").digest);
}

TEST_F(StoredRoundsTest, AFileThatIsNoneIsMovedAside) {
  stored_.reset();
  std::ofstream(file()) << std::string(8192, 'x');
  open();
  EXPECT_FALSE(take(*stored_, key("a")));
  EXPECT_TRUE(expect(*stored_, key("b"), so_far()));
  EXPECT_TRUE(log_.has("rounds_unreadable"));
  EXPECT_TRUE(std::filesystem::exists(file().string() + ".damaged"));
  open();
  EXPECT_TRUE(take(*stored_, key("b")));
}

class SharedRoundsTest : public Rounds {
 protected:
  void SetUp() override {
    if (!RedisServer::program()) GTEST_SKIP() << "neither valkey-server nor redis-server is installed";
    server_.emplace();
    a_.emplace(loop_, clock_, *server_);
    b_.emplace(loop_, other_clock_, *server_);
  }

  FakeClock other_clock_;  ///< of the second gateway's machine
  std::optional<RedisServer> server_;
  std::optional<Shared> a_;
  std::optional<Shared> b_;
};

/// Protocol item 31.
TEST_F(SharedRoundsTest, WhatOneExpectsAnotherTakesAndThenNobody) {
  other_clock_.set_now(BootTime{77h});
  CallSoFar begun = so_far(2);
  begun.began = clock_.now() - 10min;
  EXPECT_TRUE(expect(a_->rounds, key("a"), begun));
  const auto taken = take(b_->rounds, key("a"));
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->rounds, 2U);
  EXPECT_EQ(taken->covered, begun.covered);
  const auto age = other_clock_.now() - taken->began;
  EXPECT_GE(age, 10min) << "each gateway's clock has its own zero";
  EXPECT_LT(age, 11min);
  EXPECT_FALSE(take(a_->rounds, key("a")));
  EXPECT_FALSE(take(b_->rounds, key("a")));
}

TEST_F(SharedRoundsTest, OfTwoThatTakeItAtOnceOneGetsIt) {
  for (int i = 0; i < 20; ++i) {
    expect(a_->rounds, key("a"), so_far());
    auto first = a_->rounds.take(key("a"));
    auto second = b_->rounds.take(key("a"));
    const bool one = await(loop_, std::move(first)).has_value();
    const bool two = await(loop_, std::move(second)).has_value();
    EXPECT_NE(one, two);
  }
}

TEST_F(SharedRoundsTest, TheServersClockEndsThem) {
  Shared brief(loop_, clock_, *server_, 30ms);
  EXPECT_TRUE(expect(brief.rounds, key("a"), so_far()));
  const auto until = net::Loop::read_clock() + 10s;
  while (find(brief.rounds, key("a")) && net::Loop::read_clock() < until) loop_.turn(5ms);
  EXPECT_FALSE(take(brief.rounds, key("a")));
}

TEST_F(SharedRoundsTest, WhileTheServerIsAwayNoneIsFoundAndNoneIsNoted) {
  expect(a_->rounds, key("a"), so_far());
  server_->stop();
  EXPECT_FALSE(take(a_->rounds, key("a")));
  EXPECT_FALSE(expect(a_->rounds, key("b"), so_far()));
}

TEST_F(SharedRoundsTest, TheOldestOfTheSameServerMakesRoomAndEveryKeyExpiresByItself) {
  expect(a_->rounds, key("quiet", "other"), so_far());
  for (std::size_t i = 0; i <= RoundStore::most_of_server; i += 500) {
    std::vector<net::Task<bool>> some;
    for (std::size_t each = i; each < i + 500 && each <= RoundStore::most_of_server; ++each)
      some.push_back(a_->rounds.expect(key(fmt::format("{}", each)), so_far()));
    for (auto& each : some) EXPECT_TRUE(await(loop_, std::move(each)));
  }
  EXPECT_FALSE(find(b_->rounds, key("0")));
  EXPECT_TRUE(find(b_->rounds, key("1")));
  EXPECT_TRUE(find(b_->rounds, key(fmt::format("{}", RoundStore::most_of_server))));
  EXPECT_TRUE(find(b_->rounds, key("quiet", "other")));
  const auto keys = callgate::test::ask(a_->client, {"KEYS", "callgate:*"});
  EXPECT_EQ(keys->items.size(), RoundStore::most_of_server + 1 + 3) << "two orders and a clock";
  for (std::size_t i = 0; i < keys->items.size(); i += 997)
    EXPECT_GT(callgate::test::ask(a_->client, {"PTTL", keys->items[i].text})->integer, 0) << keys->items[i].text;
}

}  // namespace
}  // namespace callgate::session::round_store_test
