#include "audit/line_buffer.hpp"

#include <gtest/gtest.h>

#include "audit/line.hpp"
#include "base/json.hpp"

namespace callgate::audit::line_buffer_test {
namespace {

TEST(LineBuffer, WritesEveryByteInEveryPlaceLikeTheGeneralWriter) {
  for (std::size_t size = 1; size <= 35; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (unsigned byte = 0; byte < 0x80; ++byte) {
        std::string text(size, 'x');
        text[at] = static_cast<char>(byte);
        LineBuffer fast(16);
        fast.text(text);
        std::string general;
        json::append_quoted(general, text);
        ASSERT_EQ(fast.view(), general) << "byte " << byte << " at " << at << " of " << size;
        fast.clear();
        fast.member(",\"key\":", text);
        fast.raw('}');
        ASSERT_EQ(fast.view(), ",\"key\":" + general + "}") << "byte " << byte << " at " << at << " of " << size;
      }
    }
  }
}

TEST(LineBuffer, TakesATextWithoutAnAddress) {
  LineBuffer out(0);
  out.text({});
  out.raw(std::string_view{});
  EXPECT_EQ(out.view(), "\"\"");
}

TEST(LineBuffer, CutsALongTextAtACharacter) {
  std::string text(max_text - 1, 'a');
  text += "é and more";
  LineBuffer out(8);
  out.text(text);
  EXPECT_EQ(out.view(), "\"" + std::string(max_text - 1, 'a') + "…\"");
  out.clear();
  out.member("\"key\":", text);
  EXPECT_EQ(out.view(), "\"key\":\"" + std::string(max_text - 1, 'a') + "…\"");
}

TEST(LineBuffer, GrowsAndKeepsWhatItHolds) {
  LineBuffer out(1);
  std::string expected;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    out.number(i);
    out.raw(", ");
    expected += std::to_string(i) + ", ";
  }
  out.drop_last();
  EXPECT_EQ(out.view(), expected.substr(0, expected.size() - 1));
  out.clear();
  EXPECT_TRUE(out.empty());
}

}  // namespace
}  // namespace callgate::audit::line_buffer_test
