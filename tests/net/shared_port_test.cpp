#include <gtest/gtest.h>

#include <algorithm>
#include <ranges>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include "net/http_server.hpp"

namespace callgate::net::shared_port_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx";

/// Answers each request with 200.
class Yes final : public HttpHandler {
 public:
  Task<void> handle(HttpExchange& exchange) override {
    ++handled;
    co_await exchange.respond(200, {}, {});
  }
  std::string refused(int /*status*/, const Error& error, const Address& /*peer*/) override { return error.message; }
  int handled = 0;
};

/// A client that the loop knows nothing of.
class Client {
 public:
  explicit Client(const Address& address) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    ::connect(fd_, reinterpret_cast<const sockaddr*>(&address.storage), address.size);
  }
  Client(Client&& other) noexcept
      : got(std::move(other.got)), closed(other.closed), reset(other.reset), fd_(std::exchange(other.fd_, -1)) {}
  ~Client() {
    if (fd_ >= 0) close(fd_);
  }
  /// False where the connection is not there yet.
  bool send() const {
    return ::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(request.size());
  }
  void look() {
    char buffer[4096];
    const ssize_t bytes = recv(fd_, buffer, sizeof buffer, 0);
    if (bytes > 0) got.append(buffer, static_cast<std::size_t>(bytes));
    closed = closed || bytes == 0;
    reset = reset || (bytes < 0 && errno != EAGAIN && errno != ENOTCONN);
  }
  bool answered() const { return got.starts_with("HTTP/1.1 200 "); }
  bool told_to_leave() const { return got.contains("\r\nConnection: close\r\n"); }

  std::string got;
  bool closed = false;
  bool reset = false;

 private:
  int fd_;
};

class SharedPort : public testing::Test {
 protected:
  /// Two servers on one port, as two processes would be.
  void start(ServerLimits limits) {
    first.emplace(loop, first_says, limits);
    second.emplace(loop, second_says, limits);
    address = first->listen(*Address::numeric("127.0.0.1", 0), Port::shared).value();
    loop.turn(milliseconds(0));
  }
  void join() { ASSERT_TRUE(second->listen(address, Port::shared)); }

  template <class Done>
  void turn_until(Done done) {
    const Instant until = Loop::read_clock() + seconds(10);
    while (!done() && Loop::read_clock() < until) loop.turn(milliseconds(5));
  }
  void until_all_answered(std::vector<Client>& clients) {
    turn_until([&] {
      for (Client& each : clients) each.look();
      return std::ranges::all_of(clients, [](const Client& each) { return each.answered() || each.reset; });
    });
    EXPECT_TRUE(std::ranges::all_of(clients, &Client::answered));
    EXPECT_TRUE(std::ranges::none_of(clients, &Client::reset));
  }
  void leave() {
    group.spawn([](HttpServer& server, bool& over) -> Task<void> {
      co_await server.leave_port();
      over = true;
    }(*first, left));
  }

  Loop loop;
  Yes first_says;
  Yes second_says;
  std::optional<HttpServer> first;
  std::optional<HttpServer> second;
  Address address;
  bool left = false;
  TaskGroup group;
};

TEST_F(SharedPort, IsSharedWithThoseAloneWhoSaySo) {
  start({});
  const auto own = second->listen(address, Port::own);
  ASSERT_FALSE(own);
  EXPECT_EQ(own.error().kind, ErrorKind::conflict);
  EXPECT_TRUE(second->listen(address, Port::shared));

  HttpServer third(loop, first_says, {});
  const auto taken = third.listen(*Address::numeric("127.0.0.1", 0), Port::own);
  ASSERT_TRUE(taken);
  const auto late = second->listen(*taken, Port::shared);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, ErrorKind::conflict);
}

TEST_F(SharedPort, BothAreGivenConnections) {
  start({});
  join();
  std::vector<Client> clients;
  for (int i = 0; i < 100; ++i) clients.emplace_back(address).send();
  until_all_answered(clients);
  EXPECT_EQ(first_says.handled + second_says.handled, 100);
  EXPECT_GT(std::min(first_says.handled, second_says.handled), 10);
}

/// More than are taken in one turn, so that some wait still when the listener is about to close.
TEST_F(SharedPort, WhoWaitsForALeavingOneIsTakenAndAnswered) {
  start({.handshake_time = Duration::zero()});
  std::vector<Client> clients;
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(clients.emplace_back(address).send());
  join();
  leave();
  const Instant later = Loop::read_clock() + milliseconds(20);
  while (Loop::read_clock() < later) continue;  // the loop's next turn finds its time over
  until_all_answered(clients);
  EXPECT_EQ(first_says.handled, 200);
  EXPECT_TRUE(std::ranges::all_of(clients, &Client::told_to_leave));
  turn_until([&] { return left; });
  EXPECT_TRUE(left);
}

TEST_F(SharedPort, WhoBeginsWhileOneLeavesComesToTheOther) {
  start({});
  join();
  leave();
  std::vector<Client> clients;
  for (int i = 0; i < 50; ++i) clients.emplace_back(address);
  std::vector<bool> sent(clients.size());
  turn_until([&] {
    for (std::size_t i = 0; i < clients.size(); ++i) sent[i] = sent[i] || clients[i].send();
    return std::ranges::find(sent, false) == sent.end();
  });
  until_all_answered(clients);
  EXPECT_EQ(second_says.handled, 50);
  EXPECT_EQ(first_says.handled, 0);
  EXPECT_TRUE(std::ranges::none_of(clients, &Client::told_to_leave));
}

TEST_F(SharedPort, AConnectionThatIsKeptBringsOneMoreRequestToALeavingOne) {
  start({.leave_time = seconds(30)});
  std::vector<Client> clients;
  clients.emplace_back(address).send();
  until_all_answered(clients);
  EXPECT_FALSE(clients.front().told_to_leave());
  leave();
  clients.front().got.clear();
  ASSERT_TRUE(clients.front().send());
  until_all_answered(clients);
  EXPECT_TRUE(clients.front().told_to_leave());
  turn_until([&] { return left; });
  EXPECT_TRUE(left) << "nobody is there any more";
  clients.front().look();
  EXPECT_TRUE(clients.front().closed);
}

TEST_F(SharedPort, ASilentConnectionIsWaitedForNoLongerThanItsTime) {
  start({.handshake_time = milliseconds(1), .leave_time = milliseconds(50)});
  std::vector<Client> clients;
  clients.emplace_back(address).send();
  until_all_answered(clients);
  leave();
  turn_until([&] { return left; });
  EXPECT_TRUE(left);
  EXPECT_EQ(first->open_connections(), 1U);
  first->stop();
  turn_until([&] { return first->open_connections() == 0; });
  EXPECT_EQ(first->open_connections(), 0U);
}

}  // namespace
}  // namespace callgate::net::shared_port_test
