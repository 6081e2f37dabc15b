#include "config/environment.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <sstream>

#include "config/fake_environment.hpp"
#include "config/text_file.hpp"
#include "store/temporary_folder.hpp"

namespace callgate::config::environment_test {
namespace {

TEST(ExpandTest, VariablesAndFilesAreFilledIn) {
  FakeEnvironment environment;
  environment.files["/etc/gate/key"] = "from file\n";
  environment.files["/run/key"] = "absolute\r\n";
  EXPECT_EQ(expand("Bearer ${env:TOKEN}", "/etc/gate", environment)->reveal(), "Bearer s3cret");
  EXPECT_EQ(expand("${file:key}+${file:/run/key}", "/etc/gate", environment)->reveal(), "from file+absolute");
  EXPECT_EQ(expand("cost: $5 and {x}", "", environment)->reveal(), "cost: $5 and {x}");
}

TEST(ExpandTest, WhatAVariableHoldsIsNotExpandedAgain) {
  FakeEnvironment environment;
  environment.variables["A"] = "${env:TOKEN}";
  EXPECT_EQ(expand("${env:A}", "", environment)->reveal(), "${env:TOKEN}");
}

struct Bad {
  const char* name;
  const char* text;
  const char* message;
};

class BadExpansion : public testing::TestWithParam<Bad> {};

INSTANTIATE_TEST_SUITE_P(Expand, BadExpansion,
                         testing::Values(Bad{"unset", "${env:NOPE}", "the environment variable `NOPE` is not set"},
                                         Bad{"no_file", "${file:nope}", "cannot open"},
                                         Bad{"plain", "${HOME}", "write `${env:NAME}` or `${file:PATH}`"},
                                         Bad{"empty", "${env:}", "write `${env:NAME}`"},
                                         Bad{"open", "x ${env:TOKEN", "has no `}`"}),
                         [](const auto& row) { return row.param.name; });

TEST_P(BadExpansion, IsRefusedWithoutAValueInTheMessage) {
  const auto value = expand(GetParam().text, "/etc", FakeEnvironment());
  ASSERT_FALSE(value);
  EXPECT_NE(value.error().message.find(GetParam().message), std::string::npos) << value.error().message;
  EXPECT_EQ(value.error().message.find("s3cret"), std::string::npos);
}

TEST(ExpandTest, TheResultPrintsAsStars) {
  std::ostringstream out;
  out << *expand("${env:TOKEN}", "", FakeEnvironment());
  EXPECT_EQ(out.str(), "***");
}

TEST(DataFolderTest, TheServicesFolderThenXdgThenHome) {
  FakeEnvironment environment;
  EXPECT_EQ(default_data_folder(environment).value(), "/home/me/.local/share/callgate");
  environment.variables["XDG_DATA_HOME"] = "relative";
  EXPECT_EQ(default_data_folder(environment).value(), "/home/me/.local/share/callgate");
  environment.variables["XDG_DATA_HOME"] = "/xdg";
  EXPECT_EQ(default_data_folder(environment).value(), "/xdg/callgate");
  environment.variables["STATE_DIRECTORY"] = "/var/lib/callgate:/var/lib/other";
  EXPECT_EQ(default_data_folder(environment).value(), "/var/lib/callgate");
  environment.variables.clear();
  EXPECT_FALSE(default_data_folder(environment));
}

TEST(TextFileTest, AWholeFileIsRead) {
  const TemporaryFolder folder;
  const std::string text = "a: 1\n" + std::string(200'000, 'x');
  EXPECT_EQ(read_text(folder.write("f", text)).value(), text);
}

TEST(TextFileTest, WhatIsNoReadableFileSaysSo) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_text(folder.path() / "nope").error().kind, ErrorKind::not_found);
  EXPECT_EQ(read_text(folder.path()).error().kind, ErrorKind::unavailable);
  ASSERT_EQ(::mkfifo((folder.path() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_text(folder.path() / "pipe").error().kind, ErrorKind::unavailable);
  EXPECT_EQ(read_text(folder.write("big", "12345"), Writers::anybody, 4).error().kind, ErrorKind::too_large);
  EXPECT_EQ(read_text(folder.write("fits", "1234"), Writers::anybody, 4).value(), "1234");
}

TEST(TextFileTest, AFileThatOthersMayWriteIsRefusedWhereItDecides) {
  const TemporaryFolder folder;
  const std::string file = folder.write("policy.yaml", "x");
  for (const mode_t mode : {0660U, 0606U, 0666U}) {
    ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    const auto text = read_text(file, Writers::owner_only);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().kind, ErrorKind::refused);
    EXPECT_NE(text.error().message.find("chmod go-w"), std::string::npos);
    EXPECT_TRUE(read_text(file));
  }
  ASSERT_EQ(::chmod(file.c_str(), 0644), 0);
  EXPECT_TRUE(read_text(file, Writers::owner_only));
}

TEST(TextFileTest, AFileIsReplacedWholeAndKeepsItsMode) {
  const TemporaryFolder folder;
  const std::string file = folder.write("pins.json", "old");
  ASSERT_EQ(::chmod(file.c_str(), 0640), 0);
  ASSERT_TRUE(write_text(file, "new"));
  EXPECT_EQ(read_text(file).value(), "new");
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0640U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
  EXPECT_FALSE(write_text(folder.path() / "nowhere" / "f", "x"));
}

TEST(TextFileTest, ANewFileNeverTakesThePlaceOfAnother) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "policy.yaml";
  ASSERT_TRUE(write_new_text(file, "first"));
  const auto again = write_new_text(file, "second");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::conflict);
  EXPECT_EQ(read_text(file).value(), "first");
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "nothing is left beside it";
  EXPECT_FALSE(write_new_text(folder.path() / "nowhere" / "f", "x"));
}

}  // namespace
}  // namespace callgate::config::environment_test
