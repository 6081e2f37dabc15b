#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "net/http_client.hpp"
#include "net/http_server.hpp"

namespace callgate::net::http_test {
namespace {

using std::chrono::milliseconds;

template <class Done>
void turn_until(Loop& loop, Done done) {
  const Instant until = Loop::read_clock() + std::chrono::seconds(10);
  while (!done() && Loop::read_clock() < until) loop.turn(milliseconds(20));
}

/// Answers with the body it got; `/stream` in three pieces, `/silent` with nothing.
class Echo final : public HttpHandler {
 public:
  Begins begins() const override { return begins_with_head || refuses_by_head ? Begins::with_head : Begins::with_body; }
  Task<void> handle(HttpExchange& exchange) override {
    ++handled;
    if (seen) seen(exchange.peer());
    if (refuses_by_head) {
      co_await exchange.respond(401, {}, {});
      co_return;
    }
    if (begins_with_head && co_await exchange.receive(holder ? holder(exchange.head()) : std::string()) == Received::not_all) co_return;
    if (exchange.head().target == "/silent") co_return;
    if (looks_at) looks_at(exchange);
    if (exchange.head().target == "/stream") {
      co_await exchange.begin(200, "Content-Type: text/event-stream\r\n");
      for (int i = 0; i < 3; ++i) co_await exchange.write("data: x\n\n");
      co_await exchange.finish();
      co_return;
    }
    co_await exchange.respond(200, "Content-Type: text/plain\r\n", exchange.body());
  }
  std::string refused(int status, const Error& error, const Address& /*peer*/) override {
    refusals.emplace_back(status, error.message);
    return error.message;
  }
  int handled = 0;
  std::function<void(const Address& peer)> seen;
  std::function<std::string(const RequestHead& head)> holder;  ///< whose the memory for the body is
  std::function<void(HttpExchange& exchange)> looks_at;        ///< with its body, before it is answered
  bool begins_with_head = false;
  bool refuses_by_head = false;
  std::vector<std::pair<int, std::string>> refusals;
};

/// Security requirements S13, S14, S17: framing, time-outs, limits and bodies that nobody asked for.
class HttpWorld : public testing::Test {
 protected:
  void start(ServerLimits limits = {}) {
    server.emplace(loop, echo, limits);
    const auto bound = server->listen(*Address::numeric("127.0.0.1", 0));
    ASSERT_TRUE(bound.has_value());
    address = *bound;
  }
  Url url(std::string target) const { return {.tls = false, .host = "127.0.0.1", .port = address.port(), .target = std::move(target)}; }

  /// What a raw connection gets back for these bytes, until it is closed or `complete` holds.
  std::string raw(std::string bytes) {
    std::string got;
    bool done = false;
    group.spawn(talk(std::move(bytes), got, done));
    turn_until(loop, [&] { return done; });
    return got;
  }
  Task<void> talk(std::string bytes, std::string& got, bool& done) {
    auto stream = co_await connect(loop, {address}, loop.now() + std::chrono::seconds(2));
    if (stream && co_await (*stream)->write_all(bytes, {}, std::chrono::seconds(2))) {
      char buffer[4096];
      for (;;) {
        const Stream::Io io = (*stream)->read_now(buffer);
        if (io.status == Stream::Status::done) {
          got.append(buffer, io.bytes);
        } else if (io.status != Stream::Status::would_block || !co_await speaks(**stream)) {
          break;
        }
      }
    }
    done = true;
  }
  /// Whether the other side says more. It is silent after many short waits: a process that stood still for long has
  /// missed one of them, where one long wait would be over before the other side, which is in the same loop, had a turn.
  static Task<bool> speaks(Stream& stream) {
    for (int i = 0; i < 30; ++i) {
      if (co_await stream.readable(milliseconds(10))) co_return true;
    }
    co_return false;
  }

  Loop loop;
  Echo echo;
  std::optional<HttpServer> server;
  Address address;
  TaskGroup group;
};

Task<void> post(HttpClient& client, std::string body, std::string& out, bool& done) {
  auto reply = co_await client.send("POST", "X-Test: 1\r\n", body, std::chrono::seconds(2));
  if (reply) {
    auto whole = co_await (*reply)->whole(1 << 20, std::chrono::seconds(2));
    out = whole ? std::string(*whole) : whole.error().message;
  } else {
    out = reply.error().error.message;
  }
  done = true;
}

TEST_F(HttpWorld, CarriesBodiesOfAnySizeBothWays) {
  start();
  HttpClient client(loop, url("/"), nullptr, {});
  for (const std::size_t size : {0UL, 1UL, 1024UL, 65'536UL, 1'000'000UL}) {
    std::string body(size, 'a');
    std::string out;
    bool done = false;
    group.spawn(post(client, body, out, done));
    turn_until(loop, [&] { return done; });
    EXPECT_TRUE(out == body) << size;
  }
  EXPECT_EQ(server->open_connections(), 1U) << "the connection is kept and used again";
}

TEST_F(HttpWorld, TheConnectionOfALargeAnswerIsKept) {
  start();
  HttpClient client(loop, url("/"), nullptr, {});
  std::set<std::string> peers;
  echo.seen = [&](const Address& peer) { peers.insert(peer.text()); };
  for (const std::size_t size : {10UL, 5000UL, 65536UL, 65536UL, 4096UL, 1UL << 20U, 1UL << 20U, 10UL}) {
    std::string got;
    bool done = false;
    group.spawn(post(client, std::string(size, 'x'), got, done));
    turn_until(loop, [&] { return done; });
    EXPECT_EQ(got.size(), size);
  }
  EXPECT_EQ(peers.size(), 1U);
}

TEST_F(HttpWorld, AnswerOverTheLimitIsRefused) {
  start();
  HttpClient client(loop, url("/"), nullptr, {});
  std::string out;
  bool done = false;
  group.spawn(post(client, std::string(2'000'000, 'a'), out, done));
  turn_until(loop, [&] { return done; });
  EXPECT_NE(out.find("over"), std::string::npos);
}

/// Asks, reads the answer and holds it.
Task<void> hold(HttpClient& client, std::string body, std::unique_ptr<HttpReply>& held, std::string& out, bool& done) {
  auto reply = co_await client.send("POST", {}, body, std::chrono::seconds(5));
  if (reply) {
    held = std::move(*reply);
    auto whole = co_await held->whole(1 << 20, std::chrono::seconds(5));
    out = whole ? std::to_string(whole->size()) : whole.error().message;
    if (!whole) held.reset();
  }
  done = true;
}

/// Security requirement S25: large answers have a bound in sum, and a server no more than its share.
TEST_F(HttpWorld, LargeAnswersTakeUpRoomUntilTheyWerePassedOn) {
  start();
  const auto room = std::make_shared<ReplyRoom>(400'000);
  std::vector<std::unique_ptr<HttpClient>> servers;
  for (int i = 0; i < 6; ++i) servers.push_back(std::make_unique<HttpClient>(loop, url("/"), nullptr, ClientLimits{.room = {room, "server " + std::to_string(i)}}));
  const auto asked = [&](HttpClient& client, std::size_t size, std::unique_ptr<HttpReply>& held) {
    std::string out;
    bool done = false;
    group.spawn(hold(client, std::string(size, 'a'), held, out, done));
    turn_until(loop, [&] { return done; });
    return out;
  };
  std::vector<std::unique_ptr<HttpReply>> held(8);
  EXPECT_EQ(asked(*servers[0], 80'000, held[0]), "80000");
  EXPECT_EQ(asked(*servers[0], 80'000, held[6]), "too many large answers of this server at once: try again");
  EXPECT_EQ(asked(*servers[0], 10'000, held[6]), "10000") << "small ones are not counted";
  for (std::size_t i = 1; i < 5; ++i) EXPECT_EQ(asked(*servers[i], 80'000, held[i]), "80000");
  EXPECT_EQ(asked(*servers[5], 10'000, held[5]), "10000");
  EXPECT_EQ(asked(*servers[5], 80'000, held[5]), "too many large answers at once: try again");
  held[0].reset();
  EXPECT_EQ(asked(*servers[5], 80'000, held[5]), "80000") << "there is room again";
  EXPECT_EQ(asked(*servers[0], 80'000, held[0]), "too many large answers at once: try again");
  held.clear();
  EXPECT_EQ(asked(*servers[0], 99'000, held.emplace_back()), "99000");
  EXPECT_EQ(asked(*servers[0], 80'000, held.emplace_back()), "too many large answers of this server at once: try again");
  held.front()->keep_counted(17'000);
  EXPECT_EQ(asked(*servers[0], 80'000, held.back()), "80000") << "a stream passed its large event on";
  held.front()->keep_counted(10'000);
  EXPECT_EQ(held.front()->take_part(), nullptr) << "what is small now takes up nothing";
  held.clear();
}

/// Whoever it is that asks.
struct Somebody final : ReplyOwner {
  explicit Somebody(std::string its_name) : name(std::move(its_name)) {}
  std::string caller() const override { return name; }
  std::string name;
};

TEST(ReplyRoomTest, EachCallerHasAnEighthOverAllServersAndTheGatewayItselfNoShare) {
  const auto room = std::make_shared<ReplyRoom>(800'000);
  const std::array<ServerRoom, 2> servers{ServerRoom{room, "one"}, ServerRoom{room, "two"}};
  const Somebody slow("slow");
  const Somebody other("other");
  std::array<std::unique_ptr<ReplyPart>, 5> parts;
  EXPECT_TRUE(servers[0].count(parts[0], 60'000, &slow));
  const auto full = servers[1].count(parts[1], 60'000, &slow);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().message, "too many large answers to one caller at once: read those under way, then try again");
  EXPECT_TRUE(servers[1].count(parts[2], 60'000, &other));
  EXPECT_TRUE(servers[1].count(parts[3], 70'000, nullptr)) << "a list that is read for all";
  EXPECT_TRUE(servers[0].count(parts[0], 100'000, &slow)) << "an answer grows";
  EXPECT_FALSE(servers[0].count(parts[0], 100'001, &slow));
  ServerRoom::keep(parts[0], 30'000);
  EXPECT_TRUE(servers[1].count(parts[1], 60'000, &slow)) << "a stream passed its large event on";
  parts[0].reset();
  parts[1].reset();
  EXPECT_TRUE(servers[0].count(parts[4], 100'000, &slow)) << "all of it was given back";
}

TEST(ReplyRoomTest, TheLargestAnswerFindsPlaceForAnyCallerAlsoWhileItGrows) {
  constexpr std::size_t largest = std::size_t{100} << 20U;
  const ServerRoom server{std::make_shared<ReplyRoom>(ReplyRoom::most_for(largest)), "one"};
  const Somebody somebody("somebody");
  std::unique_ptr<ReplyPart> part;
  EXPECT_TRUE(server.count(part, 2 * largest, &somebody));
}

TEST_F(HttpWorld, ChunkedRequestsAreDecoded) {
  start();
  const std::string got = raw("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 200")) << got;
  EXPECT_TRUE(got.ends_with("abcde")) << got;
}

TEST_F(HttpWorld, PipelinedRequestsAreAnsweredInOrder) {
  start();
  const std::string got = raw(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\n2");
  EXPECT_EQ(echo.handled, 2);
  EXPECT_LT(got.find("\r\n\r\n1"), got.find("\r\n\r\n2")) << got;
}

/// RFC 9110 section 9.3.2: what stood behind such a head would be taken for the beginning of the next answer.
TEST_F(HttpWorld, AnAnswerToHeadHasNoBody) {
  start();
  const std::string got = raw("HEAD /silent HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\n2");
  EXPECT_EQ(echo.handled, 2);
  const std::size_t end = got.find("\r\n\r\n");
  EXPECT_TRUE(got.substr(end + 4).starts_with("HTTP/1.1 200")) << got;
}

TEST_F(HttpWorld, RequestsSentAheadAreServedOneInATurn) {
  start();
  std::string ahead;
  for (int i = 0; i < 30; ++i) ahead += "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";
  std::string got;
  bool done = false;
  group.spawn(talk(ahead, got, done));
  int most = 0;
  turn_until(loop, [&, before = 0]() mutable {
    most = std::max(most, echo.handled - std::exchange(before, echo.handled));
    return done;
  });
  EXPECT_EQ(echo.handled, 30);
  EXPECT_EQ(most, 1);
}

/// Protocol item 76.
TEST_F(HttpWorld, StreamsArriveAsChunks) {
  start();
  const std::string got = raw("POST /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  EXPECT_NE(got.find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_TRUE(got.ends_with("0\r\n\r\n")) << got;
}

TEST_F(HttpWorld, AHandlerWithoutAnAnswerGivesStatus500) {
  start();
  EXPECT_TRUE(raw("POST /silent HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").starts_with("HTTP/1.1 500"));
}

TEST_F(HttpWorld, AHugeDeclaredBodyIsRefusedUnread) {
  start();
  const std::string got = raw("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000000\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 413")) << got;
  EXPECT_EQ(echo.handled, 0);
}

TEST_F(HttpWorld, AChunkedBodyOverTheLimitIsRefused) {
  start({.body = 1000});
  const std::string got = raw("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, 'a') + "\r\n0\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 413")) << got;
}

std::string chunk_of(std::size_t bytes) { return fmt::format("{:x}\r\n{}\r\n", bytes, std::string(bytes, 'a')); }

TEST_F(HttpWorld, ChunkedBodiesCountAsTheyGrow) {
  start({.bodies = 1'200'000});  // 300'000 for one address
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  std::string held;
  bool done = false;
  group.spawn(talk(head + chunk_of(100'000), held, done));  // never ends its body
  turn_until(loop, [&] { return server->body_bytes() >= 100'000; });
  EXPECT_GE(server->body_bytes(), 100'000U);
  EXPECT_TRUE(raw(head + chunk_of(150'000) + chunk_of(150'000)).starts_with("HTTP/1.1 503"));
  EXPECT_TRUE(raw(head + chunk_of(1000) + "0\r\n\r\n").starts_with("HTTP/1.1 200")) << "small ones go on";
  turn_until(loop, [&] { return done; });
  turn_until(loop, [&] { return server->body_bytes() == 0; });
  EXPECT_EQ(server->body_bytes(), 0U) << "what is over is given back";
}

TEST_F(HttpWorld, ABodyCountsAsItComesAndNotAsItIsDeclared) {
  start({.bodies = 64U << 20U});
  std::array<std::string, 60> held;
  std::array<bool, 60> done{};
  for (std::size_t i = 0; i < held.size(); ++i)
    group.spawn(talk("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n{", held[i], done[i]));
  turn_until(loop, [&] { return server->open_connections() == held.size() && server->body_bytes() != 0; });
  const std::string large = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 400000\r\n\r\n" + std::string(400'000, 'x');
  EXPECT_TRUE(raw(large).starts_with("HTTP/1.1 200"));
  turn_until(loop, [&] { return std::ranges::all_of(done, std::identity()); });
  turn_until(loop, [&] { return server->body_bytes() == 0; });
  EXPECT_EQ(server->body_bytes(), 0U);
}

/// S14: what one holder keeps waiting leaves the others their room.
TEST_F(HttpWorld, OneHolderHasAQuarterOfTheRoomForLargeBodies) {
  echo.begins_with_head = true;
  echo.holder = [](const RequestHead& head) { return std::string(head.target); };
  start({.bodies = 4U << 20U});
  const auto begun = [](std::string_view who) { return fmt::format("POST /{} HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n", who); };
  std::array<std::string, 10> held;
  std::array<bool, 10> done{};
  for (std::size_t i = 0; i < held.size(); ++i) group.spawn(talk(begun("bad") + std::string(200'000, 'x'), held[i], done[i]));
  turn_until(loop, [&] { return server->body_bytes() >= 1U << 20U; });
  EXPECT_EQ(server->body_bytes(), 1U << 20U);
  const auto whole = [](std::string_view who) {
    return fmt::format("POST /{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 20000\r\n\r\n{}", who, std::string(20'000, 'x'));
  };
  EXPECT_TRUE(raw(whole("good")).starts_with("HTTP/1.1 200"));
  const std::string refused = raw(whole("bad"));
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503"));
  EXPECT_NE(refused.find("\r\nRetry-After: 1\r\n"), std::string::npos) << refused;
  turn_until(loop, [&] { return std::ranges::all_of(done, std::identity()); });
  turn_until(loop, [&] { return server->body_bytes() == 0; });
  EXPECT_TRUE(raw(whole("bad")).starts_with("HTTP/1.1 200")) << "its share is given back";
}

/// S14: what a handler makes of a body may be larger than the body.
TEST_F(HttpWorld, WhatIsKeptOfABodyCountsWithItUntilItIsAnswered) {
  std::vector<bool> fitted;
  std::vector<std::size_t> counted;
  echo.looks_at = [&](HttpExchange& exchange) {
    fitted.push_back(exchange.keep(exchange.body().size() == 100 ? 12'000 : 200'000).has_value());
    counted.push_back(server->body_bytes());
  };
  start({.bodies = 1'200'000});  // 300'000 for one address
  const auto with_body = [](std::size_t size) {
    return fmt::format("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}", size, std::string(size, 'x'));
  };
  for (const std::size_t size : {100U, 1000U, 50'000U, 150'000U}) raw(with_body(size));
  EXPECT_EQ(fitted, (std::vector<bool>{true, true, true, false}));
  EXPECT_EQ(counted[0], 0U) << "what is small is not counted";
  EXPECT_EQ(counted[1], 201'000U);
  EXPECT_EQ(counted[2], 250'000U);
  EXPECT_EQ(counted[3], 150'000U);
  turn_until(loop, [&] { return server->body_bytes() == 0; });
  EXPECT_EQ(server->body_bytes(), 0U);
}

TEST_F(HttpWorld, AChunkedBodyOfSingleBytesIsReadAndTheNextRequestIsFound) {
  start();
  std::string bytes = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 50'000; ++i) bytes += "1\r\nb\r\n";
  bytes += "0\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\nnext";
  const std::string got = raw(bytes);
  EXPECT_EQ(echo.handled, 2);
  EXPECT_NE(got.find("Content-Length: 50000\r\n\r\nbbb"), std::string::npos);
  EXPECT_TRUE(got.ends_with("\r\n\r\nnext"));
}

TEST_F(HttpWorld, TheBodyOfWhoIsRefusedIsNotWaitedFor) {
  echo.refuses_by_head = true;
  start();
  for (const char* size : {"Content-Length: 1000000", "Transfer-Encoding: chunked", "Content-Length: 10\r\nExpect: 100-continue"}) {
    const std::string got = raw(fmt::format("POST / HTTP/1.1\r\nHost: a\r\n{}\r\n\r\n", size));
    EXPECT_TRUE(got.starts_with("HTTP/1.1 401")) << size << got;
    EXPECT_NE(got.find("Connection: close"), std::string::npos) << size;
  }
  EXPECT_EQ(server->body_bytes(), 0U);
}

TEST_F(HttpWorld, ASmallBodyOfWhoIsRefusedIsPassedOver) {
  echo.refuses_by_head = true;
  start();
  const std::string one = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n" + std::string(20'000, 'x');
  const std::string got = raw(one + one);
  EXPECT_EQ(echo.handled, 2);
  EXPECT_NE(got.find("HTTP/1.1 401", 10), std::string::npos) << "the connection lives on";
}

TEST_F(HttpWorld, AHandlerThatBeginsWithTheHeadReceivesTheBody) {
  echo.begins_with_head = true;
  start();
  EXPECT_TRUE(raw("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc").ends_with("abc"));
  EXPECT_TRUE(raw("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_EQ(echo.refusals.size(), 1U);
}

TEST_F(HttpWorld, GetAndDeleteWithABodyAreRefused) {
  start();
  EXPECT_TRUE(raw("DELETE / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx").starts_with("HTTP/1.1 400"));
  EXPECT_TRUE(raw("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx").starts_with("HTTP/1.1 400"));
}

/// Protocol item 8.
TEST_F(HttpWorld, SmugglingFormsCloseTheConnection) {
  start();
  const std::string got = raw(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nPOST /evil HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 400")) << got;
  EXPECT_EQ(echo.handled, 0);
}

TEST_F(HttpWorld, ASlowHeaderIsCutOff) {
  start({.head_time = milliseconds(50)});
  EXPECT_TRUE(raw("POST / HTTP/1.1\r\nHos").starts_with("HTTP/1.1 408"));
}

/// Security requirement S13: such a head has no end that could be waited for.
TEST_F(HttpWorld, AHeadWithBareLineFeedsIsRefusedAtOnce) {
  start();
  for (const char* head : {"GET / HTTP/1.1\nHost: a\n\n", "\nGET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: a\n"}) {
    const Instant began = Loop::read_clock();
    EXPECT_TRUE(raw(head).starts_with("HTTP/1.1 400")) << head;
    EXPECT_LT(Loop::read_clock() - began, std::chrono::seconds(5)) << head;
  }
  EXPECT_EQ(echo.handled, 0);
}

Task<void> connect_and_stay(Loop& loop, Address address, bool& closed) {
  auto stream = co_await connect(loop, {address}, loop.now() + std::chrono::seconds(2));
  char byte = 0;
  while (stream && (*stream)->read_now({&byte, 1}).status == Stream::Status::would_block && co_await (*stream)->readable(std::chrono::seconds(8))) {
  }
  closed = true;
}

TEST_F(HttpWorld, AConnectionThatAsksNothingIsKeptNoLongerThanAHead) {
  start({.head_time = milliseconds(50)});
  bool closed = false;
  const Instant began = Loop::read_clock();
  group.spawn(connect_and_stay(loop, address, closed));
  turn_until(loop, [&] { return closed; });
  EXPECT_LT(Loop::read_clock() - began, std::chrono::seconds(5));
}

/// Sends the bytes one by one, never idle for long, behind what is sent `at_once`.
Task<void> trickle(Loop& loop, Address address, std::string bytes, bool& refused, std::string at_once = {}) {
  auto stream = co_await connect(loop, {address}, loop.now() + std::chrono::seconds(2));
  if (!stream || !co_await (*stream)->write_all(at_once, {}, std::chrono::seconds(2))) co_return;
  for (const char& c : bytes) {
    if (!co_await (*stream)->write_all({&c, 1}, {}, std::chrono::seconds(2))) break;
    if (co_await (*stream)->readable(milliseconds(4))) break;
  }
  char answer[256];
  const Stream::Io io = (*stream)->read_now(answer);
  refused = std::string_view(answer, io.bytes).starts_with("HTTP/1.1 408");
}

TEST_F(HttpWorld, AHeaderThatTricklesIsCutOffAtTheSameTime) {
  start({.head_time = milliseconds(50)});
  bool refused = false;
  group.spawn(trickle(loop, address, "POST / HTTP/1.1\r\nHost: a\r\nX: " + std::string(2000, 'x'), refused));
  turn_until(loop, [&] { return group.empty(); });
  EXPECT_TRUE(refused);
}

TEST_F(HttpWorld, ABodyThatTricklesIsCutOffAtTheSameTime) {
  start({.body_time = milliseconds(50)});
  bool refused = false;
  const std::string head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  group.spawn(trickle(loop, address, head + "7d0\r\n" + std::string(2000, 'x'), refused));
  turn_until(loop, [&] { return group.empty(); });
  EXPECT_TRUE(refused);
}

/// Security requirement S14: a least rate besides the time for the whole.
TEST_F(HttpWorld, ABodyBelowTheLeastRateIsCutOff) {
  start({.body_grace = milliseconds(30), .body_rate = 1'000'000});
  for (const std::string_view framing : {"Content-Length: 3000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n7d0\r\n"}) {
    bool refused = false;
    group.spawn(trickle(loop, address, fmt::format("POST / HTTP/1.1\r\nHost: a\r\n{}{:x>2000}", framing, ""), refused));
    turn_until(loop, [&] { return group.empty(); });
    EXPECT_TRUE(refused) << framing;
  }
}

TEST_F(HttpWorld, ABodyThatKeepsTheLeastRateMayTakeLongerThanTheGrace) {
  start({.body_grace = milliseconds(200), .body_rate = 1});
  bool refused = true;
  // The first bytes of the body buy more time than this process stands still.
  group.spawn(trickle(loop, address, std::string(90, 'x'), refused, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nxxxxxxxxxx"));
  turn_until(loop, [&] { return group.empty(); });
  EXPECT_FALSE(refused);
}

TEST_F(HttpWorld, ASlowBodyIsCutOff) {
  start({.body_time = milliseconds(50)});
  EXPECT_TRUE(raw("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc").starts_with("HTTP/1.1 408"));
}

TEST_F(HttpWorld, ExpectContinueIsAnswered) {
  start();
  const std::string got = raw("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 100 Continue\r\n\r\n")) << got;
}

TEST_F(HttpWorld, TheConnectionLongestIdleMakesRoom) {
  start({.connections_per_address = 2});
  std::string one;
  bool done = false;
  group.spawn(talk("POST / HTTP/1.1\r\nHost: a\r\n", one, done));  // never completes its request
  turn_until(loop, [&] { return server->open_connections() == 1; });
  EXPECT_TRUE(raw("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").starts_with("HTTP/1.1 200"));
  std::string two;
  bool done_two = false;
  group.spawn(talk("POST / HTTP/1.1\r\nHost: a\r\n", two, done_two));
  turn_until(loop, [&] { return server->open_connections() == 2; });
  EXPECT_TRUE(raw("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpWorld, StoppingClosesIdleConnections) {
  start();
  HttpClient client(loop, url("/"), nullptr, {});
  std::string out;
  bool done = false;
  group.spawn(post(client, "x", out, done));
  turn_until(loop, [&] { return done; });
  EXPECT_EQ(server->open_connections(), 1U);
  server->stop();
  turn_until(loop, [&] { return server->open_connections() == 0; });
  EXPECT_EQ(server->open_connections(), 0U);
}

}  // namespace
}  // namespace callgate::net::http_test
