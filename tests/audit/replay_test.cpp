#include "audit/replay.hpp"

#include <gtest/gtest.h>

#include "audit/line.hpp"
#include "world.hpp"

namespace callgate::audit::replay_test {
namespace {

using policy::Verdict;
using test::Folder;
using test::World;
using namespace std::chrono_literals;

class Replay : public testing::Test {
 protected:
  void call(std::string_view tool, Verdict verdict = Verdict::allow) {
    static constexpr LimitUse uses[] = {{"/tools/x max=10 window=60s per=session", "server", 9}, {"/y max=1 window=1s per=grant", "ann", 0}};
    CallRecord record = world_.call(verdict);
    record.tool = tool;
    record.grant = "ann";
    record.session = "s1";
    if (verdict == Verdict::allow) record.limits = uses;
    record.limits_taken_at = world_.clock.now();
    (void)world_.journal->record(record);
    (void)world_.journal->flush();
  }
  std::vector<RecordedCall> after(std::uint64_t seq, std::uint64_t unreadable = 0) {
    test::save(world_.disk, data_ / "one");
    std::vector<RecordedCall> calls;
    const Result<std::uint64_t> result = replay(data_ / "one", seq, [&](const RecordedCall& each) { calls.push_back(each); });
    EXPECT_EQ(result.value(), unreadable);
    return calls;
  }

  Folder data_;
  World world_{{.instance = "one", .sync = Sync::none, .segment_bytes = 2500}};
};

TEST_F(Replay, GivesAllowedCallsThatTookLimits) {
  call("a");
  call("b", Verdict::rate_limited);
  (void)world_.written();  // allowed without limits
  world_.clock.advance(1500ms);
  call("c");
  const std::vector<RecordedCall> calls = after(0);
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[1].server, "valkey");
  EXPECT_EQ(calls[1].grant, "ann");
  EXPECT_EQ(calls[1].session, "s1");
  EXPECT_EQ(calls[1].boot_id, world_.clock.boot_id());
  EXPECT_EQ(calls[1].at, world_.clock.now());
  EXPECT_EQ(calls[1].wall_ms, world_.clock.wall_ms());
  ASSERT_EQ(calls[1].uses.size(), 2U);
  EXPECT_EQ(calls[1].uses[0].limit, "/tools/x max=10 window=60s per=session");
  EXPECT_EQ(calls[1].uses[1].scope, "ann");
}

TEST_F(Replay, StartsBehindTheGivenRecordWhereverItStands) {
  std::vector<std::uint64_t> last;
  for (int i = 0; i < 12; ++i) {
    last.push_back(world_.journal->last_seq());
    call("a");
  }
  ASSERT_GE(world_.disk.segments().size(), 3U);
  for (std::size_t i = 0; i < last.size(); ++i) EXPECT_EQ(after(last[i]).size(), 12 - i) << i;
  EXPECT_TRUE(after(world_.journal->last_seq()).empty());
}

TEST_F(Replay, PassesOverATornTailAndCountsRubbish) {
  call("a");
  call("b");
  test::save(world_.disk, data_ / "one");
  const std::string path = data_ / "one/segment-00000001.jsonl";
  const std::string text = test::read_file(path);
  std::vector<RecordedCall> calls;
  const auto take = [&](const RecordedCall& each) { calls.push_back(each); };
  test::write_file(path, text.substr(0, text.size() - 5));
  EXPECT_EQ(replay(data_ / "one", 0, take).value(), 0U);
  EXPECT_EQ(calls.size(), 1U);
  test::write_file(path, "rubbish\n" + text);
  EXPECT_EQ(replay(data_ / "one", 0, take).value(), 1U);
  EXPECT_EQ(calls.size(), 3U);
  EXPECT_FALSE(replay(data_ / "nowhere", 0, take).has_value());
}

}  // namespace
}  // namespace callgate::audit::replay_test
