#include "mcp/message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace callgate::mcp::message_test {
namespace {

using testing::HasSubstr;

struct Refused {
  const char* name;
  std::string bytes;
  const char* says;
  Direction direction = Direction::from_client;
  int code = -32600;
};

class RefusedMessage : public testing::TestWithParam<Refused> {};

/// Security requirements S1, S2: the envelope, its ids and its keys, a row a clause, with the code and a text that names the fault.
/// Protocol items 2, 4.
TEST_P(RefusedMessage, IsRefusedWithACodeAndATextThatNamesTheFault) {
  json::Document document;
  const auto message = read_message(GetParam().bytes, document, GetParam().direction);
  ASSERT_FALSE(message);
  EXPECT_EQ(rpc_code(message.error()), GetParam().code);
  EXPECT_THAT(message.error().message, HasSubstr(GetParam().says));
}

const auto by_name = [](const auto& row) { return std::string(row.param.name); };

std::string call_with(std::string_view member) {
  return R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a")" + std::string(member) + "}}";
}

constexpr Direction server = Direction::from_server;

INSTANTIATE_TEST_SUITE_P(Envelope, RefusedMessage, testing::Values(
    Refused{"no_json", "nonsense", "not a JSON value", Direction::from_client, -32700},
    Refused{"empty", "", "", Direction::from_client, -32700},
    Refused{"batch", R"([{"jsonrpc":"2.0","id":1,"method":"ping"}])", "send one message at a time"},
    Refused{"empty_batch", "[]", "send one message at a time"},
    Refused{"string", R"("tools/call")", "must be a JSON object"},
    Refused{"null", "null", "must be a JSON object"},
    Refused{"empty_object", "{}", "`jsonrpc`"},
    Refused{"version_number", R"({"jsonrpc":2.0,"id":1,"method":"ping"})", "`jsonrpc`"},
    Refused{"version_1", R"({"jsonrpc":"1.0","id":1,"method":"ping"})", "`jsonrpc`"},
    Refused{"version_escaped", "{\"jsonrpc\":\"2\\u002e0\",\"id\":1,\"method\":\"ping\"}", "`jsonrpc`"},
    Refused{"version_missing", R"({"id":1,"method":"ping"})", "`jsonrpc`"},
    Refused{"neither", R"({"jsonrpc":"2.0","id":1})", "needs a `method`"},
    Refused{"method_and_result", R"({"jsonrpc":"2.0","id":1,"method":"ping","result":{}})", "not both"},
    Refused{"method_and_error", R"({"jsonrpc":"2.0","id":1,"method":"ping","error":{"code":1,"message":""}})", "not both"},
    Refused{"result_and_error", R"({"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}})", "not both"},
    Refused{"method_number", R"({"jsonrpc":"2.0","id":1,"method":7})", "`method` must be a string"},
    Refused{"method_empty", R"({"jsonrpc":"2.0","id":1,"method":""})", "must not be empty"},
    Refused{"method_nul", R"({"jsonrpc":"2.0","id":1,"method":"tools/call\u0000"})", "\\u0000"},
    Refused{"params_array", R"({"jsonrpc":"2.0","id":1,"method":"ping","params":[]})", "`params` must be an object"},
    Refused{"params_null", R"({"jsonrpc":"2.0","id":1,"method":"ping","params":null})", "`params` must be an object"},
    Refused{"meta_array", call_with(R"(,"_meta":[])"), "`_meta` must be an object"},
    Refused{"nul_in_name", call_with(R"(,"arguments":{"a":[{"b\u0000":1}]})"), "member name"},
    Refused{"answer_without_id", R"({"jsonrpc":"2.0","result":{}})", "needs the `id`"},
    Refused{"answer_with_params", R"({"jsonrpc":"2.0","id":1,"result":{},"params":{}})", "no `params`"},
    Refused{"result_array", R"({"jsonrpc":"2.0","id":1,"result":[]})", "`result` must be an object"},
    Refused{"error_text", R"({"jsonrpc":"2.0","id":1,"error":"no"})", "`error` must be an object"},
    Refused{"error_code_text", R"({"jsonrpc":"2.0","id":1,"error":{"code":"1","message":""}})", "`error.code`"},
    Refused{"error_message", R"({"jsonrpc":"2.0","id":1,"error":{"code":1}})", "`error.message`"},
    Refused{"client_error_without_id", R"({"jsonrpc":"2.0","error":{"code":1,"message":""}})", "needs the `id`"},
    Refused{"client_error_null_id", R"({"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}})", "`id` must be"},
    Refused{"server_result_null_id", R"({"jsonrpc":"2.0","id":null,"result":{}})", "`id` must be", server}), by_name);

std::string with_id(std::string_view id) { return R"({"jsonrpc":"2.0","method":"ping","id":)" + std::string(id) + "}"; }

INSTANTIATE_TEST_SUITE_P(Id, RefusedMessage, testing::Values(
    Refused{"null", with_id("null"), "`id` must be"},
    Refused{"boolean", with_id("true"), "`id` must be"},
    Refused{"fraction", with_id("1.5"), "`id` must be"},
    Refused{"whole_fraction", with_id("1.0"), "`id` must be"},
    Refused{"exponent", with_id("1e3"), "`id` must be"},
    Refused{"object", with_id("{}"), "`id` must be"},
    Refused{"array", with_id("[1]"), "`id` must be"},
    Refused{"over_64_bits", with_id("18446744073709551616"), "integer outside"},
    Refused{"long_text", with_id("\"" + std::string(257, 'x') + "\""), "`id` must be"},
    Refused{"long_number_of_a_server", with_id(std::string(257, '1')), "`id` must be", server}), by_name);

INSTANTIATE_TEST_SUITE_P(Keys, RefusedMessage, testing::Values(
    Refused{"twice", R"({"jsonrpc":"2.0","id":1,"id":2,"method":"ping"})", "duplicate key"},
    Refused{"twice_by_escape", R"({"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/call"})", "duplicate key"},
    Refused{"method_case", R"({"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"})", "`Method`"},
    Refused{"only_other_case", R"({"jsonrpc":"2.0","id":1,"METHOD":"ping"})", "`METHOD`"},
    Refused{"id_case", R"({"jsonrpc":"2.0","ID":1,"method":"ping"})", "`ID`"},
    Refused{"id_dotless", "{\"jsonrpc\":\"2.0\",\"\u0131d\":1,\"method\":\"ping\"}", "`id`"},
    Refused{"params_long_s", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"param\u017f\":{}}", "`params`"},
    Refused{"escaped", R"({"jsonrpc":"2.0","id":1,"m\u0065thod":"ping"})", "written with escapes"},
    Refused{"escaped_unknown", R"({"jsonrpc":"2.0","id":1,"method":"ping","x\/y":1})", "written with escapes"},
    Refused{"params_name", call_with(R"(,"Name":"b")"), "`Name`"},
    Refused{"params_arguments", call_with(R"(,"ARGUMENTS":{})"), "`ARGUMENTS`"},
    Refused{"params_escaped", call_with(R"(,"\u0061rguments":{})"), "written with escapes"},
    Refused{"params_escaped_slash", call_with(R"(,"a\/b":{})"), "written with escapes"},
    Refused{"meta_case", call_with(R"(,"_Meta":{})"), "`_Meta`"},
    Refused{"uri_case", call_with(R"(,"URI":"x")"), "`URI`"},
    Refused{"token_kelvin", call_with(",\"_meta\":{\"progressTo\u212aen\":1}"), "`progressToken`"},
    Refused{"token_sharp_s", call_with(",\"_meta\":{\"progre\u00dfToken\":1}"), "`progressToken`"},
    Refused{"version_case", call_with(R"(,"_meta":{"io.modelcontextprotocol/ProtocolVersion":"x"})"), "only in case"},
    Refused{"version_case_slash", call_with(R"(,"_meta":{"io.modelcontextprotocol\/protocolversion":"x"})"), "only in case"},
    Refused{"meta_escaped", call_with(R"(,"_meta":{"\u0061":1})"), "written with escapes"},
    Refused{"meta_slash_and_more", call_with(R"(,"_meta":{"a\/\u0061":1})"), "written with escapes"},
    Refused{"reserved", call_with(R"(,"_meta":{"dev.callgate/decision":{}})"), "reserved for the gateway"},
    Refused{"reserved_slash", call_with(R"(,"_meta":{"dev.callgate\/x":{}})"), "reserved for the gateway"},
    Refused{"reserved_case", call_with(R"(,"_meta":{"Dev.Callgate/x":{}})"), "reserved for the gateway"},
    Refused{"reserved_of_server", R"({"jsonrpc":"2.0","id":1,"result":{"_meta":{"dev.callgate/decision":{}}}})",
            "reserved for the gateway", server}), by_name);

/// Protocol item 3.
TEST(Message, KeepsTheIdAsItIsWritten) {
  for (const std::string id : {"0", "-1", "-0", "9007199254740993", "18446744073709551615", "-9223372036854775808",
                               "\"\"", "\"a\\u0062\\/\"", "\"1\""}) {
    json::Document document;
    const std::string bytes = with_id(id);
    const auto message = read_message(bytes, document, Direction::from_client);
    ASSERT_TRUE(message) << id;
    EXPECT_EQ(message->id_text, id);
    EXPECT_EQ(message->kind, MessageKind::request);
  }
}

TEST(Message, IsANotificationWithoutAnId) {
  json::Document document;
  const auto message = read_message(R"({"method":"notifications/initialized","jsonrpc":"2.0"})", document, Direction::from_client);
  ASSERT_TRUE(message);
  EXPECT_TRUE(message->is_notification());
  EXPECT_EQ(message->method_id, MethodId::notifications_initialized);
  EXPECT_FALSE(message->params);
  EXPECT_EQ(message->id_text, "");
}

TEST(Message, DecodesAMethodThatIsWrittenWithEscapes) {
  json::Document document;
  const auto message = read_message(R"({"jsonrpc":"2.0","id":1,"method":"tools\/c\u0061ll"})", document, Direction::from_client);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->method.view(), "tools/call");
  EXPECT_EQ(message->method_id, MethodId::tools_call);
}

/// Protocol item 100: the context of a trace among them.
TEST(Message, PassesMembersItDoesNotKnow) {
  json::Document document;
  const std::string bytes = R"({"jsonrpc":"2.0","id":1,"x":1,"method":"tools/call","params":{"name":"a","Überraschung":1,)"
                            R"("_meta":{"com.example\/trace":{"ID":1},"traceparent":"x"},"arguments":{"Name":1,"n\u0061me":2}}})";
  const auto message = read_message(bytes, document, Direction::from_client);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->params.find("arguments")->text(), R"({"Name":1,"n\u0061me":2})");
  EXPECT_EQ(message->meta.size(), 2U);
}

TEST(Message, TakesNumbersOfServersInAnySizeButNotThoseOfClients) {
  const std::string bytes = R"({"jsonrpc":"2.0","id":1,"result":{"n":[18446744073709551616,1e400,0.1234567890123456789012345678]}})";
  json::Document document;
  EXPECT_TRUE(read_message(bytes, document, Direction::from_server));
  EXPECT_FALSE(read_message(bytes, document, Direction::from_client));
}

TEST(Message, MayBeAnErrorOfAServerThatKnowsNoId) {
  for (const std::string id : {"", R"("id":null,)"}) {
    json::Document document;
    const std::string bytes = R"({"jsonrpc":"2.0",)" + id + R"("error":{"code":-32700,"message":"Parse error","data":[1]}})";
    const auto message = read_message(bytes, document, Direction::from_server);
    ASSERT_TRUE(message);
    EXPECT_TRUE(message->is_response());
    EXPECT_EQ(message->id_text, "");
  }
}

struct Salvage {
  const char* name;
  std::string bytes;
  std::string_view id;
};

class SalvagedId : public testing::TestWithParam<Salvage> {};

TEST_P(SalvagedId, IsTheCallersOrNone) {
  EXPECT_EQ(salvage_id(GetParam().bytes).value_or(""), GetParam().id);
}

INSTANTIATE_TEST_SUITE_P(Message, SalvagedId, testing::Values(
    Salvage{"first", R"({"id":7,"x":1,"x":2})", "7"},
    Salvage{"last", R"( { "x" : {"id":1,"id":[2,"]}"]} , "x":2, "id" : "a\"}b" } )", R"("a\"}b")"},
    Salvage{"deep", R"({"a":)" + std::string(100000, '[') + std::string(100000, ']') + R"(,"id":3})", "3"},
    Salvage{"twice", R"({"id":7,"id":8})", ""},
    Salvage{"null", R"({"id":null})", ""},
    Salvage{"fraction", R"({"id":1.5})", ""},
    Salvage{"object", R"({"id":{"id":1}})", ""},
    Salvage{"none", R"({"x":1})", ""},
    Salvage{"array", R"([{"id":1}])", ""},
    Salvage{"cut", R"({"id":1,"x":"abc)", ""},
    Salvage{"cut_in_escape", R"({"id":1,"x":"abc\)", ""},
    Salvage{"junk", R"({"id":1 2})", ""},
    Salvage{"bad_escape", R"({"id":"\ud800"})", ""},
    Salvage{"long_id", R"({"id":")" + std::string(300, 'x') + R"("})", ""}), by_name);

TEST(SameId, ComparesTypeAndValue) {
  EXPECT_TRUE(same_id("1", "1"));
  EXPECT_TRUE(same_id("0", "-0"));
  EXPECT_TRUE(same_id("\"a/b\"", "\"a\\/\\u0062\""));
  EXPECT_FALSE(same_id("1", "\"1\""));
  EXPECT_FALSE(same_id("1", "2"));
  EXPECT_FALSE(same_id("\"a\"", "\"b\""));
  EXPECT_FALSE(same_id("", "1"));
}

TEST(Message, ANulInANameIsSparedWithinTheToolsOfAnAnswerAlone) {
  json::Document document;
  const auto reads = [&document](std::string_view bytes, Direction direction) { return read_message(bytes, document, direction).has_value(); };
  EXPECT_TRUE(reads(R"({"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"a","x":{"b\u0000":1}}]}})", Direction::from_server)) << "read_list_page leaves the tool out";
  for (const std::string_view bytes : {R"({"jsonrpc":"2.0","id":1,"result":{"tools":{"b\u0000":1}}})", R"({"jsonrpc":"2.0","id":1,"result":{"tools\u0000":[]}})", R"({"jsonrpc":"2.0","id":1,"result":{"tools":[],"x":{"b\u0000":1}}})",
                                       R"({"jsonrpc":"2.0","id":1,"result":{"prompts":[{"b\u0000":1}]}})", R"({"jsonrpc":"2.0","id":1,"result":{"content":[{"tools":[{"b\u0000":1}]}]}})",
                                       R"({"jsonrpc":"2.0","id":1,"method":"ping","params":{"tools":[{"b\u0000":1}]}})", R"({"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m","data":{"tools":[{"b\u0000":1}]}}})"})
    EXPECT_FALSE(reads(bytes, Direction::from_server)) << bytes;
}

}  // namespace
}  // namespace callgate::mcp::message_test
