#include "classify/world.hpp"

#include "classify/inflection.hpp"
#include "classify/tokens.hpp"

namespace callgate::classify::tables_test {
namespace {

TEST(ClassifyTables, HaveNoFaults) { EXPECT_EQ(classifier().lexicon().faults, std::vector<std::string>{}); }

TEST(ClassifyTables, NameWhatIsWrongWithThem) {
  const Lexicon lexicon({{"verbs", "read\tget\nwrite\tget\n"}, {"rules", "risk\ta\tLow\tverb:fly\tit flies\nb\tc\n"}});
  ASSERT_EQ(lexicon.faults.size(), 3U);
  EXPECT_EQ(lexicon.faults[1], "rules:2: no row of this table has so many columns: `b`");
  EXPECT_EQ(lexicon.faults[0], "rules: a rule asks for a verb that no table has: `verb:fly`");
  EXPECT_EQ(lexicon.faults[2], "verbs:2: a verb stands twice: `get`");
}

TEST(ClassifyTables, AreNamedInTheVersion) {
  EXPECT_EQ(classifier().version(), std::string(CALLGATE_VERSION) + "+" + classifier().lexicon().hash);
  const Lexicon other({{"verbs", "read\tget\n"}});
  EXPECT_NE(other.hash, classifier().lexicon().hash);
  EXPECT_EQ(other.hash, Lexicon({{"verbs", "read\tget\n"}}).hash);
}

/// What a verb's class promises of a tool that is called by it and of which nothing else is known.
Category promised(const std::string& kind) {
  if (kind == "read" || kind == "derive" || kind == "preview" || kind == "generate") return Category::read;
  if (kind == "write" || kind == "send") return Category::write;
  if (kind == "destroy" || kind == "reset" || kind == "remove") return Category::destructive;
  return Category::execute;  // also what says too little
}

TEST(ClassifyTables, EachVerbDoesAsItsClassSays) {
  for (const Verb& verb : classifier().lexicon().verbs) {
    const std::string& kind = classifier().lexicon().verb_kinds[verb.kind];
    if (kind == "pay" || kind == "vague") continue;
    const Classification answer = judge(tool(verb.lemma + "_gizmo", ""));
    EXPECT_EQ(word(answer.category), word(promised(kind))) << verb.lemma << ' ' << to_json(answer, "", "");
  }
}

TEST(ClassifyTables, MoneyIsPaidWithEachVerbOfPaying) {
  for (const Verb& verb : classifier().lexicon().verbs) {
    if (classifier().lexicon().verb_kinds[verb.kind] != "pay") continue;
    const Classification answer = judge(tool(verb.lemma + "_payment", "", R"("amount":{"type":"number"},"currency":{"type":"string"})"));
    EXPECT_EQ(word(answer.category), "Financial") << verb.lemma;
  }
}

TEST(ClassifyTables, EachNounIsFoundInAName) {
  for (const Noun& noun : classifier().lexicon().nouns) {
    std::string name = "get_" + noun.word;
    std::ranges::replace(name, ' ', '_');
    const std::vector<Token> parts = parts_of(name, classifier().lexicon());
    const Compound compound = compound_at(name, parts, 1, classifier().lexicon());
    const Entry* entry = parts.size() > 1 ? parts[1].entry : nullptr;
    EXPECT_TRUE(compound.noun != nullptr || (entry != nullptr && entry->noun != nothing)) << noun.word;
  }
}

struct Forms {
  const char* base;
  const char* third;
  const char* gerund;
  const char* past;
};

class Inflection : public testing::TestWithParam<Forms> {};

TEST_P(Inflection, FollowsTheRulesOfGrammar) {
  EXPECT_EQ(third_person(GetParam().base), GetParam().third);
  EXPECT_EQ(gerund(GetParam().base), GetParam().gerund);
  EXPECT_EQ(past(GetParam().base), GetParam().past);
}

INSTANTIATE_TEST_SUITE_P(Classify, Inflection,
                         testing::Values(Forms{"list", "lists", "listing", "listed"}, Forms{"create", "creates", "creating", "created"},
                                         Forms{"copy", "copies", "copying", "copied"}, Forms{"stop", "stops", "stopping", "stopped"},
                                         Forms{"push", "pushes", "pushing", "pushed"}, Forms{"fix", "fixes", "fixing", "fixed"},
                                         Forms{"deploy", "deploys", "deploying", "deployed"}, Forms{"drop", "drops", "dropping", "dropped"}));

TEST(ClassifyInflection, MakesPluralsOfTheLastWord) {
  EXPECT_EQ(plural("policy"), "policies");
  EXPECT_EQ(plural("api key"), "api keys");
  EXPECT_EQ(plural("branch"), "branches");
}

std::vector<std::string> words_in(const char* name) {
  std::vector<std::string> words;
  for (const Token& part : parts_of(name, classifier().lexicon())) words.emplace_back(name + part.start, name + part.end);
  return words;
}

TEST(ClassifyNames, ArePartedBySignsAndCapitals) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(words_in("get_user-by.id"), (Words{"get", "user", "by", "id"}));
  EXPECT_EQ(words_in("ListHTTPServers"), (Words{"List", "HTTP", "Servers"}));
  EXPECT_EQ(words_in("getUserIDs"), (Words{"get", "User", "IDs"}));
  EXPECT_EQ(words_in("put_oauth2_provider"), (Words{"put", "oauth2", "provider"}));
  EXPECT_EQ(words_in("__"), Words{});
}

}  // namespace
}  // namespace callgate::classify::tables_test
