#include "net/redis_client.hpp"

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "net/redis_server.hpp"

namespace callgate::net::redis_client_test {
namespace {

using test::ask;
using test::await;
using test::RedisServer;
using namespace std::chrono_literals;
using Kind = RedisReply::Kind;

TEST(RedisProtocol, ReadsEveryKindOfReplyHoweverItArrives) {
  using namespace std::string_literals;
  const std::string bytes = "*5\r\n:-7\r\n$4\r\na\0\r\n\r\n$-1\r\n+OK\r\n*1\r\n$0\r\n\r\n-OOM no room\r\n"s;
  RedisReplies replies;
  std::vector<RedisReply> got;
  for (const char byte : bytes) {
    replies.feed(std::span(&byte, 1));
    auto reply = replies.next();
    ASSERT_TRUE(reply.has_value());
    if (*reply) got.push_back(std::move(**reply));
  }
  ASSERT_EQ(got.size(), 2U);
  ASSERT_EQ(got[0].items.size(), 5U);
  EXPECT_EQ(got[0].items[0].integer, -7);
  EXPECT_EQ(got[0].items[1].text, std::string("a\0\r\n", 4));
  EXPECT_EQ(got[0].items[2].kind, Kind::nil);
  EXPECT_EQ(got[0].items[3].text, "OK");
  EXPECT_EQ(got[0].items[4].items.at(0).text, "");
  EXPECT_TRUE(got[1].is_error());
  EXPECT_EQ(got[1].text, "OOM no room");
}

TEST(RedisProtocol, WhatIsNoReplyIsAnError) {
  for (const std::string_view bytes : {"HTTP/1.1 400\r\n", "$x\r\n", "*99999999999999999999\r\n"}) {
    RedisReplies replies;
    replies.feed(bytes);
    EXPECT_FALSE(replies.next().has_value()) << bytes;
  }
}

TEST(RedisProtocol, AReplyWithoutEndIsGivenUp) {
  RedisReplies replies;
  replies.feed(std::string_view("$500000000\r\n"));
  const std::string some(1U << 20U, 'x');
  Result<std::optional<RedisReply>> reply;
  for (int i = 0; i < 20 && reply; ++i) {
    replies.feed(some);
    reply = replies.next();
  }
  EXPECT_EQ(reply.error().kind, ErrorKind::too_large);
}

/// A server whose replies come when the test says so.
class HeldReplies {
 public:
  HeldReplies() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~HeldReplies() {
    for (const int each : connections_) ::close(each);
    ::close(listener_);
  }
  std::uint16_t port() const { return port_; }
  /// The next connection, which has introduced itself.
  void accept(Loop& loop, const RedisClient& client) {
    const Instant until = Loop::read_clock() + 10s;
    int taken = -1;
    while (taken < 0 && Loop::read_clock() < until) {
      loop.turn(5ms);
      taken = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    }
    ASSERT_GE(taken, 0);
    connections_.push_back(taken);
    say("+OK\r\n+PONG\r\n");
    while (!client.health() && Loop::read_clock() < until) loop.turn(5ms);
    ASSERT_TRUE(client.health().has_value());
    loop.turn(5ms);
  }
  void say(std::string_view bytes) const {
    EXPECT_EQ(::send(connections_.back(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

 private:
  int listener_;
  std::uint16_t port_ = 0;
  std::vector<int> connections_;
};

TEST(RedisConnection, ALateReplyOfTheOneThatWasLeftIsNobodys) {
  Loop loop;
  HeldReplies server;
  RedisClient client(loop, {.host = "127.0.0.1", .port = server.port(), .user = {}, .password = {}, .answer_within = 5s});
  client.start({});
  server.accept(loop, client);
  const auto echo = [&](std::string_view text) { return client.ask(std::array<std::string_view, 2>{"ECHO", text}); };
  auto first = echo("first");
  auto second = echo("second");
  loop.turn(5ms);
  server.say("+first\r\n");
  EXPECT_EQ(await(loop, std::move(first))->text, "first");
  server.say("+second\r\n");  // arrives, and nobody has read it yet
  client.renew({ErrorKind::unavailable, "it is a replica now", {}});
  auto third = echo("third");
  EXPECT_FALSE(await(loop, std::move(second)).has_value());
  server.accept(loop, client);
  server.say("+third\r\n");
  EXPECT_EQ(await(loop, std::move(third))->text, "third");
}

class RedisClientTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::program()) GTEST_SKIP() << "neither valkey-server nor redis-server is installed";
    server_.emplace();
  }
  /// Turns until the client knows its server.
  void reach(RedisClient& client) {
    const Instant until = Loop::read_clock() + 10s;
    while (!client.health() && Loop::read_clock() < until) loop_.turn(20ms);
    ASSERT_TRUE(client.health().has_value()) << client.health().error().message;
  }
  static Task<Result<RedisReply>> echo(RedisClient& client, std::string_view text) {
    return client.ask(std::array<std::string_view, 2>{"ECHO", text});
  }

  Loop loop_;
  std::optional<RedisServer> server_;
};

TEST_F(RedisClientTest, CommandsOfOneTurnAreAnsweredEachWithItsOwnReply) {
  RedisClient client(loop_, server_->place());
  client.start({});
  std::vector<Task<Result<RedisReply>>> tasks;
  for (int i = 0; i < 500; ++i) tasks.push_back(echo(client, std::to_string(i)));
  for (int i = 0; i < 500; ++i) EXPECT_EQ(await(loop_, std::move(tasks[static_cast<std::size_t>(i)]))->text, std::to_string(i));
}

TEST_F(RedisClientTest, WhoNoLongerWaitsTakesNobodysReply) {
  RedisClient client(loop_, server_->place());
  client.start({});
  auto first = echo(client, "first");
  { const auto dropped = echo(client, "dropped"); }
  auto third = echo(client, "third");
  EXPECT_EQ(await(loop_, std::move(first))->text, "first");
  EXPECT_EQ(await(loop_, std::move(third))->text, "third");
}

TEST_F(RedisClientTest, AnErrorOfTheServerIsAReply) {
  RedisClient client(loop_, server_->place());
  client.start({});
  const auto reply = ask(client, {"NO-SUCH-COMMAND"});
  ASSERT_TRUE(reply.has_value());
  EXPECT_TRUE(reply->is_error());
  EXPECT_EQ(ask(client, {"PING"})->text, "PONG");
}

TEST_F(RedisClientTest, AFrozenServerIsLostInTimeAndFoundAgain) {
  std::vector<std::string> heard;
  RedisClient client(loop_, server_->place(RedisServer::until_lost));
  client.start([&](const Result<void>& there) { heard.push_back(there ? "there" : "lost"); });
  reach(client);
  server_->freeze();
  const Instant began = Loop::read_clock();
  EXPECT_EQ(ask(client, {"PING"}).error().kind, ErrorKind::timeout);
  EXPECT_LT(Loop::read_clock() - began, RedisServer::until_lost * 3 / 2) << "one wait, and no other behind it";
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(ask(client, {"PING"}).has_value());
  EXPECT_LT(Loop::read_clock() - began, RedisServer::until_lost * 5 / 2) << "while it is lost nobody waits";
  server_->thaw();
  reach(client);
  EXPECT_EQ(ask(client, {"PING"})->text, "PONG");
  EXPECT_EQ(heard, (std::vector<std::string>{"there", "lost", "there"}));
}

TEST_F(RedisClientTest, AServerThatRestartsIsFoundAgain) {
  RedisClient client(loop_, server_->place());
  client.start({});
  reach(client);
  server_->stop();
  EXPECT_FALSE(ask(client, {"PING"}).has_value());
  server_->start();
  reach(client);
  EXPECT_EQ(ask(client, {"PING"})->text, "PONG");
}

TEST_F(RedisClientTest, AClosedConnectionIsReplacedWithoutANewsItem) {
  std::vector<std::string> heard;
  RedisClient client(loop_, server_->place());
  client.start([&](const Result<void>& there) { heard.push_back(there ? "there" : there.error().message); });
  reach(client);
  (void)ask(client, {"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no"});
  while (client.health()) loop_.turn(20ms);
  EXPECT_EQ(ask(client, {"PING"})->text, "PONG") << "a command waits for the new connection";
  EXPECT_EQ(heard, std::vector<std::string>{"there"});
}

TEST_F(RedisClientTest, APasswordIsGivenAndAWrongOneIsTheReason) {
  RedisServer guarded({"--requirepass", "s3cret"});
  RedisPlace place = guarded.place();
  place.password = Secret("s3cret");
  RedisClient right(loop_, place);
  right.start({});
  EXPECT_EQ(ask(right, {"PING"})->text, "PONG");
  place.password = Secret("wr0ng");
  RedisClient wrong(loop_, place);
  wrong.start({});
  const auto refused = ask(wrong, {"PING"});
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().message.contains("WRONGPASS")) << refused.error().message;
  EXPECT_FALSE(refused.error().message.contains("wr0ng"));
}

TEST_F(RedisClientTest, DatabasesAreApart) {
  RedisPlace place = server_->place();
  RedisClient zero(loop_, place);
  place.database = 3;
  RedisClient three(loop_, place);
  zero.start({});
  three.start({});
  (void)ask(three, {"SET", "key", "value"});
  EXPECT_EQ(ask(zero, {"GET", "key"})->kind, Kind::nil);
  EXPECT_EQ(ask(three, {"GET", "key"})->text, "value");
}

TEST(RedisClientAlone, WithoutAServerEveryCommandIsRefusedInTime) {
  Loop loop;
  RedisPlace place;
  EXPECT_LE(place.answer_within, 400ms) << "what a call is held up by a server that is silent";
  place.host = "/no/such/folder/socket";
  place.answer_within = 20s;
  RedisClient client(loop, place);
  client.start({});
  const Instant began = Loop::read_clock();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(ask(client, {"PING"}).error().kind, ErrorKind::unavailable);
  EXPECT_LT(Loop::read_clock() - began, 10s) << "nobody waits for an answer where there is no server";
}

TEST(RedisClientAlone, ATaskMayOutliveItsClient) {
  Loop loop;
  RedisPlace place;
  place.host = "/no/such/folder/socket";
  std::optional<RedisClient> client(std::in_place, loop, place);
  const auto task = client->ask(std::array<std::string_view, 1>{"PING"});
  client.reset();
}

}  // namespace
}  // namespace callgate::net::redis_client_test
