// Large answers to clients that do not read them.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "gateway/sse_server.hpp"

namespace callgate::gateway::large_answers_test {
namespace {

constexpr const char* allow_all = "callgate: 1\ndefault: allow\n";
constexpr std::size_t mebibyte = std::size_t{1} << 20U;
/// More than the sockets between gate and client hold, whatever the machine gives them: the client's is small, and
/// the gate's grows by what the client takes.
constexpr std::size_t answer_size = 12 * mebibyte;
constexpr int clients_buffer = 64 << 10;

/// A client that asks, and reads no further than the head of the answer before it is told to.
class Reader {
 public:
  Reader(const net::Address& gate, std::string_view request) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    EXPECT_EQ(setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &clients_buffer, sizeof clients_buffer), 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(gate.port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    EXPECT_EQ(send(fd_, request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
  }
  ~Reader() { close(fd_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /// The answer has begun to come.
  bool has_begun() const {
    char byte = 0;
    return recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
  }
  /// What is there now; true once there is no more to come.
  bool read_on() {
    static char some[mebibyte];
    ssize_t got = 0;
    while ((got = recv(fd_, some, sizeof some, MSG_DONTWAIT)) > 0) heard_.append(some, static_cast<std::size_t>(got));
    return got == 0;
  }
  /// So much of it and no more; true once it is there.
  bool read_up_to(std::size_t bytes) {
    static char some[mebibyte];
    ssize_t got = 0;
    while (heard_.size() < bytes && (got = recv(fd_, some, std::min(sizeof some, bytes - heard_.size()), MSG_DONTWAIT)) > 0)
      heard_.append(some, static_cast<std::size_t>(got));
    return heard_.size() >= bytes;
  }
  const std::string& heard() const { return heard_; }

 private:
  int fd_;
  std::string heard_;
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
    const std::string text = body.empty() ? call_text("read", "{}", ++last_id) : body;
    std::string head = "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n" + authorization + more;
    if (!session_id.empty()) head += "Mcp-Session-Id: " + session_id + "\r\n";
    head += "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n";
    Reader& reader = *readers.emplace_back(std::make_unique<Reader>(address, head + text));
    turn_until([&] { return reader.has_begun(); });
    EXPECT_TRUE(reader.has_begun());
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
    turn_until([&] { return readers.front()->read_on(); });
    EXPECT_TRUE(readers.front()->heard().starts_with("HTTP/1.1 200 "));
    EXPECT_GT(readers.front()->heard().size(), answer_size);
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

/// What the gate writes anew takes up room as what it passes on.
TEST_F(LargeAnswers, InACodeOfTheGatesLeaveRoomForOtherCallers) {
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    co_await exchange.respond(200, "Content-Type: application/json\r\n",
                              R"({"jsonrpc":"2.0","id":)" + id + R"(,"error":{"code":1003,"message":"m","data":")" + std::string(answer_size, 'a') + R"("}})");
  };
  start(allow_all);
  one_leaves_room_for_the_other();
}

TEST_F(LargeAnswers, WhoseEventsGrowCountAsTheyAreKept) {
  upstream.raw_answer = [](net::HttpExchange& exchange, std::string id) -> net::Task<void> {
    std::string text;
    for (std::size_t at = 0; at < answer_size / 4; ++at) text += "\u0085";
    co_await exchange.respond(200, "Content-Type: text/event-stream\r\n", "data: " + (R"({"jsonrpc":"2.0","id":)" + id + R"(,"result":{"content":[{"type":"text","text":")" + text + R"("}]}})") + "\n\n");
  };
  start(allow_all);
  enter_as("slow");
  EXPECT_NE(call("read", "{}", 5).body.find("too many large answers to one caller at once"), std::string::npos) << "6 MiB of the server's are 18 to the client, beside those";
}

/// Of a session's own stream: each takes up its room until the client has it, and no longer.
class LargeNews : public LargeAnswers {
 protected:
  void take_up_their_room(const std::string& before) {
    const std::string event = before + R"(data: {"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":")" + std::string(answer_size, 'a') + "\"}}\n\n";
    upstream.stream_events = event;
    upstream.call_result = R"({"content":[{"type":"text","text":")" + std::string(answer_size, 'a') + R"("}]})";
    start(allow_all);
    enter_as("slow");
    Reader reader(address, "GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n" + authorization + "Mcp-Session-Id: " + session_id + "\r\n\r\n");
    turn_until([&] { return reader.read_up_to(1000); });
    ASSERT_GE(reader.heard().size(), 1000U) << "the gate has the event, and passes it on";
    EXPECT_NE(call_now().find("too many large answers to one caller at once"), std::string::npos);
    turn_until([&] { return reader.read_up_to(answer_size); });
    ASSERT_GE(reader.heard().size(), answer_size);
    turn_until([&] { return reader.read_on() || call_now() == "all of it"; });
    EXPECT_EQ(call_now(), "all of it");
  }
};

TEST_F(LargeNews, TakeUpTheirRoomUntilTheyWereRead) { take_up_their_room({}); }

TEST_F(LargeNews, ThatAreWrittenAnewTakeUpBoth) {
  replies = std::make_shared<net::ReplyRoom>(256 * mebibyte);  // 32 for a caller: for the event and an answer, or for the event in both its forms
  take_up_their_room(": a comment\n");
}

/// Of a subscription likewise, of which a client may open many.
TEST_F(LargeAnswers, AsNewsOfASubscriptionTakeUpTheirRoomUntilTheyWereRead) {
  upstream.on_request = [](net::HttpExchange& exchange, std::string method, std::string, std::string) -> net::Task<bool> {
    if (method != "subscriptions/listen") co_return false;
    const auto news = [](const std::string& named, const std::string& members) {
      return R"(data: {"jsonrpc":"2.0","method":"notifications/)" + named + R"(","params":{)" + members + R"(,"_meta":{"io.modelcontextprotocol/subscriptionId":"sub"}}})" + "\n\n";
    };
    co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
    co_await exchange.write(news("subscriptions/acknowledged", R"("notifications":{"promptsListChanged":true})"));
    co_await exchange.write(news("prompts/list_changed", R"("more":")" + std::string(answer_size, 'a') + '"'));
    co_await exchange.gone(net::Loop::forever);
    co_return true;
  };
  upstream.call_result = R"({"content":[{"type":"text","text":")" + std::string(answer_size, 'a') + R"("}]})";
  start(allow_all);
  call_as("slow");
  Reader& reader = call_unread(modern_text("subscriptions/listen", R"("notifications":{"promptsListChanged":true})", "\"sub\""), modern_headers("subscriptions/listen"));
  turn_until([&] { return reader.read_up_to(2000); });
  ASSERT_GE(reader.heard().size(), 2000U) << reader.heard();
  open_session();
  EXPECT_NE(call_now().find("too many large answers to one caller at once"), std::string::npos);
  turn_until([&] { return reader.read_up_to(answer_size); });
  ASSERT_GE(reader.heard().size(), answer_size);
  turn_until([&] { return reader.read_on() || call_now() == "all of it"; });
  EXPECT_EQ(call_now(), "all of it");
}

/// A child that says something large when its client tells it that the roots changed.
constexpr const char* talker = R"sh(
size=$1
say() { printf "$1" "$3"; head -c "$size" /dev/zero | tr '\0' a; echo "$2"; }
while IFS= read -r line; do
  id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\|"[^"]*"\)[,}].*/\1/p')
  case "$line" in
    *'"method":"initialize"'*) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{},\"prompts\":{}},\"serverInfo\":{\"name\":\"sh\",\"version\":\"1\"}}}" ;;
    *'"method":"tools/list"'*) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{\"tools\":[{\"name\":\"read\",\"inputSchema\":{\"type\":\"object\"}}]}}" ;;
    *callgate_probe_*|*'"method":"server/discover"'*) echo "{\"jsonrpc\":\"2.0\",\"id\":$id,\"error\":{\"code\":-32601,\"message\":\"no\"}}" ;;
    *'notifications/roots/list_changed'*)
      say '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"' '"}}'
      if [ -e "$2/asks" ]; then
        say '{"jsonrpc":"2.0","id":"q","method":"ping","params":{"x":"' '"}}'
      fi
      if [ -e "$2/news" ]; then
        say '{"jsonrpc":"2.0","method":"notifications/prompts/list_changed","params":{"x":"' '"}}'
      fi ;;
    *'"id":"q"'*) printf '%s\n' "$line" >>"$2/answers" ;;
    *'"method":"tools/call"'*)
      say '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"' '"}]}}' "$id"
      if [ -e "$2/after" ]; then
        say '{"jsonrpc":"2.0","method":"notifications/prompts/list_changed","params":{"x":"' '"}}'
      fi ;;
  esac
done
)sh";

class LargeWords : public LargeNews {
 protected:
  LargeWords() {
    std::ofstream(folder / "server.sh") << talker;
    adjust = [this](config::Server& server) {
      server.url.clear();
      server.command = {"/bin/sh", (folder / "server.sh").string(), std::to_string(answer_size), folder.string()};
    };
  }
  /// A client that listens; its server is told to say something large.
  Reader& listen() {
    Reader& reader = *readers.emplace_back(std::make_unique<Reader>(address, "GET /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n" + authorization + "Mcp-Session-Id: " + session_id + "\r\n\r\n"));
    turn_until([&] { return reader.has_begun(); });
    EXPECT_EQ(post(R"({"jsonrpc":"2.0","method":"notifications/roots/list_changed"})").status, 202);
    return reader;
  }
  /// The same; the first of it has come.
  Reader& hear() {
    Reader& reader = listen();
    turn_until([&] { return reader.read_up_to(1000); });
    EXPECT_GE(reader.heard().size(), 1000U);
    return reader;
  }
};

TEST_F(LargeWords, OfAChildTakeUpTheirRoomUntilTheyWereRead) {
  start(allow_all);
  enter_as("slow");
  Reader& reader = hear();
  const std::string slow_authorization = authorization;
  const std::string slow_session = session_id;
  EXPECT_NE(call_now().find("too many large answers to one caller at once"), std::string::npos);
  enter_as("other");
  EXPECT_EQ(call_now(), "all of it");
  authorization = slow_authorization;
  session_id = slow_session;
  turn_until([&] { return reader.read_up_to(answer_size); });
  ASSERT_GE(reader.heard().size(), answer_size);
  turn_until([&] { return reader.read_on() || call_now() == "all of it"; });
  EXPECT_EQ(call_now(), "all of it");
}

/// Before a server that has sessions only.
TEST_F(LargeWords, ToASubscriptionTakeUpTheirRoomUntilTheyWereRead) {
  std::ofstream(folder / "after") << "";
  start(allow_all);
  call_as("slow");
  Reader& reader = call_unread(modern_text("subscriptions/listen", R"("notifications":{"promptsListChanged":true})", "\"sub\""), modern_headers("subscriptions/listen"));
  const auto call_stateless = [&] {
    const std::string body = post(modern_text("tools/call", R"("name":"read","arguments":{})", std::to_string(++last_id)), modern_headers("tools/call", "read")).body;
    return body.size() > answer_size ? "all of it" : body;
  };
  EXPECT_EQ(call_stateless(), "all of it");
  turn_until([&] { return reader.read_up_to(mebibyte); });
  ASSERT_GE(reader.heard().size(), mebibyte);
  std::filesystem::remove(folder / "after");
  EXPECT_NE(call_stateless().find("too many large answers to one caller at once"), std::string::npos);
  turn_until([&] { return reader.read_up_to(answer_size); });
  turn_until([&] { return reader.read_on() || call_stateless() == "all of it"; });
  EXPECT_EQ(call_stateless(), "all of it");
}

/// A question is answered, and that a list changed is known without the rest.
TEST_F(LargeWords, OfAChildForWhichThereIsNoRoomAreNotWaitedFor) {
  start(allow_all);
  enter_as("slow");
  hear();
  std::ofstream(folder / "asks") << "";
  std::ofstream(folder / "news") << "";
  session_id.clear();
  open_session();
  Reader& reader = listen();
  turn_until([&] { return std::filesystem::exists(folder / "answers"); });
  std::ifstream answers(folder / "answers");
  const std::string answer{std::istreambuf_iterator<char>(answers), {}};
  EXPECT_NE(answer.find("too many large answers to one caller at once"), std::string::npos) << answer;
  EXPECT_TRUE(log.has("upstream_message_dropped"));
  const auto heard = [&](std::string_view text) { return reader.heard().find(text) != std::string::npos; };
  turn_until([&] { return reader.read_on() || heard("notifications/prompts/list_changed"); });
  EXPECT_TRUE(heard("notifications/prompts/list_changed"));
  EXPECT_LT(reader.heard().size(), mebibyte);
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
  Reader pipe(address, "GET /sse/fake HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n" + authorization + "\r\n");
  const auto hears = [&](std::string_view text) {
    std::size_t looked = 0;
    bool found = false;
    turn_until([&] {
      const bool over = pipe.read_on();
      found = pipe.heard().find(text, looked - std::min(looked, text.size())) != std::string::npos;
      looked = pipe.heard().size();
      return found || over;
    });
    return found;
  };
  ASSERT_TRUE(hears("\n\n")) << "the event that names the address to post to";
  const std::string& heard = pipe.heard();
  const std::size_t at = heard.find("data: ") + 6;
  target = heard.substr(at, heard.find('\n', at) - at);
  EXPECT_EQ(post(R"({"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"t","version":"1"}}})").status, 202);
  ASSERT_TRUE(hears(R"("id":0)"));
  const std::size_t before = records().size();
  EXPECT_EQ(call("read", "{}", 5).status, 202);
  turn_until([&] { return records().find(R"("status":"answered")", before) != std::string::npos; });
  EXPECT_EQ(call("read", "{}", 6).status, 202);
  turn_until([&] { return log.has("upstream_failed"); });
  EXPECT_TRUE(log.has("upstream_failed")) << "the first answer still takes up its room";
  EXPECT_TRUE(hears(R"("id":6)"));
  EXPECT_GT(heard.size(), answer_size);
  EXPECT_NE(heard.find("too many large answers to one caller at once"), std::string::npos);
}

}  // namespace
}  // namespace callgate::gateway::large_answers_test
