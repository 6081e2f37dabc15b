#include "cli/policy_explain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/policy_folder.hpp"

namespace callgate::cli::policy_explain_test {
namespace {

using testing::HasSubstr;

TEST(PolicyExplain, TellsTheStepThatDecides) {
  PolicyFolder folder(policy_explain);
  const std::string policy = folder.file("p.yaml", good_policy);
  EXPECT_EQ(folder.run({policy, "--call", R"({"tool":"write","arguments":{"other":1}})"}), Exit::ok);
  EXPECT_EQ(folder.out(),
            "tool `write`: invalid_arguments\n"
            "  rule    /tools/write/arguments (p.yaml:5)\n"
            "  reason  argument `/key` is missing, the policy requires it\n"
            "\n"
            "  1 one well-formed call  yes\n"
            "  2 known and not hidden  taken as known, no list of tools was given; rule `/tools/write` speaks of it\n"
            "  3 denied outright       no\n"
            "> 4 arguments             argument `/key` is missing, the policy requires it\n"
            "  5 action of the rule    not reached\n"
            "  6 limits                not reached\n"
            "  7 approval              not reached\n"
            "  8 record and forward    not reached\n"
            "\n" + without_tools_note(false) + "\n");
}

TEST(PolicyExplain, KnowsTheToolsOfAList) {
  PolicyFolder folder(policy_explain);
  const std::string policy = folder.file("p.yaml", good_policy);
  const std::string tools = folder.file("tools.json", good_tools);
  EXPECT_EQ(folder.run({policy, "--tools", tools, "--call", R"({"tool":"nowhere"})"}), Exit::ok);
  EXPECT_THAT(folder.out(), HasSubstr("tool `nowhere`: unknown_tool"));
  EXPECT_THAT(folder.out(), HasSubstr("rule    none; `/default` is the one that names the call"));
  EXPECT_EQ(folder.run({policy, "--tools", tools, "--call", R"({"tool":"drop"})"}), Exit::ok);
  EXPECT_THAT(folder.out(), HasSubstr("> 7 approval              it is gone then"));
}

TEST(PolicyExplain, ShowsEachCaseAndWhy) {
  PolicyFolder folder(policy_explain);
  const std::string policy = folder.file("p.yaml", R"(callgate: 1
default: deny
tools:
  pay:
    action: allow
    cases:
      - {when: args.amount > 500, action: deny}
      - {when: args.amount > 100, action: require_approval}
)");
  EXPECT_EQ(folder.run({policy, "--call", R"({"tool":"pay","arguments":{"amount":424}})"}), Exit::ok);
  EXPECT_THAT(folder.out(), HasSubstr("  5 action of the rule    `require_approval`, by `/tools/pay/cases/1`\n"
                                      "                          `/tools/pay/cases/0` (line 7): false: `args.amount > 500` is false\n"
                                      "                          `/tools/pay/cases/1` (line 8): true: `args.amount > 100` is true; `require_approval`\n"
                                      "  6 limits"));
  EXPECT_THAT(folder.out(), testing::Not(HasSubstr("424")));
  EXPECT_EQ(folder.run({policy, "--json", "--call", R"({"tool":"pay","arguments":{"amount":424}})"}), Exit::ok);
  EXPECT_THAT(folder.out(), HasSubstr(R"("details":["`/tools/pay/cases/0` (line 7): false)"));
}

TEST(PolicyExplain, ProgramsGetJson) {
  PolicyFolder folder(policy_explain);
  const std::string policy = folder.file("p.yaml", good_policy);
  EXPECT_EQ(folder.run({"--json", policy, R"(--call={"tool":"write"})"}), Exit::ok);
  const auto document = json::OwnedDocument::parse(folder.out());
  ASSERT_TRUE(document) << folder.out();
  EXPECT_EQ((*document)->root().find("steps")->size(), 8u);
  EXPECT_THAT(folder.out(), HasSubstr(R"("verdict":"invalid_arguments","rule":"/tools/write/arguments")"));
  EXPECT_THAT(folder.out(), HasSubstr(R"("argument":"/key","keyword":"required")"));
}

TEST(PolicyExplain, ColoursTheVerdict) {
  PolicyFolder folder(policy_explain);
  const std::string policy = folder.file("p.yaml", good_policy);
  folder.run({policy, "--call", R"({"tool":"read"})"}, Colour::on);
  EXPECT_THAT(folder.out(), HasSubstr("\x1b[32mallow\x1b[0m"));
  folder.run({policy, "--call", R"({"tool":"drop"})"}, Colour::on);
  EXPECT_THAT(folder.out(), HasSubstr("\x1b[33mrequire_approval\x1b[0m"));
}

TEST(PolicyExplain, WrongCommandLinesAreUsage) {
  PolicyFolder folder(policy_explain);
  const std::string policy = folder.file("p.yaml", good_policy);
  EXPECT_EQ(folder.run({policy}), Exit::usage);
  EXPECT_THAT(folder.err(), HasSubstr("say which call"));
  EXPECT_EQ(folder.run({policy, "--call", "{tool: read}"}), Exit::usage);
  EXPECT_THAT(folder.err(), HasSubstr("`--call`: the call is not JSON"));
  EXPECT_EQ(folder.run({"--call", "{}"}), Exit::usage);
  EXPECT_EQ(folder.run({folder.path("none.yaml"), "--call", R"({"tool":"a"})"}), Exit::unavailable);
  EXPECT_EQ(folder.run({folder.file("f.yaml", "x"), "--call", R"({"tool":"a"})"}), Exit::refused);
  EXPECT_EQ(folder.run({"-h"}), Exit::ok);
  EXPECT_THAT(folder.out(), HasSubstr("Example:"));
}

}  // namespace
}  // namespace callgate::cli::policy_explain_test
