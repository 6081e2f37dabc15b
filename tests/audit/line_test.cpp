#include "audit/line.hpp"

#include <gtest/gtest.h>

#include "base/json.hpp"

namespace callgate::audit {
namespace {

TEST(AppendText, WritesEveryByteInEveryPlaceLikeTheGeneralWriter) {
  for (std::size_t size = 1; size <= 17; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (unsigned byte = 0; byte < 0x80; ++byte) {
        std::string text(size, 'x');
        text[at] = static_cast<char>(byte);
        std::string fast;
        append_text(fast, text);
        std::string general;
        json::append_quoted(general, text);
        ASSERT_EQ(fast, general) << "byte " << byte << " at " << at << " of " << size;
      }
    }
  }
}

TEST(AppendText, TakesATextWithoutAnAddress) {
  std::string out;
  append_text(out, {});
  EXPECT_EQ(out, "\"\"");
}

}  // namespace
}  // namespace callgate::audit
