#include "gateway/world.hpp"

namespace callgate::gateway::session_test {
namespace {

constexpr const char* allow_all = "callgate: 1\ndefault: allow\n";

/// Several callers at one server, each with a token and sessions of its own.
class Sessions : public World {
 protected:
  Sessions() { config.auth = config::Auth::grants; }

  Answer send(const std::string& method) {
    Answer out;
    bool done = false;
    group.spawn(talk(method, "Accept: text/event-stream\r\n" + authorization + "Mcp-Session-Id: " + session_id + "\r\n", {}, out, done));
    turn_until([&] { return done; });
    return out;
  }
};

/// Security requirement S18: what is another's looks like what is not there, to every verb. Protocol items 19, 21.
TEST_F(Sessions, OfOthersAreAnsweredLikeThoseOfNobody) {
  start(allow_all);
  call_as("ann");
  open_session();
  const std::string anns = session_id;
  const std::string ann = authorization;
  call_as("bob");
  session_id = anns;
  const Answer others = call("read");
  const Answer stream = send("GET");
  const Answer end = send("DELETE");
  session_id = std::string(anns.size(), 'a');
  const Answer nobodys = call("read");
  EXPECT_EQ(others.status, 404);
  EXPECT_EQ(stream.status, 404);
  EXPECT_EQ(end.status, 404);
  EXPECT_EQ(others.body, nobodys.body);
  EXPECT_EQ(others.headers, nobodys.headers);
  EXPECT_TRUE(upstream.calls.empty());
  authorization = ann;
  session_id = anns;
  EXPECT_NE(call("read").body.find("done"), std::string::npos) << "and it goes on for its owner";
}

/// Security requirement S18: the gate alone makes ids. Protocol item 19.
TEST_F(Sessions, HaveIdsThatNoClientChose) {
  start(allow_all);
  call_as("ann");
  const std::string chosen(43, 'c');
  session_id = chosen;
  open_session();
  EXPECT_NE(session_id, chosen);
  EXPECT_GE(session_id.size(), 22U) << "128 bits need as many characters of base64";
  session_id = chosen;
  EXPECT_EQ(call("read").status, 404);
}

/// Security requirement S18: an id that nobody used for an hour opens nothing any more. Protocol item 25.
TEST_F(Sessions, ExpireAnHourAfterTheirLastUse) {
  start(allow_all);
  call_as("ann");
  open_session();
  gates->all().front()->reap_idle(loop.now() + std::chrono::minutes(59));
  EXPECT_EQ(call("read").status, 200);
  gates->all().front()->reap_idle(loop.now() + std::chrono::minutes(61));
  EXPECT_EQ(call("read").status, 404);
}

/// Security requirement S19: the session longest unused makes room, so that counters of sessions stay bounded.
TEST_F(Sessions, OfOneGrantAreBoundedInNumber) {
  config.limits.sessions_per_grant = 2;
  start(allow_all);
  call_as("bob");
  open_session();
  const std::string bob = authorization;
  const std::string bobs = session_id;
  call_as("ann");
  std::vector<std::string> opened;
  for (int i = 0; i < 3; ++i) {
    session_id.clear();
    open_session();
    opened.push_back(session_id);
  }
  session_id = opened[0];
  EXPECT_EQ(call("read").status, 404);
  for (const std::string& each : {opened[1], opened[2]}) {
    session_id = each;
    EXPECT_EQ(call("read").status, 200);
  }
  authorization = bob;
  session_id = bobs;
  EXPECT_EQ(call("read").status, 200) << "another grant's sessions are not touched";
}

/// Security requirement S19: what a session counted goes on to the next of its grant.
TEST_F(Sessions, ThatMadeRoomLeaveTheirCounts) {
  config.limits.sessions_per_grant = 1;
  start("callgate: 1\ndefault: allow\ntools:\n  read: {action: allow, rate_limit: {max: 1, window: 60}}\n");
  call_as("ann");
  open_session();
  EXPECT_NE(call("read").body.find("done"), std::string::npos);
  session_id.clear();
  open_session();
  EXPECT_NE(call("read").body.find("rate_limited"), std::string::npos);
}

/// Security requirement S3: an id that is under way is not used again.
TEST_F(Sessions, RefuseASecondCallWithTheIdOfOneUnderWay) {
  start(allow_all);
  call_as("ann");
  open_session();
  net::Signal go_on(loop);
  upstream.raw_answer = [&](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    co_await go_on.wait(std::chrono::seconds(10));
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"content":[]}})");
  };
  Answer first;
  bool done = false;
  begin(call_text("read"), first, done);
  turn_until([&] { return upstream.calls.size() == 1; });
  EXPECT_NE(call("write").body.find("still under way"), std::string::npos);
  EXPECT_EQ(upstream.calls.size(), 1U);
  go_on.raise();
  turn_until([&] { return done; });
  EXPECT_NE(first.body.find(R"("result")"), std::string::npos) << first.body;
}

/// Sessions at the server, as the gate keeps them.
class ServerSessions : public World {
 protected:
  void begin_with(const std::string& policy = allow_all) {
    upstream.on_request = [this](net::HttpExchange& exchange, std::string method, std::string id, std::string body) { return serve(exchange, method, id, body); };
    start(policy);
  }
  std::string list() { return post(R"({"jsonrpc":"2.0","id":5,"method":"tools/list"})").body; }

  int handshakes = 0;
  bool pages = false;        ///< its list has two
  bool hold_lists = false;
  std::vector<std::string> wishes;  ///< bodies of what outlasts its request

 private:
  net::Task<bool> serve(net::HttpExchange& exchange, std::string method, std::string id, std::string body) {
    handshakes += method == "initialize" ? 1 : 0;
    if (method == "logging/setLevel" || method.ends_with("subscribe")) wishes.push_back(body);
    if (method != "tools/list") co_return false;
    for (int turn = 0; turn < 4000 && hold_lists; ++turn) co_await loop.sleep(std::chrono::milliseconds(2));
    if (!pages) co_return false;
    const bool second = body.find("\"cursor\":\"two\"") != std::string::npos;
    const std::string result = second ? R"({"tools":[{"name":"write","inputSchema":{"type":"object"}}]})"
                                      : R"({"tools":[{"name":"secret","inputSchema":{"type":"object"}},{"name":"read","inputSchema":{"type":"object"}}],"nextCursor":"two"})";
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + result + "}");
    co_return true;
  }
};

/// Protocol item 20: the client's id is its own, also where the server gave none.
TEST_F(ServerSessions, WithoutIdsGetNone) {
  upstream.names_sessions = false;
  begin_with();
  open_session();
  EXPECT_NE(call("read").body.find("done"), std::string::npos);
  EXPECT_EQ(upstream.call_headers.back().find("ession"), std::string::npos) << upstream.call_headers.back();
}

/// Protocol item 23.
TEST_F(ServerSessions, AreNotOpenedAgainBecauseTheGatewayWasRefused) {
  begin_with();
  open_session();
  call("read");
  const int before = handshakes;
  for (const int status : {401, 403}) {
    upstream.raw_answer = status == 401 ? [](net::HttpExchange& exchange, std::string /*id*/) -> net::Task<void> { co_await exchange.respond(401, {}, {}); }
                                        : [](net::HttpExchange& exchange, std::string /*id*/) -> net::Task<void> { co_await exchange.respond(403, {}, {}); };
    EXPECT_NE(call("read").body.find("error"), std::string::npos);
  }
  upstream.raw_answer = {};
  EXPECT_NE(call("read").body.find("done"), std::string::npos) << "the session goes on";
  EXPECT_EQ(handshakes, before);
}

/// Protocol item 17: the header names what was agreed with this server this time.
TEST_F(ServerSessions, OpenedAgainAgreeOnTheRevisionOfThatTime) {
  begin_with();
  open_session();
  call("read");
  EXPECT_NE(upstream.call_headers.back().find(": 2025-06-18"), std::string::npos) << upstream.call_headers.back();
  upstream.revision = "2025-03-26";
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string /*id*/) -> net::Task<void> { co_await exchange.respond(404, {}, {}); };
  call("read");
  upstream.raw_answer = {};
  EXPECT_NE(call("read").body.find("done"), std::string::npos);
  EXPECT_NE(upstream.call_headers.back().find(": 2025-03-26"), std::string::npos) << upstream.call_headers.back();
}

/// Protocol item 22: what the client watches and wants logged holds for the next session of the server too.
TEST_F(ServerSessions, OpenedAgainAreToldWhatTheirClientWishedFor) {
  begin_with();
  open_session();
  const auto wish = [&](const std::string& method, const std::string& member) {
    EXPECT_NE(post(R"({"jsonrpc":"2.0","id":3,"method":")" + method + R"(","params":{)" + member + "}}").body.find(R"("result")"), std::string::npos) << method;
  };
  for (const char* uri : {"file:///a", "file:///b", "file:///c"}) wish("resources/subscribe", R"("uri":")" + std::string(uri) + '"');
  wish("resources/unsubscribe", R"("uri":"file:///a")");
  wish("logging/setLevel", R"("level":"debug")");
  write_policy("callgate: 1\ndefault: allow\nresources:\n  \"file:///c\": {action: deny}\n");
  ASSERT_TRUE(policies.refresh());
  wishes.clear();
  bool lost = false;
  upstream.raw_answer = [&lost](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    if (!std::exchange(lost, true)) co_return static_cast<void>(co_await exchange.respond(404, {}, {}));
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"content":[{"type":"text","text":"done"}]}})");
  };
  EXPECT_NE(call("read").body.find("done"), std::string::npos);
  turn_until([&] { return wishes.size() == 2; });
  ASSERT_EQ(wishes.size(), 2U);
  EXPECT_NE(wishes[0].find(R"("method":"logging/setLevel","params":{"level":"debug"})"), std::string::npos) << wishes[0];
  EXPECT_NE(wishes[1].find(R"("method":"resources/subscribe","params":{"uri":"file:///b"})"), std::string::npos) << wishes[1];
  for (int turn = 0; turn < 20; ++turn) loop.turn(std::chrono::milliseconds(2));
  EXPECT_EQ(wishes.size(), 2U) << "what was given up, or is not allowed any more, is not asked for";
}

/// Protocol item 47.
TEST_F(ServerSessions, ListsOfSeveralPagesBecomeOneWhereSomethingIsHidden) {
  pages = true;
  begin_with("callgate: 1\ndefault: allow\ntools:\n  secret: {action: hide}\n");
  open_session();
  EXPECT_EQ(list(), R"({"jsonrpc":"2.0","id":5,"result":{"tools":[{"name":"read","inputSchema":{"type":"object"}},{"name":"write","inputSchema":{"type":"object"}}]}})");
}

/// Protocol item 85.
TEST_F(ServerSessions, TooLargeAnAnswerIsToldToTheModel) {
  config.limits.result = 64 * 1024;
  begin_with();
  open_session();
  upstream.call_result = R"({"content":[{"type":"text","text":")" + std::string(100 * 1024, 'x') + "\"}]}";
  const Answer answer = call("read");
  EXPECT_NE(answer.body.find(R"("isError":true)"), std::string::npos) << answer.body.substr(0, 200);
  EXPECT_EQ(answer.body.find("xxxx"), std::string::npos) << "not half an answer either";
}

/// A client that leaves its stream while a changed list is read does not miss the next change.
TEST_F(ServerSessions, AChangedListIsToldOnTheNextStreamToo) {
  begin_with();
  open_session();
  list();
  upstream.stream_events = "data: " + std::string(R"({"jsonrpc":"2.0","method":"notifications/tools/list_changed"})") + "\n\n";
  hold_lists = true;
  const auto listen = [&](net::TaskGroup& client, Answer& stream, bool& done) {
    client.spawn(talk("GET", "Accept: text/event-stream\r\nMcp-Session-Id: " + session_id + "\r\n", {}, stream, done));
  };
  bool done = false;
  Answer first;
  net::TaskGroup client;
  listen(client, first, done);
  for (int turn = 0; turn < 30; ++turn) loop.turn(std::chrono::milliseconds(2));
  client.cancel();
  for (int turn = 0; turn < 30; ++turn) loop.turn(std::chrono::milliseconds(2));
  hold_lists = false;
  Answer second;
  listen(client, second, done);
  turn_until([&] { return second.body.find("list_changed") != std::string::npos; });
  EXPECT_NE(second.body.find("list_changed"), std::string::npos) << second.body;
}

class ForgottenSessions : public ServerSessions {
 protected:
  void limited(int max) {
    start("callgate: 1\ndefault: deny\ntools:\n  read: {action: allow, rate_limit: {max: " + std::to_string(max) + ", window: 1h}}\n");
    open_session();
  }
  /// Calls that the server says it knows no session for; all others it runs.
  void forget(int most) {
    forgets = most;
    upstream.raw_answer = [this](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
      if (forgets-- > 0) co_return static_cast<void>(co_await exchange.respond(404, {}, {}));
      co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"content":[{"type":"text","text":"done"}]}})");
    };
  }
  std::size_t count(std::string_view text) const {
    const std::string all = records();
    std::size_t found = 0;
    for (std::size_t at = all.find(text); at != std::string::npos; at = all.find(text, at + 1)) ++found;
    return found;
  }
  int forgets = 0;
};

/// Security requirement S19: what left is counted, also what left a second time.
TEST_F(ForgottenSessions, LetNoMoreCallsThroughThanTheLimit) {
  limited(5);
  forget(1000);
  std::string last;
  for (int i = 0; i < 8; ++i) last = call("read").body;
  EXPECT_NE(last.find("rate_limited"), std::string::npos) << last;
  EXPECT_EQ(upstream.calls.size(), 5U);
  EXPECT_EQ(count(R"("tool":"read")") - count(R"("verdict":"rate_limited")"), 5U) << "each sending has its record: " << records();
}

TEST_F(ForgottenSessions, AreNotBelievedInRightAfterTheyWereOpened) {
  limited(100);
  forget(1000);
  call("read");
  EXPECT_EQ(upstream.calls.size(), 2U);
  call("read");
  call("read");
  EXPECT_EQ(upstream.calls.size(), 4U) << "a server that forgets what it has just opened gets each call once";
}

TEST_F(ForgottenSessions, OfAnHonestServerCostACallItsShareOnceMore) {
  limited(3);
  forget(1);
  EXPECT_NE(call("read").body.find("done"), std::string::npos);
  EXPECT_NE(call("read").body.find("done"), std::string::npos);
  EXPECT_NE(call("read").body.find("rate_limited"), std::string::npos);
  EXPECT_EQ(upstream.calls.size(), 3U);
}

TEST_F(ForgottenSessions, RefuseACallThatHasNoShareForTheSecondTime) {
  limited(1);
  forget(1);
  EXPECT_NE(call("read").body.find("rate_limited"), std::string::npos);
  EXPECT_EQ(upstream.calls.size(), 1U);
}

}  // namespace
}  // namespace callgate::gateway::session_test
