#include "net/pieces.hpp"

#include <array>
#include <string>

#include <gtest/gtest.h>

namespace callgate::net::pieces_test {

/// What is kept, read as writev(2) would.
std::string text_of(const Pieces& pieces) {
  std::array<iovec, 100> parts{};
  std::string text;
  for (std::size_t i = 0; i < pieces.front(parts); ++i) text.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
  return text;
}

std::string letters(std::size_t count) {
  std::string text(count, ' ');
  for (std::size_t i = 0; i < count; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

TEST(Pieces, HoldWhatCameInItsOrderHoweverItLeaves) {
  for (const std::size_t size : {1U, 100U, 5'000U, 70'000U, 300'000U}) {
    for (const std::size_t leaves : {1U, 999U, 65'536U}) {
      if (size / leaves > 5'000) continue;
      Pieces pieces;
      std::string expected;
      for (int round = 0; round < 5; ++round) {
        const std::string text = letters(size + static_cast<std::size_t>(round));
        pieces.append(text);
        expected += text;
        const std::size_t gone = std::min(leaves, expected.size());
        pieces.drop(gone);
        expected.erase(0, gone);
        ASSERT_EQ(pieces.size(), expected.size());
        ASSERT_EQ(text_of(pieces), expected) << size << ' ' << leaves;
      }
      while (!pieces.empty()) pieces.drop(std::min(leaves, pieces.size()));
      EXPECT_EQ(pieces.capacity(), 0U);
    }
  }
}

TEST(Pieces, TakeUpLittleMoreThanTheyHold) {
  Pieces pieces;
  pieces.append("x");
  EXPECT_EQ(pieces.capacity(), Pieces::smallest);
  for (int i = 0; i < 100'000; ++i) {
    pieces.append("a short line\n");
    ASSERT_LE(pieces.capacity(), std::max(2 * pieces.size(), Pieces::smallest));
    ASSERT_LE(pieces.capacity(), pieces.size() + Pieces::largest);
  }
  const std::size_t most = pieces.capacity();
  pieces.drop(pieces.size() / 2);
  EXPECT_LT(pieces.capacity(), most / 2 + 2 * Pieces::largest);
  pieces.clear();
  EXPECT_TRUE(pieces.empty());
  EXPECT_EQ(pieces.capacity(), 0U);
}

TEST(Pieces, OfferNoMoreThanThereIsRoomFor) {
  Pieces pieces;
  pieces.append(letters(200'000));
  std::array<iovec, 2> two{};
  EXPECT_EQ(pieces.front(two), 2U);
  EXPECT_EQ(two[0].iov_len + two[1].iov_len, 2 * Pieces::largest);
  pieces.drop(2 * Pieces::largest + 10);
  EXPECT_EQ(pieces.front(two), 2U);
  EXPECT_EQ(two[0].iov_len, Pieces::largest - 10);
  EXPECT_EQ(two[1].iov_len, 200'000 - 3 * Pieces::largest);
}

}  // namespace callgate::net::pieces_test
