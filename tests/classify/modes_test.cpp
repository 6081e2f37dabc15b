#include "classify/world.hpp"

namespace callgate::classify {
namespace {

std::string shown(const Classification& answer) {
  if (!answer.modes) return "no modes";
  std::string text = answer.modes->argument + (answer.modes->closed ? " closed" : " open");
  for (const Mode& mode : answer.modes->values) text.append(" ").append(mode.value).append("=").append(word(mode.category));
  return text;
}

TEST(ClassifyModes, AreTheVerbsOfAnEnum) {
  const auto answer = judge(tool("manage_shelf", "Works on shelves.", R"("action":{"type":"string","enum":["list","create","delete"]})"));
  EXPECT_EQ(shown(answer), "action closed list=Read create=Write delete=Destructive");
  EXPECT_EQ(answer.category, Category::destructive);
  EXPECT_TRUE(has_signal(answer, "mode_argument"));
}

TEST(ClassifyModes, OfATextAreExamplesAndLeaveTheRestOpen) {
  const auto answer = judge(tool("store_write", "Changes the store. Commands: SET, HSET, DEL.", R"("command":{"type":"string"},"args":{"type":"array"})"));
  EXPECT_EQ(shown(answer), "command open SET=Write HSET=Write DEL=Destructive");
  EXPECT_EQ(answer.category, Category::destructive);
  EXPECT_EQ(answer.risk, Risk::critical);
}

TEST(ClassifyModes, AreFoundInConstantsOfAlternatives) {
  const auto answer = judge(tool("shelf", "Shelves.", R"("operation":{"oneOf":[{"const":"add"},{"const":"drop"}]})"));
  EXPECT_EQ(shown(answer), "operation closed add=Write drop=Destructive");
}

TEST(ClassifyModes, AreFoundInItsOwnDescription) {
  const auto answer = judge(tool("index_tool", "Works on an index.", R"("action":{"type":"string","description":"\"create\", \"drop\", \"info\" or \"list\""})"));
  EXPECT_EQ(shown(answer), "action open create=Write drop=Destructive info=Read list=Read");
  EXPECT_EQ(answer.category, Category::destructive);
}

TEST(ClassifyModes, OfALineAboutTheArgumentLeaveOtherQuotedWordsOut) {
  const auto answer = judge(tool("store_write", "Changes the store.\n\nArgs:\n    command: e.g. \"SET\", \"DEL\"\n    args: words\n\nReturns:\n    A dict with \"status\".\n\nExamples:\n    store_write(command=\"EXPIRE\")",
                                 R"("command":{"type":"string"},"args":{"type":"array"})"));
  EXPECT_EQ(shown(answer), "command open SET=Write DEL=Destructive EXPIRE=Write");
}

TEST(ClassifyModes, EachAreJudgedAsTheOneThatIsNamed) {
  const auto answer = judge(tool("key_write", "Changes keys.\n\nArgs:\n    command: e.g. \"SET\", \"DEL\", \"EXPIRE\"", R"("command":{"type":"string"})"));
  ASSERT_EQ(answer.modes->values.size(), 3U);
  EXPECT_EQ(answer.modes->values[0].risk, Risk::medium);
  EXPECT_EQ(answer.modes->values[1].risk, Risk::high) << "one key";
  EXPECT_EQ(answer.modes->values[2].risk, Risk::high) << "loss at a later time";
  EXPECT_EQ(answer.risk, Risk::critical) << "the tool as a whole takes what it likes";
}

TEST(ClassifyModes, AreOpenWhereTheListIsNotReadWholeOrBoundsNothing) {
  std::string many = R"("get","list")";
  for (int i = 0; i < 80; ++i) many += ",\"get_" + std::to_string(i) + "\"";
  std::string some = R"("get","list")";
  for (int i = 0; i < 50; ++i) some += ",\"get_" + std::to_string(i) + "\"";
  for (const std::string& schema : {R"({"enum":[)" + many + "]}", R"({"enum":[)" + some + "]}", std::string(R"({"enum":["get","list",7]})"),
                                    std::string(R"({"anyOf":[{"enum":["get","list"]},{"type":"string"}]})"), std::string(R"({"oneOf":[{"const":"get"},{"const":"list"},{}]})"),
                                    std::string(R"({"type":"string","items":{"enum":["get","list"]}})"), R"({"enum":["get","list","get_)" + std::string(80, 'x') + "\"]}"}) {
    const auto answer = judge(tool("shelf", "Shelves.", R"("action":)" + schema));
    ASSERT_TRUE(answer.modes) << schema;
    EXPECT_FALSE(answer.modes->closed) << schema;
    EXPECT_FALSE(has_rule(answer, "read/mode")) << schema;
  }
  for (const char* schema : {R"({"anyOf":[{"enum":["get","list"]},{"type":"null"}]})", R"({"enum":["get","list",null]})"}) {
    EXPECT_TRUE(judge(tool("shelf", "Shelves.", std::string(R"("action":)") + schema)).modes->closed) << schema;
  }
}

TEST(ClassifyModes, AreNoStatesFormatsOrOrders) {
  for (const char* property : {R"("status":{"enum":["ACTIVE","DELETED"]})", R"("mode":{"enum":["summary","full"]})", R"("type":{"enum":["string","number"]})",
                               R"("order":{"enum":["asc","desc"]})", R"("format":{"enum":["print","export"]})"}) {
    EXPECT_EQ(shown(judge(tool("list_things", "List things.", property))), "no modes") << property;
  }
}

TEST(ClassifyModes, ThatOnlyLookLeaveAReadARead) {
  const auto answer = judge(tool("store_read", "Reads. Commands: GET, HGETALL, SCAN.", R"("command":{"type":"string"})"));
  EXPECT_EQ(answer.category, Category::read);
  EXPECT_EQ(answer.risk, Risk::medium);
}

TEST(ClassifyModes, ThatAreRefusedAreNone) {
  const auto answer = judge(tool("store_read", "Reads. Commands: GET, SCAN. FLUSHALL and DEL are blocked.", R"("command":{"type":"string"})"));
  EXPECT_EQ(shown(answer), "command open GET=Read SCAN=Read");
}

TEST(ClassifyModes, EachHaveTheirOwnRisk) {
  const auto answer = judge(tool("manage_role", "Roles.", R"("action":{"type":"string","enum":["get","create","delete"]})"));
  ASSERT_TRUE(answer.modes);
  EXPECT_EQ(answer.modes->values[0].risk, Risk::low);
  EXPECT_EQ(answer.modes->values[2].risk, Risk::critical);
}

TEST(ClassifyModes, OfAnOpenCommandRunnerMakeItAnEngine) {
  const auto answer = judge(tool("store_admin", "Runs admin commands: FLUSHALL, EVAL, CONFIG.", R"("command":{"type":"string"})"));
  EXPECT_EQ(answer.category, Category::execute);
  EXPECT_EQ(answer.risk, Risk::critical);
}

}  // namespace
}  // namespace callgate::classify
