#include "base/json.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/decimal.hpp"

namespace callgate::json::json_test {
namespace {

using namespace std::string_literals;

Result<void> read(std::string_view bytes, const Limits& limits = {}) {
  Document document;
  return parse(bytes, limits, document);
}

struct Refused {
  const char* name;
  std::string bytes;
  ErrorKind kind;
};

class RefusedText : public testing::TestWithParam<Refused> {};

/// Security requirement S1: what is no text of RFC 8259, or has two meanings, a row a clause.
TEST_P(RefusedText, IsNotRead) {
  const auto result = read(GetParam().bytes);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind, GetParam().kind) << result.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Json, RefusedText,
    testing::Values(
        Refused{"nothing", "", ErrorKind::malformed}, Refused{"space_only", "  ", ErrorKind::malformed},
        Refused{"trailing_data", "{} {}", ErrorKind::malformed}, Refused{"trailing_comma", "[1,]", ErrorKind::malformed},
        Refused{"leading_comma", "[,1]", ErrorKind::malformed}, Refused{"object_trailing_comma", R"({"a":1,})", ErrorKind::malformed},
        Refused{"bare_key", "{a:1}", ErrorKind::malformed}, Refused{"single_quotes", "{'a':1}", ErrorKind::malformed},
        Refused{"comment", "{/**/}", ErrorKind::malformed}, Refused{"nan", "NaN", ErrorKind::malformed},
        Refused{"infinity", "-Infinity", ErrorKind::malformed}, Refused{"plus", "+1", ErrorKind::malformed},
        Refused{"leading_zero", "01", ErrorKind::malformed}, Refused{"bare_dot", "1.", ErrorKind::malformed},
        Refused{"leading_dot", ".5", ErrorKind::malformed}, Refused{"empty_exponent", "1e", ErrorKind::malformed},
        Refused{"minus_alone", "-", ErrorKind::malformed}, Refused{"unterminated_string", "\"abc", ErrorKind::malformed},
        Refused{"unterminated_array", "[1", ErrorKind::malformed}, Refused{"mismatched", "[1}", ErrorKind::malformed},
        Refused{"raw_newline", "\"a\nb\"", ErrorKind::malformed}, Refused{"raw_nul", "\"a\0b\""s, ErrorKind::malformed},
        Refused{"unknown_escape", R"("\x41")", ErrorKind::malformed}, Refused{"short_unicode", R"("\u12")", ErrorKind::malformed},
        Refused{"lone_high", R"("\ud800")", ErrorKind::malformed}, Refused{"lone_low", R"("\udc00")", ErrorKind::malformed},
        Refused{"high_then_text", R"("\ud800\u0041")", ErrorKind::malformed},
        Refused{"bom", "\xef\xbb\xbf{}", ErrorKind::malformed}, Refused{"utf16", "\xff\xfe{\0}\0"s, ErrorKind::malformed},
        Refused{"overlong", "\"\xc0\xaf\"", ErrorKind::malformed}, Refused{"surrogate_bytes", "\"\xed\xa0\x80\"", ErrorKind::malformed},
        Refused{"duplicate", R"({"a":1,"a":2})", ErrorKind::invalid},
        Refused{"duplicate_by_escape", R"({"a":1,"\u0061":2})", ErrorKind::invalid},
        Refused{"duplicate_deep", R"([{"x":[{"k":1,"b":2,"k":3}]}])", ErrorKind::invalid},
        Refused{"duplicate_empty_key", R"({"":1,"":2})", ErrorKind::invalid},
        Refused{"duplicate_astral", "{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}", ErrorKind::invalid},
        Refused{"integer_too_large", "18446744073709551616", ErrorKind::invalid},
        Refused{"integer_too_small", "-9223372036854775809", ErrorKind::invalid},
        Refused{"huge_exponent", "1e400", ErrorKind::invalid}, Refused{"tiny_exponent", "1e-400", ErrorKind::invalid},
        Refused{"word_cut", "tru", ErrorKind::malformed}, Refused{"word_long", "truex", ErrorKind::malformed}),
    [](const auto& row) { return row.param.name; });

class AcceptedText : public testing::TestWithParam<std::string> {};

TEST_P(AcceptedText, IsReadAndKeepsItsBytes) {
  Document document;
  const std::string bytes = GetParam();
  ASSERT_TRUE(parse(bytes, {}, document).has_value());
  EXPECT_EQ(document.root().text(), std::string_view(bytes).substr(document.root().offset(), document.root().text().size()));
}

INSTANTIATE_TEST_SUITE_P(Json, AcceptedText,
                         testing::Values("{}", "[]", " [ ] ", "0", "-0", "-0.0", "1E2", "1.10", "0e999", "18446744073709551615",
                                         "-9223372036854775808", "1e308", R"("\ud83d\ude00")", R"({"a":1,"A":2})",
                                         R"({"a":{"a":{"a":[]}}})", "\"\x7f\"", "0.1000000000000000055511151231257827"));

/// Security requirement S1: depth and number of keys are bounded.
TEST(Json, DepthIsCountedInOpenContainers) {
  const std::string at_limit = std::string(64, '[') + std::string(64, ']');
  const std::string beyond = std::string(65, '[') + std::string(65, ']');
  EXPECT_TRUE(read(at_limit).has_value());
  EXPECT_EQ(read(beyond).error().kind, ErrorKind::too_large);
  EXPECT_EQ(read(std::string(100'000, '[')).error().kind, ErrorKind::too_large);
}

TEST(Json, KeysAreBoundedInTheWholeText) {
  Limits limits;
  limits.max_keys = 3;
  EXPECT_TRUE(read(R"([{"a":1},{"a":1,"b":2}])", limits).has_value());
  EXPECT_EQ(read(R"([{"a":1,"c":1},{"a":1,"b":2}])", limits).error().kind, ErrorKind::too_large);
}

/// Security requirement S25: values take more memory than the bytes that the shortest of them stand in.
TEST(Json, ValuesThatLeaveNodesAreBounded) {
  const auto zeros = [](std::size_t count) {
    std::string text = "[";
    for (std::size_t i = 1; i < count; ++i) text += "0,";
    return text + "0]";
  };
  Document document;
  EXPECT_TRUE(parse(zeros((std::size_t{1} << 21U) - 1), {}, document));
  for (const std::string& text : {zeros(std::size_t{1} << 21U), "[" + zeros(std::size_t{3} << 20U) + "]"}) {
    const auto read = parse(text, {}, document);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().kind, ErrorKind::too_large);
    EXPECT_EQ(read.error().message, "more than 2097152 values");
  }
  std::string keys = "{";
  for (int i = 0; i < 1'100'000; ++i) keys += "\"" + std::to_string(i) + "\":0,";
  EXPECT_EQ(parse(keys + "\"\":0}", {.max_keys = 4'000'000}, document).error().kind, ErrorKind::too_large);
  EXPECT_TRUE(parse("[" + zeros(std::size_t{3} << 20U) + "]", {.keep_depth = 1}, document)) << "what leaves none is not counted";
}

TEST(Json, MemoryBesideTheTextIsThatOfTheValuesThatLeaveNodes) {
  std::string text = "[";
  for (int i = 1; i < 100'000; ++i) text += "0,";
  text += "0]";
  Document whole, envelope;
  ASSERT_TRUE(parse(text, {}, whole));
  EXPECT_GE(whole.memory(), 100'001 * sizeof(Node));
  EXPECT_LT(whole.memory(), 100'001 * sizeof(Node) + 10'000);
  ASSERT_TRUE(parse(text, {.keep_depth = 0}, envelope));
  EXPECT_LT(envelope.memory(), 10'000U);
  ASSERT_TRUE(parse("[0]", {}, whole));
  EXPECT_LT(whole.memory(), 10'000U) << "of the text that was read last";
}

TEST(Json, DuplicatesAreFoundAmongManyKeys) {
  std::string many = "{";
  for (int i = 0; i < 5000; ++i) many += "\"key" + std::to_string(i) + "\":0,";
  EXPECT_TRUE(read(many + "\"last\":0}").has_value());
  EXPECT_EQ(read(many + "\"key77\":0}").error().kind, ErrorKind::invalid);
}

TEST(Json, ResponsesMayHoldNumbersThatRequestsMayNot) {
  Limits limits;
  limits.check_number_range = false;
  EXPECT_TRUE(read("[18446744073709551616, 1e400, 0.1234567890123456789012345678]", limits).has_value());
}

/// A fraction is in range by its length alone, or it is read.
TEST(Json, LongFractionsAreHeldAgainstTheRangeToo) {
  const std::string zeros(400, '0');
  EXPECT_EQ(read("1" + zeros + ".5").error().kind, ErrorKind::invalid) << "infinity";
  EXPECT_EQ(read("0." + zeros + "1").error().kind, ErrorKind::invalid) << "zero, which it is not";
  EXPECT_TRUE(read("0." + zeros).has_value());
  EXPECT_TRUE(read("0." + zeros.substr(0, 296) + "1").has_value());
  EXPECT_TRUE(read("-1" + zeros.substr(0, 296) + ".5").has_value());
  EXPECT_EQ(read("1.5e400").error().kind, ErrorKind::invalid);
}

TEST(Json, TellsWhetherAKeyHoldsAnEscape) {
  const auto told = [](std::string_view bytes, std::uint32_t keep_depth = 0xffff'ffff) {
    Document document;
    EXPECT_TRUE(parse(R"({"\u0061":0})", {}, document));  // of an earlier text
    EXPECT_TRUE(parse(bytes, {.keep_depth = keep_depth}, document)) << bytes;
    return document.may_have_escaped_keys();
  };
  EXPECT_FALSE(told(R"({"a":"\u0000","b":[{"c":"\n"}]})"));
  EXPECT_TRUE(told(R"({"a":[{"\u0062":1}]})"));
  EXPECT_TRUE(told(R"({"a":[{"\u0062":1}]})", 1)) << "also where it leaves no node";
  EXPECT_TRUE(told(R"({"a\/":1})"));
}

TEST(Json, ValuesPointIntoTheBytes) {
  Document document;
  const std::string bytes = R"( {"name":"a\nb","n":[1, {"x":true} ,null],"d":-1.5e3} )";
  ASSERT_TRUE(parse(bytes, {}, document).has_value());
  const Value root = document.root();
  EXPECT_EQ(root.size(), 3U);
  EXPECT_EQ(root.find("name")->string(), "a\nb");
  EXPECT_TRUE(root.find("name")->has_escapes());
  EXPECT_EQ(root.find("n")->text(), R"([1, {"x":true} ,null])");
  EXPECT_EQ(root.find("n")->size(), 3U);
  EXPECT_EQ(root.find("d")->text(), "-1.5e3");
  EXPECT_FALSE(root.find("absent").has_value());
  std::string texts;
  for (const Value element : root.find("n")->elements()) texts += std::string(element.text()) + "|";
  EXPECT_EQ(texts, R"(1|{"x":true}|null|)");
}

TEST(Json, EscapedKeysAreFoundByTheirMeaning) {
  Document document;
  ASSERT_TRUE(parse(R"({"n\u0061me":1})", {}, document).has_value());
  EXPECT_TRUE(document.root().find("name").has_value());
}

TEST(Json, IntegersAreReadExactly) {
  Document document;
  ASSERT_TRUE(parse("[9223372036854775807, 9223372036854775808, 1.0, -1]", {}, document).has_value());
  std::vector<std::optional<std::int64_t>> read_values;
  for (const Value element : document.root().elements()) read_values.push_back(element.as_int64());
  EXPECT_EQ(read_values[0], INT64_MAX);
  EXPECT_FALSE(read_values[1].has_value());
  EXPECT_FALSE(read_values[2].has_value());
  EXPECT_EQ(read_values[3], -1);
}

TEST(Json, DeepValuesAreCheckedWithoutNodesBeyondTheKeptDepth) {
  Limits limits;
  limits.keep_depth = 1;
  Document document;
  ASSERT_TRUE(parse(R"({"id":1,"result":{"a":[1,2,3],"b":{}},"z":2})", limits, document).has_value());
  EXPECT_EQ(document.nodes().size(), 7U);
  EXPECT_EQ(document.root().find("result")->size(), 2U);
  EXPECT_EQ(document.root().find("z")->text(), "2");
  for ([[maybe_unused]] const Member member : document.root().find("result")->members()) FAIL() << "has no nodes";
  EXPECT_FALSE(parse(R"({"result":{"a":{"x":1,"x":2}}})", limits, document).has_value());
}

TEST(JsonText, QuotesWhatReadersTrip) {
  EXPECT_EQ(quoted("a\"\\\n\x01\x7f"), "\"a\\\"\\\\\\n\\u0001\x7f\"");
  EXPECT_EQ(quoted("\xe2\x80\xa8x"), "\"\\u2028x\"");
  EXPECT_EQ(quoted("a\xff z"), "\"a\xef\xbf\xbd z\"");
}

/// Puts pieces together again and remembers how many there were.
struct Pieces final : CanonicalReader {
  void take(std::string_view piece) override {
    text += piece;
    ++count;
  }
  std::string text;
  int count = 0;
};

std::string canonical(std::string_view bytes) {
  Document document;
  EXPECT_TRUE(parse(bytes, {.check_number_range = false}, document).has_value());
  std::string out;
  append_canonical(out, document.root());
  return out;
}

TEST(JsonText, CanonicalFormIsOneForEqualValues) {
  EXPECT_EQ(canonical(R"( {"b": 1.0, "a":[ 1e0 , "\u0041"]} )"), R"({"a":[1,"A"],"b":1})");
  EXPECT_EQ(canonical("[-0, 0.0, 100, 1e2, 1.50]"), "[0,0,100,100,1.5]");
  EXPECT_NE(canonical("9007199254740993"), canonical("9007199254740992"));
}

TEST(JsonText, CanonicalFormSortsObjectsOfEverySize) {
  for (std::size_t size = 0; size <= 26; ++size) {
    std::string falling;
    std::string rising;
    for (std::size_t i = 0; i < size; ++i) {
      const auto member = [](std::size_t at) { return fmt::format("{}:{{\"b\":{},\"a\":0}}", json::quoted(std::string(1, static_cast<char>('a' + at))), at); };
      // Each third name is written with an escape.
      const std::size_t from_end = size - 1 - i;
      std::string written = member(from_end);
      if (from_end % 3 == 0) written.replace(1, 1, fmt::format("\\u{:04x}", 'a' + from_end));
      falling += (i == 0 ? "" : ",") + written;
      rising += fmt::format("{}{}:{{\"a\":0,\"b\":{}}}", i == 0 ? "" : ",", json::quoted(std::string(1, static_cast<char>('a' + i))), i);
    }
    EXPECT_EQ(canonical("{" + falling + "}"), "{" + rising + "}");
  }
}

/// Names that are alike for longer than a word, and some that end within it.
TEST(JsonText, CanonicalFormSortsByAllBytesOfANameAlike) {
  std::vector<std::string> names{"", "a", "ab", "abcdefg", "abcdefgh", "abcdefgha", "abcdefghb", "abcdefghbz", "abd", "b", "\xc3\xa9", "\xc3\xa9z"};
  std::string rising;
  for (const std::string& name : names) rising += (rising.empty() ? "" : ",") + json::quoted(name) + ":0";
  std::mt19937 random(11);
  for (int i = 0; i < 300; ++i) {
    std::ranges::shuffle(names, random);
    std::string mixed;
    for (const std::string& name : names) mixed += (mixed.empty() ? "" : ",") + json::quoted(name) + ":0";
    ASSERT_EQ(canonical("{" + mixed + "}"), "{" + rising + "}");
  }
}

TEST(JsonText, CanonicalFormOfMembersHoldsNoWhiteSpace) {
  EXPECT_EQ(canonical(R"({"b" :1,"a": "x","d":true ,"c" : null, "e":[ 1 ]})"), R"({"a":"x","b":1,"c":null,"d":true,"e":[1]})");
  EXPECT_EQ(canonical(R"({"b":1.0,"a":"\u0041","c":-0,"d":1e2})"), R"({"a":"A","b":1,"c":0,"d":100})");
}

/// What is copied as it stands is what the slow way makes of it.
TEST(JsonText, CanonicalFormOfShortNumbersIsThatOfTheirValue) {
  const auto by_value = [](std::string_view number) {
    const auto decimal = Decimal::parse(number);
    return decimal ? decimal->text() : std::string(number);
  };
  std::vector<std::string> spellings{"123456789012345678", "-12345678901234567", "1234567890123456789", "0.000001", "0.0000001", "-0.0000001", "0.00000001", "1234567.5", "12345678.5", "100000000000000000"};
  for (const std::string_view sign : {"", "-"}) {
    for (const std::string_view whole : {"0", "1", "10", "120", "99", "100000"}) {
      for (const std::string_view fraction : {"", ".0", ".5", ".50", ".05", ".00", ".000001", ".0000001", ".123456789"}) {
        for (const std::string_view exponent : {"", "e0", "E1", "e-1", "e+20", "e-9"}) spellings.push_back(fmt::format("{}{}{}{}", sign, whole, fraction, exponent));
      }
    }
  }
  for (const std::string& each : spellings) {
    EXPECT_EQ(canonical(each), by_value(each)) << each;
    EXPECT_EQ(canonical("{\"a\":" + each + "}"), "{\"a\":" + by_value(each) + "}") << each;
  }
}

TEST(Json, TheCanonicalFormIsTheSameInPieces) {
  const std::string is_long(5000, 'x');
  const std::string bytes = R"({"b":")" + is_long + R"(","a":[")" + is_long + R"(\u0041",1.0,")" + is_long + R"("],"":{}})";
  Document document;
  ASSERT_TRUE(parse(bytes, {}, document));
  Pieces pieces;
  std::string scratch = "of an earlier one";
  read_canonical(pieces, scratch, document.root());
  EXPECT_EQ(pieces.text, canonical(bytes));
  EXPECT_EQ(pieces.count, 5) << "long texts come where they stand, but for the one that is written anew";
}

TEST(JsonText, EqualityIsByValue) {
  Document a;
  Document b;
  ASSERT_TRUE(parse(R"({"x":[1,{"y":2.0}],"z":"a"})", {}, a).has_value());
  ASSERT_TRUE(parse(R"({"z":"\u0061","x":[1.0,{"y":2}]})", {}, b).has_value());
  EXPECT_TRUE(equal(a.root(), b.root()));
  ASSERT_TRUE(parse(R"({"z":"a","x":[1.0,{"y":3}]})", {}, b).has_value());
  EXPECT_FALSE(equal(a.root(), b.root()));
}

}  // namespace
}  // namespace callgate::json::json_test
