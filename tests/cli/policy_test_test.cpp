#include "cli/policy_test.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/policy_check.hpp"
#include "cli/policy_explain.hpp"
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

constexpr std::string_view by_server =
    "callgate: 1\ndefault: deny\ntools:\n  read: {action: allow, cases: [{when: tool.server == \"billing\", action: deny}]}\n"
    "expect:\n  - {call: {tool: read}, verdict: deny, rule: /tools/read/cases/0}\n";

TEST(PolicyTest, TheServerMayBeNamedWithoutAList) {
  PolicyFolder folder(policy_test);
  const std::string policy = folder.file("p.yaml", by_server);
  EXPECT_EQ(folder.run({policy}), Exit::refused);
  EXPECT_THAT(folder.out(), HasSubstr("that depends on `tool.server`: give it by `--name NAME`"));
  EXPECT_EQ(folder.run({policy, "--name", "billing"}), Exit::ok) << folder.out();
  EXPECT_EQ(folder.run({policy, "--name", "files"}), Exit::refused);
  EXPECT_THAT(folder.out(), HasSubstr("the policy says `allow` by `/tools/read`"));
  EXPECT_EQ(folder.run({policy, "--name", "billing", "--tools", folder.file("tools.json", good_tools)}), Exit::ok) << folder.out();
}

TEST(PolicyTest, ANameIsThatOfAServer) {
  PolicyFolder folder(policy_test);
  EXPECT_EQ(folder.run({"p.yaml", "--name", "a/b"}), Exit::usage);
  EXPECT_THAT(folder.err(), HasSubstr("`--name`: `a/b` is no server name"));
  EXPECT_EQ(folder.run({"p.yaml", "--name", "a", "--server", "a"}), Exit::usage);
  EXPECT_THAT(folder.err(), HasSubstr("`--server` says the name; keep one"));
}

TEST(PolicyTest, CheckAndExplainTakeTheNameToo) {
  PolicyFolder checking(policy_check);
  EXPECT_EQ(checking.run({checking.file("p.yaml", by_server)}), Exit::refused);
  EXPECT_EQ(checking.run({checking.path("p.yaml"), "--name", "billing"}), Exit::ok) << checking.err();
  PolicyFolder explaining(policy_explain);
  const std::string policy = explaining.file("p.yaml", by_server);
  EXPECT_EQ(explaining.run({policy, "--name", "billing", "--call", R"({"tool":"read"})"}), Exit::ok);
  EXPECT_THAT(explaining.out(), HasSubstr("tool `read`: deny"));
  EXPECT_EQ(explaining.run({policy, "--name", "files", "--call", R"({"tool":"read"})"}), Exit::ok);
  EXPECT_THAT(explaining.out(), HasSubstr("tool `read`: allow"));
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
