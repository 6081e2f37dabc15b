#include "cli/policy_diff.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/policy_folder.hpp"

namespace callgate::cli::policy_diff_test {
namespace {

using testing::HasSubstr;

constexpr std::string_view before = "callgate: 1\ndefault: deny\ntools:\n  read: {action: allow}\n  write: {action: deny}\n  drop: {action: allow, rate_limit: {max: 5, window: 1m}}\n";
constexpr std::string_view after =
    "callgate: 1\ndefault: deny\ntools:\n  read: {action: deny}\n  write: {action: allow}\n  drop: {action: allow, rate_limit: {max: 6, window: 1m}}\n"
    "expect:\n  - {call: {tool: write, arguments: {key: x}}, verdict: allow}\n";

TEST(PolicyDiff, TellsWhatIsJudgedOtherwise) {
  PolicyFolder folder(policy_diff);
  const std::string old_file = folder.file("old.yaml", before);
  const std::string new_file = folder.file("new.yaml", after);
  EXPECT_EQ(folder.run({old_file, new_file}), Exit::refused);
  EXPECT_EQ(folder.out(),
            "tool `drop`: `allow` as before, under other conditions: rate_limit\n"
            "tool `read`: `allow` -> `deny`\n"
            "tool `write`: `deny` -> `allow`\n"
            "tool `write` {\"key\":\"x\"}: `deny` -> `allow`  (test at new.yaml:8:5)\n"
            "2 loosened, 1 tightened, 1 under other conditions\n" + without_tools_note(false) + "\n");
  EXPECT_EQ(folder.run({old_file, old_file}), Exit::ok);
  EXPECT_THAT(folder.out(), HasSubstr("no kind of call is judged otherwise\n"));
}

TEST(PolicyDiff, IsForProgramsToo) {
  PolicyFolder folder(policy_diff);
  EXPECT_EQ(folder.run({folder.file("old.yaml", before), folder.file("new.yaml", after), "--json", "--tools", folder.file("tools.json", good_tools)}), Exit::refused);
  const auto read = json::OwnedDocument::parse(folder.out());
  ASSERT_TRUE(read) << folder.out();
  EXPECT_THAT(folder.out(), HasSubstr(R"("tools_known":true)"));
  EXPECT_THAT(folder.out(), HasSubstr(R"({"what":"tool `write`","arguments":{"key":"x"},"before":"deny","after":"allow","conditions":[],"test":")"));
  EXPECT_THAT(folder.out(), HasSubstr(R"({"what":"tool `drop`","arguments":null,"before":"allow","after":"allow","conditions":["rate_limit"]})"));
}

TEST(PolicyDiff, WhatCannotBeComparedHasItsStatus) {
  PolicyFolder folder(policy_diff);
  const std::string good = folder.file("good.yaml", before);
  EXPECT_EQ(folder.run({good, folder.file("faulty.yaml", "callgate: 1\n")}), Exit::refused);
  EXPECT_THAT(folder.err(), HasSubstr("faulty.yaml:1:1: error: `default` is missing"));
  EXPECT_EQ(folder.run({folder.path("none.yaml"), good}), Exit::unavailable);
  EXPECT_EQ(folder.run({good}), Exit::usage);
  EXPECT_THAT(folder.err(), HasSubstr("name both policies"));
  EXPECT_EQ(folder.run({good, good, good}), Exit::usage);
  EXPECT_EQ(folder.run({"--help"}), Exit::ok);
}

}  // namespace
}  // namespace callgate::cli::policy_diff_test
