#include "mcp/unknown_tool.hpp"

#include <gtest/gtest.h>

#include <string>

#include "mcp/answers.hpp"

namespace callgate::mcp::unknown_tool_test {
namespace {

constexpr std::string_view probe = "k3v9q_probe";

TEST(UnknownToolAnswer, IsTheStandardOneUntilOneIsLearned) {
  const UnknownToolAnswer answer;
  EXPECT_FALSE(answer.is_learned());
  EXPECT_EQ(answer.render("drop", "4"), unknown_tool("4", "drop"));
  EXPECT_EQ(answer.stored(), "");
}

/// Protocol item 39.
TEST(UnknownToolAnswer, TakesTheServersFormForAnotherNameAndId) {
  const std::string seen = R"({ "id" : 12,"jsonrpc":"2.0","result":{"content":[{"type":"text","text":"MCP error -32602: Tool k3v9q_probe not found"}],"isError":true}})";
  const auto answer = UnknownToolAnswer::learn(seen, probe, "12");
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->is_learned());
  EXPECT_EQ(answer->render("drop \"all\"", "\"x\""),
            R"({ "id" : "x","jsonrpc":"2.0","result":{"content":[{"type":"text","text":"MCP error -32602: Tool drop \"all\" not found"}],"isError":true}})");
}

TEST(UnknownToolAnswer, ReplacesTheNameWhereverItStandsAlsoBeforeTheId) {
  const auto answer = UnknownToolAnswer::learn(
      R"({"jsonrpc":"2.0","error":{"code":-32602,"message":"k3v9q_probe?","data":{"k3v9q_probe":"k3v9q_probe"}},"id":"p"})", probe, "\"p\"");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->render("t", "1"), R"({"jsonrpc":"2.0","error":{"code":-32602,"message":"t?","data":{"t":"t"}},"id":1})");
}

TEST(UnknownToolAnswer, FlagsAServerThatRunsWhateverItIsAsked) {
  const auto answer = UnknownToolAnswer::learn(R"({"jsonrpc":"2.0","id":1,"result":{"content":[]}})", probe, "1");
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->server_runs_anything());
  EXPECT_FALSE(answer->is_learned());
  EXPECT_EQ(answer->render("drop", "4"), unknown_tool("4", "drop"));
}

/// Seen in the field: nothing marks these as errors, but what they say of the name is that there is no such tool.
TEST(UnknownToolAnswer, TakesAServersWordForItWhereNothingMarksAnError) {
  for (const std::string_view result : {R"({"content":[{"type":"text","text":"Error calling tool k3v9q_probe: Unknown tool: k3v9q_probe"}],"isError":false})",
                                        R"({"content":[{"type":"text","text":"{\"error\":\"Unknown tool: k3v9q_probe\"}"}]})",
                                        R"({"content":[{"type":"text","text":"no"},{"type":"text","text":"UNKNOWN TOOL k3v9q_probe"}]})",
                                        R"({"content":[{"type":"text","text":"Tool not found: k3v9q_probe"}]})",
                                        R"({"toolResult":{"content":[{"type":"text","text":"Error"}],"isError":true}})",
                                        R"({"toolResult":{"content":[{"type":"text","text":"Unknown tool: k3v9q_probe"}]}})"}) {
    const auto answer = UnknownToolAnswer::learn(R"({"jsonrpc":"2.0","id":1,"result":)" + std::string(result) + "}", probe, "1");
    ASSERT_TRUE(answer) << result;
    EXPECT_FALSE(answer->server_runs_anything()) << result;
    EXPECT_TRUE(answer->is_learned()) << result;
  }
  const auto answer = UnknownToolAnswer::learn(R"({"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"Unknown tool: k3v9q_probe"}],"isError":false}})", probe, "1");
  EXPECT_EQ(answer->render("drop", "4"), R"({"jsonrpc":"2.0","id":4,"result":{"content":[{"type":"text","text":"Unknown tool: drop"}],"isError":false}})");
}

TEST(UnknownToolAnswer, AnAnswerThatOnlyRepeatsTheNameOrSpeaksOfOtherThingsIsOfAServerThatRanIt) {
  for (const std::string_view result : {R"({"content":[{"type":"text","text":"k3v9q_probe: done"}]})", R"({"content":[{"type":"text","text":"sh: k3v9q_probe: command not found"}]})",
                                        R"({"content":[{"type":"text","text":"file not found"}]})",
                                        R"({"content":[{"type":"text","text":"unknown tool"},{"type":"text","text":"k3v9q_probe"}]})",
                                        R"({"content":[{"type":"image","text":7},7],"k3v9q_probe":"unknown tool"})", R"({"content":"k3v9q_probe unknown tool"})",
                                        R"({"toolResult":7})", R"({"toolResult":{"isError":false}})"}) {
    const auto answer = UnknownToolAnswer::learn(R"({"jsonrpc":"2.0","id":1,"result":)" + std::string(result) + "}", probe, "1");
    ASSERT_TRUE(answer) << result;
    EXPECT_TRUE(answer->server_runs_anything()) << result;
  }
}

TEST(UnknownToolAnswer, LearnsOnlyFromTheAnswerToItsProbe) {
  for (const std::string_view bytes : {R"({"jsonrpc":"2.0","id":2,"error":{"code":1,"message":""}})", R"({"jsonrpc":"2.0","id":"1","result":{}})",
                                       R"({"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}})", R"({"jsonrpc":"2.0","id":1,"method":"x"})",
                                       "<html>", ""}) {
    EXPECT_FALSE(UnknownToolAnswer::learn(bytes, probe, "1")) << bytes;
  }
  EXPECT_FALSE(UnknownToolAnswer::learn(R"({"jsonrpc":"2.0","error":{"code":1,"message":""}})", probe, ""));
}

TEST(UnknownToolAnswer, SurvivesBeingStored) {
  const auto answer = UnknownToolAnswer::learn("{\"jsonrpc\":\"2.0\",\"id\":1,\n\"error\":{\"code\":-32602,\"message\":\"no \\\"k3v9q_probe\\\" \u2028\"}}", probe, "1");
  ASSERT_TRUE(answer);
  const auto back = UnknownToolAnswer::from_stored(answer->stored());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->render("drop", "9"), answer->render("drop", "9"));
  EXPECT_FALSE(UnknownToolAnswer::from_stored("")->is_learned());
  EXPECT_FALSE(UnknownToolAnswer::from_stored("{"));
  EXPECT_FALSE(UnknownToolAnswer::from_stored("{}"));
  EXPECT_FALSE(UnknownToolAnswer::from_stored("[]"));
}

}  // namespace
}  // namespace callgate::mcp::unknown_tool_test
