#include "audit/journal.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <type_traits>

#include "audit/verify.hpp"
#include "base/json.hpp"
#include "world.hpp"

namespace callgate::audit::journal_test {
namespace {

using policy::Permit;
using policy::Verdict;
using test::Folder;
using test::World;
using namespace std::chrono_literals;

// A permit proves a record only if nobody else can make one.
static_assert(!std::is_default_constructible_v<Permit>);
static_assert(!std::is_copy_constructible_v<Permit> && !std::is_copy_assignable_v<Permit>);
static_assert(!std::is_constructible_v<Permit, std::string, Permit::Kind>);
static_assert(!std::is_aggregate_v<Permit>);
static_assert(std::is_move_constructible_v<Permit>);
static_assert(!std::is_default_constructible_v<Ticket> && !std::is_copy_constructible_v<Ticket>);
static_assert(!std::is_aggregate_v<Ticket>);
static_assert(!std::is_constructible_v<Ticket, std::uint64_t>);

/// A line read; the document keeps its bytes.
std::unique_ptr<json::OwnedDocument> parsed(const std::string& line) {
  auto document = json::OwnedDocument::parse(line);
  EXPECT_TRUE(document.has_value()) << line;
  return std::move(document).value();
}

TEST(Journal, GivesAPermitForAWrittenAllow) {
  World world;
  const CallRecord call = world.call();
  Ticket ticket = world.journal->record(call);
  ASSERT_TRUE(world.journal->flush().has_value());
  const Result<Permit> permit = world.journal->permit(std::move(ticket));
  ASSERT_TRUE(permit.has_value());
  EXPECT_EQ(permit->id(), call.id.text());
  EXPECT_EQ(permit->kind(), Permit::Kind::decided);
}

TEST(Journal, GivesNoPermitForAnyVerdictButAllow) {
  World world;
  for (const Verdict verdict : {Verdict::unknown_tool, Verdict::hide, Verdict::quarantined, Verdict::fault, Verdict::deny,
                                Verdict::invalid_arguments, Verdict::rate_limited, Verdict::require_approval}) {
    EXPECT_EQ(world.journal->permit(world.written(verdict)).error().kind, ErrorKind::refused) << policy::word(verdict);
  }
}

/// Security requirements S6, S24: first the record, then the permit.
TEST(Journal, GivesNoPermitBeforeTheRecordIsWritten) {
  World world;
  Ticket ticket = world.journal->record(world.call());
  EXPECT_EQ(world.journal->permit(std::move(ticket)).error().kind, ErrorKind::conflict);
  ASSERT_TRUE(world.journal->flush().has_value());
  EXPECT_TRUE(world.journal->permit(std::move(ticket)).has_value()) << "too early does not spend the ticket";
}

TEST(Journal, GivesOnePermitForATicket) {
  World world;
  Ticket ticket = world.written();
  EXPECT_TRUE(world.journal->permit(std::move(ticket)).has_value());
  EXPECT_EQ(world.journal->permit(std::move(ticket)).error().kind, ErrorKind::refused);
}

TEST(Journal, RefusesTheTicketOfAnotherJournal) {
  World one;
  World two;
  EXPECT_EQ(two.journal->permit(one.written()).error().kind, ErrorKind::refused);
}

TEST(Journal, GivesPermitsForItsOwnTrafficOnly) {
  World world;
  Ticket ticket = world.journal->record_internal(Internal::ping, "valkey", "2025-11-25");
  ASSERT_TRUE(world.journal->flush().has_value());
  const Result<Permit> permit = world.journal->permit(std::move(ticket));
  ASSERT_TRUE(permit.has_value());
  EXPECT_EQ(permit->kind(), Permit::Kind::internal);
  EXPECT_TRUE(parsed(world.lines()[0])->root().find("internal")->equals("ping"));
}

/// Security requirements S24, S26: a record's fields, the id of the boot among them. Protocol item 99.
TEST(Journal, LineHoldsEveryFieldOfTheContract) {
  World world;
  const std::vector<std::string> faults{"schema of `x` does not compile"};
  const LimitUse limits[] = {{"/tools/valkey_read max=10 window=60s per=session", "server", 9}};
  CallRecord call = world.call();
  call.session = "s-1";
  call.grant = "g-1";
  call.principal = "ann";
  call.reason = "because";
  call.faults = faults;
  call.definition = "sha256:def";
  call.args_digest = "hmac-sha256:00";
  call.risk = "Low";
  call.category = "Read";
  call.approval = "a-1";
  call.trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  call.limits = limits;
  call.limits_taken_at = BootTime(1500ns);
  (void)world.journal->record(call);
  ASSERT_TRUE(world.journal->flush().has_value());
  const std::string line = world.lines().at(0);
  const std::string head = R"({"v":1,"seq":1,"time":"2025-06-15T15:06:40.000Z",)"
                           R"("boot":"00000000-0000-4000-8000-000000000001","instance":"one","prev":")" +
                           std::string(first_prev) + R"(","id":")" + call.id.str() + R"(",)";
  EXPECT_EQ(line.substr(0, line.size() - hash_tail_size),
            head +
                R"("server":"valkey","tool":"valkey_read","method":"tools/call","era":"2025-11-25","session":"s-1",)"
                R"("grant":"g-1","principal":"ann","verdict":"allow","rule":"/tools/valkey_read","reason":"because",)"
                R"("faults":["schema of `x` does not compile"],"policy":"sha256:abc","definition":"sha256:def",)"
                R"("args_digest":"hmac-sha256:00","arg_keys":["command","key"],"risk":"Low","category":"Read",)"
                R"("approval":"a-1","trace":"4bf92f3577b34da6a3ce929d0e0e4736","limits":[{"limit":"/tools/valkey_read max=10 window=60s per=session","scope":"server",)"
                R"("remaining":9}],"boot_ns":1500)");
  EXPECT_EQ(parsed(line)->root().find("hash")->raw_string().size(), 64U);
}

TEST(Journal, OutcomeAndRefusalAreRecordsOfTheirOwn) {
  World world;
  Ticket ticket = world.written();
  const Permit permit = world.journal->permit(std::move(ticket)).value();
  world.journal->outcome(permit.id(), {"answered", true, 512, 1500us});
  world.journal->refused({"valkey", "tools/call", "", "unauthenticated"});
  ASSERT_TRUE(world.journal->flush().has_value());
  const auto outcome = parsed(world.lines()[1]);
  EXPECT_TRUE(outcome->root().find("id")->equals(permit.id()));
  EXPECT_EQ(outcome->root().find("outcome")->text(), R"({"status":"answered","is_error":true,"bytes":512,"latency_us":1500})");
  EXPECT_TRUE(parsed(world.lines()[2])->root().find("refused")->equals("unauthenticated"));
}

/// Security requirement S24: what is hostile in a text is escaped.
TEST(Journal, HostileTextsStayInsideTheirLine) {
  World world;
  CallRecord call = world.call(Verdict::unknown_tool);
  const std::string tool = "a\nb\r\"}\x01\x7f\xff{\xe2\x80\xa8";
  call.tool = tool;
  (void)world.journal->record(call);
  ASSERT_TRUE(world.journal->flush().has_value());
  ASSERT_EQ(world.lines().size(), 1U);
  EXPECT_EQ(parsed(world.lines()[0])->root().find("tool")->string(), "a\nb\r\"}\x01\x7f\xef\xbf\xbd{\xe2\x80\xa8");
}

TEST(Journal, LongTextsAndListsAreCut) {
  World world;
  CallRecord call = world.call(Verdict::deny);
  const std::string tool(max_text - 1, 'x');
  const std::string wide = tool + "é and on";
  const std::vector<std::string_view> keys(100'000, "k");
  call.tool = wide;
  call.arg_keys = keys;
  (void)world.journal->record(call);
  ASSERT_TRUE(world.journal->flush().has_value());
  const auto document = parsed(world.lines()[0]);
  const json::Value root = document->root();
  EXPECT_EQ(root.find("tool")->string(), tool + "…");
  EXPECT_EQ(root.find("arg_keys")->size(), max_names);
}

TEST(Journal, WritesATurnAtOnce) {
  World world;
  for (int i = 0; i < 50; ++i) (void)world.journal->record(world.call());
  EXPECT_EQ(world.disk.writes(), 0U);
  EXPECT_TRUE(world.journal->has_unwritten());
  ASSERT_TRUE(world.journal->flush().has_value());
  EXPECT_EQ(world.disk.writes(), 1U);
  EXPECT_FALSE(world.journal->has_unwritten());
  ASSERT_TRUE(world.journal->flush().has_value());
  EXPECT_EQ(world.disk.writes(), 1U) << "nothing to write, nothing written";
}

TEST(Journal, AHugeTurnIsWrittenInPartsAndAllItsTicketsCount) {
  World world;
  std::vector<Ticket> tickets;
  for (int i = 0; i < 2000; ++i) tickets.push_back(world.journal->record(world.call()));
  EXPECT_GT(world.disk.writes(), 0U);
  ASSERT_TRUE(world.journal->flush().has_value());
  for (Ticket& ticket : tickets) EXPECT_TRUE(world.journal->permit(std::move(ticket)).has_value());
}

/// Security requirement S24: files 0600.
TEST(Journal, FilesAreForTheOwnerOnlyAndEachStartHasItsFolder) {
  const Folder data;
  FakeClock clock;
  MemoryLog log;
  const JournalOptions options{.directory = data / "journal", .instance = "one"};
  {
    auto journal = Journal::open(options, clock, log).value();
    (void)journal->record_internal(Internal::list, "valkey");
  }
  struct stat status{};
  ASSERT_EQ(::stat((data / "journal/one").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
  ASSERT_EQ(::stat((data / "journal/one/segment-00000001.jsonl").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(Journal::open(options, clock, log).error().kind, ErrorKind::conflict);

  auto first = Journal::open({.directory = data / "journal"}, clock, log).value();
  auto second = Journal::open({.directory = data / "journal"}, clock, log).value();
  EXPECT_NE(first->instance(), second->instance());
}

/// A journal in a folder, and whether a record in it gives a permit.
struct OnDisk {
  bool permitted() {
    Ticket ticket = journal->record_internal(Internal::list, "valkey");
    (void)journal->flush();
    return journal->permit(std::move(ticket)).has_value();
  }
  std::filesystem::path folder() const { return std::filesystem::path(data / "journal") / "one"; }

  Folder data;
  FakeClock clock;
  MemoryLog log;
  std::unique_ptr<Journal> journal = Journal::open({.directory = data / "journal", .instance = "one"}, clock, log).value();
};

/// Security requirement S24: records that nobody can find allow nothing.
TEST(Journal, GivesNoPermitOnceItsFolderWasTakenAway) {
  OnDisk on_disk;
  on_disk.journal->tick();
  EXPECT_TRUE(on_disk.permitted());
  std::filesystem::remove_all(on_disk.folder());
  on_disk.journal->tick();
  EXPECT_FALSE(on_disk.permitted());
  EXPECT_FALSE(on_disk.journal->health().writing);
}

TEST(Journal, GoesOnInANewSegmentWhenItsFileWasTakenAway) {
  OnDisk on_disk;
  EXPECT_TRUE(on_disk.permitted());
  std::filesystem::remove(on_disk.folder() / "segment-00000001.jsonl");
  on_disk.journal->tick();
  EXPECT_TRUE(on_disk.permitted());
  EXPECT_TRUE(std::filesystem::exists(on_disk.folder() / "segment-00000002.jsonl"));
  EXPECT_TRUE(verify_chain(on_disk.folder().string()).value().fault.has_value()) << "what is missing is seen";
}

/// Security requirement S24: what is written to a file that has another name now is found under none.
TEST(Journal, GoesOnInANewSegmentWhenItsFileWasMovedOrReplaced) {
  for (const bool replaced : {false, true}) {
    OnDisk on_disk;
    ASSERT_TRUE(on_disk.permitted());
    const auto segment = on_disk.folder() / "segment-00000001.jsonl";
    std::filesystem::rename(segment, on_disk.data / "elsewhere");
    if (replaced) std::filesystem::copy_file(on_disk.data / "elsewhere", segment);
    on_disk.journal->tick();
    EXPECT_FALSE(on_disk.journal->health().writing);
    EXPECT_TRUE(on_disk.permitted());
    EXPECT_TRUE(on_disk.journal->health().writing);
    EXPECT_NE(test::read_file((on_disk.folder() / "segment-00000002.jsonl").string()).find("valkey"), std::string::npos);
    on_disk.journal->tick();
    EXPECT_TRUE(on_disk.journal->health().writing);
  }
}

/// Security requirement S24: a folder that was moved takes new segments along as well.
TEST(Journal, GivesNoPermitWhileItsFolderIsMovedOrReplaced) {
  for (const char* instead : {"nothing", "folder", "link"}) {
    OnDisk on_disk;
    ASSERT_TRUE(on_disk.permitted());
    const auto moved = on_disk.data / "moved";
    std::filesystem::rename(on_disk.folder(), moved);
    if (instead == std::string_view("folder")) std::filesystem::create_directory(on_disk.folder());
    if (instead == std::string_view("link")) std::filesystem::create_directory_symlink(moved, on_disk.folder());
    on_disk.journal->tick();
    EXPECT_FALSE(on_disk.permitted()) << instead;
    on_disk.journal->tick();
    EXPECT_FALSE(on_disk.permitted()) << instead;
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(moved) / "segment-00000002.jsonl")) << instead;
    std::filesystem::remove(on_disk.folder());
    std::filesystem::rename(moved, on_disk.folder());
    on_disk.journal->tick();
    EXPECT_TRUE(on_disk.permitted()) << instead << ": it is back";
    on_disk.journal.reset();
    EXPECT_FALSE(verify_chain(on_disk.folder().string()).value().fault.has_value()) << instead << ": what was refused is counted";
  }
}

TEST(Journal, SignsWhatCameBeforeALeapOfTheWallClock) {
  const Folder data;
  World world({.instance = "one", .sync = Sync::none, .signing_key = data / "keys/journal.key"});
  (void)world.written();
  (void)world.written();
  world.clock.set_wall_ms(world.clock.wall_ms() + 24 * 3600 * 1000);
  (void)world.written();
  test::save(world.disk, data / "one");
  std::string key = test::read_file(data / "keys/journal.key.pub");
  key.pop_back();
  const ChainReport report = verify_chain(data / "one", key).value();
  EXPECT_FALSE(report.fault.has_value()) << report.fault->what;
  EXPECT_EQ(report.signed_seq, 4U) << "the first batch, and what stood before the leap";
}

TEST(Journal, SignsWhatCameBeforeALongGap) {
  const Folder data;
  World world({.instance = "one", .sync = Sync::none, .signing_key = data / "keys/journal.key"});
  (void)world.written();
  (void)world.written();
  world.disk.fail_write(EIO);
  (void)world.written();
  world.clock.advance(std::chrono::minutes(4));
  (void)world.written();
  world.disk.fail_write(0);
  (void)world.written();
  world.journal.reset();
  test::save(world.disk, data / "one");
  std::string key = test::read_file(data / "keys/journal.key.pub");
  key.pop_back();
  const ChainReport report = verify_chain(data / "one", key).value();
  EXPECT_FALSE(report.fault.has_value()) << report.fault->where << report.fault->what;
}

TEST(Journal, SignsTheBatchAfterOneThatWasLost) {
  const Folder data;
  World world({.instance = "one", .sync = Sync::none, .signing_key = data / "keys/journal.key"});
  world.disk.fail_write(EIO);
  (void)world.written();
  world.disk.fail_write(0);
  (void)world.written();
  EXPECT_NE(world.lines().back().find("checkpoint"), std::string::npos);
}

TEST(Journal, GoesOnInANewSegmentWhenOneIsFull) {
  World world({.instance = "one", .sync = Sync::none, .segment_bytes = 3000});
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(world.journal->permit(world.written()).has_value());
  world.journal.reset();
  EXPECT_GE(world.disk.segments().size(), 4U);
  EXPECT_EQ(world.disk.segments()[1].name, "segment-00000002.jsonl");
  const Folder data;
  test::save(world.disk, data / "one");
  const ChainReport report = verify_chain(data / "one").value();
  EXPECT_FALSE(report.fault.has_value()) << report.fault->where << report.fault->what;
  EXPECT_TRUE(report.closed);
  EXPECT_EQ(report.segments, world.disk.segments().size());
}

TEST(Journal, SignsItsFirstBatchThenEveryMinuteEachSegmentAndAtTheEnd) {
  const Folder data;
  World world({.instance = "one", .sync = Sync::none, .signing_key = data / "keys/journal.key"});
  (void)world.written();
  world.journal->tick();
  EXPECT_EQ(world.lines().size(), 2U) << "the first batch, and the minute is not over";
  (void)world.written();
  EXPECT_EQ(world.lines().size(), 3U);
  world.clock.advance(61s);
  world.journal->tick();
  EXPECT_EQ(world.lines().size(), 4U);
  world.clock.advance(61s);
  world.journal->tick();
  EXPECT_EQ(world.lines().size(), 4U) << "nothing new to sign";
  (void)world.written();
  EXPECT_EQ(world.lines().size(), 6U) << "a flush signs too";
  world.journal.reset();
  test::save(world.disk, data / "one");
  std::string key = test::read_file(data / "keys/journal.key.pub");
  key.pop_back();
  const ChainReport report = verify_chain(data / "one", key).value();
  EXPECT_FALSE(report.fault.has_value()) << report.fault->what;
  EXPECT_EQ(report.signed_seq, report.last_seq);
  EXPECT_EQ(report.key, key);
}

TEST(Journal, SyncsInTheBackgroundAfterWrites) {
  World world({.instance = "one", .sync = Sync::batch, .sync_every = 1ms});
  (void)world.written();
  world.disk.wait_for_syncs(1);
  (void)world.written();
  world.disk.wait_for_syncs(2);
}

/// Security requirement S24: synced at the chosen level, before the forward.
TEST(Journal, SyncsBeforeThePermitWhenAskedTo) {
  World world({.instance = "one", .sync = Sync::each});
  Ticket ticket = world.written();
  EXPECT_EQ(world.disk.syncs(), 1U);
  EXPECT_TRUE(world.journal->permit(std::move(ticket)).has_value());
}

}  // namespace
}  // namespace callgate::audit::journal_test
