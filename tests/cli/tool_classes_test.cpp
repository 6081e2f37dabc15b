#include "cli/tool_classes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::cli::tool_classes_test {
namespace {

struct ToolClasses : testing::Test {
  std::vector<registry::ToolClass> classes(std::string_view tools) { return judged(read(tools)); }
  std::vector<registry::ToolClass> judged(const std::vector<json::Value>& definitions) { return registry::answer_of(*classes_of(server, definitions)); }
  std::vector<json::Value> read(std::string_view tools) {
    documents.push_back(json::OwnedDocument::parse(std::string(tools)).value());
    std::vector<json::Value> definitions;
    for (const json::Value each : documents.back()->root().elements()) definitions.push_back(each);
    return definitions;
  }
  std::string fingerprint(std::string_view tool) { return registry::fingerprint(read("[" + std::string(tool) + "]")[0]); }

  MemoryLog log;
  config::Server server{.name = "s"};
  gateway::ClassesOf classes_of = tool_classes(log);
  std::vector<std::unique_ptr<json::OwnedDocument>> documents;
};

TEST_F(ToolClasses, AreSaidOfEachToolInTheirOrder) {
  const auto found = classes(R"([{"name":"delete_table"},{"name":"list_items"},7])");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].risk, registry::Risk::critical);
  EXPECT_EQ(found[0].category, "Destructive");
  EXPECT_EQ(found[1].risk, registry::Risk::low);
  EXPECT_EQ(found[2].risk, registry::Risk::high) << "what cannot be told is never Low";
}

constexpr std::string_view hinted = R"([{"name":"frobnicate","annotations":{"readOnlyHint":true}}])";

TEST_F(ToolClasses, NoAnnotationLowersOneUnlessTheServerIsTrusted) {
  EXPECT_EQ(classes(hinted)[0].risk, registry::Risk::high);
  server.trust_hints = true;
  EXPECT_EQ(classes(hinted)[0].category, "Read") << "the same list is judged anew under other rules";
  server.trust_hints = false;
  EXPECT_EQ(classes(hinted)[0].category, "Execute");
}

constexpr std::string_view flush = R"({"name":"flush_cache","description":"Flush the cache."})";

TEST_F(ToolClasses, AnOperatorsWordStandsForTheDefinitionThatItNames) {
  const std::string list = "[" + std::string(flush) + "]";
  const registry::ToolClass before = classes(list)[0];
  server.classes = {{.tool = "flush_cache", .definition = fingerprint(flush), .category = "Financial", .risk = "", .reason = "bills for it"}};
  const registry::ToolClass said = classes(list)[0];
  EXPECT_EQ(said.category, "Financial");
  EXPECT_EQ(said.risk, before.risk) << "what it leaves out stays as judged";
  EXPECT_EQ(said.reason, "bills for it");
  EXPECT_TRUE(log.lines().empty());
}

TEST_F(ToolClasses, AnOperatorsWordOfAnotherDefinitionLapsesAndIsLogged) {
  server.classes = {{.tool = "flush_cache", .definition = fingerprint(flush), .category = "Read", .risk = "Low", .reason = "harmless"},
                    {.tool = "gone", .definition = fingerprint(flush), .category = "Read", .risk = "Low", .reason = "harmless"}};
  const auto found = classes(R"([{"name":"flush_cache","description":"Flush the cache of all users."}])");
  EXPECT_EQ(found[0].category, "Write") << "as judged";
  EXPECT_EQ(found[0].reason, "");
  EXPECT_TRUE(log.has("class_lapsed"));
  EXPECT_TRUE(log.has("`flush_cache` holds for another definition"));
  EXPECT_TRUE(log.has("`gone` holds for no tool"));
}

std::string long_list(int changed, const std::string& first) {
  std::string text = R"([{"name":")" + first + R"("})";
  for (int i = 0; i < 4000; ++i) {
    std::string words;
    for (int k = 0; k < 6; ++k) words += "Delete, pay, read and write files, send mail to all users; run it. ";
    text += R"(,{"name":"t)" + std::to_string(i) + R"(","description":")" + words + (i == 7 ? std::to_string(changed) : "") + R"("})";
  }
  return text + "]";
}

TEST_F(ToolClasses, OfALongListThatComesAgainOnlyWhatChangedIsJudgedAnew) {
  const auto timed = [&](const std::vector<json::Value>& definitions) {
    const std::clock_t began = std::clock();
    EXPECT_EQ(judged(definitions).size(), definitions.size());
    return std::clock() - began;
  };
  const auto first = timed(read(long_list(1, "get")));
  const auto again = timed(read(long_list(2, "get")));
  EXPECT_LT(again * 2, first);
}

/// What is remembered says the same as a fresh look, also where other names stand beside a tool that stayed.
TEST_F(ToolClasses, OfAListThatComesAgainAreThoseOfAFreshLook) {
  const std::string money = R"({"name":"refund_payment"},{"name":"pay_invoice"},{"name":"charge_card"})";
  const std::string flat = R"({"name":"apply","description":"Applies it."},{"name":"get_item"})";
  for (const std::string& list : {"[" + flat + "]", "[" + flat + "," + money + "]", "[" + flat + R"(,{"name":"Apply","description":"Deletes all users for good."}])", "[" + flat + "]"}) {
    for (const bool trusted : {false, true}) {
      server.trust_hints = trusted;
      const auto known = classes(list);
      const auto definitions = read(list);
      const auto fresh = registry::answer_of(*tool_classes(log)(server, definitions));
      ASSERT_EQ(known.size(), fresh.size());
      for (std::size_t i = 0; i < known.size(); ++i) {
        EXPECT_EQ(known[i].risk, fresh[i].risk) << list << i;
        EXPECT_EQ(known[i].category, fresh[i].category) << list << i;
      }
    }
  }
}

/// Both eras of a server are read at once.
TEST_F(ToolClasses, OfTwoListsThatAreJudgedByTurnsAreThoseOfEach) {
  const auto one = read(R"([{"name":"pay_invoice"},{"name":"apply","description":"Applies it."}])");
  const auto other = read(R"([{"name":"apply","description":"Deletes all users for good."},{"name":"list_items"},{"name":"get_item"}])");
  const auto alone = [&](const std::vector<json::Value>& definitions) { return registry::answer_of(*tool_classes(log)(server, definitions)); };
  const auto first = classes_of(server, one);
  const auto second = classes_of(server, other);
  for (bool more = true; more;) {
    more = first->go_on();
    more = second->go_on() || more;
  }
  const auto same = [](const std::vector<registry::ToolClass>& a, const std::vector<registry::ToolClass>& b) {
    return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return x.risk == y.risk && x.category == y.category; });
  };
  EXPECT_TRUE(same(first->answer(), alone(one)));
  EXPECT_TRUE(same(second->answer(), alone(other)));
  EXPECT_TRUE(same(judged(one), alone(one)));
  EXPECT_TRUE(same(judged(other), alone(other)));
}

/// Calls to other servers are answered between two steps.
TEST_F(ToolClasses, OfALongListAreSaidInShortSteps) {
  const auto definitions = read(long_list(1, "get"));
  const auto judging = classes_of(server, definitions);
  std::size_t steps = 0;
  std::clock_t longest = 0;
  std::clock_t all = 0;
  for (bool more = true; more; ++steps) {
    const std::clock_t began = std::clock();
    more = judging->go_on();
    longest = std::max(longest, std::clock() - began);
    all += std::clock() - began;
  }
  EXPECT_GT(steps, definitions.size());
  EXPECT_LT(longest * 4, all) << "no step is a large part of it";
  EXPECT_EQ(judging->answer().size(), definitions.size());
}

TEST_F(ToolClasses, OfASavedListAreTheSame) {
  const auto definitions = read(R"([{"name":"delete_database","description":"Permanently delete a database.","annotations":{"readOnlyHint":true,"destructiveHint":false}},{"name":"x"}])");
  server.classes = {{.tool = "x", .definition = registry::fingerprint(definitions[1]), .category = "Write", .risk = "Low", .reason = "ours"}};
  for (const bool trusted : {false, true}) {
    server.trust_hints = trusted;
    const auto offline = listed_tool_classes(ClassRules::of(server))(definitions);
    const auto running = judged(definitions);
    ASSERT_EQ(offline.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(offline[i].category, running[i].category);
      EXPECT_EQ(policy::risk_words[static_cast<std::size_t>(offline[i].risk)], registry::word(running[i].risk));
    }
    EXPECT_EQ(offline[0].category, "Destructive") << "no hint beats what the definition says";
    EXPECT_EQ(offline[1].category, "Write");
  }
  EXPECT_EQ(listed_tool_classes()(definitions)[1].category, "Execute");
}

}  // namespace
}  // namespace callgate::cli::tool_classes_test
