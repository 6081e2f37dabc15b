#include "aggregate/names.hpp"
#include "aggregate/world.hpp"

namespace callgate::aggregate::two_servers_test {
namespace {

constexpr const char* allow_all = "callgate: 1\ndefault: allow\n";
constexpr const char* strict = "callgate: 1\ndefault: allow\ntools:\n  secret: {action: hide}\n  write: {action: deny, reason: read only}\n";

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

TEST_F(TwoServers, AreListedAsOneUnderNamesThatSayWhose) {
  upstream.tools = R"({ "name" : "read", "inputSchema":{"type":"object"}, "_meta":{"n":1.10} })";
  second.tools = R"({"name":"read","inputSchema":{"type":"object"},"x":1E2})";
  start_both();
  open_session();
  const Answer answer = list();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, R"({"jsonrpc":"2.0","id":7,"result":{"tools":[{ "name" : "one__read", "inputSchema":{"type":"object"}, "_meta":{"n":1.10} },)"
                         R"({"name":"two__read","inputSchema":{"type":"object"},"x":1E2}]}})")
      << "every other byte of a definition stays";
}

/// Protocol item 1.
TEST_F(TwoServers, GetCallsUnderTheirOwnNamesAndByteForByte) {
  start_both();
  open_session();
  const Answer answer = post(R"({ "jsonrpc":"2.0","id":"a\u0020b","method":"tools/call", "params":{"arguments":{"n":1},"name":"two__write","x":1.10}})");
  EXPECT_EQ(answer.body, R"({"jsonrpc":"2.0","id":"a\u0020b","result":{"content":[{"type":"text","text":"done"}]}})");
  ASSERT_EQ(second.calls.size(), 1U);
  EXPECT_EQ(second.calls.front(), R"({ "jsonrpc":"2.0","id":"a\u0020b","method":"tools/call", "params":{"arguments":{"n":1},"name":"write","x":1.10}})");
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_TRUE(has(records(), R"("server":"two","tool":"write")")) << "on record under the server's name and the tool's own";
}

TEST_F(TwoServers, AreJudgedEachByItsOwnGate) {
  start_both(allow_all, strict);
  open_session();
  EXPECT_TRUE(has(call("one__write").body, "done"));
  const Answer denied = call("two__write", "{}", 2);
  EXPECT_TRUE(has(denied.body, "read only"));
  EXPECT_TRUE(has(denied.body, "dev.callgate/decision"));
  EXPECT_TRUE(second.calls.empty());
}

TEST_F(TwoServers, PutTheTraceOfTheHeadOnRecord) {
  start_both();
  open_session();
  const std::string head = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
  const auto recorded = [&](const std::string& body, const std::string& more = {}) {
    const std::size_t before = records().size();
    post(body, head + more);
    turn_until([&] { return !journal->has_unwritten(); });
    const std::string text = records().substr(before);
    std::size_t count = 0;
    for (std::size_t at = text.find(R"("trace":"4bf92f3577b34da6a3ce929d0e0e4736")"); at != std::string::npos; at = text.find(R"("trace":)", at + 1)) ++count;
    return count;
  };
  EXPECT_EQ(recorded(call_text("two__write")), 1U);
  EXPECT_EQ(recorded(R"({"jsonrpc":"2.0","id":7,"method":"tools/list"})"), 2U) << "of each server that is asked";
  EXPECT_EQ(recorded(R"({"jsonrpc":"2.0","id":8,"method":"logging/setLevel","params":{"level":"error"}})"), 2U);
  session_id.clear();
  EXPECT_EQ(recorded(modern_text("tools/call", R"("name":"two__read","arguments":{})", "9"), modern_headers("tools/call", "two__read")), 1U);
  EXPECT_EQ(recorded(modern_text("server/discover", "", "10"), modern_headers("server/discover")), 2U);
}

/// Protocol item 51.
TEST_F(TwoServers, ShowNothingOfWhatOneHides) {
  start_both(allow_all, strict);
  open_session();
  const Answer listed = list();
  EXPECT_TRUE(has(listed.body, "one__secret"));
  EXPECT_FALSE(has(listed.body, "two__secret"));
  std::string hidden = call("two__secret", "{}", 3).body;
  std::string unknown = call("two__nobody", "{}", 3).body;
  EXPECT_TRUE(has(unknown, "two__nobody")) << "by the name that its client used: " << unknown;
  hidden.replace(hidden.find("secret"), 6, "nobody");
  EXPECT_EQ(hidden, unknown);
  EXPECT_TRUE(second.calls.empty());
}

TEST_F(TwoServers, HaveNoToolOfANameWithoutTheirs) {
  start_both();
  open_session();
  for (const char* name : {"read", "three__read", "two__", "__read"}) EXPECT_TRUE(has(call(name).body, "-32602")) << name;
  EXPECT_TRUE(upstream.calls.empty());
  EXPECT_TRUE(second.calls.empty());
}

/// Protocol item 87.
TEST_F(TwoServers, AreFoundByACutNameToo) {
  const std::string longest(120, 't');
  upstream.tools = R"({"name":")" + longest + R"(","inputSchema":{"type":"object"}})";
  start_both();
  open_session();
  const std::string shown = shown_name("one", longest);
  EXPECT_EQ(shown.size(), longest_name);
  EXPECT_TRUE(has(list().body, "\"" + shown + "\""));
  EXPECT_TRUE(has(call(shown).body, "done"));
  ASSERT_EQ(upstream.calls.size(), 1U);
  EXPECT_TRUE(has(upstream.calls.front(), "\"" + longest + "\""));
}

TEST_F(TwoServers, AreFoundByACutNameBeforeTheirListWasRead) {
  const std::string longest(120, 't');
  upstream.tools = R"({"name":")" + longest + R"(","inputSchema":{"type":"object"}})";
  bool reads = false;
  upstream.on_request = [&](net::HttpExchange& exchange, std::string method, std::string, std::string) -> net::Task<bool> {
    while (method == "tools/list" && !reads && !exchange.is_gone()) co_await loop.sleep(std::chrono::milliseconds(5));
    co_return false;
  };
  waits_for_tools = false;
  start_both();
  open_session();
  Answer out;
  bool done = false;
  begin(call_text(shown_name("one", longest)), out, done);
  loop.turn(std::chrono::milliseconds(20));
  reads = true;
  turn_until([&] { return done; });
  EXPECT_TRUE(has(out.body, "done")) << out.body;
}

TEST_F(TwoServers, WithAmbiguousNamesAreNotMistaken) {
  first_name = "two__x";
  upstream.tools = R"({"name":"read","inputSchema":{"type":"object"}})";
  second.tools = R"({"name":"x__read","inputSchema":{"type":"object"}})";
  start_both();
  open_session();
  EXPECT_TRUE(has(list().body, "\"" + slug_of("two__x") + "__read\""));
  EXPECT_TRUE(has(call("two__x__read").body, "done"));
  EXPECT_EQ(second.calls.size(), 1U);
  EXPECT_TRUE(upstream.calls.empty());
}

/// Protocol item 90.
TEST_F(TwoServers, OfWhichOneIsGoneAreListedWithoutIt) {
  second_url = "http://127.0.0.1:1/mcp";
  start_both();
  open_session();
  const Answer listed = list();
  EXPECT_TRUE(has(listed.body, "one__read"));
  EXPECT_TRUE(has(listed.body, R"("_meta":{"dev.callgate/missing":{"two":")")) << listed.body;
  EXPECT_TRUE(log.has("aggregate_list_incomplete"));
  EXPECT_TRUE(has(call("one__read").body, "done"));
  EXPECT_TRUE(has(call("two__read", "{}", 2).body, "cannot be reached"));
}

/// Protocol item 90.
TEST_F(TwoServers, OfWhichOneIsSlowAreListedWithoutIt) {
  start_both();
  open_session();
  config.aggregate_wait = short_wait;
  bool asked = false;
  second.on_request = [&](net::HttpExchange& exchange, std::string method, std::string, std::string) -> net::Task<bool> {
    if (method != "tools/list") co_return false;
    asked = true;
    co_await exchange.gone(net::Loop::forever);
    co_return true;
  };
  const Answer listed = list();
  EXPECT_TRUE(asked);
  EXPECT_TRUE(has(listed.body, "one__read"));
  EXPECT_TRUE(has(listed.body, R"("two":"it did not answer in time")")) << listed.body;
}

/// Protocol item 90: nobody waits a second time for a server that is known to be silent, and who lists without it hears when it is back.
TEST_F(TwoServers, OfWhichOneIsSilentAreWaitedForOnce) {
  start_both();
  open_session();
  config.aggregate_wait = short_wait;
  bool silent = true;
  std::vector<std::string> asked;
  second.on_request = [&](net::HttpExchange& exchange, std::string method, std::string id, std::string) -> net::Task<bool> {
    if (method != "tools/list") co_return false;
    asked.push_back(id);
    if (!silent) co_return false;
    co_await exchange.gone(net::Loop::forever);
    co_return true;
  };
  EXPECT_TRUE(has(list().body, "did not answer in time"));
  ASSERT_EQ(asked.size(), 1U);
  const Answer again = list("tools/list", 8);
  EXPECT_TRUE(has(again.body, "one__read") && has(again.body, R"("two":"it did not answer in time")")) << again.body;
  EXPECT_EQ(asked.size(), 1U) << "it was not asked, so nobody waited";
  Answer stream;
  bool over = false;
  group.spawn(talk("GET", "Accept: text/event-stream\r\nMcp-Session-Id: " + session_id + "\r\n", {}, stream, over));
  silent = false;
  turn_until([&] { return has(stream.body, "tools/list_changed"); });
  EXPECT_TRUE(has(stream.body, "tools/list_changed")) << "it is back: " << stream.body;
  EXPECT_TRUE(has(asked.back(), "callgate-")) << "the gate asked by itself";
  config.aggregate_wait = std::chrono::seconds(20);
  EXPECT_TRUE(has(list("tools/list", 9).body, "two__read"));
}

TEST_F(TwoServers, OfWhichOneOpensNoSessionAreWaitedForOnce) {
  config.aggregate_wait = short_wait;
  start_both();
  int handshakes = 0;
  second.on_request = [&](net::HttpExchange& exchange, std::string method, std::string, std::string) -> net::Task<bool> {
    if (method != "initialize") co_return false;
    ++handshakes;
    co_await exchange.gone(net::Loop::forever);
    co_return true;
  };
  open_session();
  EXPECT_TRUE(log.has("aggregate_server_silent"));
  EXPECT_TRUE(has(list().body, R"("two":"it did not answer in time")"));
  config.aggregate_wait = std::chrono::hours(1);  // whoever waits now, waits for ever
  session_id.clear();
  open_session();
  EXPECT_TRUE(has(list().body, R"("two":"it did not answer in time")"));
}

TEST_F(TwoServers, NeitherOfWhichIsThereOpenNoSession) {
  second_url = "http://127.0.0.1:1/mcp";
  upstream.on_request = [](net::HttpExchange& exchange, std::string, std::string, std::string) -> net::Task<bool> {
    co_await exchange.respond(500, {}, {});
    co_return true;
  };
  start_both();
  const Answer answer = post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})");
  EXPECT_TRUE(has(answer.body, "none of the servers can be reached"));
  EXPECT_FALSE(has(answer.headers, "Mcp-Session-Id"));
  EXPECT_EQ(many->router().session_count(), 0U);
}

/// Protocol item 45, 46.
TEST_F(TwoServers, AreListedWholeWhateverPagesTheyWrite) {
  start_both();
  open_session();
  second.on_request = [&](net::HttpExchange& exchange, std::string method, std::string id, std::string body) -> net::Task<bool> {
    if (method != "tools/list") co_return false;
    const bool first = !has(body, "cursor");
    const std::string page = first ? R"({"tools":[{"name":"read","inputSchema":{"type":"object"}}],"nextCursor":"p2"})"
                                   : R"({"tools":[{"name":"write","inputSchema":{"type":"object","properties":{"n":{"type":"integer"}}}}]})";
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":)" + page + "}");
    co_return true;
  };
  const Answer listed = list();
  EXPECT_TRUE(has(listed.body, "two__read") && has(listed.body, "two__write")) << listed.body;
  EXPECT_FALSE(has(listed.body, "nextCursor"));
  EXPECT_TRUE(has(post(R"({"jsonrpc":"2.0","id":8,"method":"tools/list","params":{"cursor":"p2"}})").body, "-32602")) << "no cursor was given out";
}

TEST_F(TwoServers, BelongToASessionThatEndsForBoth) {
  start_both();
  open_session();
  EXPECT_EQ(gates->find("one")->session_count(), 1U);
  EXPECT_EQ(gates->find("two")->session_count(), 1U);
  turn_until([&] { return upstream.deletes + second.deletes == 2; });  // of the sessions in which the gateway read the tools
  EXPECT_EQ(without_body("DELETE").status, 200);
  EXPECT_EQ(gates->find("one")->session_count() + gates->find("two")->session_count(), 0U);
  turn_until([&] { return upstream.deletes + second.deletes == 4; });
  EXPECT_EQ(upstream.deletes, 2);
  EXPECT_EQ(second.deletes, 2);
  EXPECT_EQ(call("one__read").status, 404);
}

TEST_F(TwoServers, AreOpenedAnewWhereTheirSessionEnded) {
  start_both();
  open_session();
  gates->find("two")->reap_idle(loop.now() + std::chrono::minutes(61));
  EXPECT_EQ(gates->find("two")->session_count(), 0U);
  EXPECT_TRUE(has(call("two__read").body, "done"));
  EXPECT_EQ(gates->find("two")->session_count(), 1U);
}

TEST_F(TwoServers, HearOfAClientThatIsReadyAndOfItsCancels) {
  start_both();
  open_session();
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").status, 202);
  EXPECT_TRUE(has(upstream.notes.back(), "initialized"));
  EXPECT_TRUE(has(second.notes.back(), "initialized"));
  second.raw_answer = [&](net::HttpExchange& exchange, std::string) -> net::Task<void> { co_await exchange.gone(std::chrono::seconds(20)); };
  Answer out;
  bool done = false;
  begin(call_text("two__read", "{}", 9), out, done);
  turn_until([&] { return !second.calls.empty(); });
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":9}})").status, 202);
  turn_until([&] { return has(second.notes.back(), "cancelled"); });
  EXPECT_TRUE(has(second.notes.back(), "cancelled"));
  EXPECT_TRUE(has(upstream.notes.back(), "initialized")) << "the other one works on nothing of that id";
}

/// Security requirement S3: an id is used once, whichever server it went to.
TEST_F(TwoServers, ShareTheIdsOfOneClient) {
  start_both();
  open_session();
  second.raw_answer = [&](net::HttpExchange& exchange, std::string) -> net::Task<void> { co_await exchange.gone(std::chrono::seconds(20)); };
  Answer out;
  bool done = false;
  begin(call_text("two__read", "{}", 9), out, done);
  turn_until([&] { return !second.calls.empty(); });
  EXPECT_TRUE(has(call("one__read", "{}", 9).body, "still under way"));
  EXPECT_TRUE(upstream.calls.empty());
}

/// Protocol item 67.
TEST_F(TwoServers, MayAskTheClientUnderTheSameIds) {
  start_both("callgate: 1\ndefault: allow\nroots: allow\n");
  open_session();
  for (FakeServer* each : {&upstream, &second}) {
    each->raw_answer = [each, this](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
      co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
      co_await exchange.write("data: {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"roots/list\",\"params\":{\"_meta\":{\"progressToken\":5}}}\n\n");
      while (each->responses.empty() && !exchange.is_gone()) co_await loop.sleep(std::chrono::milliseconds(5));
      co_await exchange.write("data: {\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":{\"content\":[]}}\n\n");
      co_await exchange.finish();
    };
  }
  Answer one, two;
  bool one_done = false, two_done = false;
  begin(call_text("one__read", "{}", 1), one, one_done);
  begin(call_text("two__read", "{}", 2), two, two_done);
  turn_until([&] { return has(one.body, "roots/list") && has(two.body, "roots/list"); });
  const auto id_of = [](const std::string& body) {
    const std::size_t at = body.find("\"id\":") + 5;
    return body.substr(at, body.find(',', at) - at);
  };
  const std::string ask_one = id_of(one.body);
  const std::string ask_two = id_of(two.body);
  EXPECT_NE(ask_one, ask_two);
  EXPECT_TRUE(has(two.body, "\"progressToken\":" + ask_two));
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":)" + ask_two + R"(,"progress":1}})").status, 202);
  EXPECT_TRUE(has(second.notes.back(), R"("progressToken":5,)"));
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":)" + ask_two + R"(,"result":{"roots":[{"uri":"file:///two"}]}})").status, 202);
  turn_until([&] { return two_done; });
  EXPECT_FALSE(one_done);
  ASSERT_EQ(second.responses.size(), 1U);
  EXPECT_EQ(second.responses.front(), R"({"jsonrpc":"2.0","id":1,"result":{"roots":[{"uri":"file:///two"}]}})");
  EXPECT_TRUE(upstream.responses.empty());
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":)" + ask_two + R"(,"result":{"roots":[]}})").status, 400) << "an answer is taken once";
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":)" + ask_one + R"(,"result":{"roots":[]}})").status, 202);
  turn_until([&] { return one_done; });
  EXPECT_TRUE(one_done);
}

TEST_F(TwoServers, SpeakUnaskedOnOneStream) {
  second.stream_events = "id: 9\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":\"hello\"}}\n\n";
  start_both();
  open_session();
  Answer stream;
  bool over = false;
  group.spawn(talk("GET", "Accept: text/event-stream\r\nMcp-Session-Id: " + session_id + "\r\n", {}, stream, over));
  turn_until([&] { return !stream.headers.empty(); });
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").status, 202);
  turn_until([&] { return has(stream.body, "hello"); });
  EXPECT_TRUE(has(stream.body, "hello"));
  EXPECT_FALSE(has(stream.body, "id: 9")) << "an id of one server's stream resumes nothing here";
  gates->find("one")->announce_list_change();
  turn_until([&] { return has(stream.body, "tools/list_changed"); });
  EXPECT_TRUE(has(stream.body, "tools/list_changed"));
}

TEST_F(TwoServers, AnswerPingsWithoutBeingAsked) {
  start_both();
  open_session();
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":4,"method":"ping"})").body, R"({"jsonrpc":"2.0","id":4,"result":{}})");
}

TEST_F(TwoServers, StayAtTheirOwnAddresses) {
  start_both();
  target = "/mcp/two";
  open_session();
  EXPECT_TRUE(has(call("read").body, "done"));
  target = "/mcp";
  EXPECT_EQ(call("two__read").status, 404) << "a session of one server is none of all";
}

TEST_F(TwoServers, AreNotOneWhereNobodyWantedThat) {
  start_both();
  front = std::make_unique<gateway::HttpFront>(*parts, *gates, session::Authenticator(config.auth, &*grants), session::AccessList(config));
  server.emplace(loop, *front, net::ServerLimits{});
  address = *server->listen(*net::Address::numeric("127.0.0.1", 0));
  EXPECT_EQ(list().status, 404);
}

/// A server that leaves lists unanswered, or gives pages without an end.
class Slow : public TwoServers {
 protected:
  void never_answer(std::chrono::milliseconds waits) {
    config.aggregate_wait = waits;
    second.on_request = [this](net::HttpExchange& exchange, std::string method, std::string id, std::string) -> net::Task<bool> {
      if (method != "tools/list") co_return false;
      const bool of_client = !has(id, "callgate-");  // the gate asks by itself whether it is back
      asked += of_client ? 1 : 0;
      co_await exchange.gone(net::Loop::forever);
      left += of_client ? 1 : 0;
      co_return true;
    };
  }
  int asked = 0;  ///< by clients
  int left = 0;   ///< of those
};

TEST_F(Slow, AreAskedNoLongerThanTheyAreWaitedFor) {
  start_both();
  post(modern_text("tools/list", "", "6"), modern_headers("tools/list"));
  open_session();
  never_answer(short_wait);
  EXPECT_TRUE(has(list().body, "did not answer in time"));
  const auto told = [&] { return !second.notes.empty() && has(second.notes.back(), R"("method":"notifications/cancelled","params":{"requestId":7)"); };
  turn_until(told);
  EXPECT_TRUE(told());
  turn_until([&] { return left == 1; });
  EXPECT_EQ(left, 1) << "what was asked in a session ends once the server was told";
  EXPECT_TRUE(has(post(modern_text("tools/list", "", "8"), modern_headers("tools/list")).body, "did not answer in time"));
  turn_until([&] { return left == 2; });
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(left, 2) << "a request that stands alone ends with its stream";
}

TEST_F(Slow, AreAskedForNoMorePagesThanAreWaitedFor) {
  start_both();
  open_session();
  config.aggregate_wait = std::chrono::milliseconds(100);
  second.on_request = [this](net::HttpExchange& exchange, std::string method, std::string id, std::string) -> net::Task<bool> {
    if (method != "tools/list") co_return false;
    ++asked;
    co_await loop.sleep(std::chrono::milliseconds(5));
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"tools":[],"nextCursor":"c)" + std::to_string(asked) + R"("}})");
    co_return true;
  };
  EXPECT_TRUE(has(list().body, "did not answer in time"));
  const int pages = asked;
  const auto until = net::Loop::read_clock() + std::chrono::milliseconds(300);
  turn_until([&] { return asked > pages + 2 || net::Loop::read_clock() > until; });
  EXPECT_LE(asked, pages + 2);
}

TEST_F(Slow, AreAskedNoLongerThanTheClientStays) {
  start_both();
  open_session();
  never_answer(std::chrono::minutes(1));
  Answer out;
  bool done = false;
  begin(R"({"jsonrpc":"2.0","id":7,"method":"tools/list"})", out, done);
  turn_until([&] { return asked == 1; });
  group.cancel();
  const auto told = [&] { return !second.notes.empty() && has(second.notes.back(), "notifications/cancelled"); };
  turn_until(told);
  EXPECT_TRUE(told());
}

TEST_F(Slow, AreAskedByAFewAtOnce) {
  start_both();
  open_session();
  never_answer(std::chrono::minutes(1));
  constexpr int most = 20;
  std::array<Answer, most + 1> answers;
  std::array<bool, most + 1> done{};
  for (std::size_t i = 0; i <= most; ++i) {
    begin(R"({"jsonrpc":"2.0","id":)" + std::to_string(i + 10) + R"(,"method":"tools/list"})", answers[i], done[i]);
    turn_until([&] { return asked > static_cast<int>(i) || done[i]; });
  }
  turn_until([&] { return std::ranges::count(done, true) == 1; });
  EXPECT_EQ(std::ranges::count(done, true), 1);
  EXPECT_LE(asked, most);
  EXPECT_TRUE(std::ranges::any_of(answers, [](const Answer& each) { return has(each.body, "one__read") && has(each.body, R"("two":"too many lists)"); }));
}

/// One server's progress is not another's.
TEST_F(TwoServers, ReportProgressForTheirOwnCallsOnly) {
  second.stream_events = "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":5,\"progress\":1}}\n\n"
                         "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":\"hello\"}}\n\n";
  start_both();
  open_session();
  upstream.raw_answer = [&](net::HttpExchange& exchange, std::string) -> net::Task<void> { co_await exchange.gone(std::chrono::seconds(20)); };
  second.raw_answer = [&](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
    for (const char* token : {"5", "6"}) co_await exchange.write("data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":" + std::string(token) + ",\"progress\":1}}\n\n");
    co_await exchange.write("data: {\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":{\"content\":[]}}\n\n");
    co_await exchange.finish();
  };
  const auto with_token = [](const char* tool, const char* token) {
    return R"({"jsonrpc":"2.0","id":)" + std::string(token) + R"(,"method":"tools/call","params":{"name":")" + tool + R"(","arguments":{},"_meta":{"progressToken":)" + token + "}}}";
  };
  Answer one, two, stream;
  bool one_done = false, two_done = false, over = false;
  begin(with_token("one__read", "5"), one, one_done);
  turn_until([&] { return !upstream.calls.empty(); });
  begin(with_token("two__read", "6"), two, two_done);
  turn_until([&] { return two_done; });
  EXPECT_TRUE(has(two.body, "\"progressToken\":6")) << two.body;
  EXPECT_FALSE(has(two.body, "\"progressToken\":5")) << two.body;
  group.spawn(talk("GET", "Accept: text/event-stream\r\nMcp-Session-Id: " + session_id + "\r\n", {}, stream, over));
  turn_until([&] { return !stream.headers.empty(); });
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").status, 202);
  turn_until([&] { return has(stream.body, "hello"); });
  EXPECT_FALSE(has(stream.body, "progress")) << stream.body;
}

/// Two callers, each with a token for one of the servers.
class OfGrants : public TwoServers {
 protected:
  OfGrants() { config.auth = config::Auth::grants; }
  std::string grant(const std::string& name, const std::string& of) {
    const std::string token = store::new_token();
    const store::Grant each{.id = ids.next(clock.wall_ms()), .name = name, .server = of, .policy = (folder / "two.yaml").string(), .token_hash = store::hash_token(token)};
    EXPECT_TRUE(store->grants().add(each).has_value());
    EXPECT_TRUE(grants->refresh().has_value());
    authorization = "Authorization: Bearer " + token + "\r\n";
    session_id.clear();
    return each.id;
  }
};

TEST_F(OfGrants, AreShownTheirServersAlone) {
  start_both();
  grant("ann", "two");
  open_session();
  const Answer listed = list();
  EXPECT_TRUE(has(listed.body, "two__read"));
  EXPECT_FALSE(has(listed.body, "one__"));
  EXPECT_FALSE(has(listed.body, "missing"));
  EXPECT_EQ(call("one__read").body, R"({"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown tool: one__read"}})") << "as if there were no such server";
  EXPECT_EQ(gates->find("one")->session_count(), 0U);
}

TEST_F(OfGrants, MayBeGoodForSeveral) {
  start_both();
  grant("ann", "one,two");
  open_session();
  const Answer listed = list();
  EXPECT_TRUE(has(listed.body, "one__read"));
  EXPECT_TRUE(has(listed.body, "two__read"));
  EXPECT_TRUE(has(call("one__read").body, "done"));
  EXPECT_TRUE(has(call("two__read", "{}", 2).body, "done"));
  target = "/mcp/two";
  session_id.clear();
  open_session();
  EXPECT_TRUE(has(call("read").body, "done")) << "at their own addresses as well";
}

/// Security requirement S18: a session is one caller's.
TEST_F(OfGrants, HaveSessionsOfTheirOwn) {
  start_both();
  const std::string anns = grant("ann", "two");
  open_session();
  const std::string session = session_id;
  grant("bob", "two");
  session_id = session;
  EXPECT_EQ(call("two__read").status, 404);
  authorization.clear();
  EXPECT_EQ(call("two__read").status, 401);
  EXPECT_TRUE(second.calls.empty());
  many->router().end_sessions([&](std::string_view grant) { return grant != anns; });
  EXPECT_EQ(many->router().session_count(), 0U);
  EXPECT_EQ(gates->find("two")->session_count(), 0U);
}

}  // namespace
}  // namespace callgate::aggregate::two_servers_test
