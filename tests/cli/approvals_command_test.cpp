#include "cli/approvals_command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <sstream>
#include <vector>

#include "cli/tiny_gateway.hpp"

namespace callgate::cli::approvals_command_test {
namespace {

using testing::HasSubstr;
using testing::Not;

struct NoEnvironment final : config::Environment {
  std::optional<std::string> variable(std::string_view /*name*/) const override { return std::nullopt; }
  Result<std::string> file(const std::filesystem::path& path) const override {
    return fail(ErrorKind::not_found, path.string());
  }
};

/// A folder, its gateways, and the command as a person would type it.
struct Desk {
  Exit run(std::vector<std::string_view> args) {
    const std::string data = folder.path.string();
    args.push_back("--data");
    args.push_back(data);
    std::istringstream in(typed);
    out.str("");
    err.str("");
    return approvals(args,
                     {.in = in,
                      .person = person,
                      .showing = {.colours = colours, .now_ms = 1'750'000'012'000},
                      .environment = NoEnvironment()},
                     out, err);
  }
  TinyGateway& start(std::string_view name = "g1") {
    gateways.push_back(std::make_unique<TinyGateway>(folder, name));
    return *gateways.back();
  }

  DataFolder folder;
  std::vector<std::unique_ptr<TinyGateway>> gateways;
  std::string typed;
  ApprovalsSetting::Person person = ApprovalsSetting::Person::at_terminal;
  Showing::Colours colours = Showing::Colours::off;
  std::ostringstream out;
  std::ostringstream err;
};

TEST(ApprovalsList, ShowsWhatWaitsAtEveryGateway) {
  Desk desk;
  const std::string first = desk.start("a").ask("valkey_write");
  const std::string second = desk.start("b").ask("charge");
  EXPECT_EQ(desk.run({"list"}), Exit::ok);
  EXPECT_THAT(desk.out.str(), testing::MatchesRegex("ID +AGE +EXPIRES IN +SERVER +TOOL +WHO\n(.*\n)+"));
  EXPECT_THAT(desk.out.str(), HasSubstr(first + "  12s  9m 48s      valkey  valkey_write  g1\n"));
  EXPECT_THAT(desk.out.str(), HasSubstr(second + "  12s  9m 48s      valkey  charge        g1\n"));
  EXPECT_EQ(desk.err.str(), "");
}

TEST(ApprovalsList, SaysThatNothingWaits) {
  Desk desk;
  desk.start();
  EXPECT_EQ(desk.run({"list"}), Exit::ok);
  EXPECT_EQ(desk.out.str(), "no call waits for a person\n");
}

TEST(ApprovalsList, AllShowsFinishedOnesWithTheirState) {
  Desk desk;
  const std::string id = desk.start().ask();
  ASSERT_EQ(desk.run({"deny", id}), Exit::ok);
  ASSERT_EQ(desk.run({"list"}), Exit::ok);
  EXPECT_THAT(desk.out.str(), Not(HasSubstr(id)));
  ASSERT_EQ(desk.run({"list", "--all"}), Exit::ok);
  EXPECT_THAT(desk.out.str(), HasSubstr(id + "  denied  12s  -"));
}

TEST(ApprovalsList, JsonIsOneObjectForPrograms) {
  Desk desk;
  desk.start("a").ask();
  desk.start("b").ask();
  EXPECT_EQ(desk.run({"list", "--json"}), Exit::ok);
  const auto document = json::OwnedDocument::parse(desk.out.str());
  ASSERT_TRUE(document);
  EXPECT_EQ((*document)->root().find("approvals")->size(), 2U);
}

TEST(ApprovalsList, DeadSocketsAreSkipped) {
  Desk desk;
  { const TinyGateway gone(desk.folder, "dead"); }
  ASSERT_TRUE(std::filesystem::is_socket(desk.folder.path / "run" / "dead.sock"));
  EXPECT_EQ(desk.run({"list"}), Exit::unavailable);
  EXPECT_THAT(desk.err.str(), HasSubstr("no gateway runs on"));

  const std::string id = desk.start("alive").ask();
  EXPECT_EQ(desk.run({"list"}), Exit::ok);
  EXPECT_THAT(desk.out.str(), HasSubstr(id));
}

TEST(ApprovalsList, GatewayThatAnswersRubbishIsNamedAndTheOthersAreShown) {
  Desk desk;
  const std::string id = desk.start("b").ask();
  const TinyGateway broken(desk.folder, "a", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhey");
  EXPECT_EQ(desk.run({"list"}), Exit::unavailable);
  EXPECT_THAT(desk.out.str(), HasSubstr(id));
  EXPECT_THAT(desk.err.str(), HasSubstr("a.sock"));
}

TEST(ApprovalsList, ColoursStandOnlyWhereTheyAreWanted) {
  Desk desk;
  desk.start().ask();
  desk.run({"list"});
  EXPECT_THAT(desk.out.str(), Not(HasSubstr("\x1b")));
  desk.colours = Showing::Colours::on;
  desk.run({"list"});
  EXPECT_THAT(desk.out.str(), HasSubstr("\x1b[1mID"));
}

TEST(ApprovalsShow, ShowsTheExactCallWithNothingHidden) {
  Desk desk;
  const std::string id = desk.start().ask("valkey_write", "{\"args\":[\"k\",\"a\u202Eb\"],\"command\":\"SET\"}");
  EXPECT_EQ(desk.run({"show", id}), Exit::ok);
  EXPECT_EQ(desk.out.str(), "approval " + id + R"(, waiting, expires in 9m 48s
  server     valkey (uvx awslabs.valkey-mcp-server)
  tool       valkey_write
  arguments  {
               "args": [
                 "k",
                 "a\u{202e}b"
               ],
               "command": "SET"
             }
  who        g1, 12s ago
  rule       /tools/valkey_write
  reason     writes need a look
)");
}

TEST(ApprovalsShow, UnknownIdIsRefused) {
  Desk desk;
  desk.start();
  EXPECT_EQ(desk.run({"show", "01ARZ3NDEKTSV4RRFFQ69G5FAV"}), Exit::refused);
  EXPECT_THAT(desk.err.str(), HasSubstr("no running gateway knows"));
}

TEST(ApprovalsApprove, ShowsTheCallAndTakesAYes) {
  Desk desk;
  TinyGateway& gateway = desk.start();
  const std::string id = gateway.ask();
  desk.typed = "y\n";
  EXPECT_EQ(desk.run({"approve", id, "--reason", "agreed with Ana"}), Exit::ok);
  EXPECT_THAT(desk.err.str(), HasSubstr("\"key\": \"a\""));
  EXPECT_THAT(desk.err.str(), HasSubstr("[y/N]"));
  EXPECT_THAT(desk.out.str(), HasSubstr("approved: the call may run once within"));
  EXPECT_EQ(gateway.approval(id).state, approval::State::approved);
  EXPECT_EQ(gateway.approval(id).answer_reason, "agreed with Ana");
}

class NoYes : public testing::TestWithParam<std::string> {};

TEST_P(NoYes, LeavesTheCallWaiting) {
  Desk desk;
  TinyGateway& gateway = desk.start();
  const std::string id = gateway.ask();
  desk.typed = GetParam();
  EXPECT_EQ(desk.run({"approve", id}), Exit::refused);
  EXPECT_EQ(gateway.approval(id).state, approval::State::waiting);
}

INSTANTIATE_TEST_SUITE_P(ApprovalsApprove, NoYes, testing::Values("n\n", "\n", "", "yess\n", " y\n", "\x1b[Ay\n"));

TEST(ApprovalsApprove, WithoutATerminalNeedsYes) {
  Desk desk;
  TinyGateway& gateway = desk.start();
  const std::string id = gateway.ask();
  desk.person = ApprovalsSetting::Person::absent;
  desk.typed = "y\n";
  EXPECT_EQ(desk.run({"approve", id}), Exit::usage);
  EXPECT_EQ(gateway.approval(id).state, approval::State::waiting);
  EXPECT_EQ(desk.run({"approve", id, "--yes"}), Exit::ok);
  EXPECT_EQ(gateway.approval(id).state, approval::State::approved);
}

TEST(ApprovalsApprove, FindsTheGatewayThatAsked) {
  Desk desk;
  TinyGateway& first = desk.start("a");
  TinyGateway& second = desk.start("b");
  const std::string other = first.ask();
  const std::string id = second.ask();
  EXPECT_EQ(desk.run({"approve", id, "--yes", "--json"}), Exit::ok);
  EXPECT_THAT(desk.out.str(), HasSubstr("\"state\":\"approved\""));
  EXPECT_EQ(first.approval(other).state, approval::State::waiting);
}

TEST(ApprovalsApprove, IdMayBeTypedInLowerCase) {
  Desk desk;
  TinyGateway& gateway = desk.start();
  const std::string id = gateway.ask();
  std::string lower = id;
  std::ranges::transform(lower, lower.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
  EXPECT_EQ(desk.run({"approve", lower, "--yes"}), Exit::ok);
}

TEST(ApprovalsApprove, QuestionThatNoLongerWaitsIsRefused) {
  Desk desk;
  TinyGateway& gateway = desk.start();
  const std::string id = gateway.ask();
  ASSERT_EQ(desk.run({"deny", id}), Exit::ok);
  EXPECT_EQ(desk.run({"approve", id, "--yes"}), Exit::refused);
  EXPECT_THAT(desk.err.str(), HasSubstr("it is denied"));
  const std::string late = gateway.ask("other");
  gateway.advance(std::chrono::seconds(600));
  EXPECT_EQ(desk.run({"approve", late, "--yes"}), Exit::refused);
  EXPECT_THAT(desk.err.str(), HasSubstr("it is expired"));
}

TEST(ApprovalsDeny, AsksNothingAndKeepsTheReason) {
  Desk desk;
  TinyGateway& gateway = desk.start();
  const std::string id = gateway.ask();
  desk.person = ApprovalsSetting::Person::absent;
  EXPECT_EQ(desk.run({"deny", id, "--reason=not \"today\""}), Exit::ok);
  EXPECT_EQ(gateway.approval(id).state, approval::State::denied);
  EXPECT_EQ(gateway.approval(id).answer_reason, "not \"today\"");
}

struct Words {
  std::string name;
  std::vector<std::string_view> args;
};

class BadUsage : public testing::TestWithParam<Words> {};

TEST_P(BadUsage, IsSaidBeforeAnybodyIsAsked) {
  Desk desk;
  EXPECT_EQ(desk.run(GetParam().args), Exit::usage);
  EXPECT_THAT(desk.err.str(), HasSubstr("see `callgate approvals --help`"));
  EXPECT_EQ(desk.out.str(), "");
}

constexpr std::string_view kId = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

INSTANTIATE_TEST_SUITE_P(ApprovalsFlags, BadUsage,
                         testing::Values(Words{"unknown_verb", {"accept", kId}}, Words{"help_of_an_unknown_verb", {"accept", "--help"}}, Words{"no_id", {"approve"}},
                                         Words{"no_ulid", {"show", "42"}}, Words{"two_ids", {"deny", kId, kId}},
                                         Words{"id_on_list", {"list", kId}}, Words{"yes_on_deny", {"deny", kId, "--yes"}},
                                         Words{"all_on_show", {"show", kId, "--all"}},
                                         Words{"reason_on_list", {"list", "--reason", "x"}},
                                         Words{"empty_reason", {"deny", kId, "--reason="}},
                                         Words{"unknown_flag", {"list", "--force"}}),
                         [](const auto& row) { return row.param.name; });

TEST(ApprovalsFlags, NoWordAtAllIsUsage) {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  const NoEnvironment environment;
  EXPECT_EQ(approvals({}, {.in = in, .showing = {}, .environment = environment}, out, err), Exit::usage);
}

TEST(ApprovalsFlags, HelpHasAnExample) {
  Desk desk;
  EXPECT_EQ(desk.run({"approve", "--help"}), Exit::ok);
  EXPECT_THAT(desk.out.str(), HasSubstr("Example:\n"));
}

}  // namespace
}  // namespace callgate::cli::approvals_command_test
