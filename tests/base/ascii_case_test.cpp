#include "base/ascii_case.hpp"

#include <gtest/gtest.h>

#include <string>

namespace callgate::ascii::ascii_case_test {
namespace {

TEST(AsciiCase, ChangesTheLettersAndNothingElse) {
  for (unsigned place = 0; place < 8; ++place) {
    for (std::uint64_t byte = 0; byte < 0x100; ++byte) {
      for (const std::uint64_t others : {0ULL, 0x40ULL, 0x5aULL, 0xffULL}) {
        const std::uint64_t hole = ~(std::uint64_t{0xff} << 8 * place);
        const auto as_bytes = static_cast<unsigned char>(lower(static_cast<char>(byte)));
        const auto other = static_cast<unsigned char>(lower(static_cast<char>(others)));
        EXPECT_EQ(lower_word((in_each(others) & hole) | byte << 8 * place), (in_each(other) & hole) | std::uint64_t{as_bytes} << 8 * place)
            << byte << " at " << place << " among " << others;
      }
    }
  }
}

TEST(AsciiCase, EveryPlaceOfATextCounts) {
  for (std::size_t size = 1; size < 40; ++size) {
    const std::string text(size, 'k');
    EXPECT_TRUE(equal(text, std::string(size, 'K')));
    EXPECT_FALSE(equal(text, std::string(size + 1, 'k')));
    for (std::size_t at = 0; at < size; ++at) {
      for (unsigned byte = 0; byte < 0x100; ++byte) {
        std::string other = text;
        other[at] = static_cast<char>(byte);
        ASSERT_EQ(equal(text, other), byte == 'k' || byte == 'K') << byte << " at " << at << " of " << size;
      }
    }
  }
  EXPECT_TRUE(equal({}, {}));
}

TEST(AsciiCase, ShortWordsOfOneLengthTellTextsApart) {
  for (std::size_t size = 0; size <= 8; ++size) {
    const std::string text(size, 'k');
    for (std::size_t at = 0; at < size; ++at) {
      for (unsigned byte = 0; byte < 0x100; ++byte) {
        std::string other = text;
        other[at] = static_cast<char>(byte);
        ASSERT_EQ(short_word(text) == short_word(other), text == other) << byte << " at " << at << " of " << size;
      }
    }
  }
  EXPECT_EQ(short_word("abcdefghi"), short_word("abcdefgh"));
}

TEST(AsciiCase, KnowsTextsThatNoFoldingChanges) {
  EXPECT_TRUE(has_small_only({}));
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (unsigned byte = 0; byte < 0x100; ++byte) {
        std::string text(size, '_');
        text[at] = static_cast<char>(byte);
        ASSERT_EQ(has_small_only(text), byte < 0x80 && (byte < 'A' || byte > 'Z')) << byte << " at " << at << " of " << size;
      }
    }
  }
}

}  // namespace
}  // namespace callgate::ascii::ascii_case_test
