#include "mcp/headers.hpp"

#include <array>

#include <gtest/gtest.h>

#include "mcp/header_value.hpp"

namespace callgate::mcp::headers_test {
namespace {

constexpr std::array supported{Revision::r2026_07_28};

const std::string full_meta =
    R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}})";

std::string request(std::string_view method, std::string_view params) {
  return R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(method) + R"(","params":{)" + std::string(params) + "}}";
}

std::string call(std::string_view name, std::string_view arguments = "{}") {
  return request("tools/call", "\"name\":" + std::string(name) + ",\"arguments\":" + std::string(arguments) + "," + full_meta);
}

const std::vector<ParamHeader> region_and_count{{.name = "Region", .path = {"region"}},
                                                {.name = "Count", .path = {"page", "count"}}};

struct Row {
  const char* name;
  std::string body;
  std::vector<Header> headers;
  std::string fault;  ///< `code message`, or empty
};

class MirroredHeaders : public testing::TestWithParam<Row> {};

/// Security requirement S16: headers are held against the body in every era, a row a clause. Protocol items 9, 10, 28.
TEST_P(MirroredHeaders, MustAgreeWithTheBody) {
  json::Document document;
  const auto message = read_message(GetParam().body, document, Direction::from_client);
  ASSERT_TRUE(message) << message.error().message;
  const auto meta = read_request_meta(*message);
  ASSERT_TRUE(meta);
  const Era era = era_of(GetParam().headers, *message, *meta);
  const auto fault = check_headers(GetParam().headers, *message, *meta, era, supported, region_and_count);
  EXPECT_EQ(fault ? std::to_string(fault->code) + " " + fault->message : "", GetParam().fault);
}

const Header version{"MCP-Protocol-Version", "2026-07-28"};
const Header method{"mcp-method", "tools/call"};
const Header a{"Mcp-Name", "a"};
const std::string wrong = "-32020 Header mismatch: ";
const auto by_name = [](const auto& row) { return std::string(row.param.name); };

INSTANTIATE_TEST_SUITE_P(Modern, MirroredHeaders, testing::Values(
    Row{"complete", call("\"a\""), {version, method, a}, ""},
    Row{"names_in_other_case", call("\"a\""), {{"MCP-PROTOCOL-VERSION", "2026-07-28"}, {"MCP-METHOD", "tools/call"}, {"mcp-name", "a"}}, ""},
    Row{"no_version", call("\"a\""), {method, a}, wrong + "MCP-Protocol-Version"},
    Row{"other_version", call("\"a\""), {{"MCP-Protocol-Version", "2025-06-18"}, method, a}, wrong + "MCP-Protocol-Version"},
    Row{"no_method", call("\"a\""), {version, a}, wrong + "Mcp-Method"},
    Row{"other_method", call("\"a\""), {version, {"Mcp-Method", "tools/list"}, a}, wrong + "Mcp-Method"},
    Row{"method_in_other_case", call("\"a\""), {version, {"Mcp-Method", "Tools/Call"}, a}, wrong + "Mcp-Method"},
    Row{"no_name", call("\"a\""), {version, method}, wrong + "Mcp-Name"},
    Row{"other_name", call("\"a\""), {version, method, {"Mcp-Name", "b"}}, wrong + "Mcp-Name"},
    Row{"name_in_base64", call("\"Hello, \u4e16\u754c\""), {version, method, {"Mcp-Name", "=?base64?SGVsbG8sIOS4lueVjA==?="}}, ""},
    Row{"name_in_raw_utf8", call("\"\u00e9\""), {version, method, {"Mcp-Name", "\u00e9"}}, wrong + "Mcp-Name"},
    Row{"base64_of_plain", call("\"a\""), {version, method, {"Mcp-Name", "=?base64?YQ==?="}}, ""},
    Row{"base64_without_padding", call("\"a\""), {version, method, {"Mcp-Name", "=?base64?YQ?="}}, wrong + "Mcp-Name"},
    Row{"base64_bits_left_over", call("\"a\""), {version, method, {"Mcp-Name", "=?base64?YR==?="}}, wrong + "Mcp-Name"},
    Row{"escaped_name", call("\"\\u0061\""), {version, method, a}, ""},
    Row{"name_twice", call("\"a\""), {version, method, a, a}, wrong + "Mcp-Name"},
    Row{"version_twice", call("\"a\""), {version, version, method, a}, wrong + "MCP-Protocol-Version"},
    Row{"param", call("\"a\"", R"({"region":"eu","page":{"count":42}})"), {version, method, a, {"mcp-param-region", "eu"}, {"Mcp-Param-Count", "42.0"}}, ""},
    Row{"param_missing", call("\"a\"", R"({"region":"eu"})"), {version, method, a}, wrong + "Mcp-Param-Region"},
    Row{"param_other", call("\"a\"", R"({"region":"eu"})"), {version, method, a, {"Mcp-Param-Region", "us"}}, wrong + "Mcp-Param-Region"},
    Row{"param_of_null", call("\"a\"", R"({"region":null})"), {version, method, a}, ""},
    Row{"param_for_null", call("\"a\"", R"({"region":null})"), {version, method, a, {"Mcp-Param-Region", "null"}}, wrong + "Mcp-Param-Region"},
    Row{"param_without_argument", call("\"a\""), {version, method, a, {"Mcp-Param-Region", "eu"}}, wrong + "Mcp-Param-Region"},
    Row{"param_number_apart", call("\"a\"", R"({"page":{"count":9007199254740993}})"), {version, method, a, {"Mcp-Param-Count", "9007199254740992"}}, wrong + "Mcp-Param-Count"},
    Row{"param_text_for_number", call("\"a\"", R"({"page":{"count":1}})"), {version, method, a, {"Mcp-Param-Count", "one"}}, wrong + "Mcp-Param-Count"},
    Row{"param_unknown", call("\"a\""), {version, method, a, {"Mcp-Param-Other", "x"}}, ""},
    Row{"param_twice", call("\"a\""), {version, method, a, {"Mcp-Param-Other", "x"}, {"mcp-param-other", "x"}}, wrong + "Mcp-Param-Other"},
    Row{"uri", request("resources/read", R"("uri":"file:///a",)" + full_meta), {version, {"Mcp-Method", "resources/read"}, {"Mcp-Name", "file:///a"}}, ""},
    Row{"task", request("tasks/get", R"("taskId":"t",)" + full_meta), {version, {"Mcp-Method", "tasks/get"}, {"Mcp-Name", "u"}}, wrong + "Mcp-Name"},
    Row{"list_has_no_name", request("tools/list", full_meta), {version, {"Mcp-Method", "tools/list"}}, ""},
    Row{"name_for_a_list", request("tools/list", full_meta), {version, {"Mcp-Method", "tools/list"}, a}, wrong + "Mcp-Name"},
    Row{"no_meta", request("tools/list", ""), {version, {"Mcp-Method", "tools/list"}}, "-32602 Missing required _meta field: io.modelcontextprotocol/protocolVersion"},
    Row{"no_capabilities", request("tools/list", R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"})"), {version, {"Mcp-Method", "tools/list"}},
        "-32602 Missing required _meta field: io.modelcontextprotocol/clientCapabilities"},
    Row{"unknown_version", request("tools/list", R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2099-01-01","io.modelcontextprotocol/clientCapabilities":{}})"),
        {{"MCP-Protocol-Version", "2099-01-01"}, {"Mcp-Method", "tools/list"}}, "-32022 Unsupported protocol version"},
    Row{"notification", R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})", {version}, ""},
    Row{"notification_other_method", R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})", {version, method}, wrong + "Mcp-Method"}), by_name);

INSTANTIATE_TEST_SUITE_P(Legacy, MirroredHeaders, testing::Values(
    Row{"bare", request("tools/call", R"("name":"a")"), {}, ""},
    Row{"old_version", request("tools/call", R"("name":"a")"), {{"MCP-Protocol-Version", "2025-06-18"}}, ""},
    Row{"agreeing", request("tools/call", R"("name":"a")"), {{"MCP-Protocol-Version", "2025-06-18"}, method, a}, ""},
    Row{"other_name", request("tools/call", R"("name":"a")"), {{"MCP-Protocol-Version", "2025-06-18"}, {"Mcp-Name", "b"}}, wrong + "Mcp-Name"},
    Row{"other_method", request("tools/call", R"("name":"a")"), {{"Mcp-Method", "ping"}}, wrong + "Mcp-Method"},
    Row{"other_param", request("tools/call", R"("name":"a","arguments":{"region":"eu"})"), {{"Mcp-Param-Region", "us"}}, wrong + "Mcp-Param-Region"},
    Row{"two_versions", request("tools/call", R"("name":"a")"), {{"MCP-Protocol-Version", "2025-06-18"}, {"mcp-protocol-version", "2025-06-18"}}, wrong + "MCP-Protocol-Version"},
    Row{"initialize_behind_a_modern_header", request("initialize", R"("protocolVersion":"2025-11-25","capabilities":{})"), {version}, ""}), by_name);

/// Protocol item 10: all that is served at the address, the revisions with a handshake too.
TEST(Headers, NameWhatIsSupportedAndWhatWasAskedFor) {
  constexpr std::array modern{Revision::r2026_07_28};
  EXPECT_EQ(unsupported_version(modern, "x\"y").data,
            R"({"supported":["2024-11-05","2025-03-26","2025-06-18","2025-11-25","2026-07-28"],"requested":"x\"y"})");
}

/// Protocol item 88.
TEST(Headers, AreMadeFromTheBody) {
  const std::string body = call("\"\u00e9 1\"", R"({"region":" eu","page":{"count":7},"other":1})");
  json::Document document;
  const auto message = read_message(body, document, Direction::from_client);
  const auto headers = mirrored_headers(*message, Revision::r2026_07_28, region_and_count);
  std::string lines;
  for (const auto& [name, value] : headers) lines += name + ": " + value + "\n";
  EXPECT_EQ(lines,
            "MCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/call\nMcp-Name: =?base64?w6kgMQ==?=\n"
            "Mcp-Param-Region: =?base64?IGV1?=\nMcp-Param-Count: 7\n");
}

TEST(Headers, ThatAreMadeAreAccepted) {
  for (const std::string_view name : {"\"a\"", "\"\u4e16\"", "\"=?base64?literal?=\"", "\"a\\nb\"", "\" a\"", "\"a\\u007f\"", "\"\\r\\nX: y\""}) {
    const std::string body = call(name, R"({"region":"\u0000","page":{"count":-0}})");
    json::Document document;
    const auto message = read_message(body, document, Direction::from_client);
    ASSERT_TRUE(message);
    const auto made = mirrored_headers(*message, Revision::r2026_07_28, region_and_count);
    std::vector<Header> headers;
    for (const auto& [key, value] : made) {
      headers.push_back({key, value});
      EXPECT_EQ(value.find_first_of(std::string_view("\r\n\0", 3)), std::string::npos);
    }
    const auto meta = read_request_meta(*message);
    const auto fault = check_headers(headers, *message, *meta, Era::modern, supported, region_and_count);
    EXPECT_FALSE(fault) << name << " " << fault->message;
  }
}

TEST(HeaderValue, FollowsTheExamplesOfTheSpecification) {
  constexpr auto rows = std::to_array<std::pair<std::string_view, std::string_view>>({
      {"us-west1", "us-west1"}, {"Hello, \u4e16\u754c", "=?base64?SGVsbG8sIOS4lueVjA==?="}, {" padded ", "=?base64?IHBhZGRlZCA=?="},
      {"line1\nline2", "=?base64?bGluZTEKbGluZTI=?="}, {"=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="}, {"", ""}});
  for (const auto& [text, header] : rows) {
    EXPECT_EQ(encode_header_value(text), header);
    EXPECT_EQ(decode_header_value(header), text);
  }
  for (const std::string_view bad : {"=?base64?YQ=?=", "=?base64?Y?=", "=?base64?YQ==YQ==?=", "=?base64?Y Q=?=", "=?base64?YQ_-?=", "a\r\nb", "\x7f"}) {
    EXPECT_FALSE(decode_header_value(bad)) << bad;
  }
  EXPECT_EQ(decode_header_value("=?BASE64?YQ==?="), "=?BASE64?YQ==?=");
}

struct SchemaRow {
  const char* name;
  const char* schema;
  std::string want;  ///< `name=path` each, or `!`
};

class ParamHeaders : public testing::TestWithParam<SchemaRow> {};

TEST_P(ParamHeaders, AreReadFromTheInputSchema) {
  json::Document document;
  ASSERT_TRUE(json::parse(GetParam().schema, {}, document));
  const auto headers = read_param_headers(document.root());
  std::string got = headers ? "" : "!";
  if (headers) {
    for (const auto& [name, path] : *headers) {
      got += name + "=";
      for (const auto& step : path) got += "/" + step;
      got += " ";
    }
  }
  EXPECT_EQ(got, GetParam().want);
}

INSTANTIATE_TEST_SUITE_P(Headers, ParamHeaders, testing::Values(
    SchemaRow{"none", R"({"properties":{"a":{"type":"string"}}})", ""},
    SchemaRow{"no_schema", "true", ""},
    SchemaRow{"one", R"({"properties":{"a":{"type":"string","x-mcp-header":"A"}}})", "A=/a "},
    SchemaRow{"nested", R"({"properties":{"a":{"properties":{"b":{"type":"integer","x-mcp-header":"B-1"}}},"c":{"type":"boolean","x-mcp-header":"C"}}})", "B-1=/a/b C=/c "},
    SchemaRow{"number", R"({"properties":{"a":{"type":"number","x-mcp-header":"A"}}})", "!"},
    SchemaRow{"typeless", R"({"properties":{"a":{"x-mcp-header":"A"}}})", "!"},
    SchemaRow{"empty", R"({"properties":{"a":{"type":"string","x-mcp-header":""}}})", "!"},
    SchemaRow{"space", R"({"properties":{"a":{"type":"string","x-mcp-header":"A B"}}})", "!"},
    SchemaRow{"line_end", R"({"properties":{"a":{"type":"string","x-mcp-header":"A\r\nX"}}})", "!"},
    SchemaRow{"boolean_annotation", R"({"properties":{"a":{"type":"string","x-mcp-header":true}}})", "!"},
    SchemaRow{"twice", R"({"properties":{"a":{"type":"string","x-mcp-header":"A"},"b":{"type":"string","x-mcp-header":"a"}}})", "!"},
    SchemaRow{"in_items", R"({"properties":{"a":{"type":"array","items":{"type":"string","x-mcp-header":"A"}}}})", "!"},
    SchemaRow{"in_branch", R"({"anyOf":[{"properties":{"a":{"type":"string","x-mcp-header":"A"}}}]})", "!"},
    SchemaRow{"in_data", R"({"properties":{"a":{"type":"string","default":{"x-mcp-header":"A"}}}})", ""},
    SchemaRow{"property_of_that_name", R"({"properties":{"x-mcp-header":{"type":"string"}}})", ""}), by_name);

}  // namespace
}  // namespace callgate::mcp::headers_test
