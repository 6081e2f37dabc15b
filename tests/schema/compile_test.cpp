#include <fmt/format.h>
#include <gmock/gmock.h>

#include "schema/judge.hpp"

namespace callgate::schema::compile_test {
namespace {

struct Row {
  const char* name;
  const char* schema;
  ErrorKind kind;
  const char* message;  // a part of it
  const char* where;
};

class RefusedSchema : public testing::TestWithParam<Row> {};

TEST_P(RefusedSchema, NamesKeywordAndPlace) {
  const auto schema = compiled(GetParam().schema);
  ASSERT_FALSE(schema.has_value());
  EXPECT_EQ(schema.error().kind, GetParam().kind);
  EXPECT_THAT(schema.error().message, testing::HasSubstr(GetParam().message));
  EXPECT_EQ(schema.error().where, GetParam().where);
}

/// Security requirement S12: nothing is fetched by `$ref`.
INSTANTIATE_TEST_SUITE_P(References, RefusedSchema, testing::Values(
    Row{"to_itself", R"({"$ref":"#"})", ErrorKind::invalid, "`$ref` leads back to itself", ""},
    Row{"two_steps", R"({"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}})", ErrorKind::invalid, "`$ref` leads back to itself", "/$defs/a"},
    Row{"through_any_of", R"({"properties":{"x":{"anyOf":[true,{"$ref":"#/properties/x"}]}}})", ErrorKind::invalid, "`$ref` leads back to itself", "/properties/x"},
    Row{"through_not", R"({"not":{"$ref":"#"}})", ErrorKind::invalid, "`$ref` leads back to itself", ""},
    Row{"through_dependent", R"({"dependentSchemas":{"a":{"$ref":"#"}}})", ErrorKind::invalid, "`$ref` leads back to itself", ""},
    Row{"network", R"({"$ref":"https://example.test/schema.json"})", ErrorKind::unsupported, "`$ref` leads outside", "/$ref"},
    Row{"relative_file", R"({"items":{"$ref":"other.json#/a"}})", ErrorKind::unsupported, "`$ref` leads outside", "/items/$ref"},
    Row{"file", R"({"$ref":"file:///etc/passwd"})", ErrorKind::unsupported, "`$ref` leads outside", "/$ref"},
    Row{"metaschema", R"({"$ref":"https://json-schema.org/draft/2020-12/schema"})", ErrorKind::unsupported, "`$ref` leads outside", "/$ref"},
    Row{"dangling_pointer", R"({"$ref":"#/$defs/none"})", ErrorKind::invalid, "`$ref` points to nothing", "/$ref"},
    Row{"dangling_index", R"({"allOf":[{"$ref":"#/allOf/01"}]})", ErrorKind::invalid, "`$ref` points to nothing", "/allOf/0/$ref"},
    Row{"dangling_anchor", R"({"$ref":"#none"})", ErrorKind::invalid, "`$ref` names an anchor", "/$ref"},
    Row{"to_a_text", R"({"$ref":"#/title","title":"x"})", ErrorKind::invalid, "`$ref` must point to a schema", "/$ref"},
    Row{"not_a_string", R"({"$ref":5})", ErrorKind::invalid, "`$ref` must be a string", "/$ref"},
    Row{"dynamic", R"({"items":{"$dynamicRef":"#x"}})", ErrorKind::unsupported, "`$dynamicRef` is not supported", "/items/$dynamicRef"},
    Row{"vocabulary", R"({"$vocabulary":{},"type":"object"})", ErrorKind::unsupported, "`$vocabulary` is not supported", "/$vocabulary"},
    Row{"id_twice", R"({"$defs":{"a":{"$id":"https://x.test/a"},"b":{"$id":"https://x.test/a"}}})", ErrorKind::invalid, "`$id` is already", "/$defs/b/$id"},
    Row{"id_with_fragment", R"({"$id":"#frag"})", ErrorKind::invalid, "`$id` must not have a fragment", "/$id"},
    Row{"id_no_string", R"({"$id":1})", ErrorKind::invalid, "`$id` must be a string", "/$id"},
    Row{"anchor_twice", R"({"$anchor":"a","$defs":{"b":{"$anchor":"a"}}})", ErrorKind::invalid, "`$anchor` is already", "/$defs/b/$anchor"},
    Row{"anchor_odd", R"({"$anchor":"1 2"})", ErrorKind::invalid, "`$anchor` must be a name", "/$anchor"},
    Row{"dialect_4", R"({"$schema":"http://json-schema.org/draft-04/schema#"})", ErrorKind::unsupported, "`$schema` names a dialect", "/$schema"},
    Row{"dialect_unknown", R"({"$schema":"https://example.test/mine"})", ErrorKind::unsupported, "`$schema` names a dialect", "/$schema"},
    Row{"dialect_no_string", R"({"$schema":7})", ErrorKind::unsupported, "`$schema` names a dialect", "/$schema"}),
    [](const auto& row) { return row.param.name; });

INSTANTIATE_TEST_SUITE_P(Values, RefusedSchema, testing::Values(
    Row{"no_schema", "5", ErrorKind::invalid, "schema must be an object or a boolean", ""},
    Row{"type_unknown", R"({"type":"text"})", ErrorKind::invalid, "`type` must be a type", "/type"},
    Row{"type_unknown_in_list", R"({"type":["null","text"]})", ErrorKind::invalid, "`type` must name types", "/type/1"},
    Row{"type_empty", R"({"type":[]})", ErrorKind::invalid, "`type` must name at least one", "/type"},
    Row{"enum", R"({"enum":"a"})", ErrorKind::invalid, "`enum` must be an array", "/enum"},
    Row{"minimum", R"({"minimum":"1"})", ErrorKind::invalid, "`minimum` must be a number", "/minimum"},
    Row{"draft_04_flag", R"({"minimum":1,"exclusiveMinimum":true})", ErrorKind::invalid, "`exclusiveMinimum` must be a number", "/exclusiveMinimum"},
    Row{"exponent", R"({"maximum":1e9999999999999999999999})", ErrorKind::too_large, "`maximum` has too large an exponent", "/maximum"},
    Row{"exponent_in_const", R"({"const":1e9999999999999999999999})", ErrorKind::too_large, "`const` holds a number", "/const"},
    Row{"multiple_of_zero", R"({"multipleOf":0})", ErrorKind::invalid, "`multipleOf` must be a number above zero", "/multipleOf"},
    Row{"multiple_of_long", R"({"multipleOf":1.2345678901234567891})", ErrorKind::invalid, "`multipleOf` must be a number above zero", "/multipleOf"},
    Row{"negative_length", R"({"minLength":-1})", ErrorKind::invalid, "`minLength` must be an integer", "/minLength"},
    Row{"broken_length", R"({"maxItems":1.5})", ErrorKind::invalid, "`maxItems` must be an integer", "/maxItems"},
    Row{"required_flag", R"({"properties":{"a":{"required":true}}})", ErrorKind::invalid, "`required` must be an array of strings", "/properties/a/required"},
    Row{"required_number", R"({"required":["a",1]})", ErrorKind::invalid, "`required` must hold strings only", "/required/1"},
    Row{"properties_list", R"({"properties":[]})", ErrorKind::invalid, "`properties` must be an object", "/properties"},
    Row{"property_text", R"({"properties":{"a":"string"}})", ErrorKind::invalid, "`properties` must hold a schema", "/properties/a"},
    Row{"item_list_in_2020", R"({"items":[{}]})", ErrorKind::invalid, "`prefixItems`", "/items"},
    Row{"any_of_empty", R"({"anyOf":[]})", ErrorKind::invalid, "`anyOf` must have at least one", "/anyOf"},
    Row{"all_of_object", R"({"allOf":{}})", ErrorKind::invalid, "`allOf` must be an array", "/allOf"},
    Row{"unique_text", R"({"uniqueItems":"yes"})", ErrorKind::invalid, "`uniqueItems` must be true or false", "/uniqueItems"},
    Row{"dependent_required", R"({"dependentRequired":{"a":"b"}})", ErrorKind::invalid, "`dependentRequired` must be an array of strings", "/dependentRequired/a"},
    Row{"dependencies", R"({"dependencies":[]})", ErrorKind::invalid, "`dependencies` must be an object", "/dependencies"},
    Row{"pattern_number", R"({"pattern":1})", ErrorKind::invalid, "`pattern` must be a string", "/pattern"},
    Row{"pattern_look_ahead", R"_({"pattern":"(?=a)"})_", ErrorKind::unsupported, "`pattern` cannot be used", "/pattern"},
    Row{"pattern_back_reference", R"({"pattern":"(a)\\1"})", ErrorKind::unsupported, "`pattern` cannot be used", "/pattern"},
    Row{"pattern_unclosed", R"({"items":{"pattern":"("}})", ErrorKind::unsupported, "`pattern` cannot be used", "/items/pattern"},
    Row{"pattern_explodes", R"({"pattern":"((a{1,100}){1,100}){1,100}"})", ErrorKind::unsupported, "`pattern` cannot be used", "/pattern"},
    Row{"pattern_properties", R"({"patternProperties":{"(":{}}})", ErrorKind::unsupported, "`patternProperties` cannot be used", "/patternProperties/("}),
    [](const auto& row) { return row.param.name; });

std::vector<std::string> places(std::string_view text, const CompileOptions& options = {}) {
  const Compiled compiled = Schema::check(document(text)->root(), options);
  EXPECT_EQ(compiled.schema == nullptr, !compiled.faults.empty());
  std::vector<std::string> out;
  for (const Error& fault : compiled.faults) out.push_back(fault.where);
  std::ranges::sort(out);
  return out;
}

TEST(Schema, CheckReportsEveryFaultAtOnce) {
  EXPECT_EQ(places(R"_({"$anchor":"1 2","properties":{"a":{"type":"nope","pattern":"("},"b":5,"c":{"$ref":"http://x/y"}},
                      "patternProperties":{"[":7,"ok":"no"},"allOf":[{"minimum":"1"},3],"dependentRequired":{"a":"b","c":1},
                      "required":true})_"),
            (std::vector<std::string>{"/$anchor", "/allOf/0/minimum", "/allOf/1", "/dependentRequired/a", "/dependentRequired/c",
                                      "/patternProperties/[", "/patternProperties/[", "/patternProperties/ok", "/properties/a/pattern",
                                      "/properties/a/type", "/properties/b", "/properties/c/$ref", "/required"}));
  EXPECT_EQ(places(R"({"type":"object"})"), std::vector<std::string>());
}

TEST(Schema, CheckReportsNoMoreThanItIsAskedFor) {
  std::string many = R"({"properties":{)";
  for (int i = 0; i < 200; ++i) many += fmt::format(R"({}"p{}":{{"$anchor":"1 2","type":"nope"}})", i > 0 ? "," : "", i);
  many += "}}";
  EXPECT_EQ(places(many).size(), 64U);
  EXPECT_EQ(places(many, {.max_faults = 3}).size(), 3U);
  EXPECT_EQ(places(R"({"properties":{"a":1,"b":2,"c":3,"d":4}})", {.max_faults = 3}).size(), 3U);
}

TEST(Schema, CheckSaysNothingMoreOfAnUnknownDialect) {
  EXPECT_EQ(places(R"({"$schema":"http://json-schema.org/draft-04/schema#","minimum":1,"exclusiveMinimum":true})"),
            std::vector<std::string>{"/$schema"});
}

TEST(Schema, CheckOutlivesFaultsInWhatAReferenceLeadsTo) {
  std::string hidden = R"({"x":{"y":{"not":{"not":{}}}})";
  for (int i = 0; i < 100; ++i) hidden += fmt::format(R"(,"a{}":{{"$anchor":"1 2"}})", i);
  const auto found = places(R"({"allOf":[{"$ref":"#/z"},{"$ref":"#/z"},{"$ref":"#/z/properties/x/y"}],"z":{"properties":)" + hidden + "}}}");
  EXPECT_EQ(found.front(), "/z/properties/a0/$anchor");
}

TEST(Schema, VocabularyMeansNothingInDraft07) {
  EXPECT_TRUE(compiled(R"({"$schema":"http://json-schema.org/draft-07/schema#","$vocabulary":{}})").has_value());
}

TEST(Schema, IgnoresFaultsThatNothingReaches) {
  EXPECT_TRUE(compiled(R"({"$defs":{"a":{"pattern":"("},"b":{"$ref":"#/$defs/b"}}})").has_value());
  EXPECT_TRUE(compiled(R"({"default":{"$ref":"#"},"examples":[{"$id":5}],"const":{"$ref":"x"}})").has_value());
}

TEST(Schema, KeepsTheBoundsItIsGiven) {
  struct Bound {
    CompileOptions options;
    const char* schema;
    const char* message;
  };
  const Bound bounds[] = {
      {{.max_bytes = 10}, R"({"type":"null"})", "longer than 10 bytes"},
      {{.max_depth = 3}, R"({"not":{"not":{"not":{}}}})", "deep"},
      {{.max_subschemas = 2}, R"({"properties":{"a":{},"b":{}}})", "`properties` is one subschema too many"},
      {{.max_patterns = 1}, R"({"allOf":[{"pattern":"a"},{"pattern":"b"}]})", "`pattern` is one pattern too many"},
      {{.max_pattern_states = 3}, R"({"pattern":"abcdef"})", "`pattern` needs too large an automaton"},
      {{.max_compile_steps = 10}, R"({"$ref":"#/$defs/a/not/not/not","$defs":{"a":{"not":{"not":{"not":{}}}}}})", "`$ref` occurs too often"},
  };
  for (const Bound& bound : bounds) {
    const auto schema = compiled(bound.schema, bound.options);
    ASSERT_FALSE(schema.has_value()) << bound.schema;
    EXPECT_EQ(schema.error().kind, ErrorKind::too_large) << bound.schema;
    EXPECT_THAT(schema.error().message, testing::HasSubstr(bound.message));
  }
}

TEST(Schema, CountsARepeatedPatternOnce) {
  const CompileOptions one{.max_patterns = 1};
  EXPECT_TRUE(compiled(R"({"allOf":[{"pattern":"a"},{"pattern":"a"}],"patternProperties":{"a":{}}})", one).has_value());
}

}  // namespace
}  // namespace callgate::schema::compile_test
