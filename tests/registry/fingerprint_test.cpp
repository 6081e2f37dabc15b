#include "registry/fingerprint.hpp"

#include <gtest/gtest.h>

#include "registry/names.hpp"
#include "registry/world.hpp"

namespace callgate::registry::fingerprint_test {
namespace {

std::string print_of(const std::string& text) { return fingerprint(document(text)->root()); }

/// Security requirement S10: SHA-256 of one canonical form.
TEST(FingerprintTest, ItIsTheDigestOfTheCanonicalForm) {
  EXPECT_EQ(print_of("{}"), "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
}

struct Pair {
  const char* name;
  const char* one;
  const char* other;
  bool same;
};

class SameDefinition : public testing::TestWithParam<Pair> {};

INSTANTIATE_TEST_SUITE_P(
    Fingerprint, SameDefinition,
    testing::Values(Pair{"blanks", R"({"a":1,"b":[1,2]})", "{ \"a\" : 1,\n \"b\":[ 1 ,2]}", true},
                    Pair{"order", R"({"a":1,"b":2})", R"({"b":2,"a":1})", true},
                    Pair{"order_below", R"({"x":{"a":1,"b":2}})", R"({"x":{"b":2,"a":1}})", true},
                    Pair{"escapes", R"({"name":"a/b"})", R"({"n\u0061me":"a\/b"})", true},
                    Pair{"numbers", R"({"a":10})", R"({"a":1.0e1})", true},
                    Pair{"meta", R"({"a":1})", R"({"a":1,"_meta":{"b":2}})", true},
                    Pair{"escaped_meta", R"({"a":1})", R"({"a":1,"\u005fmeta":{"b":2}})", true},
                    Pair{"meta_below_counts", R"({"x":{}})", R"({"x":{"_meta":1}})", false},
                    Pair{"order_of_elements", R"({"a":[1,2]})", R"({"a":[2,1]})", false},
                    Pair{"text_of_a_number", R"({"a":1})", R"({"a":"1"})", false},
                    Pair{"null_and_absent", R"({"a":null})", "{}", false},
                    Pair{"close_big_numbers", R"({"a":9007199254740993})", R"({"a":9007199254740992})", false},
                    Pair{"invisible_character", R"({"a":"x"})", "{\"a\":\"x\u200b\"}", false}),
    [](const auto& row) { return row.param.name; });

TEST_P(SameDefinition, HasTheSameFingerprint) {
  EXPECT_EQ(print_of(GetParam().one) == print_of(GetParam().other), GetParam().same);
}

TEST(ShapeTest, ItLeavesOutWhatNamesTheTool) {
  const auto one = document(R"({"name":"a","title":"A","description":"x"})");
  const auto twin = document(R"({"name":"b","title":"B","description":"x"})");
  const auto other = document(R"({"name":"a","title":"A","description":"y"})");
  EXPECT_EQ(shape(one->root()), shape(twin->root()));
  EXPECT_NE(shape(one->root()), shape(other->root()));
}

TEST(FingerprintAcrossErasTest, OnlyAPlainWordOnTasksIsLeftOut) {
  const auto print = [](const std::string& text) { return fingerprint_across_eras(document(text)->root()); };
  const std::string plain = print(R"({"name":"a"})");
  for (const std::string word : {"forbidden", "optional", "required"}) EXPECT_EQ(print(R"({"name":"a","execution":{"taskSupport":")" + word + R"("}})"), plain) << word;
  for (const std::string other : {R"({})", R"({"taskSupport":"Optional"})", R"({"taskSupport":"optional","x":1})", R"({"taskSupport":["optional"]})", R"("optional")", "null"})
    EXPECT_NE(print(R"({"name":"a","execution":)" + other + "}"), plain) << other;
}

TEST(ToolNameTest, OnlyPlainNamesAreNames) {
  for (const std::string_view good : {"a", "get_all", "A.b-C9", "_"}) EXPECT_TRUE(is_tool_name(good)) << good;
  for (const std::string_view bad : {"", "a b", "a/b", "a\n", "\u00e9", "a:b", "$x"}) EXPECT_FALSE(is_tool_name(bad)) << bad;
  EXPECT_TRUE(is_tool_name(std::string(128, 'a')));
  EXPECT_FALSE(is_tool_name(std::string(129, 'a')));
}

}  // namespace
}  // namespace callgate::registry::fingerprint_test
