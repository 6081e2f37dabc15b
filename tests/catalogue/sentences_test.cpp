#include "catalogue/sentences.hpp"

#include <gmock/gmock.h>

#include <set>

#include "catalogue/attacks.hpp"
#include "catalogue/world.hpp"

namespace callgate::catalogue::sentences_test {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

/// Every row is a test: it fills in, ends as a sentence does, and has no gap left.
TEST(Sentences, EachFillsInAndReadsAsASentence) {
  std::set<std::string_view> ids;
  for (const Row& row : rows_of(text_of_table(built_in_tables(), "sentences"))) {
    ASSERT_EQ(row.size(), 2U) << row.at(0);
    EXPECT_TRUE(ids.insert(row[0]).second) << row[0] << " stands there twice";
    std::string filled(row[1]);
    for (std::size_t open = filled.find('{'); open != std::string::npos; open = filled.find('{')) filled.replace(open, filled.find('}', open) - open + 1, "x");
    EXPECT_FALSE(filled.ends_with(':')) << row[0];
    EXPECT_THAT(filled, Not(HasSubstr("  "))) << row[0];
    if (row[0].starts_with("ask/")) EXPECT_TRUE(filled.ends_with('?')) << row[0];
    for (const std::string_view part : {"does/", "category/", "answer/", "signal/", "rule/", "evidence/signal"}) {
      if (row[0].starts_with(part)) EXPECT_TRUE(filled.ends_with('.')) << row[0];
    }
  }
}

TEST(Sentences, EverySignalOfTheClassifierHasOne) {
  for (const classify::Rule& rule : classifier().lexicon().signals) EXPECT_TRUE(can_say("signal/" + rule.value)) << rule.value;
}

TEST(Sentences, EveryCategoryAndEveryActionHasOne) {
  for (const char* id : {"category/Read", "category/Write", "category/Execute", "category/Destructive", "category/Financial", "rule/allow", "rule/deny", "rule/hide", "rule/require_approval"}) EXPECT_TRUE(can_say(id)) << id;
}

TEST(Sentences, AreCorrectEnglishForEveryClassAndCount) {
  for (const auto category : {classify::Category::read, classify::Category::write, classify::Category::execute, classify::Category::destructive, classify::Category::financial}) {
    for (const auto risk : {classify::Risk::low, classify::Risk::medium, classify::Risk::high, classify::Risk::critical}) {
      const std::string line = plain(say("lead", {{"tool", code("x")}, {"article", text(article(word(category)))}, {"category", text(word(category))}, {"risk", text(word(risk))}, {"server", text("s")}}));
      EXPECT_THAT(line, MatchesRegex("x is (an Execute|a Read|a Write|a Destructive|a Financial) tool with (Low|Medium|High|Critical) risk on s\\."));
    }
  }
  EXPECT_EQ(count_of(0, "tool"), "0 tools");
  EXPECT_EQ(count_of(1, "tool"), "1 tool");
  EXPECT_EQ(count_of(2, "tool"), "2 tools");
  EXPECT_EQ(listed({}), "");
  EXPECT_EQ(listed({"a"}), "a");
  EXPECT_EQ(listed({"a", "b"}), "a and b");
  EXPECT_EQ(listed({"a", "b", "c"}), "a, b and c");
}

TEST(Attacks, AreWellFormed) {
  std::set<std::string_view> ids;
  std::set<std::string> signals;
  for (const classify::Rule& rule : classifier().lexicon().signals) signals.insert(rule.value);
  signals.insert("mode_argument");  // set by what is found, not by a row
  for (const Row& row : rows_of(text_of_table(built_in_tables(), "attacks"))) {
    ASSERT_EQ(row.size(), 13U) << row.at(0);
    EXPECT_TRUE(classify::risk_of(row[2])) << row[0];
  }
  for (const Attack& attack : all_attacks()) {
    EXPECT_TRUE(ids.insert(attack.id).second) << attack.id;
    EXPECT_THAT(std::string(attack.id), MatchesRegex("[a-z][a-z-]*"));
    EXPECT_TRUE(attack.scope == "tool" || attack.scope == "server") << attack.id;
    for (const std::string_view signal : attack.signals) EXPECT_TRUE(signals.contains(std::string(signal))) << attack.id << " asks for " << signal;
    for (const std::string& mapping : attack.mappings) EXPECT_THAT(mapping, MatchesRegex("OWASP (MCP|LLM|ASI)[0-9][0-9]|CWE-[0-9]+|AML\\.T[0-9.]+")) << attack.id;
    for (const Reference& reference : attack.references) EXPECT_TRUE(reference.address.starts_with("https://")) << reference.address;
    EXPECT_TRUE(attack.happens.ends_with('.')) << attack.id;
    EXPECT_FALSE(attack.answered_by.empty()) << attack.id;
  }
  EXPECT_GT(ids.size(), 20U);
}

TEST(Attacks, TheWorstComeFirstAndThoseThatASignalCalledForBeforeGeneralOnes) {
  const classify::Classification tool{.tool = "x", .category = classify::Category::execute, .signals = {"cost", "drafts_rights"}};
  const auto found = attacks_on(tool);
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front()->id, "privilege-escalation");
  for (std::size_t i = 1; i < found.size(); ++i) EXPECT_GE(found[i - 1]->severity, found[i]->severity);
}

TEST(Attacks, ModesCountLikeTheToolItself) {
  classify::Classification tool{.tool = "x", .category = classify::Category::read};
  const std::size_t plain_read = attacks_on(tool).size();
  tool.modes = classify::Modes{.argument = "a", .values = {{"drop", classify::Category::destructive, classify::Risk::critical}}};
  EXPECT_GT(attacks_on(tool).size(), plain_read);
}

}  // namespace
}  // namespace callgate::catalogue::sentences_test
