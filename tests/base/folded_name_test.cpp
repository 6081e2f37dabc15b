#include "base/folded_name.hpp"

#include <gtest/gtest.h>

namespace callgate::folded_name_test {
namespace {

struct Folded {
  const char* name;
  const char* text;
};

class FoldedName : public testing::TestWithParam<Folded> {};

INSTANTIATE_TEST_SUITE_P(Names, FoldedName,
                         testing::Values(Folded{"itself", "delete_user"}, Folded{"capitals", "Delete_USER"},
                                         Folded{"blanks", " delete_user\t"}, Folded{"dash", "delete-user"},
                                         Folded{"full_width", "\uff44elete_user"}, Folded{"mathematical", "\U0001D41Delete_user"},
                                         Folded{"cyrillic", "d\u0435l\u0435t\u0435_us\u0435r"}, Folded{"greek", "delete_\u03c5ser"},
                                         Folded{"accent", "d\u00e9lete_user"}, Folded{"combining", "de\u0301lete_user"},
                                         Folded{"joiner", "delete\u200d_user"}, Folded{"long_s", "delete_u\u017fer"},
                                         Folded{"circled", "\u24d3elete_user"}, Folded{"tag", "delete_user\U000E0041"}),
                         [](const auto& row) { return row.param.name; });

TEST_P(FoldedName, LooksLikeTheOriginal) { EXPECT_EQ(folded_name(GetParam().text), "delete_user"); }

TEST(FoldedNameTest, BrokenBytesAndOtherLettersStayApart) {
  EXPECT_EQ(folded_name("\xff\xc3"), "\xff\xc3");
  EXPECT_NE(folded_name("\u0436"), folded_name("\u0437"));
}

TEST(LookAlikeKey, IsOneForNamesThatAreTakenForOneAnother) {
  for (const char* name : {"send_m\u043eney", "Send_Money", "send-money", "sendMoney", "send_m0ney", "send.money"}) EXPECT_EQ(look_alike_key(name), look_alike_key("send_money")) << name;
  for (const char* name : {"read_fi1e", "read_f1le", "readFile", "read_fiIe"}) EXPECT_EQ(look_alike_key(name), look_alike_key("read_file")) << name;
}

TEST(LookAlikeKey, KeepsOtherNamesApart) {
  for (const char* name : {"send_monkey", "send_money2", "sent_money", "send"}) EXPECT_NE(look_alike_key(name), look_alike_key("send_money")) << name;
}

}  // namespace
}  // namespace callgate::folded_name_test
