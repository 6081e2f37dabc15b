#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cel/world.hpp"

namespace callgate::cel::evaluate_test {
namespace {

struct Row {
  const char* text;
  const char* args;
  const char* comes;
};

class Evaluated : public testing::TestWithParam<Row> {};

TEST_P(Evaluated, AsTheSpecificationSays) { EXPECT_EQ(outcome(GetParam().text, GetParam().args), GetParam().comes) << GetParam().text; }

// cel-spec, "Equality and Ordering": numbers of all types lie on one line, other kinds are just not equal.
INSTANTIATE_TEST_SUITE_P(Equality, Evaluated, testing::ValuesIn(std::vector<Row>{
    {"args.n == 1", R"({"n":1})", "true"}, {"args.n == 1", R"({"n":1.0})", "true"}, {"args.n == 1u", R"({"n":1})", "true"},
    {"args.n == 1.0", R"({"n":1})", "true"}, {"args.n == 0x10", R"({"n":16})", "true"}, {"args.n == -1", R"({"n":-1})", "true"},
    {"args.n == 1e3", R"({"n":1000})", "true"}, {"args.n == .5", R"({"n":0.5})", "true"}, {"args.n == 007", R"({"n":7})", "true"},
    {"args.n == 0.5", R"({"n":0.50})", "true"}, {"args.n == 00.5", R"({"n":0.5})", "true"}, {"args.n == 1", R"({"n":"1"})", "false"},
    {"args.n != 1", R"({"n":"1"})", "true"}, {"args.n == null", R"({"n":null})", "true"}, {"args.n == null", R"({"n":0})", "false"},
    {"args.n == false", R"({"n":null})", "false"}, {"args.n == true", R"({"n":true})", "true"}, {"args.n == true", R"({"n":1})", "false"},
    {"args.s == 'a\\u0062\\x63\\144'", R"({"s":"abcd"})", "true"}, {"args.s == \"\\u00e9\"", R"({"s":"\u00e9"})", "true"},
    {"args.s == r'a\\n'", R"({"s":"a\\n"})", "true"}, {"args.s == '''a'b'''", R"({"s":"a'b"})", "true"}, {"args.s == ''", R"({"s":""})", "true"},
    {"args.s == 'é'", R"({"s":"e\u0301"})", "false"}, {"args.s == '\\U0001F600'", R"({"s":"\ud83d\ude00"})", "true"},
    {"args.l == [1, 'a', null, true]", R"({"l":[1.0,"a",null,true]})", "true"}, {"args.l == []", R"({"l":[]})", "true"},
    {"args.l == [1, 2]", R"({"l":[2,1]})", "false"}, {"args.l == [[1], [2]]", R"({"l":[[1],[2]]})", "true"},
    {"args.l == [args.a, [args.b]]", R"({"l":[1,[2]],"a":1,"b":2})", "true"}, {"[args.a] == args.l", R"({"l":[1],"a":2})", "false"},
    {"args.a == args.b", R"({"a":{"x":1,"y":[2]},"b":{"y":[2.0],"x":1}})", "true"}, {"args.a == args.b", R"({"a":{"x":1},"b":{"x":2}})", "false"},
    {"args.a == args.b", R"({"a":[1],"b":{"x":2}})", "false"}, {"args['a b'] == 1", R"({"a b":1})", "true"},
    {"args.`a-b` == 1", R"({"a-b":1})", "true"}, {".args.a == 1", R"({"a":1})", "true"}, {"args.a == 1 // why", R"({"a":1})", "true"},
    {"tool.name == 'tool' && tool.risk != \"Low\"", "{}", "true"}}));

INSTANTIATE_TEST_SUITE_P(NoDigitIsLost, Evaluated, testing::ValuesIn(std::vector<Row>{
    {"args.n == 9007199254740993", R"({"n":9007199254740992})", "false"}, {"args.n > 9007199254740992", R"({"n":9007199254740993})", "true"},
    {"args.n == 18446744073709551615u", R"({"n":18446744073709551615})", "true"}, {"args.n < 18446744073709551615u", R"({"n":18446744073709551614})", "true"},
    {"args.n == -9223372036854775808", R"({"n":-9223372036854775808})", "true"}, {"args.n == 0.1", R"({"n":0.1})", "true"},
    {"args.n > 0.1", R"({"n":0.10000000000000000001})", "true"}, {"args.n <= 500", R"({"n":500.00000000000000000001})", "false"},
    {"args.n > 1e300", R"({"n":1e301})", "true"}, {"args.n < 1", R"({"n":-0.0})", "true"}, {"args.n == 0", R"({"n":-0})", "true"}}));

INSTANTIATE_TEST_SUITE_P(Order, Evaluated, testing::ValuesIn(std::vector<Row>{
    {"args.n < 2", R"({"n":1})", "true"}, {"args.n <= 1", R"({"n":1})", "true"}, {"args.n > 1.5", R"({"n":2})", "true"},
    {"args.n >= 2u", R"({"n":1.9})", "false"}, {"args.s < 'b'", R"({"s":"a"})", "true"}, {"args.s < 'b'", R"({"s":"B"})", "true"},
    {"args.s > '\\uffff'", R"({"s":"\ud83d\ude00"})", "true"}, {"args.s >= ''", R"({"s":""})", "true"}, {"args.b < true", R"({"b":false})", "true"},
    {"args.n > 1", R"({"n":"2"})", "fault: `args.n > 1` asks for an order between text and a number"},
    {"args.n > 1", R"({"n":null})", "fault: `args.n > 1` asks for an order between null and a number"},
    {"args.a < args.a", R"({"a":[1]})", "fault: `args.a < args.a` asks for an order between a list and a list"}}));

INSTANTIATE_TEST_SUITE_P(In, Evaluated, testing::ValuesIn(std::vector<Row>{
    {"args.s in ['a', 'b']", R"({"s":"b"})", "true"}, {"args.s in ['a', 'b']", R"({"s":"c"})", "false"}, {"args.s in ['1']", R"({"s":1})", "false"},
    {"args.n in [1, 2.0]", R"({"n":2})", "true"}, {"'x' in args.l", R"({"l":["y","x"]})", "true"}, {"'x' in args.l", R"({"l":[]})", "false"},
    {"'x' in args", R"({"x":null})", "true"}, {"'x' in args", R"({"X":1})", "false"}, {"args.k in args.m", R"({"k":"a","m":{"a":1}})", "true"},
    {"args.n in [args.a, args.b]", R"({"n":1,"a":2,"b":1.0})", "true"}, {"[1] in args.l", R"({"l":[[1]]})", "true"},
    {"args.n in [args.n, args.missing]", R"({"n":1})", "fault: `args.missing` is not there"},
    {"1 in args", "{}", "fault: `1 in args` does not take a number and an object"},
    {"'a' in args.s", R"({"s":"abc"})", "fault: `'a' in args.s` does not take text and text"}}));

INSTANTIATE_TEST_SUITE_P(SizeAndHas, Evaluated, testing::ValuesIn(std::vector<Row>{
    {"size(args.s) == 3", R"({"s":"abc"})", "true"}, {"size(args.s) == 2", R"({"s":"\u00e9\ud83d\ude00"})", "true"}, {"args.s.size() == 0", R"({"s":""})", "true"},
    {"size(args.l) == 2", R"({"l":[1,[2,3]]})", "true"}, {"size(args) > 1", R"({"a":1,"b":2})", "true"}, {"size([1, 2]) == 2", "{}", "true"},
    {"size([args.a]) == 1", R"({"a":1})", "true"}, {"has(args.a)", R"({"a":null})", "true"}, {"has(args.a)", "{}", "false"},
    {"has(args.a.b)", R"({"a":{"b":1}})", "true"}, {"has(args.a.b)", "{}", "fault: `args.a` is not there"},
    {"has(args.a.b)", R"({"a":1})", "fault: `has(args.a.b)` is asked of a number"}, {"has(args.a)", R"({"\u0061":1})", "true"},
    {"has(args.`a-b`)", R"({"a-b":1})", "true"}, {"size(args.n) > 1", R"({"n":1})", "fault: `size(args.n)` is asked of a number"}}));

INSTANTIATE_TEST_SUITE_P(MembersAndItems, Evaluated, testing::ValuesIn(std::vector<Row>{
    {"args.a.b.c == 1", R"({"a":{"b":{"c":1}}})", "true"}, {"args.l[1] == 2", R"({"l":[1,2]})", "true"}, {"args.l[1.0] == 2", R"({"l":[1,2]})", "true"},
    {"args.l[args.i] == 2", R"({"l":[1,2],"i":1})", "true"}, {"[1, 2][0] == 1", "{}", "true"}, {"[args.a, 2][0] == 5", R"({"a":5})", "true"},
    {"args[args.k] == 1", R"({"k":"x","x":1})", "true"}, {"args.l[0].x == 'y'", R"({"l":[{"x":"y"}]})", "true"}, {"args.for == 1", R"({"for":1})", "true"},
    {"args.l[2] == 2", R"({"l":[1,2]})", "fault: `args.l[2]` is not in its list"}, {"args.l[-1] == 2", R"({"l":[1,2]})", "fault: `args.l[-1]` is not in its list"},
    {"args.l[0.5] == 2", R"({"l":[1,2]})", "fault: `args.l[0.5]` is not in its list"}, {"args.a == 1", "{}", "fault: `args.a` is not there"},
    {"args.a.b == 1", R"({"a":"b"})", "fault: `args.a.b` is asked of text"}, {"args.l['x'] == 1", R"({"l":[1]})", "fault: `args.l['x']` is asked of a list"},
    {"args.m[0] == 1", R"({"m":{"0":1}})", "fault: `args.m[0]` does not take an object and a number"}}));

// cel-spec, "Logical Operators": a part that decides is enough, on whichever side the fault stands.
INSTANTIATE_TEST_SUITE_P(Logic, Evaluated, testing::ValuesIn(std::vector<Row>{
    {"true && true", "{}", "true"}, {"true && false", "{}", "false"}, {"false || true", "{}", "true"}, {"false || false", "{}", "false"},
    {"!false", "{}", "true"}, {"!!true", "{}", "true"}, {"false && args.x", "{}", "false"}, {"args.x && false", "{}", "false"},
    {"true || args.x", "{}", "true"}, {"args.x || true", "{}", "true"}, {"args.x > 1 && has(args.x)", "{}", "false"},
    {"args.x && true", "{}", "fault: `args.x` is not there"}, {"true && args.x", "{}", "fault: `args.x` is not there"},
    {"args.x || false", "{}", "fault: `args.x` is not there"}, {"args.x || args.y", "{}", "fault: `args.x` is not there"},
    {"!args.x", "{}", "fault: `args.x` is not there"}, {"!args.x", R"({"x":1})", "fault: `!args.x` is asked of a number"},
    {"args.x || true", R"({"x":1})", "true"}, {"args.x && false", R"({"x":"a"})", "false"},
    {"args.x && true", R"({"x":"true"})", "fault: `args.x` is text, not true or false"}, {"args.x", R"({"x":1})", "fault: `args.x` is a number, not true or false"},
    {"true || false && false", "{}", "true"}, {"(true || false) && false", "{}", "false"}, {"1 < 2 == true", "{}", "true"},
    {"!(args.x == 1) && true", R"({"x":2})", "true"}}));

TEST(Evaluation, AVariableThatNobodyKnowsIsAFault) {
  const auto expression = Expression::parse("tool.name == 'a'", scope());
  ASSERT_TRUE(expression);
  const std::vector<Value> variables = {{}, Value::fault({}), {}};
  Budget budget;
  const Value value = expression->evaluate(variables, budget);
  ASSERT_TRUE(value.is_fault());
  EXPECT_EQ(expression->describe(value.fault()), "`tool.name` is not known here");
}

TEST(Evaluation, WorkIsBounded) {
  std::string args = R"({"x":")" + std::string(1'000'000, 'a') + R"(","l":[)";
  for (int i = 0; i < 10'000; ++i) args += "0,";
  args += "1]}";
  EXPECT_EQ(outcome("1 in args.l", args), "true");
  EXPECT_EQ(outcome("1 in args.l", args, {.steps = 5000}), "fault: `1 in args.l` takes too long");
  EXPECT_EQ(outcome("size(args.x) == 1000000", args), "true");
  EXPECT_EQ(outcome("size(args.x) == 1000000", args, {.steps = 1000}), "fault: `size(args.x)` takes too long");
  EXPECT_EQ(outcome("true", "{}", {.steps = 0}), "fault: `true` takes too long");
}

TEST(Evaluation, ANumberBeyondEveryExponentIsAFaultAndNotAGuess) {
  const auto expression = Expression::parse("args.n > 1", scope());
  auto args = json::OwnedDocument::parse(R"({"n":1e99999999999999999999})", {.check_number_range = false});
  ASSERT_TRUE(expression && args);
  const std::vector<Value> variables = {Value::document((*args)->root()), {}, {}};
  Budget budget;
  const Value value = expression->evaluate(variables, budget);
  ASSERT_TRUE(value.is_fault());
  EXPECT_THAT(expression->describe(value.fault()), testing::HasSubstr("too large or too small"));
}

struct Why {
  const char* text;
  const char* args;
  const char* why;
};

TEST(Evaluation, TellsWhichPartDecided) {
  for (const Why& row : std::vector<Why>{
           {"args.a == 1 && args.b == 2", R"({"a":1,"b":3})", "`args.b == 2` is false"},
           {"args.a == 1 || args.b == 2", R"({"a":0,"b":2})", "`args.b == 2` is true"},
           {"args.a == 1 && args.b == 2", R"({"a":1,"b":2})", "`args.a == 1 && args.b == 2` is true"},
           {"args.a == 1 && (args.b == 2 || args.c)", R"({"a":1,"b":3,"c":false})", "`(args.b == 2 || args.c)` is false"},
           {"args.a > 1", "{}", "`args.a` is not there"}, {"args.a", R"({"a":1})", "`args.a` is a number, not true or false"}}) {
    const auto expression = Expression::parse(row.text, scope());
    const auto args = document(row.args);
    const std::vector<Value> variables = {Value::document(args->root()), {}, {}};
    Budget budget;
    EXPECT_EQ(expression->why(variables, budget), row.why);
  }
}

}  // namespace
}  // namespace callgate::cel::evaluate_test
