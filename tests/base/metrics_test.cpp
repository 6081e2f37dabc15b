#include "base/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace callgate::metrics_test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST(Metrics, SameNameAndLabelsAreOneCounter) {
  Metrics metrics;
  Counter& denied = metrics.counter("callgate_calls_total", "Calls decided.", {{"verdict", "deny"}});
  metrics.counter("callgate_calls_total", "Calls decided.", {{"verdict", "allow"}}).add(5);
  denied.add();
  metrics.counter("callgate_calls_total", "Calls decided.", {{"verdict", "deny"}}).add(2);
  EXPECT_EQ(denied.value(), 3U);
  EXPECT_EQ(metrics.prometheus(),
            "# HELP callgate_calls_total Calls decided.\n"
            "# TYPE callgate_calls_total counter\n"
            "callgate_calls_total{verdict=\"deny\"} 3\n"
            "callgate_calls_total{verdict=\"allow\"} 5\n");
}

TEST(Metrics, GaugeGoesUpAndDown) {
  Metrics metrics;
  Gauge& open = metrics.gauge("callgate_sessions", "Sessions open now.");
  open.set(3);
  open.add(-4);
  EXPECT_THAT(metrics.prometheus(), HasSubstr("# TYPE callgate_sessions gauge\ncallgate_sessions -1\n"));
}

TEST(Metrics, LabelValuesCannotBreakTheText) {
  Metrics metrics;
  metrics.counter("callgate_x_total", "X.", {{"server", "a\"b\\c\nd"}}).add();
  EXPECT_THAT(metrics.prometheus(), HasSubstr(R"(callgate_x_total{server="a\"b\\c\nd"} 1)"));
}

TEST(Metrics, DurationsFillCumulativeBucketsWithTheirBoundsIncluded) {
  Metrics metrics;
  Durations& took = metrics.durations("callgate_call_seconds", "Time of a call.", {{"server", "a"}});
  took.add(100us);
  took.add(101us);
  took.add(200s);
  took.add(-5us);
  const std::string text = metrics.prometheus();
  EXPECT_THAT(text, HasSubstr("# TYPE callgate_call_seconds histogram\n"));
  EXPECT_THAT(text, HasSubstr("callgate_call_seconds_bucket{server=\"a\",le=\"0.0001\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("callgate_call_seconds_bucket{server=\"a\",le=\"0.0003\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("callgate_call_seconds_bucket{server=\"a\",le=\"100\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("callgate_call_seconds_bucket{server=\"a\",le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("callgate_call_seconds_count{server=\"a\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("callgate_call_seconds_sum{server=\"a\"} 200.000201\n"));
}

}  // namespace
}  // namespace callgate::metrics_test
