#include "mcp/own_messages.hpp"

#include <gtest/gtest.h>

#include "mcp/message.hpp"
#include "mcp/requests.hpp"
#include "mcp/tool_call.hpp"

namespace callgate::mcp::own_messages_test {
namespace {

TEST(OwnMessages, OpenASessionWithAllThatCanBeRelayed) {
  EXPECT_EQ(initialize_request("0", Revision::r2025_11_25),
            R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{)"
            R"("roots":{"listChanged":true},"sampling":{},"elicitation":{"form":{},"url":{}}},)"
            R"("clientInfo":{"name":"callgate","version":")" CALLGATE_VERSION R"("}}})");
  EXPECT_EQ(initialized_notification(), R"({"jsonrpc":"2.0","method":"notifications/initialized"})");
}

TEST(OwnMessages, DeclareNoMoreThanTheyAreTold) {
  EXPECT_NE(initialize_request("0", Revision::r2025_06_18, {}).find(R"("capabilities":{},)"), std::string::npos);
  EXPECT_NE(initialize_request("0", Revision::r2025_06_18, {.form_elicitation = true}).find(R"({"elicitation":{}})"), std::string::npos);
  EXPECT_NE(initialize_request("0", Revision::r2025_11_25, {.url_elicitation = true}).find(R"({"elicitation":{"url":{}}})"), std::string::npos);
}

TEST(OwnMessages, AskForListsInTheFormOfTheRevision) {
  EXPECT_EQ(plain_request("1", MethodId::tools_list, Revision::r2025_06_18), R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})");
  EXPECT_EQ(plain_request("1", MethodId::tools_list, Revision::r2025_06_18, "a\"b"),
            R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"a\"b"}})");
  const std::string modern = plain_request("1", MethodId::server_discover, Revision::r2026_07_28);
  json::Document document;
  const auto message = read_message(modern, document, Direction::from_client);
  ASSERT_TRUE(message);
  const auto meta = read_request_meta(*message);
  ASSERT_TRUE(meta);
  EXPECT_EQ(meta->protocol_version.view(), "2026-07-28");
  EXPECT_TRUE(meta->client_capabilities);
}

TEST(OwnMessages, AreAllReadByTheStrictReader) {
  for (const std::string& bytes :
       {ping_request("\"x\""), probe_call("9", "k3v9q", Revision::r2025_11_25),
        probe_call("9", "k3v9q", Revision::r2026_07_28),
        plain_request("1", MethodId::tools_list, Revision::r2026_07_28, "c"),
        cancelled_notification("\"a\"", "the \"client\" left"),
        plain_notification(MethodId::notifications_tools_list_changed), progress_notification("5", 3, "waiting"),
        set_level_request("1", "\"debug\""), resource_request("\"a\"", MethodId::resources_subscribe, "file:///a\"b"),
        resource_request("2", MethodId::resources_unsubscribe, "x:y")}) {
    json::Document document;
    const auto message = read_message(bytes, document, Direction::from_client);
    ASSERT_TRUE(message) << bytes;
    EXPECT_NE(message->method_id, MethodId::unknown);
  }
}

TEST(OwnMessages, CarryIdsAndTokensAsTheyWereWritten) {
  json::Document document;
  std::string bytes = cancelled_notification("\"a\\/b\"", "x");
  EXPECT_EQ(read_cancelled(*read_message(bytes, document, Direction::from_client))->request_id, "\"a\\/b\"");
  bytes = resource_request("1", MethodId::resources_subscribe, "file:///a\"b");
  EXPECT_EQ(read_resource_request(*read_message(bytes, document, Direction::from_client))->uri.view(), "file:///a\"b");
  bytes = progress_notification("\"t\"", 1);
  EXPECT_EQ(read_progress(*read_message(bytes, document, Direction::from_server))->token, "\"t\"");
}

}  // namespace
}  // namespace callgate::mcp::own_messages_test
