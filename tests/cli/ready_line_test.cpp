#include "cli/ready_line.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>

#include "store/temporary_folder.hpp"

namespace callgate::cli::ready_line_test {
namespace {

TEST(ReadyLine, SaysWhereTheGatewayCanBeReached) {
  EXPECT_EQ(ready_line({.url = "http://h:1", .servers = {{"a", "http://h:1/mcp/a"}, {"b", "http://h:1/mcp/b"}}, .admin = "http://h:2", .listen = {"127.0.0.1:1", "[::1]:3"}, .pid = 7}),
            "{\"url\": \"http://h:1\", \"servers\": {\"a\": \"http://h:1/mcp/a\", \"b\": \"http://h:1/mcp/b\"}, \"admin\": \"http://h:2\", \"listen\": [\"127.0.0.1:1\", \"[::1]:3\"], \"pid\": 7}\n");
  EXPECT_EQ(ready_line({.pid = 7}), "{\"url\": null, \"servers\": {}, \"admin\": null, \"listen\": [], \"pid\": 7}\n");
}

TEST(ReadyLine, GoesToTheDescriptorWhichIsClosedThen) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const config::RunFlags flags{.ready_fd = ends[1]};
  ASSERT_TRUE(keep_ready_fd(flags));
  EXPECT_EQ(::fcntl(ends[1], F_GETFD), FD_CLOEXEC);
  ASSERT_TRUE(tell_ready(flags, "line\n"));
  std::array<char, 16> bytes{};
  EXPECT_EQ(::read(ends[0], bytes.data(), bytes.size()), 5);
  EXPECT_EQ(::read(ends[0], bytes.data(), bytes.size()), 0);  // the end
  ::close(ends[0]);

  EXPECT_EQ(keep_ready_fd(flags).error().kind, ErrorKind::invalid);
  EXPECT_EQ(tell_ready(flags, "line\n").error().kind, ErrorKind::unavailable);
}

TEST(ReadyLine, GoesToTheFileWhole) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "ready.json";
  ASSERT_TRUE(tell_ready({.ready_file = path}, "line\n"));
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "line\n");
  EXPECT_EQ(tell_ready({.ready_file = "/nonexistent/ready.json"}, "line\n").error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(tell_ready({}, "line\n"));
}

}  // namespace
}  // namespace callgate::cli::ready_line_test
