#include "admin/guard.hpp"

#include <gtest/gtest.h>

#include "admin/api_world.hpp"

namespace callgate::admin::guard_test {
namespace {

const std::string kBearer = "Bearer " + std::string(kToken);

struct Knock {
  std::string name;
  std::vector<std::pair<std::string, std::string>> headers;
  int status;
};

class AtTheListener : public testing::TestWithParam<Knock> {};

/// Security requirement S29: own authentication, and no page of elsewhere gets in.
TEST_P(AtTheListener, OnlyTheOperatorFromNoOtherPageGetsIn) {
  ApiWorld world;
  std::vector<net::Header> headers;
  for (const auto& [name, value] : GetParam().headers) headers.push_back({.name = name, .value = value});
  EXPECT_EQ(world.knock(headers).status, GetParam().status);
}

INSTANTIATE_TEST_SUITE_P(
    Guard, AtTheListener,
    testing::Values(
        Knock{"operator", {{"Host", "127.0.0.1:8809"}, {"Authorization", kBearer}}, 200},
        Knock{"localhost", {{"Host", "LOCALHOST:8809"}, {"Authorization", kBearer}}, 200},
        Knock{"ipv6", {{"Host", "[::1]:8809"}, {"Authorization", kBearer}}, 200},
        Knock{"no_port", {{"Host", "localhost"}, {"Authorization", kBearer}}, 200},
        Knock{"configured_host", {{"Host", "gate.example"}, {"Authorization", kBearer}}, 200},
        Knock{"configured_host_with_port", {{"Host", "named.example:8809"}, {"Authorization", kBearer}}, 200},
        Knock{"configured_host_at_another_port", {{"Host", "named.example:1"}, {"Authorization", kBearer}}, 403},
        Knock{"public_url", {{"Host", "public.example"}, {"Authorization", kBearer}}, 200},
        Knock{"own_address", {{"Host", "10.0.0.5:8809"}, {"Authorization", kBearer}}, 200},
        Knock{"other_address", {{"Host", "10.0.0.6:8809"}, {"Authorization", kBearer}}, 403},
        Knock{"scheme_in_lower_case", {{"Host", "localhost"}, {"Authorization", "bearer " + std::string(kToken)}}, 200},
        Knock{"own_page", {{"Host", "localhost:1"}, {"Origin", "http://localhost:1"}, {"Authorization", kBearer}}, 200},
        Knock{"own_page_by_fetch", {{"Host", "localhost:1"}, {"Sec-Fetch-Site", "same-origin"}, {"Authorization", kBearer}}, 200},
        Knock{"rebound_name", {{"Host", "evil.example:8809"}, {"Authorization", kBearer}}, 403},
        Knock{"name_with_our_prefix", {{"Host", "localhost.evil.example"}, {"Authorization", kBearer}}, 403},
        Knock{"port_that_is_none", {{"Host", "localhost:evil"}, {"Authorization", kBearer}}, 403},
        Knock{"bracket_tail", {{"Host", "[::1]evil"}, {"Authorization", kBearer}}, 403},
        Knock{"no_host", {{"Authorization", kBearer}}, 403},
        Knock{"two_hosts", {{"Host", "localhost"}, {"Host", "localhost"}, {"Authorization", kBearer}}, 403},
        Knock{"other_origin", {{"Host", "localhost:1"}, {"Origin", "http://evil.example"}, {"Authorization", kBearer}}, 403},
        Knock{"other_port", {{"Host", "localhost:1"}, {"Origin", "http://localhost:2"}, {"Authorization", kBearer}}, 403},
        Knock{"null_origin", {{"Host", "localhost:1"}, {"Origin", "null"}, {"Authorization", kBearer}}, 403},
        Knock{"empty_origin", {{"Host", "localhost:1"}, {"Origin", ""}, {"Authorization", kBearer}}, 403},
        Knock{"cross_site_fetch", {{"Host", "localhost"}, {"Sec-Fetch-Site", "cross-site"}, {"Authorization", kBearer}}, 403},
        Knock{"no_token", {{"Host", "localhost"}}, 401},
        Knock{"wrong_token", {{"Host", "localhost"}, {"Authorization", kBearer + "x"}}, 401},
        Knock{"empty_token", {{"Host", "localhost"}, {"Authorization", "Bearer "}}, 401},
        Knock{"other_scheme", {{"Host", "localhost"}, {"Authorization", "Basic " + std::string(kToken)}}, 401},
        Knock{"two_tokens", {{"Host", "localhost"}, {"Authorization", kBearer}, {"Authorization", kBearer}}, 401}),
    [](const auto& row) { return row.param.name; });

TEST(Guard, WithoutATokenNobodyGetsInAtTheListener) {
  const Guard guard(Secret(), access_of("127.0.0.1:8809"));
  ApiRequest request{.method = "GET", .target = "/metrics", .headers = {}, .body = {}, .door = Door::listener};
  request.headers = {{"Host", "localhost"}, {"Authorization", "Bearer "}};
  ASSERT_TRUE(guard.refusal(request));
  EXPECT_EQ(guard.refusal(request)->status, 401);
}

TEST(Guard, OnAWildcardEveryAddressIsItsOwnButNoName) {
  const Guard guard(Secret(std::string(kToken)), access_of("0.0.0.0:8809"));
  const auto status = [&](std::string_view host) {
    ApiRequest request{.method = "GET", .target = "/metrics", .headers = {}, .body = {}, .door = Door::listener};
    request.headers = {{"Host", host}, {"Authorization", kBearer}};
    const auto refusal = guard.refusal(request);
    return refusal ? refusal->status : 200;
  };
  for (const char* own : {"10.0.0.5:8809", "192.168.1.7", "[fe80::1]:8809", "localhost:8809"}) EXPECT_EQ(status(own), 200) << own;
  for (const char* name : {"evil.example:8809", "10.0.0.5.evil.example", "10.0.0.5evil", "[fe80::1].evil"}) EXPECT_EQ(status(name), 403) << name;
}

TEST(Guard, MetricsAndDescriptionNeedTheTokenToo) {
  ApiWorld world;
  for (const char* target : {"/metrics", "/api/v1/openapi.json", "/api/v1/approvals", "/nothing"}) {
    EXPECT_EQ(world.knock({{"Host", "localhost"}}, target).status, 401) << target;
  }
}

TEST(Guard, RightsOfTheLocalSocketSuffice) {
  const Guard guard(Secret(), access_of("127.0.0.1:8809"));
  EXPECT_FALSE(guard.refusal(
      {.method = "GET", .target = "/metrics", .headers = {}, .body = {}, .door = Door::local_socket}));
}

}  // namespace
}  // namespace callgate::admin::guard_test
