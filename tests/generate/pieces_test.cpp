#include <gtest/gtest.h>

#include "base/rows.hpp"
#include "generate/example.hpp"
#include "generate/recorded.hpp"
#include "generate/tables.hpp"
#include "generate/yaml_writer.hpp"
#include "schema/schema.hpp"

namespace callgate::generate::pieces_test {
namespace {

TEST(YamlWriter, QuotesWhatOtherReadersTakeForSomethingElse) {
  EXPECT_EQ(yaml_string("get_x"), "get_x");
  for (const char* text : {"no", "On", "NULL", "1e3", "-x", "a: b", "a #b", "*", "", "y", "~", "0x1f", "a\nb"}) EXPECT_EQ(yaml_string(text).front(), '"') << text;
}

TEST(YamlWriter, EscapesWhatHidesOrTurns) {
  EXPECT_EQ(yaml_string("a\u202eb"), "\"a\\u202Eb\"");
  EXPECT_EQ(yaml_string("a\x01" "b\"c\\"), "\"a\\u0001b\\\"c\\\\\"");
  EXPECT_EQ(yaml_string("\U000E0041"), "\"\\U000E0041\"");
  EXPECT_EQ(yaml_string("größer"), "\"größer\"");
}

TEST(YamlWriter, ACommentIsOneLineOfBoundedLength) {
  EXPECT_EQ(comment_line(" a\n\n b\t c "), "a b c");
  EXPECT_EQ(comment_line("a\u2028b\u202e"), "a\\u2028b\\u202e");
  EXPECT_LE(comment_line(std::string(5000, 'x')).size(), 110U);
  EXPECT_EQ(comment_line("ééééé", 4), "éé…");
}

TEST(Example, AnswersCommonPatterns) {
  for (const char* pattern : {"^[A-Za-z][A-Za-z0-9_]*$", "^\\d{4}-\\d{2}-\\d{2}$", "^(foo|bar)+$", "^arn:[a-z-]+:iam::[0-9]{12}:role/", "^[^*]*$", "^\\S+@\\S+\\.\\w{2,}$", "^.{3,}$"}) {
    const auto text = text_for_pattern(pattern, 0);
    ASSERT_TRUE(text) << pattern;
    const auto document = json::OwnedDocument::parse("{\"s\":{\"type\":\"string\",\"pattern\":" + json::quoted(pattern) + "},\"v\":" + json::quoted(*text) + "}");
    const auto schema = schema::Schema::compile(*(*document)->root().find("s"));
    ASSERT_TRUE(schema) << pattern;
    EXPECT_FALSE((*schema)->validate(*(*document)->root().find("v"))) << pattern << " " << *text;
  }
}

TEST(Example, GivesUpOnWhatItDoesNotKnow) {
  for (const char* pattern : {"(?=x)y", "a{9999}", "[", "(", "\\p{L}", "a)"}) EXPECT_FALSE(text_for_pattern(pattern, 0)) << pattern;
}

TEST(Example, FillsInWhatASchemaAsksFor) {
  const auto document = json::OwnedDocument::parse(R"({"type":"object","required":["a","b","c","d","e"],"properties":{
    "a":{"$ref":"#/$defs/n"},"b":{"type":"array","minItems":2,"items":{"enum":[null,"q"]}},"c":{"anyOf":[{"type":"null"},{"const":5}]},
    "d":{"type":"object","required":["k"],"properties":{"k":{"type":"string","minLength":2}}},"e":{"type":"string","format":"date"}},
    "$defs":{"n":{"type":"integer","minimum":7}}})");
  ExampleMaker maker((*document)->root());
  const auto made = maker.required_arguments((*document)->root());
  ASSERT_TRUE(made);
  EXPECT_EQ(json_of(*made), R"({"a":7,"b":["q","q"],"c":5,"d":{"k":"xx"},"e":"2026-01-02"})");
}

TEST(Example, ReferencesInACircleEnd) {
  const auto document = json::OwnedDocument::parse(R"({"required":["a"],"properties":{"a":{"$ref":"#/$defs/n"}},
    "$defs":{"n":{"type":"object","required":["n"],"properties":{"n":{"$ref":"#/$defs/n"}}},"m":{"$ref":"#/$defs/m"}}})");
  ExampleMaker maker((*document)->root());
  EXPECT_FALSE(maker.required_arguments((*document)->root()));
}

TEST(GenerateTables, EveryClassHasAStart) {
  for (const auto category : {classify::Category::read, classify::Category::write, classify::Category::execute, classify::Category::destructive, classify::Category::financial}) {
    for (const auto risk : {classify::Risk::low, classify::Risk::medium, classify::Risk::high, classify::Risk::critical}) {
      const Start& start = Tables::built_in().start(category, risk);
      EXPECT_EQ(start.action == policy::Verdict::deny, !start.limit && start.action != policy::Verdict::allow);
      EXPECT_EQ(start.reason.empty(), start.action == policy::Verdict::allow) << word(category) << " " << word(risk);
      if (start.limit) EXPECT_FALSE(start.limit->why.empty());
    }
  }
}

TEST(GenerateTables, NoWorseClassStartsMilder) {
  for (const auto category : {classify::Category::read, classify::Category::write, classify::Category::execute, classify::Category::destructive, classify::Category::financial}) {
    for (const auto [mild, worse] : {std::pair{classify::Risk::low, classify::Risk::medium}, {classify::Risk::medium, classify::Risk::high}, {classify::Risk::high, classify::Risk::critical}}) {
      EXPECT_GE(Tables::built_in().start(category, mild).action, Tables::built_in().start(category, worse).action);
    }
  }
}

TEST(GenerateTables, KindsOfArgumentsAreToldByTheLastWord) {
  const Tables& tables = Tables::built_in();
  EXPECT_TRUE(tables.is_kind("targetChannel", "recipient"));
  EXPECT_TRUE(tables.is_kind("aws-region", "environment"));
  EXPECT_TRUE(tables.is_kind("total_amount", "amount"));
  EXPECT_FALSE(tables.is_kind("channel_text", "recipient"));
  EXPECT_EQ(last_word("commentID"), "id");
  EXPECT_EQ(last_word(""), "");
}

TEST(Recorded, CountsTheMostOfOneSessionInAnyWindow) {
  const std::vector<RecordedCall> calls{{"t", "a", 0, {"x"}}, {"t", "a", 59'999, {}}, {"t", "a", 60'000, {"y"}}, {"t", "b", 10, {}}, {"u", "a", 20, {}}};
  const SeenTools seen = seen_tools(calls);
  const Seen& tool = seen.at("t");
  EXPECT_EQ(tool.count(), 4U);
  EXPECT_EQ(tool.most_within(std::chrono::seconds(60)), 2U) << "a call made exactly one window ago has left it";
  EXPECT_EQ(tool.arguments, (std::set<std::string, std::less<>>{"x", "y"}));
}

TEST(Recorded, LeavesRoomAboveWhatWasSeen) {
  EXPECT_EQ(with_room(0), 3U);
  EXPECT_EQ(with_room(5), 10U);
  EXPECT_EQ(with_room(13), 30U);
  EXPECT_EQ(with_room(123), 250U);
}

TEST(Rows, ReadsTabsAndPassesCommentsOver) {
  const auto rows = rows_of("# x\n\na\tb\nc\t\td");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0], (Row{"a", "b"}));
  EXPECT_EQ(rows[1], (Row{"c", "", "d"}));
}

}  // namespace
}  // namespace callgate::generate::pieces_test
