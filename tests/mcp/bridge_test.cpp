#include <gtest/gtest.h>

#include <array>

#include "mcp/requests.hpp"
#include "mcp/to_legacy.hpp"
#include "mcp/to_modern.hpp"

namespace callgate::mcp::bridge_test {
namespace {

/// Both bridges' texts: golden, byte for byte (protocol items 1, 14, 15).
struct Read {
  explicit Read(std::string text, Direction direction = Direction::from_client)
      : bytes(std::move(text)), message(*read_message(bytes, document, direction, {.max_depth = 512})) {}
  std::string bytes;
  json::Document document;
  Message message;
};

constexpr const char* version = R"("io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{"roots":{}})";
const Envelope with_roots{.capabilities = R"({"roots":{}})", .client_info = {}, .log_level = {}};

/// Security requirement S5: the message that was put together, read anew: nothing was kept of it that does not stand there.
void expect_read_right(const Written& written) {
  json::Document document;
  const auto again = read_message(written.bytes, document, Direction::from_client);
  ASSERT_TRUE(again.has_value()) << written.bytes;
  EXPECT_EQ(again->id_text, written.message.id_text);
  EXPECT_EQ(again->method.view(), written.message.method.view());
  ASSERT_EQ(document.nodes().size(), written.document.nodes().size()) << written.bytes;
  for (std::uint32_t at = 0; at < document.nodes().size(); ++at) {
    const json::Value one(&document, at);
    const json::Value other(&written.document, at);
    EXPECT_EQ(one.text(), other.text());
    EXPECT_EQ(one.size(), other.size()) << one.text();
    EXPECT_EQ(one.kind(), other.kind()) << one.text();
    EXPECT_EQ(one.node().next, other.node().next) << one.text();
    EXPECT_EQ(one.has_escapes(), other.has_escapes()) << one.text();
  }
}

std::string enveloped(const std::string& from) {
  const Read request(from);
  WrittenEnvelope envelope;
  EXPECT_TRUE(envelope.write(with_roots).has_value());
  Written out;
  EXPECT_TRUE(with_envelope(request.message, envelope, out).has_value()) << from;
  expect_read_right(out);
  return out.bytes;
}

std::string bare(const std::string& from) {
  const Read request(from);
  Written out;
  EXPECT_TRUE(without_envelope(request.message, "\"c-1\"", out).has_value()) << from;
  expect_read_right(out);
  return out.bytes;
}

TEST(ToModern, PutsTheEnvelopeWhereverAMessageHasRoomForIt) {
  const std::array rows{
      std::pair{std::string(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})"),
                R"({"params":{"_meta":{)" + std::string(version) + R"(}},"jsonrpc":"2.0","id":1,"method":"tools/list"})"},
      std::pair{std::string(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}})"),
                R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{)" + std::string(version) + R"(}}})"},
      std::pair{std::string(R"({"params": {"name":"a", "arguments":{"x":[1,{"y":"\u0041"}]}},"jsonrpc":"2.0", "id":"one","method":"tools/call"} )"),
                R"({"params": {"_meta":{)" + std::string(version) + R"(},"name":"a", "arguments":{"x":[1,{"y":"\u0041"}]}},"jsonrpc":"2.0", "id":"one","method":"tools/call"} )"},
      std::pair{std::string(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{ "progressToken" : 3 }}})"),
                R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{)" + std::string(version) + R"(, "progressToken" : 3 }}})"},
      std::pair{std::string(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{ },"name":"a"}})"),
                R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{)" + std::string(version) + R"( },"name":"a"}})"},
  };
  for (const auto& [from, to] : rows) EXPECT_EQ(enveloped(from), to);
}

TEST(ToModern, KeepsWhatTheClientSaidOfItself) {
  const std::string text = enveloped(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}})");
  EXPECT_EQ(text.find("clientCapabilities"), text.rfind("clientCapabilities")) << text;
}

TEST(ToModern, RefusesAnEnvelopeThatIsNestedTooDeep) {
  std::string deep = "1";
  for (int i = 0; i < 62; ++i) deep = "{\"a\":" + deep + "}";
  WrittenEnvelope envelope;
  EXPECT_FALSE(envelope.write({.capabilities = deep, .client_info = {}, .log_level = {}}).has_value());
  EXPECT_TRUE(envelope.write(with_roots).has_value());
}

TEST(ToModern, GivesAnAnswerBackUnderTheClientsIdAndChangesNothingElse) {
  const auto made = [](const std::string& text, std::string_view id, MethodId of) {
    const Read answer(text, Direction::from_server);
    return legacy_answer(answer.bytes, look_at(answer.message), id, of);
  };
  EXPECT_EQ(made(R"({"jsonrpc":"2.0","id":5,"result":{}})", "5", MethodId::tools_call), std::nullopt);
  EXPECT_EQ(made(R"({"result":{"id":1},"id":"c", "jsonrpc":"2.0"})", "5", MethodId::tools_call), R"({"result":{"id":1},"id":5, "jsonrpc":"2.0"})");
  EXPECT_EQ(made(R"({"error":{"message":"gone","code":-32602},"id":"c","jsonrpc":"2.0"})", "5", MethodId::resources_read),
            R"({"error":{"message":"gone","code":-32002},"id":5,"jsonrpc":"2.0"})");
  EXPECT_EQ(made(R"({"error":{"message":"gone","code":-32602},"id":5,"jsonrpc":"2.0"})", "5", MethodId::tools_call), std::nullopt);
}

/// Protocol item 83: the state goes back as it was written.
TEST(ToModern, GoesOnWithTheClientsAnswersAndTheServersState) {
  const Read request(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}})");
  const Read answer(R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","requestState":"\u0073 ","inputRequests":{"k":{"method":"roots/list"}}}})", Direction::from_server);
  EXPECT_EQ(with_inputs(request.message, "\"n\"", R"({"k":{"roots":[]}})", answer.message),
            R"({"jsonrpc":"2.0","id":"n","method":"tools/call","params":{"inputResponses":{"k":{"roots":[]}},"requestState":"\u0073 ","name":"a"}})");
  const auto asks = read_input_asks(answer.message);
  ASSERT_TRUE(asks.has_value());
  EXPECT_EQ(ask_request("7", asks->front()), R"({"jsonrpc":"2.0","id":7,"method":"roots/list"})");
}

TEST(ToModern, RefusesQuestionsWithoutEndOrForm) {
  std::string many;
  for (int i = 0; i < 17; ++i) many += (i == 0 ? "" : ",") + std::string("\"") + std::to_string(i) + R"(":{"method":"roots/list"})";
  for (const std::string& members : {R"("inputRequests":{)" + many + "}", std::string(R"("inputRequests":{"k":{}})"), std::string(R"("inputRequests":[])"), std::string(R"("x":1)")}) {
    const Read answer(R"({"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required",)" + members + "}}", Direction::from_server);
    EXPECT_FALSE(read_input_asks(answer.message).has_value()) << members;
  }
}

TEST(ToLegacy, TakesTheEnvelopeAndTheRoundOut) {
  const std::string_view head = R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":)";
  const std::string_view own = R"({"jsonrpc":"2.0","id":"c-1","method":"tools/call","params":)";
  const std::string meta = R"("_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}})";
  const std::array rows{
      std::pair{std::string(R"({"name":"a","arguments":{"x":1.10},"requestState":"s","inputResponses":{},"_meta":{"progressToken":"t","io.modelcontextprotocol/protocolVersion":"2026-07-28","mine":-0}})"),
                std::string(R"({"name":"a","arguments":{"x":1.10},"_meta":{"progressToken":"c-1","mine":-0}})")},
      std::pair{R"({"name":"a",)" + meta + "}", std::string(R"({"name":"a"})")},
      std::pair{"{" + meta + R"(, "name":"a"})", std::string(R"({"name":"a"})")},
      std::pair{"{ " + meta + " }", std::string("{  }")},
      std::pair{std::string(R"({"requestState":"s","inputResponses":{"k":[1,2]},)") + meta + R"(,"name":"a"})", std::string(R"({"name":"a"})")},
      std::pair{std::string(R"({"requestState":"s","name":"a","inputResponses":{"k":[1,2]}})"), std::string(R"({"name":"a"})")},
      std::pair{std::string(R"({"_meta":{"mine":{"a":[{}]},"io.modelcontextprotocol/clientInfo":{"name":"n"},"progressToken":7},"name":"a"})"),
                std::string(R"({"_meta":{"mine":{"a":[{}]},"progressToken":"c-1"},"name":"a"})")},
      std::pair{std::string(R"({"_meta":{},"name":"a"})"), std::string(R"({"name":"a"})")},
  };
  for (const auto& [from, to] : rows) EXPECT_EQ(bare(std::string(head) + from + "}"), std::string(own) + to + "}");
  EXPECT_EQ(bare(R"({"params":{"requestState":"s"},"method":"tools/call","id":12345678901234,"jsonrpc":"2.0"})"), R"({"params":{},"method":"tools/call","id":"c-1","jsonrpc":"2.0"})");
}

TEST(ToLegacy, SaysOfEachResultWhatItIs) {
  const auto made = [](const std::string& text, MethodId of) {
    const Read answer(text, Direction::from_server);
    return modern_answer(answer.bytes, look_at(answer.message), "5", of);
  };
  EXPECT_EQ(made(R"({"jsonrpc":"2.0","id":"c","result":{ "tools":[],"big":1e400}})", MethodId::tools_list),
            R"({"jsonrpc":"2.0","id":5,"result":{"resultType":"complete","ttlMs":0,"cacheScope":"private", "tools":[],"big":1e400}})");
  EXPECT_EQ(made(R"({"result":{"cacheScope":"public","ttlMs":3,"resultType":"task"},"jsonrpc":"2.0","id":"c"})", MethodId::tools_list),
            R"({"result":{"cacheScope":"public","ttlMs":3,"resultType":"task"},"jsonrpc":"2.0","id":5})");
  EXPECT_EQ(made(R"({"jsonrpc":"2.0","id":"c","result":{}})", MethodId::tools_call), R"({"jsonrpc":"2.0","id":5,"result":{"resultType":"complete"}})");
  EXPECT_EQ(made(R"({"jsonrpc":"2.0","id":"c","error":{"code":-32002,"message":"gone"}})", MethodId::resources_read), R"({"jsonrpc":"2.0","id":5,"error":{"code":-32602,"message":"gone"}})");
}

TEST(ToLegacy, TagsWhatBelongsToASubscription) {
  const Read plain(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})", Direction::from_server);
  EXPECT_EQ(tagged(plain.message, "\"s\""), R"({"params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"s"}},"jsonrpc":"2.0","method":"notifications/tools/list_changed"})");
}

/// Protocol item 31.
TEST(Requests, KnowTheRoundsOfOneCallAsOne) {
  const Read first(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":2.0}}})");
  const Read second(R"({"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"requestState":"s","arguments":{"x": 2.0},"name":"a","_meta":{"a":1}}})");
  const Read other(R"({"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"requestState":"s","name":"a","arguments":{"x":3}}})");
  EXPECT_EQ(logical_text(first.message), logical_text(second.message));
  EXPECT_NE(logical_text(first.message), logical_text(other.message));
}

/// Protocol item 47.
TEST(Requests, AskForTheNextPageInTheClientsWords) {
  const Read bare(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})");
  EXPECT_EQ(next_page_request(bare.message, "2", "c\"1"), R"({"params":{"cursor":"c\"1"},"jsonrpc":"2.0","id":2,"method":"tools/list"})");
  const Read modern(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{"a":1}}})");
  EXPECT_EQ(next_page_request(modern.message, "2", "c"), R"({"jsonrpc":"2.0","id":2,"method":"tools/list","params":{"cursor":"c","_meta":{"a":1}}})");
}

}  // namespace
}  // namespace callgate::mcp::bridge_test
