#include "registry/pin_file.hpp"

#include <gtest/gtest.h>

#include "registry/world.hpp"

namespace callgate::registry::pin_file_test {
namespace {

const store::ListKey key{"valkey", "uvx valkey", "legacy"};

struct Fault {
  const char* name;
  const char* text;
  const char* message;  ///< part of it
};

class PinFileFault : public testing::TestWithParam<Fault> {};

INSTANTIATE_TEST_SUITE_P(
    PinFile, PinFileFault,
    testing::Values(
        Fault{"no_json", "pins", "p.json"},
        Fault{"no_object", "[]", "callgate server pin NAME --write FILE"},
        Fault{"no_version", R"({"lists":[]})", "`\"callgate_pins\": 1` is missing"},
        Fault{"other_version", R"({"callgate_pins":2,"lists":[]})", "`\"callgate_pins\": 1` is missing"},
        Fault{"unknown_member", R"({"callgate_pins":1,"list":[]})", "unknown member `list` in the file; did you mean `lists`?"},
        Fault{"no_lists", R"({"callgate_pins":1})", "`lists` is missing"},
        Fault{"list_of_texts", R"({"callgate_pins":1,"lists":["x"]})", "must be an object"},
        Fault{"no_tools", R"({"callgate_pins":1,"lists":[{}]})", "needs `tools`"},
        Fault{"unknown_in_list", R"({"callgate_pins":1,"lists":[{"eras":"x","tools":[]}]})", "did you mean `era`?"},
        Fault{"era_no_text", R"({"callgate_pins":1,"lists":[{"era":1,"tools":[]}]})", "`era` must be a text"},
        Fault{"tool_no_name", R"({"callgate_pins":1,"lists":[{"tools":[{}]}]})", "with a `name`"},
        Fault{"tool_bad_name", R"({"callgate_pins":1,"lists":[{"tools":[{"name":"a b"}]}]})", "with a `name`"},
        Fault{"tool_twice", R"({"callgate_pins":1,"lists":[{"tools":[{"name":"a"},{"name":"a","x":1}]}]})", "`a` stands twice"},
        Fault{"duplicate_member", R"({"callgate_pins":1,"callgate_pins":1,"lists":[]})", "p.json"}),
    [](const auto& row) { return row.param.name; });

TEST_P(PinFileFault, IsRefusedWithItsReason) {
  const auto pins = PinFile::parse(GetParam().text, "p.json");
  ASSERT_FALSE(pins);
  const std::string all = pins.error().where + ": " + pins.error().message;
  EXPECT_NE(all.find(GetParam().message), std::string::npos) << all;
}

TEST(PinFileTest, WhatIsWrittenIsReadBack) {
  const auto definition = document(R"({"name":"get","inputSchema":{"type":"object","properties":{}},"x":[1,{"a":"\u202e"}]})");
  World world;
  const ToolTable& table = world.list("[" + std::string(definition->bytes()) + "]");
  const auto pinned = world.store->pins().find(world.source.key).value()->pinned;
  const std::vector<PinnedLists> lists{{world.source.key, pinned}};
  const std::string text = pin_file_text("valkey", lists);
  const auto read = PinFile::parse(text, "p.json");
  ASSERT_TRUE(read) << read.error().message << text;
  const auto definitions = read->definitions(world.source.key);
  ASSERT_EQ(definitions.size(), 1U);
  EXPECT_EQ(definitions[0].fingerprint, table.find("get")->fingerprint);
}

TEST(PinFileTest, ItIsIndentedForReview) {
  const std::vector<PinnedLists> lists{{key, {{.tool = "a", .text = R"({"name":"a","b":[]})"}}}};
  EXPECT_EQ(pin_file_text("valkey", lists), R"({
  "callgate_pins": 1,
  "server": "valkey",
  "lists": [
    {
      "address": "uvx valkey",
      "era": "legacy",
      "tools": [
        {
          "name": "a",
          "b": []
        }
      ]
    }
  ]
}
)");
  EXPECT_TRUE(PinFile::parse(pin_file_text("valkey", {}), "p.json"));
}

TEST(PinFileTest, AListHoldsForItsAddressAndEraOnly) {
  const auto pins = PinFile::parse(R"({"callgate_pins":1,"server":"valkey","lists":[
    {"era":"modern","tools":[{"name":"m"}]}, {"address":"uvx valkey","tools":[{"name":"a"}]}]})", "p.json");
  ASSERT_TRUE(pins);
  EXPECT_EQ(pins->definitions({"valkey", "http://x", "modern"}).front().tool, "m");
  EXPECT_EQ(pins->definitions(key).front().tool, "a");
  EXPECT_TRUE(pins->definitions({"valkey", "http://x", "legacy"}).empty());
  EXPECT_TRUE(pins->definitions({"other", "uvx valkey", "legacy"}).empty());
}

/// Written by a version that did not mask, with the token of then.
TEST(PinFileTest, AFileWithACredentialInItsAddressHoldsForTheMaskedOne) {
  const auto file = PinFile::parse(
      R"({"callgate_pins":1,"lists":[{"address":"npx x --token hunter2","tools":[{"name":"a"}]},{"address":"https://h/mcp?key=hunter2","tools":[{"name":"b"}]}]})",
      "p.json");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->definitions({"s", "npx x --token ***", "legacy"}).size(), 1U);
  EXPECT_EQ(file->definitions({"s", "https://h/mcp?key=***", "legacy"}).size(), 1U);
  EXPECT_TRUE(file->definitions({"s", "npx y --token ***", "legacy"}).empty());
}

}  // namespace
}  // namespace callgate::registry::pin_file_test
