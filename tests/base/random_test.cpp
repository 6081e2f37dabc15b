#include "base/random.hpp"

#include <gtest/gtest.h>

#include <set>

namespace callgate::random_test {
namespace {

std::span<const std::uint8_t> bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

TEST(Random, TextsHaveTheirLengthAndAlphabet) {
  EXPECT_EQ(random_hex(16).size(), 32U);
  EXPECT_EQ(random_hex(16).find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(random_token(32).size(), 43U);
  EXPECT_EQ(random_token(0), "");
}

TEST(Random, DoesNotRepeat) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(random_token(16)).second);
}

TEST(Random, PoolGivesFreshBytesAcrossARefill) {
  RandomPool pool;
  std::set<std::string> seen;
  std::array<std::uint8_t, 10> portion{};
  for (int i = 0; i < 100; ++i) {
    pool.fill(portion);
    EXPECT_TRUE(seen.insert(hex(portion)).second);
  }
}

TEST(Base64url, AgreesWithRfc4648) {
  EXPECT_EQ(base64url(bytes("")), "");
  EXPECT_EQ(base64url(bytes("f")), "Zg");
  EXPECT_EQ(base64url(bytes("fo")), "Zm8");
  EXPECT_EQ(base64url(bytes("foo")), "Zm9v");
  EXPECT_EQ(base64url(bytes("foobar")), "Zm9vYmFy");
  EXPECT_EQ(base64url(bytes("\xfb\xff\xfe")), "-__-");
}

/// Security requirement S28: the comparison that tokens go through.
TEST(ConstantTimeEqual, IsEqualityOfBytes) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("token", "token"));
  EXPECT_FALSE(constant_time_equal("token", "tokem"));
  EXPECT_FALSE(constant_time_equal("token", "token "));
}

}  // namespace
}  // namespace callgate::random_test
