#include "audit/search.hpp"

#include <gtest/gtest.h>

#include "world.hpp"

namespace callgate::audit::search_test {
namespace {

using policy::Verdict;
using test::Folder;
using test::World;
using namespace std::chrono_literals;

TEST(Search, MergesTheChainsOfAllProcessesByTime) {
  const Folder data;
  World first({.instance = "first", .sync = Sync::none});
  World second({.instance = "second", .sync = Sync::none});
  for (int i = 0; i < 3; ++i) {
    (void)first.written();
    first.clock.advance(2s);
    second.clock.advance(1s);
    (void)second.written();
    second.clock.advance(1s);
  }
  test::save(first.disk, data / "journal/first");
  test::save(second.disk, data / "journal/second");
  const Findings all = search(data.path(), {}).value();
  EXPECT_EQ(all.chains, 2U);
  ASSERT_EQ(all.entries.size(), 6U);
  for (std::size_t i = 1; i < 6; ++i) EXPECT_LT(all.entries[i - 1].time, all.entries[i].time);
  const Findings newest = search(data.path(), {.limit = 2}).value();
  ASSERT_EQ(newest.entries.size(), 2U);
  EXPECT_EQ(newest.entries[1].id, all.entries[5].id);
}

TEST(Search, JoinsOutcomesAcrossSegments) {
  const Folder data;
  World world({.instance = "one", .sync = Sync::none, .segment_bytes = 100});
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.emplace_back(world.journal->permit(world.written()).value().id());
  for (const std::string& id : ids) {
    world.journal->outcome(id, {"answered", true, 7, 9us});
    (void)world.journal->flush();
  }
  world.journal->outcome("01ARYZ6S410000000000000000", {"answered", false, 0, 0us});  // of nobody
  (void)world.journal->flush();
  test::save(world.disk, data / "journal/one");
  for (const Entry& entry : search(data.path(), {}).value().entries) {
    ASSERT_TRUE(entry.outcome.has_value());
    EXPECT_EQ(entry.outcome->bytes, 7U);
    EXPECT_TRUE(entry.outcome->is_error);
  }
}

TEST(Search, ForgottenEntriesDoNotTakeOthersOutcomes) {
  const Folder data;
  World world;
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.emplace_back(world.journal->permit(world.written()).value().id());
  for (std::size_t i = 0; i < 5; ++i) world.journal->outcome(ids[i], {"answered", false, i, 0us});
  (void)world.journal->flush();
  test::save(world.disk, data / "journal/one");
  const Findings newest = search(data.path(), {.limit = 2}).value();
  ASSERT_EQ(newest.entries.size(), 2U);
  EXPECT_EQ(newest.entries[0].outcome->bytes, 3U);
  EXPECT_EQ(newest.entries[1].outcome->bytes, 4U);
}

TEST(Search, GapsAndCheckpointsAreShownOnlyWhenAskedFor) {
  const Folder data;
  World world;
  world.disk.set_room(0);
  (void)world.written(Verdict::deny);
  world.disk.set_room(std::nullopt);
  (void)world.written(Verdict::deny);
  world.journal.reset();
  test::save(world.disk, data / "journal/one");
  EXPECT_EQ(search(data.path(), {}).value().entries.size(), 1U);
  EXPECT_EQ(search(data.path(), {.everything = true}).value().entries.size(), 3U);
}

TEST(Search, FolderWithoutJournalsHasNone) {
  const Folder data;
  EXPECT_EQ(search(data.path(), {}).value().chains, 0U);
  EXPECT_EQ(search(data / "nowhere", {}).error().kind, ErrorKind::not_found);
}

TEST(Search, AGrantIsFoundByItsIdAndByItsName) {
  const Folder data;
  World world({.instance = "one", .sync = Sync::none});
  const auto record = [&](std::string_view grant, std::string_view principal) {
    const CallRecord call{.id = world.journal->next_id(), .server = "s", .tool = "t", .method = "tools/call", .grant = grant,
                          .principal = principal, .verdict = Verdict::deny};
    (void)world.journal->record(call);
    return call.id.str();
  };
  const std::string first = record("01A", "ann");
  const std::string again = record("01B", "ann");  // the first was revoked
  record("01C", "bob");
  record("", "anonymous");
  (void)world.journal->flush();
  test::save(world.disk, data / "journal/one");
  const auto found = [&](const std::string& grant) {
    std::vector<std::string> ids;
    for (const Entry& entry : search(data.path(), {.grant = grant}).value().entries) ids.push_back(entry.id);
    return ids;
  };
  EXPECT_EQ(found("01A"), std::vector<std::string>{first});
  EXPECT_EQ(found("ann"), (std::vector<std::string>{first, again}));
  EXPECT_EQ(found("anonymous"), std::vector<std::string>());
}

/// Protocol item 100.
TEST(Search, FindsTheCallsOfOneTrace) {
  const Folder data;
  World world;
  std::vector<std::string> ids;
  for (const char* trace : {"4bf92f3577b34da6a3ce929d0e0e4736", "", "0af7651916cd43dd8448eb211c80319c"}) {
    const CallRecord call{.id = world.journal->next_id(), .server = "s", .tool = "t", .method = "tools/call", .verdict = Verdict::allow, .trace = trace};
    (void)world.journal->record(call);
    ids.push_back(call.id.str());
  }
  (void)world.journal->flush();
  test::save(world.disk, data / "journal/one");
  const Findings found = search(data.path(), {.trace = "0af7651916cd43dd8448eb211c80319c"}).value();
  ASSERT_EQ(found.entries.size(), 1U);
  EXPECT_EQ(found.entries.front().id, ids[2]);
}

}  // namespace
}  // namespace callgate::audit::search_test
