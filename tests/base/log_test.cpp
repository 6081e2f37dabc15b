#include "base/log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <climits>
#include <limits>
#include <sstream>
#include <thread>

#include "base/json.hpp"

namespace callgate::log_test {
namespace {

TEST(Secret, PrintsAsStars) {
  const Secret secret(std::string("hunter2"));
  std::ostringstream out;
  out << secret;
  EXPECT_EQ(out.str(), "***");
  EXPECT_EQ(fmt::format("{}", secret), "***");
  EXPECT_EQ(secret.reveal(), "hunter2");
}

TEST(Secret, MovesAwayWithoutLeavingACopy) {
  Secret first(std::string("hunter2"));
  const Secret second = std::move(first);
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that it is empty is the point
  EXPECT_EQ(second.reveal(), "hunter2");
}

TEST(Log, LineIsOneJsonObjectWithEscapedValues) {
  MemoryLog log;
  log.warn("call_refused", {{"tool", "a\"b\nc"}, {"count", 3}, {"bytes", std::size_t{9}}, {"held", true}, {"load", 0.5}});
  ASSERT_EQ(log.lines().size(), 1U);
  json::Document document;
  ASSERT_TRUE(json::parse(log.lines()[0].substr(0, log.lines()[0].size() - 1), {}, document).has_value());
  EXPECT_EQ(log.lines()[0],
            "{\"time\":\"1970-01-01T00:00:00.000Z\",\"level\":\"warn\",\"event\":\"call_refused\","
            "\"tool\":\"a\\\"b\\nc\",\"count\":3,\"bytes\":9,\"held\":true,\"load\":0.5}\n");
}

/// Security requirement S28: not even by mistake.
TEST(Log, NeverShowsASecret) {
  MemoryLog log;
  log.info("connected", {{"token", Secret(std::string("hunter2"))}});
  EXPECT_FALSE(log.has("hunter2"));
  EXPECT_TRUE(log.has("\"token\":\"***\""));
}

TEST(Log, NumberWithoutJsonFormIsNull) {
  MemoryLog log;
  log.info("measured", {{"load", std::numeric_limits<double>::quiet_NaN()}});
  EXPECT_TRUE(log.has("\"load\":null"));
}

TEST(FdLog, LeavesOutWhatIsBelowItsLevel) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const FakeClock clock;
  FdLog log(clock, Level::warn, ends[1]);
  log.info("quiet");
  log.error("loud");
  ::close(ends[1]);
  std::array<char, 512> bytes{};
  const ssize_t got = ::read(ends[0], bytes.data(), bytes.size());
  ::close(ends[0]);
  const std::string text(bytes.data(), static_cast<std::size_t>(got));
  EXPECT_EQ(text, "{\"time\":\"2025-06-15T15:06:40.000Z\",\"level\":\"error\",\"event\":\"loud\"}\n");
}

/// Whoever keeps the log may stall: what is gated does not stall with it.
TEST(FdLog, APipeThatNobodyReadsStopsNobodyAndTheLossIsTold) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const FakeClock clock;
  FdLog log(clock, Level::info, ends[1]);
  std::atomic<bool> written = false;
  std::thread writer([&] {
    for (int i = 0; i < 2000; ++i) log.info("event", {{"text", std::string(100, 'x')}});
    written = true;
  });
  for (int waited = 0; waited < 1000 && !written; ++waited) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(written) << "it waits for a reader";
  std::string text;
  const auto take = [&] {
    std::array<char, 65536> bytes{};
    const ssize_t got = ::read(ends[0], bytes.data(), bytes.size());
    if (got > 0) text.append(bytes.data(), static_cast<std::size_t>(got));
  };
  ::fcntl(ends[0], F_SETFL, ::fcntl(ends[0], F_GETFL) | O_NONBLOCK);
  while (!written) take();
  writer.join();
  for (std::size_t before = text.size() + 1; before != text.size(); take()) before = text.size();
  const auto kept = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  EXPECT_LT(kept, 2000U);
  text.clear();
  log.info("again");
  take();
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_NE(text.find(fmt::format(R"("event":"lines_dropped","count":{})", 2000 - kept)), std::string::npos) << text;
  EXPECT_NE(text.find(R"("event":"again")"), std::string::npos) << text;
}

/// Of a terminal nobody knows how much it takes: a part of a line may.
TEST(FdLog, ATerminalThatNobodyReadsStopsNobody) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(master, 0);
  ASSERT_EQ(::grantpt(master), 0);
  ASSERT_EQ(::unlockpt(master), 0);
  const int terminal = ::open(::ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  ASSERT_GE(terminal, 0);
  const FakeClock clock;
  FdLog log(clock, Level::info, terminal);
  std::atomic<bool> written = false;
  std::thread writer([&] {
    for (int i = 0; i < 2000; ++i) log.info("event", {{"text", std::string(1000, 'x')}});
    written = true;
  });
  for (int waited = 0; waited < 1000 && !written; ++waited) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(written) << "it waits for a reader";
  ::fcntl(master, F_SETFL, ::fcntl(master, F_GETFL) | O_NONBLOCK);
  std::string text;
  const auto take = [&] {
    std::array<char, 65536> bytes{};
    const ssize_t got = ::read(master, bytes.data(), bytes.size());
    if (got > 0) text.append(bytes.data(), static_cast<std::size_t>(got));
    return got > 0;
  };
  while (!written) take();
  writer.join();
  while (take()) continue;
  log.info("again");
  while (take()) continue;
  ::close(terminal);
  ::close(master);
  EXPECT_NE(text.find(R"("event":"lines_dropped")"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\"event\":\"again\"}\r\n")) << text.substr(text.size() < 300 ? 0 : text.size() - 300);
}

TEST(FdLog, ALineForAPipeIsNoLongerThanWhatGoesInWhole) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const FakeClock clock;
  FdLog log(clock, Level::info, ends[1]);
  log.info("long", {{"text", std::string(3000, '"')}, {"other", 1}});
  log.info("next");
  ::close(ends[1]);
  std::array<char, 65536> bytes{};
  const ssize_t got = ::read(ends[0], bytes.data(), bytes.size());
  ::close(ends[0]);
  ASSERT_GT(got, 0);
  const std::string text(bytes.data(), static_cast<std::size_t>(got));
  const std::size_t end = text.find('\n');
  EXPECT_LE(end + 1, std::size_t{PIPE_BUF});
  json::Document document;
  EXPECT_TRUE(json::parse(text.substr(0, end), {}, document).has_value()) << text.substr(0, end);
  EXPECT_NE(text.find(R"("text":"\"\"\")"), std::string::npos) << "as much as there is room for";
  EXPECT_NE(text.find(R"("event":"next")"), std::string::npos);
}

}  // namespace
}  // namespace callgate::log_test
