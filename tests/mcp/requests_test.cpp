#include "mcp/requests.hpp"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "mcp/handshake.hpp"

namespace callgate::mcp::requests_test {
namespace {

/// The error text of a reader, or empty where it accepts.
using Reader = std::function<std::string(const Message&)>;

template <class T>
Reader reader(Result<T> (*read)(const Message&)) {
  return [read](const Message& message) {
    const auto result = read(message);
    return result ? std::string() : result.error().message;
  };
}

struct Row {
  const char* name;
  Reader read;
  const char* method;
  std::string params;
  const char* says;
};

class RequestShape : public testing::TestWithParam<Row> {};

TEST_P(RequestShape, IsReadOrRefused) {
  const Row& row = GetParam();
  const std::string params = row.params.empty() ? "" : R"(,"params":)" + row.params;
  const std::string bytes = R"({"jsonrpc":"2.0","id":1,"method":")" + std::string(row.method) + "\"" + params + "}";
  json::Document document;
  const auto message = read_message(bytes, document, Direction::from_client);
  ASSERT_TRUE(message) << message.error().message;
  const std::string error = row.read(*message);
  EXPECT_EQ(error.empty(), std::string_view(row.says).empty()) << error;
  EXPECT_THAT(error, testing::HasSubstr(row.says));
}

const Reader resource = reader(read_resource_request);
const Reader prompt = reader(read_prompt_get);
const Reader completion = reader(read_completion);
const Reader task = reader(read_task_request);
const Reader list = reader(read_list_request);
const Reader cancelled = reader(read_cancelled);
const Reader progress = reader(read_progress);
const Reader opening = reader(read_initialize);

INSTANTIATE_TEST_SUITE_P(Requests, RequestShape, testing::Values(
    Row{"uri", resource, "resources/read", R"({"uri":"file:///a"})", ""},
    Row{"uri_escaped", resource, "resources/read", R"({"uri":"file:\/\/\/a"})", ""},
    Row{"uri_missing", resource, "resources/subscribe", "{}", "`uri` is missing"},
    Row{"uri_nul", resource, "resources/read", R"({"uri":"file:///a\u0000b"})", "\\u0000"},
    Row{"uri_empty", resource, "resources/read", R"({"uri":""})", "must not be empty"},
    Row{"uri_long", resource, "resources/read", R"({"uri":")" + std::string(8193, 'u') + R"("})", "at most 8192"},
    Row{"uri_no_params", resource, "resources/read", "", "`resources/read` needs `params`"},
    Row{"prompt", prompt, "prompts/get", R"({"name":"p","arguments":{"a":"b"}})", ""},
    Row{"prompt_bare", prompt, "prompts/get", R"({"name":"p"})", ""},
    Row{"prompt_number", prompt, "prompts/get", R"({"name":"p","arguments":{"a":1}})", "must hold strings only"},
    Row{"prompt_array", prompt, "prompts/get", R"({"name":"p","arguments":[]})", "must be an object"},
    Row{"prompt_nameless", prompt, "prompts/get", R"({"arguments":{}})", "`name` is missing"},
    Row{"completion", completion, "completion/complete",
        R"({"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":""}})", ""},
    Row{"completion_uri", completion, "completion/complete",
        R"({"ref":{"type":"ref/resource","uri":"x://{y}"},"argument":{"name":"y","value":"v"}})", ""},
    Row{"completion_type", completion, "completion/complete",
        R"({"ref":{"type":"ref/tool","name":"p"},"argument":{"name":"a","value":""}})", "`ref.type`"},
    Row{"completion_typeless", completion, "completion/complete",
        R"({"ref":{"name":"p"},"argument":{"name":"a","value":""}})", "`ref.type`"},
    Row{"completion_refless", completion, "completion/complete", R"({"argument":{"name":"a","value":""}})", "`ref` is missing"},
    Row{"completion_valueless", completion, "completion/complete",
        R"({"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a"}})", "`value` is missing"},
    Row{"completion_no_argument", completion, "completion/complete", R"({"ref":{"type":"ref/prompt","name":"p"}})", "`argument`"},
    Row{"completion_ref_twin", completion, "completion/complete",
        R"({"ref":{"type":"ref/prompt","name":"p","Name":"q"},"argument":{"name":"a","value":""}})", "differs from `name` only in case"},
    Row{"completion_ref_escaped", completion, "completion/complete",
        R"({"ref":{"type":"ref/prompt","name":"p","n\u0061mes":"q"},"argument":{"name":"a","value":""}})", "is written with escapes"},
    Row{"completion_argument_twin", completion, "completion/complete",
        R"({"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":"","VALUE":""}})", "differs from `value` only in case"},
    Row{"completion_context_twin", completion, "completion/complete",
        R"({"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":""},"context":{"Argumentſ":{}}})", "differs from `arguments` only in case"},
    Row{"completion_context", completion, "completion/complete",
        R"({"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":""},"context":{"arguments":{"Name":"x"}}})", ""},
    Row{"completion_context_number", completion, "completion/complete",
        R"({"ref":{"type":"ref/prompt","name":"p"},"argument":{"name":"a","value":""},"context":1})", "`context` must be an object"},
    Row{"task", task, "tasks/get", R"({"taskId":"t"})", ""},
    Row{"task_number", task, "tasks/cancel", R"({"taskId":1})", "`taskId` must be a string"},
    Row{"list", list, "tools/list", "", ""},
    Row{"list_empty_cursor", list, "tools/list", R"({"cursor":""})", ""},
    Row{"list_null_cursor", list, "tools/list", R"({"cursor":null})", "`cursor` must be a string"},
    Row{"cancelled", cancelled, "notifications/cancelled", R"({"requestId":"a","reason":"r"})", ""},
    Row{"cancelled_task", cancelled, "notifications/cancelled", R"({"reason":"r"})", ""},
    Row{"cancelled_fraction", cancelled, "notifications/cancelled", R"({"requestId":1.0})", "`requestId`"},
    Row{"cancelled_null", cancelled, "notifications/cancelled", R"({"requestId":null})", "`requestId`"},
    Row{"cancelled_reason", cancelled, "notifications/cancelled", R"({"requestId":1,"reason":1})", "`reason`"},
    Row{"progress", progress, "notifications/progress", R"({"progressToken":1,"progress":0.5})", ""},
    Row{"progress_tokenless", progress, "notifications/progress", R"({"progress":0.5})", "`progressToken` is missing"},
    Row{"initialize", opening, "initialize", R"({"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{}})", ""},
    Row{"initialize_infoless", opening, "initialize", R"({"protocolVersion":"2025-06-18","capabilities":{}})", ""},
    Row{"initialize_versionless", opening, "initialize", R"({"capabilities":{}})", "`protocolVersion` is missing"},
    Row{"initialize_capabilities", opening, "initialize", R"({"protocolVersion":"x","capabilities":[]})", "must be an object"},
    Row{"initialize_bare", opening, "initialize", "", "needs `params`"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Cancelled, KeepsTheIdAsWritten) {
  json::Document document;
  const auto message = read_message(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"7"}})",
                                    document, Direction::from_client);
  EXPECT_EQ(read_cancelled(*message)->request_id, "\"7\"");
}

struct Can {
  const char* name;
  const char* json;
  ClientCapabilities want;
};

class Capabilities : public testing::TestWithParam<Can> {};

TEST_P(Capabilities, AreReadFromTheirObject) {
  json::Document document;
  ASSERT_TRUE(json::parse(GetParam().json, {}, document));
  const ClientCapabilities got = read_client_capabilities(document.root());
  EXPECT_EQ(got.roots, GetParam().want.roots);
  EXPECT_EQ(got.sampling, GetParam().want.sampling);
  EXPECT_EQ(got.form_elicitation, GetParam().want.form_elicitation);
  EXPECT_EQ(got.url_elicitation, GetParam().want.url_elicitation);
  EXPECT_EQ(got.tasks, GetParam().want.tasks);
}

INSTANTIATE_TEST_SUITE_P(Handshake, Capabilities, testing::Values(
    Can{"none", "{}", {}},
    Can{"no_object", "[]", {}},
    Can{"legacy", R"({"roots":{"listChanged":true},"sampling":{}})", {.roots = true, .sampling = true}},
    Can{"bare_elicitation_is_form", R"({"elicitation":{}})", {.form_elicitation = true}},
    Can{"url_only", R"({"elicitation":{"url":{}}})", {.url_elicitation = true}},
    Can{"both", R"({"elicitation":{"form":{},"url":{}}})", {.form_elicitation = true, .url_elicitation = true}},
    Can{"booleans_are_no_objects", R"({"roots":true,"sampling":false})", {}},
    Can{"tasks", R"({"extensions":{"io.modelcontextprotocol/tasks":{}}})", {.tasks = true}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Handshake, ReadsTheServersAnswers) {
  json::Document document;
  auto message = read_message(
      R"({"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-03-26","capabilities":{"tools":{}},"serverInfo":{"name":"s"}}})",
      document, Direction::from_server);
  const auto opened = read_initialized(*message);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->protocol_version.view(), "2025-03-26");
  EXPECT_TRUE(has_capability(opened->capabilities, "tools"));
  EXPECT_FALSE(has_capability(opened->capabilities, "prompts"));

  message = read_message(R"({"jsonrpc":"2.0","id":1,"result":{"supportedVersions":[1,"2025-11-25","2099-01-01","2026-07-28"]}})",
                         document, Direction::from_server);
  EXPECT_EQ(read_discovered(*message), Revision::r2026_07_28);
  message = read_message(R"({"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2025-11-25"]}})", document, Direction::from_server);
  EXPECT_EQ(read_discovered(*message), std::nullopt);
  message = read_message(R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":""}})", document, Direction::from_server);
  EXPECT_EQ(read_discovered(*message), std::nullopt);
  EXPECT_FALSE(read_initialized(*message));
}

}  // namespace
}  // namespace callgate::mcp::requests_test
