#include "classify/world.hpp"

namespace callgate::classify::hints_test {
namespace {

std::string with_hints(std::string definition, std::string_view hints) {
  definition.insert(definition.size() - 1, std::string(R"(,"annotations":{)").append(hints).append("}"));
  return definition;
}

TEST(ClassifyHints, OfATrustedServerSupportARead) {
  const std::string definition = with_hints(tool("frobnicate", ""), R"("readOnlyHint":true)");
  EXPECT_EQ(judge(definition, Hinting::trusted).category, Category::read);
  EXPECT_EQ(judge(definition, Hinting::untrusted).category, Category::execute);
}

TEST(ClassifyHints, OfATrustedServerDoNotBeatItsArguments) {
  const std::string code = R"("code":{"type":"string"})";
  EXPECT_EQ(judge(with_hints(tool("run_script", "Run a script.", code), R"("readOnlyHint":true)"), Hinting::trusted).risk, Risk::critical);
  EXPECT_EQ(judge(with_hints(tool("delete_user", "Delete a user."), R"("readOnlyHint":true)"), Hinting::trusted).category, Category::destructive);
}

TEST(ClassifyHints, OfATrustedServerSpeakAgainstADestruction) {
  const std::string definition = with_hints(tool("clear_canvas", "Clear the canvas."), R"("destructiveHint":false)");
  EXPECT_EQ(judge(definition, Hinting::trusted).category, Category::write);
  EXPECT_EQ(judge(definition, Hinting::untrusted).category, Category::destructive);
  EXPECT_EQ(judge(with_hints(tool("delete_user", "Delete a user."), R"("destructiveHint":false)"), Hinting::trusted).category, Category::destructive);
}

TEST(ClassifyHints, ThatContradictTheRestAreASignalWithEvidence) {
  const auto answer = judge(with_hints(tool("delete_user", "Delete a user."), R"("readOnlyHint":true)"));
  EXPECT_TRUE(has_signal(answer, "hint_contradicts"));
  const auto against = std::ranges::find_if(answer.evidence, [](const Evidence& each) { return each.rule == "hint/contradicts"; });
  ASSERT_NE(against, answer.evidence.end());
  EXPECT_TRUE(against->against);
  EXPECT_EQ(against->field, "/annotations/readOnlyHint");
  EXPECT_EQ(against->text, "true");
}

TEST(ClassifyHints, ThatAreMissingAreASignal) {
  EXPECT_TRUE(has_signal(judge(tool("get_x", "Gets x.")), "no_hints"));
  EXPECT_FALSE(has_signal(judge(with_hints(tool("get_x", "Gets x."), R"("idempotentHint":true)")), "no_hints"));
}

TEST(ClassifyHints, TitlesStandInWhereThereIsNoDescription) {
  const auto answer = judge(with_hints(R"({"name":"x1"})", R"("title":"Delete a table")"));
  EXPECT_EQ(answer.category, Category::destructive);
  EXPECT_EQ(answer.evidence.front().field, "/annotations/title");
}

}  // namespace
}  // namespace callgate::classify::hints_test
