#include "gateway/subscribed.hpp"

#include <gtest/gtest.h>

#include <string>

namespace callgate::gateway::subscribed_test {
namespace {

struct Case {
  const char* name;
  std::string notification;  ///< its method and the members of its params
  bool belongs;
};
class MayBring : public testing::TestWithParam<Case> {};

/// Protocol items 74, 75: what a server says on a subscription, against what was asked for.
TEST_P(MayBring, WhatWasAskedForAndNothingElse) {
  const std::string text = R"({"jsonrpc":"2.0","id":"sub","method":"subscriptions/listen","params":{"notifications":{"promptsListChanged":true,"resourceSubscriptions":["file:///a","x://dir/"],"taskIds":["t"]},"_meta":{"progressToken":"p"}}})";
  json::Document document;
  const auto request = mcp::read_message(text, document, mcp::Direction::from_client);
  ASSERT_TRUE(request) << request.error().message;
  const Subscribed subscribed(*request);
  const std::string note = R"({"jsonrpc":"2.0","method":")" + GetParam().notification + "}}";
  json::Document note_document;
  const auto message = mcp::read_message(note, note_document, mcp::Direction::from_server, {.keep_depth = 3});
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(subscribed.may_bring(*message), GetParam().belongs) << note;
}

std::string tagged(const std::string& method, const std::string& id, const std::string& members = {}) {
  return method + R"(","params":{)" + members + (members.empty() ? "" : ",") + R"("_meta":{"io.modelcontextprotocol/subscriptionId":)" + id + "}";
}

INSTANTIATE_TEST_SUITE_P(
    Gateway, MayBring,
    testing::Values(Case{"list_asked_for", tagged("notifications/prompts/list_changed", "\"sub\""), true},
                    Case{"list_not_asked_for", tagged("notifications/tools/list_changed", "\"sub\""), false},
                    Case{"without_a_tag", R"(notifications/prompts/list_changed","params":{)", true},
                    Case{"of_another", tagged("notifications/prompts/list_changed", "\"bus\""), false},
                    Case{"tag_of_another_type", tagged("notifications/prompts/list_changed", "1"), false},
                    Case{"resource", tagged("notifications/resources/updated", "\"sub\"", R"("uri":"file:///a")"), true},
                    Case{"resource_in_another_spelling", tagged("notifications/resources/updated", "\"sub\"", R"("uri":"FILE:///a")"), true},
                    Case{"part_of_a_resource", tagged("notifications/resources/updated", "\"sub\"", R"("uri":"file:///a/b")"), true},
                    Case{"part_of_a_folder", tagged("notifications/resources/updated", "\"sub\"", R"("uri":"x://dir/b")"), true},
                    Case{"longer_name", tagged("notifications/resources/updated", "\"sub\"", R"("uri":"file:///ab")"), false},
                    Case{"resource_without_uri", tagged("notifications/resources/updated", "\"sub\""), false},
                    Case{"own_task", tagged("notifications/tasks", "\"sub\"", R"("taskId":"t")"), true},
                    Case{"another_task", tagged("notifications/tasks", "\"sub\"", R"("taskId":"u")"), false},
                    Case{"own_progress", R"(notifications/progress","params":{"progressToken":"p","progress":1)", true},
                    Case{"progress_of_another", R"(notifications/progress","params":{"progressToken":"q","progress":1)", false},
                    Case{"log", R"(notifications/message","params":{"level":"info","data":1)", false},
                    Case{"end_of_it", R"(notifications/cancelled","params":{"requestId":"sub")", true},
                    Case{"end_of_another", R"(notifications/cancelled","params":{"requestId":"bus")", false},
                    Case{"unknown", tagged("notifications/other", "\"sub\""), false}),
    [](const auto& row) { return row.param.name; });

TEST(Subscribed, BringsLogsWhereTheyWereAskedFor) {
  const std::string text = R"({"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{"notifications":{},"_meta":{"io.modelcontextprotocol/logLevel":"info"}}})";
  json::Document document;
  const auto request = mcp::read_message(text, document, mcp::Direction::from_client);
  ASSERT_TRUE(request);
  json::Document log_document;
  const auto log = mcp::read_message(R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}})", log_document, mcp::Direction::from_server);
  ASSERT_TRUE(log);
  EXPECT_TRUE(Subscribed(*request).may_bring(*log));
}

}  // namespace
}  // namespace callgate::gateway::subscribed_test
