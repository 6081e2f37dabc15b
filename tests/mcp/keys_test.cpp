#include "mcp/keys.hpp"

#include <gtest/gtest.h>

namespace callgate::mcp::keys_test {
namespace {

/// Security requirement S2: which keys are twins. Protocol item 2.
TEST(Keys, TwinsAreEqualOnlyAfterFolding) {
  EXPECT_TRUE(is_case_twin("Name", "name"));
  EXPECT_TRUE(is_case_twin("me\u017f\u017fage", "message"));
  EXPECT_TRUE(is_case_twin("me\u1e9eage", "message"));
  EXPECT_TRUE(is_case_twin("ta\u017f\u212a", "task"));
  EXPECT_TRUE(is_case_twin("\u0130d", "id"));
  EXPECT_FALSE(is_case_twin("name", "name"));
  EXPECT_FALSE(is_case_twin("names", "name"));
  EXPECT_FALSE(is_case_twin("n\u0430me", "name"));  // Cyrillic: another letter in every case
  EXPECT_FALSE(is_case_twin("name\u0301", "name"));
  EXPECT_FALSE(is_case_twin(std::string(64, 'a'), std::string(64, 'A')));
}

TEST(Keys, AreCutWhenShownAndNeverWithinACharacter) {
  EXPECT_EQ(shown_key("a"), "`a`");
  std::string wide = "x";
  for (int i = 0; i < 64; ++i) wide += "\u4e16";
  const std::string shown = shown_key(wide);
  EXPECT_LT(shown.size(), 72U);
  EXPECT_EQ(shown, "`x" + wide.substr(1, 63) + "…`");
}

TEST(Keys, OfOneLevelMeanNothingOnAnother) {
  json::Document document;
  ASSERT_TRUE(json::parse(R"({"Method":1,"Name":2,"ProgressToken":3,"dev.callgate/x":4,"TaskIds":5})", {}, document));
  std::string refused;
  for (const Level level : {Level::envelope, Level::params, Level::meta, Level::completion, Level::listen}) {
    for (const auto [key, value] : document.root().members()) refused += check_key(key, level) ? '.' : 'x';
    refused += ' ';
  }
  EXPECT_EQ(refused, "x.... .xx.. ..xx. .x... ....x ");
}

TEST(Keys, ThatAreLongOrForeignPass) {
  json::Document document;
  const std::string text = R"({")" + std::string(5000, 'n') + R"(":1,"Ünïcödé":2,"":3,"世界":4})";
  ASSERT_TRUE(json::parse(text, {}, document));
  for (const Level level : {Level::envelope, Level::params, Level::meta, Level::completion, Level::listen}) EXPECT_TRUE(check_keys(document.root(), level));
}

}  // namespace
}  // namespace callgate::mcp::keys_test
