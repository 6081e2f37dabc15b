#include "policy/resource_uri.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace callgate::policy {
namespace {

struct Row {
  std::string uri;
  const char* normal;  ///< null: refused
};

class Uris : public testing::TestWithParam<Row> {};

TEST_P(Uris, HaveOneNormalForm) {
  const std::optional<std::string> normal = normal_uri(GetParam().uri);
  EXPECT_EQ(normal.value_or("refused"), GetParam().normal == nullptr ? "refused" : GetParam().normal) << GetParam().uri;
}

INSTANTIATE_TEST_SUITE_P(Policy, Uris, testing::ValuesIn(std::vector<Row>{
    {"file:///etc/passwd", "file:///etc/passwd"},
    {"FILE:///etc/passwd", "file:///etc/passwd"},
    {"file:///pub/../etc/passwd", "file:///etc/passwd"},
    {"file:///pub/%2e%2E/etc/passwd", "file:///etc/passwd"},
    {"file:///pub%2F..%2Fetc", "file:///etc"},
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
    {"http://h/%61%2562", "http://h/a%62"},
    {"note://Inbox/Today", "note://Inbox/Today"},
    {"Note://Inbox/../x", "note://Inbox/x"},
    {"memo:a/../b", "memo:b"},
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
    {"file:///pub/x%3f/../../etc/passwd", "file:///etc/passwd"},
    {"file:///pub\\..\\etc", nullptr},
    {"file:///pub/..\\etc", nullptr},
    {"file:///pub/%5c..%5cetc", nullptr},
    {"file:///pub/%252e%252e/etc", nullptr},
    {"file:///pub/x%252Fy", nullptr},
    {"http://h%2Fx/y", nullptr},
    {"file:///" + std::string(70'000, 'a'), nullptr}}));

TEST(ResourceUri, KeysHaveWildcardsAndNoQuery) {
  EXPECT_EQ(normal_uri_key("file:///etc/*"), "file:///etc/*");
  EXPECT_EQ(normal_uri_key("http://h/a?c"), "http://h/a?c");
  EXPECT_EQ(normal_uri_key("*://x"), "*://x");
  EXPECT_EQ(normal_uri_key("FILE:///x/../y*"), "file:///y*");
}

TEST(ResourceUri, PartsThatServersMayNotLookAtAreCut) {
  EXPECT_EQ(without_fragment("http://h/a?b#c"), "http://h/a?b");
  EXPECT_EQ(without_fragment("file:///a?b#c"), "file:///a");
  EXPECT_EQ(without_fragment("file:///a"), "file:///a");
}

}  // namespace
}  // namespace callgate::policy
