#include "registry/difference.hpp"

#include <gtest/gtest.h>

#include "registry/world.hpp"

namespace callgate::registry {
namespace {

std::string between(const std::string& before, const std::string& after) {
  return difference(document(before)->root(), document(after)->root());
}

TEST(DifferenceTest, EqualDefinitionsDifferInNothing) {
  EXPECT_EQ(between(R"({"a":1,"b":{"c":[1]}})", R"({"b":{"c":[1.0]},"a":1})"), "");
  EXPECT_EQ(between(R"({"_meta":1})", R"({"_meta":2})"), "");
}

TEST(DifferenceTest, EachChangeIsNamedByItsPath) {
  EXPECT_EQ(between(R"({"description":"old","inputSchema":{"properties":{"a":{"type":"string"},"b":{}}}})",
                    R"({"description":"new","inputSchema":{"properties":{"a":{"type":"number"},"c":{"x":1}}}})"),
            "  - description: \"old\"\n"
            "  + description: \"new\"\n"
            "  - inputSchema.properties.a.type: \"string\"\n"
            "  + inputSchema.properties.a.type: \"number\"\n"
            "  - inputSchema.properties.b: {}\n"
            "  + inputSchema.properties.c: {\"x\":1}\n");
}

TEST(DifferenceTest, InvisibleCharactersAreShown) {
  EXPECT_EQ(between(R"({"a":"x"})", "{\"a\":\"x\u202e\u200by\"}"), "  - a: \"x\"\n  + a: \"x\\u202e\\u200by\"\n");
  EXPECT_EQ(between("{}", "{\"\u200b\":1}"), "  + \\u200b: 1\n");
}

TEST(DifferenceTest, ALongTextIsCutAndSaysHowMuchIsMissing) {
  const std::string text = between("{}", R"({"a":")" + std::string(5000, 'x') + R"("})");
  EXPECT_LT(text.size(), 4100U);
  EXPECT_NE(text.find("… (1002 bytes more)"), std::string::npos) << text.substr(text.size() - 60);
}

TEST(DescriptionTest, ANewToolIsShownWhole) {
  const auto read = document(R"({"name":"a","description":"does it","_meta":{}})");
  EXPECT_EQ(description(read->root()), "  + name: \"a\"\n  + description: \"does it\"\n");
}

TEST(VisibleTest, TerminalControlsLoseTheirPower) {
  EXPECT_EQ(visible("a\x1b[31m\x7f\u009b"), "a\\u001b[31m\\u007f\\u009b");
  EXPECT_EQ(visible("\xff\xe2\x82"), "\\u00ff\\u00e2\\u0082");
  EXPECT_EQ(visible("gr\u00fc\u00df \U0001F600"), "gr\u00fc\u00df \U0001F600");
}

}  // namespace
}  // namespace callgate::registry
