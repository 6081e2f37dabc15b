#include <cmath>
#include <map>
#include <set>

#include "classify/examples.hpp"

namespace callgate::classify::rules_test {
namespace {

std::vector<const Rule*> all_rules() {
  const Lexicon& lexicon = classifier().lexicon();
  std::vector<const Rule*> all;
  for (const auto* rules : {&lexicon.categories, &lexicon.risks, &lexicon.signals}) {
    for (const Rule& rule : *rules) all.push_back(&rule);
  }
  return all;
}

TEST(ClassifyRules, AnswerTheirExamples) {
  const std::vector<const Rule*> rules = all_rules();
  for (const auto& row : rows_of("rule_examples.tsv")) {
    SCOPED_TRACE(row[0] + ": " + row[1] + ": " + row[2]);
    const auto rule = std::ranges::find(rules, row[0], &Rule::id);
    ASSERT_NE(rule, rules.end()) << "no such rule";
    const Classification answer = judged(row[1], row[2], row[3], row[4]);
    const bool is_signal = !category_of((*rule)->value) && !risk_of((*rule)->value);
    EXPECT_TRUE(is_signal ? has_signal(answer, (*rule)->value) : has_rule(answer, row[0])) << to_json(answer, "s", "v");
  }
}

TEST(ClassifyRules, HaveExamplesOfTheirOwn) {
  std::map<std::string, int> shown;
  for (const auto& row : rows_of("rule_examples.tsv")) ++shown[row[0]];
  std::set<std::string> seen;
  for (const Rule* rule : all_rules()) {
    // Two things that a decision fits are a rule; one may be a memory of that one.
    const bool is_signal = !category_of(rule->value) && !risk_of(rule->value);
    EXPECT_GE(shown[rule->id], is_signal ? 1 : 2) << rule->id;
    EXPECT_TRUE(seen.insert(rule->id).second) << "two rules are called " << rule->id;
  }
}

TEST(ClassifyRules, SayWhyInAClause) {
  for (const Rule* rule : all_rules()) EXPECT_FALSE(rule->says.empty()) << rule->id;
}

TEST(ClassifyRules, JudgeWhatIsMetInTheField) {
  for (const auto& row : rows_of("field_examples.tsv")) {
    const Classification answer = judged(row[2], row[3], row[4]);
    EXPECT_EQ(word(answer.category), row[0]) << row[2] << ' ' << to_json(answer, "s", "v");
    const auto risk = risk_of(row[1]);
    ASSERT_TRUE(risk) << row[2];
    EXPECT_LE(std::abs(static_cast<int>(*risk) - static_cast<int>(answer.risk)), 1) << row[2] << ' ' << to_json(answer, "s", "v");
  }
}

}  // namespace
}  // namespace callgate::classify::rules_test
