#include <fmt/format.h>

#include "classify/world.hpp"

namespace callgate::classify::modes_test {
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

struct Lying {
  const char* name;
  const char* description;
  const char* values;
  const char* category;
};
void PrintTo(const Lying& lying, std::ostream* out) { *out << lying.name; }

class ModesBehindALook : public testing::TestWithParam<Lying> {};

TEST_P(ModesBehindALook, AreWhatTheToolDoes) {
  const Lying& it = GetParam();
  const auto answer = judge(tool(it.name, it.description, std::string(R"("action":{"type":"string","enum":[)") + it.values + "]}"));
  EXPECT_EQ(word(answer.category), it.category) << to_json(answer, "s", "v");
  ASSERT_TRUE(answer.modes);
  for (const Mode& mode : answer.modes->values) EXPECT_LE(mode.risk, answer.risk) << mode.value;
}

INSTANTIATE_TEST_SUITE_P(Classify, ModesBehindALook,
                         testing::Values(Lying{"read_or_set", "Read settings.", R"("read","delete")", "Destructive"}, Lying{"list_keepers", "List keepers.", R"("list","delete","ban")", "Destructive"},
                                         Lying{"search_shelf", "Search the shelf.", R"("search","drop")", "Destructive"}, Lying{"check_tray", "Check the tray.", R"("check","purge")", "Destructive"},
                                         Lying{"view_stock", "View stock.", R"("show","erase")", "Destructive"}, Lying{"cluster", "Cluster tool.", R"("status","scale","reboot")", "Execute"},
                                         Lying{"shard_info", "Get information about shards.", R"("info","drain","shutdown")", "Execute"}, Lying{"find_payment", "Find a payment.", R"("find","refund")", "Financial"},
                                         Lying{"stock_admin", "Administer the stock.", R"("list","create","purge")", "Destructive"}, Lying{"plan_stack", "Plan a stack.", R"("plan","apply","destroy")", "Destructive"},
                                         Lying{"get_profile", "Get a profile.", R"("get","update")", "Write"}, Lying{"update_unit", "Update a unit.", R"("update","restart")", "Execute"}));

TEST(ClassifyModes, AreNoneThatSayWhatToLookForOrAskAbout) {
  const auto shown_of = [](const char* name, const std::string& property) { return shown(judge(tool(name, "Lists and checks.", property))); };
  EXPECT_EQ(shown_of("list_contracts", R"("plannedAction":{"type":"array","items":{"enum":["cancel","pause","resume"]}})"), "no modes");
  EXPECT_EQ(shown_of("list_corrections", R"("action":{"enum":["credit","refund"],"description":"Return entities for the specified action."})"), "no modes");
  EXPECT_EQ(shown_of("list_trail", R"("action":{"enum":["read","create","delete"],"description":"Filter by the action that was done."})"), "no modes");
  EXPECT_EQ(shown_of("search_trail", R"("action":{"enum":["create","delete"],"description":"Only return entries of this action."})"), "no modes");
  EXPECT_EQ(shown_of("search_trail", R"("action":{"enum":["create","delete"],"description":"Limit results to this action."})"), "no modes");
  EXPECT_EQ(shown_of("list_trail", R"("filter_action":{"enum":["create","delete"]})"), "no modes");
  EXPECT_EQ(shown_of("check_page_permissions", R"("operation":{"type":"string","description":"'read', 'update', 'delete' or 'purge'"})"), "no modes");
  EXPECT_EQ(shown_of("get_rule", R"("operation":{"type":"string","description":"The operation to check: 'read', 'delete'"})"), "no modes");
  EXPECT_EQ(shown_of("get_rule", R"("operation":{"enum":["create","delete"],"description":"Operations to look for."})"), "no modes");
  EXPECT_EQ(shown_of("get_rule", R"("operation":{"enum":["create","delete"],"description":"Operations to be matched."})"), "no modes");
  EXPECT_EQ(shown_of("get_rule", R"("operation":{"enum":["read","delete"],"description":"The operation type to filter by. All without it."})"), "no modes");
  EXPECT_EQ(shown_of("validate_change", R"("operation":{"enum":["create","delete"]})"), "no modes");
  EXPECT_EQ(shown_of("search_feed", R"("type":{"enum":["post","comment","order"]})"), "no modes");
  EXPECT_EQ(shown_of("find_symbol", R"("type":{"enum":["function","module","cluster"]})"), "no modes");
  EXPECT_EQ(shown_of("get_audit_log", R"("action":{"enum":["create","delete"]})"), "no modes");
  EXPECT_EQ(shown_of("search_merge_requests", R"("type":{"enum":["open","merge","close"]})"), "no modes");
  EXPECT_EQ(shown_of("list_moves", R"("move_type":{"enum":["IMPORT","EXPORT"]})"), "no modes");
  EXPECT_EQ(shown_of("scan_crate", R"("mode":{"enum":["detect","delete"]})"), "mode closed detect=Read delete=Destructive");
  EXPECT_EQ(shown_of("get_audit_log", R"("action":{"enum":["show","delete"]})"), "action closed show=Read delete=Destructive");
  EXPECT_EQ(shown_of("list_trail", R"("action":{"enum":["list","delete"],"description":"Filter by the action."})"), "action closed list=Read delete=Destructive") << "its own act is among them";
}

TEST(ClassifyModes, AreNotTalkedAwayByAWordOnTheWay) {
  for (const char* text : {"What to do. Use show to check it first.", "What to do: show to check it, purge to be rid of it.", "Show to look for it, purge to be rid of it.", "What to do. Filter by nothing.",
                           "What to do: return it with details, or purge it.", "Return it with details, or purge it."}) {
    const auto answer = judge(tool("get_item", "Gets an item.", R"("action":{"enum":["show","purge"],"description":)" + json::quoted(text) + "}"));
    EXPECT_EQ(shown(answer), "action closed show=Read purge=Destructive") << text;
  }
  const auto later = judge(tool("get_item", "Gets an item.", R"("mode":{"enum":["show","purge"],"description":"How it is done. Show it to check it first."})"));
  EXPECT_EQ(shown(later), "mode closed show=Read purge=Destructive") << "only the first sentence says what the argument is";
}

TEST(ClassifyModes, AreNoNamesOfArguments) {
  const auto answer = judge(tool("query_visits", "Looks at visits.\n\n  \"query\": [\"start_time\"], \"list\": [\"end_time\"]", R"("action":{"type":"string"},"start_time":{"type":"string"},"end_time":{"type":"string"})"));
  EXPECT_EQ(shown(answer), "action open query=Read list=Read");
}

TEST(ClassifyModes, ThatAreNotKnownAreNoLook) {
  for (const char* values : {R"("get","list","quux")", R"("get","list","capture")"}) {
    for (const char* name : {"gizmo", "get_gizmo"}) {
      const auto answer = judge(tool(name, "Gizmo tool.", std::string(R"("action":{"enum":[)") + values + "]}"));
      ASSERT_TRUE(answer.modes);
      EXPECT_EQ(answer.modes->values[2].category, Category::execute) << name << values;
      EXPECT_GE(answer.modes->values[2].risk, Risk::high) << name << values;
      EXPECT_EQ(answer.category, Category::execute) << name << values;
    }
  }
  EXPECT_EQ(judge(tool("get_gizmo", "Gets it.", R"("action":{"enum":["get","list","pages","user_sessions"]})")).category, Category::read) << "a thing that is looked at";
  for (const char* value : {"vm_exterminator", "vm_off"}) {
    const auto answer = judge(tool("get_gizmo", "Gets it.", fmt::format(R"("action":{{"enum":["get","list","{}"]}})", value)));
    ASSERT_TRUE(answer.modes);
    EXPECT_EQ(answer.modes->values[2].category, Category::execute) << value << " names a thing, and something else that nobody knows";
  }
  EXPECT_EQ(judge(tool("get_gizmo", "Gets it.", R"("action":{"enum":["get","list","vm_details","user_info"]})")).category, Category::read) << "words that add nothing";
  const auto till = judge(tool("payment", "Works on a payment.", R"("action":{"enum":["get","list","capture"]})"));
  EXPECT_EQ(till.modes->values[2].category, Category::financial);
  EXPECT_EQ(judge(tool("screen", "Works on the screen.", R"("action":{"enum":["get","list","capture"]})")).modes->values[2].category, Category::read);
}

TEST(ClassifyModes, OfSeveralWordsAreWhatTheFirstDoes) {
  const auto answer = judge(tool("keeper_admin", "Runs admin commands.\n\nArgs:\n  command: e.g. \"FLUSHALL\", \"CONFIG SET\", 'CONFIG GET', \"EVAL\"", R"("command":{"type":"string"},"args":{"type":"array"})"));
  EXPECT_EQ(shown(answer), "command open FLUSHALL=Destructive CONFIG SET=Execute CONFIG GET=Read EVAL=Execute");
  EXPECT_EQ(answer.modes->values[1].risk, Risk::critical);
  EXPECT_EQ(shown(judge(tool("keeper", "Keeper.", R"("command":{"enum":["GET","DEBUG SET","ACL LIST"]})"))), "command closed GET=Read DEBUG SET=Execute ACL LIST=Read");
  EXPECT_EQ(shown(judge(tool("keeper", "Runs GET, CONFIG SET and MEMORY USAGE.", R"("command":{"type":"string"})"))), "command open GET=Read CONFIG SET=Execute MEMORY USAGE=Read");
  EXPECT_EQ(shown(judge(tool("tray", "Tray. Use \"list\" to show all, \"delete\" to empty it.", R"("action":{"type":"string"})"))), "action open list=Read delete=Destructive");
  EXPECT_EQ(shown(judge(tool("shelf", "Shelf.", R"("action":{"enum":["get_or_create","read_and_delete","list"]})"))), "action closed get_or_create=Write read_and_delete=Destructive list=Read");
}

TEST(ClassifyModes, OfAnInterfaceWithAnyPathAreNoBounds) {
  const auto answer = judge(tool("call_backend", "Calls the interface.", R"("method":{"enum":["GET","POST","DELETE"]},"path":{"type":"string"})"));
  EXPECT_EQ(answer.risk, Risk::critical);
  ASSERT_TRUE(answer.modes);
  for (const Mode& mode : answer.modes->values) {
    EXPECT_EQ(mode.category, Category::execute) << mode.value;
    EXPECT_EQ(mode.risk, Risk::critical) << mode.value;
  }
}

TEST(ClassifyModes, OfAToolThatCallsItselfAnAdministratorAreAboutItsThing) {
  const auto answer = judge(tool("stock_admin", "Administer the stock.", R"("action":{"enum":["list","create","purge"]})"));
  EXPECT_EQ(answer.modes->values[1].risk, Risk::medium);
}

TEST(ClassifyModes, ThatShapeWhatIsReturnedChangeNothing) {
  EXPECT_EQ(judge(tool("text_transform", "Transforms a text.", R"("operation":{"enum":["upper","lower","trim","reverse"]})")).category, Category::read);
  EXPECT_EQ(judge(tool("query_figures", "Query figures.", R"("operation":{"enum":["filter","sort","group","join"]})")).category, Category::read);
  EXPECT_EQ(judge(tool("get_figures", "Get figures.", R"("operation":{"enum":["sum","avg","min","max","count"]})")).category, Category::read);
  EXPECT_EQ(judge(tool("get_stream", "Get a stream.", R"("operation":{"enum":["show","trim"]})")).category, Category::destructive);
  EXPECT_EQ(judge(tool("manage_stream", "Manage a stream.", R"("operation":{"enum":["trim","sort"]})")).category, Category::destructive);
}

TEST(ClassifyModes, OfADryRunAndOfSumsChangeNothing) {
  EXPECT_EQ(shown(judge(tool("sync_shelf", "Syncs.", R"("mode":{"enum":["dry-run","apply","delete"]})"))), "mode closed dry-run=Read apply=Write delete=Destructive");
  EXPECT_EQ(judge(tool("calculate", "Calculates.", R"("operation":{"enum":["add","subtract","multiply"]})")).category, Category::read);
}

TEST(ClassifyModes, OfAnOpenCommandRunnerMakeItAnEngine) {
  const auto answer = judge(tool("store_admin", "Runs admin commands: FLUSHALL, EVAL, CONFIG.", R"("command":{"type":"string"})"));
  EXPECT_EQ(answer.category, Category::execute);
  EXPECT_EQ(answer.risk, Risk::critical);
}

}  // namespace
}  // namespace callgate::classify::modes_test
