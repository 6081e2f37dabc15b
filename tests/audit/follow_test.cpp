#include "audit/follow.hpp"

#include <gtest/gtest.h>

#include "world.hpp"

namespace callgate::audit::follow_test {
namespace {

using policy::Verdict;
using test::Folder;
using namespace std::chrono_literals;

class Following : public testing::Test {
 protected:
  std::unique_ptr<Journal> open(const std::string& instance, std::size_t segment_bytes = std::size_t{64} << 20) {
    return Journal::open({.directory = data_ / "journal", .instance = instance, .sync = Sync::none, .segment_bytes = segment_bytes}, clock_, log_).value();
  }
  std::string record(Journal& journal, std::string_view tool, Verdict verdict = Verdict::allow) {
    clock_.advance(1ms);
    const CallRecord call{.id = journal.next_id(), .server = "s", .tool = tool, .method = "tools/call", .verdict = verdict};
    (void)journal.record(call);
    (void)journal.flush();
    return call.id.str();
  }
  static void end(Journal& journal, const std::string& id) {
    journal.outcome(id, {"answered", false, 1, 9us});
    (void)journal.flush();
  }
  /// `tool`, `tool!` with its outcome, `(tool)` when it comes again.
  static std::string seen(Follower& follower) {
    std::string text;
    for (const Entry& entry : follower.look().value()) {
      const std::string name = entry.tool + (entry.outcome ? "!" : "");
      text += (text.empty() ? "" : " ") + (entry.line.empty() ? "(" + name + ")" : name);
    }
    return text;
  }

  Folder data_;
  FakeClock clock_;
  MemoryLog log_;
};

TEST_F(Following, WhatWasThereIsNoNews) {
  const auto journal = open("one");
  record(*journal, "old");
  Follower follower(data_.path(), {});
  ASSERT_TRUE(follower.start());
  EXPECT_EQ(seen(follower), "");
  record(*journal, "new");
  EXPECT_EQ(seen(follower), "new");
  EXPECT_EQ(seen(follower), "");
}

TEST_F(Following, AnOutcomeComesWithItsCallOrAfterIt) {
  const auto journal = open("one");
  const std::string old = record(*journal, "old");
  Follower follower(data_.path(), {});
  ASSERT_TRUE(follower.start());
  follower.know(search(data_.path(), {}).value().entries);
  const std::string quick = record(*journal, "quick");
  end(*journal, quick);
  const std::string slow = record(*journal, "slow");
  EXPECT_EQ(seen(follower), "quick! slow");
  end(*journal, slow);
  end(*journal, old);
  EXPECT_EQ(seen(follower), "(old!) (slow!)");
}

TEST_F(Following, WhatIsKnownDoesNotComeTwice) {
  const auto journal = open("one");
  record(*journal, "first");
  Follower follower(data_.path(), {});
  ASSERT_TRUE(follower.start());
  record(*journal, "between");
  follower.know(search(data_.path(), {}).value().entries);
  record(*journal, "after");
  EXPECT_EQ(seen(follower), "after");
}

TEST_F(Following, SegmentsAndProcessesThatComeLaterAreRead) {
  const auto journal = open("one", 100);
  record(*journal, "a");
  Follower follower(data_.path(), {});
  ASSERT_TRUE(follower.start());
  for (const char* tool : {"b", "c", "d"}) record(*journal, tool);  // each in a segment of its own
  EXPECT_EQ(seen(follower), "b c d");
  const auto other = open("two", 100);
  record(*other, "e");
  record(*other, "f");
  std::string text;
  for (int look = 0; look < 5; ++look) text += seen(follower);
  EXPECT_EQ(text, "e f");
}

TEST_F(Following, OnlyWhatFitsIsShown) {
  const auto journal = open("one");
  Follower follower(data_.path(), {.verdict = Verdict::deny});
  ASSERT_TRUE(follower.start());
  end(*journal, record(*journal, "fine"));
  record(*journal, "bad", Verdict::deny);
  (void)journal->record_internal(Internal::ping, "s");
  (void)journal->flush();
  EXPECT_EQ(seen(follower), "bad");
}

TEST_F(Following, AHalfWrittenLineWaitsForItsRest) {
  const auto journal = open("one");
  record(*journal, "old");
  const std::string path = data_ / "journal/one/segment-00000001.jsonl";
  const std::string before = test::read_file(path);
  record(*journal, "new");
  const std::string whole = test::read_file(path);
  test::write_file(path, before);
  Follower follower(data_.path(), {});
  ASSERT_TRUE(follower.start());
  test::write_file(path, whole.substr(0, whole.size() - 30));
  EXPECT_EQ(seen(follower), "");
  test::write_file(path, whole);
  EXPECT_EQ(seen(follower), "new");
}

TEST_F(Following, AFolderThatIsNotThereIsSaid) { EXPECT_EQ(Follower("/nowhere/at/all", {}).start().error().kind, ErrorKind::not_found); }

}  // namespace
}  // namespace callgate::audit::follow_test
