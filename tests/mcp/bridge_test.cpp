#include <gtest/gtest.h>

#include <array>

#include "mcp/requests.hpp"
#include "mcp/to_legacy.hpp"
#include "mcp/to_modern.hpp"

namespace callgate::mcp {
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

TEST(ToModern, PutsTheEnvelopeWhereverAMessageHasRoomForIt) {
  const std::array rows{
      std::pair{std::string(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})"),
                R"({"params":{"_meta":{)" + std::string(version) + R"(}},"jsonrpc":"2.0","id":1,"method":"tools/list"})"},
      std::pair{std::string(R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{}})"),
                R"({"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"_meta":{)" + std::string(version) + R"(}}})"},
      std::pair{std::string(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{ "progressToken" : 3 }}})"),
                R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{)" + std::string(version) + R"(, "progressToken" : 3 }}})"},
  };
  for (const auto& [from, to] : rows) EXPECT_EQ(with_envelope(Read(from).message, with_roots), to);
}

TEST(ToModern, KeepsWhatTheClientSaidOfItself) {
  const Read request(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{"io.modelcontextprotocol/clientCapabilities":{}}}})");
  const std::string text = with_envelope(request.message, with_roots);
  EXPECT_EQ(text.find("clientCapabilities"), text.rfind("clientCapabilities")) << text;
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
  const Read request(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":{"x":1.10},"requestState":"s","inputResponses":{},"_meta":{"progressToken":"t","io.modelcontextprotocol/protocolVersion":"2026-07-28","mine":-0}}})");
  EXPECT_EQ(without_envelope(request.message, "\"c-1\""),
            R"({"jsonrpc":"2.0","id":"c-1","method":"tools/call","params":{"name":"a","arguments":{"x":1.10},"_meta":{"progressToken":"c-1","mine":-0}}})");
}

TEST(ToLegacy, SaysOfEachResultWhatItIs) {
  const Read answer(R"({"jsonrpc":"2.0","id":"c","result":{ "tools":[],"big":1e400}})", Direction::from_server);
  EXPECT_EQ(modern_answer(answer.message, "5", MethodId::tools_list),
            R"({"jsonrpc":"2.0","id":5,"result":{"resultType":"complete","ttlMs":0,"cacheScope":"private", "tools":[],"big":1e400}})");
  const Read empty(R"({"jsonrpc":"2.0","id":"c","result":{}})", Direction::from_server);
  EXPECT_EQ(modern_answer(empty.message, "5", MethodId::tools_call), R"({"jsonrpc":"2.0","id":5,"result":{"resultType":"complete"}})");
  const Read lost(R"({"jsonrpc":"2.0","id":"c","error":{"code":-32002,"message":"gone"}})", Direction::from_server);
  EXPECT_EQ(modern_answer(lost.message, "5", MethodId::resources_read), R"({"jsonrpc":"2.0","id":5,"error":{"code":-32602,"message":"gone"}})");
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
}  // namespace callgate::mcp
