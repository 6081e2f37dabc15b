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

}  // namespace
}  // namespace callgate::cli
