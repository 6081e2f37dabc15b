#include "cli/audit_command.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <sstream>

#include "audit/world.hpp"
#include "base/json.hpp"

namespace callgate::cli::audit_command_test {
namespace {

using audit::test::Folder;
using policy::Verdict;
using namespace std::chrono_literals;

class NoEnvironment final : public config::Environment {
 public:
  std::optional<std::string> variable(std::string_view /*name*/) const override { return std::nullopt; }
  Result<std::string> file(const std::filesystem::path& path) const override {
    return config::ProcessEnvironment().file(path);
  }
};

struct Answer {
  Exit exit = Exit::ok;
  std::string out;
  std::string err;
};

/// A data folder with one journal: an allowed call with its outcome, a denied
/// one ten minutes later, a ping, a refusal.
class AuditCommand : public testing::Test {
 protected:
  AuditCommand() {
    auto journal = audit::Journal::open({.directory = data_ / "journal", .instance = "one", .signing_key = data_ / "keys/journal.key"},
                                        clock_, log_).value();
    allowed_ = record(*journal, "valkey_read", Verdict::allow);
    journal->outcome(allowed_, {"answered", false, 512, 1500us});
    (void)journal->record_internal(audit::Internal::ping, "valkey");
    (void)journal->flush();
    clock_.advance(10min);
    record(*journal, "valkey_write", Verdict::deny);
    journal->refused({.server = "valkey", .method = "tools/call", .reason = "unauthenticated"});
    (void)journal->flush();
  }

  static std::string record(audit::Journal& journal, std::string_view tool, Verdict verdict) {
    audit::CallRecord call{.id = journal.next_id(), .server = "valkey", .tool = tool, .method = "tools/call", .verdict = verdict};
    const std::string rule = "/tools/" + std::string(tool);
    call.rule = rule;
    (void)journal.record(call);
    return call.id.str();
  }

  Answer run(std::vector<std::string> words) {
    words.push_back("--data");
    words.push_back(data_.path());
    return run_bare(words);
  }
  Answer run_bare(const std::vector<std::string>& words, std::function<bool()> wait = {}) {
    const std::vector<std::string_view> args(words.begin(), words.end());
    std::ostringstream out;
    std::ostringstream err;
    const NoEnvironment environment;
    const Exit exit = cli::audit(args, {.showing = {.now_ms = clock_.wall_ms()}, .environment = environment, .wait = std::move(wait)}, out, err);
    return {exit, out.str(), err.str()};
  }
  std::string segment() const { return data_ / "journal/one/segment-00000001.jsonl"; }
  void damage() {
    std::string text = audit::test::read_file(segment());
    text.replace(text.find("valkey_write"), 12, "valkey_wrote");
    audit::test::write_file(segment(), text);
  }

  Folder data_;
  FakeClock clock_;
  MemoryLog log_;
  std::string allowed_;
};

std::size_t lines_of(const std::string& text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }

TEST_F(AuditCommand, TailShowsCallsWithTheirOutcome) {
  const Answer answer = run({"tail"});
  EXPECT_EQ(answer.exit, Exit::ok);
  EXPECT_EQ(lines_of(answer.out), 4U) << answer.out;
  EXPECT_NE(answer.out.find("VERDICT"), std::string::npos);
  EXPECT_NE(answer.out.find("answered 1500 us"), std::string::npos);
  EXPECT_NE(answer.out.find(allowed_), std::string::npos);
  EXPECT_NE(answer.out.find("unauthenticated"), std::string::npos);
  EXPECT_EQ(answer.out.find("ping"), std::string::npos);
  EXPECT_EQ(answer.out.find('\x1b'), std::string::npos) << "no colours off a terminal";
}

TEST_F(AuditCommand, FollowShowsEveryFurtherCallAndHowItEnded) {
  auto journal = audit::Journal::open({.directory = data_ / "journal", .instance = "two"}, clock_, log_).value();
  std::string slow;
  int looks = 0;
  const auto wait = [&] {
    clock_.advance(1s);
    if (looks == 0) slow = record(*journal, "slow", Verdict::allow);
    if (looks == 1) record(*journal, "quick", Verdict::deny);
    if (looks == 2) journal->outcome(slow, {"answered", false, 1, 2500us});
    (void)journal->flush();
    return looks++ < 3;
  };
  const Answer answer = run_bare({"tail", "-f", "--lines", "1", "--data", data_.path()}, wait);
  EXPECT_EQ(answer.exit, Exit::ok) << answer.err;
  EXPECT_EQ(lines_of(answer.out), 5U) << answer.out;  // header, the newest, slow, quick, slow again
  EXPECT_LT(answer.out.find("unauthenticated"), answer.out.find("running"));
  EXPECT_LT(answer.out.find("running"), answer.out.find("quick"));
  EXPECT_LT(answer.out.find("quick"), answer.out.find("answered 2500 us"));
}

TEST_F(AuditCommand, FollowGivesProgramsEachLineOnce) {
  auto journal = audit::Journal::open({.directory = data_ / "journal", .instance = "two"}, clock_, log_).value();
  std::string slow;
  int looks = 0;
  const auto wait = [&] {
    clock_.advance(1s);
    if (looks == 0) slow = record(*journal, "slow", Verdict::allow);
    if (looks == 1) journal->outcome(slow, {"answered", false, 1, 2500us});
    (void)journal->flush();
    return looks++ < 2;
  };
  const Answer answer = run_bare({"tail", "--follow", "--json", "--lines", "1", "--data", data_.path()}, wait);
  EXPECT_EQ(lines_of(answer.out), 3U) << answer.out;
  EXPECT_NE(answer.out.find("{\"status\":\"answered\""), std::string::npos);
}

TEST_F(AuditCommand, RowsWithoutAToolShowTheirMethod) {
  clock_.advance(1s);
  auto journal = audit::Journal::open({.directory = data_ / "journal", .instance = "two"}, clock_, log_).value();
  (void)journal->record({.id = journal->next_id(), .server = "valkey", .method = "initialize", .verdict = Verdict::allow});
  journal.reset();
  EXPECT_NE(run({"tail", "--lines", "1"}).out.find("initialize"), std::string::npos);
}

TEST_F(AuditCommand, ColumnsStandApartHoweverLongTheirTextIs) {
  clock_.advance(1s);
  auto journal = audit::Journal::open({.directory = data_ / "journal", .instance = "two"}, clock_, log_).value();
  const std::string tool(60, 't');
  std::string reason;
  for (int i = 0; i < 60; ++i) reason += "ü";
  const audit::CallRecord call{.id = journal->next_id(), .server = "valkey", .tool = tool, .method = "tools/call", .verdict = Verdict::deny, .reason = reason};
  (void)journal->record(call);
  journal.reset();
  const std::string out = run({"tail", "--lines", "1"}).out;
  EXPECT_NE(out.find("  " + std::string(47, 't') + "…  "), std::string::npos) << out;
  EXPECT_NE(out.find("ü…  " + std::string(call.id.str()) + "\n"), std::string::npos) << out;
  const std::size_t header = out.find("ID\n");
  const std::string row = out.substr(out.find('\n') + 1);
  std::size_t width = 0;  // in characters
  for (const char c : row.substr(0, row.find(call.id.str()))) width += (static_cast<unsigned char>(c) & 0xc0U) != 0x80U ? 1 : 0;
  EXPECT_EQ(width, header) << out;
}

TEST_F(AuditCommand, TailShowsTheNewestFew) {
  const Answer answer = run({"tail", "--lines", "1"});
  EXPECT_EQ(lines_of(answer.out), 2U);
  EXPECT_NE(answer.out.find("refused"), std::string::npos);
}

TEST_F(AuditCommand, AllShowsTheGatewaysOwnTrafficToo) {
  const Answer answer = run({"tail", "--all"});
  EXPECT_NE(answer.out.find("ping"), std::string::npos);
  EXPECT_NE(answer.out.find("checkpoint"), std::string::npos);
}

struct Search {
  std::string name;
  std::vector<std::string> flags;
  std::vector<std::string> found;
};

TEST_F(AuditCommand, SearchFindsWhatFits) {
  const Search rows[] = {
      {"tool", {"--tool", "valkey_write"}, {"valkey_write"}},
      {"verdict", {"--verdict", "allow"}, {"valkey_read"}},
      {"both", {"--tool", "valkey_read", "--verdict", "deny"}, {}},
      {"server", {"--server", "valkey"}, {"valkey_read", "valkey_write", "tools/call"}},
      {"other_server", {"--server", "billing"}, {}},
      {"lately", {"--since", "5m"}, {"valkey_write", "tools/call"}},
      {"since_a_while", {"--since", "11m"}, {"valkey_read", "valkey_write", "tools/call"}},
      {"since_a_time", {"--since", "2025-06-15T15:10"}, {"valkey_write", "tools/call"}},
      {"grant", {"--grant", "ann"}, {}},
  };
  for (const Search& row : rows) {
    std::vector<std::string> words{"search", "--json"};
    words.insert(words.end(), row.flags.begin(), row.flags.end());
    const Answer answer = run(words);
    EXPECT_EQ(answer.exit, Exit::ok) << row.name;
    std::istringstream lines(answer.out);
    std::vector<std::string> found;
    for (std::string line; std::getline(lines, line);) {
      const auto document = json::OwnedDocument::parse(line).value();
      if (document->root().find("outcome")) continue;
      const auto tool = document->root().find("tool");
      found.push_back(tool ? tool->string() : document->root().find("method")->string());
    }
    EXPECT_EQ(found, row.found) << row.name;
  }
}

TEST_F(AuditCommand, IdShowsOneRecordInFull) {
  const Answer answer = run({"search", "--id", allowed_});
  EXPECT_EQ(answer.exit, Exit::ok);
  EXPECT_NE(answer.out.find("rule         /tools/valkey_read"), std::string::npos) << answer.out;
  EXPECT_NE(answer.out.find(R"({"status":"answered")"), std::string::npos);
  EXPECT_EQ(run({"search", "--id", "01ARYZ6S410000000000000000"}).exit, Exit::refused);
}

TEST_F(AuditCommand, RecordedTextCannotMoveTheCursor) {
  auto journal = audit::Journal::open({.directory = data_ / "journal", .instance = "two"}, clock_, log_).value();
  record(*journal, "x\x1b[2J\xe2\x80\xae", Verdict::unknown_tool);
  journal.reset();
  for (const Answer& answer : {run({"tail"}), run({"search", "--json"})}) {
    EXPECT_EQ(answer.out.find('\x1b'), std::string::npos);
    EXPECT_NE(answer.out.find("unknown_tool"), std::string::npos);
  }
  EXPECT_EQ(run({"tail"}).out.find("\xe2\x80\xae"), std::string::npos);
}

TEST_F(AuditCommand, VerifyProvesTheChainWithTheKeyOfTheFolder) {
  const Answer answer = run({"verify"});
  EXPECT_EQ(answer.exit, Exit::ok) << answer.out;
  EXPECT_NE(answer.out.find("journal/one: ok: "), std::string::npos);
  EXPECT_NE(answer.out.find("signed up to record"), std::string::npos);
  EXPECT_NE(answer.out.find("closed"), std::string::npos);
}

TEST_F(AuditCommand, VerifyNamesTheFirstBadRecord) {
  damage();
  const Answer answer = run({"verify"});
  EXPECT_EQ(answer.exit, Exit::refused);
  EXPECT_NE(answer.out.find("segment-00000001.jsonl:5: damaged: the record was changed"), std::string::npos) << answer.out;
  const Answer json = run({"verify", "--json"});
  EXPECT_EQ(json.exit, Exit::refused);
  const auto document = json::OwnedDocument::parse(json.out.substr(0, json.out.size() - 1)).value();
  EXPECT_FALSE(document->root().find("ok")->boolean());
  const json::Value chain = *document->root().find("chains")->elements().begin();
  EXPECT_TRUE(chain.find("fault")->find("where")->string().ends_with("segment-00000001.jsonl:5"));
}

TEST_F(AuditCommand, VerifyWantsTheGivenKey) {
  EXPECT_EQ(run({"verify", "--key", data_ / "keys/journal.key.pub"}).exit, Exit::ok);
  const Answer answer = run({"verify", "--key", std::string(43, 'A')});
  EXPECT_EQ(answer.exit, Exit::refused);
  EXPECT_NE(answer.out.find("another key"), std::string::npos);
}

TEST_F(AuditCommand, VerifySaysWhatItDidNotProve) {
  const Answer whole = run({"verify"});
  EXPECT_EQ(whole.out.find("not proved"), std::string::npos) << whole.out;
  EXPECT_NE(run({"verify", "--json"}).out.find(R"("ok":true,"not_closed":0,"key_checked":true})"), std::string::npos);
  std::filesystem::remove(data_ / "keys/journal.key.pub");
  const Answer keyless = run({"verify"});
  EXPECT_EQ(keyless.exit, Exit::ok);
  EXPECT_NE(keyless.out.find("not proved: who signed. There is no public key at `" + (data_ / "keys/journal.key.pub") + "`"), std::string::npos) << keyless.out;
  std::string text = audit::test::read_file(segment());
  text.resize(text.rfind('\n', text.size() - 2) + 1);
  audit::test::write_file(segment(), text);
  const Answer cut = run({"verify"});
  EXPECT_EQ(cut.exit, Exit::ok);
  EXPECT_NE(cut.out.find("not proved: the end of 1 chain without a closing record"), std::string::npos) << cut.out;
  EXPECT_NE(run({"verify", "--json"}).out.find(R"("ok":true,"not_closed":1,"key_checked":false})"), std::string::npos);
}

TEST_F(AuditCommand, AChainUnderAnotherNameIsAFault) {
  std::filesystem::rename(data_ / "journal/one", data_ / "journal/two");
  const Answer answer = run({"verify"});
  EXPECT_EQ(answer.exit, Exit::refused);
  EXPECT_NE(answer.out.find("instance `one` stands in a folder of another name"), std::string::npos) << answer.out;
  EXPECT_EQ(run_bare({"verify", data_ / "journal/two"}).exit, Exit::ok) << "a copy that is named by itself";
}

TEST_F(AuditCommand, TornTailIsSaidButIsNoDamage) {
  std::string text = audit::test::read_file(segment());
  text.resize(text.size() - 20);
  audit::test::write_file(segment(), text);
  const Answer answer = run({"verify"});
  EXPECT_EQ(answer.exit, Exit::ok);
  EXPECT_NE(answer.out.find("torn tail at "), std::string::npos);
  EXPECT_EQ(run({"tail"}).err, "");
}

TEST_F(AuditCommand, UnreadableLinesAreCounted) {
  audit::test::write_file(segment(), audit::test::read_file(segment()) + "rubbish\n");
  const Answer answer = run({"tail"});
  EXPECT_EQ(answer.exit, Exit::ok);
  EXPECT_NE(answer.err.find("1 lines cannot be read"), std::string::npos);
}

TEST_F(AuditCommand, FolderMayBeNamed) {
  for (const std::string& folder : {data_.path(), data_ / "journal", data_ / "journal/one"}) {
    EXPECT_EQ(run_bare({"verify", folder}).exit, Exit::ok) << folder;
    EXPECT_EQ(lines_of(run_bare({"tail", folder}).out), 4U) << folder;
  }
}

TEST_F(AuditCommand, SaysWhatIsWrongWithItsCommandLine) {
  const std::map<std::vector<std::string>, Exit> rows{
      {{}, Exit::usage},
      {{"show"}, Exit::usage},
      {{"--help"}, Exit::ok},
      {{"tail", "--help"}, Exit::ok},
      {{"show", "--help"}, Exit::usage},
      {{"tail", "--tool", "x"}, Exit::usage},
      {{"verify", "--all"}, Exit::usage},
      {{"search", "--follow"}, Exit::usage},
      {{"tail", "--follow", "/nowhere/at/all"}, Exit::unavailable},
      {{"search", "--verdict", "maybe"}, Exit::usage},
      {{"search", "--since", "soon"}, Exit::usage},
      {{"search", "--since", "10x"}, Exit::usage},
      {{"search", "--since", "-5m"}, Exit::usage},
      {{"search", "--since", "99999999999999999d"}, Exit::usage},
      {{"tail", "--lines", "0"}, Exit::usage},
      {{"tail", "a", "b"}, Exit::usage},
      {{"verify", "/nowhere/at/all"}, Exit::unavailable},
      {{"tail", "/nowhere/at/all"}, Exit::unavailable},
      {{"verify", data_ / "keys"}, Exit::unavailable},
  };
  for (const auto& [words, exit] : rows) {
    std::vector<std::string> with_data = words;
    if (!words.empty()) with_data.insert(with_data.end(), {"--data", data_.path()});
    const Answer answer = run_bare(with_data);
    EXPECT_EQ(answer.exit, exit) << (words.empty() ? "nothing" : words.back());
    EXPECT_EQ(answer.err.empty(), exit == Exit::ok);
  }
}

}  // namespace
}  // namespace callgate::cli::audit_command_test
