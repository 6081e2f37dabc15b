// A policy's file: taken up when it changes, its tests held against the tools that the server lists.
#include <algorithm>

#include <gtest/gtest.h>

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
  gates->note_policies();
  EXPECT_NE(metrics.prometheus().find("callgate_policy_as_file{server=\"fake\"} 1\n"), std::string::npos) << metrics.prometheus();
  write_policy("callgate: 1\ndefault: alow\n");
  policies.refresh();
  gates->note_policies();
  EXPECT_EQ(policies.faulty(), 1U);
  for (const char* line : {"callgate_policy_as_file{server=\"fake\"} 0\n", "callgate_policies_refused 1\n", "callgate_policy_refused_total 1\n"})
    EXPECT_NE(metrics.prometheus().find(line), std::string::npos) << line << metrics.prometheus();
  EXPECT_NE(call("read", "{}", 3).body.find(R"("verdict":"deny")"), std::string::npos) << "the last good one stands";
  write_policy(allow_all);
  policies.refresh();
  gates->note_policies();
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

/// Tests that the file alone does not break (`unknown_tool`, a rule by class, a tool's own schema) may be broken by the tools.
TEST_F(PolicyFile, WhoseTestsItsServersToolsBreakIsToldOnceAndShown) {
  const std::string unmet = "callgate_policy_tests_unmet{server=\"fake\"} ";
  const std::string tests = "expect:\n  - {call: {tool: read}, verdict: allow}\n  - {call: {tool: write, arguments: {n: text}}, verdict: invalid_arguments}\n";
  start(allow_all + tests + "  - {call: {tool: reed}, verdict: allow}\n  - {call: {tool: secret}, verdict: unknown_tool}\n");
  EXPECT_NE(metrics.prometheus().find(unmet + "0\n"), std::string::npos) << "nobody knows the tools yet";
  open_session();
  EXPECT_NE(call("read").body.find("done"), std::string::npos) << "it is in force";
  gates->note_policies();
  EXPECT_NE(metrics.prometheus().find(unmet + "2\n"), std::string::npos) << metrics.prometheus();
  ASSERT_EQ(gates->all().front()->unmet_tests().size(), 2U);
  EXPECT_NE(gates->all().front()->unmet_tests()[0].message.find("tool `reed`: expected `allow`, the policy says `unknown_tool`"), std::string::npos);
  EXPECT_TRUE(gates->all().front()->unmet_tests()[1].message.starts_with("tool `secret`: expected `unknown_tool`"));
  const auto told = [&] {
    return std::ranges::count_if(log.lines(), [](const std::string& line) { return line.find("policy_tests_unmet") != std::string::npos; });
  };
  EXPECT_EQ(told(), 1);
  gates->note_policies();
  EXPECT_EQ(told(), 1);
  write_policy(allow_all + tests);
  policies.refresh();
  gates->note_policies();
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
  gates->note_policies();
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
  gates->note_policies();
  for (const auto& gate : gates->all()) {
    ASSERT_EQ(gate->unmet_tests().size(), 1U) << gate->name();
    EXPECT_TRUE(gate->unmet_tests()[0].message.starts_with("tool `nowhere`"));
  }
}

}  // namespace
}  // namespace callgate::gateway::policy_file_test
