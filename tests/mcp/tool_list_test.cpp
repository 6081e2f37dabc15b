#include "mcp/tool_list.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace callgate::mcp::tool_list_test {
namespace {

/// One answer and its page.
struct Page {
  std::string bytes;
  json::Document document;
  ListPage page;

  explicit Page(std::string text, ListShape shape = tool_list) : bytes(std::move(text)) {
    page = read_list_page(*read_message(bytes, document, Direction::from_server), shape).value();
  }
};

Keep without(std::string_view hidden) {
  return [hidden](const ListItem& item) { return !hidden.contains(item.key.view()); };
}

std::string answer(std::string_view result) { return R"({"jsonrpc":"2.0","id":5,"result":)" + std::string(result) + "}"; }

struct Row {
  const char* name;
  const char* result;
  const char* hidden;
  const char* left;
};

class FilteredList : public testing::TestWithParam<Row> {};

/// Protocol item 45.
TEST_P(FilteredList, KeepsEveryOtherByte) {
  const Page page(answer(GetParam().result));
  const std::string got = filter_list(page.page, without(GetParam().hidden));
  EXPECT_EQ(got, answer(GetParam().left));
  json::Document document;
  EXPECT_TRUE(read_message(got, document, Direction::from_server));
}

INSTANTIATE_TEST_SUITE_P(ToolList, FilteredList, testing::Values(
    Row{"none", R"({"tools":[{"name":"a"},{"name":"b"}]})", "", R"({"tools":[{"name":"a"},{"name":"b"}]})"},
    Row{"first", R"({"tools":[{"name":"a"},{"name":"b"}]})", "a", R"({"tools":[{"name":"b"}]})"},
    Row{"last", R"({"tools":[{"name":"a"},{"name":"b"}]})", "b", R"({"tools":[{"name":"a"}]})"},
    Row{"middle", R"({"tools":[{"name":"a"},{"name":"b"},{"name":"c"}]})", "b", R"({"tools":[{"name":"a"},{"name":"c"}]})"},
    Row{"first_two", R"({"tools":[{"name":"a"},{"name":"b"},{"name":"c"}]})", "ab", R"({"tools":[{"name":"c"}]})"},
    Row{"last_two", R"({"tools":[{"name":"a"},{"name":"b"},{"name":"c"}]})", "bc", R"({"tools":[{"name":"a"}]})"},
    Row{"all", R"({"tools":[{"name":"a"},{"name":"b"}],"nextCursor":"n"})", "ab", R"({"tools":[],"nextCursor":"n"})"},
    Row{"empty", R"({"tools":[]})", "a", R"({"tools":[]})"},
    Row{"white_space", "{ \"tools\" : [ {\"name\":\"a\"} ,\n {\"name\":\"b\"} ] , \"x\":1.10}", "a",
        "{ \"tools\" : [\n {\"name\":\"b\"} ] , \"x\":1.10}"},
    Row{"other_members", R"({"_meta":{"k":1},"ttlMs":5,"tools":[{"name":"a","n":1e2},{"name":"b"}],"cacheScope":"public"})", "b",
        R"({"_meta":{"k":1},"ttlMs":5,"tools":[{"name":"a","n":1e2}],"cacheScope":"public"})"},
    Row{"escaped_name", R"({"tools":[{"name":"\u0061"},{"name":"b"}]})", "a", R"({"tools":[{"name":"b"}]})"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(ToolList, ReadsNamesDefinitionsAndCursor) {
  const Page page(answer(R"({"tools":[{"name":"a","x":{"y":[1.0]}},{"name":"b"}],"nextCursor":""})"));
  ASSERT_EQ(page.page.items.size(), 2U);
  EXPECT_EQ(page.page.items[0].definition.text(), R"({"name":"a","x":{"y":[1.0]}})");
  ASSERT_TRUE(page.page.next_cursor);
  EXPECT_EQ(page.page.next_cursor->view(), "");
  EXPECT_FALSE(Page(answer(R"({"tools":[],"nextCursor":null})")).page.next_cursor);
}

/// Protocol items 46, 47.
TEST(ToolList, JoinsPagesIntoOneWithoutCursor) {
  const Page first(answer(R"({"nextCursor":"2","tools":[{"name":"a"}, {"name":"b"}],"_meta":{"k":1}})"));
  const Page second(answer(R"({"tools":[],"nextCursor":"3"})"));
  const Page third(answer(R"({"tools":[ {"name":"c"},{"name":"d"} ],"other":1})"));
  const std::vector<ListPage> pages{first.page, second.page, third.page};
  EXPECT_EQ(join_lists(pages, without("b")),
            answer(R"({"tools":[{"name":"a"}, {"name":"c"},{"name":"d"} ],"_meta":{"k":1}})"));
  EXPECT_EQ(join_lists(pages, without("abcd")), answer(R"({"tools":[ ],"_meta":{"k":1}})"));
  EXPECT_EQ(join_lists(pages, without("ab"), "\"me\""),
            R"({"jsonrpc":"2.0","id":"me","result":{"tools":[ {"name":"c"},{"name":"d"} ],"_meta":{"k":1}}})");
}

TEST(ToolList, DropsACursorWhereverItStands) {
  for (const std::string_view result : {R"({"tools":[],"nextCursor":"x"})", R"({"nextCursor":"x","tools":[]})"}) {
    const Page page{answer(result)};
    EXPECT_EQ(join_lists({&page.page, 1}, without("")), answer(R"({"tools":[]})"));
  }
}

/// Protocol item 48.
TEST(ToolList, SaysThatItIsPrivateOnceItDependsOnWhoAsks) {
  const Page page(answer(R"({"ttlMs":300000,"tools":[],"cacheScope":"public"})"));
  EXPECT_EQ(filter_list(page.page, without(""), {}, {.make_private = true, .max_ttl_ms = 5000}),
            answer(R"({"ttlMs":5000,"tools":[],"cacheScope":"private"})"));
  const Page shorter(answer(R"({"ttlMs":0,"tools":[]})"));
  EXPECT_EQ(filter_list(shorter.page, without(""), {}, {.make_private = true, .max_ttl_ms = 5000}),
            answer(R"({"ttlMs":0,"tools":[]})"));
}

/// Protocol item 52.
TEST(ToolList, FiltersTheOtherListsByTheirOwnNames) {
  const Page resources(answer(R"({"resources":[{"uri":"a:1","name":"x"},{"uri":"a:2","name":"x"}]})"), resource_list);
  EXPECT_EQ(filter_list(resources.page, without("a:1")), answer(R"({"resources":[{"uri":"a:2","name":"x"}]})"));
  const Page templates(answer(R"({"resourceTemplates":[{"uriTemplate":"a:{x}"}]})"), template_list);
  EXPECT_EQ(filter_list(templates.page, without("a:{x}")), answer(R"({"resourceTemplates":[]})"));
  EXPECT_EQ(list_shape(MethodId::prompts_list)->array, "prompts");
  EXPECT_FALSE(list_shape(MethodId::tools_call));
}

TEST(ToolList, RefusesWhatIsNoListOrCanBeReadAsAnother) {
  for (const std::string_view result : {R"({})", R"({"tools":{}})", R"({"tools":null})", R"({"tools":[],"Tools":[{"name":"a"}]})",
                                        R"({"tools":[],"NextCursor":"x"})", R"({"tools":[],"nextCursor":1})"}) {
    const std::string bytes = answer(result);
    json::Document document;
    const auto message = read_message(bytes, document, Direction::from_server);
    EXPECT_FALSE(read_list_page(*message, tool_list)) << result;
  }
  json::Document document;
  const auto error = read_message(R"({"jsonrpc":"2.0","id":1,"error":{"code":1,"message":""}})", document, Direction::from_server);
  EXPECT_FALSE(read_list_page(*error, tool_list));
}

TEST(ToolList, AnItemWithoutANameThatCanBeReliedOnGoesAndTheOthersStay) {
  for (const std::string_view bad : {R"("a")", R"(5)", R"(null)", R"([])", R"({})", R"({"name":1})", R"({"name":"a\u0000"})", R"({"name":"a","Name":"b"})",
                                     R"({"name":"a","inputSchema":{"properties":{"b\u0000c":{}}}})", R"({"name":"a","x":[[{"\u0000":1}]]})"}) {
    for (const std::string& tools : {fmt::format(R"([{}, {{"name":"x"}}])", bad), fmt::format(R"([{{"name":"x"}}, {}])", bad), fmt::format(R"([ {} ])", bad)}) {
      const Page list(answer(fmt::format(R"({{"tools":{}}})", tools)), tool_list);
      EXPECT_EQ(std::ranges::count_if(list.page.items, [](const ListItem& item) { return !item.fault.empty(); }), 1) << tools;
      const std::string out = filter_list(list.page, [](const ListItem&) { return true; });
      const Page kept(out, tool_list);
      EXPECT_EQ(kept.page.items.size(), list.page.items.size() - 1) << out;
      for (const ListItem& item : kept.page.items) EXPECT_EQ(item.key.view(), "x") << out;
    }
  }
}

}  // namespace
}  // namespace callgate::mcp::tool_list_test
