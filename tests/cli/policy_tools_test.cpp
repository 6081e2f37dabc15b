#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/policy_check.hpp"
#include "cli/policy_explain.hpp"
#include "cli/policy_folder.hpp"
#include "cli/policy_test.hpp"
#include "base/json.hpp"
#include "registry/fingerprint.hpp"
#include "store/store.hpp"

namespace callgate::cli::policy_tools_test {
namespace {

using testing::HasSubstr;
using testing::Not;

/// A data folder in which tools of the server `s` are pinned.
class PinnedTools : public testing::Test {
 protected:
  void pin(const std::string& address, const std::string& era, std::int64_t time_ms, std::vector<std::string_view> names) {
    std::vector<store::Definition> definitions;
    for (const std::string_view name : names) {
      const std::string schema = R"("inputSchema":{"type":"object","properties":{"key":{"type":"string"}}})";
      definitions.push_back({.tool = std::string(name),
                             .fingerprint = "sha256:" + std::string(name),
                             .text = fmt::format(R"({{"name":"{}",{}}})", name, schema),
                             .time_ms = time_ms});
    }
    const auto store = store::open(data()).value();
    ASSERT_TRUE(store->pins().accept({"s", address, era}, definitions));
  }
  std::string data() const { return folder.path("data"); }

  PolicyFolder folder{policy_check};
};

TEST_F(PinnedTools, ServeTheCheckInPlaceOfASavedList) {
  pin("uvx s", "legacy", 10, {"read", "write", "drop"});
  const std::string good = folder.file("p.yaml", good_policy);
  EXPECT_EQ(folder.run({good, "--server", "s", "--data", data()}), Exit::ok) << folder.err();
  EXPECT_EQ(folder.out(), "p.yaml: ok, 3 rules, 2 expectations hold\n");

  const std::string slip = folder.file("p.yaml", "callgate: 1\ndefault: deny\ntools: {raed: {action: allow}}\n");
  EXPECT_EQ(folder.run({slip, "--strict", "--server=s", "--data=" + data()}), Exit::refused);
  EXPECT_THAT(folder.err(), HasSubstr("`raed` matches no listed tool; did you mean `read`?"));
}

TEST_F(PinnedTools, AreWhatTheConfigurationSaysToRulesForClasses) {
  const auto store = store::open(data()).value();
  const std::string text = R"({"name":"drop_all","description":"Drop all tables."})";
  const auto read = json::OwnedDocument::parse(text);
  ASSERT_TRUE(store->pins().pin_first({"s", "uvx s", "legacy"}, std::vector<store::Definition>{{.tool = "drop_all", .fingerprint = registry::fingerprint((*read)->root()), .text = text, .time_ms = 1}}, 1));
  PolicyFolder explaining(policy_explain);
  const std::string policy = explaining.file("p.yaml", "callgate: 1\ndefault: deny\nclasses: {Read: {action: allow}}\n");
  const std::string config = explaining.file("callgate.yaml", "servers: {s: {command: [uvx, s], policy: p, classes: {drop_all: {category: Read, reason: a dry run, definition: '" +
                                                                  registry::fingerprint((*read)->root()) + "'}}}}");
  ASSERT_EQ(explaining.run({policy, "--server", "s", "--data", data(), "--call", R"({"tool": "drop_all"})"}), Exit::ok) << explaining.err();
  EXPECT_THAT(explaining.out(), HasSubstr("tool `drop_all`: deny"));
  ASSERT_EQ(explaining.run({policy, "--server", "s", "--config", config, "--data", data(), "--call", R"({"tool": "drop_all"})"}), Exit::ok) << explaining.err();
  EXPECT_THAT(explaining.out(), HasSubstr("tool `drop_all`: allow"));
  EXPECT_EQ(explaining.run({policy, "--config", config, "--call", R"({"tool": "drop_all"})"}), Exit::usage);
}

TEST_F(PinnedTools, ServeTestAndExplainToo) {
  pin("uvx s", "legacy", 10, {"read", "write", "drop"});
  PolicyFolder other(policy_test);
  const std::string policy = other.file("p.yaml", good_policy);
  EXPECT_EQ(other.run({policy, "--server", "s", "--data", data()}), Exit::ok);
  EXPECT_THAT(other.out(), Not(HasSubstr("no list of tools was given")));

  PolicyFolder third(policy_explain);
  EXPECT_EQ(third.run({policy, "--server", "s", "--data", data(), "--call", R"({"tool": "nope"})"}), Exit::ok);
  EXPECT_THAT(third.out(), HasSubstr("tool `nope`: unknown_tool"));
}

TEST_F(PinnedTools, AreThoseThatWerePinnedLast) {
  pin("uvx old", "legacy", 10, {"old"});
  pin("uvx s", "modern", 20, {"read", "modern"});
  pin("uvx s", "legacy", 20, {"read"});
  const std::string policy = folder.file("p.yaml", "callgate: 1\ndefault: deny\ntools: {read: {action: allow}, old: {action: deny}, modern: {action: deny}}\n");
  EXPECT_EQ(folder.run({policy, "--server", "s", "--data", data()}), Exit::ok);
  EXPECT_THAT(folder.err(), HasSubstr("`old` matches no listed tool"));
  EXPECT_THAT(folder.err(), HasSubstr("`modern` matches no listed tool"));
  EXPECT_THAT(folder.err(), Not(HasSubstr("`read` matches")));
}

TEST_F(PinnedTools, ThatAreNotThereAreAskedForAndNothingIsMade) {
  const std::string policy = folder.file("p.yaml", good_policy);
  EXPECT_EQ(folder.run({policy, "--server", "s", "--data", data()}), Exit::unavailable);
  EXPECT_THAT(folder.err(), HasSubstr("no tools of a server `s` are pinned in"));
  EXPECT_THAT(folder.err(), HasSubstr("--tools FILE"));
  EXPECT_FALSE(std::filesystem::exists(data()));

  pin("uvx s", "legacy", 10, {"read"});
  EXPECT_EQ(folder.run({policy, "--server", "t", "--data", data()}), Exit::unavailable);
  PolicyFolder other(policy_test);
  EXPECT_EQ(other.run({policy, "--server", "t", "--data", data()}), Exit::unavailable);
}

}  // namespace
}  // namespace callgate::cli::policy_tools_test
