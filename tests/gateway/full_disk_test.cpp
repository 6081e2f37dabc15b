// The journal's disk is full: only tools of low risk go on, everything else is refused with the reason.
#include <gtest/gtest.h>

#include "world.hpp"

namespace callgate::gateway::full_disk_test {
namespace {

/// Protocol item 36: what cannot be recorded is not decided.
class FullDisk : public World {
 protected:
  void begin(const std::string& policy, audit::OnFull on_full = audit::OnFull::refuse_medium) {
    journal = std::move(*audit::Journal::open({.instance = "full", .sync = audit::Sync::none, .on_full = on_full, .reserve_bytes = 60'000},
                                              std::make_unique<audit::MemorySink>(disk), clock, log));
    classes_of = SaidAtOnce::by([](std::span<const json::Value> definitions) {
      std::vector<registry::ToolClass> classes;
      for (const json::Value each : definitions) classes.push_back(each.find("name")->equals("read") ? registry::ToolClass{registry::Risk::low, "Read"} : registry::ToolClass{});
      return classes;
    });
    start(policy);
    open_session();
    EXPECT_NE(call("write").body.find("done"), std::string::npos);
    disk.set_room(0);
  }
  bool runs(const std::string& tool) {
    const std::size_t before = upstream.calls.size();
    last = call(tool).body;
    return upstream.calls.size() > before;
  }
  std::string last;
};

constexpr const char* allow = "callgate: 1\ndefault: allow\n";

TEST_F(FullDisk, LowRiskGoesOnWithItsRecordAndUnknownRiskIsRefused) {
  begin(allow);
  EXPECT_FALSE(runs("write"));
  EXPECT_TRUE(runs("read"));
  EXPECT_FALSE(runs("write"));
  EXPECT_NE(last.find("disk of the journal is full"), std::string::npos) << last;
  EXPECT_NE(last.find(R"("verdict":"fault")"), std::string::npos) << last;
  EXPECT_NE(records().find(R"("tool":"read")"), std::string::npos);
  EXPECT_NE(records().find(R"("risk":"Low","category":"Read")"), std::string::npos);
}

TEST_F(FullDisk, WhatCallsNothingGoesOn) {
  begin(allow);
  EXPECT_TRUE(runs("read"));
  EXPECT_NE(post(R"({"jsonrpc":"2.0","id":7,"method":"tools/list"})").body.find("\"read\""), std::string::npos);
  EXPECT_NE(post(R"({"jsonrpc":"2.0","id":8,"method":"ping"})").body.find("result"), std::string::npos);
}

TEST_F(FullDisk, WhenTheReserveIsUsedUpNothingRuns) {
  begin(allow);
  int ran = 0;
  while (runs("read") && ran < 1000) ++ran;
  EXPECT_GT(ran, 5);
  EXPECT_LT(ran, 1000);
  EXPECT_NE(last.find("No space left"), std::string::npos) << last;
  EXPECT_FALSE(runs("write"));
}

TEST_F(FullDisk, RecoversWithoutARestart) {
  begin(allow);
  EXPECT_TRUE(runs("read"));
  EXPECT_FALSE(runs("write"));
  disk.set_room(std::nullopt);
  journal->tick();
  EXPECT_TRUE(runs("write"));
}

TEST_F(FullDisk, ARefusedCallTakesNoLimit) {
  begin("callgate: 1\ndefault: deny\ntools:\n  write: {action: allow, rate_limit: {max: 2, window: 1h}}\n  read: {action: allow}\n");
  EXPECT_TRUE(runs("read"));
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(runs("write"));
  disk.set_room(std::nullopt);
  journal->tick();
  EXPECT_TRUE(runs("write")) << "one was used before the disk was full, one is left";
  EXPECT_FALSE(runs("write"));
}

TEST_F(FullDisk, NobodyIsAskedAboutACallThatWouldNotRun) {
  begin("callgate: 1\ndefault: allow\ntools:\n  secret: {action: require_approval}\n");
  EXPECT_TRUE(runs("read"));
  EXPECT_FALSE(runs("secret"));
  EXPECT_NE(last.find("disk of the journal is full"), std::string::npos) << last;
  EXPECT_FALSE(log.has("approval_asked"));
}

TEST_F(FullDisk, AHiddenPromptIsAnsweredLikeOneThatNobodyHas) {
  begin("callgate: 1\ndefault: allow\nprompts:\n  secret: {action: hide}\n");
  EXPECT_TRUE(runs("read"));
  const auto got = [this](const std::string& name) {
    std::string body = post(R"({"jsonrpc":"2.0","id":9,"method":"prompts/get","params":{"name":")" + name + R"("}})").body;
    const std::size_t id = body.find(R"("id":"0)");  // of the decision
    return id == std::string::npos ? body : body.replace(id, 33, "");
  };
  const std::string hidden = got("secret");
  EXPECT_EQ(hidden, got("nosuch"));
  EXPECT_NE(hidden.find("disk of the journal is full"), std::string::npos) << hidden;
}

TEST_F(FullDisk, UnderRefuseNothingRunsAndTheAgentIsToldWhy) {
  begin(allow, audit::OnFull::refuse);
  for (const char* tool : {"read", "write"}) {
    EXPECT_FALSE(runs(tool));
    EXPECT_NE(last.find("could not be put on record"), std::string::npos) << last;
    EXPECT_NE(last.find("No space left"), std::string::npos) << last;
  }
  disk.set_room(std::nullopt);
  EXPECT_TRUE(runs("write"));
}

/// The journal cannot be written, and the list of tools has to be read again, which takes records of the
/// gateway's own.
class ListOnABrokenDisk : public FullDisk {
 protected:
  void read_again() { gates->all().front()->tools().want_again(mcp::Era::legacy); }
  std::chrono::milliseconds time_of(const std::string& tool) {
    const net::Duration began = time_had();
    EXPECT_FALSE(runs(tool));
    return std::chrono::duration_cast<std::chrono::milliseconds>(time_had() - began);
  }
  static constexpr std::chrono::milliseconds soon{500};
};

TEST_F(ListOnABrokenDisk, RefusesSoonWithTheReasonHoweverOftenItWasTriedAndRecoversAsSoon) {
  begin(allow, audit::OnFull::refuse);
  disk.fail_write(EIO);
  const auto until = net::Loop::read_clock() + std::chrono::milliseconds(2500);
  while (net::Loop::read_clock() < until) {
    read_again();  // a server says that its list changed as often as it likes
    EXPECT_LT(time_of("write"), soon);
    EXPECT_NE(last.find("cannot write to the journal"), std::string::npos) << last;
  }
  disk.fail_write(0);
  disk.set_room(std::nullopt);
  const net::Duration over = time_had();
  while (!runs("write") && time_had() - over < std::chrono::seconds(10)) {}
  EXPECT_LT(time_had() - over, std::chrono::seconds(1));
}

TEST_F(ListOnABrokenDisk, AServerThatDoesNotGiveItsListMakesNoRefusalLate) {
  begin(allow, audit::OnFull::refuse);
  upstream.on_request = [](net::HttpExchange& exchange, std::string method, std::string, std::string) -> net::Task<bool> {
    if (method != "tools/list") co_return false;
    co_await exchange.gone(net::Loop::forever);
    co_return true;
  };
  disk.set_room(std::nullopt);
  read_again();
  for (int i = 0; i < 20; ++i) loop.turn(std::chrono::milliseconds(1));
  disk.fail_write(EIO);
  post(R"({"jsonrpc":"2.0","id":7,"method":"ping"})");
  EXPECT_LT(time_of("write"), soon);
}

}  // namespace
}  // namespace callgate::gateway::full_disk_test
