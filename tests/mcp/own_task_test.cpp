// Protocol items 59, 60: the gateway's own tasks on the wire.
#include "mcp/own_task.hpp"

#include <gtest/gtest.h>

namespace callgate::mcp::own_task_test {
namespace {

constexpr OwnTaskState state{.id = "t", .status = TaskStatus::completed, .note = "a \"note\"", .created_ms = 0, .updated_ms = 1500, .ttl_ms = 9, .poll_ms = 5, .outcome = R"({"content":[]})"};

TEST(OwnTask, HasTheFormOfItsEra) {
  EXPECT_EQ(task_begun("1", state, Era::modern),
            R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"task","taskId":"t","status":"completed","statusMessage":"a \"note\"","createdAt":"1970-01-01T00:00:00.000Z","lastUpdatedAt":"1970-01-01T00:00:01.500Z","ttlMs":9,"pollIntervalMs":5}})");
  EXPECT_EQ(task_begun("1", state, Era::legacy),
            R"({"jsonrpc":"2.0","id":1,"result":{"task":{"taskId":"t","status":"completed","statusMessage":"a \"note\"","createdAt":"1970-01-01T00:00:00.000Z","lastUpdatedAt":"1970-01-01T00:00:01.500Z","ttl":9,"pollInterval":5}}})");
  EXPECT_NE(task_state("1", state, Era::modern).find(R"("pollIntervalMs":5,"result":{"content":[]}}})"), std::string::npos);
  EXPECT_EQ(task_state("1", state, Era::legacy).find("result\":{\"content"), std::string::npos) << "tasks/result gives it";
  OwnTaskState failed = state;
  failed.status = TaskStatus::failed;
  EXPECT_NE(task_state("1", failed, Era::modern).find(R"("error":{"content":[]}}})"), std::string::npos);
}

struct Related {
  const char* result;
  const char* with_task;
};
class RelatedResult : public testing::TestWithParam<Related> {};

TEST_P(RelatedResult, NamesItsTask) {
  json::Document document;
  ASSERT_TRUE(json::parse(GetParam().result, {}, document));
  EXPECT_EQ(related_to_task(document.root(), "t"), GetParam().with_task);
}

INSTANTIATE_TEST_SUITE_P(Results, RelatedResult, testing::Values(
    Related{"{}", R"({"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t"}}})"},
    Related{R"({"content":[ ]})", R"({"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t"}},"content":[ ]})"},
    Related{R"({"a":1,"_meta":{}})", R"({"a":1,"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t"}}})"},
    Related{R"({"a":1,"_meta":{ "k":2}})", R"({"a":1,"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t"}, "k":2}})"},
    Related{R"({"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"theirs"},"k":2}})", R"({"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t"},"k":2}})"}));

TEST(OwnTask, AsksTheServerForNothingThatNeedsItsClient) {
  const auto behind = [](const std::string& text) {
    json::Document document;
    EXPECT_TRUE(json::parse(text, {}, document));
    return capabilities_behind_task(document.root());
  };
  EXPECT_EQ(behind(R"({"elicitation":{"url":{}},"sampling":{},"roots":{},"extensions":{"io.modelcontextprotocol/tasks":{}}})"), "{}");
  EXPECT_EQ(behind(R"({"experimental":{"x":1},"extensions":{"a/b":{"c":[1]},"io.modelcontextprotocol/tasks":{}}})"), R"({"experimental":{"x":1},"extensions":{"a/b":{"c":[1]}}})");
  EXPECT_EQ(capabilities_behind_task({}), "{}");
}

TEST(OwnTask, IsPossibleWhereServerAndToolSaySo) {
  json::Document document;
  ASSERT_TRUE(json::parse(R"({"tools":{},"tasks":{"requests":{"tools":{"call":{}}}},"name":"a","execution":{"taskSupport":"optional"}})", {}, document));
  EXPECT_TRUE(runs_calls_as_tasks(document.root()));
  EXPECT_TRUE(may_be_task(document.root()));
  for (const char* text : {"{}", R"({"tasks":{"requests":{"tools":{}}},"execution":{"taskSupport":"required"}})", R"({"tasks":[],"execution":[]})", R"({"execution":{"taskSupport":"forbidden"}})"}) {
    json::Document other;
    ASSERT_TRUE(json::parse(text, {}, other));
    EXPECT_FALSE(runs_calls_as_tasks(other.root())) << text;
    EXPECT_FALSE(may_be_task(other.root())) << text;
  }
}

}  // namespace
}  // namespace callgate::mcp::own_task_test
