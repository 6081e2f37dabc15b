#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "cli/admin_client.hpp"
#include "cli/tiny_gateway.hpp"

namespace callgate::cli::approvals_admin_client_test {
namespace {

constexpr AdminLimits kSmall{.head_bytes = 1024, .body_bytes = 100};
constexpr AdminLimits kImpatient{.time = std::chrono::milliseconds(50), .head_bytes = 1024, .body_bytes = 100};

TEST(AdminClient, GetsTheAnswerOfALiveGateway) {
  const DataFolder folder;
  const TinyGateway gateway(folder, "a");
  const auto reply = ask_gateway(gateway.socket(), "GET", "/api/v1/health");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200);
  EXPECT_THAT(reply->body, testing::HasSubstr("\"status\":\"ok\""));
}

struct Answer {
  std::string name;
  std::string bytes;
  ErrorKind kind;
};

class BadAnswer : public testing::TestWithParam<Answer> {};

TEST_P(BadAnswer, IsAnErrorOfItsKind) {
  const DataFolder folder;
  const TinyGateway gateway(folder, "a", GetParam().bytes);
  const auto reply = ask_gateway(gateway.socket(), "GET", "/", {}, kSmall);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().kind, GetParam().kind) << reply.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    AdminClient, BadAnswer,
    testing::Values(Answer{"nothing", "", ErrorKind::closed},
                    Answer{"cut_in_the_head", "HTTP/1.1 200 OK\r\nContent-", ErrorKind::closed},
                    Answer{"cut_in_the_body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", ErrorKind::closed},
                    Answer{"no_length", "HTTP/1.1 200 OK\r\n\r\nabc", ErrorKind::malformed},
                    Answer{"no_http", "hello\r\n\r\n", ErrorKind::malformed},
                    Answer{"long_body", "HTTP/1.1 200 OK\r\nContent-Length: 101\r\n\r\n", ErrorKind::too_large},
                    Answer{"endless_head", "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'), ErrorKind::too_large}),
    [](const auto& row) { return row.param.name; });

TEST(AdminClient, SilentGatewayIsGivenUpInTime) {
  const DataFolder folder;
  const TinyGateway gateway(folder, "a", std::nullopt, TinyGateway::Manners::silence);
  EXPECT_EQ(ask_gateway(gateway.socket(), "GET", "/", {}, kImpatient).error().kind, ErrorKind::timeout);
}

TEST(AdminClient, DeadSocketAndMissingSocketAreNotFound) {
  const DataFolder folder;
  { const TinyGateway gone(folder, "dead"); }
  EXPECT_EQ(ask_gateway(folder.path / "run/dead.sock", "GET", "/").error().kind, ErrorKind::not_found);
  EXPECT_EQ(ask_gateway(folder.path / "run/none.sock", "GET", "/").error().kind, ErrorKind::not_found);
}

TEST(AdminClient, PathLongerThanASocketNameIsReached) {
  const DataFolder folder;
  TinyGateway gateway(folder, "a");
  const std::filesystem::path deep = folder.path / std::string(100, 'd') / "run";
  std::filesystem::create_directories(deep);
  std::filesystem::rename(gateway.socket(), deep / "a.sock");
  const auto reply = ask_gateway(deep / "a.sock", "GET", "/api/v1/health");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200);
}

TEST(AdminClient, OnlySocketsOfTheRunFolderAreTaken) {
  const DataFolder folder;
  const TinyGateway gateway(folder, "a");
  std::ofstream(folder.path / "run" / "file.sock") << "x";
  std::ofstream(folder.path / "run" / "a.pid") << "1";
  const auto sockets = gateway_sockets(folder.path);
  ASSERT_TRUE(sockets);
  EXPECT_THAT(*sockets, testing::ElementsAre(gateway.socket()));
  EXPECT_TRUE(gateway_sockets(folder.path / "missing")->empty());
}

TEST(AdminClient, SocketsOfDeadGatewaysAreTakenAway) {
  const DataFolder folder;
  const TinyGateway alive(folder, "alive");
  const auto bound = [&](std::string_view name) {
    const std::filesystem::path path = folder.path / "run" / name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.native().copy(address.sun_path, sizeof(address.sun_path) - 1);
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_EQ(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ::close(socket);
    return path;
  };
  const auto dead = bound("dead.sock");
  const auto starting = bound("starting.new");
  EXPECT_EQ(remove_dead_sockets(folder.path), 1U);
  EXPECT_FALSE(std::filesystem::exists(dead));
  EXPECT_TRUE(std::filesystem::exists(starting));
  EXPECT_TRUE(std::filesystem::exists(alive.socket()));
  EXPECT_EQ(remove_dead_sockets(folder.path / "none"), 0U);
}

}  // namespace
}  // namespace callgate::cli::approvals_admin_client_test
