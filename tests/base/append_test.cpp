#include "base/append.hpp"

#include <gtest/gtest.h>

#include <string>

namespace callgate::append_test {
namespace {

TEST(Append, PutsTextsBehindOneAnother) {
  std::string out = "Host: ";
  append_all(out, "example.org", std::string_view(), std::string(":8080"), "\r\n");
  EXPECT_EQ(out, "Host: example.org:8080\r\n");
}

TEST(Append, KeepsWhatStandsThereWhereItGrows) {
  std::string out;
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    append_all(out, std::to_string(i), ",");
    expected += std::to_string(i) + ",";
  }
  EXPECT_EQ(out, expected);
  append_all(out, "", "");
  EXPECT_EQ(out, expected);
}

/// Where more room was made than was asked for, the text is no longer for it.
TEST(Append, EndsWhereThePiecesEnd) {
  for (std::size_t before = 0; before < 70; ++before) {
    std::string out(before, 'x');
    out.shrink_to_fit();
    append_all(out, "a");
    ASSERT_EQ(out, std::string(before, 'x') + "a");
  }
}

TEST(Append, KeepsBytesOfEveryKind) {
  std::string out;
  append_all(out, std::string_view("a\0b", 3), std::string_view("\xff", 1));
  EXPECT_EQ(out, std::string("a\0b\xff", 4));
}

}  // namespace
}  // namespace callgate::append_test
