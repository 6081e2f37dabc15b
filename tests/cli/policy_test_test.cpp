#include "cli/policy_test.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/policy_folder.hpp"

namespace callgate::cli::policy_test_test {
namespace {

using testing::HasSubstr;

TEST(PolicyTest, EachExpectationHasItsLine) {
  PolicyFolder folder(policy_test);
  const std::string policy = folder.file("p.yaml", good_policy);
  EXPECT_EQ(folder.run({policy}), Exit::ok);
  EXPECT_EQ(folder.out(),
            "ok   p.yaml:8:5 tool `read`: `allow`\n"
            "ok   p.yaml:9:5 tool `write`: `invalid_arguments`\n"
            "p.yaml: 2 of 2 expectations hold\n" + without_tools_note(false) + "\n");
}

TEST(PolicyTest, OneThatDoesNotHoldFails) {
  PolicyFolder folder(policy_test);
  const std::string policy = folder.file("p.yaml", std::string(good_policy) + "  - {call: {prompt: x}, verdict: allow}\n");
  EXPECT_EQ(folder.run({policy}), Exit::refused);
  EXPECT_THAT(folder.out(), HasSubstr("FAIL p.yaml:10:5 prompt `x`: expected `allow`, the policy says `deny` by `/default`"));
  EXPECT_THAT(folder.out(), HasSubstr("2 of 3 expectations hold"));
}

TEST(PolicyTest, AListOfToolsBringsTheirOwnSchemas) {
  PolicyFolder folder(policy_test);
  const std::string policy = folder.file(
      "p.yaml", "callgate: 1\ndefault: allow\nexpect:\n"
                "  - {call: {tool: write, arguments: {key: 5}}, verdict: invalid_arguments, rule: \"\"}\n"
                "  - {call: {tool: nowhere}, verdict: unknown_tool}\n");
  const std::string tools = folder.file("tools.json", good_tools);
  EXPECT_EQ(folder.run({policy, "--tools", tools}), Exit::ok);
  EXPECT_EQ(folder.run({policy}), Exit::refused);
}

TEST(PolicyTest, FaultsAndUnreadableFilesHaveTheirStatus) {
  PolicyFolder folder(policy_test);
  const std::string faulty = folder.file("f.yaml", "callgate: 1\n");
  EXPECT_EQ(folder.run({faulty}), Exit::refused);
  EXPECT_THAT(folder.err(), HasSubstr("`default` is missing"));
  EXPECT_EQ(folder.run({folder.path("none.yaml")}), Exit::unavailable);
  EXPECT_EQ(folder.run({folder.file("o.yaml", good_policy, std::filesystem::perms{0666})}), Exit::refused);
  EXPECT_EQ(folder.run({"a.yaml", "b.yaml"}), Exit::usage);
  EXPECT_EQ(folder.run({}), Exit::usage);
  EXPECT_EQ(folder.run({"--strict", "a.yaml"}), Exit::usage);
  EXPECT_EQ(folder.run({"--help"}), Exit::ok);
  EXPECT_THAT(folder.out(), HasSubstr("Example:"));
}

TEST(PolicyTest, NothingToTestIsSaid) {
  PolicyFolder folder(policy_test);
  const std::string policy = folder.file("p.yaml", "callgate: 1\ndefault: deny\n");
  EXPECT_EQ(folder.run({policy}), Exit::ok);
  EXPECT_EQ(folder.out(), "p.yaml: nothing to test, the policy has no `expect`\n");
}

TEST(PolicyTest, ProgramsGetJson) {
  PolicyFolder folder(policy_test);
  const std::string policy = folder.file("p.yaml", good_policy);
  EXPECT_EQ(folder.run({policy, "--json"}), Exit::ok);
  const auto document = json::OwnedDocument::parse(folder.out());
  ASSERT_TRUE(document) << folder.out();
  EXPECT_EQ((*document)->root().find("expectations")->size(), 2u);
  EXPECT_THAT(folder.out(), HasSubstr(R"("held":true,"expected":"allow","verdict":"allow","rule":"/tools/read")"));
}

}  // namespace
}  // namespace callgate::cli::policy_test_test
