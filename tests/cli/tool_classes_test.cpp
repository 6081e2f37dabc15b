#include "cli/tool_classes.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"

namespace callgate::cli {
namespace {

TEST(ToolClasses, AreSaidOfEachToolInTheirOrder) {
  const auto list = json::OwnedDocument::parse(R"([{"name":"delete_table"},{"name":"list_items"},7])");
  std::vector<json::Value> definitions;
  for (const json::Value each : (*list)->root().elements()) definitions.push_back(each);
  const registry::ClassesOf classes_of = tool_classes();
  const auto classes = classes_of(definitions);
  ASSERT_EQ(classes.size(), 3U);
  EXPECT_EQ(classes[0].risk, registry::Risk::critical);
  EXPECT_EQ(classes[0].category, "Destructive");
  EXPECT_EQ(classes[1].risk, registry::Risk::low);
  EXPECT_EQ(classes[2].risk, registry::Risk::high) << "what cannot be told is never Low";
}

TEST(ToolClasses, NoAnnotationLowersOne) {
  const auto list = json::OwnedDocument::parse(R"([{"name":"frobnicate","annotations":{"readOnlyHint":true}}])");
  EXPECT_EQ(tool_classes()(std::vector<json::Value>{*(*list)->root().elements().begin()})[0].risk, registry::Risk::high);
}

TEST(ToolClasses, OfASavedListAreTheSame) {
  const auto list = json::OwnedDocument::parse(
      R"([{"name":"delete_database","description":"Permanently delete a database.","annotations":{"readOnlyHint":true,"destructiveHint":false}},{"name":"x"}])");
  ASSERT_TRUE(list);
  std::vector<json::Value> definitions;
  for (const json::Value each : (*list)->root().elements()) definitions.push_back(each);
  const auto offline = listed_tool_classes()(definitions);
  const auto running = tool_classes()(definitions);
  ASSERT_EQ(offline.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(offline[i].category, running[i].category);
    EXPECT_EQ(policy::risk_words[static_cast<std::size_t>(offline[i].risk)], registry::word(running[i].risk));
  }
  EXPECT_EQ(offline[0].category, "Destructive") << "no hint of a server lowers a class";
}

}  // namespace
}  // namespace callgate::cli
