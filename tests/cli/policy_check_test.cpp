#include "cli/policy_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/policy_folder.hpp"

namespace callgate::cli::policy_check_test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(PolicyCheck, AGoodPolicyIsOkAndSaysWhatWasNotLookedAt) {
  PolicyFolder folder(policy_check);
  const std::string policy = folder.file("p.yaml", good_policy);
  EXPECT_EQ(folder.run({policy}), Exit::ok);
  EXPECT_EQ(folder.out(), "p.yaml: ok, 3 rules, 2 expectations hold\n" + without_tools_note(false) + "\n");
  EXPECT_EQ(folder.err(), "");

  const std::string tools = folder.file("tools.json", good_tools);
  EXPECT_EQ(folder.run({policy, "--tools", tools}), Exit::ok);
  EXPECT_EQ(folder.out(), "p.yaml: ok, 3 rules, 2 expectations hold\n");
}

TEST(PolicyCheck, EveryFaultHasItsPlace) {
  PolicyFolder folder(policy_check);
  const std::string policy = folder.file("p.yaml", "callgate: 1\ndefault: no\ntools:\n  a: {action: alow}\n");
  EXPECT_EQ(folder.run({policy}), Exit::refused);
  EXPECT_EQ(folder.err(),
            "p.yaml:2:10: error: `default` is `no`: write `allow` or `deny`\n"
            "p.yaml:4:15: error: `action` is `alow`; did you mean `allow`?\n"
            "p.yaml: refused\n");
}

TEST(PolicyCheck, WarningsRefuseOnlyUnderStrict) {
  PolicyFolder folder(policy_check);
  const std::string policy = folder.file("p.yaml", "callgate: 1\ndefault: deny\ntools: {a: {action: deny, validate: false}}\n");
  EXPECT_EQ(folder.run({policy}), Exit::ok);
  EXPECT_EQ(folder.err(), "p.yaml:3:27: warning: `validate` has no effect: the action of `a` is `deny`\n");
  EXPECT_THAT(folder.out(), StartsWith("p.yaml: ok, 1 rule, 1 to look at\n"));
  EXPECT_EQ(folder.run({"--strict", policy}), Exit::refused);
}

TEST(PolicyCheck, AnExpectationThatDoesNotHoldRefuses) {
  PolicyFolder folder(policy_check);
  const std::string policy = folder.file("p.yaml", "callgate: 1\ndefault: deny\nexpect: [{call: {tool: a}, verdict: allow}]\n");
  EXPECT_EQ(folder.run({policy}), Exit::refused);
  EXPECT_THAT(folder.err(), HasSubstr("p.yaml:3:10: expectation failed: tool `a`: expected `allow`, the policy says `deny` by `/default`"));
}

TEST(PolicyCheck, AListOfToolsFindsWhatMatchesNothing) {
  PolicyFolder folder(policy_check);
  const std::string policy = folder.file("p.yaml", "callgate: 1\ndefault: deny\ntools: {raed: {action: allow}}\n");
  const std::string tools = folder.file("tools.json", good_tools);
  EXPECT_EQ(folder.run({policy, "--strict", "--tools=" + tools}), Exit::refused);
  EXPECT_THAT(folder.err(), HasSubstr("p.yaml:3:9: warning: `raed` matches no listed tool; did you mean `read`?"));
}

TEST(PolicyCheck, EntriesOfAListThatAreNoToolsAreSaidAndLeftOut) {
  PolicyFolder folder(policy_check);
  const std::string policy = folder.file("p.yaml", "callgate: 1\ndefault: deny\ntools: {read: {action: allow}}\n");
  const std::string tools = folder.file("tools.json", R"({"tools":[{"name":"read"},{"name":""},{"name":"x"},{"name":"x"}]})");
  EXPECT_EQ(folder.run({policy, "--strict", "--tools=" + tools}), Exit::ok) << folder.err();
  EXPECT_THAT(folder.err(), HasSubstr("entry 2 of the list has no name"));
  EXPECT_THAT(folder.err(), HasSubstr("tool `x` is in the list 2 times"));
}

TEST(PolicyCheck, FilesThatCannotBeReadAreUnavailable) {
  PolicyFolder folder(policy_check);
  const std::string policy = folder.file("p.yaml", good_policy);
  EXPECT_EQ(folder.run({folder.path("none.yaml")}), Exit::unavailable);
  EXPECT_EQ(folder.run({policy, folder.path("none.yaml")}), Exit::unavailable);
  EXPECT_THAT(folder.out(), HasSubstr("p.yaml: ok"));
  EXPECT_EQ(folder.run({policy, "--tools", folder.path("none.json")}), Exit::unavailable);
  const std::string tools = folder.file("tools.json", "{}");
  EXPECT_EQ(folder.run({policy, "--tools", tools}), Exit::unavailable);
  EXPECT_THAT(folder.err(), HasSubstr("tools.json` is no list of tools"));
}

TEST(PolicyCheck, AFileThatOthersMayWriteIsRefused) {
  PolicyFolder folder(policy_check);
  for (const int mode : {0620, 0602, 0666}) {
    const std::string policy = folder.file("p.yaml", good_policy, std::filesystem::perms(mode));
    EXPECT_EQ(folder.run({policy}), Exit::refused) << mode;
    EXPECT_THAT(folder.err(), StartsWith("callgate: "));
  }
}

TEST(PolicyCheck, ProgramsGetJson) {
  PolicyFolder folder(policy_check);
  const std::string good = folder.file("good.yaml", good_policy);
  const std::string bad = folder.file("bad.yaml", "callgate: 1\ndefault: deny\ntools: {a: {action: \"x\\\"y\"}}\n");
  EXPECT_EQ(folder.run({good, bad, folder.path("none.yaml"), "--json"}), Exit::unavailable);
  EXPECT_EQ(folder.err(), "");
  const auto document = json::OwnedDocument::parse(folder.out());
  ASSERT_TRUE(document) << folder.out();
  const json::Value files = *(*document)->root().find("files");
  ASSERT_EQ(files.size(), 3u);
  EXPECT_THAT(folder.out(), HasSubstr(R"("file":"good.yaml","ok":true,"policy":"sha256:)"));
  EXPECT_THAT(folder.out(), HasSubstr(R"("faults":[{"line":3,"column":21,"message":"`action` is `x\"y`:)"));
  EXPECT_THAT(folder.out(), HasSubstr(R"("file":"none.yaml","ok":false,"error":)"));
}

TEST(PolicyCheck, ColoursOnlyWhereTheyAreWanted) {
  PolicyFolder folder(policy_check);
  const std::string policy = folder.file("p.yaml", good_policy);
  folder.run({policy}, Colour::on);
  EXPECT_THAT(folder.out(), HasSubstr("\x1b[32mok\x1b[0m"));
}

TEST(PolicyCheck, WrongCommandLinesAreUsage) {
  PolicyFolder folder(policy_check);
  EXPECT_EQ(folder.run({}), Exit::usage);
  EXPECT_EQ(folder.run({"p.yaml", "--wat"}), Exit::usage);
  EXPECT_THAT(folder.err(), HasSubstr("`policy check` knows no flag `--wat`"));
  EXPECT_EQ(folder.run({"p.yaml", "--call", "{}"}), Exit::usage);
  EXPECT_EQ(folder.run({"p.yaml", "--tools"}), Exit::usage);
  EXPECT_EQ(folder.run({"p.yaml", "--tools", "a", "--tools", "b"}), Exit::usage);
  EXPECT_EQ(folder.run({"p.yaml", "--server"}), Exit::usage);
  EXPECT_EQ(folder.run({"p.yaml", "--server", "x", "--tools", "t"}), Exit::usage);
  EXPECT_THAT(folder.err(), HasSubstr("both `--tools` and `--server` are given; keep one"));
  EXPECT_EQ(folder.run({"--help"}), Exit::ok);
  EXPECT_THAT(folder.out(), HasSubstr("Example:"));
}

}  // namespace
}  // namespace callgate::cli::policy_check_test
