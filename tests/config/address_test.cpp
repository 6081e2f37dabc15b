#include "config/address.hpp"

#include <gtest/gtest.h>

#include "config/checks.hpp"

namespace callgate::config::address_test {
namespace {

struct Good {
  const char* text;
  const char* host;
  int port;
};

class GoodEndpoint : public testing::TestWithParam<Good> {};

INSTANTIATE_TEST_SUITE_P(Address, GoodEndpoint,
                         testing::Values(Good{"127.0.0.1:8808", "127.0.0.1", 8808}, Good{"[::1]:8808", "::1", 8808},
                                         Good{"localhost:0", "localhost", 0}, Good{":8808", "127.0.0.1", 8808},
                                         Good{"0.0.0.0:65535", "0.0.0.0", 65535}, Good{"gate.example:1", "gate.example", 1}));

TEST_P(GoodEndpoint, IsTakenApart) {
  const auto endpoint = parse_endpoint(GetParam().text);
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  EXPECT_EQ(endpoint->host, GetParam().host);
  EXPECT_EQ(endpoint->port, GetParam().port);
}

TEST(EndpointTest, WhatIsNoAddressIsRefusedWithAnExample) {
  for (const std::string_view text : {"", "8808", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:80x",
                                      "::1:8808", "[::1]", "[::1]8808", "[127.0.0.1]:80", "[::1:80", "a b:80", "host/x:80", "h:1:2"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_NE(endpoint.error().message.find("`127.0.0.1:8808`"), std::string::npos) << endpoint.error().message;
  }
}

TEST(EndpointTest, ItsTextIsReadAgain) {
  for (const std::string_view text : {"127.0.0.1:8808", "[::1]:8808", "localhost:0"}) {
    EXPECT_EQ(parse_endpoint(text)->text(), text);
  }
}

TEST(LoopbackTest, OnlyThisMachineCounts) {
  for (const std::string_view host : {"127.0.0.1", "127.255.0.9", "::1", "localhost", "::ffff:127.0.0.1", "0:0:0:0:0:0:0:1"}) {
    EXPECT_TRUE(is_loopback(host)) << host;
  }
  for (const std::string_view host : {"0.0.0.0", "::", "128.0.0.1", "10.0.0.1", "localhost.evil.example", "127.0.0.1.nip.io",
                                      "::ffff:10.0.0.1", "fe80::1", "", "127.1"}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

TEST(UrlTest, HttpAndHttpsAreReached) {
  for (const std::string_view url : {"http://127.0.0.1:9000/mcp", "https://host.example", "http://[::1]:9000/mcp?a=b", "http://h/"}) {
    EXPECT_TRUE(check_url(url)) << url;
  }
}

struct Bad {
  const char* url;
  const char* message;
};

class BadUrl : public testing::TestWithParam<Bad> {};

INSTANTIATE_TEST_SUITE_P(Address, BadUrl,
                         testing::Values(Bad{"", "begins with"}, Bad{"ftp://host/", "begins with"}, Bad{"host.example/mcp", "begins with"},
                                         Bad{"HTTP://host/", "begins with"}, Bad{"http://user:pw@host/", "no user name or password"},
                                         Bad{"http://user@host/", "no user name or password"}, Bad{"http://host/#x", "fragment"},
                                         Bad{"http:///mcp", "host of the URL"}, Bad{"http://[::1/", "host of the URL"},
                                         Bad{"http://host:0/", "port"}, Bad{"http://host:99999/", "port"}, Bad{"http://host:x/", "port"},
                                         Bad{"http://ho st/", "blanks"}, Bad{"http://host/\r\nX: y", "blanks"},
                                         Bad{"http://h\u00f6st/", "host of the URL"}));

/// Security requirement S27: http and https only, and no credentials in an address.
TEST_P(BadUrl, IsRefusedAndNotRepeated) {
  const auto checked = check_url(GetParam().url);
  ASSERT_FALSE(checked) << GetParam().url;
  EXPECT_NE(checked.error().message.find(GetParam().message), std::string::npos) << checked.error().message;
  EXPECT_EQ(checked.error().message.find("pw"), std::string::npos);
}

TEST(CommandTextTest, ItIsWhatAShellWouldBeGiven) {
  const std::vector<std::string> command{"npx", "-y", "@scope/server@1.2", "", "a b", "it's", "$HOME"};
  EXPECT_EQ(command_text(command), R"(npx -y @scope/server@1.2 '' 'a b' 'it'\''s' '$HOME')");
}

TEST(ShownCommandTest, MasksCredentialsAndStaysSo) {
  const std::vector<std::string> command{
      "npx", "some server", "--api-key", "it's", "--token=a b", "postgresql://u:p@h/d b", "", "***", "-v"};
  const std::string shown = shown_command(command);
  EXPECT_EQ(shown, "npx 'some server' --api-key *** --token=*** 'postgresql://***@h/d b' '' *** -v");
  EXPECT_EQ(shown_address(shown), shown);
  EXPECT_EQ(shown_address(command_text(command)), shown) << "an address of before is the same one";
}

TEST(ShownCommandTest, WithoutCredentialsItIsTheCommandItself) {
  const std::vector<std::string> command{"npx", "-y", "@scope/server@1.2", "", "a b", "it's", "$HOME", "a\\b"};
  EXPECT_EQ(shown_command(command), command_text(command));
  EXPECT_EQ(shown_address(command_text(command)), command_text(command));
}

TEST(ShownAddressTest, MasksTheQueryOfAUrl) {
  EXPECT_EQ(shown_address("https://h.example/mcp?api_key=hunter2&mode=ro"),
            "https://h.example/mcp?api_key=***&mode=ro");
  EXPECT_EQ(shown_address("https://h.example/mcp"), "https://h.example/mcp");
}

TEST(HostTest, HostsAndOriginsAreExactNames) {
  EXPECT_EQ(read_host("Gate.Example:8808").value(), "gate.example:8808");
  EXPECT_EQ(read_origin("https://App.example").value(), "https://app.example");
  for (const std::string_view text : {"*.example", "http://host", "host/", "", "a b", "user@host"}) EXPECT_FALSE(read_host(text)) << text;
  for (const std::string_view text : {"*", "null", "https://app.example/", "app.example", "https://*.example"}) {
    EXPECT_FALSE(read_origin(text)) << text;
  }
  EXPECT_EQ(read_public_url("https://gate.example/base/").value(), "https://gate.example/base");
  EXPECT_FALSE(read_public_url("https://gate.example/?x"));
}

TEST(AddressTest, ALiteralIsNoName) {
  for (const std::string_view literal : {"10.0.0.5", "0.0.0.0", "::1", "fe80::1", "::ffff:10.0.0.5"}) EXPECT_TRUE(is_address_literal(literal)) << literal;
  for (const std::string_view name : {"", "localhost", "10.0.0.5.nip.io", "10.0.5", "2130706433", "[::1]", "gate.example"})
    EXPECT_FALSE(is_address_literal(name)) << name;
}

}  // namespace
}  // namespace callgate::config::address_test
