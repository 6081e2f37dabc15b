// Schemas and instances made to hurt: each must end soon, and never as "valid".

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <ctime>

#include "schema/judge.hpp"

namespace callgate::schema::hostile_test {
namespace {

/// Fails the test when its scope takes more time of the processor (a loaded
/// machine does not count); generous, for sanitizers.
class Within {
 public:
  explicit Within(std::chrono::seconds limit) : limit_(limit) {}
  ~Within() { EXPECT_LT((std::clock() - begin_) / CLOCKS_PER_SEC, limit_.count()); }
  Within(const Within&) = delete;
  Within& operator=(const Within&) = delete;

 private:
  std::chrono::seconds limit_;
  std::clock_t begin_ = std::clock();
};

std::string nested(std::string_view open, std::string_view core, std::string_view close, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += open;
  text += core;
  for (int i = 0; i < times; ++i) text += close;
  return text;
}

/// Security requirement S12: depth, size and time of schemas are bounded, here and below. Protocol item 30.
TEST(Hostile, SchemaTenThousandDeepIsRefused) {
  const auto schema = compiled(nested(R"({"not":)", "{}", "}", 10'000));
  ASSERT_FALSE(schema.has_value());
  EXPECT_EQ(schema.error().kind, ErrorKind::too_large);
}

TEST(Hostile, InstanceTenThousandDeepEndsAtALimit) {
  const auto failure = judged(R"({"items":{"$ref":"#"}})", nested("[", "", "]", 10'000));
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->keyword, "limit");
}

TEST(Hostile, DeepInstanceThatNobodyLooksIntoIsValid) {
  EXPECT_EQ(refusal(R"({"type":"array"})", nested("[", "", "]", 10'000)), "");
}

std::string chain(int length, std::string_view last) {
  std::string text = R"({"$ref":"#/$defs/0","$defs":{)";
  for (int i = 0; i < length; ++i) text += fmt::format(R"("{}":{{"$ref":"#/$defs/{}"}},)", i, i + 1);
  return text + fmt::format(R"("{}":{}}}}})", length, last);
}

TEST(Hostile, LongChainOfReferencesEndsAtALimit) {
  const Within soon(std::chrono::seconds(20));
  EXPECT_EQ(refusal(chain(200, R"({"type":"null"})"), "1"), "type");
  EXPECT_EQ(refusal(chain(2'000, R"({"type":"null"})"), "null"), "limit");
  const auto cycle = compiled(chain(2'000, R"({"$ref":"#"})"));
  ASSERT_FALSE(cycle.has_value());
  EXPECT_THAT(cycle.error().message, testing::HasSubstr("`$ref` leads back to itself"));
  const auto huge = compiled(chain(20'000, "{}"));
  ASSERT_FALSE(huge.has_value()) << "following each reference costs the size of `$defs`";
  EXPECT_EQ(huge.error().kind, ErrorKind::too_large);
}

TEST(Hostile, WorkThatDoublesAtEachStepIsCutOff) {
  const Within soon(std::chrono::seconds(20));
  for (const char* keyword : {"allOf", "anyOf", "oneOf"}) {
    std::string text = R"({"$ref":"#/$defs/0","$defs":{)";
    for (int i = 0; i < 40; ++i) text += fmt::format(R"("{0}":{{"{2}":[{{"$ref":"#/$defs/{1}"}},{{"$ref":"#/$defs/{1}"}}]}},)", i, i + 1, keyword);
    text += R"("40":)" + std::string(keyword == std::string_view("allOf") ? "true" : "false") + "}}";
    EXPECT_EQ(refusal(text, "1"), "limit") << keyword;
  }
}

TEST(Hostile, CutOffWorkIsNotTurnedIntoValidByNot) {
  CompileOptions few;
  few.base_steps = 10;
  few.steps_per_byte = 0;
  const std::string array = "[1,2,3,4,5,6,7,8,9,10,11,12]";
  EXPECT_EQ(refusal(R"({"not":{"items":{"type":"integer"}}})", array, few), "limit");
  EXPECT_EQ(refusal(R"({"anyOf":[{"items":{"type":"integer"}},true]})", array, few), "limit");
  EXPECT_EQ(refusal(R"({"if":{"items":{"type":"integer"}},"then":true,"else":true})", array, few), "limit");
  EXPECT_EQ(refusal(R"({"oneOf":[{"items":{"type":"string"}},{"items":{"type":"integer"}},true]})", array, few), "limit");
  EXPECT_EQ(refusal(R"({"contains":{"const":99},"minContains":0,"maxContains":1})", array, few), "limit");
}

TEST(Hostile, ManyBranchesForManyElementsAreCutOff) {
  const Within soon(std::chrono::seconds(20));
  std::string branches = R"({"items":{"anyOf":[)";
  for (int i = 0; i < 5'000; ++i) branches += fmt::format(R"({{"const":"{}"}},)", i);
  std::string array = "[0";
  for (int i = 0; i < 20'000; ++i) array += ",0";
  EXPECT_EQ(refusal(branches + R"({"type":"integer"}]}})", array + "]"), "limit");
}

/// Security requirement S11: linear time.
TEST(Hostile, BacktrackingPatternsRunInLinearTime) {
  const Within soon(std::chrono::seconds(20));
  const std::string text = "\"" + std::string(60'000, 'a') + "!\"";
  for (const char* pattern : {"^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "(.*a){20}$", "^(([a-z])+.)+[A-Z]([a-z])+$"}) {
    const std::string schema = "{\"pattern\":" + json::quoted(pattern) + "}";
    EXPECT_THAT(refusal(schema, text), testing::AnyOf("pattern", "limit")) << pattern;
  }
}

TEST(Hostile, PatternsThatOverflowTheirCacheSpendTheBudget) {
  const Within soon(std::chrono::seconds(60));
  std::string text;
  for (std::uint32_t i = 0, bits = 1; i < 60'000; ++i, bits = bits * 1'103'515'245 + 12'345) text += (bits >> 16) & 1 ? 'a' : 'b';
  std::string schema = R"({"anyOf":[)";
  for (int i = 100; i < 200; ++i) schema += fmt::format(R"({{"pattern":"a[ab]{{{}}}c"}},)", i);
  EXPECT_EQ(refusal(schema + "false]}", "\"" + text + "\""), "limit");
}

TEST(Hostile, LongNumbersAndTextsArePaidForEachTimeTheyAreRead) {
  const Within soon(std::chrono::seconds(20));
  std::string branches;
  for (int i = 0; i < 20'000; ++i) branches += fmt::format(R"({{"const":{}}},)", i);
  EXPECT_EQ(refusal(R"({"anyOf":[)" + branches + "false]}", "0." + std::string(100'000, '7')), "limit");
  branches.clear();
  for (int i = 0; i < 20'000; ++i) branches += fmt::format(R"({{"const":"{}"}},)", i);
  EXPECT_EQ(refusal(R"({"anyOf":[)" + branches + "false]}", "\"\\n" + std::string(100'000, '7') + "\""), "limit");
}

/// Security requirement S11: input of a pattern is bounded, and too long means no.
TEST(Hostile, TextTooLongForAPatternFailsEvenUnderNot) {
  const std::string fits = "\"" + std::string(65'536, 'a') + "\"";
  const std::string over = "\"" + std::string(65'537, 'a') + "\"";
  EXPECT_EQ(refusal(R"({"pattern":"^a*$"})", fits), "");
  EXPECT_EQ(refusal(R"({"pattern":"^a*$"})", over), "pattern");
  EXPECT_EQ(refusal(R"({"not":{"pattern":"b"}})", over), "pattern");
  EXPECT_EQ(refusal(R"({"patternProperties":{"b":false}})", "{" + over + ":1}"), "patternProperties");
}

TEST(Hostile, BigEnumIsSearchedNotScanned) {
  const Within soon(std::chrono::seconds(20));
  std::string text = R"({"items":{"enum":[)";
  std::string array = "[\"v0\"";
  for (int i = 0; i < 30'000; ++i) text += fmt::format(R"("v{}",{},[{}],)", i, i, i);
  for (int i = 0; i < 30'000; ++i) array += fmt::format(R"(,"v{}",{}.0,[{}])", i, i, i);
  text += "null]}}";
  EXPECT_EQ(refusal(text, array + "]"), "");
  EXPECT_EQ(refusal(text, array + ",[-1]]"), "enum");
}

TEST(Hostile, UniqueItemsOfABigArrayAreNotComparedPairwise) {
  const Within soon(std::chrono::seconds(20));
  std::string array = "[";
  for (int i = 0; i < 50'000; ++i) array += fmt::format(R"({{"k":{}}},)", i);
  EXPECT_EQ(refusal(R"({"uniqueItems":true})", array + "0]"), "");
  EXPECT_EQ(refusal(R"({"uniqueItems":true})", array + R"({"k":7.0}])"), "uniqueItems");
}

TEST(Hostile, ManyPropertiesAreLookedUpNotScanned) {
  const Within soon(std::chrono::seconds(20));
  std::string schema = R"({"additionalProperties":false,"properties":{"x":{})";
  std::string required = R"(},"required":["x")";
  std::string instance = R"({"x":1)";
  for (int i = 0; i < 20'000; ++i) {
    schema += fmt::format(R"(,"p{}":{{"type":"integer"}})", i);
    required += fmt::format(R"(,"p{}")", i);
    instance += fmt::format(R"(,"p{}":{})", i, i);
  }
  EXPECT_EQ(refusal(schema + required + "]}", instance + "}"), "");
  EXPECT_EQ(refusal(schema + required + "]}", instance + R"(,"q":1})"), "additionalProperties");
}

TEST(Hostile, NumbersWithAbsurdExponentsAreNeitherValidNorSlow) {
  const Within soon(std::chrono::seconds(20));
  EXPECT_EQ(refusal(R"({"multipleOf":0.7})", "1e999999999999999999"), "multipleOf");
  EXPECT_EQ(refusal(R"({"maximum":5})", "1e999999999999999999"), "maximum");
  EXPECT_EQ(refusal(R"({"not":{"maximum":5}})", "1e99999999999999999999999"), "limit");
  EXPECT_EQ(refusal(R"({"not":{"enum":[1]}})", "1e99999999999999999999999"), "limit");
  EXPECT_EQ(refusal(R"({"not":{"type":"integer"}})", "1e99999999999999999999999"), "limit");
  EXPECT_EQ(refusal(R"({"uniqueItems":true})", "[1e999999999999999999,10e999999999999999998]"), "uniqueItems");
}

TEST(Hostile, FailureNeverHoldsTheValue) {
  const auto failure = judged(R"({"properties":{"token":{"pattern":"^x"}}})", R"({"token":"s3cret"})");
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ((failure->path + failure->keyword + failure->schema_path + failure->property).find("s3cret"), std::string::npos);
}

}  // namespace
}  // namespace callgate::schema::hostile_test
