#include "policy/named_keys.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace callgate::policy::named_keys_test {
namespace {

struct Row {
  const char* arguments;
  const char* clash;  ///< null: none
};

class Clashes : public testing::TestWithParam<Row> {};

/// Security requirement S2: in arguments, twins of a key that a rule names.
TEST_P(Clashes, AreFoundAtAnyDepth) {
  const NamedKeys keys({"name", "Size", "kind"}, false);
  const auto document = json::OwnedDocument::parse(GetParam().arguments);
  ASSERT_TRUE(document) << document.error().message;
  EXPECT_EQ(keys.clash((*document)->root()).value_or("none"), GetParam().clash == nullptr ? "none" : GetParam().clash);
}

INSTANTIATE_TEST_SUITE_P(Policy, Clashes, testing::ValuesIn(std::vector<Row>{
    {R"({})", nullptr},
    {R"({"name":1})", nullptr},
    {R"({"Name":1})", nullptr},
    {R"({"name":1,"Name":2})", "/Name"},
    {R"({"NAME":1,"x":0,"nAme":2})", "/nAme"},
    {R"({"name":1,"\u004eame":2})", "/Name"},
    {R"({"size":1,"ſize":2})", "/ſize"},
    {R"({"kind":1,"Kind":2})", "/Kind"},
    {R"({"other":1,"Other":2})", nullptr},
    {R"({"name":1,"names":2,"nam":3})", nullptr},
    {R"({"a":{"b":[0,{"name":1,"NAME":2}]}})", "/a/b/1/NAME"},
    {R"({"a/b~":{"size":1,"SIZE":2}})", "/a~1b~0/SIZE"},
    {R"({"a":{"name":1},"b":{"Name":1}})", nullptr}}));

TEST(NamedKeys, EveryNameCountsWhereTheRuleSpeaksOfNamesByPattern) {
  const auto document = json::OwnedDocument::parse(R"({"Other":1,"b":2,"other":3})");
  EXPECT_EQ(NamedKeys({}, true).clash((*document)->root()), "/other");
  EXPECT_FALSE(NamedKeys({}, false).clash((*document)->root()));
}

TEST(NamedKeys, FoldOnlyWhatLenientReadersFold) {
  EXPECT_EQ(folded("ABCxyz_Ä"), "abcxyz_Ä");
  EXPECT_EQ(folded("paramſ"), "params");
  EXPECT_EQ(folded("toKen"), "token");
  EXPECT_EQ(folded("\xc5"), "\xc5");
}

}  // namespace
}  // namespace callgate::policy::named_keys_test
