#include <gtest/gtest.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>

#include "net/http_server.hpp"

namespace callgate::net::idle_test {
namespace {

class Nothing final : public HttpHandler {
 public:
  Task<void> handle(HttpExchange& exchange) override { co_await exchange.respond(204, {}, {}); }
  std::string refused(int /*status*/, const Error& error, const Address& /*peer*/) override { return error.message; }
};

/// Says one request and listens until the other side closes.
Task<void> ask_and_stay(Loop& loop, Address server, std::string& got, bool& closed) {
  auto stream = co_await connect(loop, {server}, loop.now() + std::chrono::seconds(2));
  if (!stream || !co_await (*stream)->write_all("GET / HTTP/1.1\r\nHost: a\r\n\r\n", {}, std::chrono::seconds(2))) co_return;
  char buffer[1024];
  while (co_await (*stream)->readable(std::chrono::seconds(10))) {
    const Stream::Io io = (*stream)->read_now(buffer);
    if (io.status == Stream::Status::would_block) continue;
    if (io.status != Stream::Status::done || io.bytes == 0) break;
    got.append(buffer, io.bytes);
  }
  closed = true;
}

int option(Stream& stream, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(stream.descriptor().fd(), level, name, &value, &size) == 0 ? value : -1;
}

Task<void> connect_into(Loop& loop, Address server, std::unique_ptr<Stream>& stream) {
  auto made = co_await connect(loop, {server}, loop.now() + std::chrono::seconds(2));
  if (made) stream = std::move(*made);
}

/// A stream may be silent for hours; whether its other side is still there, the kernel asks.
TEST(OpenedConnection, IsProbedWhileItIsSilent) {
  Loop loop;
  const auto listener = Listener::open(loop, *Address::numeric("127.0.0.1", 0));
  ASSERT_TRUE(listener.has_value());
  TaskGroup group;
  std::unique_ptr<Stream> stream;
  group.spawn(connect_into(loop, (*listener)->address(), stream));
  const Instant began = Loop::read_clock();
  while (!stream && Loop::read_clock() - began < std::chrono::seconds(5)) loop.turn(std::chrono::milliseconds(5));
  ASSERT_TRUE(stream);
  EXPECT_EQ(option(*stream, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(*stream, IPPROTO_TCP, TCP_KEEPIDLE), 30);
  EXPECT_EQ(option(*stream, IPPROTO_TCP, TCP_KEEPINTVL), 10);
  EXPECT_EQ(option(*stream, IPPROTO_TCP, TCP_KEEPCNT), 3);
}

/// Security requirement S14: a connection on which nothing more is asked is closed.
TEST(IdleConnection, IsClosedAfterItsTime) {
  Loop loop;
  Nothing nothing;
  HttpServer server(loop, nothing, {.idle_time = std::chrono::milliseconds(50)});
  const auto address = server.listen(*Address::numeric("127.0.0.1", 0));
  ASSERT_TRUE(address.has_value());
  TaskGroup group;
  std::string got;
  bool closed = false;
  const Instant began = Loop::read_clock();
  group.spawn(ask_and_stay(loop, *address, got, closed));
  while (!closed && Loop::read_clock() < began + std::chrono::seconds(8)) loop.turn(std::chrono::milliseconds(20));
  EXPECT_TRUE(closed);
  EXPECT_TRUE(got.starts_with("HTTP/1.1 204")) << got;
  EXPECT_GE(Loop::read_clock() - began, std::chrono::milliseconds(50));
}

/// Those that send nothing must not keep out whoever comes after them.
TEST(IdleConnection, MakesRoomWhereNoDescriptorIsLeft) {
  Loop loop;
  Nothing nothing;
  HttpServer server(loop, nothing, {});
  const auto address = server.listen(*Address::numeric("127.0.0.1", 0));
  ASSERT_TRUE(address.has_value());
  TaskGroup group;
  std::vector<std::unique_ptr<Stream>> silent(20);
  for (auto& each : silent) group.spawn(connect_into(loop, *address, each));
  const Instant began = Loop::read_clock();
  while (server.open_connections() < silent.size() && Loop::read_clock() < began + std::chrono::seconds(5)) loop.turn(std::chrono::milliseconds(5));
  ASSERT_EQ(server.open_connections(), silent.size());
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = dup(0);
  ASSERT_GE(next, 0);
  close(next);
  std::string got;
  bool closed = false;
  // Room for the client's own end and no more.
  const rlimit tight{.rlim_cur = static_cast<rlim_t>(next) + 1, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  group.spawn(ask_and_stay(loop, *address, got, closed));
  while (got.empty() && !closed && Loop::read_clock() < began + std::chrono::seconds(10)) loop.turn(std::chrono::milliseconds(5));
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_TRUE(got.starts_with("HTTP/1.1 204")) << got;
}

}  // namespace
}  // namespace callgate::net::idle_test
