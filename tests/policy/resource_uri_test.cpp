#include "policy/resource_uri.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace callgate::policy::resource_uri_test {
namespace {

struct Row {
  std::string uri;
  const char* normal;  ///< null: refused
};

class Uris : public testing::TestWithParam<Row> {};

/// Protocol item 52.
TEST_P(Uris, HaveOneNormalForm) {
  const std::optional<std::string> normal = normal_uri(GetParam().uri);
  EXPECT_EQ(normal.value_or("refused"), GetParam().normal == nullptr ? "refused" : GetParam().normal) << GetParam().uri;
}

INSTANTIATE_TEST_SUITE_P(Policy, Uris, testing::ValuesIn(std::vector<Row>{
    {"file:///etc/passwd", "file:///etc/passwd"},
    {"FILE:///etc/passwd", "file:///etc/passwd"},
    {"file:///pub/../etc/passwd", "file:///etc/passwd"},
    {"file:///pub/%2e%2E/etc/passwd", "file:///etc/passwd"},
    {"file:///pub%2Fetc", "file:///pub/etc"},
    {"file:///a/./b/", "file:///a/b/"},
    {"file:///a/b/..", "file:///a/"},
    {"file:///../../x", "file:///x"},
    {"file:////etc//passwd", "file:///etc/passwd"},
    {"file:/etc/passwd", "file:///etc/passwd"},
    {"file://localhost/etc/passwd", "file:///etc/passwd"},
    {"file://LOCALHOST/etc/passwd", "file:///etc/passwd"},
    {"file://host/x", "file://host/x"},
    {"HTTP://Example.COM/A?B=%43#d", "http://example.com/A?B=C#d"},
    {"http://h/a//b", "http://h/a//b"},
    {"http://h/%61%25", "http://h/a%"},
    {"note://Inbox/Today", "note://Inbox/Today"},
    {"Note://Inbox/a/../x", "note://Inbox/x"},
    {"memo:a/b", "memo:a/b"},
    {"no scheme at all", "no scheme at all"},
    {"file:///100%", "file:///100%"},
    {"file:///100%zz", "file:///100%zz"},
    {"file:///{path}", "file:///{path}"},
    {"file:///gr%C3%BCn", "file:///grün"},
    // Servers could read these differently.
    {"", nullptr},
    {"file:///a%00b", nullptr},
    {"file:///a%0ab", nullptr},
    {"file:///a\x7f", nullptr},
    {"file:///%ff", nullptr},
    {"file:///pub/x?/../../etc/passwd", nullptr},
    {"file:///pub/x#/../../etc/passwd", nullptr},
    {"file:///pub/x?a=1%2f..%2fb", nullptr},
    {"file:///pub/x%3f/../../etc/passwd", nullptr},
    {"file:///pub\\..\\etc", nullptr},
    {"file:///pub/..\\etc", nullptr},
    {"file:///pub/%5c..%5cetc", nullptr},
    {"file:///pub/%252e%252e/etc", nullptr},
    {"file:///pub/x%252Fy", nullptr},
    {"http://h%2Fx/y", nullptr},
    {"file:///pub%2F..%2Fetc", nullptr},
    {"http://h/%61%2562", nullptr},
    {"memo:a/../b", nullptr},
    {"note://Inbox/../x", nullptr},
    {"file:///" + std::string(70'000, 'a'), nullptr}}));

TEST(ResourceUri, KeysHaveWildcardsAndNoQuery) {
  EXPECT_EQ(normal_uri_key("file:///etc/*"), "file:///etc/*");
  EXPECT_EQ(normal_uri_key("http://h/a?c"), "http://h/a?c");
  EXPECT_EQ(normal_uri_key("*://x"), "*://x");
  EXPECT_EQ(normal_uri_key("FILE:///x/../y*"), "file:///y*");
}

TEST(ResourceUri, KeysThatLeaveTheHostOpenKeepTheirWildcards) {
  for (const char* key : {"http:*", "http:/*", "http://*", "https://*.example.com/*", "http://h*", "http://h:*/x", "file:*", "file://*", "http*"})
    EXPECT_EQ(normal_uri_key(key), key);
  EXPECT_EQ(normal_uri_key("HTTP://*.Example.com:80/x"), "http://*.example.com/x");
  EXPECT_EQ(normal_uri_key("file:/*"), "file:///*");
  EXPECT_EQ(normal_uri_key("http://h"), "http://h/");
}

TEST(ResourceUri, KeysThatNoAddressCanHaveAreRefused) {
  for (const char* key : {"http:/h/x", "http://u@h/*", "http://*@h/", "http://*.gr\303\274n/", "http://127.1/*", "file:x", "http:\\\\h\\x", " note:x",
                          "demo://x:", "http:///*", "http:/*/../x", "memo:*/../x"})
    EXPECT_EQ(normal_uri_key(key), std::nullopt) << key;
}

TEST(ResourceUri, SomeServersReadAnotherAddress) {
  using Readings = std::vector<std::string>;
  EXPECT_EQ(other_readings("file:///x"), Readings{});
  EXPECT_EQ(other_readings("http://h/x?q#f"), Readings{"http://h/x?q"});
  EXPECT_EQ(other_readings("demo://x?"), Readings{"demo://x"});
  EXPECT_EQ(other_readings("file://h/x"), (Readings{"file:///x", "file:///h/x"}));
  EXPECT_EQ(other_readings("file://h/x?q"), (Readings{"file://h/x", "file:///x?q", "file:///h/x?q", "file:///x", "file:///h/x"}));
  EXPECT_EQ(other_readings("demo:/x"), Readings{"demo:///x"});
  EXPECT_EQ(other_readings("demo:///x"), Readings{"demo:/x"});
  EXPECT_EQ(other_readings("demo://"), Readings{"demo:"});
}

TEST(ResourceUri, PartsThatServersMayNotLookAtAreCut) {
  EXPECT_EQ(without_fragment("http://h/a?b#c"), "http://h/a?b");
  EXPECT_EQ(without_fragment("file:///a?b#c"), "file:///a");
  EXPECT_EQ(without_fragment("file:///a"), "file:///a");
}

}  // namespace
}  // namespace callgate::policy::resource_uri_test
