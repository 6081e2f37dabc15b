// The stream of a session, and what becomes of its calls when the client leaves.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/world.hpp"

namespace callgate::gateway::session_stream_test {
namespace {

class SessionStream : public World {
 protected:
  void listen() {
    group.spawn(talk("GET", "Accept: text/event-stream\r\nMcp-Session-Id: " + session_id + "\r\n", "", stream, over));
    turn_until([&] { return stream.status != 0 || over; });
  }
  bool hears(std::string_view text, std::chrono::seconds within = std::chrono::seconds(15)) {
    const auto until = net::Loop::read_clock() + within;
    turn_until([&] { return stream.body.find(text) != std::string::npos || over || net::Loop::read_clock() > until; });
    return stream.body.find(text) != std::string::npos;
  }
  /// A server that says at `initialize` that it has these.
  void server_has(const std::string& capabilities) {
    upstream.on_request = [capabilities](net::HttpExchange& exchange, std::string method, std::string id, std::string) -> net::Task<bool> {
      if (method != "initialize") co_return false;
      co_await exchange.respond(200, "Content-Type: application/json\r\nMcp-Session-Id: theirs-1\r\n",
                                R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"protocolVersion":"2025-06-18","capabilities":)" + capabilities +
                                    R"(,"serverInfo":{"name":"fake","version":"1"}}})");
      co_return true;
    };
  }

  Answer stream;
  bool over = false;
};

/// Protocol item 69: the gate has news of lists also where the server has no stream.
TEST_F(SessionStream, IsThereForTheNewsOfTheGateAlone) {
  start("callgate: 1\ndefault: allow\n");
  open_session();
  listen();
  EXPECT_FALSE(over) << stream.status;
  gates->all().front()->announce_list_change();
  EXPECT_TRUE(hears(R"("method":"notifications/tools/list_changed")")) << stream.body;
  EXPECT_FALSE(hears("notifications/prompts", std::chrono::seconds(3))) << "the server has none";
  gates->all().front()->stop();
  turn_until([&] { return over; });
  EXPECT_EQ(stream.status, 200);
}

/// Protocol item 49: a policy hides prompts and resources as well.
TEST_F(SessionStream, HearsOfEveryListThatTheServerHas) {
  server_has(R"({"tools":{},"prompts":{},"resources":{}})");
  start("callgate: 1\ndefault: allow\n");
  open_session();
  listen();
  gates->all().front()->announce_list_change();
  for (const char* list : {"tools", "prompts", "resources"}) EXPECT_TRUE(hears("notifications/" + std::string(list) + "/list_changed")) << stream.body;
}

/// Protocol item 49: a client may not listen for what is not announced. Nothing else is touched.
TEST_F(SessionStream, IsAnnouncedForListsAlsoWhereTheServerDoesNot) {
  const auto opening = [&](const std::string& capabilities) {
    server_has(capabilities);
    const Answer answer = post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})");
    return answer.body;
  };
  const auto answers = [](const std::string& capabilities) {
    return R"({"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-06-18","capabilities":)" + capabilities + R"(,"serverInfo":{"name":"fake","version":"1"}}})";
  };
  start("callgate: 1\ndefault: allow\n");
  EXPECT_EQ(opening(R"({"tools":{}})"), answers(R"({"tools":{"listChanged":true}})"));
  EXPECT_EQ(opening(R"({ "tools" : { "x":1.10 }, "prompts":{"listChanged":false, "y":2}, "resources":{"subscribe":true}, "logging":{} })"),
            answers(R"({ "tools" : {"listChanged":true, "x":1.10 }, "prompts":{"listChanged":true, "y":2}, "resources":{"listChanged":true,"subscribe":true}, "logging":{} })"));
  const std::string whole = R"({"tools":{ "listChanged" : true },"logging":{}})";
  EXPECT_EQ(opening(whole), answers(whole));
}

TEST_F(SessionStream, OfTheServerEndsWithIt) {
  upstream.on_request = nullptr;
  upstream.stream_events = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}\n\n";
  start("callgate: 1\ndefault: allow\n");
  open_session();
  listen();
  EXPECT_TRUE(hears("notifications/message"));
}

/// Protocol item 76: clients hear messages alone, whatever else the server has its streams say.
TEST_F(SessionStream, GoesOnBehindAnEventThatIsNoMessage) {
  upstream.stream_events = "event: ping\ndata: keepalive\n\nevent: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}\n\n";
  start("callgate: 1\ndefault: allow\n");
  open_session();
  listen();
  EXPECT_TRUE(hears("notifications/message")) << stream.body;
  EXPECT_EQ(stream.body.find("keepalive"), std::string::npos) << stream.body;
}

/// Protocol item 76: in both eras, and a message under another name is none either.
TEST_F(SessionStream, OfACallMayHaveEventsThatAreNoMessages) {
  start("callgate: 1\ndefault: allow\n");
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    const std::string answer = R"(data: {"jsonrpc":"2.0","id":)" + id + R"(,"result":{"resultType":"complete","content":[{"type":"text","text":")";
    co_await exchange.respond(200, "Content-Type: text/event-stream\r\n",
                              "event: ping\ndata: keepalive\n\nevent: other\n" + answer + "theirs\"}]}}\n\nevent: message\n" + answer + "fine\"}]}}\n\n");
  };
  open_session();
  const Answer in_session = call("read");
  session_id.clear();
  const Answer stateless = post(modern_text("tools/call", R"("name":"read","arguments":{})", "1"), modern_headers("tools/call", "read"));
  for (const Answer& answer : {in_session, stateless}) {
    EXPECT_NE(answer.body.find("fine"), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("theirs"), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("keepalive"), std::string::npos) << answer.body;
  }
}

/// A client that takes its events a little at a time holds the call no longer than `call_timeout`.
TEST_F(SessionStream, ASlowReaderDoesNotKeepACallBeyondItsTime) {
  adjust = [](config::Server& server) { server.call_timeout = std::chrono::milliseconds(300); };
  start("callgate: 1\ndefault: allow\n");
  open_session();
  bool left = false;
  upstream.raw_answer = [&](net::HttpExchange& exchange, std::string) -> net::Task<void> {
    co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
    const std::string event = R"(data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":")" + std::string(60'000, 'x') + "\"}}\n\n";
    while (co_await exchange.write(event)) {}
    left = true;
  };
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int little = 4096;
  ::setsockopt(client, SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(address.port()));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  const std::string body = call_text("read");
  const std::string request = "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMcp-Session-Id: " + session_id +
                              "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  ASSERT_EQ(::send(client, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  std::size_t read = 0;
  const auto begun = net::Loop::read_clock();
  turn_until([&] {
    const auto passed = net::Loop::read_clock() - begun;
    const auto may = static_cast<std::size_t>(std::chrono::duration_cast<std::chrono::microseconds>(passed).count());  // a megabyte a second
    std::string bytes(may - std::min(read, may), '\0');
    const ssize_t size = ::recv(client, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (size > 0) read += static_cast<std::size_t>(size);
    return left || passed > std::chrono::seconds(18);
  });
  EXPECT_TRUE(left) << "the client read " << read << " bytes";
  EXPECT_GT(read, 0U);
  ::close(client);
  turn_until([&] { return records().find(R"("outcome")") != std::string::npos; });
  EXPECT_NE(records().find(R"("status":"failed")"), std::string::npos) << records();
}

/// Protocol item 72: in a session a client that leaves has cancelled nothing.
TEST_F(SessionStream, ACallGoesOnWhenItsClientLeaves) {
  start("callgate: 1\ndefault: allow\n");
  open_session();
  bool broken_off = false;
  bool answered = false;
  net::Signal answer_now(loop);
  upstream.raw_answer = [&](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    co_await answer_now.wait(net::Loop::forever);
    broken_off = !co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"content":[]}})");
    answered = true;
  };
  Answer answer;
  bool done = false;
  begin(R"({"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"read","arguments":{}}})", answer, done);
  turn_until([&] { return upstream.calls.size() == 1; });
  group.cancel();  // the client's connection goes with it
  for (int turn = 0; turn < 20; ++turn) loop.turn(std::chrono::milliseconds(2));
  EXPECT_TRUE(upstream.notes.empty() || upstream.notes.back().find("cancelled") == std::string::npos);
  answer_now.raise();
  turn_until([&] { return answered && records().find(R"("status":"answered")") != std::string::npos; });
  EXPECT_FALSE(broken_off) << "the server's own connection was left open";
  EXPECT_NE(records().find(R"("status":"answered")"), std::string::npos) << records();
}

/// Protocol item 71: the server ends the stream of a call behind an event with an id, and leaves the answer to whoever resumes it.
class StreamBrokenOff : public SessionStream {
 protected:
  void break_off(std::chrono::milliseconds call_timeout = std::chrono::milliseconds(1500)) {
    adjust = [call_timeout](config::Server& server) { server.call_timeout = call_timeout; };
    upstream.raw_answer = [](net::HttpExchange& exchange, std::string) -> net::Task<void> {
      co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
      co_await exchange.write("id: e1\ndata: \n\n");
      co_await exchange.finish();
    };
    start("callgate: 1\ndefault: allow\n");
    open_session();
    const Answer answer = call("read", "{}", 7);
    EXPECT_EQ(answer.status, 200);
    EXPECT_NE(answer.body.find("id: e1"), std::string::npos) << answer.body;
  }
  void resume() {
    group.spawn(talk("GET", "Accept: text/event-stream\r\nLast-Event-ID: e1\r\nMcp-Session-Id: " + session_id + "\r\n", "", stream, over));
  }
  /// The stream brings the error of the call, and ends.
  void fails() {
    EXPECT_TRUE(hears(R"("id":7,"error":{"code":-32603)")) << stream.body;
    turn_until([&] { return over; });
    EXPECT_EQ(stream.body.find(R"("id":7)"), stream.body.rfind(R"("id":7)")) << "once: " << stream.body;
    EXPECT_NE(records().find(R"("status":"not_resumed")"), std::string::npos) << records();
    EXPECT_EQ(upstream.calls.size(), 1U) << "it did not run again";
  }
};

TEST_F(StreamBrokenOff, IsAnsweredByAnErrorWhereTheServerHasNoStream) {
  break_off();
  resume();
  fails();
}

TEST_F(StreamBrokenOff, IsAnsweredByAnErrorWhereTheResumedStreamBringsNothing) {
  upstream.stream_events = ": nothing\n\n";
  break_off();
  resume();
  fails();
}

TEST_F(StreamBrokenOff, IsAnsweredByAnErrorWhereTheResumedStreamEndsAgainAndAgain) {
  upstream.stream_events = ": nothing\n\n";
  upstream.stream_ends = true;
  break_off();
  resume();
  fails();
}

TEST_F(StreamBrokenOff, IsAskedForAgainWhenItsServerWantsToBe) {
  upstream.stream_events = "retry: 150\n\n";
  upstream.stream_ends = true;
  break_off(std::chrono::seconds(3));
  resume();
  fails();
  EXPECT_GE(upstream.streams, 5) << "in 3 s, where one that says nothing is asked at 0, 1 and 3 s";
}

TEST_F(StreamBrokenOff, IsWaitedForNoLongerThanItsSession) {
  break_off(std::chrono::hours(1));
  const net::Duration began = time_had();
  Answer ended;
  bool done = false;
  group.spawn(talk("DELETE", "Mcp-Session-Id: " + session_id + "\r\n", "", ended, done));
  turn_until([&] { return done && gates->all().front()->at_rest(); });
  EXPECT_TRUE(gates->all().front()->at_rest());
  EXPECT_LT(time_had() - began, std::chrono::milliseconds(700)) << "by the end of the session, and not by a look at it every second";
}

TEST_F(StreamBrokenOff, IsAnsweredByAnErrorOnTheStreamThatIsOpen) {
  upstream.stream_events = ": nothing\n\n";
  break_off();
  listen();
  EXPECT_TRUE(hears(R"("id":7,"error":{"code":-32603)")) << stream.body;
}

TEST_F(StreamBrokenOff, IsAnsweredByAnErrorWhenItIsResumedTooLate) {
  upstream.stream_events = ": nothing\n\n";
  break_off();
  turn_until([&] { return records().find(R"("status":"not_resumed")") != std::string::npos; });
  resume();
  fails();
}

TEST_F(StreamBrokenOff, IsAnsweredByTheServerThatResumesIt) {
  upstream.stream_events = "id: e2\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[]}}\n\n";
  break_off(std::chrono::minutes(1));
  resume();
  EXPECT_TRUE(hears(R"("id":7,"result")")) << stream.body;
  EXPECT_NE(records().find(R"("status":"answered_on_resumed_stream")"), std::string::npos);
  EXPECT_EQ(stream.body.find("-32603"), std::string::npos) << stream.body;
}

/// Protocol item 71: events of the server that are not for this client have ids, too.
class WithheldEvents : public SessionStream {
 protected:
  /// The stream of a call, or one that resumes it, ends behind what the client may not see.
  static constexpr const char* hidden = R"(data: {"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"hid://secret"}})";

  void begin_with(const std::string& events) {
    upstream.raw_answer = [events](net::HttpExchange& exchange, std::string) -> net::Task<void> { co_await exchange.respond(200, "Content-Type: text/event-stream\r\n", events); };
    start("callgate: 1\ndefault: allow\nresources:\n  \"hid://**\": {action: hide}\n");
    open_session();
    first = call("read", "{}", 7).body;
  }
  void resume(const std::string& behind) {
    stream = {};
    over = false;
    group.spawn(talk("GET", "Accept: text/event-stream\r\nLast-Event-ID: " + behind + "\r\nMcp-Session-Id: " + session_id + "\r\n", "", stream, over));
  }
  static std::string last_id(const std::string& events) {
    const std::size_t at = events.rfind("id: ");
    return at == std::string::npos ? std::string() : events.substr(at + 4, events.find('\n', at) - at - 4);
  }

  std::string first;  ///< what came of the call
};

TEST_F(WithheldEvents, LeaveAClientThatSawNoneAWayToItsAnswer) {
  begin_with("id: e1\n" + std::string(hidden) + "\n\n");
  EXPECT_FALSE(first.contains("secret")) << first;
  ASSERT_EQ(last_id(first), "e1") << first;
  upstream.stream_events = "id: e2\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[]}}\n\n";
  resume("e1");
  EXPECT_TRUE(hears(R"("id":7,"result")")) << stream.body;
  EXPECT_TRUE(records().contains(R"("status":"answered_on_resumed_stream")"));
}

TEST_F(WithheldEvents, BehindThoseThatItSawAreNotTakenForAnotherStream) {
  const std::string shown = R"(data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}})";
  begin_with("id: e1\n" + shown + "\n\nid: e2\n" + std::string(hidden) + "\n\n");
  EXPECT_TRUE(first.contains("notifications/message")) << first;
  EXPECT_FALSE(first.contains("secret")) << first;
  ASSERT_EQ(last_id(first), "e2") << first;
  // The resumed stream ends behind one that is withheld as well.
  upstream.stream_events = "id: e3\n" + std::string(hidden) + "\n\n";
  upstream.stream_ends = true;
  resume("e2");
  turn_until([&] { return over; });
  EXPECT_FALSE(stream.body.contains("secret")) << stream.body;
  ASSERT_EQ(last_id(stream.body), "e3") << stream.body;
  upstream.stream_events = "id: e4\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[]}}\n\n";
  resume("e3");
  EXPECT_TRUE(hears(R"("id":7,"result")")) << stream.body;
  EXPECT_EQ(stream.body.find(R"("id":7)"), stream.body.rfind(R"("id":7)")) << "once: " << stream.body;
}

TEST_F(WithheldEvents, ThatWereShownLeaveTheStreamAsItCame) {
  const std::string shown = "id: e1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}\n\n";
  begin_with("id: e0\n" + std::string(hidden) + "\n\n" + shown);
  EXPECT_EQ(first, shown);
}

/// A message of which something was cut out keeps its place.
TEST_F(WithheldEvents, ThatAreChangedKeepTheirIds) {
  begin_with("id: e1\ndata: \n\n");
  upstream.stream_events = "id: e2\ndata: {\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{\"content\":[{\"type\":\"resource_link\",\"name\":\"n\",\"uri\":\"hid://secret\"}]}}\n\n";
  resume("e1");
  EXPECT_TRUE(hears(R"("id":7,"result")")) << stream.body;
  EXPECT_FALSE(stream.body.contains("secret")) << stream.body;
  EXPECT_EQ(last_id(stream.body), "e2") << stream.body;
}

class StoppingGate : public SessionStream {};

/// At the end of the time that a stop leaves: each request hears of it by its own id.
TEST_F(StoppingGate, AnswersWhatIsStillUnderWayByAnError) {
  start("callgate: 1\ndefault: allow\n");
  open_session();
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    if (id == "9") {
      co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
      co_await exchange.write("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}}\n\n");
    }
    co_await exchange.gone(net::Loop::forever);
  };
  Answer plain;
  Answer streamed;
  bool plain_done = false;
  bool streamed_done = false;
  begin(call_text("read", "{}", 8), plain, plain_done);
  begin(call_text("read", "{}", 9), streamed, streamed_done);
  turn_until([&] { return upstream.calls.size() == 2 && !streamed.body.empty(); });
  gates->all().front()->stop();
  EXPECT_FALSE(plain_done);
  gates->give_up();
  turn_until([&] { return plain_done && streamed_done; });
  EXPECT_NE(plain.body.find(R"("id":8,"error":{"code":-32603)"), std::string::npos) << plain.body;
  EXPECT_NE(streamed.body.find(R"("id":9,"error":{"code":-32603)"), std::string::npos) << streamed.body;
  [[maybe_unused]] const auto written = journal->flush();
  const std::string all = records();
  const std::size_t first = all.find(R"("status":"gateway_stopped")");
  EXPECT_NE(first, std::string::npos) << all;
  EXPECT_NE(all.find(R"("status":"gateway_stopped")", first + 1), std::string::npos) << all;
}

}  // namespace
}  // namespace callgate::gateway::session_stream_test
