#include "cli/scan_command.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "cli/client_config.hpp"
#include "cli/last_look.hpp"
#include "cli/tool_command.hpp"
#include "cli/scan_flags.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::cli::scan_command_test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view shop = R"({"server":"shop","tools":[
  {"name":"list_items","description":"List items.","inputSchema":{"type":"object","properties":{}}},
  {"name":"delete_table","description":"Delete a table.","inputSchema":{"type":"object","properties":{"name":{"type":"string"}}}},
  {"name":"frobnicate"}]})";

struct ScanCommand : ToolCommand {
  Exit run(std::vector<std::string_view> args) {
    return ran([&](std::ostream& to_out, std::ostream& to_err) { return scan(args, world.home, Colour::off, to_out, to_err); });
  }
};

TEST_F(ScanCommand, ShowsTheWorstToolFirst) {
  const std::string_view list = file(shop);
  EXPECT_EQ(run({"--tools", list}), Exit::ok);
  EXPECT_THAT(out, HasSubstr("shop: 3 tools: 1 Critical, 1 High, 1 Low"));
  EXPECT_LT(out.find("delete_table"), out.find("frobnicate"));
  EXPECT_LT(out.find("frobnicate"), out.find("list_items"));
  EXPECT_THAT(out, HasSubstr("? needs a look"));
  EXPECT_THAT(out, Not(HasSubstr("last look"))) << "nobody looks at a saved list again";
}

TEST_F(ScanCommand, WritesAnArrayOfClassifications) {
  const std::string_view list = file(shop);
  const std::string_view other = file(R"({"result":{"tools":[{"name":"get_x"}]}})", "other.json");
  EXPECT_EQ(run({"--json", "--tools", list, other}), Exit::ok);
  const auto document = json::OwnedDocument::parse(out);
  ASSERT_TRUE(document) << out;
  ASSERT_EQ((*document)->root().size(), 4U);
  std::vector<std::string> tools;
  for (const json::Value each : (*document)->root().elements()) tools.push_back(each.find("server")->string() + "/" + each.find("tool")->string());
  EXPECT_THAT(tools, testing::ElementsAre("shop/list_items", "shop/delete_table", "shop/frobnicate", "default/get_x"));
}

TEST_F(ScanCommand, AnEmptyListIsAnEmptyArray) {
  EXPECT_EQ(run({"--json", "--tools", file(R"({"tools":[]})")}), Exit::ok);
  EXPECT_EQ(out, "[]\n");
}

TEST_F(ScanCommand, FailsOnARiskInAnyLetterCase) {
  const std::string_view list = file(shop);
  EXPECT_EQ(run({"--tools", list, "--fail-on", "critical"}), Exit::refused);
  EXPECT_EQ(run({"--tools", list, "--fail-on=HIGH"}), Exit::refused);
  EXPECT_EQ(run({"--tools", file(R"({"tools":[{"name":"get_x"}]})"), "--fail-on", "Medium"}), Exit::ok);
}

TEST_F(ScanCommand, GivesEvidenceAndSignalsInItsLongForm) {
  EXPECT_EQ(run({"--long", "--tools", file(shop)}), Exit::ok);
  EXPECT_THAT(out, HasSubstr("for category: /name says `delete`"));
  EXPECT_THAT(out, HasSubstr("signals: "));
}

/// The configuration of server `shop`: one tool of it is said to be something else.
std::string shop_config(std::string_view tool, std::string_view definition, std::string_view more = "") {
  const auto read = json::OwnedDocument::parse(std::string(definition));
  return fmt::format("servers:\n  shop:\n    url: http://127.0.0.1:1/mcp\n    policy: p.yaml\n{}    classes:\n      {}: {{category: Write, risk: Medium, reason: only our own table, definition: \"{}\"}}\n", more,
                     tool, registry::fingerprint((*read)->root()));
}
constexpr std::string_view delete_table = R"({"name":"delete_table","description":"Delete a table.","inputSchema":{"type":"object","properties":{"name":{"type":"string"}}}})";

TEST_F(ScanCommand, ShowsWhatTheConfigurationSaysAndThatItSaysSo) {
  const std::string_view list = file(shop);
  const std::string_view config = file(shop_config("delete_table", delete_table), "callgate.yaml");
  EXPECT_EQ(run({"--config", config, "--tools", list}), Exit::ok) << err;
  EXPECT_THAT(out, HasSubstr("shop: 3 tools: 1 High, 1 Medium, 1 Low"));
  EXPECT_THAT(out, HasSubstr("by the configuration (judged Critical Destructive): only our own table"));
  EXPECT_EQ(run({"--json", "--config", config, "--tools", list}), Exit::ok);
  EXPECT_THAT(out, HasSubstr(R"("override":{"judged":{"category":"Destructive","risk":"Critical"},"reason":"only our own table"})"));
}

TEST_F(ScanCommand, AWordOfAnotherDefinitionLapsesAndIsSaid) {
  const std::string_view config = file(shop_config("delete_table", R"({"name":"delete_table"})"), "callgate.yaml");
  EXPECT_EQ(run({"--config", config, "--tools", file(shop)}), Exit::ok);
  EXPECT_THAT(out, HasSubstr("1 Critical"));
  EXPECT_THAT(err, HasSubstr("`delete_table` holds for another definition"));
}

TEST_F(ScanCommand, AConfigurationWithoutTheServerOrWithFaultsIsNamed) {
  const std::string_view config = file(shop_config("delete_table", delete_table), "callgate.yaml");
  EXPECT_EQ(run({"--config", config, "--name", "other", "--tools", file(shop)}), Exit::unavailable);
  EXPECT_THAT(err, HasSubstr("no server `other` stands in"));
  EXPECT_EQ(run({"--config", file("servers: {shop: {}}", "callgate.yaml"), "--tools", file(shop)}), Exit::unavailable);
  EXPECT_THAT(err, HasSubstr("`servers.shop` needs `command`"));
}

TEST_F(ScanCommand, TheConfigurationsTrustInHintsCountsForThatServer) {
  constexpr std::string_view hinted = R"({"server":"shop","tools":[{"name":"frobnicate","annotations":{"readOnlyHint":true}}]})";
  EXPECT_EQ(run({"--tools", file(hinted)}), Exit::ok);
  EXPECT_THAT(out, HasSubstr("1 High"));
  const std::string_view config = file("servers: {shop: {url: 'http://127.0.0.1:1/mcp', policy: p, trust_hints: true}}", "callgate.yaml");
  EXPECT_EQ(run({"--config", config, "--tools", file(hinted)}), Exit::ok) << err;
  EXPECT_THAT(out, HasSubstr("Read"));
}

TEST_F(ScanCommand, CallsASavedListAsItIsTold) {
  EXPECT_EQ(run({"--name", "mine", "--tools", file(shop)}), Exit::ok);
  EXPECT_THAT(out, HasSubstr("mine: 3 tools"));
}

TEST_F(ScanCommand, FilesThatAreNoListsAreNamed) {
  const std::string none = (world.folder.path() / "none.json").string();
  EXPECT_EQ(run({"--tools", none}), Exit::unavailable);
  EXPECT_EQ(err, "callgate: cannot open `" + none + "`: No such file or directory\n");
  EXPECT_EQ(run({"--tools", file("")}), Exit::unavailable);
  EXPECT_THAT(err, HasSubstr("it is no list of tools, which is `{\"tools\": [...]}`: "));
  EXPECT_EQ(run({"--tools", file(R"({"tools":{}})")}), Exit::unavailable);
  EXPECT_THAT(err, HasSubstr("no array `tools`"));
}

TEST_F(ScanCommand, HiddenCharactersOfNamesAreShown) {
  EXPECT_EQ(run({"--tools", file("{\"tools\":[{\"name\":\"get\u202ex\"}]}")}), Exit::ok);
  EXPECT_THAT(out, HasSubstr("get\\u202ex"));
}

TEST_F(ScanCommand, NamesThatLookAlikeAreShownWithTheOther) {
  const std::string_view list = file("{\"server\":\"bank\",\"tools\":[{\"name\":\"send_money\",\"description\":\"Sends money.\"},{\"name\":\"send_m\u043eney\",\"description\":\"Returns the time.\"}]}");
  EXPECT_EQ(run({"--tools", list}), Exit::ok) << err;
  EXPECT_THAT(out, HasSubstr("bank: 2 tools: 2 Critical"));
  EXPECT_THAT(out, HasSubstr("! look_alike: its name looks like that of this tool: `send_money`"));
  EXPECT_THAT(out, HasSubstr("! odd_characters: letters of several scripts in one name"));
  EXPECT_EQ(run({"--long", "--tools", list}), Exit::ok);
  EXPECT_THAT(out, HasSubstr("for signal: sibling:send_money/name says `send_money`"));
  EXPECT_EQ(run({"--json", "--tools", list}), Exit::ok);
  EXPECT_THAT(out, HasSubstr(R"("for":"signal","field":"sibling:send_money/name","text":"send_money")"));
}

TEST_F(ScanCommand, NamesOfOtherServersOfTheSameLookAreShown) {
  const std::string_view one = file(R"({"server":"one","tools":[{"name":"search","description":"Searches notes."}]})", "one.json");
  const std::string_view two = file(R"({"server":"two","tools":[{"name":"search","description":"Searches mail."},{"name":"get_x","description":"Gets x."}]})", "two.json");
  EXPECT_EQ(run({"--tools", one, two}), Exit::ok) << err;
  EXPECT_THAT(out, HasSubstr("! shadows: same name on server `two`: a client that joins both may call the wrong one: `search`"));
  EXPECT_THAT(out, HasSubstr("! shadows: same name on server `one`"));
  EXPECT_EQ(run({"--tools", one}), Exit::ok);
  EXPECT_THAT(out, testing::Not(HasSubstr("shadows")));
}

TEST_F(ScanCommand, EntriesWithoutANameAreSaidAndTheOthersJudged) {
  EXPECT_EQ(run({"--tools", file(R"({"server":"s","tools":[{"name":"get_x"},{"name":""},7,{"name":5}]})")}), Exit::ok);
  for (const char* entry : {"entry 2 of the list has no name", "entry 3 of", "entry 4 of"}) EXPECT_THAT(err, HasSubstr(entry));
  EXPECT_THAT(out, HasSubstr("s: 1 tool: "));
  EXPECT_THAT(out, HasSubstr("get_x"));
  EXPECT_EQ(run({"--json", "--tools", file(R"({"server":"s","tools":[7,{"name":"get_x"}]})")}), Exit::ok);
  EXPECT_THAT(out, testing::Not(HasSubstr(R"("tool":"")")));
}

TEST_F(ScanCommand, NamesThatCannotBeCalledAreSaidWithTheirReason) {
  EXPECT_EQ(run({"--tools", file(R"({"server":"s","tools":[{"name":"get_x"},{"name":"get_x"},{"name":"get_x"},{"name":"get y"}]})")}), Exit::ok);
  EXPECT_THAT(err, HasSubstr("server `s`: `get_x` stands in the list 3 times: which is meant cannot be told"));
  EXPECT_THAT(err, HasSubstr("server `s`: `get y` is no name of a tool"));
}

TEST_F(ScanCommand, AWrongCommandLineIsUsage) {
  for (const std::vector<std::string_view>& args : {std::vector<std::string_view>{}, {"--tools"}, {"--bogus"}, {"--fail-on", "bad", "--tools", "x"}, {"--tools", "x", "--upstream", "http://127.0.0.1:1/mcp"},
                                                    {"--upstream", "ftp://x"}, {"--name", "a/b", "--tools", "x"}, {"--"}, {"--timeout", "0", "--", "x"}, {"x"}, {"--header", "A: b", "--", "x"},
                                                    {"--name", "n", "--client-config", "x"}, {"--upstream", "http://127.0.0.1:1/mcp", "--header", "Authorization: Bearer x"}}) {
    EXPECT_EQ(run(args), Exit::usage) << testing::PrintToString(args);
    EXPECT_THAT(err, HasSubstr("callgate scan --help"));
  }
  EXPECT_EQ(run({"--help"}), Exit::ok);
  EXPECT_THAT(out, HasSubstr("Example"));
}

TEST_F(ScanCommand, AClientsFileThatCannotBeReadIsNamed) {
  const std::string none = (world.folder.path() / "none.json").string();
  EXPECT_EQ(run({"--client-config", none}), Exit::unavailable);
  EXPECT_EQ(run({"--json", "--client-config", file("{}")}), Exit::unavailable);
  EXPECT_THAT(err, HasSubstr("neither `mcpServers` nor `servers`"));
  EXPECT_EQ(out, "[]\n") << "programs get an array in any case";
}

TEST_F(ScanCommand, AServerThatIsLeftOutIsNotTakenForAServerThatIsFine) {
  EXPECT_EQ(run({"--fail-on", "low", "--client-config", file(R"({"servers":{"asks":{"command":"x","env":{"K":"${input:key}"}}}})")}), Exit::unavailable);
  EXPECT_THAT(err, HasSubstr("`asks` is left out: only the client can fill in `${input:key}`"));
  EXPECT_EQ(run({"--client-config", file(R"({"mcpServers":{"args":{"command":"x","args":"oops"}}})")}), Exit::unavailable);
  EXPECT_THAT(err, HasSubstr("`args` is left out: `args` is no list of texts"));
}

TEST_F(ScanCommand, AFileWithoutServersIsNoFileOfFineServers) {
  for (const std::string_view text : {R"({"mcpServers":{}})", R"({"projects":{"/p":{"mcpServers":{}}}})"}) {
    EXPECT_EQ(run({"--client-config", file(text)}), Exit::unavailable) << text;
    EXPECT_THAT(err, HasSubstr("no server stands in it, so nothing was looked at"));
  }
  EXPECT_EQ(run({"--client-config", file(R"({"mcpServers":{"off":{"command":"x","disabled":true}}})")}), Exit::unavailable);
  EXPECT_THAT(err, HasSubstr("`off` is left out: it is turned off"));
  EXPECT_THAT(err, HasSubstr("all of its servers are turned off, so nothing was looked at"));
}

ClientServers servers_in(std::string_view text) {
  const OfflineWorld world;
  auto read = read_client_config(text, world.home);
  EXPECT_TRUE(read) << (read ? "" : read.error().message);
  return read ? std::move(*read) : ClientServers{};
}

TEST(ClientConfig, IsReadInTheShapesOfTheClients) {
  const auto desktop = servers_in(R"({"mcpServers":{"files":{"command":"npx","args":["-y","server"],"env":{"A":"b"}}}})");
  ASSERT_EQ(desktop.servers.size(), 1U);
  EXPECT_EQ(desktop.servers[0].name, "files");
  EXPECT_THAT(desktop.servers[0].command, testing::ElementsAre("npx", "-y", "server"));
  EXPECT_EQ(desktop.servers[0].env.at(0).second.reveal(), "b");
  const auto code = servers_in("{ // a comment\n \"servers\": {\"web\": {\"type\": \"http\", \"url\": \"https://host.example/mcp\", /* more */ \"headers\": {\"X-Key\": \"k\"}}}}");
  ASSERT_EQ(code.servers.size(), 1U);
  EXPECT_EQ(code.servers[0].url, "https://host.example/mcp");
  EXPECT_EQ(code.servers[0].headers.at(0).second.reveal(), "k");
  EXPECT_EQ(servers_in(R"({"mcp":{"servers":{"a":{"command":"x"}}}})").servers.size(), 1U);
}

TEST(ClientConfig, NamesWhatIsLeftOut) {
  const auto read = servers_in(R"({"mcpServers":{"off":{"command":"x","disabled":true},"asks":{"command":"x","env":{"K":"${input:key}"}},"empty":{},"both":{"command":"x","url":"https://h.example"},
    "odd":7,"unset":{"command":"${NOT_SET_HERE}"},"scheme":{"url":"file:///x"},"home":{"command":"${HOME}"},"a b/c":{"command":"x"}}})");
  std::vector<std::string> names;
  for (const Error& each : read.left_out) names.push_back(each.where);
  EXPECT_THAT(names, testing::ElementsAre("asks", "empty", "both", "odd", "unset", "scheme"));
  EXPECT_THAT(read.off, testing::ElementsAre("off"));
  ASSERT_EQ(read.servers.size(), 2U);
  EXPECT_FALSE(read.servers[0].command[0].empty());
  EXPECT_EQ(read.servers[1].name, "a_b_c");
}

TEST(ClientConfig, ServersOfProjectsAreReadBesideThoseOfAllProjects) {
  const auto read = servers_in(R"({"mcpServers":{"a":{"command":"x"}},"numStartups":3,"projects":{"/one":{"mcpServers":{"b":{"command":"y"},"a":{"command":"x"}}},
    "/two":{"mcpServers":{"a":{"command":"other"}}},"/three":{"allowedTools":[]}}})");
  ASSERT_EQ(read.servers.size(), 3U);
  EXPECT_EQ(read.servers[0].name, "a");
  EXPECT_EQ(read.servers[1].name, "b");
  EXPECT_EQ(read.servers[2].name, "a-2") << "another server of that name";
  EXPECT_THAT(read.servers[2].command, testing::ElementsAre("other"));
}

TEST(ClientConfig, CommasBeforeABracketAndAByteOrderMarkArePassedOver) {
  const auto read = servers_in("\xEF\xBB\xBF{\"servers\": {\"a\": {\"command\": \"x\", \"args\": [\"1,]\", \"2\", /* last */ ],},\n}, // end\n}");
  ASSERT_EQ(read.servers.size(), 1U);
  EXPECT_THAT(read.servers[0].command, testing::ElementsAre("x", "1,]", "2"));
  const OfflineWorld world;
  EXPECT_FALSE(read_client_config(R"({"servers":{"a":{"command":"x",,}}})", world.home));
  EXPECT_FALSE(read_client_config(R"({"servers":{"a":{"args":[,]}}})", world.home));
}

TEST(ClientConfig, ACommandMayBeAnObjectWithItsPath) {
  const auto read = servers_in(R"({"context_servers":{"a":{"command":{"path":"x","args":["1"],"env":{"A":"b"}}},"b":{"source":"custom","command":"y","args":["2"]}}})");
  ASSERT_EQ(read.servers.size(), 2U);
  EXPECT_THAT(read.servers[0].command, testing::ElementsAre("x", "1"));
  EXPECT_EQ(read.servers[0].env.at(0).second.reveal(), "b");
}

TEST(ClientConfig, WhatIsOfAnotherTypeIsNotPassedOver) {
  const auto read = servers_in(R"({"mcpServers":{"args":{"command":"x","args":"oops"},"env":{"command":"x","env":["A=b"]},"headers":{"url":"https://h.example","headers":"X: y"},"value":{"command":"x","env":{"A":{}}},
    "null":{"command":"x","args":null,"env":null}}})");
  std::vector<std::string> said;
  for (const Error& each : read.left_out) said.push_back(each.where + ": " + each.message);
  EXPECT_THAT(said, testing::ElementsAre("args: `args` is no list of texts", "env: `env` is no object of names and texts", "headers: `headers` is no object of names and texts",
                                         "value: `env` is no object of names and texts"));
  EXPECT_EQ(read.servers.size(), 1U);
}

TEST(ClientConfig, AShelfOfAnotherTypeIsSaid) {
  const auto read = servers_in(R"({"mcpServers":{"a":{"command":"x"}},"servers":[{"command":"y"}],"context_servers":null,"mcp":{"servers":"oops"},"projects":{"/one":7,"/two":{"mcpServers":[]}}})");
  std::vector<std::string> said;
  for (const Error& each : read.left_out) said.push_back(each.where + ": " + each.message);
  EXPECT_THAT(said, testing::ElementsAre("servers: it is no object of servers", "mcp.servers: it is no object of servers", "projects./one: it is no object", "projects./two.mcpServers: it is no object of servers"));
  EXPECT_EQ(read.servers.size(), 1U);
  for (const char* text : {R"({"mcpServers":[]})", R"({"mcp":7})", R"({"projects":[]})"}) EXPECT_EQ(servers_in(text).left_out.size(), 1U) << text;
}

TEST(ClientConfig, SlashesWithinTextAreNoComments) {
  const auto read = servers_in(R"({"mcpServers":{"a":{"command":"x","args":["https://h.example/*not*/","\"//"]}}})");
  ASSERT_EQ(read.servers.size(), 1U);
  EXPECT_THAT(read.servers[0].command, testing::ElementsAre("x", "https://h.example/*not*/", "\"//"));
}

TEST(LastLook, TellsWhatHasChangedSince) {
  const TemporaryFolder folder;
  const auto first = look_again(folder.path(), "s", "a", R"([{"name":"x","description":"one"},{"name":"y"}])");
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->first);
  const auto same = look_again(folder.path(), "s", "a", R"([{"name":"y"},{"description":"one","name":"x"}])");
  ASSERT_TRUE(same);
  EXPECT_FALSE(same->first);
  EXPECT_TRUE(same->changes.empty());
  const auto other = look_again(folder.path(), "s", "a", R"([{"name":"x","description":"two"},{"name":"z"}])");
  ASSERT_EQ(other->changes.size(), 3U);
  EXPECT_EQ(other->changes[0].kind, Change::Kind::changed);
  EXPECT_THAT(other->changes[0].difference, HasSubstr("- description: \"one\""));
  EXPECT_THAT(other->changes[0].difference, HasSubstr("+ description: \"two\""));
  EXPECT_EQ(other->changes[1].tool, "z");
  EXPECT_EQ(other->changes[2].kind, Change::Kind::removed);
}

TEST(LastLook, KeepsServersOfOneNameApart) {
  const TemporaryFolder folder;
  ASSERT_TRUE(look_again(folder.path(), "s", "a", "[]"));
  EXPECT_TRUE(look_again(folder.path(), "s", "b", "[]")->first);
  EXPECT_TRUE(look_again(folder.path(), "t", "a", "[]")->first);
}

TEST(LastLook, ThatCannotBeReadCountsAsNone) {
  const TemporaryFolder folder;
  ASSERT_TRUE(look_again(folder.path(), "s", "a", "[]"));
  for (const auto& each : std::filesystem::directory_iterator(folder.path() / "looks")) std::filesystem::resize_file(each.path(), 1);
  EXPECT_TRUE(look_again(folder.path(), "s", "a", "[]")->first);
}

}  // namespace
}  // namespace callgate::cli::scan_command_test
