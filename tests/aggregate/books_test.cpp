#include "aggregate/books.hpp"

#include <gtest/gtest.h>

namespace callgate::aggregate {
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
  EXPECT_EQ(book.server_of("demo://resource/7"), "two") << "the longer beginning says more";
  EXPECT_EQ(book.server_of("demo://resource/{id}"), "two");
  EXPECT_EQ(book.server_of("other://7"), std::nullopt);
}

TEST(UriBookTest, ThatIsFullWrapsTheRest) {
  UriBook book;
  for (std::size_t i = 0; i < UriBook::most; ++i) book.shown("one", "one", "x:" + std::to_string(i));
  EXPECT_EQ(book.shown("one", "one", "x:new"), "callgate://one/x:new");
  EXPECT_EQ(book.shown("one", "one", "x:0"), "x:0");
}

struct Comes {
  const char* uri;
  const char* uri_template;
  bool may;
};
class MayComeOf : public testing::TestWithParam<Comes> {};
TEST_P(MayComeOf, ItsTemplate) { EXPECT_EQ(may_come_of(GetParam().uri, GetParam().uri_template), GetParam().may) << GetParam().uri << " of " << GetParam().uri_template; }
INSTANTIATE_TEST_SUITE_P(Uris, MayComeOf, testing::Values(
    Comes{"a:1", "a:{x}", true}, Comes{"b:1", "a:{x}", false}, Comes{"a:1/b/2", "a:{x}/b/{y}", true}, Comes{"a:1/c/2", "a:{x}/b/{y}", false},
    Comes{"a:1.txt", "a:{x}.txt", true}, Comes{"a:1.md", "a:{x}.txt", false}, Comes{"a:1", "a:1", true}, Comes{"a:12", "a:1", false},
    Comes{"a:", "a:{x}", true}, Comes{"a:1", "a:{x", false}, Comes{"", "{x}", true}, Comes{"a:x/x", "{+any}", true}));

TEST(UriBookTest, WrappedOnesNeedBothHalves) {
  for (const char* uri : {"callgate://", "callgate://two", "callgate:///x", "file:///a", ""}) EXPECT_FALSE(UriBook::unwrap(uri)) << uri;
}

}  // namespace
}  // namespace callgate::aggregate
