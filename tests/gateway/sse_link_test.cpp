#include <algorithm>
#include <array>
#include <functional>

#include "gateway/sse_server.hpp"

namespace callgate::gateway::sse_link_test {
namespace {

using namespace std::chrono_literals;

constexpr const char* allow_all = "callgate: 1\ndefault: allow\nroots: allow\n";

/// Servers that speak the HTTP+SSE of 2024-11-05 and nothing else (protocol items 12, 13, 15).
class SseLinkTest : public World {
 protected:
  SseLinkTest() : behind(loop) {
    server_url = behind.url();
    config.limits.result = 256 * 1024;
  }
  /// What a client hears that opens a session and, where it can, calls a tool.
  std::string first_call() {
    const Answer opened = post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})");
    const std::size_t at = opened.headers.find("Mcp-Session-Id: ");
    if (at == std::string::npos) return opened.body;
    session_id = opened.headers.substr(at + 16, opened.headers.find('\n', at) - at - 16);
    return call("read").body;
  }
  /// The stream of the session that was opened last.
  SseServer::Stream& stream() { return *behind.streams.rbegin()->second; }
  static std::string result(const std::string& id, const std::string& text) { return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"content":[{"type":"text","text":")" + text + R"("}]}})"; }

  net::Signal go_on{loop};  ///< outlives what waits for it at the server
  SseServer behind;
};

TEST_F(SseLinkTest, AreFoundOutByARefusedHandshakeAndThenSpokenToAtOnce) {
  start(allow_all);
  EXPECT_NE(first_call().find("done"), std::string::npos);
  EXPECT_EQ(behind.posted("tools/call").at(0), call_text("read")) << "byte for byte";
  EXPECT_TRUE(log.has("upstream_speaks_sse"));
  session_id.clear();
  behind.targets.clear();
  open_session();
  EXPECT_FALSE(behind.targets.contains("/sse")) << "it is known by now";
  EXPECT_NE(records().find(R"("method":"initialize")"), std::string::npos);
}

TEST_F(SseLinkTest, AreSpokenToAtOnceWhereTheConfigurationSaysSo) {
  transport = config::Transport::sse;
  start(allow_all);
  EXPECT_NE(first_call().find("done"), std::string::npos);
  EXPECT_FALSE(behind.targets.contains("/sse"));
}

TEST_F(SseLinkTest, AreNotLookedForWhereTheConfigurationSaysSo) {
  transport = config::Transport::streamable_http;
  start(allow_all);
  EXPECT_NE(first_call().find("HTTP 405"), std::string::npos);
  EXPECT_EQ(behind.opened, 0U);
}

TEST_F(SseLinkTest, DeniedCallsNeverReachThem) {
  start("callgate: 1\ndefault: allow\ntools:\n  read: {action: deny, reason: closed}\n");
  EXPECT_NE(first_call().find("closed"), std::string::npos);
  EXPECT_TRUE(behind.posted("tools/call").empty());
}

/// Protocol item 15: a stateless client before such a server.
TEST_F(SseLinkTest, AreBridgedToForClientsOfTheStatelessEra) {
  start(allow_all);
  const Answer answer = post(modern_text("tools/call", R"("name":"read","arguments":{})", "7"), modern_headers("tools/call", "read"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_NE(answer.body.find("done"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find(R"("id":7)"), std::string::npos);
}

/// Protocol item 67: on one stream for all calls nothing says which of them a question is asked for.
TEST_F(SseLinkTest, AskNobodyWhereSeveralStatelessCallsAreUnderWay) {
  std::vector<std::string> held;
  behind.on_request = [&](SseServer::Stream& stream, const std::string& method, const std::string& id) {
    if (method != "tools/call") return false;
    held.push_back(id);
    if (held.size() == 2) stream.say(R"({"jsonrpc":"2.0","id":"q","method":"roots/list"})");
    return true;
  };
  start(allow_all);
  std::array<Answer, 2> answers;
  std::array<bool, 2> done{};
  for (std::size_t i = 0; i < 2; ++i) {
    begin(modern_text("tools/call", R"("name":"read","arguments":{})", std::to_string(7 + i)), answers[i], done[i], modern_headers("tools/call", "read"));
    turn_until([&] { return held.size() == i + 1; });
  }
  const auto answered = [&] { return std::ranges::any_of(behind.messages, [](const auto& each) { return each.second.contains(R"("id":"q")"); }); };
  turn_until([&] { return answered() || done[0] || done[1]; });
  EXPECT_TRUE(answered());
  ASSERT_EQ(held.size(), 2U);
  for (const std::string& id : held) stream().say(result(id, "done"));
  turn_until([&] { return done[0] && done[1]; });
  for (const Answer& answer : answers) EXPECT_NE(answer.body.find("done"), std::string::npos) << answer.body;
  const auto refusal = std::ranges::find_if(behind.messages, [](const auto& each) { return each.second.contains(R"("id":"q")"); });
  ASSERT_NE(refusal, behind.messages.end());
  EXPECT_NE(refusal->second.find("\"error\""), std::string::npos) << refusal->second;
}

/// A list that is read meanwhile cannot be meant.
TEST_F(SseLinkTest, AskTheClientOfTheOneCallThatCanBeMeant) {
  std::vector<std::string> held;
  behind.on_request = [&](SseServer::Stream& stream, const std::string& method, const std::string& id) {
    if (method != "tools/call" && method != "resources/list") return false;
    held.push_back(id);
    if (held.size() == 2) stream.say(R"({"jsonrpc":"2.0","id":"q","method":"roots/list"})");
    return true;
  };
  start(allow_all);
  Answer called;
  Answer listed;
  bool call_done = false;
  bool list_done = false;
  begin(modern_text("tools/call", R"("name":"read","arguments":{})", "7", with_roots), called, call_done, modern_headers("tools/call", "read"));
  turn_until([&] { return held.size() == 1; });
  begin(modern_text("resources/list", "", "8", with_roots), listed, list_done, modern_headers("resources/list"));
  turn_until([&] { return call_done; });
  EXPECT_NE(called.body.find(R"("inputRequests":{"ask-1":{"method":"roots/list")"), std::string::npos) << called.body;
  ASSERT_EQ(held.size(), 2U);
  stream().say(R"({"jsonrpc":"2.0","id":)" + held[1] + R"(,"result":{"resources":[]}})");
  turn_until([&] { return list_done; });
  EXPECT_NE(listed.body.find("\"resources\""), std::string::npos) << listed.body;
}

struct Address {
  const char* name;
  const char* said;  ///< `{origin}` stands for the server's
  bool good;
};

class AddressOfAnSseServer : public SseLinkTest, public testing::WithParamInterface<Address> {};

/// A server does not send its gateway elsewhere.
TEST_P(AddressOfAnSseServer, IsUsedWhereItIsOneOfItsOwnOriginAndElseRefused) {
  transport = config::Transport::sse;
  std::string said = GetParam().said;
  if (const std::size_t at = said.find("{origin}"); at != std::string::npos) said.replace(at, 8, behind.origin());
  behind.first = {"event: endpoint\ndata: " + said + "\n\n"};
  start(allow_all);
  const std::string heard = first_call();
  if (GetParam().good) {
    EXPECT_NE(heard.find("done"), std::string::npos) << heard;
  } else {
    EXPECT_NE(heard.find("address for messages that may not be used"), std::string::npos) << heard;
    EXPECT_TRUE(log.has("upstream_address_refused"));
    EXPECT_TRUE(behind.messages.empty()) << "nothing was sent anywhere";
    EXPECT_TRUE(upstream.last_headers.empty());
    EXPECT_NE(records().find("not_sent"), std::string::npos) << records();
  }
}

INSTANTIATE_TEST_SUITE_P(Gateway, AddressOfAnSseServer,
                         testing::Values(Address{"path", "/post?session={id}", true}, Address{"relative", "post?session={id}", true}, Address{"whole", "{origin}/post?session={id}", true},
                                         Address{"foreign_origin", "http://127.0.0.1:1/post?session=1", false}, Address{"other_scheme", "https://127.0.0.1/post", false},
                                         Address{"script", "javascript:alert(1)", false}, Address{"empty", "", false}, Address{"two_lines", "/post\ndata: ?session=1", false}),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_F(SseLinkTest, ThatNameTwoAddressesArePostedToAtTheFirst) {
  transport = config::Transport::sse;
  start(allow_all);
  EXPECT_NE(first_call().find("done"), std::string::npos);
  stream().say("/other?session=1", "endpoint");
  stream().say("http://127.0.0.1:1/other", "endpoint");
  EXPECT_NE(call("read", "{}", 2).body.find("done"), std::string::npos);
  turn_until([&] { return log.has("upstream_address_ignored"); });
  EXPECT_NE(call("read", "{}", 3).body.find("done"), std::string::npos);
  EXPECT_TRUE(std::ranges::none_of(behind.targets, [](const auto& each) { return each.first.starts_with("/other"); }));
}

TEST_F(SseLinkTest, ThatNeverNameAnAddressAreWaitedForSoLong) {
  transport = config::Transport::sse;
  start_timeout = 200ms;
  behind.first = {": hello\n\n", "data: {}\n\n"};
  start(allow_all);
  EXPECT_NE(first_call().find("named no address"), std::string::npos);
  behind.first = {std::string("data: ") + std::string(100 * 1024, 'x') + "\n\n"};
  EXPECT_NE(first_call().find("named no address"), std::string::npos) << "nor are they read for ever";
}

TEST_F(SseLinkTest, ThatOpenNoStreamAreToldApartFromThoseThatDo) {
  transport = config::Transport::sse;
  behind.get_status = 302;
  start(allow_all);
  EXPECT_NE(first_call().find("redirect (HTTP 302), which is not followed"), std::string::npos);
  behind.get_status = 401;
  EXPECT_NE(first_call().find("credentials (HTTP 401)"), std::string::npos);
  behind.get_status = 200;
  behind.get_type = "text/html";
  EXPECT_NE(first_call().find("no event stream"), std::string::npos);
  EXPECT_TRUE(behind.messages.empty());
}

TEST_F(SseLinkTest, ThatSpeakNeitherAreReportedAsTheyFirstAnswered) {
  behind.get_status = 405;
  start(allow_all);
  EXPECT_NE(first_call().find("the server answered HTTP 405"), std::string::npos);
  EXPECT_FALSE(log.has("upstream_speaks_sse"));
}

TEST_F(SseLinkTest, AnswersUnderOtherIdsAreNobodys) {
  start(allow_all);
  first_call();
  behind.on_request = [](SseServer::Stream& stream, const std::string& method, const std::string& id) {
    if (method != "tools/call") return false;
    stream.say(result("999", "wrong"));
    stream.say(result('"' + id + '"', "wrong"));
    stream.say(R"({"jsonrpc":"2.0","error":{"code":-1,"message":"wrong"}})");
    stream.say("no message");
    stream.say(result(id, "right"));
    stream.say(result(id, "twice"));
    return true;
  };
  const Answer answer = call("read", "{}", 5);
  EXPECT_NE(answer.body.find("right"), std::string::npos) << answer.body;
  EXPECT_NE(call("read", "{}", 6).body.find("right"), std::string::npos);
  EXPECT_TRUE(log.has("upstream_answer_unexpected"));
  EXPECT_TRUE(log.has("upstream_event_skipped"));
}

TEST_F(SseLinkTest, AnswersMayComeBeforeThePostIsTaken) {
  start(allow_all);
  first_call();
  const auto held = [](net::Signal& signal, const std::string& method) -> net::Task<void> {
    if (method == "tools/call") co_await signal.wait(10s);
  };
  behind.before_post_answer = [&](net::HttpExchange&, const std::string& method) { return held(go_on, method); };
  EXPECT_NE(call("read", "{}", 2).body.find("done"), std::string::npos);
  go_on.raise();
}

/// A server that takes no POST to its end is sent no more than so many bytes at once.
TEST_F(SseLinkTest, MessagesUnderWayAreBoundedInBytes) {
  start(allow_all);
  first_call();
  const auto held = [](net::Signal& signal, const std::string& method) -> net::Task<void> {
    if (method == "tools/call") co_await signal.wait(20s);
  };
  behind.before_post_answer = [&](net::HttpExchange&, const std::string& method) { return held(go_on, method); };
  behind.on_request = [](SseServer::Stream&, const std::string& method, const std::string&) { return method == "tools/call"; };
  const std::string large = R"({"text":")" + std::string(std::size_t{3900} * 1024, 'x') + R"("})";
  std::array<Answer, 5> answers;
  std::array<bool, 5> done{};
  for (std::size_t i = 0; i < answers.size(); ++i) begin(call_text("write", large, static_cast<int>(i) + 2), answers[i], done[i]);
  turn_until([&] { return std::ranges::any_of(done, std::identity{}); });
  ASSERT_EQ(std::ranges::count(done, true), 1);
  const auto refused = static_cast<std::size_t>(std::ranges::find(done, true) - done.begin());
  EXPECT_NE(answers[refused].body.find("too many messages are on their way to the server"), std::string::npos) << answers[refused].body.substr(0, 300);
}

TEST_F(SseLinkTest, AnEventWithoutEndEndsTheSessionAndNotTheGate) {
  start(allow_all);
  first_call();
  behind.on_request = [](SseServer::Stream& stream, const std::string& method, const std::string&) {
    if (method != "tools/call") return false;
    for (int piece = 0; piece < 40; ++piece) stream.write("data: " + std::string(16 * 1024, 'x') + "\n");
    return true;
  };
  EXPECT_NE(call("read", "{}", 2).body.find("an event that is too long"), std::string::npos);
  behind.on_request = {};
  EXPECT_NE(call("read", "{}", 3).body.find("done"), std::string::npos) << "a new session";
}

/// Protocol item 22: what was under way when the stream ended does not run again.
TEST_F(SseLinkTest, TheEndOfTheStreamFailsAllThatWaitsAndNothingIsSentTwice) {
  start(allow_all);
  first_call();
  behind.on_request = [](SseServer::Stream& stream, const std::string& method, const std::string& id) {
    if (method == "tools/call" && id == "3") stream.end();
    return method == "tools/call";
  };
  Answer waits;
  bool done = false;
  begin(call_text("read", "{}", 2), waits, done);
  turn_until([&] { return !behind.posted("tools/call", R"("id":2)").empty(); });
  const Answer ends = call("read", "{}", 3);
  turn_until([&] { return done; });
  for (const std::string& heard : {waits.body, ends.body}) EXPECT_NE(heard.find("the server ended the stream without an answer"), std::string::npos) << heard;
  behind.on_request = {};
  EXPECT_NE(call("read", "{}", 4).body.find("done"), std::string::npos) << "the session is opened again";
  for (const char* id : {R"("id":2)", R"("id":3)", R"("id":4)"}) EXPECT_EQ(behind.posted("tools/call", id).size(), 1U) << id;
  EXPECT_TRUE(log.has("upstream_session_reopened"));
}

/// Protocol item 22.
TEST_F(SseLinkTest, ASessionThatTheServerForgotIsOpenedAgain) {
  start(allow_all);
  first_call();
  behind.refused_method = "tools/call";
  behind.post_status = 404;
  Answer answer;
  bool done = false;
  begin(call_text("read", "{}", 2), answer, done);
  turn_until([&] { return !behind.posted("tools/call", R"("id":2)").empty(); });
  behind.refused_method.clear();
  turn_until([&] { return done; });
  EXPECT_NE(answer.body.find("done"), std::string::npos) << answer.body;
  EXPECT_EQ(behind.posted("tools/call", R"("id":2)").size(), 2U) << "it said that it did not run the first";
}

TEST_F(SseLinkTest, ARefusedPostFailsItsCallAlone) {
  start(allow_all);
  first_call();
  behind.refused_method = "tools/call";
  behind.post_status = 500;
  EXPECT_NE(call("read", "{}", 2).body.find("the server answered HTTP 500"), std::string::npos);
  behind.refused_method.clear();
  const std::size_t opened = behind.opened;
  EXPECT_NE(call("read", "{}", 3).body.find("done"), std::string::npos);
  EXPECT_EQ(behind.opened, opened) << "in the same session";
}

/// Protocol item 73.
TEST_F(SseLinkTest, CancelsAndProgressGoTheirWays) {
  start(allow_all);
  first_call();
  behind.on_request = [](SseServer::Stream& stream, const std::string& method, const std::string&) {
    if (method == "tools/call") stream.say(R"({"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"p","progress":1}})");
    return method == "tools/call";
  };
  Answer answer;
  bool done = false;
  begin(R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read","arguments":{},"_meta":{"progressToken":"p"}}})", answer, done);
  turn_until([&] { return answer.body.find("notifications/progress") != std::string::npos; });
  EXPECT_NE(answer.body.find("notifications/progress"), std::string::npos);
  const std::string cancel = R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}})";
  EXPECT_EQ(post(cancel).status, 202);
  ASSERT_EQ(behind.posted("notifications/cancelled").size(), 1U);
  EXPECT_EQ(behind.posted("notifications/cancelled").front(), cancel);
  behind.streams.rbegin()->second->say(result("2", "late"));
  turn_until([&] { return done; });
}

TEST_F(SseLinkTest, TheyAskTheClientAndAreAnswered) {
  start(allow_all);
  first_call();
  Answer heard;
  bool done = false;
  group.spawn(talk("GET", "Accept: text/event-stream\r\nMcp-Session-Id: " + session_id + "\r\n", {}, heard, done));
  turn_until([&] { return heard.status == 200; });
  stream().say(R"({"jsonrpc":"2.0","id":"ask-1","method":"roots/list"})");
  turn_until([&] { return heard.body.find("roots/list") != std::string::npos; });
  EXPECT_NE(heard.body.find("roots/list"), std::string::npos) << heard.body;
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":"ask-1","result":{"roots":[]}})").status, 202);
  EXPECT_EQ(behind.posted("", "ask-1").size(), 1U);
}

TEST_F(SseLinkTest, AreLeftWhenTheSessionEnds) {
  start(allow_all);
  first_call();
  turn_until([&] { return behind.streams.size() == 1; });  // the gate's own has ended
  Answer gone;
  bool done = false;
  group.spawn(talk("DELETE", "Mcp-Session-Id: " + session_id + "\r\n", {}, gone, done));
  turn_until([&] { return done && behind.streams.empty(); });
  EXPECT_EQ(gone.status, 200);
  EXPECT_TRUE(behind.streams.empty());
}

}  // namespace
}  // namespace callgate::gateway::sse_link_test
