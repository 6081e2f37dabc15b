#include "base/log.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <limits>
#include <sstream>

#include "base/json.hpp"

namespace callgate {
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

}  // namespace
}  // namespace callgate
