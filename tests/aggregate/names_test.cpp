#include "aggregate/names.hpp"

#include <gtest/gtest.h>

#include <set>

namespace callgate::aggregate::names_test {
namespace {

TEST(ShownNames, AreTheServersSlugAndTheOwnName) {
  EXPECT_EQ(shown_name("valkey", "hash_set"), "valkey__hash_set");
  const auto split = split_name("valkey__hash_set");
  ASSERT_TRUE(split);
  EXPECT_EQ(split->slug, "valkey");
  EXPECT_EQ(split->name, "hash_set");
}

/// Protocol item 87.
TEST(ShownNames, AreSplitInOneWayOnlyWhateverNamesHold) {
  std::set<std::string> shown;
  std::size_t pairs = 0;
  for (const char* server : {"a", "a_", "a__b", "a__", "_a", "b", "a-b", "__", "_"}) {
    const std::string slug = slug_of(server);
    EXPECT_EQ(slug.find("__"), std::string::npos) << server;
    EXPECT_FALSE(slug.ends_with('_')) << server;
    for (const char* tool : {"x", "_x", "__x", "b__x", "_b__x", "x__"}) {
      ++pairs;
      const std::string name = shown_name(slug, tool);
      EXPECT_TRUE(shown.insert(name).second) << name << " stands for two";
      const auto split = split_name(name);
      ASSERT_TRUE(split) << name;
      EXPECT_EQ(split->slug, slug);
      EXPECT_EQ(split->name, tool);
    }
  }
  EXPECT_EQ(shown.size(), pairs);
}

/// Protocol item 87.
TEST(ShownNames, HaveSixtyFourBytesAtMostAndStayDifferent) {
  const std::string slug = slug_of("a-server-with-a-rather-long-name-that-goes-on");
  EXPECT_LE(slug.size(), longest_slug);
  std::set<std::string> shown;
  for (std::size_t size = 1; size <= 128; ++size) {
    for (const char* end : {"a", "b"}) {
      const std::string name = shown_name(slug, std::string(size, 'n') + end);
      EXPECT_LE(name.size(), longest_name);
      EXPECT_TRUE(shown.insert(name).second) << name;
      EXPECT_EQ(name, shown_name(slug, std::string(size, 'n') + end)) << "the same every time";
      if (slug.size() + 2 + size + 1 > longest_name) EXPECT_TRUE(may_be_cut(name)) << name;
    }
  }
}

TEST(ShownNames, CutNoCharacterInTwo) {
  for (std::size_t before = 0; before < 4; ++before) {
    std::string name(before, 'n');
    for (int i = 0; i < 30; ++i) name += "\xF0\x9F\x94\x92";
    const std::string shown = shown_name("s", name);
    EXPECT_LE(shown.size(), longest_name);
    EXPECT_TRUE(may_be_cut(shown)) << shown.size();
    const std::string text = shown.substr(3 + before, shown.size() - 17 - 3 - before);
    EXPECT_EQ(text.size() % 4, 0U) << shown;
  }
}

TEST(ShownNames, WithoutBothHalvesMeanNoServer) {
  for (const char* name : {"", "read", "one_read", "__read", "one__", "__"}) EXPECT_FALSE(split_name(name)) << name;
}

}  // namespace
}  // namespace callgate::aggregate::names_test
