#include "cli/catalogue_command.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json.hpp"
#include "cli/tool_command.hpp"
#include "registry/fingerprint.hpp"
#include "registry/pins.hpp"

namespace callgate::cli::catalogue_command_test {
namespace {

using testing::HasSubstr;

constexpr std::string_view shop = R"({"server":"shop","package":"shop-server","version":"1.2.3","registry":"npm","tools":[
  {"name":"get_item","description":"Get an item."},{"name":"delete_item","description":"Delete an item."}]})";
constexpr std::string_view smaller = R"({"server":"shop","tools":[{"name":"get_item","description":"Get an item."}]})";

struct CatalogueCommand : ToolCommand {
  std::filesystem::path pages = world.folder.path() / "pages";
  std::string folder = pages.string();

  Exit run(std::vector<std::string_view> args) {
    return ran([&](std::ostream& to_out, std::ostream& to_err) { return catalogue(args, world.home, to_out, to_err); });
  }
  Exit build(std::string_view list) {
    const std::string file = world.folder.write("tools.json", list);
    return run({"build", "--out", folder, "--tools", file});
  }
};

TEST_F(CatalogueCommand, WritesPagesThatNeedNoServer) {
  EXPECT_EQ(build(shop), Exit::ok) << err;
  EXPECT_THAT(out, HasSubstr("15 files, 15 written, 0 removed"));
  std::ifstream in(pages / "shop/get_item.html");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  EXPECT_THAT(page, HasSubstr("shop-server (npm) 1.2.3"));
}

TEST_F(CatalogueCommand, NamesThatMeetStandOnThePagesAndInTheRules) {
  const std::string one = world.folder.write("one.json", R"({"server":"one","tools":[{"name":"get_item","description":"Get an item."},{"name":""}]})");
  const std::string two = world.folder.write("two.json", R"({"server":"two","tools":[{"name":"get_item","description":"Get an item."},{"name":"Get-Item","description":"Get an item."}]})");
  ASSERT_EQ(run({"build", "--out", folder, "--tools", one, two}), Exit::ok) << err;
  EXPECT_THAT(err, HasSubstr("entry 2 of the list has no name"));
  const auto page = [&](const std::string& name) {
    std::ifstream in(pages / name);
    return std::string{std::istreambuf_iterator<char>(in), {}};
  };
  EXPECT_THAT(page("one/get_item.html"), HasSubstr("Same name on server `two`: a client that joins both may call the wrong one: <q>get_item</q>"));
  EXPECT_THAT(page("one/get_item.json"), HasSubstr("\"shadows\""));
  EXPECT_THAT(page("one/policy.yaml"), HasSubstr("# beware of `get_item`: same name on server `two`"));
  EXPECT_THAT(page("two/get_item.html"), HasSubstr("Its name looks like that of this tool: <q>Get-Item</q>"));
}

/// A gateway read this list of `shop` at that time.
void listed(const OfflineWorld& world, std::string_view tools, std::int64_t time_ms) {
  const auto read = json::OwnedDocument::parse(std::string(tools));
  std::vector<json::Value> definitions;
  for (const json::Value tool : (*read)->root().elements()) definitions.push_back(tool);
  const registry::ListSource source{.key = {"shop", "https://user@shop.example/mcp", "legacy"}};
  ASSERT_TRUE(registry::observe(world.store()->pins(), source, definitions, time_ms));
}

TEST_F(CatalogueCommand, OfARegisteredServerSaysWhatIsPinnedChangedAndNew) {
  constexpr std::int64_t day = 86'400'000;
  listed(world, R"([{"name":"get_item","description":"Get an item."},{"name":"keep","description":"Get more."}])", 20'000 * day);
  listed(world, R"([{"name":"get_item","description":"Get an item, and delete it."},{"name":"keep","description":"Get more."},{"name":"add_item","description":"Add an item."}])", 20'003 * day);
  ASSERT_EQ(run({"build", "--out", folder, "--server", "shop"}), Exit::ok) << err;
  const auto page = [&](const std::string& name) {
    std::ifstream in(pages / "shop" / name);
    return std::string{std::istreambuf_iterator<char>(in), {}};
  };
  const std::string changed = page("get_item.html");
  EXPECT_THAT(changed, HasSubstr("pinned, another definition is offered: refused until somebody accepts it"));
  EXPECT_THAT(changed, HasSubstr("2024-10-04: this definition was pinned."));
  EXPECT_THAT(changed, HasSubstr("2024-10-07: the server offered another definition."));
  EXPECT_THAT(changed, HasSubstr("and delete it"));
  EXPECT_THAT(page("get_item.json"), HasSubstr(R"("pin":{"state":"quarantined","pinned_on":"2024-10-04","offered_on":"2024-10-07","difference":)"));
  EXPECT_THAT(page("get_item.json"), HasSubstr(R"("description":"Get an item.")")) << "the page is that of the pinned definition";
  EXPECT_THAT(page("keep.json"), HasSubstr(R"("pin":{"state":"pinned","pinned_on":"2024-10-04"})"));
  EXPECT_THAT(page("add_item.html"), HasSubstr("new, not pinned"));
  EXPECT_THAT(page("keep.json"), HasSubstr(R"("address":"shop.example")"));
}

TEST_F(CatalogueCommand, ShowsWhatTheConfigurationSaysOfAToolAndItsData) {
  constexpr std::string_view tool = R"({"name":"delete_item","description":"Delete an item."})";
  listed(world, "[" + std::string(tool) + "]", 0);
  const auto read = json::OwnedDocument::parse(std::string(tool));
  const std::string config = "data: " + (world.folder.path() / ".local/share/callgate").string() +
                             "\nservers: {shop: {url: 'https://shop.example/mcp', policy: p, classes: {delete_item: {category: Write, risk: Medium, reason: it goes to <b>the bin</b>, definition: '" +
                             registry::fingerprint((*read)->root()) + "'}}}}";
  ASSERT_EQ(run({"build", "--out", folder, "--server", "shop", "--config", file(config, "callgate.yaml")}), Exit::ok) << err;
  std::ifstream in(pages / "shop/delete_item.html");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  EXPECT_THAT(page, HasSubstr("it goes to &lt;b&gt;the bin&lt;/b&gt;"));
  EXPECT_THAT(page, HasSubstr("Its definition reads as Destructive."));
  EXPECT_THAT(page, HasSubstr("delete_item · Write · Medium risk"));
  std::ifstream twin(pages / "shop/delete_item.json");
  EXPECT_THAT((std::string{std::istreambuf_iterator<char>(twin), {}}), HasSubstr(R"("override":{"judged":{"category":"Destructive",)"));
}

TEST_F(CatalogueCommand, WhatAPageOffersWhereAClassIsWrongIsTakenByTheConfiguration) {
  ASSERT_EQ(build(shop), Exit::ok) << err;
  const auto page = [&] {
    std::ifstream in(pages / "shop/delete_item.html");
    return std::string{std::istreambuf_iterator<char>(in), {}};
  };
  const std::string before = page();
  const std::size_t begin = before.find("servers:\n  shop:\n");
  ASSERT_NE(begin, std::string::npos) << before;
  std::string config = before.substr(begin, before.find("</code>", begin) - begin);
  config.replace(config.find("category: Destructive"), 21, "category: Write");
  config.insert(config.find("    classes:"), "    url: https://shop.example/mcp\n    policy: p\n");
  const std::string_view list = file(shop, "again.json");
  ASSERT_EQ(run({"build", "--out", folder, "--config", file(config, "callgate.yaml"), "--tools", list}), Exit::ok) << err << config;
  EXPECT_EQ(err, "") << "nothing has lapsed";
  EXPECT_THAT(page(), HasSubstr("delete_item · Write · "));
  EXPECT_THAT(page(), testing::Not(HasSubstr("Is it judged wrongly?"))) << "the configuration has said it";
}

TEST_F(CatalogueCommand, AServerThatNobodyListedIsNamed) {
  EXPECT_EQ(run({"build", "--out", folder, "--server", "shop"}), Exit::unavailable);
  EXPECT_THAT(err, HasSubstr("no tools of a server `shop` are pinned"));
}

TEST_F(CatalogueCommand, ASecondBuildWritesWhatChangedAndRemovesWhatIsGone) {
  ASSERT_EQ(build(shop), Exit::ok);
  std::ofstream(pages / "shop/notes.txt") << "mine";
  ASSERT_EQ(build(shop), Exit::ok);
  EXPECT_THAT(out, HasSubstr("15 files, 0 written, 0 removed"));
  ASSERT_EQ(build(smaller), Exit::ok);
  EXPECT_THAT(out, HasSubstr("3 removed"));
  EXPECT_FALSE(std::filesystem::exists(pages / "shop/delete_item.html"));
  EXPECT_TRUE(std::filesystem::exists(pages / "shop/notes.txt")) << "what no build wrote stays";
}

TEST_F(CatalogueCommand, AFolderWithFilesOfSomebodyElseIsLeftAlone) {
  std::filesystem::create_directories(pages);
  std::ofstream(pages / "index.html") << "mine";
  EXPECT_EQ(build(shop), Exit::unavailable);
  EXPECT_THAT(err, HasSubstr("holds files that no catalogue put there"));
}

TEST_F(CatalogueCommand, AListOfFilesThatLeadsOutRemovesNothing) {
  ASSERT_EQ(build(shop), Exit::ok);
  const std::string precious = world.folder.write("precious", "x");
  std::ofstream(pages / ".callgate-catalogue", std::ios::app) << "../precious\n" << precious << "\n";
  EXPECT_EQ(build(shop), Exit::ok);
  EXPECT_TRUE(std::filesystem::exists(precious));
}

TEST_F(CatalogueCommand, SaysWhatIsMissing) {
  EXPECT_EQ(run({}), Exit::usage);
  EXPECT_EQ(run({"build", "--tools", "x"}), Exit::usage);
  EXPECT_THAT(err, HasSubstr("say where the pages go: `--out DIR`"));
  EXPECT_EQ(run({"build", "--out", folder, "--tools", "/does/not/exist"}), Exit::unavailable);
  EXPECT_EQ(run({"build", "--help"}), Exit::ok);
  EXPECT_EQ(run({"buidl", "--help"}), Exit::usage);
}

TEST_F(CatalogueCommand, TellsAProgramWhatItWrote) {
  EXPECT_EQ(run({"build", "--out", folder, "--json", "--tools", file(shop)}), Exit::ok) << err;
  const auto read = json::OwnedDocument::parse(out);
  ASSERT_TRUE(read.has_value()) << out;
  const json::Value root = (*read)->root();
  EXPECT_EQ(root.find("out")->string(), folder);
  EXPECT_EQ(root.find("files")->text(), root.find("written")->text());
  EXPECT_EQ(root.find("removed")->text(), "0");
  EXPECT_EQ(root.find("complete")->text(), "true");
  EXPECT_THAT(root.find("servers")->text(), HasSubstr(R"({"server":"shop","tools":)"));
}

}  // namespace
}  // namespace callgate::cli::catalogue_command_test
