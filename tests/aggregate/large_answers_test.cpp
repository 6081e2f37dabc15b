// Whose large answers are, at the address of two servers: clients of 2026-07-28 without a grant have no session to be told apart by.
#include "aggregate/world.hpp"
#include "mcp/sse.hpp"

namespace callgate::aggregate::large_answers_test {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20U;
constexpr const char* callers_share = "too many large answers to one caller at once";

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// Security requirement S25: an answer larger than a caller's share finds no room, and would as the gateway's own.
class LargeAnswers : public TwoServers {
 protected:
  LargeAnswers() { replies = std::make_shared<net::ReplyRoom>(16 * mebibyte); }  // 4 of a server, 2 for a caller

  static std::string padding() { return std::string(3 * mebibyte, 'a'); }
  /// A server's result of that method.
  static void answer_with(FakeServer& server, const std::string& of, const std::string& result) {
    server.on_request = [of, result, before = server.on_request](net::HttpExchange& exchange, std::string method, std::string id, std::string body) -> net::Task<bool> {
      if (method != of) co_return before && co_await before(exchange, method, id, body);
      co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + result + "}");
      co_return true;
    };
  }
  std::string ask(const std::string& method, const std::string& members = {}, const std::string& name = {}) {
    return post(modern_text(method, members, "1", with_tasks), modern_headers(method, name)).body;
  }
};

TEST_F(LargeAnswers, OfListsAreTheCallers) {
  answer_with(upstream, "prompts/list", R"({"prompts":[]})");
  answer_with(second, "prompts/list", R"({"prompts":[{"name":"long","description":")" + padding() + R"("}]})");
  start_both();
  EXPECT_TRUE(has(ask("prompts/list"), callers_share));
}

TEST_F(LargeAnswers, OfFurtherPagesOfListsAreTheCallers) {
  answer_with(upstream, "prompts/list", R"({"prompts":[]})");
  second.on_request = [](net::HttpExchange& exchange, std::string method, std::string id, std::string body) -> net::Task<bool> {
    if (method != "prompts/list") co_return false;
    const std::string page = has(body, R"("cursor":"2")") ? R"([{"name":"long","description":")" + padding() + R"("}])" : R"([],"nextCursor":"2")";
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"prompts":)" + page + "}}");
    co_return true;
  };
  start_both();
  EXPECT_TRUE(has(ask("prompts/list"), callers_share));
}

TEST_F(LargeAnswers, OfWhatServersSayOfThemselvesAreTheCallers) {
  answer_with(second, "server/discover", R"({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"instructions":")" + padding() + R"("})");
  start_both();
  EXPECT_TRUE(has(ask("server/discover"), callers_share));
}

/// The lists that tell whose a resource is are read for whoever named it.
TEST_F(LargeAnswers, OfListsThatTellWhoseAResourceIsAreTheCallers) {
  answer_with(second, "resources/list", R"({"resources":[{"uri":"demo://second","name":"long","description":")" + padding() + R"("}]})");
  start_both();
  EXPECT_TRUE(has(ask("resources/read", R"("uri":"demo://second")", "demo://second"), "error"));
  EXPECT_TRUE(std::ranges::none_of(second.asked, [](const std::string& asked) { return has(asked, "resources/read"); })) << "nobody knows that it is the second's";
}

TEST_F(LargeAnswers, OfTasksOfTheGatesOwnAreTheCallers) {
  second.call_result = R"({"resultType":"complete","content":[{"type":"text","text":")" + padding() + R"("}]})";
  start_both("callgate: 1\ndefault: allow\ntools:\n  write: {action: require_approval}\n");
  const std::string begun = ask("tools/call", R"("name":"two__write","arguments":{})", "two__write");
  const std::size_t at = begun.find(R"("taskId":")");
  ASSERT_NE(at, std::string::npos) << begun;
  const std::string id = begun.substr(at + 10, begun.find('"', at + 10) - at - 10);
  const auto waiting = desk->list(approval::State::waiting);
  ASSERT_EQ(waiting.size(), 1U);
  ASSERT_TRUE(desk->answer(waiting.front()->id, approval::Answer::yes, "operator", {}, approval::Moment::of(clock)).has_value());
  std::string body;
  turn_until([&] {
    body = ask("tasks/get", R"("taskId":")" + id + '"', id);
    return !has(body, R"("status":"working")");
  });
  EXPECT_TRUE(has(body, callers_share)) << body.substr(0, 500);
}

TEST_F(LargeAnswers, OnSubscriptionsAreTheCallers) {
  second.on_request = [](net::HttpExchange& exchange, std::string method, std::string id, std::string) -> net::Task<bool> {
    if (method != "subscriptions/listen") co_return false;
    const std::string meta = R"("_meta":{"io.modelcontextprotocol/subscriptionId":)" + id + "}";
    std::string events;
    mcp::append_sse_event(events, R"({"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"toolsListChanged":true},)" + meta + "}}");
    mcp::append_sse_event(events, R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"x":")" + padding() + R"(",)" + meta + "}}");
    if (co_await exchange.begin(200, "Content-Type: text/event-stream\r\n") && co_await exchange.write(events)) co_await exchange.gone(net::Loop::forever);
    co_return true;
  };
  start_both();
  Answer answer;
  bool done = false;
  begin(modern_text("subscriptions/listen", R"("notifications":{"toolsListChanged":true})", "1"), answer, done, modern_headers("subscriptions/listen"));
  turn_until([&] { return log.has("subscription_broke_off") || has(answer.body, "aaa"); });
  EXPECT_FALSE(has(answer.body, "aaa"));
  EXPECT_TRUE(log.has("subscription_broke_off"));
}

}  // namespace
}  // namespace callgate::aggregate::large_answers_test
