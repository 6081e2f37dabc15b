#include <gtest/gtest.h>

#include <algorithm>

#include "upstream/stderr_log.hpp"

namespace callgate::upstream::stderr_log_test {
namespace {

using namespace std::chrono_literals;

/// Keeps what is written, as lines of the log.
class Lines final : public Log {
 public:
  void write(Level level, std::string_view event, std::span<const LogField> fields) override { append_log_line(text, 0, level, event, fields); }
  std::size_t count() const { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }
  std::string text;
};

/// Protocol item 80.
TEST(WhatAProgramSaysOnStderr, IsLoggedAsItComes) {
  Lines log;
  StderrLog errors(log, "s", {});
  errors.take("starting \x1b[31mred\x1b[0m", net::Instant{1h});
  errors.take("  ", net::Instant{1h});
  EXPECT_NE(log.text.find(R"("level":"info","event":"upstream_stderr","server":"s","line":"starting \u001b[31mred\u001b[0m")"), std::string::npos) << log.text;
  EXPECT_EQ(log.count(), 1U);
}

TEST(WhatAProgramSaysOnStderr, FloodsNoLog) {
  Lines log;
  StderrLog errors(log, "s", {});
  net::Instant now{1h};
  for (int line = 0; line < 1000; ++line) errors.take("again", now);
  EXPECT_EQ(log.count(), StderrLog::at_once);
  now += StderrLog::each;
  errors.take("later", now);
  errors.take("too much", now);
  EXPECT_EQ(log.count(), StderrLog::at_once + 1);
  EXPECT_NE(log.text.find(R"("line":"later","left_out":980)"), std::string::npos) << log.text;
  now += 1h;
  for (int line = 0; line < 1000; ++line) errors.take("again", now);
  EXPECT_EQ(log.count(), 2 * StderrLog::at_once + 1) << "an hour of silence makes up for no more than that";
  errors.take(std::string(3'000, 'x'), now + StderrLog::each);
  EXPECT_EQ(log.text.find(std::string(StderrLog::longest + 1, 'x')), std::string::npos);
}

TEST(WhatAProgramSaysOnStderr, ShowsNoSecretThatItWasGiven) {
  Lines log;
  std::vector<Secret> secrets;
  for (const char* each : {"hunter22", "hunter22-and-more", "on"}) secrets.emplace_back(std::string(each));
  StderrLog errors(log, "s", std::move(secrets));
  errors.take("login with hunter22-and-more, or hunter22, on", net::Instant{1h});
  EXPECT_NE(log.text.find(R"("line":"login with ***, or ***, on")"), std::string::npos) << log.text;
  errors.take(std::string(StderrLog::longest - 3, '.') + "hunter22", net::Instant{1h});
  EXPECT_EQ(log.text.find("hun"), std::string::npos) << "half of one is one too: " << log.text;
}

/// Masks shorten a line: the first half of a secret must not come into view from behind.
TEST(WhatAProgramSaysOnStderr, ShowsNoHalfOfASecretOfALongLine) {
  Lines log;
  std::vector<Secret> secrets;
  secrets.emplace_back("hunter22-" + std::string(1'000, 'y'));
  StderrLog errors(log, "s", std::move(secrets));
  std::string line;
  while (line.size() + 1'010 < StderrLog::looked_at + 500) line += "hunter22-" + std::string(1'000, 'y') + " ";
  line += "hunter22-" + std::string(1'000, 'y');
  ASSERT_GT(line.size(), StderrLog::looked_at);
  EXPECT_EQ(errors.take(line, net::Instant{1h}).find("hunter"), std::string::npos);
  EXPECT_EQ(errors.take(std::string(10'000, 'x'), net::Instant{1h}), "") << "one word, cut in two";
}

TEST(WhatAProgramSaysOnStderr, ShowsNothingThatLooksLikeACredential) {
  Lines log;
  StderrLog errors(log, "s", {});
  EXPECT_EQ(errors.take("cannot reach postgresql://bob:hunter2@db/shop with API_KEY=hunter2", net::Instant{1h}),
            "cannot reach postgresql://***@db/shop with API_KEY=***");
  EXPECT_EQ(log.text.find("hunter2"), std::string::npos) << log.text;
}

}  // namespace
}  // namespace callgate::upstream::stderr_log_test
