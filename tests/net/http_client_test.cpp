#include "net/http_client.hpp"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "net/http_server.hpp"

namespace callgate::net::http_client_test {
namespace {

using std::chrono::seconds;

/// Answers with the headers that it was told last.
class Answers final : public HttpHandler {
 public:
  Begins begins() const override { return Begins::with_body; }
  Task<void> handle(HttpExchange& exchange) override {
    peers.insert(exchange.peer().text());
    co_await exchange.respond(status, headers, exchange.body());
  }
  std::string refused(int /*status*/, const Error& error, const Address& /*peer*/) override { return error.message; }

  int status = 200;
  std::string headers;
  std::set<std::string> peers;
};

/// Sends these bytes, and takes what comes until the other side closes.
Task<void> talk(Loop& loop, Address to, std::string bytes, std::string& got, bool& done) {
  auto stream = co_await connect(loop, {to}, loop.now() + seconds(5));
  EXPECT_TRUE(stream.has_value());
  if (stream && co_await (*stream)->write_all(bytes, {}, seconds(5))) {
    std::array<char, 4096> piece;
    for (;;) {
      const Stream::Io io = (*stream)->read_now(piece);
      if (io.status == Stream::Status::done) {
        got.append(piece.data(), io.bytes);
      } else if (io.status != Stream::Status::would_block || !co_await (*stream)->readable(seconds(5))) {
        break;
      }
    }
  }
  done = true;
}

/// Takes one request of so many bytes, and answers it.
Task<void> take_request(Listener& listener, std::size_t bytes, std::string& got) {
  Address peer;
  auto stream = co_await listener.accept(peer);
  EXPECT_TRUE(stream.has_value());
  if (!stream) co_return;
  std::array<char, 4096> piece;
  while (got.size() < bytes) {
    const Stream::Io io = (*stream)->read_now(piece);
    if (io.status == Stream::Status::done) {
      got.append(piece.data(), io.bytes);
    } else if (io.status != Stream::Status::would_block || !co_await (*stream)->readable(seconds(5))) {
      co_return;
    }
  }
  EXPECT_TRUE((co_await (*stream)->write_all("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", {}, seconds(5))).has_value());
}

class HttpClients : public testing::Test {
 protected:
  using Look = std::function<void(const Headers& headers)>;

  void SetUp() override {
    const auto bound = server_.listen(*Address::numeric("127.0.0.1", 0));
    ASSERT_TRUE(bound.has_value());
    address_ = *bound;
    client_.emplace(loop_, Url{.tls = false, .host = "127.0.0.1", .port = bound->port(), .target = "/"}, nullptr, ClientLimits{});
  }
  template <class Done>
  void turn_until(Done done) {
    const Instant until = Loop::read_clock() + seconds(10);
    while (!done() && Loop::read_clock() < until) loop_.turn(std::chrono::milliseconds(20));
    EXPECT_TRUE(done());
  }
  /// All that comes back for a request that wants its connection closed.
  std::string raw(std::string_view method, std::string_view body) {
    std::string got;
    bool done = false;
    const std::string length = body.empty() ? std::string() : fmt::format("Content-Length: {}\r\n", body.size());
    group_.spawn(talk(loop_, address_, fmt::format("{} / HTTP/1.1\r\nHost: a\r\n{}Connection: close\r\n\r\n{}", method, length, body), got, done));
    turn_until([&] { return done; });
    return got;
  }
  enum class Read : std::uint8_t { whole, nothing };
  /// Sends a request that is answered with these headers, and looks at those of the answer.
  void ask(std::string headers, Read read, const Look& look) {
    answers_.headers = std::move(headers);
    bool done = false;
    group_.spawn(exchange(read, look, done));
    turn_until([&] { return done; });
  }
  const std::set<std::string>& peers() const { return answers_.peers; }

  Loop loop_;
  Answers answers_;

 private:
  Task<void> exchange(Read read, const Look& look, bool& done) {
    auto reply = co_await client_->send("POST", "X-Test: 1\r\n", "body", seconds(5));
    EXPECT_TRUE(reply.has_value());
    if (reply) look((*reply)->headers());
    if (reply && read == Read::whole) {
      const auto body = co_await (*reply)->whole(1024, seconds(5));
      EXPECT_TRUE(body.has_value() && *body == "body");
    }
    done = true;
  }

  HttpServer server_{loop_, answers_, {}};
  Address address_;
  std::optional<HttpClient> client_;
  TaskGroup group_;
};

std::string many_headers() {
  std::string lines = "Mcp-Session-Id: first\r\nMcp-Session-Id: second\r\n";
  for (int i = 0; i < 40; ++i) lines += fmt::format("X-{}: {}\r\n", i, i);
  return lines;
}

/// The list of an answer's headers is kept with its connection: nothing of one answer is in the next one.
TEST_F(HttpClients, AnAnswerHasItsOwnHeadersOnly) {
  ask(many_headers(), Read::whole, [](const Headers& headers) {
    EXPECT_EQ(headers.find(HeaderName::mcp_session_id), "first");
    EXPECT_TRUE(headers.repeats(HeaderName::mcp_session_id));
    EXPECT_EQ(headers.all().size(), 43U) << "with its length";
  });
  ask("Content-Type: text/html\r\n", Read::whole, [](const Headers& headers) {
    EXPECT_EQ(headers.all().size(), 2U);
    EXPECT_FALSE(headers.has(HeaderName::mcp_session_id));
    EXPECT_FALSE(headers.repeats(HeaderName::mcp_session_id));
    EXPECT_FALSE(headers.has("X-7"));
    EXPECT_EQ(headers.find(HeaderName::content_type), "text/html");
  });
  EXPECT_EQ(peers().size(), 1U) << "both came over one connection";
}

/// What nobody reads to its end takes its connection along, and its list of headers.
TEST_F(HttpClients, AnAnswerThatIsDroppedLeavesNothingToTheNext) {
  ask(many_headers(), Read::nothing, [](const Headers& headers) { EXPECT_EQ(headers.all().size(), 43U); });
  ask({}, Read::whole, [](const Headers& headers) {
    EXPECT_EQ(headers.all().size(), 1U);
    EXPECT_FALSE(headers.has("X-7"));
  });
  EXPECT_EQ(peers().size(), 2U);
}

/// Byte by byte, of every length: a text that grows must not be longer than what was put into it.
TEST_F(HttpClients, AnAnswerIsItsHeadAndItsBodyAndNoByteMore) {
  for (std::size_t size = 1; size < 200; ++size) {
    answers_.headers = "X: " + std::string(size, 'x') + "\r\n";
    ASSERT_EQ(raw("POST", "hi"), "HTTP/1.1 200 OK\r\n" + answers_.headers + "Connection: close\r\nContent-Length: 2\r\n\r\nhi");
  }
  answers_.headers = "X: 1\r\n";
  EXPECT_EQ(raw("GET", ""), "HTTP/1.1 200 OK\r\nX: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  answers_.status = 204;
  EXPECT_EQ(raw("GET", ""), "HTTP/1.1 204 No Content\r\nX: 1\r\nConnection: close\r\n\r\n");
  for (const std::size_t size : {4000UL, 4096UL, 4097UL, 20'000UL}) {
    answers_.status = 200;
    const std::string body(size, 'b');
    ASSERT_EQ(raw("POST", body), fmt::format("HTTP/1.1 200 OK\r\nX: 1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}", size, body));
  }
}

TEST_F(HttpClients, ARequestIsItsHeadAndItsBodyAndNoByteMore) {
  const auto sent = [this](std::string_view method, std::string headers, std::string body) {
    const auto listener = Listener::open(loop_, *Address::numeric("127.0.0.1", 0));
    EXPECT_TRUE(listener.has_value());
    const std::uint16_t port = (*listener)->address().port();
    HttpClient client(loop_, {.tls = false, .host = "127.0.0.1", .port = port, .target = "/mcp?x=1"}, nullptr, {});
    const std::string length = method == "POST" ? fmt::format("Content-Length: {}\r\n", body.size()) : std::string();
    const std::string expected = fmt::format("{} /mcp?x=1 HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{}{}\r\n{}", method, port, headers, length, body);
    std::string got;
    bool done = false;
    TaskGroup tasks;
    tasks.spawn(take_request(**listener, expected.size(), got));
    const auto ask = [&]() -> Task<void> {
      auto reply = co_await client.send(method, headers, body, seconds(5));
      EXPECT_TRUE(reply.has_value());
      done = true;
    };
    tasks.spawn(ask());
    turn_until([&] { return done; });
    EXPECT_EQ(got, expected);
  };
  for (std::size_t size = 1; size < 60; ++size) sent("POST", "X: " + std::string(size, 'x') + "\r\n", "body");
  sent("POST", {}, {});
  sent("GET", "Accept: text/event-stream\r\n", {});
  for (const std::size_t size : {4000UL, 4096UL, 4097UL, 20'000UL}) sent("POST", "X: 1\r\n", std::string(size, 'b'));
}

/// A server that sends whatever bytes a test wants, once.
class RawServer {
 public:
  explicit RawServer(Loop& loop, std::string answer) : listener(std::move(*Listener::open(loop, *Address::numeric("127.0.0.1", 0)))) {
    group.spawn(serve(std::move(answer)));
  }
  Task<void> serve(std::string answer) {
    for (;;) {
      Address peer;
      auto stream = co_await listener->accept(peer);
      if (!stream) co_return;
      ++connections;
      char buffer[4096];
      while ((*stream)->read_now(buffer).status == Stream::Status::would_block) {
        if (!co_await (*stream)->readable(seconds(2))) break;
      }
      co_await (*stream)->write_all(answer, {}, seconds(2));
    }
  }
  std::unique_ptr<Listener> listener;
  int connections = 0;
  TaskGroup group;
};

/// The body of the answer, or why there is none.
Task<void> ask_once(HttpClient& client, std::string& out, bool& done) {
  auto reply = co_await client.send("POST", {}, "x", seconds(2));
  if (reply) {
    auto whole = co_await (*reply)->whole(1 << 20, seconds(2));
    out = whole ? std::string(*whole) : whole.error().message;
  } else {
    out = reply.error().error.message;
  }
  done = true;
}

class HostileServer : public testing::TestWithParam<std::pair<const char*, std::string>> {};

/// Protocol item 78.
TEST_P(HostileServer, GivesAnErrorAndIsAskedOnce) {
  Loop loop;
  RawServer server(loop, GetParam().second);
  HttpClient client(loop, {.tls = false, .host = "127.0.0.1", .port = server.listener->address().port(), .target = "/"}, nullptr, {});
  TaskGroup group;
  std::string out;
  bool done = false;
  group.spawn(ask_once(client, out, done));
  const Instant until = Loop::read_clock() + seconds(10);
  while (!done && Loop::read_clock() < until) loop.turn(std::chrono::milliseconds(20));
  EXPECT_TRUE(done);
  EXPECT_NE(out, "");
  EXPECT_EQ(server.connections, 1) << "no request is sent twice";
}

INSTANTIATE_TEST_SUITE_P(
    Http, HostileServer,
    testing::Values(std::pair{"closes_at_once", std::string()}, std::pair{"no_http", std::string("hello\r\n\r\n")},
                    std::pair{"two_lengths", std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")},
                    std::pair{"cut_short", std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nab")},
                    std::pair{"bad_chunk", std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")},
                    std::pair{"huge_length", std::string("HTTP/1.1 200 OK\r\nContent-Length: 900000000000\r\n\r\n")},
                    std::pair{"huge_head", "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'a') + "\r\n\r\n"}, std::pair{"switches_protocols", std::string("HTTP/1.1 101 Switching Protocols\r\n\r\n")}),
    [](const auto& row) { return std::string(row.param.first); });

}  // namespace
}  // namespace callgate::net::http_client_test
