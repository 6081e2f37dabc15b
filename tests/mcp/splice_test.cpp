#include "mcp/splice.hpp"

#include <array>

#include <gtest/gtest.h>

namespace callgate::mcp::splice_test {
namespace {

TEST(Splice, ReplacesTheIdAndNothingElse) {
  const std::string bytes = R"({ "id" : "client\/7", "jsonrpc":"2.0","method":"tools/call","params":{"name":"a","n":1.10,"e":1E2,"z":-0}})";
  json::Document document;
  const auto message = read_message(bytes, document, Direction::from_client);
  ASSERT_TRUE(message);
  std::string out;
  json::Document again;
  const std::array edits{replace(message->id, "41")};
  const auto spliced = splice_and_read(*message, edits, Direction::from_client, {}, out, again);
  ASSERT_TRUE(spliced);
  EXPECT_EQ(out, R"({ "id" : 41, "jsonrpc":"2.0","method":"tools/call","params":{"name":"a","n":1.10,"e":1E2,"z":-0}})");
  EXPECT_EQ(spliced->id_text, "41");
}

TEST(Splice, TakesEditsInAnyOrder) {
  const std::array edits{Edit{6, 2, "Z"}, Edit{0, 1, ""}, Edit{3, 0, "++"}};
  EXPECT_EQ(splice("abcdefgh", edits), "bc++defZ");
}

/// Security requirement S5: what was spliced is read again.
TEST(Splice, RefusesAnOutcomeThatTheReaderRefuses) {
  const std::string bytes = R"({"jsonrpc":"2.0","id":1,"method":"ping"})";
  json::Document document;
  const auto message = read_message(bytes, document, Direction::from_client);
  std::string out;
  json::Document again;
  const std::array edits{replace(message->id, R"(2,"id":3)")};
  EXPECT_FALSE(splice_and_read(*message, edits, Direction::from_client, {}, out, again));
}

struct Row {
  const char* bytes;
  const char* left;
};

class RemovedMember : public testing::TestWithParam<Row> {};

TEST_P(RemovedMember, TakesItsCommaAlong) {
  json::Document document;
  ASSERT_TRUE(json::parse(GetParam().bytes, {}, document));
  const auto edit = remove_member(document.root(), "x");
  ASSERT_TRUE(edit);
  const std::string out = splice(GetParam().bytes, {&*edit, 1});
  EXPECT_EQ(out, GetParam().left);
}

INSTANTIATE_TEST_SUITE_P(Splice, RemovedMember, testing::Values(
    Row{R"({"x":1})", "{}"}, Row{R"({ "x" : [1] })", "{  }"},
    Row{R"({"x":1,"b":2})", R"({"b":2})"}, Row{R"({"x":1 , "b":2})", R"({"b":2})"},
    Row{R"({"a":0,"x":1})", R"({"a":0})"}, Row{R"({"a":0 , "x":1 })", R"({"a":0 })"},
    Row{R"({"a":0,"x":{"x":1},"b":2})", R"({"a":0,"b":2})"}));

TEST(Splice, FindsNothingToRemoveWhereNothingIs) {
  json::Document document;
  ASSERT_TRUE(json::parse(R"({"a":{"x":1}})", {}, document));
  EXPECT_FALSE(remove_member(document.root(), "x"));
}

}  // namespace
}  // namespace callgate::mcp::splice_test
