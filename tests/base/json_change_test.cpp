#include "base/json_change.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace callgate::json::json_change_test {
namespace {

/// Security requirement S5: a text that was read, changed, and held against a reading of what came of it.
class JsonChange : public testing::Test {
 protected:
  Value read(std::string text) {
    text_ = std::move(text);
    EXPECT_TRUE(parse(text_, {}, original_).has_value());
    return original_.root();
  }
  std::string changed(std::span<const Change> changes) {
    change(original_, changes, bytes_, document_);
    Document again;
    EXPECT_TRUE(parse(bytes_, {}, again).has_value()) << bytes_;
    EXPECT_EQ(again.nodes().size(), document_.nodes().size()) << bytes_;
    for (std::uint32_t at = 0; at < std::min(again.nodes().size(), document_.nodes().size()); ++at) {
      const Node& one = again.nodes()[at];
      const Node& other = document_.nodes()[at];
      EXPECT_EQ(std::tuple(one.begin, one.end, one.next, one.count, one.kind, one.escaped),
                std::tuple(other.begin, other.end, other.next, other.count, other.kind, other.escaped))
          << bytes_ << " node " << at;
    }
    return bytes_;
  }

  std::string text_;
  Document original_;
  std::string bytes_;
  Document document_;
};

TEST_F(JsonChange, WithoutChangesIsTheSame) {
  read(R"( {"a":[1,{"b":"\u0041"}],"c":{}} )");
  EXPECT_EQ(changed({}), text_);
}

/// Nobody looked at the names: whoever asks looks himself.
TEST_F(JsonChange, DoesNotSayThatNoNameHoldsAnEscape) {
  read(R"({"a":1})");
  EXPECT_FALSE(original_.may_have_escaped_keys());
  EXPECT_EQ(changed({}), text_);
  EXPECT_TRUE(document_.may_have_escaped_keys());
}

TEST_F(JsonChange, PutsLeavesInThePlaceOfValues) {
  const Value root = read(R"({"a":{"deep":[1,2,{"x":null}]},"b":1,"c":[true]})");
  std::array<Node, 3> nodes;
  const std::array changes{replace_leaf(*root.find("a"), "\"text\"", nodes[0]), replace_leaf(*root.find("b"), "123456", nodes[1]), replace_leaf(*root.find("c"), "0", nodes[2])};
  EXPECT_EQ(changed(changes), R"({"a":"text","b":123456,"c":0})");
}

TEST_F(JsonChange, TakesMembersOutAndPutsOthersIn) {
  const Value root = read(R"({"a": {"b":[ ],"c":{"d":1}}, "e":{"f":2}})");
  Document other;
  const std::string members = R"({"x":{"y":["z"]},"w":-0})";
  ASSERT_TRUE(parse(members, {}, other).has_value());
  const Value a = *root.find("a");
  const Value c = *a.find("c");
  const Value e = *root.find("e");
  const std::size_t end_of_b = a.find("b")->offset() + a.find("b")->text().size();
  const std::array changes{
      Change{.at = end_of_b, .size = c.offset() + c.text().size() - end_of_b, .first = c.index() - 1, .last = c.node().next, .inside = a.index(), .members = -1},
      Change{.at = e.offset() + 1, .text = R"("x":{"y":["z"]},"w":-0,)", .first = e.index() + 1, .last = e.index() + 1, .nodes = other.nodes().subspan(1), .nodes_at = 1, .nodes_index = 1,
             .inside = e.index(), .members = 2}};
  EXPECT_EQ(changed(changes), R"({"a": {"b":[ ]}, "e":{"x":{"y":["z"]},"w":-0,"f":2}})");
}

}  // namespace
}  // namespace callgate::json::json_change_test
