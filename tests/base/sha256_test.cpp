#include "base/sha256.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace callgate::sha256_test {
namespace {

TEST(Sha256, AgreesWithFips180) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, PiecesGiveTheSameAndTheObjectStartsAnew) {
  Sha256 hash;
  EXPECT_EQ(hash.update("a").update("b").update("c").finish(), sha256("abc"));
  EXPECT_EQ(hash.of("abc"), sha256("abc"));
  EXPECT_EQ(hash.of(""), sha256(""));
}

TEST(Sha256, WritesEveryByteAsItsTwoDigits) {
  for (unsigned first = 0; first < 256; ++first) {
    Digest digest;
    std::string expected;
    for (std::size_t i = 0; i < digest.size(); ++i) {
      digest[i] = static_cast<std::uint8_t>(first + 7 * i);
      expected += "0123456789abcdef"[digest[i] >> 4U];
      expected += "0123456789abcdef"[digest[i] & 15U];
    }
    ASSERT_EQ(hex(digest), expected);
  }
}

std::string hmac(const std::vector<std::uint8_t>& key, std::string_view text) { return hex(HmacSha256(key).of(text)); }

// RFC 4231 sections 4.2, 4.3 and 4.7 (a key longer than a block).
TEST(HmacSha256, AgreesWithRfc4231) {
  EXPECT_EQ(hmac(std::vector<std::uint8_t>(20, 0x0b), "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hmac({'J', 'e', 'f', 'e'}, "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hmac(std::vector<std::uint8_t>(131, 0xaa), "Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacSha256, IsUsableAgain) {
  HmacSha256 keyed(std::vector<std::uint8_t>(32, 7));
  const Digest first = keyed.of("one");
  EXPECT_NE(keyed.of("two"), first);
  EXPECT_EQ(keyed.of("one"), first);
}

}  // namespace
}  // namespace callgate::sha256_test
