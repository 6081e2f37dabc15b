#include "mcp/hidden_parts.hpp"

#include <gtest/gtest.h>

#include <cctype>
#include <random>
#include <set>

namespace callgate::mcp::hidden_parts_test {
namespace {

constexpr std::size_t enough = 1'000'000;

bool holds_word(std::string_view text, std::string_view name) {
  NameShape shape;
  shape.add(name);
  Steps steps(enough);
  const bool holds = holds_name(text, shape, [name](std::string_view part) { return part == name; }, steps);
  EXPECT_FALSE(steps.used_up());
  return holds;
}

/// Protocol item 51. Hidden are addresses that begin with `h:`, values and words `hid`.
const HiddenNames hidden{.resource = [](std::string_view uri) { return uri.starts_with("h:"); },
                         .value = [](std::string_view value) { return value == "hid"; },
                         .text = [](std::string_view text) { return holds_word(text, "hid"); }};

std::optional<std::string> shown(const std::string& answer, const HiddenNames& names = hidden) {
  const std::string begin = R"({"jsonrpc":"2.0","id":1,)";
  const std::string text = begin + answer + "}";
  json::Document document;
  const auto message = read_message(text, document, Direction::from_server, {.max_depth = 512, .check_number_range = false});
  EXPECT_TRUE(message.has_value()) << text;
  const auto out = without_hidden(*message, names);
  if (!out) return std::nullopt;
  EXPECT_TRUE(out->starts_with(begin)) << *out;
  return out->substr(begin.size(), out->size() - begin.size() - 1);
}

struct Row {
  const char* name;
  std::string said;
  const char* shown;  ///< null: all of it stays
};

class HiddenParts : public testing::TestWithParam<Row> {};

TEST_P(HiddenParts, AreCutAndAllElseStays) {
  EXPECT_EQ(shown(GetParam().said).value_or("all"), GetParam().shown == nullptr ? "all" : GetParam().shown);
  EXPECT_FALSE(shown(GetParam().said, {}).has_value());
}

constexpr const char* words = "The server refused this. Its own words are left out.";
const std::string failed = std::string(R"({"type":"text","text":")") + words + "\"}";

INSTANTIATE_TEST_SUITE_P(Mcp, HiddenParts, testing::ValuesIn(std::vector<Row>{
    {"nothing", R"("result":{"content":[{"uri":"o:1"},{"type":"text","text":"hid h:1"}],"n":1.0})", nullptr},
    {"first", R"("result":{"content":[ {"uri":"h:1"} , {"uri":"o:1"}]})", R"("result":{"content":[ {"uri":"o:1"}]})"},
    {"last", R"("result":{"content":[{"uri":"o:1"} , {"resource":{"uri":"h:1","text":"x"}} ]})", R"("result":{"content":[{"uri":"o:1"} ]})"},
    {"middle", R"("result":{"content":[1, {"uri":"h:1"} ,2]})", R"("result":{"content":[1 ,2]})"},
    {"all_of_them", R"("result":{"content":[{"uri":"h:1"},{"uri":"h:2"}]})", R"("result":{"content":[]})"},
    {"escaped", R"("result":{"content":[{"\u0075ri":"\u0068:1"}]})", R"("result":{"content":[]})"},
    {"of_a_task", R"("result":{"status":"completed","result":{"content":[{"uri":"h:1"}]}})", R"("result":{"status":"completed","result":{"content":[]}})"},
    {"of_a_failed_task", R"("result":{"error":{"code":1,"message":"hid"}})", R"("result":{"error":{"code":1,"message":"The server refused this. Its own words are left out."}})"},
    {"contents", R"("result":{"contents":[{"uri":"h:1","text":"x"},{"uri":"o:1"}]})", R"("result":{"contents":[{"uri":"o:1"}]})"},
    {"prompt", R"("result":{"messages":[{"content":{"type":"resource_link","uri":"h:1"},"role":"user"}]})", R"("result":{"messages":[{"content":{"type":"text","text":"A resource was left out here."},"role":"user"}]})"},
    {"prompt_with_blocks", R"("result":{"messages":[{"content":[{"uri":"h:1"},{"uri":"o:1"}]}]})", R"("result":{"messages":[{"content":[{"uri":"o:1"}]}]})"},
    {"values", R"("result":{"completion":{"values":["hid", "b" , "hid","hid"],"total":2}})", R"("result":{"completion":{"values":[ "b"],"total":0}})"},
    {"values_without_total", R"("result":{"completion":{"values":["a","hid"],"hasMore":true}})", R"("result":{"completion":{"values":["a"],"hasMore":true}})"},
    {"error", R"("error":{"code":-5,"message":"try hid","data":1})", R"("error":{"code":-5,"message":"The server refused this. Its own words are left out."})"},
    {"error_with_a_key", R"("error":{"code":-5,"message":"x","data":{"hid":1}})", R"("error":{"code":-5,"message":"The server refused this. Its own words are left out."})"},
    {"error_of_other_things", R"("error":{"code":-5,"message":"hidden"})", nullptr},
    {"error_too_long_to_search", R"("error":{"code":-5,"message":")" + std::string(70'000, 'a') + R"("})", R"("error":{"code":-5,"message":"The server refused this. Its own words are left out."})"},
    {"odd_shapes", R"("result":{"content":{"uri":"h:1"},"messages":[1,{"content":2}],"contents":"h:1","completion":{"values":"hid","total":"x"},"result":[]})", nullptr}}),
    [](const auto& row) { return row.param.name; });

TEST(HiddenPartsOfFailedCalls, AreReplacedBlockByBlock) {
  EXPECT_EQ(shown(R"("result":{"structuredContent":{"a":["hid"]},"content":[{"text":"fine"},{"text":"hid"}],"isError":true})"),
            R"("result":{"content":[{"text":"fine"},)" + failed + R"(],"isError":true})");
  EXPECT_FALSE(shown(R"("result":{"content":[{"text":"hid"}],"isError":false})"));
}

TEST(HiddenWords, AreWholeOnes) {
  for (const char* text : {"hid", "a hid.", "(hid)", "x.hid", "hid's", "hid-", "-hid", "“hid”", "hide hid"}) EXPECT_TRUE(holds_word(text, "hid")) << text;
  for (const char* text : {"", "hidden", "ahid", "hid_x", "hid2", "a-hid", "hid-a", "Hid"}) EXPECT_FALSE(holds_word(text, "hid")) << text;
  EXPECT_FALSE(holds_word("x", ""));
}

/// What a name in a text is, said in another way: it is searched for by itself, and the characters around it are looked at.
bool stands_in(const std::string& text, const std::string& name) {
  const auto is_of_word = [&](std::size_t at) { return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) != 0 || text[at] == '_'); };
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    const bool goes_on_before = is_of_word(at) && at > 0 && (is_of_word(at - 1) || (text[at - 1] == '-' && at > 1 && is_of_word(at - 2)));
    const bool goes_on_behind = is_of_word(end - 1) && end < text.size() && (is_of_word(end) || (text[end] == '-' && is_of_word(end + 1)));
    if (!goes_on_before && !goes_on_behind) return true;
  }
  return false;
}

/// Of many names exactly those are found that would be found one by one.
TEST(HiddenWords, AreFoundTogetherAsEachIsAlone) {
  std::mt19937 random(7);
  const auto some = [&](std::string_view of, std::size_t longest) {
    std::string text;
    for (std::size_t left = 1 + random() % longest; left > 0; --left) text += of[random() % of.size()];
    return text;
  };
  std::size_t found = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::string_view alphabet = round % 2 == 0 ? "ab_-." : "ab-. \xC3\xA9";
    std::set<std::string, std::less<>> names;
    NameShape shape;
    for (int i = 0; i < 5; ++i) shape.add(*names.insert(some(alphabet, 6)).first);
    const std::string text = some("aabb_-.. \xC3\xA9", 40);
    std::set<std::string, std::less<>> expected;
    for (const std::string& name : names) {
      if (stands_in(text, name)) expected.insert(name);
    }
    std::set<std::string, std::less<>> seen;
    Steps steps(enough);
    const auto note = [&](std::string_view part) {
      if (names.contains(part)) seen.emplace(part);
      return false;
    };
    ASSERT_FALSE(holds_name(text, shape, note, steps));
    ASSERT_EQ(seen, expected) << text;
    found += expected.size();
  }
  EXPECT_GT(found, 1000U);
}

/// However many names there are: what is spent follows from the text.
TEST(HiddenWords, TakeStepsByTheTextAlone) {
  NameShape shape;
  for (int i = 0; i < 60'000; ++i) shape.add("delete_" + std::to_string(i));
  std::string text;
  while (text.size() < 60'000) text += " delete_00000";
  std::size_t asked = 0;
  Steps steps(enough);
  EXPECT_FALSE(holds_name(text, shape, [&](std::string_view) { return ++asked == 0; }, steps));
  EXPECT_FALSE(steps.used_up());
  EXPECT_EQ(asked, text.size() / 13);
}

TEST(HiddenWords, CountAsFoundWhereTheStepsAreUsedUp) {
  NameShape shape;
  shape.add(std::string(128, 'a') + ".");
  std::string text;
  while (text.size() < 60'000) text += "a.";
  Steps steps(enough);
  EXPECT_TRUE(holds_name(text, shape, [](std::string_view) { return false; }, steps));
  EXPECT_TRUE(steps.used_up());
  EXPECT_TRUE(holds_name("b", shape, [](std::string_view) { return false; }, steps)) << "what is left of the answer as well";
  EXPECT_TRUE(holds_address("b:", [](std::string_view) { return false; }, steps));
}

TEST(HiddenAddresses, AreFoundInTexts) {
  const auto is_one = [](std::string_view uri) { return uri == "hh:1"; };
  const auto holds_address = [](std::string_view text, const auto& is) {
    Steps steps(enough);
    return mcp::holds_address(text, is, steps) && !steps.used_up();
  };
  for (const char* text : {"hh:1", "see hh:1.", "<hh:1>", "a hh:1, b", "\"hh:1\"?", "hh:1!?"}) EXPECT_TRUE(holds_address(text, is_one)) << text;
  for (const char* text : {"", "hh:12", "xhh:1", "hh: 1", ":"}) EXPECT_FALSE(holds_address(text, is_one)) << text;
  EXPECT_FALSE(has_scheme("C:\\x"));
  EXPECT_FALSE(has_scheme("error:"));
}

TEST(HiddenAddresses, AreLookedForWhereTheyMayBe) {
  EXPECT_TRUE(may_hold_addresses(R"({"uri":1})"));
  EXPECT_TRUE(may_hold_addresses(R"({"\u0075ri":1})"));
  EXPECT_TRUE(may_hold_addresses(R"({"ur\u0069":1})"));
  EXPECT_FALSE(may_hold_addresses(R"({"text":"the uri"})"));
}

TEST(HiddenAddresses, OfATemplateAreThoseOfOneVariable) {
  EXPECT_EQ(filled_template("a:/{x}", "x", "v"), "a:/v");
  EXPECT_EQ(filled_template("a:/{+x}/b/{x}", "x", "v"), "a:/v/b/v");
  for (const char* other : {"a:/{y}", "a:/{x}/{y}", "a:/{x", "a:/{?x}", ""}) EXPECT_EQ(filled_template(other, "x", "v"), "") << other;
}

TEST(HiddenInstructions, AreTakenOut) {
  const std::string text = R"({"jsonrpc":"2.0","id":1,"result":{"a":1.0, "instructions":"x","b":2}})";
  json::Document document;
  const auto message = read_message(text, document, Direction::from_server);
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(without_instructions(*message), R"({"jsonrpc":"2.0","id":1,"result":{"a":1.0,"b":2}})");
}

}  // namespace
}  // namespace callgate::mcp::hidden_parts_test
