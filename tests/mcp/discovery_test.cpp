#include "mcp/discovery.hpp"

#include <gtest/gtest.h>

namespace callgate::mcp::discovery_test {
namespace {

/// Protocol items 11, 16.
std::string shown(const std::string& result, const HiddenOfServer& hidden) {
  const std::string text = R"({"jsonrpc":"2.0","id":1,"result":)" + result + "}";
  json::Document document;
  const auto message = read_message(text, document, Direction::from_server);
  EXPECT_TRUE(message.has_value()) << text;
  const std::string out = shown_discovery(*message, hidden);
  const std::string begin = R"({"jsonrpc":"2.0","id":1,"result":)";
  EXPECT_TRUE(out.starts_with(begin));
  return out.substr(begin.size(), out.size() - begin.size() - 1);
}

struct Row {
  const char* name;
  const char* said;
  HiddenOfServer hidden;
  const char* shown;
};

class Discovery : public testing::TestWithParam<Row> {};

TEST_P(Discovery, ShowsWhatTheCallerMaySee) {
  const Row& row = GetParam();
  EXPECT_EQ(shown(row.said, row.hidden), row.shown);
}

constexpr const char* plain = R"({"supportedVersions":["2026-07-28"], "capabilities":{"tools":{}, "odd":1},"instructions":"Hi","ttlMs":1e3,"cacheScope":"public","later":[1.0]})";

INSTANTIATE_TEST_SUITE_P(Mcp, Discovery, testing::Values(
    Row{"nothing_hidden_is_byte_for_byte", plain, {}, plain},
    Row{"tools", plain, {.tools = true}, R"({"supportedVersions":["2026-07-28"], "capabilities":{"odd":1},"instructions":"Hi","ttlMs":1e3,"cacheScope":"public","later":[1.0]})"},
    Row{"instructions", plain, {.instructions = true}, R"({"supportedVersions":["2026-07-28"], "capabilities":{"tools":{}, "odd":1},"ttlMs":1e3,"cacheScope":"public","later":[1.0]})"},
    Row{"of_one_caller", R"({"capabilities":{},"ttlMs":60000,"cacheScope":"public"})", {.depends_on_caller = true}, R"({"capabilities":{},"ttlMs":1000,"cacheScope":"private"})"},
    Row{"short_lives_stay", R"({"capabilities":{},"ttlMs":5,"cacheScope":"private"})", {.depends_on_caller = true}, R"({"capabilities":{},"ttlMs":5,"cacheScope":"private"})"},
    Row{"everything", R"({"capabilities":{"tools":{},"prompts":{},"resources":{"subscribe":true}},"instructions":"x"})", {.tools = true, .prompts = true, .resources = true, .instructions = true}, R"({"capabilities":{}})"},
    Row{"extensions_that_are_not_carried", R"({"capabilities":{"extensions":{"x/y":{"a":1},"io.modelcontextprotocol/tasks":{}},"tools":{}}})", {}, R"({"capabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}},"tools":{}}})"},
    Row{"extensions_that_are", R"({"capabilities":{"extensions":{"io.modelcontextprotocol/ui":{}} }})", {}, R"({"capabilities":{"extensions":{"io.modelcontextprotocol/ui":{}} }})"},
    Row{"odd_shapes_pass", R"({"capabilities":7,"instructions":{},"ttlMs":"x"})", {.tools = true}, R"({"capabilities":7,"instructions":{},"ttlMs":"x"})"}),
    [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace callgate::mcp::discovery_test
