// A policy's file: taken up when it changes, its tests held against the tools that the server lists.
#include <algorithm>
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include "config/text_file.hpp"
#include "gateway/world.hpp"

namespace callgate::gateway::policy_file_test {
namespace {

constexpr const char* allow_all = "callgate: 1\ndefault: allow\n";

class PolicyFile : public World {};

TEST_F(PolicyFile, ThatChangedIsTakenUpAndAFaultyOneIsNot) {
  start(allow_all);
  open_session();
  EXPECT_NE(call("read", "{}", 1).body.find("done"), std::string::npos);
  std::filesystem::rename(folder / "policy.yaml", folder / "old.yaml");
  write_policy("callgate: 1\ndefault: deny\n");
  policies.refresh();
  EXPECT_NE(call("read", "{}", 2).body.find(R"("verdict":"deny")"), std::string::npos);
  gates->test_policies();
  EXPECT_NE(metrics.prometheus().find("callgate_policy_as_file{server=\"fake\"} 1\n"), std::string::npos) << metrics.prometheus();
  write_policy("callgate: 1\ndefault: alow\n");
  policies.refresh();
  gates->test_policies();
  EXPECT_EQ(policies.faulty(), 1U);
  for (const char* line : {"callgate_policy_as_file{server=\"fake\"} 0\n", "callgate_policies_refused 1\n", "callgate_policy_refused_total 1\n"})
    EXPECT_NE(metrics.prometheus().find(line), std::string::npos) << line << metrics.prometheus();
  EXPECT_NE(call("read", "{}", 3).body.find(R"("verdict":"deny")"), std::string::npos) << "the last good one stands";
  write_policy(allow_all);
  policies.refresh();
  gates->test_policies();
  for (const char* line : {"callgate_policy_as_file{server=\"fake\"} 1\n", "callgate_policies_refused 0\n", "callgate_policy_refused_total 1\n"})
    EXPECT_NE(metrics.prometheus().find(line), std::string::npos) << line << metrics.prometheus();
}

/// Security requirement S23: half a file may be a policy that lacks the rules that follow.
TEST_F(PolicyFile, ThatIsBeingWrittenIsLeftUntilItRests) {
  start("callgate: 1\ndefault: deny\n");
  open_session();
  using Look = Policies::Look;
  config::FileWatch::Instant now{};
  const auto later = [&](std::chrono::milliseconds time) { return policies.refresh(Look::settled, {}, [&] { return now += time / 2; }); };
  const std::chrono::milliseconds half_a_second(500);
  EXPECT_FALSE(later(half_a_second));
  write_policy("callgate: 1\ndefault: allow\n");
  EXPECT_FALSE(later(half_a_second));
  EXPECT_FALSE(later(half_a_second)) << "it was the same at two looks, and may still be half a file";
  write_policy("callgate: 1\ndefault: allow\ntools:\n  read: {action: deny, reason: the whole of it}\n");
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(later(half_a_second));
  EXPECT_EQ(call("read", "{}", 1).body.find("the whole of it"), std::string::npos);
  EXPECT_TRUE(later(config::FileWatch::rest));
  EXPECT_NE(call("read", "{}", 2).body.find("the whole of it"), std::string::npos);
}

/// Security requirement S23: it rested, and the next half came between the look and the reading.
TEST_F(PolicyFile, APolicyFileThatIsWrittenToOnceMoreAfterItRestedIsLeft) {
  start("callgate: 1\ndefault: deny\n");
  using Look = Policies::Look;
  config::FileWatch::Instant now{};
  const auto before = policies.find(folder / "policy.yaml");
  write_policy("callgate: 1\ndefault: deny\ntools:\n  read: {action: allow}\n");
  EXPECT_FALSE(policies.refresh(Look::settled, {}, [&] { return now; }));
  now += config::FileWatch::rest;
  int readings = 0;
  EXPECT_FALSE(policies.refresh(Look::settled, {}, [&] {
    if (++readings == 2) write_policy("callgate: 1\ndefault: allow\n");
    return now;
  }));
  EXPECT_EQ(readings, 2) << "the clock is read before the file is looked at, and after";
  EXPECT_EQ(policies.find(folder / "policy.yaml"), before);
  EXPECT_FALSE(policies.refresh(Look::settled, {}, [&] { return now; })) << "another version, which has not rested";
  now += config::FileWatch::rest;
  EXPECT_TRUE(policies.refresh(Look::settled, {}, [&] { return now; }));
}

/// Security requirement S23: a wish for one server takes up no other server's half policy.
TEST_F(PolicyFile, OnlyThePolicyThatTheGatewayPutInPlaceItselfNeedNotRest) {
  start("callgate: 1\ndefault: deny\n");
  const auto whole = folder / "whole.yaml";
  std::filesystem::copy_file(folder / "policy.yaml", whole);
  ASSERT_TRUE(policies.load(whole).has_value());
  const auto before = policies.find(folder / "policy.yaml");
  std::filesystem::rename(folder / "policy.yaml", folder / "old.yaml");
  write_policy("callgate: 1\ndefault: allow\n");
  ASSERT_TRUE(config::write_text(whole, allow_all).has_value());
  config::FileWatch::Instant now{};
  EXPECT_TRUE(policies.refresh(Policies::Look::settled, whole, [&] { return now; }));
  EXPECT_FALSE(policies.refresh(Policies::Look::settled, whole, [&] { return now += std::chrono::milliseconds(5); }));
  EXPECT_EQ(policies.find(folder / "policy.yaml"), before) << "two looks, a moment apart";
  EXPECT_NE(policies.find(whole)->hash(), before->hash());
}

/// Security requirement S23: what was read while somebody wrote is neither taken up nor refused, and tried again.
TEST_F(PolicyFile, APolicyThatIsWrittenToWhileItIsReadIsTriedAgain) {
  start("callgate: 1\ndefault: deny\n");
  const auto before = policies.find(folder / "policy.yaml");
  const auto fresh = folder / "new.yaml";
  std::atomic<bool> over = false;
  std::thread writer([&] {
    while (!over) {
      // No policy from its first byte on: nearly all of the time goes into the reading, so also where one processor
      // serves both a writer comes in its midst.
      std::ofstream torn(fresh);
      std::ofstream in_force(folder / "policy.yaml");
      for (std::ofstream* each : {&torn, &in_force}) *each << "\xff" << std::string(500'000, '#') << std::flush;
      for (int more = 0; more < 100'000 && !over; ++more) {
        torn << '#' << std::flush;
        in_force << '#' << std::flush;
      }
    }
  });
  bool tried_later = false;
  for (const auto until = net::Loop::read_clock() + std::chrono::seconds(20); !tried_later && net::Loop::read_clock() < until;) {
    const auto loaded = policies.load(fresh);
    tried_later = !loaded && loaded.error().kind == ErrorKind::conflict;
    policies.refresh();
  }
  EXPECT_TRUE(tried_later);
  EXPECT_EQ(policies.find(folder / "policy.yaml"), before);
  over = true;
  writer.join();
  for (const char* name : {"new.yaml", "policy.yaml"}) std::ofstream(folder / name) << allow_all;
  EXPECT_TRUE(policies.load(fresh).has_value() || policies.refresh());
  policies.refresh();
  ASSERT_NE(policies.find(fresh), nullptr);
  EXPECT_NE(policies.find(folder / "policy.yaml"), before);
}

/// Security requirement S23: nothing stands in force before a policy that is new, so it is waited for.
TEST_F(PolicyFile, ANewPolicyThatMayStillBeWrittenWaits) {
  const auto file = folder / "new.yaml";
  std::ofstream(file) << "callgate: 1\ndefault: allow\n";
  const auto early = policies.load(file, Policies::Young::waits);
  ASSERT_FALSE(early.has_value());
  EXPECT_EQ(early.error().kind, ErrorKind::conflict) << "to be asked again, not refused";
  EXPECT_EQ(policies.faulty(), 0U);
  EXPECT_EQ(policies.find(file), nullptr);
  std::filesystem::last_write_time(file, std::filesystem::last_write_time(file) - config::FileWatch::rest);
  EXPECT_TRUE(policies.load(file, Policies::Young::waits).has_value());
}

/// Security requirement S23: a link that is swapped is a changed file, and is taken up whole.
TEST_F(PolicyFile, APolicyBehindALinkIsTakenUpWhenTheLinkIsSwapped) {
  const auto points_to = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder / name) << text;
    std::filesystem::permissions(folder / name, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::filesystem::create_symlink(name, folder / "next");
    std::filesystem::rename(folder / "next", folder / "policy.yaml");
  };
  points_to("first.yaml", allow_all);
  start(allow_all);  // written through the link
  open_session();
  EXPECT_NE(call("read", "{}", 1).body.find("done"), std::string::npos);
  points_to("second.yaml", "callgate: 1\ndefault: deny\n");
  policies.refresh();
  EXPECT_NE(call("read", "{}", 2).body.find(R"("verdict":"deny")"), std::string::npos);
  std::filesystem::remove(folder / "policy.yaml");
  policies.refresh();
  EXPECT_NE(call("read", "{}", 3).body.find(R"("verdict":"deny")"), std::string::npos) << "the last good one stands";
}

TEST_F(PolicyFile, APolicyWhosePatternsTieOnAToolIsRefused) {
  policies.hold_against([](const std::filesystem::path&) -> std::optional<policy::ToolList> {
    auto tools = policy::ToolList::parse(R"({"tools":[{"name":"read"}]})");
    return tools ? std::optional(std::move(*tools)) : std::nullopt;
  });
  start("callgate: 1\ndefault: allow\n");
  open_session();
  write_policy("callgate: 1\ndefault: deny\ntools:\n  \"rea*\": {action: allow}\n  \"*ead\": {action: deny}\n");
  EXPECT_FALSE(policies.refresh());
  EXPECT_NE(call("read").body.find("done"), std::string::npos) << "the last good policy stays";
}

/// A policy that does not do what it says of itself is not put in force, like one that cannot be read.
TEST_F(PolicyFile, APolicyWhoseOwnTestDoesNotHoldIsRefused) {
  start("callgate: 1\ndefault: deny\ntools: {read: {action: allow}}\n");
  open_session();
  const std::string wrong = "callgate: 1\ndefault: allow\nexpect:\n  - {call: {tool: write}, verdict: allow}\n  - {call: {tool: write}, verdict: deny}\n";
  write_policy(wrong);
  EXPECT_FALSE(policies.refresh());
  EXPECT_EQ(policies.faulty(), 1U);
  EXPECT_NE(call("write").body.find(R"("verdict":"deny")"), std::string::npos) << "the last good policy stays";
  const auto file = folder / "new.yaml";
  ASSERT_TRUE(config::write_text(file, wrong));
  const auto loaded = policies.load(file);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message, file.string() + ":5:5: its own test does not hold, tool `write`: expected `deny`, the policy says `allow` by `/default`: "
                                                    "no rule names this, and the policy allows what it does not name");
  EXPECT_EQ(policies.find(file), nullptr);
}

/// What a tool is, its own schema and whether there is one are no matter of the file.
TEST_F(PolicyFile, ATestThatDependsOnTheToolsRefusesNoPolicy) {
  start("callgate: 1\ndefault: deny\n");
  const auto file = folder / "new.yaml";
  ASSERT_TRUE(config::write_text(file, "callgate: 1\ndefault: deny\nclasses: {Read: {action: allow}}\nexpect: [{call: {tool: read}, verdict: allow}]\n"));
  EXPECT_TRUE(policies.load(file));
}

/// Tests that the file alone does not break (`unknown_tool`, a rule by class, a tool's own schema) may be broken by the tools.
TEST_F(PolicyFile, WhoseTestsItsServersToolsBreakIsToldOnceAndShown) {
  const std::string unmet = "callgate_policy_tests_unmet{server=\"fake\"} ";
  const std::string tests = "expect:\n  - {call: {tool: read}, verdict: allow}\n  - {call: {tool: write, arguments: {n: text}}, verdict: invalid_arguments}\n";
  start(allow_all + tests + "  - {call: {tool: reed}, verdict: allow}\n  - {call: {tool: secret}, verdict: unknown_tool}\n");
  EXPECT_NE(metrics.prometheus().find(unmet + "0\n"), std::string::npos) << "nobody knows the tools yet";
  open_session();
  EXPECT_NE(call("read").body.find("done"), std::string::npos) << "it is in force";
  gates->test_policies();
  EXPECT_NE(metrics.prometheus().find(unmet + "2\n"), std::string::npos) << metrics.prometheus();
  ASSERT_EQ(gates->all().front()->unmet_tests().size(), 2U);
  EXPECT_NE(gates->all().front()->unmet_tests()[0].message.find("tool `reed`: expected `allow`, the policy says `unknown_tool`"), std::string::npos);
  EXPECT_TRUE(gates->all().front()->unmet_tests()[1].message.starts_with("tool `secret`: expected `unknown_tool`"));
  const auto told = [&] {
    return std::ranges::count_if(log.lines(), [](const std::string& line) { return line.find("policy_tests_unmet") != std::string::npos; });
  };
  EXPECT_EQ(told(), 1);
  gates->test_policies();
  EXPECT_EQ(told(), 1);
  write_policy(allow_all + tests);
  policies.refresh();
  gates->test_policies();
  EXPECT_NE(metrics.prometheus().find(unmet + "0\n"), std::string::npos) << metrics.prometheus();
  EXPECT_TRUE(log.has("policy_tests_met"));
}

/// What waits for a person, or is missing at this moment, says nothing of the policy.
TEST_F(PolicyFile, WhoseTestsAreOfToolsThatAreQuarantinedOrGoneAreNotSaidToBeBroken) {
  between_readings = std::chrono::milliseconds(1);
  start(allow_all + std::string("expect:\n  - {call: {tool: read}, verdict: allow}\n  - {call: {tool: secret}, verdict: allow}\n"));
  open_session();
  EXPECT_NE(call("read").body.find("done"), std::string::npos);
  upstream.tools = R"({"name":"read","description":"another","inputSchema":{"type":"object"}})";
  gates->all().front()->tools().want_again(mcp::Era::legacy);
  turn_until([&] { return gates->all().front()->tools().is_current(mcp::Era::legacy); });
  EXPECT_NE(call("read").body.find("quarantined"), std::string::npos);
  gates->test_policies();
  EXPECT_TRUE(gates->all().front()->unmet_tests().empty());
}

/// A file that two servers share may have tests of a tool that only one of them lists.
TEST_F(PolicyFile, WhoseTestIsOfAToolThatAnotherServerOfTheFileListsAreThatServers) {
  FakeServer second(loop);
  second.tools = R"({"name":"other","inputSchema":{"type":"object"}})";
  adjust = [&](config::Server& server) { server.name = "first"; };
  start(allow_all + std::string("expect:\n  - {call: {tool: read}, verdict: allow}\n  - {call: {tool: other}, verdict: allow}\n  - {call: {tool: nowhere}, verdict: allow}\n"));
  config::Server beside = config.servers.front();
  beside.name = "second";
  beside.url = second.url();
  const std::vector<config::Server> both{config.servers.front(), beside};
  gates->serve(both);
  turn_until([&] { return std::ranges::all_of(gates->all(), [](const auto& gate) { return gate->tools().is_current(mcp::Era::legacy); }); });
  gates->test_policies();
  for (const auto& gate : gates->all()) {
    ASSERT_EQ(gate->unmet_tests().size(), 1U) << gate->name();
    EXPECT_TRUE(gate->unmet_tests()[0].message.starts_with("tool `nowhere`"));
  }
}

}  // namespace
}  // namespace callgate::gateway::policy_file_test
