#include "store/grant_servers.hpp"

#include <gtest/gtest.h>

namespace callgate::store::grant_servers_test {
namespace {

TEST(GrantServers, AreNamedWholeAndExactly) {
  EXPECT_TRUE(names_server("a", "a"));
  EXPECT_TRUE(names_server("a,b", "a"));
  EXPECT_TRUE(names_server("a,b", "b"));
  for (const char* other : {"", "a,b", "b,a", "c", "A", "a,", ",b"}) EXPECT_FALSE(names_server("a,b", other)) << other;
  EXPECT_FALSE(names_server("ab,bc", "b"));
  EXPECT_EQ(servers_of("a,b,").size(), 3U);
}

}  // namespace
}  // namespace callgate::store::grant_servers_test
