// A client on stdio that does not read, or is gone.
#include "gateway/stdio_front.hpp"

#include <csignal>

#include <sys/socket.h>
#include <unistd.h>

#include "gateway/world.hpp"

namespace callgate::gateway::stdio_front_test {
namespace {

constexpr const char* allow_all = "callgate: 1\ndefault: allow\nroots: allow\n";
constexpr std::size_t mebibyte = std::size_t{1} << 20U;

class StdioClient : public World {
 protected:
  StdioClient() { std::signal(SIGPIPE, SIG_IGN); }  // as the program does
  ~StdioClient() override {
    group.cancel();
    stdio.reset();
    for (const int fd : {in[0], in[1], out[0], out[1]}) {
      if (fd >= 0) close(fd);
    }
  }
  void begin_with(const std::string& policy) {
    start(policy);
    ASSERT_EQ(pipe(in), 0);
    ASSERT_EQ(pipe(out), 0);
    stdio = std::make_unique<StdioFront>(*parts, *gates->all().front(), in[0], out[1]);
    net::make_nonblocking(out[0]);
    group.spawn(run());
  }
  net::Task<void> run() {
    co_await stdio->run();
    over = true;
  }
  void say(const std::string& message) {
    const std::string line = message + "\n";
    ASSERT_EQ(write(in[1], line.data(), line.size()), static_cast<ssize_t>(line.size()));
  }
  void hear_until(std::string_view part) {
    turn_until([&] {
      static char bytes[mebibyte];
      const ssize_t count = read(out[0], bytes, sizeof bytes);
      if (count > 0) heard.append(bytes, static_cast<std::size_t>(count));
      return heard.find(part) != std::string::npos;
    });
    ASSERT_NE(heard.find(part), std::string::npos);
  }
  static std::string stateless_call(const std::string& id) { return modern_text("tools/call", R"("name":"read","arguments":{})", id); }

  int in[2] = {-1, -1};
  int out[2] = {-1, -1};
  std::unique_ptr<StdioFront> stdio;
  bool over = false;
  std::string heard;
};

/// Protocol item 72.
TEST_F(StdioClient, ThatIsGoneCancelsItsStatelessCallsAtOnce) {
  bool left = false;
  upstream.raw_answer = [&](net::HttpExchange& exchange, std::string /*id*/) -> net::Task<void> {
    co_await exchange.gone(net::Loop::forever);
    left = true;
  };
  begin_with(allow_all);
  say(stateless_call("1"));
  turn_until([&] { return !upstream.calls.empty(); });
  ASSERT_EQ(upstream.calls.size(), 1U);
  close(std::exchange(out[0], -1));
  say(R"({"jsonrpc":"2.0","id":2,"method":"nobody/knows"})");
  turn_until([&] { return over; });
  EXPECT_TRUE(log.has("client_lost"));
  EXPECT_TRUE(left) << "the server hears that nobody waits";
  EXPECT_TRUE(over) << "and nothing is waited for";
}

/// Protocol item 72: its stdin may stay open in the hands of another process.
TEST_F(StdioClient, ThatReadsNoMoreIsNoticedWithoutAWordToIt) {
  bool left = false;
  upstream.raw_answer = [&](net::HttpExchange& exchange, std::string /*id*/) -> net::Task<void> {
    co_await exchange.gone(net::Loop::forever);
    left = true;
  };
  begin_with(allow_all);
  say(stateless_call("1"));
  turn_until([&] { return !upstream.calls.empty(); });
  close(std::exchange(out[0], -1));
  turn_until([&] { return over && left; });
  EXPECT_TRUE(left) << "the server hears that nobody waits";
  EXPECT_TRUE(over) << "and this process ends";
  EXPECT_TRUE(log.has("client_lost"));
}

TEST_F(StdioClient, ThatLeavesWithNothingUnderWayIsNoFault) {
  begin_with(allow_all);
  close(std::exchange(out[0], -1));
  turn_until([&] { return over; });
  EXPECT_TRUE(over);
  EXPECT_TRUE(log.has(R"("level":"info","event":"client_lost")")) << log.lines().back();
}

/// On a socket for both ways the end of what it sends is not the end of what it reads.
TEST_F(StdioClient, ThatSendsNoMoreIsStillAnswered) {
  net::Broadcast answers(loop);
  bool may_answer = false;
  upstream.raw_answer = [&](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    while (!may_answer) co_await answers.wait(net::Loop::forever);
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"resultType":"complete","content":[]}})");
  };
  start(allow_all);
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, out), 0);
  in[0] = dup(out[1]);
  in[1] = dup(out[0]);
  stdio = std::make_unique<StdioFront>(*parts, *gates->all().front(), in[0], out[1]);
  net::make_nonblocking(out[0]);
  group.spawn(run());
  say(stateless_call("1"));
  turn_until([&] { return !upstream.calls.empty(); });
  shutdown(in[1], SHUT_WR);
  for (int turn = 0; turn < 3; ++turn) loop.turn({});
  may_answer = true;
  answers.notify();
  hear_until(R"("id":1,"result")");
  EXPECT_FALSE(log.has("client_lost"));
}

TEST_F(StdioClient, ThatDoesNotReadLeavesNoServerWaitingForItsAnswer) {
  int answered = 0;
  upstream.raw_answer = [&](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    const auto result = [&id](const std::string& text) { return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"content":[{"type":"text","text":")" + text + R"("}]}})"; };
    if (++answered <= 3) {
      co_await exchange.respond(200, "Content-Type: application/json\r\n", result(std::string(12 * mebibyte, 'a')));
      co_return;
    }
    std::string events;
    mcp::append_sse_event(events, R"({"jsonrpc":"2.0","id":"ask-1","method":"roots/list"})");
    if (!co_await exchange.begin(200, "Content-Type: text/event-stream\r\n") || !co_await exchange.write(events)) co_return;
    while (upstream.responses.empty()) {
      if (!co_await exchange.gone(std::chrono::milliseconds(10))) continue;
      co_return;
    }
    events.clear();
    mcp::append_sse_event(events, result("done without roots"));
    if (co_await exchange.write(events)) co_await exchange.finish();
  };
  begin_with(allow_all);
  say(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{"roots":{}},"clientInfo":{"name":"t","version":"1"}}})");
  hear_until(R"("id":0)");
  for (int id = 1; id <= 3; ++id) {  // more than half of what may wait, and nothing of it is read
    const std::size_t before = records().size();
    say(call_text("read", "{}", id));
    turn_until([&] { return records().find(R"("status":"answered")", before) != std::string::npos; });
  }
  say(call_text("read", "{}", 4));
  turn_until([&] { return !upstream.responses.empty(); });
  ASSERT_EQ(upstream.responses.size(), 1U) << "the question was dropped, and its server was told";
  EXPECT_NE(upstream.responses.front().find("no client is there to answer"), std::string::npos) << upstream.responses.front();
  EXPECT_TRUE(log.has("client_reads_too_slowly"));
  hear_until("done without roots");
  for (int id = 1; id <= 4; ++id) EXPECT_NE(heard.find(R"("id":)" + std::to_string(id) + ","), std::string::npos) << "no answer is lost";
  EXPECT_EQ(heard.find("roots/list"), std::string::npos);
}

/// What grows on its way into one line is counted as it grew; an answer for which there is no room is told so.
TEST_F(StdioClient, HearsInsteadOfAnAnswerThatThereIsNoRoomForIt) {
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    std::string text;
    for (std::size_t at = 0; at < 6 * mebibyte; ++at) text += "\u0085";
    co_await exchange.respond(200, "Content-Type: application/json\r\n", R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"content":[{"type":"text","text":")" + text + R"("}]}})");
  };
  begin_with(allow_all);
  say(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})");
  hear_until(R"("id":0)");
  for (int id = 1; id <= 2; ++id) {  // 36 MiB each
    const std::size_t before = records().size();
    say(call_text("read", "{}", id));
    turn_until([&] { return over || records().find(R"("status":"answered")", before) != std::string::npos; });
  }
  ASSERT_FALSE(over) << "a client that is slow is not lost";
  hear_until(R"("id":2,"error")");
  EXPECT_TRUE(heard.contains("too many large answers wait to be read"));
  EXPECT_FALSE(log.has("client_lost"));
}

}  // namespace
}  // namespace callgate::gateway::stdio_front_test
