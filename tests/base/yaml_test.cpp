#include "base/yaml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>

namespace callgate::yaml::yaml_test {
namespace {

using testing::HasSubstr;

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

Node tree(std::string_view text) {
  Parsed parsed = parse(text, "f");
  for (const Error& fault : parsed.faults) ADD_FAILURE() << fault.where << ": " << fault.message;
  return parsed.root.value_or(Node{});
}

TEST(Yaml, EveryKeyAndValueKnowsItsPlace) {
  const Node root = tree("a: 1\n\n# note\nlist:\n  - x\n  - {k: \"v\"}\nlast:\n");
  ASSERT_TRUE(root.is_mapping());
  ASSERT_EQ(root.members.size(), 3u);

  EXPECT_EQ(where("f", root.members[0].key_mark), "f:1:1");
  EXPECT_EQ(where("f", root.members[0].value.mark), "f:1:4");
  const Node& list = root.find("list")->value;
  EXPECT_EQ(where("f", root.find("list")->key_mark), "f:4:1");
  EXPECT_EQ(where("f", list.items[0].mark), "f:5:5");
  EXPECT_EQ(where("f", list.items[1].members[0].key_mark), "f:6:6");
  EXPECT_EQ(where("f", list.items[1].members[0].value.mark), "f:6:9");
  // What is left out is missed at its key.
  EXPECT_EQ(where("f", root.find("last")->value.mark), "f:7:1");
}

TEST(Yaml, ColumnsCountCharactersAndLinesCountCarriageReturns) {
  const Node root = tree("grün: {ü: x}\r\nb: 2\r\n");
  EXPECT_EQ(where("f", root.members[0].value.mark), "f:1:7");
  EXPECT_EQ(where("f", root.members[0].value.members[0].value.mark), "f:1:11");
  EXPECT_EQ(where("f", root.members[1].key_mark), "f:2:1");
  EXPECT_EQ(root.members[1].value.text, "2");
}

struct ScalarRow {
  const char* text;
  Type type;
};

class Scalars : public testing::TestWithParam<ScalarRow> {};

TEST_P(Scalars, AreReadWithoutGuessing) {
  const Node root = tree(std::string("v: ") + GetParam().text + "\n");
  EXPECT_EQ(root.members.at(0).value.type(), GetParam().type) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(Yaml, Scalars, testing::ValuesIn(std::vector<ScalarRow>{
    {"true", Type::boolean}, {"false", Type::boolean}, {"True", Type::ambiguous}, {"FALSE", Type::ambiguous},
    {"yes", Type::ambiguous}, {"no", Type::ambiguous}, {"No", Type::ambiguous}, {"on", Type::ambiguous},
    {"OFF", Type::ambiguous}, {"\"no\"", Type::text}, {"'true'", Type::text}, {"\"1\"", Type::text},
    {"", Type::null}, {"~", Type::null}, {"null", Type::null}, {"\"null\"", Type::text}, {"nUll", Type::ambiguous},
    {"0", Type::number}, {"-0", Type::number}, {"10", Type::number}, {"1.50", Type::number}, {"-2.5e-3", Type::number},
    {"1E400", Type::number}, {"123456789012345678901234567890", Type::number},
    {"010", Type::ambiguous}, {"0x1F", Type::ambiguous}, {"0o17", Type::ambiguous}, {"0b11", Type::ambiguous},
    {"1_000", Type::ambiguous}, {"+1", Type::ambiguous}, {".5", Type::ambiguous}, {"1.", Type::ambiguous},
    {".inf", Type::ambiguous}, {"-.INF", Type::ambiguous}, {".NaN", Type::ambiguous}, {"1:30", Type::ambiguous},
    {"127.0.0.1:8808", Type::text}, {"0.0.0.0:80", Type::text}, {"190:20:30.15", Type::ambiguous}, {"8:8808", Type::text},
    {"1e5", Type::number}, {"1e", Type::text}, {"30s", Type::text}, {"2fa", Type::text}, {"2024-01-01", Type::text},
    {"1.2.3", Type::text}, {"0xyz", Type::text}, {"y", Type::text}, {"n", Type::text},
    {"nothing", Type::text}, {"on call", Type::text}, {"-x", Type::text}, {"...x", Type::text},
    {"|\n  no", Type::text}, {">\n  1", Type::text}}));

struct FaultRow {
  const char* name;
  std::string text;
  const char* where;
  const char* message;
};

class Faults : public testing::TestWithParam<FaultRow> {};

TEST_P(Faults, AreNamedWithTheirPlace) {
  const Parsed parsed = parse(GetParam().text, "f");
  ASSERT_FALSE(parsed.faults.empty());
  EXPECT_EQ(parsed.faults[0].where, GetParam().where);
  EXPECT_THAT(parsed.faults[0].message, HasSubstr(GetParam().message));
  EXPECT_NE(parsed.faults[0].message.back(), '.');
}

INSTANTIATE_TEST_SUITE_P(Yaml, Faults, testing::ValuesIn(std::vector<FaultRow>{
    {"empty", "", "f:1:1", "the file is empty"},
    {"only_a_comment", "# nothing\n", "f:1:1", "the file is empty"},
    {"nul", std::string("a: b\nc\0d: 1\n", 12), "f:2:2", "control character U+0000"},
    {"nul_second_byte", std::string("a\0:\0", 4), "f:1:1", "not UTF-8"},
    {"end_of_transmission", "a: 1\n\x04\nb: 2\n", "f:2:1", "control character U+0004"},
    {"escape", "a: \x1b[0m\n", "f:1:4", "control character U+001B"},
    {"delete", "a: x\x7f\n", "f:1:5", "control character U+007F"},
    {"byte_order_mark", "\xef\xbb\xbf" "a: 1\n", "f:1:1", "byte order mark"},
    {"byte_order_mark_inside", "a: x\xef\xbb\xbf\n", "f:1:5", "byte order mark"},
    {"utf16", std::string("\xff\xfe" "a\0", 4), "f:1:1", "not UTF-8"},
    {"latin1", "a: \xfc\n", "f:1:1", "not UTF-8"},
    {"overlong", "a: \xc0\xaf\n", "f:1:1", "not UTF-8"},
    {"next_line", "a: x\xc2\x85y\n", "f:1:5", "line break that readers"},
    {"line_separator", "a: x\xe2\x80\xa8y\n", "f:1:5", "line break that readers"},
    {"right_to_left", "a: x\xe2\x80\xaey\n", "f:1:5", "changes the direction"},
    {"isolate", "a: \xe2\x81\xa6y\n", "f:1:4", "changes the direction"},
    {"carriage_return", "a: 1\rb: 2\n", "f:1:5", "carriage return alone"},
    {"directive", "%YAML 1.1\n---\na: 1\n", "f:1:1", "directive `%YAML 1.1`"},
    {"tag_directive", "# x\n%TAG ! tag:x,2000:\n---\na: 1\n", "f:2:1", "directive"},
    {"second_document", "a: 1\n---\nb: 2\n", "f:2:1", "a second document"},
    {"empty_second_document", "a: 1\n---\n", "f:2:1", "a second document"},
    {"document_after_end", "a: 1\n...\nb: 2\n", "f:3:1", "`b: 2` stands after the end"},
    {"duplicate", "a: 1\nb: 2\na: 3\n", "f:3:1", "key `a` is already on line 1"},
    {"duplicate_deep", "x:\n  - {y: {k: 1, k: 2}}\n", "f:2:16", "key `k` is already on line 2"},
    {"duplicate_quoted", "a: 1\n\"\\u0061\": 2\n", "f:2:1", "key `a` is already on line 1"},
    {"merge_key", "a: &a {x: 1}\nb:\n  <<: *a\n", "f:3:3", "merge key `<<`"},
    {"tag", "a: !!str 1\n", "f:1:4", "tag `tag:yaml.org,2002:str`"},
    {"own_tag", "a: !thing {b: 1}\n", "f:1:4", "tag `!thing`"},
    {"bare_tag", "a: ! x\n", "f:1:4", "tag `!`"},
    {"bare_tag_of_nothing", "a:\n  - !\n", "f:2:5", "tag `!`"},
    {"bare_tag_of_a_list", "a: ![x, y]\n", "f:1:4", "tag `!`"},
    {"bare_tag_behind_an_anchor", "a: &n ! x\n", "f:1:4", "tag `!`"},
    {"anchor_that_is_an_address", "a: &ttps://x y\n", "f:1:4", "needs quotes"},
    {"anchor_without_a_name", "a: & x\n", "f:1:5", "needs quotes"},
    {"open_quote_behind_an_anchor", "a: &n \"x\n", "f:1:4", "a quote is not closed"},
    {"python_tag", "!!python/object:os.system [x]\n", "f:1:1", "tag"},
    {"list_as_key", "? [a, b]\n: 1\n", "f:1:3", "a list as a key"},
    {"mapping_as_key", "{{a: 1}: 2}\n", "f:1:2", "a mapping as a key"},
    {"null_key", "~: 1\n", "f:1:1", "an empty key"},
    {"missing_key", "a: 1\n: 2\n", "f:2:1", "an empty key"},
    {"alias_in_itself", "a: &x [1, *x]\n", "f:1:11", "an alias inside what it stands for"},
    {"unknown_alias", "a: *nowhere\n", "f:1:4", "text that starts with `*` needs quotes"},
    {"glob_without_quotes", "tools:\n  *: {action: deny}\n", "f:2:3", "text that starts with `*`"},
    {"tab_indentation", "a:\n\tb: 1\n", "f:2:3", "not YAML at `b: 1`"},
    {"open_bracket", "a: [1, 2\n", "f:2:1", "a `[` without its `]`"},
    {"open_quote", "a: \"x\n", "f:1:4", "a quote is not closed"},
    {"open_single_quote", "a: 'it''s\nb: 1\n", "f:1:4", "a quote is not closed"},
    {"open_quote_after_escape", "a: \"x\\\"\n", "f:1:4", "a quote is not closed"},
    {"text_after_quote", "a: \"x\" y\n", "f:1:8", "y"},
    {"text_after_flow", "a: {b: 1} c\n", "f:1:11", "c"},
    {"closing_bracket_alone", "a: 1\n]\n", "f:2:1", "]"},
    {"colon_in_text", "reason: never: ever\n", "f:1:14", "a `:` that starts no value"},
    {"bad_indentation", "a:\n  b: 1\n c: 2\n", "f:3:2", "does not fit the mapping above"},
    {"at_sign", "a: @b\n", "f:1:4", "quote the text"},
    {"deep_flow", "a: " + repeated("[", 100), "f:1:36", "nested deeper than 64 levels"},
    {"very_deep_flow", "a: " + repeated("[", 100'000), "f:1:36", "nested deeper than 64 levels"},
    {"deep_block", repeated("- ", 20'000) + "x\n", "f:1:129", "nested deeper than 64 levels"}}),
    [](const auto& row) { return row.param.name; });

TEST(Yaml, AllFaultsThatDoNotStopTheReaderAreReported) {
  const Parsed parsed = parse("a: 1\na: 2\nb: !!int 3\nc: {<<: x, d: 1, d: 2}\n", "p.yaml");
  ASSERT_EQ(parsed.faults.size(), 4u);
  EXPECT_EQ(parsed.faults[0].where, "p.yaml:2:1");
  EXPECT_EQ(parsed.faults[1].where, "p.yaml:3:4");
  EXPECT_EQ(parsed.faults[2].where, "p.yaml:4:5");
  EXPECT_EQ(parsed.faults[3].where, "p.yaml:4:18");
  ASSERT_TRUE(parsed.root);
  EXPECT_EQ(parsed.root->find("a")->value.text, "1");
}

TEST(Yaml, AliasesAreCopies) {
  const Node root = tree("a: &x {k: [1, 2]}\nb: *x\nc: &s text\n*s : 1\n");
  EXPECT_EQ(root.find("b")->value.find("k")->value.items.size(), 2u);
  EXPECT_EQ(where("f", root.find("b")->value.mark), "f:2:4");
  EXPECT_NE(root.find("text"), nullptr);
}

TEST(Yaml, AnAliasBombStaysSmall) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int k = 0; k < 9; ++k) bomb += ", " + before;
    bomb += "]\n";
  }
  const Parsed parsed = parse(bomb, "f");
  ASSERT_EQ(parsed.faults.size(), 1u);
  EXPECT_THAT(parsed.faults[0].message, HasSubstr("anchors and aliases stand for more than"));
}

TEST(Yaml, AliasesDoNotDeepenTheTreeBeyondTheBound) {
  std::string text = "a0: &a0 " + repeated("[", 30) + repeated("]", 30) + "\n";
  for (int i = 1; i < 4; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " " + repeated("[", 20) + "*a" +
            std::to_string(i - 1) + repeated("]", 20) + "\n";
  }
  const Parsed parsed = parse(text, "f");
  ASSERT_FALSE(parsed.faults.empty());
  EXPECT_THAT(parsed.faults[0].message, HasSubstr("nested deeper than 64 levels"));
}

TEST(Yaml, LargeTextsAreBoundedInSizeAndTime) {
  EXPECT_THAT(parse(std::string((4u << 20) + 1, 'a'), "f").faults.at(0).message, HasSubstr("larger than 4194304 bytes"));
  EXPECT_THAT(parse("[" + repeated("1,", 500'000) + "1]", "f").faults.at(0).message, HasSubstr("more than 400000 values"));

  std::string many;
  for (int i = 0; i < 50'000; ++i) many += "key_" + std::to_string(i) + ": {a: 1}\n";
  const Parsed parsed = parse(many, "f");
  EXPECT_TRUE(parsed.faults.empty());
  EXPECT_EQ(parsed.root->members.size(), 50'000u);
}

TEST(Yaml, AFileOfNothingButFaultsEndsSoon) {
  EXPECT_EQ(parse(repeated("a: 1\n", 5000), "f").faults.size(), 1000u);
}

TEST(YamlToJson, KeepsNumbersAndQuotesExactly) {
  const Node root = tree("a: [1.50, -0, 1e400, \"1\", true, null, ~, text, \"q\\\"\\n\"]\n\"k\\\"\": {on: {}, e: []}\nb: |\n  two\n  lines\n");
  std::vector<Error> faults;
  EXPECT_EQ(to_json(root, "f", faults),
            R"({"a":[1.50,-0,1e400,"1",true,null,null,"text","q\"\n"],"k\"":{"on":{},"e":[]},"b":"two\nlines\n"})");
  EXPECT_TRUE(faults.empty());
}

TEST(YamlToJson, RefusesWhatReadersDisagreeOn) {
  const Node root = tree("enum: [yes, No, 0x10]\nconst: .5\n");
  std::vector<Error> faults;
  to_json(root, "f", faults);
  ASSERT_EQ(faults.size(), 4u);
  EXPECT_EQ(faults[1].where, "f:1:13");
  EXPECT_THAT(faults[1].message, HasSubstr("`No` is read differently"));
}

TEST(Yaml, PointersLeadToTheDeepestValueThatExists) {
  const Node root = tree("a: {\"b/c\": [x, {\"~\": y}]}\n");
  EXPECT_EQ(at_pointer(root, "/a/b~1c/1/~0").text, "y");
  EXPECT_EQ(at_pointer(root, "/a/b~1c/0").text, "x");
  EXPECT_TRUE(at_pointer(root, "/a/b~1c/7/z").is_sequence());
  EXPECT_TRUE(at_pointer(root, "/a/99999999999999999999").is_mapping());
  EXPECT_EQ(&at_pointer(root, ""), &root);
}

TEST(Yaml, OffendingTextIsShownShortAndClean) {
  EXPECT_EQ(ticked("a\nb\x7f"), "`a?b?`");
  EXPECT_EQ(ticked(std::string(100, 'x')), "`" + std::string(60, 'x') + "...`");
  EXPECT_EQ(ticked(std::string(59, 'x') + "üü"), "`" + std::string(59, 'x') + "...`");
}

}  // namespace
}  // namespace callgate::yaml::yaml_test
