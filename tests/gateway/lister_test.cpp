// What the gate says to a server while it reads that one's list for itself.
#include "gateway/world.hpp"

namespace callgate::gateway::lister_test {
namespace {

class ListOfTheGate : public World {
 protected:
  /// The server answers tools/list once it was answered itself.
  net::Task<bool> ask_first(net::HttpExchange& exchange, std::string id) {
    if (!co_await exchange.begin(200, "Content-Type: text/event-stream\r\n")) co_return true;
    co_await exchange.write("data: {\"jsonrpc\":\"2.0\",\"id\":\"r1\",\"method\":\"roots/list\"}\n\n");
    while (upstream.responses.empty()) co_await loop.sleep(std::chrono::milliseconds(1));
    co_await exchange.write("data: {\"jsonrpc\":\"2.0\",\"id\":" + id + R"(,"result":{"tools":[)" + upstream.tools + "]}}\n\n");
    co_await exchange.finish();
    co_return true;
  }
};

/// Protocol item 68: it declares what a client may be able to do, and no client is there.
TEST_F(ListOfTheGate, LeavesNoQuestionOfTheServerWithoutAnAnswer) {
  upstream.on_request = [this](net::HttpExchange& exchange, std::string method, std::string id, std::string body) -> net::Task<bool> {
    if (method != "tools/list" || body.find("2026-07-28") != std::string::npos) return net::Task<bool>::ready(false);
    return ask_first(exchange, std::move(id));
  };
  start("callgate: 1\ndefault: allow\n");
  open_session();  // from then on the list of that era is wanted
  turn_until([&] { return !upstream.responses.empty(); });
  ASSERT_EQ(upstream.responses.size(), 1U);
  EXPECT_NE(upstream.responses[0].find(R"("id":"r1","error":{"code":-32603)"), std::string::npos) << upstream.responses[0];
  upstream.on_request = nullptr;
  EXPECT_NE(post(R"({"jsonrpc":"2.0","id":1,"method":"tools/list"})").body.find(R"("name":"read")"), std::string::npos);
}

/// A server that is replaced while its list is read has done nothing that a call is refused for.
TEST_F(ListOfTheGate, IsReadOnceMoreWhereTheServerForgotTheSessionMeanwhile) {
  int lists = 0;
  upstream.on_request = [&lists](net::HttpExchange& exchange, std::string method, std::string /*id*/, std::string body) -> net::Task<bool> {
    if (method != "tools/list" || body.find("2026-07-28") != std::string::npos || ++lists > 1) co_return false;
    co_return co_await exchange.respond(404, {}, {});
  };
  start("callgate: 1\ndefault: allow\n");
  open_session();
  const Answer called = post(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":{}}})");
  EXPECT_EQ(called.body.find("could not be"), std::string::npos) << called.body;
  EXPECT_EQ(lists, 2);
}

}  // namespace
}  // namespace callgate::gateway::lister_test
