#include "base/utf8.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <array>
#include <string>

namespace callgate::utf8_test {
namespace {

/// simdjson is the judge.
bool judged(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

/// The bytes at which some rule of RFC 3629 begins or ends.
constexpr std::array<unsigned char, 10> edges{0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xe0};

/// Short texts are read by the character, longer ones by the block: behind `front`
/// the bytes stand where the last block ends or the next one begins.
void agrees_behind(const std::string& front) {
  std::string text = front + "....";
  const auto agrees = [&](std::size_t length) {
    const std::string_view part = std::string_view(text).substr(0, front.size() + length);
    if (is_utf8(part) != judged(part)) ADD_FAILURE() << "behind " << front.size() << ": " << testing::PrintToString(part.substr(front.size()));
  };
  for (unsigned lead = 0x7f; lead < 256; ++lead) {
    text[front.size()] = static_cast<char>(lead);
    agrees(1);
    for (unsigned second = 0; second < 256; ++second) {
      text[front.size() + 1] = static_cast<char>(second);
      agrees(2);
      for (const unsigned char third : edges) {
        text[front.size() + 2] = static_cast<char>(third);
        agrees(3);
        for (const unsigned char fourth : edges) {
          text[front.size() + 3] = static_cast<char>(fourth);
          agrees(4);
        }
      }
    }
  }
}

TEST(Utf8, AgreesWithAnotherReaderOnEveryLeadAndSecondByte) { agrees_behind(""); }
TEST(Utf8, AgreesWithItWithinABlock) { agrees_behind("é234567890123456789012345678901234567890"); }
TEST(Utf8, AgreesWithItWhereBlocksMeet) { agrees_behind("é2345678901234567890123456789012345678901234"); }

TEST(Utf8, ABadByteIsSeenWhereverItStands) {
  for (std::size_t size = 1; size < 200; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'a');
      text[at] = '\xff';
      EXPECT_FALSE(is_utf8(text)) << size << ' ' << at;
      EXPECT_FALSE(is_utf8("é" + text)) << size << ' ' << at;
    }
  }
}

/// Long texts are looked at in larger steps, and end in smaller ones.
TEST(Utf8, ABadByteIsSeenWhereverItStandsInALongText) {
  for (const std::size_t size : {255UL, 256UL, 257UL, 383UL, 384UL, 600UL}) {
    std::string text(size, 'a');
    EXPECT_TRUE(is_utf8(text));
    for (std::size_t at = 0; at < size; ++at) {
      text[at] = '\x80';
      ASSERT_FALSE(is_utf8(text)) << at << " of " << size;
      text[at] = 'a';
      if (at + 1 == size) continue;
      text.replace(at, 2, "\u00e9");
      ASSERT_TRUE(is_utf8(text)) << at << " of " << size;
      text.replace(at, 2, "aa");
    }
  }
}

TEST(Utf8, CharactersMayStandWhereBlocksMeet) {
  for (std::size_t before = 0; before < 70; ++before) {
    for (const std::string_view character : {"é", "漢", "😀"}) {
      const std::string text = std::string(before, 'a') + std::string(character) + std::string(40, 'b');
      EXPECT_TRUE(is_utf8(text));
      EXPECT_TRUE(is_utf8("é" + text));
      EXPECT_FALSE(is_utf8(std::string_view(text).substr(0, before + character.size() - 1))) << "cut within a character";
    }
  }
}

TEST(Utf8, TheLengthOfACharacterIsThatOfTheFirstOne) {
  EXPECT_EQ(utf8_length(""), 0U);
  EXPECT_EQ(utf8_length("a"), 1U);
  EXPECT_EQ(utf8_length("éa"), 2U);
  EXPECT_EQ(utf8_length("漢"), 3U);
  EXPECT_EQ(utf8_length("😀😀"), 4U);
  EXPECT_EQ(utf8_length("\xc3"), 0U);
  EXPECT_EQ(utf8_length("\x80"), 0U);
}

}  // namespace
}  // namespace callgate::utf8_test
