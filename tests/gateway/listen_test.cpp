#include <string>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/world.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::gateway::listen_test {
namespace {

constexpr const char* key = "io.modelcontextprotocol/subscriptionId";

/// subscriptions/listen (protocol item 74): what a caller may not see is not watched either.
class Listen : public World {
 protected:
  void begin_with(const std::string& policy) {
    start(policy);
    upstream.on_request = [this](net::HttpExchange& exchange, std::string method, std::string id, std::string body) { return serve(exchange, method, id, body); };
  }
  void listen(const std::string& filter, const std::string& extensions = {}) {
    begin(modern_text("subscriptions/listen", R"("notifications":)" + filter, "\"sub\"", extensions), answer, done, modern_headers("subscriptions/listen"));
    turn_until([&] { return done || filters.size() == 1; });
  }
  static std::string notification(const std::string& method, const std::string& members = {}) {
    return R"({"jsonrpc":"2.0","method":")" + method + R"(","params":{)" + members + (members.empty() ? "" : ",") + R"("_meta":{")" + key + R"(":"sub"}}})";
  }

  /// The caller calls, and the server begins this task for it.
  void begin_task(const std::string& id) {
    upstream.call_result = R"({"resultType":"task","taskId":")" + id + R"(","status":"working","ttlMs":60000})";
    post(modern_text("tools/call", R"("name":"read","arguments":{})", "1", with_tasks), modern_headers("tools/call", "read"));
  }
  static std::string task_news(const std::string& id, const std::string& more = {}) { return notification("notifications/tasks", R"("taskId":")" + id + R"(","status":"completed")" + more); }

  Answer answer;
  bool done = false;
  std::vector<std::string> filters;  ///< bodies of subscriptions/listen
  std::vector<std::string> says;     ///< on the stream, at once
  bool ends = true;                  ///< the server ends the subscription by itself
  int breaks = 0;                    ///< how often the stream ends without an answer
  std::function<void()> before_break;
  bool left = false;                 ///< the server saw the stream go

 private:
  net::Task<bool> serve(net::HttpExchange& exchange, std::string method, std::string id, std::string body) {
    if (method != "subscriptions/listen") co_return false;
    filters.push_back(body);
    co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
    for (const std::string& each : says) co_await exchange.write("data: " + each + "\n\n");
    if (breaks > 0) {
      --breaks;
      if (before_break) before_break();
      co_await exchange.finish();
      co_return true;
    }
    if (ends) {
      co_await exchange.write("data: " + (R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"resultType":"complete"}})") + "\n\n");
      co_await exchange.finish();
      co_return true;
    }
    co_await exchange.gone(net::Loop::forever);
    left = true;
    co_return true;
  }
};

TEST_F(Listen, CarriesWhatTheServerSaysUntilItEndsTheSubscription) {
  says = {notification("notifications/subscriptions/acknowledged", R"("notifications":{"toolsListChanged":true})"),
          notification("notifications/prompts/list_changed")};
  begin_with("callgate: 1\ndefault: allow\n");
  listen(R"({"promptsListChanged":true,"later":1})");
  turn_until([&] { return done; });
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.headers.find("text/event-stream"), std::string::npos);
  EXPECT_NE(answer.body.find("acknowledged"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("prompts/list_changed"), std::string::npos);
  EXPECT_NE(answer.body.find(R"("id":"sub","result")"), std::string::npos);
  EXPECT_NE(filters.front().find(R"("later":1)"), std::string::npos) << "unknown members pass";
}

/// Protocol items 26, 51.
TEST_F(Listen, LeavesOutResourcesThatMayNotBeWatched) {
  says = {notification("notifications/resources/updated", R"("uri":"demo://open")"), notification("notifications/resources/updated", R"("uri":"demo://secret")"),
          notification("notifications/resources/updated", R"("uri":"demo://closed")")};
  begin_with(R"(callgate: 1
default: allow
resources:
  "demo://secret": {action: hide}
  "demo://closed": {action: deny}
)");
  listen(R"({"resourceSubscriptions":["demo://open","demo://secret","demo://closed"],"toolsListChanged":false})");
  turn_until([&] { return done; });
  EXPECT_NE(filters.front().find(R"("resourceSubscriptions":["demo://open"],"toolsListChanged":false)"), std::string::npos) << filters.front();
  EXPECT_NE(answer.body.find("demo://open"), std::string::npos);
  EXPECT_EQ(answer.body.find("demo://secret"), std::string::npos) << "the server told of it all the same";
  EXPECT_EQ(answer.body.find("demo://closed"), std::string::npos);
  EXPECT_NE(records().find(R"("verdict":"hide","rule":"/resources)"), std::string::npos) << records();
}

/// Protocol item 32: that it is there shows nowhere.
TEST_F(Listen, LeavesOutTasksOfOthers) {
  config.auth = config::Auth::grants;
  ends = false;
  says = {notification("notifications/subscriptions/acknowledged", R"("notifications":{"taskIds":["hers","theirs"]})"), task_news("theirs"), task_news("hers"), notification("notifications/tools/list_changed")};
  begin_with("callgate: 1\ndefault: allow\n");
  call_as("theirs");
  begin_task("theirs");
  call_as("hers");
  begin_task("hers");
  listen(R"({"taskIds":["theirs", "hers","nobodys"],"toolsListChanged":true})", with_tasks);
  turn_until([&] { return done || answer.body.find("list_changed") != std::string::npos; });
  ASSERT_FALSE(filters.empty()) << answer.body;
  EXPECT_NE(filters.front().find(R"("taskIds":["hers"],"toolsListChanged":true)"), std::string::npos) << filters.front();
  EXPECT_NE(answer.body.find(R"("taskId":"hers")"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("theirs"), std::string::npos) << answer.body;
  EXPECT_NE(records().find("no task of this id began for this caller"), std::string::npos) << records();
}

/// Protocol items 32, 51: as in the answer to `tasks/get`.
TEST_F(Listen, NewsOfATaskHoldNothingHidden) {
  says = {task_news("t-1", R"(,"result":{"content":[{"type":"resource_link","uri":"hid://x","name":"x"},{"type":"text","text":"shown"}]})"),
          task_news("t-1", R"(,"error":{"code":-32602,"message":"ask hid://x"})")};
  begin_with("callgate: 1\ndefault: allow\nresources:\n  \"hid://**\": {action: hide}\n");
  begin_task("t-1");
  listen(R"({"taskIds":["t-1"]})", with_tasks);
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find(R"("content":[{"type":"text","text":"shown"}])"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("Its own words are left out"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("hid://"), std::string::npos) << answer.body;
}

/// Protocol item 84 holds in news as in answers.
TEST_F(Listen, NewsOfATaskAskForWhatThePolicyAllowsAlone) {
  const auto asks = [](const std::string& id, const std::string& method) { return task_news(id, R"(,"inputRequests":{"a":{"method":")" + method + R"(","params":{}}})"); };
  says = {asks("t-1", "sampling/createMessage"), asks("t-1", "elicitation/create")};
  begin_with("callgate: 1\ndefault: allow\nelicitation: allow\n");
  begin_task("t-1");
  listen(R"({"taskIds":["t-1"]})", with_tasks);
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find("elicitation/create"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("sampling/createMessage"), std::string::npos) << answer.body;
}

/// Protocol items 74, 75: a server that says more than it was asked for is not heard.
TEST_F(Listen, BringsWhatItsClientAskedForAlone) {
  const std::string theirs = R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"n":"of-another","_meta":{"io.modelcontextprotocol/subscriptionId":"other"}}})";
  says = {notification("notifications/subscriptions/acknowledged", R"("notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourceSubscriptions":["a://x","b://y"]})"),
          notification("notifications/prompts/list_changed"), notification("notifications/resources/list_changed"),
          R"({"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"log"}})", theirs,
          notification("notifications/resources/updated", R"("uri":"b://y")"), notification("notifications/resources/updated", R"("uri":"a://x/part")"),
          notification("notifications/tools/list_changed")};
  begin_with("callgate: 1\ndefault: allow\n");
  listen(R"({"toolsListChanged":true,"resourceSubscriptions":["a://x"]})");
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find(R"("notifications":{"toolsListChanged":true,"resourceSubscriptions":["a://x"]})"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("tools/list_changed"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("a://x/part"), std::string::npos) << "a part of what is watched: " << answer.body;
  for (const char* unasked : {"prompts", "resources/list_changed", "notifications/message", "of-another", "b://y"}) EXPECT_EQ(answer.body.find(unasked), std::string::npos) << answer.body;
}

TEST_F(Listen, RefusesAFilterThatReadersTakeApartInTwoWays) {
  begin_with("callgate: 1\ndefault: allow\n");
  listen(R"({"resourcesubscriptions":["demo://secret"]})");
  turn_until([&] { return done; });
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("-32602"), std::string::npos) << answer.body;
  EXPECT_TRUE(filters.empty());
}

TEST_F(Listen, EndsAtTheServerWhenTheClientLeaves) {
  ends = false;
  begin_with("callgate: 1\ndefault: allow\n");
  listen(R"({"toolsListChanged":true})");
  group.cancel();  // the client's connection goes with it
  turn_until([&] { return left; });
  EXPECT_TRUE(left);
}

TEST_F(Listen, EndsWithAResultWhenTheGatewayStops) {
  ends = false;
  says = {notification("notifications/subscriptions/acknowledged", R"("notifications":{})")};
  begin_with("callgate: 1\ndefault: allow\n");
  listen(R"({"toolsListChanged":true})");
  turn_until([&] { return answer.body.find("acknowledged") != std::string::npos; });
  gates->all().front()->stop();
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find(R"("id":"sub","result":{"resultType":"complete"})"), std::string::npos) << answer.body;
}

/// Protocol item 49.
TEST_F(Listen, HearsThatAPolicyMadeItsListAnotherOne) {
  ends = false;
  says = {notification("notifications/subscriptions/acknowledged", R"("notifications":{})")};
  begin_with("callgate: 1\ndefault: allow\n");
  listen(R"({"toolsListChanged":true})");
  turn_until([&] { return answer.body.find("acknowledged") != std::string::npos; });
  gates->all().front()->announce_list_change();
  gates->all().front()->stop();
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find(R"("method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"sub"}})"), std::string::npos) << answer.body;
}

/// Protocol item 49: prompts and resources are hidden by policies too.
TEST_F(Listen, HearsOfTheListsThatItAskedForAlone) {
  ends = false;
  says = {notification("notifications/subscriptions/acknowledged", R"("notifications":{})")};
  begin_with("callgate: 1\ndefault: allow\n");
  listen(R"({"promptsListChanged":true,"resourcesListChanged":true})");
  turn_until([&] { return answer.body.find("acknowledged") != std::string::npos; });
  gates->all().front()->announce_list_change();
  gates->all().front()->stop();
  turn_until([&] { return done; });
  for (const char* kind : {"prompts", "resources"})
    EXPECT_NE(answer.body.find("notifications/" + std::string(kind) + R"(/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"sub"}})"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("tools/list_changed"), std::string::npos) << answer.body;
}

constexpr const char* acknowledged = "notifications/subscriptions/acknowledged";

/// Protocol item 74: a server that restarts costs its client no subscription.
TEST_F(Listen, IsOpenedAgainWhereTheServerBrokeOff) {
  ends = false;
  breaks = 1;
  says = {notification(acknowledged, R"("notifications":{"toolsListChanged":true})")};
  begin_with("callgate: 1\ndefault: allow\n");
  listen(R"({"toolsListChanged":true,"resourceSubscriptions":["file:///a"]})");
  turn_until([&] { return answer.body.find("resources/updated") != std::string::npos; });
  EXPECT_EQ(filters.size(), 2U);
  EXPECT_FALSE(done) << answer.body;
  EXPECT_EQ(answer.body.find(acknowledged), answer.body.rfind(acknowledged)) << "its client has heard that already: " << answer.body;
  EXPECT_NE(answer.body.find(R"("method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"sub"}})"), std::string::npos)
      << "nobody knows what was missed: " << answer.body;
  EXPECT_NE(answer.body.find(R"("params":{"uri":"file:///a","_meta":{"io.modelcontextprotocol/subscriptionId":"sub"}})"), std::string::npos) << answer.body;
  gates->all().front()->stop();
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find(R"("id":"sub","result")"), std::string::npos) << answer.body;
}

/// Protocol items 51, 74: what is opened again is judged by the policy of now.
TEST_F(Listen, IsJudgedAnewWhenItIsOpenedAgain) {
  ends = false;
  breaks = 1;
  says = {notification(acknowledged, R"("notifications":{})")};
  before_break = [this] {
    write_policy("callgate: 1\ndefault: allow\nresources:\n  \"file:///a\": {action: deny}\n");
    policies.refresh();
  };
  begin_with("callgate: 1\ndefault: allow\n");
  listen(R"({"resourceSubscriptions":["file:///a","file:///b"]})");
  turn_until([&] { return answer.body.find("resources/updated") != std::string::npos; });
  ASSERT_EQ(filters.size(), 2U);
  EXPECT_NE(filters[0].find(R"(["file:///a","file:///b"])"), std::string::npos) << filters[0];
  EXPECT_NE(filters[1].find(R"(["file:///b"])"), std::string::npos) << filters[1];
  EXPECT_EQ(answer.body.find("file:///a"), std::string::npos) << answer.body;
  EXPECT_NE(records().find(R"("verdict":"deny","rule":"/resources)"), std::string::npos) << records();
}

TEST_F(Listen, IsNotOpenedAgainBeforeItWasThere) {
  ends = false;
  breaks = 1;
  begin_with("callgate: 1\ndefault: allow\n");
  listen(R"({"toolsListChanged":true})");
  turn_until([&] { return done; });
  EXPECT_EQ(filters.size(), 1U);
  EXPECT_NE(answer.body.find(R"("error")"), std::string::npos) << answer.body;
}

/// Protocol item 75 holds there as well: what asks is cut off for good.
TEST_F(Listen, IsNotOpenedAgainWhereTheServerAsked) {
  ends = false;
  says = {notification(acknowledged, R"("notifications":{})"), R"({"jsonrpc":"2.0","id":1,"method":"roots/list"})"};
  begin_with("callgate: 1\ndefault: allow\n");
  listen(R"({"toolsListChanged":true})");
  turn_until([&] { return done; });
  EXPECT_TRUE(done);
  EXPECT_EQ(filters.size(), 1U);
}

/// Protocol item 74: a silent stream is kept from being taken for a dead one.
TEST_F(Listen, HasCommentLinesWhileNothingIsSaid) {
  ends = false;
  keep_alive_every = std::chrono::milliseconds(1);
  says = {notification(acknowledged, R"("notifications":{})")};
  begin_with("callgate: 1\ndefault: allow\n");
  listen(R"({"toolsListChanged":true})");
  const auto comments = [&] {
    int count = 0;
    for (std::size_t at = answer.body.find("\n:\n\n"); at != std::string::npos; at = answer.body.find("\n:\n\n", at + 1)) ++count;
    return count;
  };
  turn_until([&] { return comments() >= 3; });
  EXPECT_GE(comments(), 3) << answer.body;
  EXPECT_LT(answer.body.find(acknowledged), answer.body.find("\n:\n\n")) << "none before the stream has begun";
}

/// Protocol item 49: what a person accepted is in the list from then on.
TEST_F(Listen, HearsThatAcceptedPinsMadeItsListAnotherOne) {
  ends = false;
  says = {notification(acknowledged, R"("notifications":{})")};
  begin_with("callgate: 1\ndefault: allow\n");
  listen(R"({"toolsListChanged":true,"promptsListChanged":true})");
  ToolBook& tools = gates->all().front()->tools();
  tools.want(mcp::Era::modern);
  turn_until([&] { return tools.is_current(mcp::Era::modern); });
  // The server has another tool, which nobody has accepted.
  const std::string fresh = R"({"name":"fresh","inputSchema":{"type":"object"}})";
  upstream.tools += "," + fresh;
  tools.pins_changed();
  turn_until([&] { return tools.is_current(mcp::Era::modern) && tools.is_current(mcp::Era::legacy); });
  EXPECT_EQ(answer.body.find("list_changed"), std::string::npos) << "what may not be called is not there: " << answer.body;
  json::Document document;
  ASSERT_TRUE(json::parse(fresh, {}, document));
  const std::vector<store::Definition> accepted{{.tool = "fresh", .fingerprint = registry::fingerprint(document.root()), .text = fresh}};
  ASSERT_TRUE(store->pins().accept({.server = "fake", .address = gates->all().front()->server().address(), .era = "modern"}, accepted));
  tools.pins_changed();
  turn_until([&] { return answer.body.find("tools/list_changed") != std::string::npos; });
  EXPECT_NE(answer.body.find("tools/list_changed"), std::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("prompts/list_changed"), std::string::npos) << answer.body;
}

TEST_F(Listen, EndsWhenItsCallerMayCallNoLonger) {
  ends = false;
  begin_with("callgate: 1\ndefault: allow\n");
  listen(R"({"toolsListChanged":true})");
  gates->all().front()->end_sessions([](std::string_view) { return false; });
  turn_until([&] { return done && left; });
  EXPECT_TRUE(left);
  EXPECT_NE(answer.body.find("grant ended"), std::string::npos) << answer.body;
}

/// A stateless client that goes away has cancelled its call (protocol item 72).
TEST_F(Listen, ACallOfAClientThatLeftEndsAtTheServer) {
  start("callgate: 1\ndefault: allow\n");
  bool called = false;
  upstream.raw_answer = [&](net::HttpExchange& exchange, std::string /*id*/) -> net::Task<void> {
    called = true;
    co_await exchange.gone(net::Loop::forever);
    left = true;
  };
  begin(modern_text("tools/call", R"("name":"read","arguments":{})", "1"), answer, done, modern_headers("tools/call", "read"));
  turn_until([&] { return called; });
  group.cancel();
  turn_until([&] { return left; });
  EXPECT_TRUE(left);
  EXPECT_NE(records().find("client_left"), std::string::npos);
}

/// A client that closes its side right behind its request, and reads on.
class HalfClosing {
 public:
  HalfClosing(int port, std::string request) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<std::uint16_t>(port));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    EXPECT_EQ(::send(fd_, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
    ::shutdown(fd_, SHUT_WR);
  }
  ~HalfClosing() { ::close(fd_); }
  HalfClosing(const HalfClosing&) = delete;
  HalfClosing& operator=(const HalfClosing&) = delete;
  /// Whether all has come that will.
  bool over() {
    char bytes[4096];
    const ssize_t size = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (size > 0) text.append(bytes, static_cast<std::size_t>(size));
    return size == 0;
  }
  std::string text;

 private:
  int fd_;
};

/// What was never sent takes nothing of a limit, has an outcome on record, and the client is told.
TEST_F(Listen, ACallWhoseClientLeftAtOnceIsNotSentAndTakesNothing) {
  start("callgate: 1\ndefault: allow\ntools:\n  read: {action: allow, rate_limit: {max: 1, window: 1h, per: server}}\n");
  const std::string read = modern_text("tools/call", R"("name":"read","arguments":{})", "1");
  const std::string headers = modern_headers("tools/call", "read");
  post(modern_text("tools/list", "", "0"), modern_headers("tools/list"));
  {
    HalfClosing client(address.port(), "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n" + headers +
                                           "Content-Length: " + std::to_string(read.size()) + "\r\n\r\n" + read);
    turn_until([&] { return client.over(); });
    EXPECT_NE(client.text.find("keep it open until the answer is there"), std::string::npos) << client.text;
    EXPECT_NE(client.text.find(R"("id":1)"), std::string::npos) << client.text;
  }
  turn_until([&] { return records().find(R"("status":"not_sent")") != std::string::npos; });
  EXPECT_NE(records().find(R"("status":"not_sent")"), std::string::npos) << records();
  EXPECT_EQ(records().find("client_left"), std::string::npos) << records();
  EXPECT_TRUE(upstream.calls.empty());
  for (const std::string& note : upstream.notes) EXPECT_EQ(note.find("cancelled"), std::string::npos) << "there is nothing to cancel: " << note;
  EXPECT_NE(post(read, headers).body.find("done"), std::string::npos) << "the limit has room still";
  EXPECT_EQ(post(read, headers).body.find("done"), std::string::npos);
}

}  // namespace
}  // namespace callgate::gateway::listen_test
