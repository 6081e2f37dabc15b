#include "cli/catalogue_command.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "cli/tool_command.hpp"

namespace callgate::cli {
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
  EXPECT_THAT(out, HasSubstr("14 files, 14 written, 0 removed"));
  std::ifstream in(pages / "shop/get_item.html");
  const std::string page{std::istreambuf_iterator<char>(in), {}};
  EXPECT_THAT(page, HasSubstr("shop-server (npm) 1.2.3"));
}

TEST_F(CatalogueCommand, ASecondBuildWritesWhatChangedAndRemovesWhatIsGone) {
  ASSERT_EQ(build(shop), Exit::ok);
  std::ofstream(pages / "shop/notes.txt") << "mine";
  ASSERT_EQ(build(shop), Exit::ok);
  EXPECT_THAT(out, HasSubstr("14 files, 0 written, 0 removed"));
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
}

}  // namespace
}  // namespace callgate::cli
