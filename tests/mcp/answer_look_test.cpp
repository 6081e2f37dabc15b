#include "mcp/answer_look.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace callgate::mcp::answer_look_test {
namespace {

struct Looked {
  explicit Looked(std::string text) : bytes(std::move(text)), look(look_at(*read_message(bytes, document, Direction::from_server, {.keep_depth = 3}))) {}
  std::string bytes;
  json::Document document;
  AnswerLook look;
};

std::string with_result(std::string_view members) { return R"({"jsonrpc":"2.0","id":1,"result":{)" + std::string(members) + "}}"; }

TEST(AnswerLook, OfNobodyLooksForTheGateAgain) {
  EXPECT_TRUE(AnswerLook{}.may_go_on);
  EXPECT_FALSE(AnswerLook{}.known);
}

TEST(AnswerLook, TellsWhatMayGoOnFromWhatIsDone) {
  for (const std::string_view done : {"", R"("content":[])", R"("resultType":"complete")", R"("isError":true)", R"("structuredContent":{"task":1,"inputRequests":{}})"}) {
    const Looked answer(with_result(done));
    EXPECT_FALSE(answer.look.may_go_on) << done;
    EXPECT_TRUE(answer.look.known);
  }
  for (const std::string_view more : {R"("resultType":"input_required")", R"("resultType":"task")", R"("resultType":7)", R"("resultType":"Complete")", R"("requestState":"s")", R"("inputRequests":{})",
                                      R"("task":{"taskId":"t"})", R"("resultType":"complete","error":{"code":1})", R"("request\u0053tate":"s")", R"("resultType":"complete","input\u0052equests":{})"})
    EXPECT_TRUE(Looked(with_result(more)).look.may_go_on) << more;
}

TEST(AnswerLook, KnowsWhetherInputIsNeededHoweverItIsSpelt) {
  EXPECT_TRUE(Looked(with_result(R"("resultType":"input_required")")).look.needs_input);
  EXPECT_TRUE(Looked(with_result(R"("result\u0054ype":"input\u005frequired")")).look.needs_input);
  EXPECT_FALSE(Looked(with_result(R"("resultType":"complete")")).look.needs_input);
}

TEST(AnswerLook, SaysOfErrorsThatTheyAreAndWhereTheirCodeStands) {
  const Looked error(R"({"jsonrpc":"2.0","error":{"message":"m","code":-32002},"id":"x"})");
  EXPECT_TRUE(error.look.is_error);
  EXPECT_FALSE(error.look.may_go_on);
  EXPECT_EQ(error.look.code_number, -32002);
  EXPECT_EQ(error.look.code.in(error.bytes), "-32002");
  EXPECT_EQ(error.look.result.size, 0U);
  EXPECT_TRUE(Looked(with_result(R"("isError":true)")).look.is_error);
  EXPECT_FALSE(Looked(with_result(R"("isError":"true")")).look.is_error);
}

/// A child's answer has another id than the client's request.
TEST(AnswerLook, FindsItsPlacesBehindAnotherId) {
  const std::array rows{std::pair{std::string(R"({"id":12345,"jsonrpc":"2.0","result":{"a":1}})"), std::string(R"({"id":"x","jsonrpc":"2.0","result":{"a":1}})")},
                        std::pair{std::string(R"({"result":{"a":1},"id":1,"jsonrpc":"2.0"})"), std::string(R"({"result":{"a":1},"id":"long id","jsonrpc":"2.0"})")},
                        std::pair{std::string(R"({"id":7,"error":{"message":"","code":5},"jsonrpc":"2.0"})"), std::string(R"({"id":"seven","error":{"message":"","code":5},"jsonrpc":"2.0"})")}};
  for (const auto& [before, after] : rows) {
    const Looked changed(after);
    const AnswerLook moved = with_id_of(Looked(before).look, changed.look.id.size);
    EXPECT_EQ(moved.id.in(after), changed.look.id.in(after));
    EXPECT_EQ(moved.result.in(after), changed.look.result.in(after));
    EXPECT_EQ(moved.code.in(after), changed.look.code.in(after));
  }
}

}  // namespace
}  // namespace callgate::mcp::answer_look_test
