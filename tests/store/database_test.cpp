#include "store/database.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "store/migrations.hpp"
#include "store/store.hpp"
#include "store/temporary_folder.hpp"

namespace callgate::store::database_test {
namespace {

using std::chrono::milliseconds;

mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777U : 0U;
}

TEST(DataFolder, FolderAndDatabaseAreForTheirOwnerAlone) {
  const TemporaryFolder folder;
  const auto data = folder.path() / "deep" / "data";
  const auto store = open(data);
  ASSERT_TRUE(store) << store.error().message;
  ASSERT_TRUE((*store)->meta().put("k", "v"));
  EXPECT_EQ(mode_of(data), 0700U);
  EXPECT_EQ(mode_of(data / "callgate.db"), 0600U);
  EXPECT_EQ(mode_of(data / "callgate.db-wal"), 0600U);
}

TEST(DataFolder, ATrailingSlashChangesNothing) {
  const TemporaryFolder folder;
  ASSERT_TRUE(open(folder.path() / "data" / ""));
  EXPECT_EQ(mode_of(folder.path() / "data"), 0700U);
}

TEST(DataFolder, AFolderThatOthersMayWriteToIsRefused) {
  const TemporaryFolder folder;
  const auto data = folder.path() / "data";
  std::filesystem::create_directory(data);
  std::filesystem::permissions(data, std::filesystem::perms{0777});
  const auto store = open(data);
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::refused);
  EXPECT_NE(store.error().message.find("chmod 700"), std::string::npos) << store.error().message;
}

TEST(DataFolder, AFileInItsPlaceIsUnavailable) {
  const TemporaryFolder folder;
  const auto store = open(folder.write("data", "x"));
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::unavailable);
  EXPECT_NE(store.error().message.find("--data"), std::string::npos) << store.error().message;
}

TEST(StoreFaults, ALockedDatabaseIsUnavailableWithItsRemedy) {
  const TemporaryFolder folder;
  const auto store = open(folder.path(), {.busy = milliseconds(20)});
  ASSERT_TRUE(store);
  const auto other = Database::open(folder.path() / "callgate.db", milliseconds(20));
  ASSERT_TRUE(other);
  auto held = Transaction::begin(**other);
  ASSERT_TRUE(held);

  const auto refused = (*store)->meta().put("k", "v");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_NE(refused.error().message.find("locked by another process; try again"), std::string::npos);
  // Readers are not held up by a writer, and nothing was changed.
  EXPECT_EQ((*store)->meta().get("k").value(), std::nullopt);
  ASSERT_TRUE(held->commit());
  EXPECT_TRUE((*store)->meta().put("k", "v"));
}

TEST(StoreFaults, AFileThatIsNoDatabaseIsSaidToBeDamaged) {
  const TemporaryFolder folder;
  folder.write("callgate.db", std::string(4096, 'x'));
  const auto store = open(folder.path(), {.busy = milliseconds(0)});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::unavailable);
  EXPECT_NE(store.error().message.find("is damaged"), std::string::npos) << store.error().message;
  EXPECT_TRUE(Database::is_damage(store.error()));
  EXPECT_FALSE(Database::is_damage({ErrorKind::unavailable, "the database `x` is locked by another process", {}}));
}

/// Nobody is waited for who could let go of it.
TEST(DatabaseFile, DamageIsToldAtOnce) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "x.db") << std::string(8192, 'x');
  const auto began = std::chrono::steady_clock::now();
  const auto opened = Database::open(folder.path() / "x.db", std::chrono::seconds(60));
  ASSERT_FALSE(opened.has_value());
  EXPECT_TRUE(Database::is_damage(opened.error())) << opened.error().message;
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(30));
}

TEST(StoreFaults, ADatabaseOfANewerVersionIsLeftAlone) {
  const TemporaryFolder folder;
  ASSERT_TRUE(open(folder.path()));
  {
    const auto raw = Database::open(folder.path() / "callgate.db", milliseconds(100));
    ASSERT_TRUE((*raw)->execute("INSERT INTO migrations VALUES (999, 'of the future', 0)"));
  }
  const auto store = open(folder.path());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().kind, ErrorKind::unsupported);
}

TEST(StoreFaults, ALinkInPlaceOfTheDatabaseIsNotFollowed) {
  const TemporaryFolder folder;
  const auto target = folder.write("elsewhere", "");
  std::filesystem::create_symlink(target, folder.path() / "callgate.db");
  EXPECT_FALSE(open(folder.path()));
}

TEST(StoreFaults, WrongStatementsAreInternalErrorsOfTheFirstStep) {
  const auto database = Database::open(":memory:", milliseconds(0));
  ASSERT_TRUE(database);
  Query query(**database, "SELECT * FROM nowhere WHERE a = ?");
  const auto row = query.bind("x").step();
  ASSERT_FALSE(row);
  EXPECT_EQ(row.error().kind, ErrorKind::internal);
}

TEST(TransactionTest, WhatIsNotCommittedIsGone) {
  const auto database = Database::open(":memory:", milliseconds(0));
  ASSERT_TRUE((*database)->execute("CREATE TABLE t (a)"));
  {
    const auto transaction = Transaction::begin(**database);
    ASSERT_TRUE((*database)->execute("INSERT INTO t VALUES (1)"));
  }
  Query count(**database, "SELECT count(*) FROM t");
  ASSERT_TRUE(count.step().value());
  EXPECT_EQ(count.number(0), 0);
}

TEST(MigrationsTest, RunTwiceTheyApplyOnce) {
  const auto database = Database::open(":memory:", milliseconds(0));
  ASSERT_TRUE(migrate(**database, 5));
  ASSERT_TRUE(migrate(**database, 6));
  Query query(**database, "SELECT count(*), max(applied) FROM migrations");
  ASSERT_TRUE(query.step().value());
  EXPECT_EQ(query.number(0), 4);
  EXPECT_EQ(query.number(1), 5);
}

/// Security requirement S10: nobody knows when the lists of an earlier version came.
TEST(MigrationsTest, ListsOfAnEarlierVersionLetNoFurtherEraHaveAFirstOne) {
  const TemporaryFolder folder;
  const ListKey legacy{"s", "a", "legacy"};
  const std::vector<Definition> pinned{{.tool = "get", .fingerprint = "1", .text = "{}", .time_ms = 1'000'000}};
  ASSERT_TRUE((*open(folder.path()))->pins().pin_first(legacy, pinned, 1'000'000));
  {
    const auto raw = Database::open(folder.path() / "callgate.db", milliseconds(100));
    ASSERT_TRUE((*raw)->execute("ALTER TABLE pinned_lists DROP COLUMN first; DELETE FROM migrations WHERE number = 4"));
  }
  const auto store = open(folder.path());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*store)->pins().find(legacy).value()->pinned, pinned);
  EXPECT_EQ((*store)->pins().pin_first({"s", "a", "modern"}, std::vector<Definition>{{.tool = "set", .fingerprint = "1", .text = "{}"}}, 1'000'001).value(), PinnedList{});
}

TEST(SharedStore, AnotherProcessesWriteIsNoticed) {
  const TemporaryFolder folder;
  const auto one = open(folder.path());
  const auto two = open(folder.path());
  Store::Version seen;
  ASSERT_TRUE((*one)->changed(seen).value());
  ASSERT_FALSE((*one)->changed(seen).value());
  ASSERT_TRUE((*two)->servers().add({.name = "a", .url = "http://x"}));
  EXPECT_TRUE((*one)->changed(seen).value());
  EXPECT_FALSE((*one)->changed(seen).value());
  EXPECT_TRUE((*one)->servers().find("a").value().has_value());
}

TEST(SharedStore, AnotherProcessesWriteIsToldFromItsOwnAlsoWhereBothWrote) {
  const TemporaryFolder folder;
  const auto one = open(folder.path()).value();
  const auto two = open(folder.path()).value();
  const auto write = [](Store& store, const std::string& value) { ASSERT_TRUE(store.meta().put("k", value)); };
  Store::Version seen;
  ASSERT_TRUE(one->changed(seen).value());
  const auto others_wrote = [&] {
    const Store::Version before = seen;
    EXPECT_TRUE(one->changed(seen).value());
    return seen.others_wrote_since(before);
  };
  write(*one, "1");
  EXPECT_FALSE(others_wrote());
  write(*two, "2");
  EXPECT_TRUE(others_wrote());
  EXPECT_TRUE(one->meta().get("k").value().has_value());
  write(*two, "3");
  write(*one, "4");
  EXPECT_TRUE(others_wrote()) << "between its reading and its writing";
  write(*one, "5");
  write(*two, "6");
  EXPECT_TRUE(others_wrote());
  write(*one, "7");
  EXPECT_FALSE(others_wrote());
}

TEST(SharedStore, ManyMayOpenANewFolderAtOnceAndOnePinsFirst) {
  const TemporaryFolder folder;
  constexpr int count = 6;
  std::vector<std::string> pinned(count);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([&, i] {
        const auto store = open(folder.path() / "data", {.busy = milliseconds(10000)});
        if (!store) {
          pinned[static_cast<std::size_t>(i)] = store.error().message;
          return;
        }
        const std::vector<Definition> mine{{.tool = "t", .fingerprint = std::to_string(i), .text = "{}"}};
        const auto stands = (*store)->pins().pin_first({"s", "a", "legacy"}, mine, 1);
        pinned[static_cast<std::size_t>(i)] = stands ? stands->pinned.at(0).fingerprint : stands.error().message;
      });
    }
  }
  for (const std::string& each : pinned) EXPECT_EQ(each, pinned.front());
  EXPECT_EQ(pinned.front().size(), 1U) << pinned.front();
}

}  // namespace
}  // namespace callgate::store::database_test
