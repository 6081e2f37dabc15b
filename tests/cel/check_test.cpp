#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cel/world.hpp"

namespace callgate::cel::check_test {
namespace {

using testing::ElementsAre;

Type of(Kinds kinds) { return {.kinds = kinds}; }

/// name, amount, tags and to are required; note, size and deep are not. One argument may be text or null.
Type arguments() {
  Type tags = of(bit(Kind::list));
  tags.element = std::make_shared<Type>(of(bit(Kind::text)));
  Type deep{.kinds = bit(Kind::map), .knows_fields = true, .fields = {{"inner", of(bit(Kind::number)), true}, {"maybe", of(bit(Kind::number)), false}}};
  return {.kinds = bit(Kind::map),
          .knows_fields = true,
          .fields = {{"name", of(bit(Kind::text)), true},
                     {"amount", of(bit(Kind::number)), true},
                     {"tags", tags, true},
                     {"to", of(bit(Kind::text) | bit(Kind::null)), true},
                     {"any", of(any_kind), true},
                     {"note", of(bit(Kind::text)), false},
                     {"on", of(bit(Kind::boolean)), false},
                     {"deep", deep, false}}};
}

std::vector<std::string> told(std::string_view text, const Present& known = {}) {
  const Scope types = scope(arguments());
  const auto expression = Expression::parse(std::string(text), types);
  if (!expression) return {"syntax: " + expression.error().message};
  const Findings findings = expression->check(types, known);
  std::vector<std::string> out;
  for (const Notice& each : findings.faults) out.push_back(std::to_string(each.at) + ": " + each.message);
  for (const Notice& each : findings.warnings) out.push_back("warning " + std::to_string(each.at) + ": " + each.message);
  return out;
}

TEST(Check, LetsPassWhatMayBeRight) {
  for (const char* text : {"args.amount > 500", "args.name == 'x' && args.amount != 2.5", "'a' in args.tags", "size(args.tags) > 1 && args.tags[0] == 'x'",
                           "args.to == null || args.to == 'x'", "args.any > 5", "args.any", "has(args.note)", "tool.risk == 'High'",
                           "tool.risk in ['High', 'Critical']", "args.any.b[0] == 1", "args[args.name] == 1", "args.name in args", "args.any in args.tags",
                           "has(args.deep) && args.deep.inner > 1", "args.tags == ['a']", "args.amount in [1, 2]", "args.any in args.any"}) {
    EXPECT_THAT(told(text), testing::IsEmpty()) << text;
  }
}

struct Row {
  const char* text;
  const char* says;
};

class Mistake : public testing::TestWithParam<Row> {};

TEST_P(Mistake, IsToldWithItsPlace) { EXPECT_THAT(told(GetParam().text), ElementsAre(GetParam().says)) << GetParam().text; }

INSTANTIATE_TEST_SUITE_P(Check, Mistake, testing::ValuesIn(std::vector<Row>{
    {"args.amuont > 5", "0: the tool `t` has no argument `amuont`; did you mean `amount`?"}, {"has(args.nope)", "0: the tool `t` has no argument `nope`; did you mean `note`?"},
    {"has(args.deep) && args.deep.inmer == 1", "18: `args.deep` has no member `inmer`; did you mean `inner`?"},
    {"args.amount > '5'", "0: `args.amount` is a number and `'5'` is text: only numbers with numbers and texts with texts have an order"},
    {"args.amount == '5'", "0: `args.amount` is a number and `'5'` is text: they are never equal"},
    {"args.name == null", "0: `args.name` is text and `null` is null: they are never equal, write `has(…)` to ask whether it is there"},
    {"args.to == 5", "0: `args.to` is null or text and `5` is a number: they are never equal"},
    {"args.tags > 5", "0: `args.tags` is a list and `5` is a number: only numbers with numbers and texts with texts have an order"},
    {"args.amount", "0: `args.amount` is a number: a condition has to be true or false"},
    {"!args.name", "1: `args.name` is text: `!` takes true or false"}, {"args.name && true", "0: `args.name` is text: `&&` takes true or false on both sides"},
    {"true || args.name", "8: `args.name` is text: `||` takes true or false on both sides"},
    {"args.name.x == 1", "0: `args.name` is text: only an object has members such as `x`"},
    {"args.name[0] == 'x'", "0: `args.name` is text: only a list or an object has something at `[…]`"},
    {"args.tags[args.name] == 'x'", "10: `args.name` is text: `args.tags` is a list, which has something at a number only"},
    {"size(args.amount) > 1", "5: `args.amount` is a number: `size` counts the characters of a text, the items of a list, the members of an object"},
    {"'x' in args.name", "7: `args.name` is text: `in` looks into a list, or for a name among an object's members"},
    {"5 in args.tags", "0: `5` is a number and never in `args.tags`, which holds text"},
    {"args.amount in ['1', '2']", "0: `args.amount` is a number and never in `['1', '2']`, which holds text"},
    {"args.name in []", "13: nothing is in an empty list: write what may be in it"},
    {"tool.risk == 'high'", "13: `tool.risk` is never `high`: it is one of `Low`, `Medium`, `High`, `Critical`"},
    {"tool.risk in ['High', 'Worst']", "13: `tool.risk` is never `Worst`: it is one of `Low`, `Medium`, `High`, `Critical`"},
    {"tool.risk >= 'High'", "0: words have no order but that of their letters: write `tool.risk in [\"…\", \"…\"]`"}}));

constexpr const char* optional_note =
    "warning 0: `args.note` is optional, and a call without it ends as a fault: write `has(args.note) && …` before it, or `!has(args.note) || …`";

TEST(Check, AnOptionalArgumentIsReadBehindHas) {
  EXPECT_THAT(told("args.note == 'x'"), ElementsAre(optional_note));
  EXPECT_THAT(told("args.note == 'x' || has(args.note)"), ElementsAre(optional_note));
  EXPECT_THAT(told("args['note'] == 'x'"), testing::SizeIs(1));
  EXPECT_THAT(told("args.note == 'x' && args.note != 'y'"), testing::SizeIs(2));
  for (const char* text :
       {"has(args.note) && args.note == 'x'", "args.note == 'x' && has(args.note)", "!has(args.note) || args.note == 'x'", "'note' in args && args.note == 'x'",
        "!(!has(args.note)) && args.note == 'x'", "!(!has(args.note) || args.amount > 1) && args.note == 'x'", "has(args.note) && (args.amount > 1 || args.note == 'x')",
        "has(args.on) && args.on", "has(args.deep) && has(args.deep.maybe) && args.deep.maybe > 1"}) {
    EXPECT_THAT(told(text), testing::IsEmpty()) << text;
  }
  EXPECT_THAT(told("has(args.deep.maybe)"), testing::SizeIs(1));  // `args.deep` itself may not be there
  EXPECT_THAT(told("has(args.deep) && args.deep.maybe > 1"), testing::SizeIs(1));
}

TEST(Check, WhatAnEarlierCaseMadeSureOfIsThere) {
  const Scope types = scope(arguments());
  const auto first = Expression::parse("!has(args.note) || args.amount > 5", types);
  const Present present = first->present_after(types, false);
  EXPECT_THAT(told("args.note == 'x'", present), testing::IsEmpty());
  EXPECT_TRUE(first->present_after(types, true).empty());
}

TEST(Check, WhatOneOfSeveralToolsLacksIsNoMistakeBehindHas) {
  Scope many = scope(arguments());
  many.serves_many = true;
  const auto findings = [&](const char* text) { return Expression::parse(text, many)->check(many); };
  EXPECT_EQ(findings("has(args.other) && args.other > 5").faults.size() + findings("has(args.other) && args.other > 5").warnings.size(), 0u);
  EXPECT_EQ(findings("args.other > 5").faults.size(), 0u);
  EXPECT_EQ(findings("args.other > 5").warnings.size(), 1u);
  EXPECT_EQ(findings("args.name > 5").faults.size(), 1u);
}

TEST(Check, EveryMistakeIsToldAtOnce) {
  EXPECT_THAT(told("args.amuont > 5 && args.name > 5 && args.note == 1"), testing::SizeIs(4));
}

TEST(Check, SaysNothingOfWhatItDoesNotKnow) {
  const Scope open = scope();
  for (const char* text : {"args.x > 5", "args.x.y == 'a' && args.x[0] == 1", "size(args.x) > 1"}) {
    const auto expression = Expression::parse(text, open);
    EXPECT_TRUE(expression->check(open).faults.empty() && expression->check(open).warnings.empty()) << text;
  }
}

}  // namespace
}  // namespace callgate::cel::check_test
