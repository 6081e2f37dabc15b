#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include "net/http_client.hpp"

// Whoever is slow on the other side meets one deadline, not one for each step.

namespace callgate::net::deadline_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

template <class Done>
void turn_until(Loop& loop, Done done) {
  const Instant until = Loop::read_clock() + seconds(10);
  while (!done() && Loop::read_clock() < until) loop.turn(milliseconds(5));
}

/// Takes connections, says `first`, then one byte of `then` every few milliseconds, and reads nothing.
class SlowServer {
 public:
  SlowServer(Loop& loop, std::string first, std::string then)
      : listener(std::move(*Listener::open(loop, *Address::numeric("127.0.0.1", 0)))), loop_(loop) {
    group.spawn(serve(std::move(first), std::move(then)));
  }
  Url url(bool tls = false) const { return {.tls = tls, .host = "127.0.0.1", .port = listener->address().port(), .target = "/"}; }

 private:
  Task<void> serve(std::string first, std::string then) {
    Address peer;
    auto stream = co_await listener->accept(peer);
    if (!stream) co_return;
    if (!co_await (*stream)->write_all(first, {}, seconds(2))) co_return;
    for (const char& c : then) {
      if (!co_await (*stream)->write_all({&c, 1}, {}, seconds(2))) co_return;
      co_await loop_.sleep(milliseconds(4));
    }
    co_await loop_.sleep(Loop::forever);
  }
  std::unique_ptr<Listener> listener;
  Loop& loop_;
  TaskGroup group;
};

struct Seen {
  std::optional<Error> error;
  std::size_t bytes = 0;
  bool done = false;
};

Task<void> ask(HttpClient& client, std::string body, Duration time, Seen& seen) {
  auto reply = co_await client.send("POST", {}, body, time);
  if (!reply) {
    seen.error = reply.error().error;
  } else {
    for (;;) {
      auto piece = co_await (*reply)->next(time);
      if (!piece) seen.error = piece.error();
      if (!piece || piece->empty()) break;
      seen.bytes += piece->size();
    }
  }
  seen.done = true;
}

class SlowPeer : public testing::Test {
 protected:
  Seen asked(const SlowServer& server, std::string body, bool tls = false, Duration within = milliseconds(100)) {
    HttpClient client(loop, server.url(tls), tls ? *TlsClient::make("") : nullptr, {});
    Seen seen;
    TaskGroup group;
    group.spawn(ask(client, std::move(body), within, seen));
    turn_until(loop, [&] { return seen.done; });
    EXPECT_TRUE(seen.done) << "the deadline of the call holds";
    return seen;
  }
  Loop loop;
};

TEST_F(SlowPeer, AHandshakeThatIsNotAnsweredEndsWithTheCall) {
  SlowServer server(loop, {}, {});
  const Seen seen = asked(server, "x", true);
  ASSERT_TRUE(seen.error.has_value());
  EXPECT_EQ(seen.error->kind, ErrorKind::timeout) << seen.error->message;
}

TEST_F(SlowPeer, ARequestThatIsNotTakenEndsWithTheCall) {
  SlowServer server(loop, {}, {});
  const Seen seen = asked(server, std::string(32U << 20U, 'x'));
  ASSERT_TRUE(seen.error.has_value());
  EXPECT_EQ(seen.error->kind, ErrorKind::timeout) << seen.error->message;
}

TEST_F(SlowPeer, AHeadThatTricklesEndsWithTheCall) {
  SlowServer server(loop, "HTTP/1.1 200 OK\r\nX: ", std::string(4000, 'x'));
  const Seen seen = asked(server, "x");
  ASSERT_TRUE(seen.error.has_value());
  EXPECT_EQ(seen.error->kind, ErrorKind::timeout) << seen.error->message;
}

TEST_F(SlowPeer, FramingThatTricklesIsNoContent) {
  SlowServer server(loop, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", std::string(1000, 'x'));
  const Seen seen = asked(server, "x");
  ASSERT_TRUE(seen.error.has_value());
  EXPECT_EQ(seen.error->kind, ErrorKind::timeout) << seen.error->message;
}

TEST_F(SlowPeer, AnAnswerAnnouncedWithoutEndIsRefused) {
  std::string hints;
  for (int i = 0; i < 100; ++i) hints += "HTTP/1.1 103 Early Hints\r\n\r\n";
  SlowServer server(loop, hints, {});
  const Seen seen = asked(server, "x", false, seconds(8));
  ASSERT_TRUE(seen.error.has_value());
  EXPECT_EQ(seen.error->kind, ErrorKind::malformed) << seen.error->message;
}

TEST(HttpClient, AStreamThatIsNeverEmptyTakesAPartOfATurn) {
  Loop loop;
  SlowServer server(loop, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string(1U << 20U, 'x'), {});
  HttpClient client(loop, server.url(), nullptr, {});
  Seen seen;
  TaskGroup group;
  group.spawn(ask(client, "x", seconds(5), seen));
  std::size_t most = 0;
  turn_until(loop, [&, before = std::size_t{0}]() mutable {
    most = std::max(most, seen.bytes - std::exchange(before, seen.bytes));
    return seen.bytes == 1U << 20U;
  });
  EXPECT_EQ(seen.bytes, 1U << 20U);
  EXPECT_LE(most, 64U * 1024);
}

Task<void> write_slowly_taken(Stream& stream, std::string bytes, std::optional<Result<void>>& out) {
  out = co_await stream.write_all(bytes, {}, milliseconds(200));
}

TEST(Stream, WhoTakesAByteNowAndThenHoldsNoAnswerForLong) {
  Loop loop;
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
  const int least = 1;
  setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
  Stream stream(loop, ends[0]);
  std::optional<Result<void>> out;
  TaskGroup group;
  group.spawn(write_slowly_taken(stream, std::string(60'000, 'x'), out));
  std::size_t taken = 0;
  turn_until(loop, [&] {
    char some[200];
    const ssize_t got = read(ends[1], some, sizeof some);
    if (got > 0) taken += static_cast<std::size_t>(got);
    return out.has_value();
  });
  close(ends[1]);
  ASSERT_TRUE(out.has_value());
  ASSERT_FALSE(out->has_value());
  EXPECT_EQ(out->error().kind, ErrorKind::timeout);
  EXPECT_LT(taken, 60'000U);
}

}  // namespace
}  // namespace callgate::net::deadline_test
