#include "cli/server_command.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"
#include "cli/offline_world.hpp"
#include "config/text_file.hpp"
#include "registry/pin_file.hpp"
#include "registry/pins.hpp"

namespace callgate::cli::server_command_test {
namespace {

class ServerCommand : public testing::Test {
 protected:
  Exit run(std::vector<std::string_view> args) { return world_.run(&server, std::move(args)); }
  const std::string& out() const { return world_.out; }
  const std::string& err() const { return world_.err; }

  /// A gateway in front of `valkey` reads this list.
  void list_tools(const std::string& tools) {
    const auto read = json::OwnedDocument::parse(tools);
    std::vector<json::Value> definitions;
    for (const json::Value tool : (*read)->root().elements()) definitions.push_back(tool);
    const auto store = world_.store();
    const registry::ListSource source{.key = {"valkey", "uvx valkey", "legacy"}};
    table_ = registry::observe(store->pins(), source, definitions, 1).value();
  }
  std::string states() const {
    std::string text;
    for (const registry::Tool& tool : table_->tools()) {
      text += (text.empty() ? "" : ",") + tool.name + (tool.state == registry::Tool::State::known ? "" : "?");
    }
    return text;
  }

  OfflineWorld world_;
  std::shared_ptr<const registry::ToolTable> table_;
};

constexpr auto old_tools = R"([{"name":"get","description":"reads","inputSchema":{}}])";
constexpr auto new_tools =
    R"([{"name":"get","description":"reads and sends","inputSchema":{}},{"name":"put","description":"w\u202e","inputSchema":{}}])";

TEST_F(ServerCommand, AnAddedServerIsListedAndShown) {
  const std::string policy = world_.policy();
  ASSERT_EQ(run({"add", "valkey", "--policy", policy, "--", "uvx", "a b", "--json"}), Exit::ok) << err();
  EXPECT_EQ(out(), "added `valkey`: uvx 'a b' --json\n");
  ASSERT_EQ(run({"list"}), Exit::ok);
  EXPECT_EQ(out(), "valkey  uvx 'a b' --json  policy: " + policy + "\n");
  ASSERT_EQ(run({"show", "valkey"}), Exit::ok);
  EXPECT_EQ(out(), "valkey\n  command: uvx 'a b' --json\n  policy: " + policy + "\n  added: 2025-06-15 15:06 UTC\n");
}

TEST_F(ServerCommand, ShowsNoCredentialOfACommandOrAnAddress) {
  ASSERT_EQ(run({"add", "valkey", "--", "npx", "some-mcp", "--api-key", "hunter2", "postgresql://bob:hunter2@db/shop"}),
            Exit::ok)
      << err();
  std::string all = out();
  ASSERT_EQ(run({"add", "far", "--url", "https://h.example/mcp?api_key=hunter2"}), Exit::ok) << err();
  all += out();
  {
    const auto read = json::OwnedDocument::parse(old_tools);
    std::vector<json::Value> definitions;
    for (const json::Value tool : (*read)->root().elements()) definitions.push_back(tool);
    // Pinned by a version that did not mask.
    const registry::ListSource source{
        .key = {"valkey", "npx some-mcp --api-key hunter2 postgresql://bob:hunter2@db/shop", "legacy"}};
    ASSERT_TRUE(registry::observe(world_.store()->pins(), source, definitions, 1));
  }
  const std::string file = (world_.folder.path() / "pins.json").string();
  for (const std::vector<std::string_view>& args :
       std::vector<std::vector<std::string_view>>{{"list"},
                                                  {"list", "--json"},
                                                  {"show", "valkey"},
                                                  {"show", "far", "--json"},
                                                  {"tools", "valkey"},
                                                  {"tools", "valkey", "--json"},
                                                  {"pin", "valkey", "--write", file}}) {
    ASSERT_EQ(run(args), Exit::ok) << err();
    all += out() + err();
  }
  all += *config::read_text(file);
  EXPECT_EQ(all.find("hunter2"), std::string::npos) << all;
  EXPECT_NE(all.find(R"("address": "npx some-mcp --api-key *** postgresql://***@db/shop")"), std::string::npos) << all;
  EXPECT_NE(all.find("far  https://h.example/mcp?api_key=***  policy: none"), std::string::npos) << all;
  const auto stored = world_.store()->servers().find("valkey");
  EXPECT_EQ((*stored)->command[3], "hunter2") << "it is started as it was added";
}

TEST_F(ServerCommand, JsonIsForPrograms) {
  ASSERT_EQ(run({"add", "billing", "--url=https://billing.example/mcp", "--json"}), Exit::ok) << err();
  EXPECT_NE(err().find("has no policy, so no gateway serves it; name one with `callgate server policy billing FILE`"), std::string::npos);
  const std::string one =
      R"({"name":"billing","transport":"http","address":"https://billing.example/mcp","policy":"","source":"store",)"
      R"("created":"2025-06-15T15:06:40.000Z","tools":0,"quarantined":0,"unknown":0,"left_out":0})";
  EXPECT_EQ(out(), one + "\n");
  ASSERT_EQ(run({"list", "--json"}), Exit::ok);
  EXPECT_EQ(out(), "{\"servers\":[" + one + "]}\n");
  ASSERT_EQ(run({"show", "billing", "--json"}), Exit::ok);
  EXPECT_EQ(out(), one + "\n");
}

/// Nobody is shown them, so an operator is told why.
TEST_F(ServerCommand, ToolsThatCannotBeCalledAreSaidWhereverAServersToolsAre) {
  ASSERT_EQ(run({"add", "valkey", "--policy", world_.policy(), "--", "uvx", "valkey"}), Exit::ok) << err();
  list_tools(R"([{"name":"get","inputSchema":{}},{"name":"a\u0000b\u202ec","inputSchema":{}},{"name":"put","inputSchema":{}},{"name":"put","inputSchema":{}},{"inputSchema":{}}])");
  ASSERT_EQ(run({"show", "valkey"}), Exit::ok) << err();
  EXPECT_NE(out().find("1 pinned, 0 changed, 0 new, 3 left out: see `callgate server tools valkey`"), std::string::npos) << out();
  const std::string lines = "  left out: `a\\u0000b\\u202ec`: the name is outside [A-Za-z0-9_.-]{1,128}; the tool is refused\n"
                            "  left out: an entry of the list has no name\n"
                            "  left out: `put`: listed 2 times; all of them are refused\n";
  ASSERT_EQ(run({"tools", "valkey"}), Exit::ok) << err();
  EXPECT_NE(out().find(lines), std::string::npos) << out();
  ASSERT_EQ(run({"pin", "valkey"}), Exit::ok) << err();
  EXPECT_EQ(out(), lines + "nothing of `valkey` is new or changed\n");
  for (const char* command : {"tools", "pin"}) {
    ASSERT_EQ(run({command, "valkey", "--json"}), Exit::ok) << err();
    const auto read = json::OwnedDocument::parse(out());
    ASSERT_TRUE(read) << out();
    const auto left_out = (*read)->root().find("left_out");
    ASSERT_TRUE(left_out && left_out->size() == 3) << out();
    EXPECT_EQ((*left_out->elements().begin()).find("name")->string(), "a\\u0000b\\u202ec");
  }
  ASSERT_EQ(run({"show", "valkey", "--json"}), Exit::ok);
  EXPECT_NE(out().find(R"("left_out":3)"), std::string::npos) << out();
  list_tools(R"([{"name":"get","inputSchema":{}}])");
  ASSERT_EQ(run({"tools", "valkey"}), Exit::ok);
  EXPECT_EQ(out().find("left out"), std::string::npos) << "no longer: " << out();
}

struct Fault {
  const char* name;
  std::vector<std::string_view> args;
  Exit exit;
  const char* message;
};

class ServerFault : public ServerCommand, public testing::WithParamInterface<Fault> {};

INSTANTIATE_TEST_SUITE_P(
    Server, ServerFault,
    testing::Values(
        Fault{"nothing", {}, Exit::usage, "say what to do: add, list, show, tools, classes, policy, pin, remove"},
        Fault{"verb", {"ad"}, Exit::usage, "`ad` is not one of add, list, show, tools, classes, policy, pin, remove; did you mean `add`?"},
        Fault{"no_name", {"add"}, Exit::usage, "`server add` needs NAME"},
        Fault{"two_names", {"show", "a", "b"}, Exit::usage, "one word too many: `b`"},
        Fault{"flag", {"add", "a", "--ulr", "x"}, Exit::usage, "`server add` knows no flag `--ulr`; did you mean `--url`?"},
        Fault{"twice", {"add", "a", "--url", "x", "--url", "y"}, Exit::usage, "`--url` stands twice"},
        Fault{"no_value", {"add", "a", "--url"}, Exit::usage, "`--url` needs a value"},
        Fault{"no_address", {"add", "a"}, Exit::usage, "either `--url URL` or the server's command"},
        Fault{"both", {"add", "a", "--url", "http://h", "--", "x"}, Exit::usage, "either `--url URL`"},
        Fault{"no_command", {"add", "a", "--"}, Exit::usage, "nothing stands behind `--`"},
        Fault{"bad_name", {"add", "a/b", "--url", "http://h"}, Exit::usage, "`a/b` is no server name"},
        Fault{"bad_url", {"add", "a", "--url", "h"}, Exit::usage, "begins with `http://`"},
        Fault{"password", {"add", "a", "--url", "http://u:pw@h/"}, Exit::usage, "no user name or password"},
        Fault{"no_policy_file", {"add", "a", "--url", "http://h", "--policy", "/nonexistent"}, Exit::unavailable, "cannot open"},
        Fault{"unknown_show", {"show", "a"}, Exit::refused, "no server `a` is known here"},
        Fault{"unknown_tools", {"tools", "a"}, Exit::refused, "no server `a` is known here"},
        Fault{"unknown_policy", {"policy", "a", "/nonexistent"}, Exit::refused, "no server `a` is known here"},
        Fault{"policy_of_nothing", {"policy", "a"}, Exit::usage, "`server policy` needs FILE"},
        Fault{"classes_of_unknown", {"classes", "a", "--trust-hints"}, Exit::refused, "no server `a` is known here"},
        Fault{"classes_not_there", {"add", "a", "--url", "http://h", "--classes", "/nonexistent"}, Exit::unavailable, "/nonexistent"},
        Fault{"unknown_pin", {"pin", "a"}, Exit::refused, "no tools of a server `a` were listed yet"},
        Fault{"unknown_remove", {"remove", "a"}, Exit::refused, "no server `a` is known here"},
        Fault{"data_is_a_file", {"list", "--data", "/dev/null"}, Exit::unavailable, "cannot use the data folder `/dev/null`"}),
    [](const auto& row) { return row.param.name; });

TEST_P(ServerFault, IsSaidOnTheErrorStream) {
  EXPECT_EQ(run(GetParam().args), GetParam().exit);
  EXPECT_NE(err().find(GetParam().message), std::string::npos) << err();
  EXPECT_EQ(out(), "");
  EXPECT_EQ(err().find("pw@"), std::string::npos);
}

TEST_F(ServerCommand, HelpHasAnExampleAndTouchesNothing) {
  EXPECT_EQ(run({"add", "--help"}), Exit::ok);
  EXPECT_NE(out().find("Example:"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(world_.folder.path() / ".local"));
}

TEST_F(ServerCommand, ANameIsTakenOnce) {
  ASSERT_EQ(run({"add", "a", "--url", "http://h"}), Exit::ok);
  EXPECT_EQ(run({"add", "a", "--url", "http://other"}), Exit::refused);
  EXPECT_NE(err().find("a server `a` exists already"), std::string::npos);
}

TEST_F(ServerCommand, AFaultyPolicyIsRefusedWithItsFaults) {
  const std::string policy = world_.policy("callgate: 1\ndefault: maybe\n");
  EXPECT_EQ(run({"add", "a", "--url", "http://h", "--policy", policy}), Exit::refused);
  EXPECT_NE(err().find("policy.yaml:2:10"), std::string::npos) << err();
  EXPECT_EQ(world_.store()->servers().list().value().size(), 0U);
}

TEST_F(ServerCommand, APolicyCanBeNamedLater) {
  ASSERT_EQ(run({"add", "a", "--url", "http://h"}), Exit::ok);
  EXPECT_EQ(run({"policy", "a", "/nonexistent"}), Exit::unavailable);
  const std::string faulty = world_.policy("callgate: 1\ndefault: maybe\n");
  EXPECT_EQ(run({"policy", "a", faulty}), Exit::refused);
  EXPECT_EQ(world_.store()->servers().find("a").value()->policy, "");

  const std::string policy = world_.policy();
  ASSERT_EQ(run({"policy", "a", policy}), Exit::ok) << err();
  EXPECT_EQ(out(), "the policy of `a` is `" + policy + "`\n");
  EXPECT_EQ(world_.store()->servers().find("a").value()->policy, policy);
  ASSERT_EQ(run({"policy", "a", policy, "--json"}), Exit::ok);
  EXPECT_EQ(out(), "{\"name\":\"a\",\"policy\":\"" + policy + "\"}\n");
}

TEST_F(ServerCommand, ToolsShowsWhatAConfigurationSaysOfOneAndWhetherItStillHolds) {
  list_tools(old_tools);
  const std::string fingerprint = world_.store()->pins().find({"valkey", "uvx valkey", "legacy"}).value()->pinned.at(0).fingerprint;
  const auto config = [&](const std::string& definition) {
    return world_.folder.write("callgate.yaml", "servers: {valkey: {command: [uvx, valkey], policy: p, classes: {get: {risk: High, reason: holds customers, definition: '" + definition + "'}}}}");
  };
  const std::string file = config(fingerprint);
  ASSERT_EQ(run({"tools", "valkey", "--config", file}), Exit::ok) << err();
  EXPECT_NE(out().find("  get  known        Read         High      " + fingerprint + "\n       by the configuration (judged Read, Low): holds customers\n"), std::string::npos) << out();
  ASSERT_EQ(run({"tools", "valkey", "--json", "--config", file}), Exit::ok);
  EXPECT_NE(out().find(R"("category":"Read","risk":"High","override":{"judged":{"category":"Read","risk":"Low"},"reason":"holds customers"})"), std::string::npos) << out();
  config("sha256:" + std::string(64, '0'));
  ASSERT_EQ(run({"tools", "valkey", "--config", file}), Exit::ok);
  EXPECT_NE(err().find("`get` holds for another definition"), std::string::npos) << err();
  EXPECT_EQ(out().find("by the configuration"), std::string::npos);
}

TEST_F(ServerCommand, ToolsShowsWhatIsPinnedChangedAndNew) {
  ASSERT_EQ(run({"add", "valkey", "--", "uvx", "valkey"}), Exit::ok);
  ASSERT_EQ(run({"tools", "valkey"}), Exit::ok);
  EXPECT_NE(out().find("was not asked for its tools yet"), std::string::npos);
  list_tools(old_tools);
  list_tools(new_tools);
  ASSERT_EQ(run({"tools", "valkey"}), Exit::ok);
  EXPECT_EQ(out().substr(0, out().find("sha256")), "uvx valkey (legacy)\n  get  quarantined  Read         Low       ");
  EXPECT_NE(out().find("\n  put  unknown      Write        "), std::string::npos) << out();
  ASSERT_EQ(run({"list"}), Exit::ok);
  EXPECT_NE(out().find("(2 definitions wait for `server pin`)"), std::string::npos) << out();
  ASSERT_EQ(run({"tools", "valkey", "--json"}), Exit::ok);
  const auto read = json::OwnedDocument::parse(out());
  ASSERT_TRUE(read) << out();
  EXPECT_EQ((*read)->root().find("tools")->size(), 2U);
}

TEST_F(ServerCommand, PinShowsTheDifferenceAndAcceptsIt) {
  list_tools(old_tools);
  list_tools(new_tools);
  EXPECT_EQ(states(), "get?");
  ASSERT_EQ(run({"pin", "valkey"}), Exit::ok) << err();
  EXPECT_EQ(out(),
            "changed: `get` (uvx valkey, legacy)\n"
            "  - description: \"reads\"\n"
            "  + description: \"reads and sends\"\n"
            "new: `put` (uvx valkey, legacy)\n"
            "  + name: \"put\"\n"
            "  + description: \"w\\u202e\"\n"
            "  + inputSchema: {}\n"
            "pinned 2 definitions of `valkey`\n"
            "if its configuration names a `pins:` file, that file stands: write it with `--write FILE`\n");
  list_tools(new_tools);
  EXPECT_EQ(states(), "get,put");
  ASSERT_EQ(run({"pin", "valkey"}), Exit::ok);
  EXPECT_EQ(out(), "nothing of `valkey` is new or changed\n");
}

TEST_F(ServerCommand, PinTakesOneToolWhenItIsNamed) {
  list_tools(old_tools);
  list_tools(new_tools);
  ASSERT_EQ(run({"pin", "valkey", "--tool", "put", "--json"}), Exit::ok) << err();
  const auto read = json::OwnedDocument::parse(out());
  ASSERT_TRUE(read) << out();
  EXPECT_EQ((*read)->root().find("pinned")->size(), 1U);
  list_tools(new_tools);
  EXPECT_EQ(states(), "get?,put");
  EXPECT_EQ(run({"pin", "valkey", "--tool", "nothing"}), Exit::refused);
  EXPECT_NE(err().find("no new or changed definition of `nothing` waits"), std::string::npos);
}

TEST_F(ServerCommand, PinWritesAFileForReview) {
  list_tools(old_tools);
  const std::string file = (world_.folder.path() / "pins.json").string();
  ASSERT_EQ(run({"pin", "valkey", "--write", file}), Exit::ok) << err();
  const auto pins = registry::PinFile::parse(config::read_text(file).value(), file);
  ASSERT_TRUE(pins) << pins.error().message;
  EXPECT_EQ(pins->definitions({"valkey", "uvx valkey", "legacy"}).size(), 1U);
  EXPECT_EQ(run({"pin", "valkey", "--write", "/nonexistent/pins.json"}), Exit::unavailable);
}

TEST_F(ServerCommand, RemoveTakesThePinsAlong) {
  ASSERT_EQ(run({"add", "valkey", "--", "uvx", "valkey"}), Exit::ok);
  list_tools(old_tools);
  ASSERT_EQ(run({"remove", "valkey"}), Exit::ok);
  EXPECT_EQ(out(), "removed `valkey`, its pins and its grants\n");
  EXPECT_EQ(run({"pin", "valkey"}), Exit::refused);
}

TEST_F(ServerCommand, TheDataFolderIsTheOneThatIsNamed) {
  const std::string other = (world_.folder.path() / "other").string();
  ASSERT_EQ(run({"add", "a", "--url", "http://h", "--data", other}), Exit::ok);
  ASSERT_EQ(run({"list"}), Exit::ok);
  EXPECT_NE(out().find("no server was added here"), std::string::npos);
  ASSERT_EQ(run({"list", "--data=" + other}), Exit::ok);
  EXPECT_NE(out().find("a  http://h"), std::string::npos);
}

TEST_F(ServerCommand, HowToolsAreJudgedIsKeptAndSaidAnew) {
  const std::string file = (world_.folder.path() / "classes.yaml").string();
  ASSERT_TRUE(config::write_text(file, "classes: {a_tool: {category: Write, reason: it writes, definition: \"sha256:" + std::string(64, 'a') + "\"}}\n"));
  ASSERT_EQ(run({"add", "a", "--url", "http://h", "--trust-hints", "--classes", file}), Exit::ok);
  ASSERT_EQ(run({"classes", "a", "--classes", file}), Exit::ok);
  EXPECT_NE(out().find("`a`: its annotations never lower a class; what single tools are stands in `" + file + "`"), std::string::npos) << out();
  ASSERT_TRUE(config::write_text(file, "classes: {a_tool: {category: Odd}}\n"));
  EXPECT_EQ(run({"classes", "a", "--classes", file}), Exit::refused);
  EXPECT_NE(err().find("`classes.a_tool.category` must be"), std::string::npos) << err();
}

TEST(AsConfigTest, AServerWhoseClassesCannotBeReadIsNotServed) {
  config::Config config;
  const std::vector<store::Server> registered{{.name = "a", .url = "http://a", .classes = "/nonexistent"}, {.name = "b", .url = "http://b", .trust_hints = true}};
  const auto left_out = add_registered(config, registered);
  ASSERT_EQ(left_out.size(), 1U);
  EXPECT_TRUE(left_out[0].faulty);
  ASSERT_EQ(config.servers.size(), 1U);
  EXPECT_TRUE(config.find_server("b")->trust_hints);
}

TEST(AsConfigTest, AServerOfTheFileStaysWhatTheFileSays) {
  config::Config config;
  config.servers.push_back({.name = "a", .url = "http://file"});
  const std::vector<store::Server> registered{{.name = "a", .url = "http://store"}, {.name = "b", .url = "http://b"}};
  EXPECT_EQ(add_registered(config, registered), (std::vector<LeftOut>{{"a", "the configuration file has one of this name"}}));
  ASSERT_EQ(config.servers.size(), 2U);
  EXPECT_EQ(config.find_server("a")->url, "http://file");
  EXPECT_EQ(config.find_server("b")->url, "http://b");
  EXPECT_FALSE(config.find_server("a")->registered);
  EXPECT_TRUE(config.find_server("b")->registered);
}

TEST(AsConfigTest, TheAddressIsTheOneOfThePins) {
  EXPECT_EQ(as_config({.name = "a", .command = {"uvx", "a b"}, .policy = "/p"}).address(), "uvx 'a b'");
  EXPECT_EQ(as_config({.name = "a", .url = "http://h/mcp"}).address(), "http://h/mcp");
}

}  // namespace
}  // namespace callgate::cli::server_command_test
