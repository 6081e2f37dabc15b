#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "classify/world.hpp"

namespace callgate::classify {
namespace {

struct Example {
  std::string rule;
  std::string name;
  std::string description;
  std::string parameters;
  std::string siblings;
};

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, by);) parts.push_back(part);
  return parts;
}

std::vector<Example> examples() {
  std::ifstream file(CALLGATE_SOURCE_DIR "/tests/classify/rule_examples.tsv");
  std::vector<Example> all;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with('#')) continue;
    std::vector<std::string> columns = split(line, '\t');
    columns.resize(5);
    all.push_back({columns[0], columns[1], columns[2], columns[3], columns[4]});
  }
  return all;
}

/// `name:type`, `name=a|b` or `name*what it is` as a member of `properties`.
std::string property(const std::string& written) {
  const std::size_t mark = written.find_first_of(":=*");
  const std::string name = json::quoted(written.substr(0, mark));
  const std::string rest = written.substr(mark + 1);
  if (written[mark] == ':') return name + R"(:{"type":")" + rest + "\"}";
  if (written[mark] == '*') return name + R"(:{"type":"string","description":)" + json::quoted(rest) + "}";
  std::string values;
  for (const std::string& each : split(rest, '|')) values += (values.empty() ? "" : ",") + json::quoted(each);
  return name + R"(:{"type":"string","enum":[)" + values + "]}";
}

Classification judged(const Example& example) {
  std::string properties;
  for (std::string each : split(example.parameters, ' ')) {
    // A described parameter holds blanks: it is the last and takes the rest.
    const std::size_t star = each.find('*');
    if (star != std::string::npos) each = example.parameters.substr(example.parameters.find(each));
    properties += (properties.empty() ? "" : ",") + property(each);
    if (star != std::string::npos) break;
  }
  std::string list = "[" + tool(example.name, example.description, properties);
  for (const std::string& sibling : split(example.siblings, ',')) list += "," + tool(sibling, "");
  return first_of(list + "]");
}

const Rule* rule_of(const std::string& id) {
  const Lexicon& lexicon = classifier().lexicon();
  for (const auto* rules : {&lexicon.categories, &lexicon.risks, &lexicon.signals}) {
    for (const Rule& rule : *rules) {
      if (rule.id == id) return &rule;
    }
  }
  return nullptr;
}

TEST(ClassifyRules, AnswerTheirExamples) {
  for (const Example& example : examples()) {
    SCOPED_TRACE(example.rule + ": " + example.name + ": " + example.description);
    const Rule* rule = rule_of(example.rule);
    ASSERT_NE(rule, nullptr) << "no such rule";
    const Classification answer = judged(example);
    const bool is_signal = !category_of(rule->value) && !risk_of(rule->value);
    EXPECT_TRUE(is_signal ? has_signal(answer, rule->value) : has_rule(answer, example.rule)) << to_json(answer, "s", "v");
  }
}

TEST(ClassifyRules, HaveAnExampleEach) {
  std::map<std::string, int> shown;
  for (const Example& example : examples()) ++shown[example.rule];
  std::set<std::string> seen;
  const Lexicon& lexicon = classifier().lexicon();
  for (const auto* rules : {&lexicon.categories, &lexicon.risks, &lexicon.signals}) {
    for (const Rule& rule : *rules) {
      EXPECT_GE(shown[rule.id], 1) << rule.id;
      EXPECT_TRUE(seen.insert(rule.id).second) << "two rules are called " << rule.id;
    }
  }
}

TEST(ClassifyRules, SayWhyInAClause) {
  const Lexicon& lexicon = classifier().lexicon();
  for (const auto* rules : {&lexicon.categories, &lexicon.risks}) {
    for (const Rule& rule : *rules) {
      EXPECT_FALSE(rule.says.empty()) << rule.id;
      EXPECT_TRUE(category_of(rule.value) || risk_of(rule.value)) << rule.id;
    }
  }
}

}  // namespace
}  // namespace callgate::classify
