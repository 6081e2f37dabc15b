#include "mcp/tool_call.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace callgate::mcp::tool_call_test {
namespace {

std::string call(std::string_view params) {
  return R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":)" + std::string(params) + "}";
}

struct Row {
  const char* name;
  std::string params;
  const char* says;  ///< empty: accepted
};

class ToolCallShape : public testing::TestWithParam<Row> {};

/// Security requirement S3: one shape of a call, a row a clause.
TEST_P(ToolCallShape, IsTheOnlyOneThatPasses) {
  const std::string bytes = call(GetParam().params);
  json::Document document;
  const auto message = read_message(bytes, document, Direction::from_client);
  ASSERT_TRUE(message);
  const auto read = read_tool_call(*message);
  const std::string_view says = GetParam().says;
  EXPECT_EQ(read.has_value(), says.empty());
  if (!read) EXPECT_THAT(read.error().message, testing::HasSubstr(says));
}

INSTANTIATE_TEST_SUITE_P(ToolCall, ToolCallShape, testing::Values(
    Row{"name_only", R"({"name":"a"})", ""},
    Row{"name_of_128", R"({"name":")" + std::string(128, 'n') + R"("})", ""},
    Row{"name_of_129", R"({"name":")" + std::string(129, 'n') + R"("})", "at most 128 bytes"},
    Row{"name_of_65_wide", "{\"name\":\"" + std::string(127, 'n') + "\u00e9\"}", "at most 128 bytes"},
    Row{"name_missing", R"({"arguments":{}})", "`name` is missing"},
    Row{"name_empty", R"({"name":""})", "must not be empty"},
    Row{"name_number", R"({"name":1})", "must be a string"},
    Row{"name_null", R"({"name":null})", "must be a string"},
    Row{"name_array", R"({"name":["a"]})", "must be a string"},
    Row{"name_nul", R"({"name":"a\u0000"})", "\\u0000"},
    Row{"arguments_empty", R"({"name":"a","arguments":{}})", ""},
    Row{"arguments_null", R"({"name":"a","arguments":null})", "must be an object"},
    Row{"arguments_array", R"({"name":"a","arguments":[]})", "must be an object"},
    Row{"arguments_text", R"({"name":"a","arguments":"{}"})", "must be an object"},
    Row{"arguments_number", R"({"name":"a","arguments":0})", "must be an object"},
    Row{"token_text", R"({"name":"a","_meta":{"progressToken":"x"}})", ""},
    Row{"token_fraction", R"({"name":"a","_meta":{"progressToken":1.5}})", "`progressToken`"},
    Row{"token_object", R"({"name":"a","_meta":{"progressToken":{}}})", "`progressToken`"},
    Row{"version_number", R"({"name":"a","_meta":{"io.modelcontextprotocol/protocolVersion":2026}})", "`protocolVersion`"},
    Row{"capabilities_array", R"({"name":"a","_meta":{"io.modelcontextprotocol/clientCapabilities":[]}})", "`clientCapabilities`"},
    Row{"task", R"({"name":"a","task":{"ttl":1}})", ""}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ToolCall, PointsIntoTheBytes) {
  const std::string bytes = call(R"({"name":"set","arguments":{"n":1.10},"_meta":{"progressToken":"p\/1"}})");
  json::Document document;
  const auto message = read_message(bytes, document, Direction::from_client);
  const auto read = read_tool_call(*message);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name.view(), "set");
  EXPECT_EQ(read->arguments->text(), R"({"n":1.10})");
  EXPECT_EQ(read->meta.progress_token, R"("p\/1")");
  EXPECT_EQ(read->name.view().data(), bytes.data() + bytes.find("set"));
}

TEST(ToolCall, DecodesANameThatIsWrittenWithEscapes) {
  const std::string bytes = call(R"({"name":"delete\u005fall"})");
  json::Document document;
  const auto message = read_message(bytes, document, Direction::from_client);
  auto read = read_tool_call(*message);
  ASSERT_TRUE(read);
  const ToolCall moved = std::move(*read);
  EXPECT_EQ(moved.name.view(), "delete_all");
  EXPECT_FALSE(moved.arguments);
}

TEST(ToolCall, NeedsParams) {
  json::Document document;
  const auto message = read_message(R"({"jsonrpc":"2.0","id":1,"method":"tools/call"})", document, Direction::from_client);
  EXPECT_FALSE(read_tool_call(*message));
}

TEST(ToolCall, ReadsTheMetadataOfAModernRequestAlsoWithEscapedSlashes) {
  const std::string bytes = call(
      R"({"name":"a","_meta":{"io.modelcontextprotocol\/protocolVersion":"2026-07-28",)"
      R"("io.modelcontextprotocol/clientCapabilities":{"sampling":{}},"io.modelcontextprotocol/clientInfo":{"name":"c"}}})");
  json::Document document;
  const auto message = read_message(bytes, document, Direction::from_client);
  const auto read = read_tool_call(*message);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(read->meta.has_protocol_version);
  EXPECT_EQ(read->meta.protocol_version.view(), "2026-07-28");
  EXPECT_EQ(read->meta.client_capabilities.text(), R"({"sampling":{}})");
  EXPECT_TRUE(read->meta.client_info);
}

}  // namespace
}  // namespace callgate::mcp::tool_call_test
