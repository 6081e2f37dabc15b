#include "schema/uri.hpp"

#include <gtest/gtest.h>

namespace callgate::schema::uri_test {
namespace {

struct Row {
  const char* name;
  const char* reference;
  const char* resource;
  const char* fragment = "";
};

// The examples of RFC 3986 sections 5.4.1 and 5.4.2.
class Resolved : public testing::TestWithParam<Row> {};

TEST_P(Resolved, AgainstTheBaseOfTheRfc) {
  const Address address = resolve("http://a/b/c/d;p?q", GetParam().reference);
  EXPECT_EQ(address.resource, GetParam().resource);
  EXPECT_EQ(address.fragment, GetParam().fragment);
}

INSTANTIATE_TEST_SUITE_P(Uri, Resolved, testing::Values(
    Row{"other_scheme", "g:h", "g:h"},
    Row{"name", "g", "http://a/b/c/g"},
    Row{"dot_name", "./g", "http://a/b/c/g"},
    Row{"folder", "g/", "http://a/b/c/g/"},
    Row{"absolute_path", "/g", "http://a/g"},
    Row{"authority", "//g", "http://g"},
    Row{"query", "?y", "http://a/b/c/d;p?y"},
    Row{"name_and_query", "g?y", "http://a/b/c/g?y"},
    Row{"fragment", "#s", "http://a/b/c/d;p?q", "s"},
    Row{"name_and_fragment", "g#s", "http://a/b/c/g", "s"},
    Row{"all", "g?y#s", "http://a/b/c/g?y", "s"},
    Row{"parameter", ";x", "http://a/b/c/;x"},
    Row{"nothing", "", "http://a/b/c/d;p?q"},
    Row{"dot", ".", "http://a/b/c/"},
    Row{"up", "..", "http://a/b/"},
    Row{"up_name", "../g", "http://a/b/g"},
    Row{"up_twice", "../../g", "http://a/g"},
    Row{"up_too_far", "../../../../g", "http://a/g"},
    Row{"absolute_dots", "/./g", "http://a/g"},
    Row{"absolute_up", "/../g", "http://a/g"},
    Row{"dots_in_name", "g..", "http://a/b/c/g.."},
    Row{"dots_in_the_middle", "./g/../h", "http://a/b/c/h"},
    Row{"query_keeps_dots", "g?y/../x", "http://a/b/c/g?y/../x"},
    Row{"percent", "#/a%25b%20c%zz", "http://a/b/c/d;p?q", "/a%b c%zz"},
    Row{"percent_at_the_end", "#%4", "http://a/b/c/d;p?q", "%4"}),
    [](const auto& row) { return row.param.name; });

TEST(Uri, ResolvesWithoutABase) {
  EXPECT_EQ(resolve("", "#/a").resource, "");
  EXPECT_EQ(resolve("", "#/a").fragment, "/a");
  EXPECT_EQ(resolve("", "other.json").resource, "other.json");
  EXPECT_EQ(resolve("", "https://x.test/a/../b").resource, "https://x.test/b");
}

TEST(Uri, KeepsAnOpaqueBaseForFragments) {
  EXPECT_EQ(resolve("urn:uuid:1-2", "#x").resource, "urn:uuid:1-2");
  EXPECT_EQ(resolve("urn:uuid:1-2?q", "#/$defs/a").fragment, "/$defs/a");
  EXPECT_EQ(resolve("tag:x", "urn:other").resource, "urn:other");
}

TEST(Uri, AddsTheSlashThatABareHostLacks) { EXPECT_EQ(resolve("http://host", "a").resource, "http://host/a"); }

}  // namespace
}  // namespace callgate::schema::uri_test
