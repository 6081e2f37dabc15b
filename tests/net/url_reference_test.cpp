#include <gtest/gtest.h>

#include "net/url_reference.hpp"

namespace callgate::net::url_reference_test {
namespace {

struct Row {
  const char* name;
  std::string reference;
  const char* target;  ///< null: refused
};

class ReferenceFromAServer : public testing::TestWithParam<Row> {};

TEST_P(ReferenceFromAServer, LeadsToATargetOfItsOwnOrigin) {
  const auto base = Url::parse("http://Host.example:8080/a/sse?old=1");
  const auto target = target_from(*base, GetParam().reference);
  if (GetParam().target == nullptr) {
    EXPECT_FALSE(target.has_value()) << *target;
  } else {
    ASSERT_TRUE(target.has_value()) << target.error().message;
    EXPECT_EQ(*target, GetParam().target);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Net, ReferenceFromAServer,
    testing::Values(Row{"path", "/messages?session_id=1", "/messages?session_id=1"}, Row{"relative", "messages/?s=1", "/a/messages/?s=1"},
                    Row{"query", "?s=1", "/a/sse?s=1"}, Row{"dots", "../m/./x?y=/../", "/m/x?y=/../"}, Row{"beyond_the_top", "/../../m", "/m"},
                    Row{"ends_in_dots", "/a/b/..", "/a/"}, Row{"only_the_top", "/", "/"}, Row{"empty_segments", "/a//b", "/a//b"},
                    Row{"absolute", "http://host.EXAMPLE:8080/m?s=1", "/m?s=1"}, Row{"absolute_without_path", "http://host.example:8080", "/"},
                    Row{"colon_behind_a_slash", "/m:1", "/m:1"}, Row{"authority", "//host.example:8080/m", "/m"},
                    Row{"foreign_host", "http://evil.example:8080/m", nullptr}, Row{"foreign_port", "http://host.example/m", nullptr},
                    Row{"foreign_scheme", "https://host.example:8080/m", nullptr}, Row{"foreign_authority", "//evil.example/m", nullptr},
                    Row{"user_information", "http://host.example:8080@evil.example/m", nullptr}, Row{"subdomain", "http://x.host.example:8080/m", nullptr},
                    Row{"script", "javascript:alert(1)", nullptr}, Row{"file", "file:///etc/passwd", nullptr}, Row{"unix_socket", "unix:/run/x", nullptr},
                    Row{"empty", "", nullptr}, Row{"blank", " /m", nullptr}, Row{"line_end", "/m\r\nHost: evil", nullptr}, Row{"nul", std::string("/m\0x", 4), nullptr},
                    Row{"backslash", "/\\evil.example/m", nullptr}, Row{"fragment", "/m#x", nullptr}, Row{"not_ascii", "/m\xc3\xa9", nullptr},
                    Row{"too_long", "/" + std::string(max_reference_bytes, 'x'), nullptr}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace callgate::net::url_reference_test
