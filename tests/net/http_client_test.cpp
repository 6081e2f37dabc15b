#include "net/http_client.hpp"

#include <gtest/gtest.h>

#include <functional>
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
    co_await exchange.respond(200, headers, exchange.body());
  }
  std::string refused(int /*status*/, const Error& error, const Address& /*peer*/) override { return error.message; }

  std::string headers;
  std::set<std::string> peers;
};

class HttpClients : public testing::Test {
 protected:
  using Look = std::function<void(const Headers& headers)>;

  void SetUp() override {
    const auto bound = server_.listen(*Address::numeric("127.0.0.1", 0));
    ASSERT_TRUE(bound.has_value());
    client_.emplace(loop_, Url{.tls = false, .host = "127.0.0.1", .port = bound->port(), .target = "/"}, nullptr, ClientLimits{});
  }
  enum class Read : std::uint8_t { whole, nothing };
  /// Sends a request that is answered with these headers, and looks at those of the answer.
  void ask(std::string headers, Read read, const Look& look) {
    answers_.headers = std::move(headers);
    bool done = false;
    group_.spawn(exchange(read, look, done));
    const Instant until = Loop::read_clock() + seconds(10);
    while (!done && Loop::read_clock() < until) loop_.turn(std::chrono::milliseconds(20));
    EXPECT_TRUE(done);
  }
  const std::set<std::string>& peers() const { return answers_.peers; }

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

  Loop loop_;
  Answers answers_;
  HttpServer server_{loop_, answers_, {}};
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

}  // namespace
}  // namespace callgate::net::http_client_test
