#include "mcp/trace.hpp"

#include <gtest/gtest.h>

#include <string>

namespace callgate::mcp::trace_test {
namespace {

constexpr const char* trace = "4bf92f3577b34da6a3ce929d0e0e4736";

struct Parent {
  const char* name;
  const char* text;
  bool valid;
};

class TraceParent : public testing::TestWithParam<Parent> {};

/// Protocol item 100.
TEST_P(TraceParent, NamesItsTraceOrNone) { EXPECT_EQ(trace_id(std::string_view(GetParam().text)), GetParam().valid ? trace : ""); }

INSTANTIATE_TEST_SUITE_P(W3c, TraceParent, testing::Values(
    Parent{"whole", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
    Parent{"not_sampled", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true},
    Parent{"later_version", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", true},
    Parent{"more_in_this_version", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more", false},
    Parent{"runs_on", "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01more", false},
    Parent{"forbidden_version", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
    Parent{"upper_case", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false},
    Parent{"no_trace", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
    Parent{"no_parent", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
    Parent{"short_one", "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", false},
    Parent{"quotes", "00-4bf92f3577b34da6a3ce929d0e0e47\"6-00f067aa0ba902b7-01", false},
    Parent{"nothing", "", false}),
    [](const auto& row) { return row.param.name; });

TEST(TraceOfAMessage, StandsInItsMeta) {
  json::Document document;
  const std::string text = R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}})";
  const auto message = read_message(text, document, Direction::from_client);
  ASSERT_TRUE(message);
  EXPECT_EQ(trace_id(*message), trace);
  json::Document other;
  const auto without = read_message(R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","_meta":{"traceparent":1}}})", other, Direction::from_client);
  ASSERT_TRUE(without);
  EXPECT_EQ(trace_id(*without), "");
}

}  // namespace
}  // namespace callgate::mcp::trace_test
