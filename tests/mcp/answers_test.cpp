#include "mcp/answers.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"
#include "mcp/message.hpp"

namespace callgate::mcp::answers_test {
namespace {

constexpr DecisionNote plain{.id = "01J", .verdict = "deny", .rule = "/tools/refund", .reason = "not \"today\"",
                             .policy = "sha256:3f"};

/// Protocol item 37.
TEST(Answers, DenyACallAsAResultThatTheModelReads) {
  EXPECT_EQ(denied_call("7", "Refused by policy: not \"today\".", plain, Era::legacy),
            R"({"jsonrpc":"2.0","id":7,"result":{"isError":true,"content":[{"type":"text",)"
            R"("text":"Refused by policy: not \"today\"."}],"_meta":{"dev.callgate/decision":{"id":"01J","verdict":"deny",)"
            R"("rule":"/tools/refund","reason":"not \"today\"","policy":"sha256:3f"}}}})");
}

TEST(Answers, NameTheResultTypeOnModernRevisionsOnly) {
  EXPECT_NE(denied_call("7", "", plain, Era::modern).find(R"("resultType":"complete")"), std::string::npos);
  EXPECT_EQ(denied_call("7", "", plain, Era::legacy).find("resultType"), std::string::npos);
}

/// Protocol items 38, 42.
TEST(Answers, CarryWhatALimitOrAnApprovalAdds) {
  DecisionNote note = plain;
  note.retry_after_s = 12;
  note.remaining = 0;
  note.approval = DecisionNote::Approval{.id = "ap1", .url = "", .expires_at = "2026-11-23T05:40:00Z"};
  EXPECT_EQ(denied_request("\"x\"", code::approval_needed, "ask", note),
            R"({"jsonrpc":"2.0","id":"x","error":{"code":1003,"message":"ask","data":{"id":"01J","verdict":"deny",)"
            R"("rule":"/tools/refund","reason":"not \"today\"","retry_after_s":12,"remaining":0,)"
            R"("approval":{"id":"ap1","expires_at":"2026-11-23T05:40:00Z"},"policy":"sha256:3f"}}})");
}

TEST(Answers, WriteErrorsInTheOrderOfTheSpecification) {
  EXPECT_EQ(rpc_error("1", -32022, "Unsupported protocol version", R"({"requested":"x"})"),
            R"({"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"Unsupported protocol version","data":{"requested":"x"}}})");
  EXPECT_EQ(rpc_error("", -32600, "no"), R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no"}})");
  EXPECT_EQ(unknown_tool("1", "a\"b"),
            R"({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown tool: a\"b"}})");
  EXPECT_EQ(method_not_found("1", "x"), R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found: x"}})");
  EXPECT_EQ(resource_not_found("1", "a:b", Era::legacy),
            R"({"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"Resource not found","data":{"uri":"a:b"}}})");
  EXPECT_EQ(empty_result("1", Era::legacy), R"({"jsonrpc":"2.0","id":1,"result":{}})");
}

TEST(Answers, CutWhatACallerSentBeforeItGoesBack) {
  EXPECT_LT(method_not_found("1", std::string(100000, 'x')).size(), 500U);
  const std::string wide = "é";
  std::string name = "x";
  for (int i = 0; i < 500; ++i) name += wide;
  json::Document document;
  EXPECT_TRUE(json::parse(method_not_found("1", name), {}, document));
}

TEST(Answers, ToUnreadableBytesCarryTheIdWhereTheTextIsJson) {
  const auto answer = [](std::string_view bytes) {
    json::Document document;
    return refuse_unreadable(bytes, read_message(bytes, document, Direction::from_client).error());
  };
  EXPECT_TRUE(answer(R"({"jsonrpc":"2.0","id":7,"method":"ping","Method":"x"})").starts_with(R"({"jsonrpc":"2.0","id":7,"error":{"code":-32600)"));
  EXPECT_TRUE(answer(R"({"jsonrpc":"2.0","id":"a","method":"ping","x":{"y":1,"y":2}})").starts_with(R"({"jsonrpc":"2.0","id":"a","error":{"code":-32600)"));
  EXPECT_TRUE(answer(R"([{"jsonrpc":"2.0","id":7,"method":"ping"}])").starts_with(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32600)"));
  EXPECT_TRUE(answer(R"({"jsonrpc":"2.0","id":7,"method":NaN})").starts_with(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700)"));
}

TEST(Answers, AllPassTheStrictReaderOfTheOtherSide) {
  // The reader refuses our own `_meta` member from strangers, so only the JSON is read here.
  json::Document document;
  for (const std::string& bytes : {denied_call("7", "a\n\x01", plain, Era::modern), denied_request("7", 1001, "t", plain),
                                   std::string(session_not_found), unknown_prompt("1", "\xf0\x9f\x98\x80")}) {
    EXPECT_TRUE(json::parse(bytes, {}, document)) << bytes;
  }
}

}  // namespace
}  // namespace callgate::mcp::answers_test
