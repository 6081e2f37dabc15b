#include "mcp/one_line.hpp"

#include <gtest/gtest.h>

namespace callgate::mcp::one_line_test {
namespace {

std::string flat(std::string_view text) {
  std::string out;
  return std::string(as_one_line(text, out));
}

/// Security requirement S25, protocol item 1: readers that end lines where JSON does not read one line all the same.
TEST(OneLine, IsOneForWhoeverEndsLinesAtMoreThanLf) {
  EXPECT_EQ(flat("{\"a\":\r\n1,\n\"b\":2}"), "{\"a\":  1, \"b\":2}");
  EXPECT_EQ(flat("[\"\u2028x\u2029\u0085y\"]"), R"(["\u2028x\u2029\u0085y"])");
  EXPECT_EQ(flat("[\"\u2028\u2028\",\n\"\u2028\"]"), R"(["\u2028\u2028", "\u2028"])");
}

TEST(OneLine, LeavesEverythingElseWhereItStands) {
  for (const std::string text : {"", "{}", "[\"\u2027\u202a\u0084\u0086\u00e2\u4e16\U0001f600\"]", R"(["\u2028"])"}) {
    std::string out;
    EXPECT_EQ(as_one_line(text, out).data(), text.data()) << text;
  }
  EXPECT_EQ(flat("[\"\u4e16\u2028\U0001f600\u0085\"]"), "[\"\u4e16\\u2028\U0001f600\\u0085\"]");
}

TEST(OneLine, IsKnownByTheCharactersThatSomeReadersEndALineAt) {
  for (const char* one : {"\u0085", "a\u2028", "\u2027\u2029b"}) EXPECT_TRUE(has_unusual_line_end(one));
  for (const char* none : {"", "\n", "\u2027", "\u00c2\u00e2", "\u0084\u202a"}) EXPECT_FALSE(has_unusual_line_end(none));
}

}  // namespace
}  // namespace callgate::mcp::one_line_test
