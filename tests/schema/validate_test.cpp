#include "schema/schema.hpp"

#include <gmock/gmock.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "schema/judge.hpp"

namespace callgate::schema::validate_test {
namespace {

constexpr std::string_view refund = R"({
  "type": "object",
  "properties": {
    "order": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$", "maxLength": 12},
    "amount": {"type": "number", "exclusiveMinimum": 0, "maximum": 500, "multipleOf": 0.01},
    "mode": {"enum": ["full", "part", null, 1, [1, {"a": 2}]]},
    "tags": {"type": "array", "items": {"type": "string", "minLength": 2}, "maxItems": 3, "uniqueItems": true},
    "note": {"$ref": "#/$defs/note"},
    "a/b~c": {"const": 1}
  },
  "required": ["order", "amount"],
  "additionalProperties": false,
  "dependentRequired": {"tags": ["note"]},
  "$defs": {"note": {"type": ["string", "null"]}}
})";

struct Row {
  const char* name;
  const char* instance;
  const char* keyword;  // empty: valid
  const char* path = "";
  const char* schema_path = "";
  const char* property = "";
};

class RefundArguments : public testing::TestWithParam<Row> {};

/// Security requirement S11: missing, null, wrong type, numeric string, negative, overflowing: a row a clause. Protocol item 30.
TEST_P(RefundArguments, AreJudgedWithPlaceAndKeyword) {
  const auto failure = judged(refund, GetParam().instance);
  ASSERT_EQ(failure ? failure->keyword : "", GetParam().keyword);
  if (!failure) return;
  EXPECT_EQ(failure->path, GetParam().path);
  EXPECT_EQ(failure->schema_path, GetParam().schema_path);
  EXPECT_EQ(failure->property, GetParam().property);
}

INSTANTIATE_TEST_SUITE_P(Schema, RefundArguments, testing::Values(
    Row{"plain", R"({"order":"AB-1","amount":19.99})", ""},
    Row{"all_members", R"({"order":"AB-1","amount":5e2,"mode":"part","tags":["aa","bb"],"note":null,"a/b~c":1.0})", ""},
    Row{"escaped_key", R"({"\u006frder":"AB-1","amount":1})", ""},
    Row{"escaped_value", R"({"order":"\u0041B-1","amount":1})", ""},
    Row{"not_an_object", R"([])", "type", "", "/type"},
    Row{"missing", R"({"order":"AB-1"})", "required", "", "/required", "amount"},
    Row{"missing_in_empty", R"({})", "required", "", "/required", "order"},
    Row{"unknown_member", R"({"order":"AB-1","amount":1,"x":1})", "additionalProperties", "/x", "/additionalProperties"},
    Row{"member_of_other_case", R"({"order":"AB-1","Amount":1})", "additionalProperties", "/Amount", "/additionalProperties"},
    Row{"number_as_text", R"({"order":"AB-1","amount":"1"})", "type", "/amount", "/properties/amount/type"},
    Row{"null_amount", R"({"order":"AB-1","amount":null})", "type", "/amount", "/properties/amount/type"},
    Row{"zero", R"({"order":"AB-1","amount":0.0})", "exclusiveMinimum", "/amount", "/properties/amount/exclusiveMinimum"},
    Row{"negative", R"({"order":"AB-1","amount":-1e-300})", "exclusiveMinimum", "/amount", "/properties/amount/exclusiveMinimum"},
    Row{"too_much", R"({"order":"AB-1","amount":500.01})", "maximum", "/amount", "/properties/amount/maximum"},
    Row{"too_much_beyond_double", R"({"order":"AB-1","amount":500.000000000000000000000001})", "maximum", "/amount", "/properties/amount/maximum"},
    Row{"huge", R"({"order":"AB-1","amount":1e300})", "maximum", "/amount", "/properties/amount/maximum"},
    Row{"half_cent", R"({"order":"AB-1","amount":0.005})", "multipleOf", "/amount", "/properties/amount/multipleOf"},
    Row{"pattern", R"({"order":"ab-1","amount":1})", "pattern", "/order", "/properties/order/pattern"},
    Row{"pattern_line_end", R"({"order":"AB-1\n","amount":1})", "pattern", "/order", "/properties/order/pattern"},
    Row{"too_long", R"({"order":"AB-1234567890","amount":1})", "maxLength", "/order", "/properties/order/maxLength"},
    Row{"enum_null", R"({"order":"AB-1","amount":1,"mode":null})", ""},
    Row{"enum_number_by_value", R"({"order":"AB-1","amount":1,"mode":10e-1})", ""},
    Row{"enum_container", R"({"order":"AB-1","amount":1,"mode":[1.0,{"a":2}]})", ""},
    Row{"enum_container_not", R"({"order":"AB-1","amount":1,"mode":[1,{"a":3}]})", "enum", "/mode", "/properties/mode/enum"},
    Row{"enum_text_of_number", R"({"order":"AB-1","amount":1,"mode":"1"})", "enum", "/mode", "/properties/mode/enum"},
    Row{"enum_true_is_not_one", R"({"order":"AB-1","amount":1,"mode":true})", "enum", "/mode", "/properties/mode/enum"},
    Row{"const_below_escaped_name", R"({"order":"AB-1","amount":1,"a/b~c":2})", "const", "/a~1b~0c", "/properties/a~1b~0c/const"},
    Row{"element", R"({"order":"AB-1","amount":1,"note":"","tags":["aa","b"]})", "minLength", "/tags/1", "/properties/tags/items/minLength"},
    Row{"too_many", R"({"order":"AB-1","amount":1,"note":"","tags":["aa","bb","cc","dd"]})", "maxItems", "/tags", "/properties/tags/maxItems"},
    Row{"twice", R"({"order":"AB-1","amount":1,"note":"","tags":["aa","\u0061a"]})", "uniqueItems", "/tags", "/properties/tags/uniqueItems"},
    Row{"dependency", R"({"order":"AB-1","amount":1,"tags":[]})", "dependentRequired", "", "/dependentRequired", "note"},
    Row{"through_reference", R"({"order":"AB-1","amount":1,"note":5})", "type", "/note", "/$defs/note/type"}),
    [](const auto& row) { return row.param.name; });

struct Pair {
  const char* name;
  const char* schema;
  const char* valid;
  const char* invalid;
  const char* keyword;
};

class Keyword : public testing::TestWithParam<Pair> {};

TEST_P(Keyword, TellsValidFromInvalid) {
  EXPECT_EQ(refusal(GetParam().schema, GetParam().valid), "");
  EXPECT_EQ(refusal(GetParam().schema, GetParam().invalid), GetParam().keyword);
}

INSTANTIATE_TEST_SUITE_P(Schema, Keyword, testing::Values(
    Pair{"any_of", R"({"anyOf":[{"type":"string"},{"minimum":3}]})", "5", "2", "anyOf"},
    Pair{"one_of", R"({"oneOf":[{"minimum":3},{"multipleOf":2}]})", "3", "4", "oneOf"},
    Pair{"one_of_none", R"({"oneOf":[{"minimum":3},{"multipleOf":2}]})", "2", "1", "oneOf"},
    Pair{"all_of", R"({"allOf":[{"minimum":3},{"multipleOf":2}]})", "4", "5", "multipleOf"},
    Pair{"not", R"({"not":{"type":"string"}})", "4", "\"x\"", "not"},
    Pair{"then", R"({"if":{"minimum":10},"then":{"multipleOf":10},"else":{"multipleOf":3}})", "20", "21", "multipleOf"},
    Pair{"else", R"({"if":{"minimum":10},"then":{"multipleOf":10},"else":{"multipleOf":3}})", "9", "8", "multipleOf"},
    Pair{"false_member", R"({"properties":{"a":false}})", R"({"b":1})", R"({"a":1})", "properties"},
    Pair{"false_itself", R"({"not":false,"items":false})", "[]", "[1]", "items"},
    Pair{"contains", R"({"contains":{"const":1}})", "[2,1]", "[2]", "contains"},
    Pair{"min_contains", R"({"contains":{"const":1},"minContains":2})", "[1,1]", "[1,2]", "minContains"},
    Pair{"max_contains", R"({"contains":{"const":1},"maxContains":1})", "[1]", "[1,1]", "maxContains"},
    Pair{"no_contains_needed", R"({"contains":{"const":1},"minContains":0,"maxContains":1})", "[]", "[1,1]", "maxContains"},
    Pair{"prefix", R"({"prefixItems":[{"type":"string"}],"items":{"type":"null"}})", "[\"a\",null]", "[\"a\",1]", "type"},
    Pair{"property_names", R"({"propertyNames":{"maxLength":2}})", R"({"ab":1})", R"({"abc":1})", "maxLength"},
    Pair{"pattern_properties", R"({"patternProperties":{"^n_":{"type":"number"}}})", R"({"n_a":1})", R"({"n_a":""})", "type"},
    Pair{"additional_behind_patterns", R"({"patternProperties":{"^n_":{}},"additionalProperties":{"type":"null"}})", R"({"n_a":1,"b":null})", R"({"b":1})", "type"},
    Pair{"dependent_schema", R"({"dependentSchemas":{"a":{"required":["b"]}}})", R"({"a":1,"b":1})", R"({"a":1})", "required"},
    Pair{"dependencies_of_old", R"({"dependencies":{"a":["b"]}})", R"({"a":1,"b":1})", R"({"a":1})", "dependencies"},
    Pair{"min_properties", R"({"minProperties":1})", R"({"a":1})", "{}", "minProperties"},
    Pair{"max_properties", R"({"maxProperties":1.0})", R"({"a":1})", R"({"a":1,"b":1})", "maxProperties"},
    Pair{"length_of_emoji", R"({"minLength":2,"maxLength":2})", R"("😀é")", R"("😀")", "minLength"},
    Pair{"length_of_escaped_pair", R"({"minLength":3,"maxLength":3})", R"("\uD83D\ude00a\n")", R"("\uD83D\ude00a")", "minLength"},
    Pair{"length_of_escapes", R"({"maxLength":4})", R"("\\\"\u00e9\ud7ff")", R"("\\\"\u00e9\u0041b")", "maxLength"},
    Pair{"length_counted_in_words", R"({"minLength":9,"maxLength":9})", R"("éééééabcd")", R"("éééééabc")", "minLength"},
    Pair{"integer_with_fraction", R"({"type":"integer"})", "1.0", "1.5", "type"},
    Pair{"integer_beyond_int64", R"({"type":"integer","minimum":18446744073709551615})", "18446744073709551615", "18446744073709551614", "minimum"},
    Pair{"numbers_beyond_double", R"({"const":9007199254740993})", "9007199254740993", "9007199254740992", "const"},
    Pair{"unique_containers", R"({"uniqueItems":true})", R"([{"a":1,"b":2},{"a":1,"b":3}])", R"([{"a":1,"b":2},{"b":2.0,"a":1}])", "uniqueItems"},
    Pair{"unique_of_many", R"({"uniqueItems":true})", "[1,2,3,4,5,6,7,8,9,10]", "[1,2,3,4,5,6,7,8,9,1.0]", "uniqueItems"},
    Pair{"format_only_annotates", R"({"format":"email","type":"string"})", "\"no mail\"", "1", "type"},
    Pair{"unknown_is_ignored", R"({"x-mine":{"type":5},"then":false,"type":"null"})", "null", "1", "type"},
    Pair{"anchor", R"({"$ref":"#here","$defs":{"x":{"$anchor":"here","type":"null"}}})", "null", "1", "type"},
    Pair{"embedded_id", R"({"$id":"https://a.test/root","$ref":"part","$defs":{"x":{"$id":"/part","$ref":"#/$defs/y","$defs":{"y":{"type":"null"}}}}})", "null", "1", "type"},
    Pair{"recursion", R"({"type":"object","additionalProperties":{"$ref":"#"}})", R"({"a":{"b":{}}})", R"({"a":{"b":1}})", "type"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(Unevaluated, Keyword, testing::Values(
    Pair{"beside_properties", R"({"properties":{"a":true},"unevaluatedProperties":false})", R"({"a":1})", R"({"b":1})", "unevaluatedProperties"},
    Pair{"through_reference", R"({"$ref":"#/$defs/x","unevaluatedProperties":false,"$defs":{"x":{"properties":{"a":true}}}})", R"({"a":1})", R"({"a":1,"b":1})", "unevaluatedProperties"},
    Pair{"failed_branch_gives_nothing", R"({"anyOf":[{"properties":{"a":{"const":1}},"required":["a"]},true],"unevaluatedProperties":false})", R"({"a":1})", R"({"a":2})", "unevaluatedProperties"},
    Pair{"every_branch_gives", R"({"anyOf":[{"properties":{"a":true}},{"properties":{"b":true}}],"unevaluatedProperties":false})", R"({"a":1,"b":2})", R"({"c":2})", "unevaluatedProperties"},
    Pair{"not_gives_nothing", R"({"not":{"not":{"properties":{"a":true}}},"unevaluatedProperties":false})", "{}", R"({"a":1})", "unevaluatedProperties"},
    Pair{"condition_gives", R"({"if":{"properties":{"a":{"const":1}},"required":["a"]},"unevaluatedProperties":false})", R"({"a":1})", R"({"a":2})", "unevaluatedProperties"},
    Pair{"inner_gives_to_outer", R"({"allOf":[{"unevaluatedProperties":{"type":"null"}}],"unevaluatedProperties":false})", R"({"a":null})", R"({"a":1})", "type"},
    Pair{"items", R"({"prefixItems":[true],"contains":{"type":"null"},"unevaluatedItems":false})", "[1,null,null]", "[1,null,2]", "unevaluatedItems"},
    Pair{"schema_for_the_rest", R"({"prefixItems":[true],"unevaluatedItems":{"type":"null"}})", "[1,null]", "[1,2]", "type"}),
    [](const auto& row) { return row.param.name; });

constexpr std::string_view seven = R"("$schema":"http://json-schema.org/draft-07/schema#")";

INSTANTIATE_TEST_SUITE_P(Draft07, Keyword, testing::Values(
    Pair{"item_list", R"({"$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"null"}],"additionalItems":false})", "[null]", "[null,1]", "additionalItems"},
    Pair{"additional_items_behind_one_schema", R"({"$schema":"http://json-schema.org/draft-07/schema#","items":{"type":"null"},"additionalItems":false})", "[null,null]", "[1]", "type"},
    Pair{"definitions", R"({"$schema":"http://json-schema.org/draft-07/schema","$ref":"#/definitions/x","definitions":{"x":{"type":"null"}}})", "null", "1", "type"},
    Pair{"reference_silences_its_siblings", R"({"$schema":"http://json-schema.org/draft-07/schema#","$ref":"#/definitions/x","type":"string","definitions":{"x":{"type":"null"}}})", "null", "\"\"", "type"},
    Pair{"plain_name_id", R"({"$schema":"http://json-schema.org/draft-07/schema#","allOf":[{"$ref":"#here"}],"definitions":{"x":{"$id":"#here","type":"null"}}})", "null", "1", "type"},
    Pair{"dependency_schema", R"({"$schema":"http://json-schema.org/draft-07/schema#","dependencies":{"a":{"required":["b"]}}})", R"({"a":1,"b":1})", R"({"a":1})", "required"},
    Pair{"newer_words_mean_nothing", R"({"$schema":"http://json-schema.org/draft-07/schema#","prefixItems":[false],"unevaluatedProperties":false,"dependentRequired":{"a":["b"]},"type":"object"})", R"({"a":1})", "1", "type"},
    Pair{"draft_06_is_read_alike", R"({"$schema":"http://json-schema.org/draft-06/schema#","exclusiveMinimum":3})", "4", "3", "exclusiveMinimum"}),
    [](const auto& row) { return row.param.name; });

TEST(Schema, TakesTheDialectFromItsOwnTextBeforeTheOptions) {
  const CompileOptions older{.default_dialect = Dialect::draft7};
  EXPECT_EQ(refusal(R"({"prefixItems":[false]})", "[1]", older), "");
  EXPECT_EQ(refusal(R"({"$schema":"https://json-schema.org/draft/2020-12/schema","prefixItems":[false]})", "[1]", older), "prefixItems");
  EXPECT_EQ(refusal("{" + std::string(seven) + R"(,"prefixItems":[false]})", "[1]"), "");
}

TEST(Schema, SharesMoreThanSixtyFourEvaluatedMembers) {
  std::string schema = R"({"unevaluatedProperties":false,"allOf":[)";
  std::string instance = "{";
  for (int i = 0; i < 200; ++i) {
    schema += (i == 0 ? "" : ",") + (R"({"properties":{"p)" + std::to_string(i)) + R"(":true}})";
    instance += (i == 0 ? "\"p" : ",\"p") + std::to_string(i) + "\":1";
  }
  schema += "]}";
  EXPECT_EQ(refusal(schema, instance + "}"), "");
  EXPECT_EQ(refusal(schema, instance + R"(,"q":1})"), "unevaluatedProperties");
}

TEST(Schema, NamesTheTopLevelPropertiesItMentions) {
  const auto schema = compiled(R"({
    "properties": {"b": {"properties": {"inner": true}}, "a": true}, "required": ["c", "a"],
    "allOf": [{"$ref": "#/$defs/x"}], "dependentRequired": {"e": ["f"]}, "dependentSchemas": {"g": {"required": ["h"]}},
    "if": {"required": ["i"]}, "additionalProperties": {"properties": {"other": true}},
    "$defs": {"x": {"properties": {"d": true}}, "unused": {"properties": {"z": true}}}})");
  ASSERT_TRUE(schema.has_value()) << schema.error().message;
  EXPECT_THAT((*schema)->property_names(), testing::ElementsAre("a", "b", "c", "d", "e", "f", "g", "h", "i"));
}

/// Names of one length that are alike for longer than a word, or in all but one byte of it.
TEST(Schema, TellsNamesApartThatAreNearlyAlike) {
  const std::vector<std::string> names{"", "a", "b", "ab", "ba", "abc", "abd", "abcd", "abce", "bbcd", "abcdefgh", "abcdefgi", "abcdefghi", "abcdefghj", "abcdefgh_long", "abcdefgh_lond"};
  // As few as are searched one by one, and so many that they are not.
  for (const std::string_view more : {"", R"(,"m1":{},"m2":{},"m3":{})"}) {
    std::string properties;
    for (std::size_t i = 0; i < names.size(); ++i) properties += fmt::format(R"({}"{}":{{"const":{}}})", i == 0 ? "" : ",", names[i], i);
    const std::string schema = fmt::format(R"({{"properties":{{{}{}}},"additionalProperties":false}})", properties, more);
    for (std::size_t i = 0; i < names.size(); ++i) {
      EXPECT_EQ(refusal(schema, fmt::format(R"({{"{}":{}}})", names[i], i)), "") << names[i];
      EXPECT_EQ(refusal(schema, fmt::format(R"({{"{}":{}}})", names[i], i + 1)), "const") << names[i];
    }
    for (const std::string_view other : {"c", "bb", "abe", "abcf", "cbcd", "abcdefgj", "abcdefghk", "abcdefgh_lone", "abcdefg", "abcdefghij"})
      EXPECT_EQ(refusal(schema, fmt::format(R"({{"{}":0}})", other)), "additionalProperties") << other;
  }
}

/// Whole numbers are held against bounds that are whole in a shorter way, others and `multipleOf` in the longer one.
TEST(Schema, HoldsWholeNumbersAgainstBoundsAsOthers) {
  const std::vector<std::string> bounds{"0", "1", "-1", "500", "-500", "0.5", "-0.5", "1e2", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "1e30", "-1e30"};
  const std::vector<std::string> numbers{"0", "-0", "1", "-1", "2", "99", "100", "101", "499", "500", "501", "-499", "-500", "-501", "9223372036854775807", "9223372036854775806", "9223372036854775808", "-9223372036854775808", "-9223372036854775807", "1.0", "0.5", "1e2"};
  const auto judge_all = [&](const std::string& rules) {
    const auto shorter = *compiled("{" + rules + "}");
    const auto longer = *compiled("{" + rules + R"(,"multipleOf":0.5})");
    for (const std::string& number : numbers) {
      const auto instance = document(number);
      const auto one = shorter->validate(instance->root());
      const auto other = longer->validate(instance->root());
      EXPECT_EQ(one ? one->keyword : "", other ? other->keyword : "") << number << " by " << rules;
    }
  };
  constexpr std::array<std::string_view, 4> keywords{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};
  for (const std::string_view keyword : keywords) {
    for (const std::string& bound : bounds) {
      judge_all(fmt::format(R"("{}":{})", keyword, bound));
      for (const std::string_view second : keywords) {
        if (second != keyword) judge_all(fmt::format(R"("{}":{},"{}":100)", keyword, bound, second));
      }
    }
  }
}

TEST(Schema, OutlivesTheTextItWasCompiledFrom) {
  std::shared_ptr<const Schema> schema;
  {
    auto text = document(R"({"enum":["a",[1]],"minLength":1})");
    schema = *Schema::compile(text->root());
  }
  EXPECT_FALSE(schema->validate(document(R"("a")")->root()).has_value());
  EXPECT_TRUE(schema->validate(document(R"("b")")->root()).has_value());
}

TEST(Schema, IsUsedFromSeveralThreadsAtOnce) {
  const auto schema = *compiled(refund);
  const auto valid = document(R"({"order":"AB-1","amount":19.99})");
  const auto invalid = document(R"({"order":"ab-1","amount":19.99})");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 500; ++n) {
        EXPECT_FALSE(schema->validate(valid->root()).has_value());
        EXPECT_EQ(schema->validate(invalid->root())->keyword, "pattern");
      }
    });
  }
}

}  // namespace
}  // namespace callgate::schema::validate_test
