#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>

#include "gateway/stdio_front.hpp"
#include "gateway/world.hpp"

using namespace std::chrono_literals;

namespace callgate::gateway::eras_test {
namespace {

/// What a server's answers teach of its eras (protocol item 12).
class Eras : public World {
 protected:
  void begin_with() {
    upstream.on_request = [this](net::HttpExchange& exchange, std::string method, std::string id, std::string body) { return serve(exchange, method, id, body); };
    start("callgate: 1\ndefault: allow\n");
  }
  Answer initialize() {
    return post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"theirs","version":"1"}}})");
  }
  Answer modern_call() { return post(call_of("1"), modern_headers("tools/call", "read")); }
  static std::string call_of(const std::string& id) { return modern_text("tools/call", R"("name":"read","arguments":{})", id); }
  bool last_call_has_envelope() const { return !upstream.calls.empty() && upstream.calls.back().find("io.modelcontextprotocol/protocolVersion") != std::string::npos; }
  int asked(const std::string& method) const { return static_cast<int>(std::ranges::count(methods, method)); }

  std::vector<std::string> methods;   ///< of requests that reached the server
  std::string refused_handshake;      ///< error to handshakes of clients
  std::string refused_every_handshake;
  std::string refused_discover;       ///< error to the question
  int discover_status = 200;          ///< of the answer to the question; other than 200: with no message
  bool hold_discover = false;
  bool hold_everything = false;

 private:
  static net::Task<bool> refuse(net::HttpExchange& exchange, std::string id, std::string error) {
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":)" + error + "}");
    co_return true;
  }
  net::Task<bool> serve(net::HttpExchange& exchange, std::string method, std::string id, std::string body) {
    methods.push_back(method);
    while (hold_everything) co_await loop.sleep(std::chrono::milliseconds(2));
    if (method == "initialize" && !refused_every_handshake.empty()) co_return co_await refuse(exchange, id, refused_every_handshake);
    if (method == "initialize" && !refused_handshake.empty() && body.find("theirs") != std::string::npos) co_return co_await refuse(exchange, id, refused_handshake);
    if (method != "server/discover") co_return false;
    for (int turn = 0; turn < 4000 && hold_discover; ++turn) co_await loop.sleep(std::chrono::milliseconds(2));
    if (!refused_discover.empty()) co_return co_await refuse(exchange, id, refused_discover);
    if (discover_status == 200) co_return false;
    co_await exchange.respond(discover_status, "Content-Type: text/plain\r\n", "trouble");
    co_return true;
  }
};

constexpr const char* busy_now = R"({"code":-32603,"message":"busy"})";

TEST_F(Eras, AServerOfBothThatFailsOneHandshakeIsNotBridgedFromThenOn) {
  for (const char* error : {busy_now, R"({"code":-32602,"message":"not with me"})"}) {
    refused_handshake = error;
    if (!gates) begin_with();
    EXPECT_NE(initialize().body.find("error"), std::string::npos);
    refused_handshake.clear();
    const int before = asked("initialize");
    EXPECT_NE(initialize().body.find(R"("name":"fake")"), std::string::npos);
    EXPECT_EQ(asked("initialize"), before + 1) << "the handshake of the client itself reaches the server";
  }
}

TEST_F(Eras, AServerWithoutAHandshakeIsBridgedUntilItHasOne) {
  refused_every_handshake = R"({"code":-32601,"message":"unknown"})";
  begin_with();
  EXPECT_NE(initialize().body.find("result"), std::string::npos);
  refused_every_handshake.clear();
  refused_discover = R"({"code":-32601,"message":"unknown"})";
  EXPECT_NE(initialize().body.find("error"), std::string::npos) << "this one is told what the server said";
  EXPECT_NE(initialize().body.find(R"("name":"fake")"), std::string::npos) << "the next one has the server's own handshake";
}

TEST_F(Eras, TroubleAtTheQuestionTeachesNothing) {
  for (const int status : {503, 429, 401, 500}) {
    discover_status = status;
    if (!gates) begin_with();
    modern_call();
    EXPECT_TRUE(last_call_has_envelope()) << status;
  }
  discover_status = 200;
  modern_call();
  const int before = asked("server/discover");
  modern_call();
  EXPECT_EQ(asked("server/discover"), before) << "an answer was kept";
}

TEST_F(Eras, ARefusalOfTheMessageTeaches) {
  upstream.modern = false;
  discover_status = 400;
  begin_with();
  modern_call();
  ASSERT_FALSE(upstream.calls.empty());
  EXPECT_FALSE(last_call_has_envelope());
}

TEST_F(Eras, AnUnclearErrorOfAServerThatOpensSessionsIsANo) {
  refused_discover = R"({"code":-32000,"message":"not initialized"})";
  begin_with();
  initialize();
  modern_call();
  ASSERT_FALSE(upstream.calls.empty());
  EXPECT_FALSE(last_call_has_envelope());
}

TEST_F(Eras, ManyWhoComeAtOnceWaitForOneQuestion) {
  hold_discover = true;
  discover_status = 503;
  begin_with();
  Answer answers[3];
  bool over[3] = {};
  for (int each = 0; each < 3; ++each) begin(call_of(std::to_string(each)), answers[each], over[each], modern_headers("tools/call", "read"));
  turn_until([&] { return asked("server/discover") > 0; });
  for (int turn = 0; turn < 20; ++turn) loop.turn(std::chrono::milliseconds(2));
  hold_discover = false;
  turn_until([&] { return over[0] && over[1] && over[2]; });
  EXPECT_TRUE(over[0] && over[1] && over[2]);
  EXPECT_EQ(asked("server/discover"), 1);
}

/// One wait, however much the server would have to be asked before the request itself: its era, its tools, and then that.
class SilentServer : public Eras {
 protected:
  void costs_one_wait() {
    hold_everything = true;
    begin_with();
    const std::string further = modern_text("tools/call", R"("name":"read","arguments":{},"requestState":"callgate:s:callgate:theirs")", "5");
    const std::array<std::pair<std::string, std::string>, 5> requests{{{modern_text("server/discover", "", "1"), modern_headers("server/discover")},
                                                                       {modern_text("tools/list", "", "2"), modern_headers("tools/list")},
                                                                       {modern_text("prompts/list", "", "3"), modern_headers("prompts/list")},
                                                                       {call_of("4"), modern_headers("tools/call", "read")},
                                                                       {further, modern_headers("tools/call", "read")}}};
    std::array<Answer, 5> answers;
    std::array<bool, 5> over{};
    const net::Duration began = time_had();
    for (std::size_t each = 0; each < requests.size(); ++each) begin(requests[each].first, answers[each], over[each], requests[each].second);
    turn_until([&] { return std::ranges::all_of(over, [](bool is_over) { return is_over; }); });
    EXPECT_LT(time_had() - began, 1900ms) << "one of a second, and no other behind it";
    for (const Answer& answer : answers)
      EXPECT_TRUE(answer.body.find("did not answer in time") != std::string::npos || answer.body.find("could not be read yet") != std::string::npos) << answer.body;
    EXPECT_EQ(asked("server/discover"), 1);
    EXPECT_TRUE(upstream.calls.empty());
    EXPECT_NE(records().find(R"("faults":["the server did not answer in time"])"), std::string::npos);
    hold_everything = false;
    // One that took its second is asked anew: server and gate are in this process, which may have stood still for as long.
    net::Instant asked_at{};
    std::string served;
    for (int tries = 0; tries == 0 || (tries < 10 && !served.contains("done") && net::Loop::read_clock() - asked_at >= 1s); ++tries) {
      asked_at = net::Loop::read_clock();
      served = modern_call().body;
    }
    EXPECT_NE(served.find("done"), std::string::npos) << "once it answers, it is served: " << served;
  }
};

TEST_F(SilentServer, CostsItsCallersTheTimeOfAStart) {
  start_timeout = 1s;
  costs_one_wait();
}

TEST_F(SilentServer, CostsItsCallersTheTimeOfACallWhereThatIsShorter) {
  adjust = [](config::Server& server) { server.call_timeout = 1s; };
  costs_one_wait();
}

TEST_F(Eras, AServerThatIsSlowWithItsFirstAnswerIsWaitedFor) {
  hold_discover = true;
  begin_with();
  Answer answer;
  bool over = false;
  begin(call_of("1"), answer, over, modern_headers("tools/call", "read"));
  turn_until([&] { return asked("server/discover") > 0; });
  hold_discover = false;
  turn_until([&] { return over; });
  EXPECT_NE(answer.body.find("done"), std::string::npos) << answer.body;
}

/// A client on stdio keeps no link that was made for what the server spoke before.
TEST_F(Eras, AStdioClientDoesNotKeepABridgeThatTheServerOutgrew) {
  upstream.modern = false;
  begin_with();
  int in[2];
  int out[2];
  ASSERT_EQ(pipe(in), 0);
  ASSERT_EQ(pipe(out), 0);
  auto stdio = std::make_unique<StdioFront>(*parts, *gates->all().front(), in[0], out[1]);
  net::make_nonblocking(out[0]);
  group.spawn(stdio->run());
  std::string heard;
  const auto say = [&](const std::string& id) {
    const std::string line = call_of(id) + "\n";
    ASSERT_EQ(write(in[1], line.data(), line.size()), static_cast<ssize_t>(line.size()));
    turn_until([&] {
      char bytes[4096];
      const ssize_t count = read(out[0], bytes, sizeof bytes);
      if (count > 0) heard.append(bytes, static_cast<std::size_t>(count));
      return heard.find("\"id\":" + id + ",") != std::string::npos;
    });
  };
  say("101");
  EXPECT_FALSE(last_call_has_envelope());
  // The server is another one now: it has lost its sessions and opens none.
  upstream.modern = true;
  refused_every_handshake = R"({"code":-32601,"message":"unknown"})";
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string /*id*/) -> net::Task<void> { co_await exchange.respond(404, {}, {}); };
  say("102");
  say("103");
  upstream.raw_answer = {};
  say("104");
  EXPECT_TRUE(last_call_has_envelope()) << heard;
  group.cancel();
  stdio.reset();
  for (const int fd : {in[0], in[1], out[0], out[1]}) close(fd);
}

}  // namespace
}  // namespace callgate::gateway::eras_test
