#include "base/suggest.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace callgate::suggest_test {
namespace {

constexpr std::array<std::string_view, 6> words = {"action", "reason", "rate_limit", "arguments", "per", "max"};

struct Row {
  const char* typed;
  const char* meant;
};

class Closest : public testing::TestWithParam<Row> {};

TEST_P(Closest, FindsTheWordThatWasMeant) { EXPECT_EQ(closest(GetParam().typed, words), GetParam().meant); }

INSTANTIATE_TEST_SUITE_P(Suggest, Closest, testing::ValuesIn(std::vector<Row>{
    {"acton", "action"}, {"atcion", "action"}, {"Action", "action"}, {"actions", "action"}, {"rate-limit", "rate_limit"},
    {"ratelimit", "rate_limit"}, {"rateLimits", "rate_limit"}, {"argument", "arguments"}, {"args", ""}, {"mx", "max"},
    {"min", ""}, {"", ""}, {"x", ""}, {"entirely_else", ""}, {"pre", "per"}}));

TEST(Suggest, SaysSoOrNothing) {
  EXPECT_EQ(did_you_mean("reson", words), "; did you mean `reason`?");
  EXPECT_EQ(did_you_mean("colour", words), "");
  EXPECT_EQ(did_you_mean(std::string(1'000'000, 'a'), words), "");
}

}  // namespace
}  // namespace callgate::suggest_test
