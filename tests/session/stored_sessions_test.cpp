// Sessions of one gateway in a file: what goes on after a restart, and what does not.
#include "session/stored_sessions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include <fmt/format.h>

#include "base/sha256.hpp"
#include "net/redis_server.hpp"
#include "session/session.hpp"
#include "store/temporary_folder.hpp"

namespace callgate::session::stored_sessions_test {
namespace {

using callgate::test::await;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

KeptSession session_of(const std::string& id, std::string grant = "g1") {
  return {.name = session_name(id), .digest = sha256_hex(id), .server = "it", .address = "http://it/mcp", .grant = std::move(grant), .principal = "ann",
          .revision = "2025-06-18", .opening = R"({"jsonrpc":"2.0"})"};
}

class StoredSessionsTest : public testing::Test {
 protected:
  StoredSessionsTest() { open(); }

  /// As a new process does on the same file.
  void open(StoredSessions::Options options = {.write_time = 20s}) {
    sessions_.reset();
    sessions_ = std::make_unique<StoredSessions>(loop_, clock_, log_, file(), options);
    sessions_->on_end([this](std::string_view name) { ended_.emplace_back(name); });
  }
  std::filesystem::path file() const { return folder_.path() / "sessions.db"; }
  bool keep(const KeptSession& session, std::size_t most = 16) { return await(loop_, sessions_->keep(session, most)) == Kept::now; }
  std::optional<KeptSession> find(const std::string& id, const std::string& grant = "g1") { return await(loop_, sessions_->find(id, grant)).value(); }
  /// Another connection that holds the file as long as it lives.
  struct Holder {
    explicit Holder(const std::filesystem::path& file, const char* how = "BEGIN IMMEDIATE") : database(std::move(*store::Database::open(file, 1000ms))) { EXPECT_TRUE(database->execute(how)); }
    std::unique_ptr<store::Database> database;
  };
  static constexpr const char* all_of_it = "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE";
  void turn_until(const std::function<bool()>& there) {
    const auto until = net::Loop::read_clock() + 20s;
    while (!there() && net::Loop::read_clock() < until) loop_.turn(5ms);
    EXPECT_TRUE(there());
  }
  net::Task<void> keep_into(KeptSession session, std::optional<Kept>& kept) { kept = co_await sessions_->keep(std::move(session), 16); }

  const TemporaryFolder folder_;
  net::Loop loop_;
  FakeClock clock_;
  MemoryLog log_;
  std::unique_ptr<StoredSessions> sessions_;
  std::vector<std::string> ended_;
};

/// A file that somebody holds is not damaged, and what was in it is there once it is free.
TEST_F(StoredSessionsTest, AreFoundOnceTheirFileIsFree) {
  ASSERT_TRUE(keep(session_of("id-1")));
  sessions_.reset();
  {
    const Holder holder(file(), all_of_it);
    open({.open_time = 5ms});
    EXPECT_TRUE(log_.has("sessions_not_kept"));
    EXPECT_EQ(find("id-1"), std::nullopt);
    EXPECT_EQ(await(loop_, sessions_->keep(session_of("id-2"), 16)), Kept::later);
  }
  turn_until([&] { return log_.has("sessions_kept_again"); });
  EXPECT_FALSE(log_.has("sessions_unreadable"));
  EXPECT_EQ(find("id-1"), session_of("id-1"));
  EXPECT_EQ(find("id-2"), session_of("id-2")) << "what was opened meanwhile is written then";
  open();
  EXPECT_EQ(find("id-2"), session_of("id-2"));
}

/// Who ends a session may be sure of it, though nobody could tell that there was one.
TEST_F(StoredSessionsTest, WhatEndedBeforeItsFileWasOpenIsNotFoundInIt) {
  for (const char* id : {"id-1", "id-2", "id-3", "id-4"}) ASSERT_TRUE(keep(session_of(id)));
  sessions_.reset();
  {
    const Holder holder(file(), all_of_it);
    open({.open_time = 5ms});
    EXPECT_TRUE(sessions_->end_unknown("id-1", "g1"));
    EXPECT_TRUE(sessions_->end_unknown("id-2", "g2")) << "another's, which is not to be told from nobody's";
    EXPECT_TRUE(sessions_->end_unknown("id-4", "g2")) << "a stranger came first";
    EXPECT_TRUE(sessions_->end_unknown("id-4", "g1"));
  }
  turn_until([&] { return log_.has("sessions_kept_again"); });
  EXPECT_FALSE(find("id-1"));
  EXPECT_TRUE(find("id-2"));
  EXPECT_TRUE(find("id-3"));
  EXPECT_FALSE(find("id-4")) << "whatever the stranger did";
  open();
  EXPECT_FALSE(find("id-1"));
  EXPECT_TRUE(find("id-2"));
}

TEST_F(StoredSessionsTest, NoMoreEndUnknownThanHaveRoom) {
  sessions_.reset();
  const Holder holder(file(), all_of_it);
  open({.open_time = 5ms});
  for (std::size_t i = 0; i < StoredSessions::most_to_end; ++i) ASSERT_TRUE(sessions_->end_unknown(fmt::format("id-{}", i), ""));
  EXPECT_FALSE(sessions_->end_unknown("one-more", ""));
}

/// Its writes have the patience of any other's.
TEST_F(StoredSessionsTest, AFileThatIsOpenedLateIsWrittenLikeOneThatWasThereAtTheStart) {
  sessions_.reset();
  {
    const Holder holder(file(), all_of_it);
    open({.write_time = 20s, .open_time = 3s});
  }
  turn_until([&] { return log_.has("sessions_kept_again"); });
  std::optional<Holder> holder(file());
  std::optional<Kept> kept;
  net::TaskGroup tasks;
  tasks.spawn(keep_into(session_of("id-1"), kept));
  const auto until = net::Loop::read_clock() + 50ms;
  while (net::Loop::read_clock() < until) loop_.turn(5ms);
  EXPECT_FALSE(kept) << "whoever holds it for a moment is waited for";
  holder.reset();
  turn_until([&] { return kept.has_value(); });
  EXPECT_EQ(kept, Kept::now);
}

TEST_F(StoredSessionsTest, AFileThatIsDamagedWhenItCanBeOpenedIsMovedAside) {
  sessions_.reset();
  const auto late = folder_.path() / "late";
  sessions_ = std::make_unique<StoredSessions>(loop_, clock_, log_, late / "sessions.db", StoredSessions::Options{.write_time = 20s});
  EXPECT_TRUE(log_.has("sessions_not_kept"));
  std::filesystem::create_directory(folder_.path() / "coming");
  std::ofstream(folder_.path() / "coming" / "sessions.db") << std::string(8192, 'x');
  std::filesystem::rename(folder_.path() / "coming", late);
  turn_until([&] { return log_.has("sessions_kept_again"); });
  EXPECT_TRUE(log_.has("sessions_unreadable"));
  EXPECT_TRUE(std::filesystem::exists(late / "sessions.db.damaged"));
  EXPECT_TRUE(keep(session_of("id-1")));
  sessions_.reset();
  sessions_ = std::make_unique<StoredSessions>(loop_, clock_, log_, late / "sessions.db");
  EXPECT_TRUE(find("id-1"));
}

/// Protocol item 22.
TEST_F(StoredSessionsTest, GoOnInTheNextProcess) {
  const KeptSession session = session_of("id-1");
  const bool kept = keep(session);
  sessions_->sweep();
  EXPECT_TRUE(kept) << testing::PrintToString(log_.lines());
  open();
  EXPECT_EQ(find("id-1"), session);
  EXPECT_FALSE(find("id-2"));
  open();
  EXPECT_EQ(find("id-1"), session) << "and in the one after that";
}

/// Protocol item 21: whoever has the id of another learns nothing of it, by the time that takes either. The file is not asked.
TEST_F(StoredSessionsTest, OfOthersAreLookedForNoLongerThanThoseOfNobody) {
  ASSERT_TRUE(keep(session_of("id-1")));
  {
    const Holder holder(file());
    keep(session_of("id-2"));  // whoever asks the file now waits behind this
    EXPECT_FALSE(find("nobodys", "g2"));
    EXPECT_FALSE(find("id-1", "g2"));
  }
  clock_.advance(1min);
  EXPECT_TRUE(find("id-1"));
}

/// Security requirement S18: the id is kept nowhere, and nobody else reads the file.
TEST_F(StoredSessionsTest, TheIdStandsNowhereAndItsNameAloneIsNotEnough) {
  const std::string id = new_session_id();
  KeptSession session = session_of(id);
  ASSERT_TRUE(keep(session));
  EXPECT_FALSE(find(session.name));
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    std::ifstream stream(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(stream)), {});
    EXPECT_EQ(bytes.find(id), std::string::npos) << entry.path();
    EXPECT_EQ(entry.status().permissions() & std::filesystem::perms(077), std::filesystem::perms::none) << entry.path();
  }
}

TEST_F(StoredSessionsTest, WhatEndedDoesNotComeBackWhateverWasStillToBeWritten) {
  keep(session_of("id-1"));
  sessions_->used(session_name("id-1"));
  sessions_->end(session_name("id-1"));
  sessions_->sweep();
  EXPECT_FALSE(find("id-1"));
  const auto late = sessions_->keep(session_of("id-2"), 16);  // not awaited: its write may still be waiting
  sessions_->end(session_name("id-2"));
  EXPECT_FALSE(find("id-2"));
  open();
  EXPECT_FALSE(find("id-1"));
  EXPECT_FALSE(find("id-2"));
  EXPECT_THAT(ended_, IsEmpty()) << "who ends it himself is not told";
}

TEST_F(StoredSessionsTest, AnEndWhileASessionIsLookedUpStands) {
  keep(session_of("id-1"));
  open();
  auto finding = sessions_->find("id-1", "g1");
  sessions_->end(session_name("id-1"));
  EXPECT_FALSE(await(loop_, std::move(finding)).value());
}

TEST_F(StoredSessionsTest, WhatNobodyUsedForAnHourBeforeTheStartIsOver) {
  keep(session_of("idle"));
  clock_.advance(40min);
  keep(session_of("used"));
  clock_.advance(30min);
  open();
  EXPECT_FALSE(find("idle"));
  EXPECT_TRUE(find("used"));
  clock_.advance(-24h);
  open();
  EXPECT_TRUE(find("used")) << "a clock that was set back counts as no time";
}

TEST_F(StoredSessionsTest, WhatNobodyUsesHereEndsAndWhoServesItHears) {
  open({.idle = 0ms, .most = 100, .write_time = 20s});
  keep(session_of("served"));
  keep(session_of("left"));
  sessions_->serves_no_longer(session_name("left"));
  loop_.turn(5ms);
  sessions_->sweep();
  EXPECT_THAT(ended_, ElementsAre(session_name("served")));
  EXPECT_EQ(sessions_->size(), 0U);
}

/// Security requirement S19.
TEST_F(StoredSessionsTest, OfAGrantThoseLongestUnusedMakeRoomAlsoThoseOfTheProcessBefore) {
  for (const char* id : {"id-0", "id-1", "id-2"}) {
    keep(session_of(id), 3);
    clock_.advance(1s);
  }
  sessions_->used(session_name("id-0"));
  keep(session_of("other", "g2"), 3);
  open();
  keep(session_of("id-3"), 3);
  EXPECT_FALSE(find("id-1"));
  for (const char* id : {"id-0", "id-2", "id-3"}) EXPECT_TRUE(find(id)) << id;
  EXPECT_TRUE(find("other", "g2"));
}

/// As a gate counts: what a grant has at one server takes no place at another.
TEST_F(StoredSessionsTest, OfAGrantSoManyStayAtEachServer) {
  for (const char* id : {"id-0", "id-1"}) {
    keep(session_of(id), 2);
    KeptSession there = session_of(std::string("there-") + id);
    there.server = "other";
    keep(there, 2);
  }
  const auto stay = [this] {
    for (const char* id : {"id-0", "id-1", "there-id-0", "there-id-1"}) EXPECT_TRUE(find(id)) << id;
  };
  stay();
  open();
  keep(session_of("id-1"), 2);
  stay();
}

/// A session that is served may have calls under way: the gate, which knows, makes room among those.
TEST_F(StoredSessionsTest, ThoseThatAreNotServedMakeRoomFirst) {
  keep(session_of("served"), 2);
  loop_.turn(5ms);
  keep(session_of("left"), 2);
  sessions_->serves_no_longer(session_name("left"));
  loop_.turn(5ms);
  keep(session_of("newest"), 2);
  EXPECT_TRUE(find("served"));
  EXPECT_FALSE(find("left"));
  EXPECT_THAT(ended_, IsEmpty());
}

TEST_F(StoredSessionsTest, ThereAreSoManyInAll) {
  open({.idle = 60min, .most = 2, .write_time = 20s});
  for (const char* id : {"id-0", "id-1", "id-2"}) {
    keep(session_of(id, ""), 1);
    loop_.turn(5ms);
  }
  EXPECT_EQ(sessions_->size(), 2U);
  EXPECT_FALSE(find("id-0"));
  EXPECT_THAT(ended_, ElementsAre(session_name("id-0")));
}

TEST_F(StoredSessionsTest, AFileThatCannotBeWrittenHoldsUpNobodyForLongAndIsWrittenLater) {
  open({.write_time = 50ms});
  std::optional<Holder> holder(file());
  const auto began = net::Loop::read_clock();
  EXPECT_FALSE(keep(session_of("id-1")));
  EXPECT_LT(net::Loop::read_clock() - began, 5s);
  holder.reset();
  keep(session_of("id-2"));
  open();
  EXPECT_TRUE(find("id-1"));
  EXPECT_TRUE(find("id-2"));
}

/// Whoever opens sessions while the disk is full is not given the memory in its stead.
TEST_F(StoredSessionsTest, WhileTheFileCannotBeWrittenNoMoreWaitThanHaveRoomAndTheLogSaysSoOnce) {
  open({.write_time = 1ms, .most_waiting = 8 * 1024});
  std::optional<Holder> holder(file());
  KeptSession large = session_of("id-0");
  large.opening = std::string(3 * 1024, ' ');
  int waiting = 0;
  for (int i = 0; i < 10; ++i) {
    large.name = session_name(fmt::format("id-{}", i));
    const Kept kept = await(loop_, sessions_->keep(large, 16));
    EXPECT_NE(kept, Kept::now);
    if (kept == Kept::later) ++waiting;
  }
  EXPECT_EQ(waiting, 2);
  EXPECT_EQ(sessions_->size(), 2U) << "what is not kept is not there";
  EXPECT_EQ(std::ranges::count_if(log_.lines(), [](const std::string& line) { return line.contains("sessions_not_kept"); }), 1);
  for (int i = 0; i < 10; ++i) sessions_->end(session_name(fmt::format("id-{}", i)));
  const auto room = [&] { return await(loop_, sessions_->keep(session_of("another"), 16)) == Kept::later; };
  const auto until = net::Loop::read_clock() + 20s;
  while (!room() && net::Loop::read_clock() < until) loop_.turn(5ms);
  EXPECT_TRUE(room()) << "what came and went before it could be written waits no longer";
  holder.reset();
  while (!keep(session_of("id-1")) && net::Loop::read_clock() < until) loop_.turn(5ms);
  sessions_->sweep();
  open();
  EXPECT_TRUE(find("id-1")) << "kept again";
}

TEST_F(StoredSessionsTest, NoSessionWithAMessageUnderWayMakesRoom) {
  const std::string busy = session_name("busy");
  sessions_->ask_which_are_busy([&](std::string_view name) { return name == busy; });
  keep(session_of("busy"), 1);
  loop_.turn(5ms);
  keep(session_of("idle"), 1);
  EXPECT_TRUE(find("busy"));
  EXPECT_THAT(ended_, IsEmpty());
  loop_.turn(5ms);
  keep(session_of("newest"), 1);
  EXPECT_TRUE(find("busy"));
  EXPECT_FALSE(find("idle"));
  EXPECT_TRUE(find("newest"));
  sessions_->ask_which_are_busy({});
  loop_.turn(5ms);
  keep(session_of("next"), 1);
  EXPECT_EQ(sessions_->size(), 1U) << "there are no more than so many once nothing is under way";
}

TEST_F(StoredSessionsTest, NoSessionWithAMessageUnderWayEndsForWantOfUse) {
  open({.idle = 0ms, .most = 100, .write_time = 20s});
  sessions_->ask_which_are_busy([](std::string_view name) { return name == session_name("busy"); });
  keep(session_of("busy"));
  keep(session_of("idle"));
  loop_.turn(5ms);
  sessions_->sweep();
  EXPECT_THAT(ended_, ElementsAre(session_name("idle")));
}

TEST_F(StoredSessionsTest, AFileOfANewerVersionIsLeftAlone) {
  sessions_.reset();
  {
    auto database = store::Database::open(file(), 1000ms);
    ASSERT_TRUE((*database)->execute("PRAGMA user_version = 99"));
  }
  open();
  EXPECT_TRUE(log_.has("was written by a newer version"));
  EXPECT_TRUE(log_.has(file().string()));
  EXPECT_TRUE(log_.has("move the file away"));
  EXPECT_EQ(await(loop_, sessions_->keep(session_of("id-1"), 16)), Kept::no) << "it goes into no file, and waits for none";
  EXPECT_EQ(sessions_->size(), 0U);
  for (std::size_t i = 0; i <= StoredSessions::most_to_end; ++i) ASSERT_TRUE(sessions_->end_unknown(fmt::format("id-{}", i), "")) << "nothing of that file is found here, so nothing is to be remembered";
  sessions_->sweep();
  EXPECT_EQ(log_.lines().size(), 1U) << "told once";
  sessions_.reset();
  auto database = store::Database::open(file(), 1000ms);
  store::Query version(**database, "PRAGMA user_version");
  ASSERT_TRUE(version.step());
  EXPECT_EQ(version.number(0), 99);
}

/// Likewise where that shows only once whoever held it at the start lets it go.
TEST_F(StoredSessionsTest, AFileOfANewerVersionIsGivenUpAlsoWhereItIsOpenedLate) {
  sessions_.reset();
  {
    const Holder holder(file(), "PRAGMA user_version = 99; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE");
    open({.open_time = 5ms});
    EXPECT_EQ(await(loop_, sessions_->keep(session_of("id-1"), 16)), Kept::later);
    EXPECT_TRUE(sessions_->end_unknown("id-2", "g1"));
  }
  turn_until([&] { return log_.has("was written by a newer version"); });
  EXPECT_EQ(sessions_->size(), 0U) << "what waited for it is let go";
  EXPECT_EQ(await(loop_, sessions_->keep(session_of("id-3"), 16)), Kept::no);
  const std::size_t told = log_.lines().size();
  sessions_->sweep();
  EXPECT_EQ(log_.lines().size(), told);
}

/// A session file whose writes fail, though it can be opened.
void refuse_writes(const std::filesystem::path& file) {
  ASSERT_TRUE(store::SessionFile::open(file, 1000ms));
  auto database = store::Database::open(file, 1000ms);
  ASSERT_TRUE((*database)->execute("CREATE TRIGGER no_more BEFORE INSERT ON sessions BEGIN SELECT RAISE(ABORT, 'no more'); END"));
}

/// What is heard of its opening is older than a write that failed since.
TEST_F(StoredSessionsTest, AFaultThatIsNewerThanTheOpeningOfTheFileStands) {
  const auto late = folder_.path() / "late.db";
  refuse_writes(late);
  std::optional<Holder> holder(std::in_place, late, all_of_it);
  bool opened = false;
  SessionWriter writer(loop_, {.path = late, .open_time = 5ms, .pause = 1h}, 1U << 20U, [&](const auto&, const auto&) { opened = true; }, [](const Error&) {});
  ASSERT_FALSE(writer.open());
  holder.reset();
  ASSERT_TRUE(writer.keep({.name = "one"}, SessionWriter::InFile::surely_not, {}));
  const auto write_failed = [&] {
    const auto fault = writer.fault();
    return fault && fault->kind == ErrorKind::conflict;
  };
  const auto until = net::Loop::read_clock() + 20s;
  while (!write_failed() && net::Loop::read_clock() < until) std::this_thread::yield();  // the loop hears nothing meanwhile
  ASSERT_TRUE(write_failed());
  turn_until([&] { return opened; });
  EXPECT_TRUE(write_failed()) << "it cannot be written";
}

TEST_F(StoredSessionsTest, AFileThatIsNoneIsMovedAside) {
  sessions_.reset();
  for (const char* part : {"", "-wal", "-shm"}) std::filesystem::remove(file().string() + part);
  std::ofstream(file()) << std::string(8192, 'x');
  open();
  EXPECT_TRUE(log_.has("sessions_unreadable"));
  EXPECT_FALSE(log_.has("sessions_not_kept"));
  EXPECT_TRUE(keep(session_of("id-1")));
  EXPECT_TRUE(std::filesystem::exists(file().string() + ".damaged"));
}

}  // namespace
}  // namespace callgate::session::stored_sessions_test
