#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cel/world.hpp"

namespace callgate::cel::syntax_test {
namespace {

struct Row {
  const char* text;
  const char* says;
};

class Refused : public testing::TestWithParam<Row> {};

TEST_P(Refused, WithThePlaceAndWhatToWrite) { EXPECT_EQ(outcome(GetParam().text), GetParam().says) << GetParam().text; }

INSTANTIATE_TEST_SUITE_P(Syntax, Refused, testing::ValuesIn(std::vector<Row>{
    {"", "0: the expression ends where a value should stand"}, {"  ", "2: the expression ends where a value should stand"},
    {"// only a comment", "17: the expression ends where a value should stand"},
    {"args.a =", "7: `=` does not belong here: write `==` to compare"}, {"args.a & true", "7: `&` does not belong here: write `&&`"},
    {"args.a | true", "7: `|` does not belong here: write `||`"}, {"args.a == #", "10: `#` does not belong here: CEL has no such sign"},
    {"args.a ==", "9: the expression ends where a value should stand"}, {"args.a == == 1", "10: `==` stands where a value should stand"},
    {"(args.a", "7: the expression ends where `)` should stand"}, {"args.a)", "6: `)` stands where an operator or the end should stand"},
    {"args.", "5: the expression ends where the name of a member should stand"}, {"args.in == 1", "5: `in` stands where the name of a member should stand"},
    {"args.1", "4: `.1` stands where an operator or the end should stand"}, {"args[", "5: the expression ends where a value should stand"},
    {"args[1", "6: the expression ends where `]` should stand"}, {"[1, 2", "5: the expression ends where `]` should stand"},
    {"[1 2]", "3: `2` stands where `]` should stand"}, {"args.a args.b", "7: `args` stands where an operator or the end should stand"},
    {"args.s == 'abc", "10: this text has no end: close it with `'`"}, {"args.s == \"\"\"abc\"\"", "10: this text has no end: close it with `\"\"\"`"},
    {"args.s == 'a\nb'", "10: this text has no end: close it with `'`"},
    {"args.s == 'a\\q'", "12: this is no escape: there are `\\n`, `\\t`, `\\\\`, `\\\"`, `\\x41`, `\\u0041`, `\\U00000041`, `\\101` and their like; write `\\\\` for a backslash"},
    {"args.n == 1a", "10: `1a` is no number: names do not begin with a digit"}, {"args.n == 0x", "10: `0x` is no number"},
    {"args.n == 9223372036854775808", "10: `9223372036854775808` is outside the range of `int` (-9223372036854775808 to 9223372036854775807)"},
    {"args.n == -9223372036854775809", "11: `-9223372036854775809` is outside the range of `int` (-9223372036854775808 to 9223372036854775807)"},
    {"args.n == 18446744073709551616u", "10: `18446744073709551616u` is outside the range of `uint` (0 to 18446744073709551615)"},
    {"args.n == 1e999", "10: `1e999` is outside the range of a double"}, {"args.n == 1.5u", "10: `1.5u`: only whole numbers take a `u`"},
    {"args.n == -1u", "11: `-1u` is outside the range of `uint` (0 to 18446744073709551615)"},
    {"while == 1", "0: `while` is a reserved word of CEL and names nothing"}, {"in == 1", "0: `in` is a reserved word of CEL and names nothing"},
    {"arg.a == 1", "0: there is no `arg`; did you mean `args`?"}, {"x == 1", "0: there is no `x`: there are `args`, `tool.name`, `tool.risk`"},
    {"tool.nam == 'a'", "5: there is no `tool.nam`; did you mean `tool.name`?"}, {"tool == 1", "0: there is no `tool`: there are `args`, `tool.name`, `tool.risk`"},
    {"tool[0] == 1", "0: there is no `tool`: there are `args`, `tool.name`, `tool.risk`"},
    {"sise(args.a) == 1", "0: there is no function `sise`; did you mean `size`?"}, {"args.a.foo() == 1", "7: there is no function `foo`"},
    {"has(args)", "4: `has` asks for a member by name: write `has(args.NAME)`, or has(args.`NAME`) for a name with `-`, `.`, `/` or blanks"},
    {"has(args['a'])", "4: `has` asks for a member by name: write `has(args.NAME)`, or has(args.`NAME`) for a name with `-`, `.`, `/` or blanks"},
    {"size() == 1", "5: `)` stands where a value should stand"}, {"size(args, args) == 1", "9: `,` stands where `)` should stand"}}));

constexpr const char* may = " is not supported yet by this version: conditions may use `==` `!=` `<` `<=` `>` `>=` `in` `&&` `||` `!` `has` `size`";

TEST(Syntax, WhatTheLanguageHasAndThisVersionHasNotSaysSo) {
  struct Later {
    const char* text;
    const char* at;
    const char* what;
  };
  for (const Later& row : std::vector<Later>{
           {"args.a + 1 == 2", "7", "+"}, {"args.a - 1 == 2", "7", "-"}, {"args.a * 2 == 2", "7", "*"}, {"args.a / 2 == 2", "7", "/"},
           {"args.a % 2 == 2", "7", "%"}, {"-args.a == 2", "0", "-"}, {"args.a ? true : false", "7", "?:"}, {"{'a': 1} == args", "0", "{"},
           {"b'a' == args.a", "0", "b\"…\""}, {"args.a.startsWith('x')", "7", "startsWith()"}, {"args.l.all(x, x > 1)", "7", "all()"},
           {"matches(args.a, 'x')", "0", "matches()"}, {"timestamp('x') == args.t", "0", "timestamp()"}, {"seen('x', '1h')", "0", "seen()"},
           {"now == 1", "0", "now"}, {"principal.id == 'x'", "0", "principal"}}) {
    EXPECT_EQ(outcome(row.text), std::string(row.at) + ": `" + row.what + "`" + may) << row.text;
    EXPECT_EQ(Expression::parse(row.text, scope()).error().kind, ErrorKind::unsupported);
  }
}

std::string repeated(std::string_view part, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += part;
  return out;
}

// cel-spec asks for 32 of each at least.
TEST(Syntax, LongAndDeepExpressionsAreRefusedInTimeAndNotSooner) {
  EXPECT_EQ(outcome(repeated("(", 60) + "true" + repeated(")", 60)), "true");
  EXPECT_EQ(outcome(repeated("!", 60) + "true"), "true");
  EXPECT_EQ(outcome("true" + repeated(" && true", 1000)), "true");
  EXPECT_EQ(outcome("true" + repeated(" == true", 40)), "true");
  EXPECT_EQ(outcome("has(args" + repeated(".a", 40) + ")"), "fault: `args.a` is not there");
  EXPECT_EQ(outcome("args.x in [1" + repeated(", 1", 1000) + "]", R"({"x":1})"), "true");
  EXPECT_THAT(outcome(repeated("(", 100'000)), testing::HasSubstr("is longer than 16384 bytes"));
  EXPECT_THAT(outcome(repeated("(", 10'000)), testing::HasSubstr("more than 64 parts within one another"));
  EXPECT_THAT(outcome(repeated("!", 10'000)), testing::HasSubstr("too many `!` within one another"));
  EXPECT_THAT(outcome(repeated("[", 10'000)), testing::HasSubstr("more than 64 parts within one another"));
  EXPECT_THAT(outcome("args" + repeated(".a", 5000)), testing::HasSubstr("too many parts"));
  EXPECT_THAT(outcome("1 in [1" + repeated(",1", 5000) + "]"), testing::HasSubstr("too many parts"));
}

TEST(Syntax, ExpressionsThatDifferInBlanksAndCommentsHaveOneNormalForm) {
  const auto normal = [](std::string_view text) { return Expression::parse(std::string(text), scope())->normal(); };
  EXPECT_EQ(normal("args.a==1&&true"), "args . a == 1 && true");
  EXPECT_EQ(normal("args.a == 1 // note\n && true"), normal("args.a==1&&true"));
  EXPECT_NE(normal("args.a == 'a b'"), normal("args.a == 'ab'"));
}

TEST(Syntax, TellsWhichNamesItReads) {
  const auto read = [](std::string_view text) { return Expression::parse(std::string(text), scope())->names_read(); };
  EXPECT_THAT(read("args.a.b == 1 && has(args.c) && 'd' in args && args['e'] == 2").names, testing::ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_FALSE(read("args.a in ['x'] && args.l[0] == 1").any);
  EXPECT_TRUE(read("args[args.k] == 1").any);
  EXPECT_TRUE(read("args.k in args").any);
  EXPECT_TRUE(read("tool.name == 'x'").names.empty());
}

TEST(Syntax, KnowsWhatNeverChanges) {
  const auto always = [](std::string_view text) { return Expression::parse(std::string(text), scope())->always(); };
  EXPECT_EQ(always("true"), true);
  EXPECT_EQ(always("1 in [2, 3]"), false);
  EXPECT_EQ(always("args.a == 1"), std::nullopt);
  EXPECT_EQ(always("[1][5] == 1"), std::nullopt);
}

}  // namespace
}  // namespace callgate::cel::syntax_test
