#include <array>
#include <string>

#include <gtest/gtest.h>

#include "mcp/message.hpp"
#include "mcp/splice.hpp"
#include "mcp/tool_call.hpp"

/// What must pass unchanged and what must be refused, value by value
/// (judged bytes are sent bytes; the number rules of the strict reader).
namespace callgate::mcp::golden_bytes_test {
namespace {

struct Value {
  const char* name;
  std::string text;
  bool from_client;  ///< accepted in a request
  bool from_server;  ///< accepted in a response
};

class GoldenBytes : public testing::TestWithParam<Value> {};

/// Security requirement S5: nothing is encoded anew. Protocol items 1, 103.
TEST_P(GoldenBytes, PassInRequestsUnchangedOrNotAtAll) {
  const std::string before = R"({"jsonrpc":"2.0","id":)";
  const std::string after = R"(,"method":"tools/call","params":{"name":"a","arguments":{"v":)" + GetParam().text + "}}}";
  const std::string bytes = before + "1" + after;
  json::Document document;
  const auto message = read_message(bytes, document, Direction::from_client);
  ASSERT_EQ(message.has_value(), GetParam().from_client);
  if (!message) return;
  EXPECT_EQ(read_tool_call(*message)->arguments->find("v")->text(), GetParam().text);

  std::string out;
  json::Document again;
  const std::array edits{replace(message->id, "\"other\"")};
  ASSERT_TRUE(splice_and_read(*message, edits, Direction::from_client, {}, out, again));
  EXPECT_EQ(out, before + "\"other\"" + after);
}

/// Protocol items 81, 103.
TEST_P(GoldenBytes, PassInResponsesUnchangedOrNotAtAll) {
  const std::string before = R"({ "result" : {"content":[],"structuredContent":)" + GetParam().text + R"( }, "id":)";
  const std::string after = R"(,"jsonrpc":"2.0" })";
  const std::string bytes = before + "1" + after;
  json::Document document;
  const auto message = read_message(bytes, document, Direction::from_server);
  ASSERT_EQ(message.has_value(), GetParam().from_server);
  if (!message) return;
  std::string out;
  json::Document again;
  const std::array edits{replace(message->id, "0")};
  ASSERT_TRUE(splice_and_read(*message, edits, Direction::from_server, {}, out, again));
  EXPECT_EQ(out, before + "0" + after);
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

INSTANTIATE_TEST_SUITE_P(Values, GoldenBytes, testing::Values(
    Value{"two_places", "1.10", true, true},
    Value{"exponent", "1E2", true, true},
    Value{"exponent_with_plus", "1e+2", true, true},
    Value{"minus_zero", "-0", true, true},
    Value{"minus_zero_fraction", "-0.0", true, true},
    Value{"2_to_53_and_1", "9007199254740993", true, true},
    Value{"2_to_63", "9223372036854775808", true, true},
    Value{"2_to_64_less_1", "18446744073709551615", true, true},
    Value{"2_to_64", "18446744073709551616", false, true},
    Value{"minus_2_to_63", "-9223372036854775808", true, true},
    Value{"minus_2_to_63_less_1", "-9223372036854775809", false, true},
    Value{"beyond_double", "1e400", false, true},
    Value{"digits_28", "0.1234567890123456789012345678", true, true},
    Value{"leading_zero", "01", false, false},
    Value{"nan", "NaN", false, false},
    Value{"escapes", R"("\/\u0041\ud83d\ude00\u0000\b")", true, true},
    Value{"lone_surrogate", R"("\ud83d")", false, false},
    Value{"separators", "\"\u2028\u2029\ufeff\"", true, true},
    Value{"key_order", R"({"b":1,"a":2,"10":3,"2":4})", true, true},
    Value{"white_space", "[ 1 ,\t2 ,\r\n3 ]", true, true},
    Value{"duplicate_keys", R"({"a":1,"a":1})", false, false},
    Value{"keys_that_differ_in_case", R"({"a":1,"A":1})", true, true},
    Value{"unknown_block", R"([{"type":"hologram","x":[null,true]}])", true, true},
    // Three levels stand around the value in a request, two in a response.
    Value{"depth_61", nested(61), true, true},
    Value{"depth_62", nested(62), false, true},
    Value{"depth_63", nested(63), false, false}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace callgate::mcp::golden_bytes_test
