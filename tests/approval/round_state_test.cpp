#include "approval/round_state.hpp"

#include <gtest/gtest.h>

#include <array>

namespace callgate::approval::round_state_test {
namespace {

constexpr std::string_view nonce = "00112233445566778899aabbccddeeff";

HmacSha256 key(std::uint8_t first = 1) {
  std::array<std::uint8_t, 32> bytes{first};
  return HmacSha256(bytes);
}
RoundState some_state() { return {.question = "01ARZ3NDEKTSV4RRFFQ69G5FAV", .expires_ms = 1'000, .rounds = 3, .inner = R"("s.1","inputResponses":{"k":{}})"}; }

/// Protocol item 58.
TEST(RoundState, ComesBackAsItWasSealed) {
  const std::string text = seal(some_state(), "call", nonce, key());
  EXPECT_TRUE(text.starts_with("callgate:q:")) << text;
  EXPECT_EQ(open_seal(text, "call", key(), 999), some_state());
  RoundState plain = some_state();
  plain.inner.clear();
  EXPECT_EQ(open_seal(seal(plain, "call", nonce, key()), "call", key(), 999), plain);
}

/// Security requirement S20.
TEST(RoundState, OfAnotherCallOrKeyIsNothing) {
  const std::string text = seal(some_state(), "call", nonce, key());
  EXPECT_FALSE(open_seal(text, "another", key(), 999));
  EXPECT_FALSE(open_seal(text, "", key(), 999));
  EXPECT_FALSE(open_seal(text, "call", key(2), 999));
}

TEST(RoundState, IsNothingOnceItsTimeIsOver) {
  EXPECT_FALSE(open_seal(seal(some_state(), "call", nonce, key()), "call", key(), 1'000));
}

TEST(RoundState, WithAnyByteChangedLeftOutOrAddedIsNothing) {
  const std::string text = seal(some_state(), "call", nonce, key());
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string other = text;
    other[at] = static_cast<char>(other[at] ^ 1);
    EXPECT_FALSE(open_seal(other, "call", key(), 999)) << at;
    EXPECT_FALSE(open_seal(text.substr(0, at), "call", key(), 999)) << at;
  }
  EXPECT_FALSE(open_seal(text + "x", "call", key(), 999));
  EXPECT_FALSE(open_seal(text + std::string(max_round_state, 'x'), "call", key(), 999));
}

TEST(RoundState, DoesNotMoveABoundaryBetweenCallAndBody) {
  RoundState state = some_state();
  const std::string text = seal(state, "call1", nonce, key());
  EXPECT_FALSE(open_seal(text, "call", key(), 999));
}

}  // namespace
}  // namespace callgate::approval::round_state_test
