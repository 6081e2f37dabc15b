#include "aggregate/books.hpp"

#include <gtest/gtest.h>

#include "aggregate/company.hpp"
#include "mcp/requests.hpp"

namespace callgate::aggregate::books_test {
namespace {

/// Protocol item 89.
TEST(UriBookTest, AUriStaysAsItIsForTheServerThatHadItFirst) {
  UriBook book;
  EXPECT_EQ(book.shown("one", "one", "file:///a"), "file:///a");
  EXPECT_EQ(book.shown("two", "two", "file:///a"), "callgate://two/file:///a");
  EXPECT_EQ(book.shown("one", "one", "file:///a"), "file:///a");
  EXPECT_EQ(book.shown("two", "two", "file:///b"), "file:///b");
  EXPECT_EQ(book.server_of("file:///a"), "one");
  EXPECT_EQ(book.server_of("file:///b"), "two");
  EXPECT_EQ(book.server_of("file:///c"), std::nullopt);
  const auto wrapped = UriBook::unwrap("callgate://two/file:///a");
  ASSERT_TRUE(wrapped);
  EXPECT_EQ(wrapped->slug, "two");
  EXPECT_EQ(wrapped->uri, "file:///a");
}

TEST(UriBookTest, AUriThatTheClientNamedWrappedStaysSo) {
  UriBook book;
  book.shown("one", "one", "file:///b");
  book.keep_wrapped("two", "file:///a");
  book.keep_wrapped("one", "file:///b");
  EXPECT_EQ(book.shown("two", "two", "file:///a"), "callgate://two/file:///a");
  EXPECT_EQ(book.shown("one", "one", "file:///a"), "file:///a");
  EXPECT_EQ(book.shown("one", "one", "file:///b"), "file:///b") << "its own anyway";
}

TEST(UriBookTest, AServersOwnDoesNotPassForAWrappedOne) {
  UriBook book;
  EXPECT_EQ(book.shown("two", "two", "callgate://one/file:///a"), "callgate://two/callgate://one/file:///a");
  EXPECT_EQ(UriBook::unwrap("callgate://two/callgate://one/file:///a")->slug, "two");
}

TEST(UriBookTest, WhatComesOfATemplateIsOfItsServer) {
  UriBook book;
  EXPECT_EQ(book.shown_template("one", "one", "demo://{id}"), "demo://{id}");
  EXPECT_EQ(book.shown_template("two", "two", "demo://resource/{id}"), "demo://resource/{id}");
  EXPECT_EQ(book.shown_template("two", "two", "demo://{id}"), "callgate://two/demo://{id}");
  EXPECT_EQ(book.server_of("demo://7"), "one");
  EXPECT_EQ(book.server_of("demo://resource/7"), std::nullopt) << "it may be either's";
  EXPECT_EQ(book.server_of("demo://resource/{id}"), "two");
  EXPECT_EQ(book.server_of("other://7"), std::nullopt);
}

TEST(UriBookTest, ThatIsFullWrapsTheRest) {
  UriBook book;
  for (int i = 0; i < 50'000; ++i) book.shown("one", "one", "x:" + std::to_string(i));
  EXPECT_EQ(book.shown("one", "one", "x:new"), "callgate://one/x:new");
  EXPECT_EQ(book.shown("one", "one", "x:0"), "x:0");
}

/// As many expressions as that, each behind a letter that any long word of such letters has.
std::string template_of(std::size_t expressions, std::string_view end) {
  std::string text = "f:{v}";
  for (std::size_t i = 1; i < expressions; ++i) text += "e{v}";
  return text + std::string(end);
}

TEST(UriBookTest, WrapsATemplateOfManyParts) {
  UriBook book;
  const std::string most = template_of(UriBook::most_expressions, "Q");
  EXPECT_EQ(book.shown_template("one", "one", most), most);
  const std::string more = template_of(UriBook::most_expressions + 1, "Q");
  EXPECT_EQ(book.shown_template("one", "one", more), "callgate://one/" + more);
}

/// A server of many dear templates beside one of many URIs that all but come of them.
TEST(UriBookTest, SpendsNoMoreOnAnAnswerThanItsSteps) {
  UriBook book;
  for (int i = 0; i < 200; ++i) book.shown_template("one", "one", template_of(UriBook::most_expressions - 1, std::to_string(i) + "{v}Q"));
  const std::string filling(230, 'e');
  const auto uri = [&](int i) { return "f:" + filling + std::to_string(i); };
  Steps steps(UriBook::most_steps);
  int plain = 0;
  while (plain < 3000 && book.shown("two", "two", uri(plain), steps) == uri(plain)) ++plain;
  EXPECT_GT(plain, 10);
  EXPECT_LT(plain, 200) << "each takes 200 templates of 16 parts";
  EXPECT_TRUE(steps.used_up());
  EXPECT_EQ(book.shown("two", "two", "g:free", steps), "callgate://two/g:free") << "the safe form";
  EXPECT_EQ(book.shown("two", "two", uri(0), steps), uri(0)) << "what was shown stays as it was";
  EXPECT_EQ(book.shown("two", "two", uri(plain)), uri(plain)) << "the next answer has steps of its own";
}

/// No list of that size that is meant well meets the bound.
TEST(UriBookTest, HasStepsForLongListsBesideManyTemplates) {
  UriBook book;
  for (int i = 0; i < 200; ++i) book.shown_template("one", "one", "file:///one/" + std::to_string(i) + "/{path}/{name}.txt");
  Steps steps(UriBook::most_steps);
  for (int i = 0; i < 8000; ++i) {
    const std::string uri = "repo://two/" + std::to_string(i);
    ASSERT_EQ(book.shown("two", "two", uri, steps), uri);
  }
}

/// What nobody could look through is not shown to a server that it may not be for.
TEST(UriBookTest, GivesAUriToNobodyWhereItCannotBeLookedThrough) {
  UriBook book;
  const std::string filling(8000, 'e');
  for (int server = 0; server < 20; ++server) {
    const std::string name = "s" + std::to_string(server);
    for (int i = 0; i < 200; ++i) book.shown_template(name, name, template_of(UriBook::most_expressions - 1, name + std::to_string(i) + "{v}Q"));
  }
  EXPECT_EQ(book.server_of("f:" + filling), std::nullopt);
  book.shown_template("z", "z", "f:{any}");
  EXPECT_EQ(book.server_of("f:short"), "z");
  EXPECT_EQ(book.server_of("f:" + filling), std::nullopt);
}

struct Comes {
  const char* uri;
  const char* uri_template;
  bool may;
};
class MayComeOf : public testing::TestWithParam<Comes> {};
TEST_P(MayComeOf, ItsTemplate) {
  Steps steps(UriBook::most_steps);
  EXPECT_EQ(may_come_of(GetParam().uri, GetParam().uri_template, steps), GetParam().may) << GetParam().uri << " of " << GetParam().uri_template;
  EXPECT_FALSE(steps.used_up());
}
INSTANTIATE_TEST_SUITE_P(Uris, MayComeOf, testing::Values(
    Comes{"a:1", "a:{x}", true}, Comes{"b:1", "a:{x}", false}, Comes{"a:1/b/2", "a:{x}/b/{y}", true}, Comes{"a:1/c/2", "a:{x}/b/{y}", false},
    Comes{"a:1.txt", "a:{x}.txt", true}, Comes{"a:1.md", "a:{x}.txt", false}, Comes{"a:1", "a:1", true}, Comes{"a:12", "a:1", false},
    Comes{"a:", "a:{x}", true}, Comes{"a:1", "a:{x", false}, Comes{"", "{x}", true}, Comes{"a:x/x", "{+any}", true}));

TEST(UriBookTest, WrappedOnesNeedBothHalves) {
  for (const char* uri : {"callgate://", "callgate://two", "callgate:///x", "file:///a", ""}) EXPECT_FALSE(UriBook::unwrap(uri)) << uri;
}

/// No request could name it.
TEST(UriBookTest, KeepsNothingThatIsTooLongToBeNamed) {
  UriBook book;
  const std::string longest = "x:" + std::string(mcp::max_uri_bytes - 2, 'a');
  EXPECT_EQ(book.shown("one", "one", longest), longest);
  EXPECT_EQ(book.shown("one", "one", longest + "a"), "callgate://one/" + longest + "a");
  EXPECT_EQ(book.server_of(longest + "a"), std::nullopt);
  book.keep_wrapped("two", longest + "b");
  EXPECT_EQ(book.shown("one", "one", "x:1"), "x:1");
}

TEST(UriBookTest, ThatOneServerFillsHasRoomForOthers) {
  UriBook book;
  const std::string filling(8000, 'a');
  std::size_t kept = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string uri = "x:" + std::to_string(i) + filling;
    if (book.shown("one", "one", uri) == uri) ++kept;
  }
  EXPECT_GT(kept, 100U);
  EXPECT_LT(kept * filling.size(), std::size_t{1} << 20U);
  EXPECT_EQ(book.shown("two", "two", "y:new"), "y:new");
  for (int i = 0; i < 1000; ++i) book.keep_wrapped("one", "w:" + std::to_string(i) + filling);
  EXPECT_EQ(book.shown("one", "one", "w:7" + filling), "callgate://one/w:7" + filling) << "there is no room for it in either form";
}

/// However many sessions there are, their books take no more than that together.
TEST(UriBookTest, OfAllClientsShareOneRoomAndGiveItBack) {
  const auto shelf = std::make_shared<Room>(4000, 2000);
  const std::string filling(200, 'a');
  const auto fill = [&](UriBook& book) {
    int kept = 0;
    for (int i = 0; i < 100; ++i) {
      const std::string uri = "x:" + std::to_string(i) + filling;
      if (book.shown("one", "one", uri) == uri) ++kept;
    }
    return kept;
  };
  UriBook second(shelf, "b");
  UriBook third(shelf, "c");
  {
    UriBook first(shelf, "a");
    UriBook again(shelf, "a");
    EXPECT_EQ(fill(first), 7);
    EXPECT_EQ(fill(again), 0) << "sessions of one caller share what is the caller's";
    EXPECT_EQ(fill(second), 7) << "and leave room for others";
    EXPECT_EQ(fill(third), 0) << "while there is any";
    CutNames names(shelf, "c");
    names.remember("one__" + std::string(50, 'n'), std::string(200, 'n'));
    EXPECT_EQ(names.find("one__" + std::string(50, 'n')), nullptr);
  }
  EXPECT_EQ(fill(third), 7) << "books that are closed make room";
  EXPECT_EQ(shelf->taken(), 2U * 7U * (203U + Room::beside));
}

TEST(UriBookTest, AUriThatMayComeOfAnothersTemplateIsWrapped) {
  UriBook book;
  EXPECT_EQ(book.shown("two", "two", "demo://before"), "demo://before");
  EXPECT_EQ(book.shown_template("one", "one", "demo://{id}"), "demo://{id}");
  EXPECT_EQ(book.shown("two", "two", "demo://7"), "callgate://two/demo://7");
  EXPECT_EQ(book.server_of("demo://7"), "one");
  EXPECT_EQ(book.shown("one", "one", "demo://7"), "demo://7");
  EXPECT_EQ(book.shown("two", "two", "demo://before"), "demo://before") << "what was shown so stays so";
}

TEST(UriBookTest, WhatComesOfTemplatesOfTwoServersIsOfNeither) {
  UriBook book;
  book.shown_template("one", "one", "demo://{id}");
  book.shown_template("one", "one", "demo://resource/{id}");
  EXPECT_EQ(book.server_of("demo://resource/7"), "one");
  EXPECT_EQ(book.shown_template("two", "two", "demo://resource/{id}.txt"), "demo://resource/{id}.txt");
  EXPECT_EQ(book.server_of("demo://resource/7"), "one");
  EXPECT_EQ(book.server_of("demo://resource/7.txt"), std::nullopt);
}

TEST(UriBookTest, ATemplateForEverythingIsWrapped) {
  UriBook book;
  EXPECT_EQ(book.shown_template("two", "two", "{+any}"), "callgate://two/{+any}");
  book.shown_template("one", "one", "demo://{id}");
  EXPECT_EQ(book.server_of("demo://7"), "one");
}

TEST(UriBookTest, KeepsFewTemplatesOfAServerAndNoLongOnes) {
  UriBook book;
  const std::string longer = "x:" + std::string(1024, 'a');
  EXPECT_EQ(book.shown_template("one", "one", longer), "callgate://one/" + longer);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(book.shown_template("one", "one", "x:" + std::to_string(i) + "/{y}"), "x:" + std::to_string(i) + "/{y}");
  EXPECT_EQ(book.shown_template("one", "one", "x:new/{y}"), "callgate://one/x:new/{y}");
  EXPECT_EQ(book.shown_template("two", "two", "y:{y}"), "y:{y}");
}

TEST(CutNamesTest, KeepNothingThatIsTooLongAndLeaveRoomForOthers) {
  CutNames names;
  names.remember("one__long", std::string(mcp::max_prompt_name_bytes + 1, 'p'));
  EXPECT_EQ(names.find("one__long"), nullptr);
  for (int i = 0; i < 10'000; ++i) names.remember("one__" + std::to_string(i), std::string(1000, 'p'));
  EXPECT_EQ(names.find("one__9999"), nullptr);
  names.remember("two__x", "x");
  EXPECT_NE(names.find("two__x"), nullptr);
}

TEST(CompanyTest, AServerThatAsksAllTheTimePushesNoOthersRequestsOut) {
  net::Loop loop;
  Company company(loop, {}, {});
  company.remember({.id = "\"a\"", .server = "one", .conversation = {}, .original = "1", .progress_token = {}});
  for (int i = 0; i < 1000; ++i) company.remember({.id = std::to_string(i), .server = "two", .conversation = {}, .original = "1", .progress_token = {}});
  EXPECT_NE(company.find_asked("\"a\""), nullptr);
  EXPECT_NE(company.find_asked("999"), nullptr);
  EXPECT_EQ(company.find_asked("0"), nullptr);
  EXPECT_LT(company.asked.size(), 300U);
}

}  // namespace
}  // namespace callgate::aggregate::books_test
