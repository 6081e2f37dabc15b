#include "base/json_scan.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace callgate::json::json_scan_test {
namespace {

bool stops(unsigned char byte) { return byte == '"' || byte == '\\' || byte < 0x20; }

TEST(FindStringStop, FindsEachByteThatStopsAtEveryPlaceOfEverySize) {
  for (const std::size_t size : std::to_array<std::size_t>({0, 1, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 95, 96, 111, 112, 113, 127, 128, 129, 200, 321})) {
    std::string text(size, 'x');
    ASSERT_EQ(find_string_stop(text.data(), text.data() + size), text.data() + size);
    for (std::size_t at = 0; at < size; ++at) {
      for (unsigned byte = 0; byte < 0x100; ++byte) {
        text[at] = static_cast<char>(byte);
        const char* found = find_string_stop(text.data(), text.data() + size);
        ASSERT_EQ(found - text.data(), static_cast<std::ptrdiff_t>(stops(static_cast<unsigned char>(byte)) ? at : size))
            << "byte " << byte << " at " << at << " of " << size;
      }
      text[at] = 'x';
    }
  }
}

TEST(FindStringStop, FindsTheFirstOfSeveral) {
  for (std::size_t first = 0; first < 200; ++first) {
    std::string text(300, 'x');
    for (std::size_t at = first; at < text.size(); at += 7) text[at] = '"';
    EXPECT_EQ(find_string_stop(text.data(), text.data() + text.size()) - text.data(), static_cast<std::ptrdiff_t>(first));
  }
}

}  // namespace
}  // namespace callgate::json::json_scan_test
