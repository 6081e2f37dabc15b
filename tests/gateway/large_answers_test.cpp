// Large answers to clients that do not read them.
#include <fstream>

#include "gateway/sse_server.hpp"

namespace callgate::gateway::large_answers_test {
namespace {

constexpr const char* allow_all = "callgate: 1\ndefault: allow\n";
constexpr std::size_t mebibyte = std::size_t{1} << 20U;
/// More than the sockets between gate and client hold, twice.
constexpr std::size_t answer_size = 12 * mebibyte;

/// A client that asks and reads no further than the head of the answer.
struct Reader {
  explicit Reader(net::Loop& loop, net::Url url) : client(loop, std::move(url), nullptr, {}) {}
  net::Task<void> ask(std::string headers, std::string body) {
    auto got = co_await client.send("POST", headers, body, std::chrono::seconds(20));
    if (got) reply = std::move(*got);
    done = true;
  }
  net::Task<void> read(std::string& into) {
    auto whole = co_await reply->whole(64 * mebibyte, std::chrono::seconds(20));
    into = whole ? std::string(*whole) : whole.error().message;
  }
  net::HttpClient client;
  std::unique_ptr<net::HttpReply> reply;
  bool done = false;
  net::TaskGroup tasks;
};

/// Security requirement S25: one caller's unread answers leave room for the others'.
class LargeAnswers : public World {
 protected:
  LargeAnswers() : old(loop) {
    config.auth = config::Auth::grants;
    replies = std::make_shared<net::ReplyRoom>(128 * mebibyte);  // 32 of a server, 16 for a caller
  }
  ~LargeAnswers() override { readers.clear(); }

  std::string large(const std::string& id) const {
    return R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"content":[{"type":"text","text":")" + std::string(answer_size, 'a') + R"("}]}})";
  }
  /// Calls and does not read; waits until the answer has begun to come.
  Reader& call_unread(const std::string& body = {}, const std::string& more = {}) {
    Reader& reader = *readers.emplace_back(std::make_unique<Reader>(loop, net::Url{.tls = false, .host = "127.0.0.1", .port = address.port(), .target = "/mcp"}));
    std::string headers = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n" + authorization + more;
    if (!session_id.empty()) headers += "Mcp-Session-Id: " + session_id + "\r\n";
    reader.tasks.spawn(reader.ask(headers, body.empty() ? call_text("read", "{}", ++last_id) : body));
    turn_until([&] { return reader.done; });
    EXPECT_TRUE(reader.reply && reader.reply->status() == 200);
    return reader;
  }
  std::string call_now() {
    const std::string body = call("read", "{}", ++last_id).body;
    return body.size() > answer_size ? "all of it" : body;
  }
  void enter_as(const std::string& name) {
    call_as(name);
    open_session();
  }
  /// The caller who reads nothing has its share, the next one finds room, and who reads has room again.
  void one_leaves_room_for_the_other() {
    enter_as("slow");
    const std::string slow_authorization = authorization;
    const std::string slow_session = session_id;
    call_unread();
    EXPECT_NE(call_now().find("too many large answers to one caller at once: read those under way, then try again"), std::string::npos);
    enter_as("other");
    EXPECT_EQ(call_now(), "all of it");
    authorization = slow_authorization;
    session_id = slow_session;
    std::string read;
    readers.front()->tasks.spawn(readers.front()->read(read));
    turn_until([&] { return !read.empty(); });
    EXPECT_GT(read.size(), answer_size);
    readers.clear();
    EXPECT_EQ(call_now(), "all of it") << "what was read gives its room back";
  }

  SseServer old;
  int last_id = 10;
  std::vector<std::unique_ptr<Reader>> readers;
};

TEST_F(LargeAnswers, OfAServerOverHttpLeaveRoomForOtherCallers) {
  upstream.call_result = R"({"content":[{"type":"text","text":")" + std::string(answer_size, 'a') + R"("}]})";
  start(allow_all);
  one_leaves_room_for_the_other();
}

TEST_F(LargeAnswers, AsEventsLeaveRoomForOtherCallers) {
  upstream.raw_answer = [this](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    std::string event;
    mcp::append_sse_event(event, large(id));
    if (co_await exchange.begin(200, "Content-Type: text/event-stream\r\n") && co_await exchange.write(event)) co_await exchange.finish();
  };
  start(allow_all);
  one_leaves_room_for_the_other();
}

TEST_F(LargeAnswers, OfAServerOverHttpAndSseLeaveRoomForOtherCallers) {
  server_url = old.url();
  transport = config::Transport::sse;
  old.on_request = [this](SseServer::Stream& stream, const std::string& method, const std::string& id) {
    if (method == "tools/call") stream.say(large(id));
    return method == "tools/call";
  };
  start(allow_all);
  one_leaves_room_for_the_other();
}

TEST_F(LargeAnswers, OfAChildLeaveRoomForOtherCallers) {
  std::ofstream(folder / "server.sh") << R"sh(
while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\|"[^"]*"\)[,}].*/\1/p')
  case "$line" in
    *'"method":"initialize"'*) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"sh\",\"version\":\"1\"}}}" ;;
    *'"method":"tools/list"'*) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"tools\":[{\"name\":\"read\",\"inputSchema\":{\"type\":\"object\"}}]}}" ;;
    *callgate_probe_*|*'"method":"server/discover"'*) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-32601,\"message\":\"no\"}}" ;;
    *'"method":"tools/call"'*)
      printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"' "$id"
      head -c "$1" /dev/zero | tr '\0' a
      echo '"}]}}' ;;
  esac
done
)sh";
  adjust = [this](config::Server& server) {
    server.url.clear();
    server.command = {"/bin/sh", (folder / "server.sh").string(), std::to_string(answer_size)};
  };
  start(allow_all);
  one_leaves_room_for_the_other();
}

TEST_F(LargeAnswers, WithoutGrantsCountForTheSessionAndStatelessOnesForTheAddress) {
  config.auth = config::Auth::none;
  upstream.call_result = R"({"resultType":"complete","content":[{"type":"text","text":")" + std::string(answer_size, 'a') + R"("}]})";
  start(allow_all);
  const std::string full = "too many large answers to one caller at once";
  open_session();
  call_unread();
  EXPECT_NE(call_now().find(full), std::string::npos);
  session_id.clear();
  open_session();
  EXPECT_EQ(call_now(), "all of it") << "another session";
  session_id.clear();
  const std::string stateless = modern_text("tools/call", R"("name":"read","arguments":{})", "1");
  call_unread(stateless, modern_headers("tools/call", "read"));
  EXPECT_NE(post(stateless, modern_headers("tools/call", "read")).body.find(full), std::string::npos) << "whoever else is at this address";
}

/// Of a client of 2024-11-05 the answer waits on its pipe, and not where it was read.
TEST_F(LargeAnswers, OnAPipeTakeUpTheirRoomUntilTheyWereRead) {
  upstream.call_result = R"({"content":[{"type":"text","text":")" + std::string(answer_size, 'a') + R"("}]})";
  start(allow_all);
  call_as("slow");
  net::HttpClient client(loop, {.tls = false, .host = "127.0.0.1", .port = address.port(), .target = "/sse/fake"}, nullptr, {});
  std::unique_ptr<net::HttpReply> pipe;
  std::string heard;
  bool reads = true;
  net::Signal again(loop);
  const auto hear = [](net::HttpClient& from, std::string headers, std::unique_ptr<net::HttpReply>& into, std::string& text, bool& goes_on, net::Signal& wake) -> net::Task<void> {
    auto got = co_await from.send("GET", headers, {}, std::chrono::seconds(20));
    if (!got) co_return;
    into = std::move(*got);
    for (;;) {
      while (!goes_on) co_await wake.wait(net::Loop::forever);
      const auto chunk = co_await into->next(std::chrono::seconds(20));
      if (!chunk || chunk->empty()) co_return;
      text += *chunk;
    }
  };
  net::TaskGroup hearing;
  hearing.spawn(hear(client, "Accept: text/event-stream\r\n" + authorization, pipe, heard, reads, again));
  turn_until([&] { return heard.find("\n\n") != std::string::npos; });
  const std::size_t at = heard.find("data: ") + 6;
  target = heard.substr(at, heard.find('\n', at) - at);
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})").status, 202);
  turn_until([&] { return heard.find(R"("id":0)") != std::string::npos; });
  reads = false;
  const std::size_t before = records().size();
  EXPECT_EQ(call("read", "{}", 5).status, 202);
  turn_until([&] { return records().find(R"("status":"answered")", before) != std::string::npos; });
  EXPECT_EQ(call("read", "{}", 6).status, 202);
  turn_until([&] { return log.has("upstream_failed"); });
  EXPECT_TRUE(log.has("upstream_failed")) << "the first answer still takes up its room";
  reads = true;
  again.raise();
  turn_until([&] { return heard.size() > answer_size && heard.find(R"("id":6)") != std::string::npos; });
  EXPECT_GT(heard.size(), answer_size);
  EXPECT_NE(heard.find("too many large answers to one caller at once"), std::string::npos);
}

}  // namespace
}  // namespace callgate::gateway::large_answers_test
