#include "registry/difference.hpp"

#include <gtest/gtest.h>

#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "base/sanitized.hpp"
#include "registry/world.hpp"

namespace callgate::registry::difference_test {
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

std::string repeated(std::string_view part, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += part;
  return out;
}

std::string described(const std::string& text) { return R"({"description":")" + text + R"("})"; }

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

TEST(DifferenceTest, ManyMembersAreComparedInTimeThatGrowsAsTheyDo) {
  const auto object = [](char first) {
    std::string text = R"({"inputSchema":{"properties":{)";
    for (int i = 0; i < 20000; ++i) text += (i == 0 ? "" : ",") + std::string(1, '"') + first + std::to_string(i) + R"(":{})";
    return text + "}}}";
  };
  const std::string before = object('p');
  const std::string after = object('q');
  const std::clock_t began = std::clock();
  const auto lines = lines_of(between(before, after));
  EXPECT_LT(static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC, 1.5 * slower);
  ASSERT_EQ(lines.size(), 40000U);
  EXPECT_EQ(lines.front(), "  - inputSchema.properties.p0: {}");
  EXPECT_EQ(lines.back(), "  + inputSchema.properties.q19999: {}");
}

TEST(DifferenceTest, WhatChangedAtTheEndOfALongTextIsShown) {
  const std::string padding = repeated("word ", 800);
  const auto lines = lines_of(between(described(padding + "Reads a file."), described(padding + "Reads a file and sends it away.")));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], "  - description: … (3893 bytes the same) … rd" + repeated(" word", 21) + " Reads a file.\"");
  EXPECT_TRUE(lines[1].ends_with("word Reads a file and sends it away.\"")) << lines[1];
}

TEST(DifferenceTest, EachOfSeveralChangesIsShownWithWhatStandsBesideIt) {
  const std::string padding = repeated("word ", 800);
  const auto lines = lines_of(between(described("One. " + padding + "Two. " + padding + "Three. " + padding), described("One. " + padding + "Poison. " + padding + "Four. " + padding)));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[0].find(" word Two. word "), std::string::npos) << lines[0];
  EXPECT_NE(lines[0].find(" word Three. word "), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find(" word Poison. word "), std::string::npos) << lines[1];
  EXPECT_NE(lines[1].find(" word Four. word "), std::string::npos) << lines[1];
  EXPECT_LT(lines[1].size(), 1000U);
}

TEST(DifferenceTest, AChangeIsNotBuriedUnderOthers) {
  const std::string padding = repeated("word ", 800);
  const std::string text = between(described("a" + padding + "b"), described("c" + padding + repeated("filler ", 2000) + "Poison. " + repeated("filler ", 2000) + padding + "d"));
  EXPECT_NE(text.find("Poison."), std::string::npos);
  // More than are told apart one by one.
  std::string before;
  std::string after;
  for (int i = 0; i < 1000; ++i) {
    before += std::to_string(i) + " x ";
    after += std::to_string(i + 5000) + (i == 700 ? " Poison " : " x ");
  }
  EXPECT_NE(between(described(before), described(after)).find(" Poison "), std::string::npos);
}

TEST(DifferenceTest, ATextWithoutBlanksIsCutAtCharacters) {
  const std::string padding = repeated("\u8a9e", 3000);
  const auto lines = lines_of(between(described(padding + "a" + padding), described(padding + "b" + padding)));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[1], "  + description: … (8881 bytes the same) … " + repeated("\u8a9e", 40) + "b" + repeated("\u8a9e", 40) + " … (8881 bytes the same) …");
  const auto runs = lines_of(between(described(std::string(5000, 'x') + "a" + std::string(5000, 'x')), described(std::string(5000, 'x') + "b" + std::string(5000, 'x'))));
  EXPECT_NE(runs[0].find("xax"), std::string::npos) << runs[0];
  EXPECT_NE(runs[1].find("xbx"), std::string::npos) << runs[1];
}

TEST(DifferenceTest, EveryPartOfTheNewTextThatTheOldOneLacksIsShown) {
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same texts each time
  const auto any = [&random](std::size_t bound) { return random() % bound; };
  for (int round = 0; round < 60; ++round) {
    std::string before;
    std::string after;
    std::vector<std::string> added;
    for (int i = 0; i < 1500; ++i) {
      const std::string word = "w" + std::to_string(any(20)) + " ";
      if (any(100) != 0) before += word;
      if (any(100) == 0) after += added.emplace_back("new" + std::to_string(i) + " ");
      after += word;
    }
    const std::string shown = lines_of(between(described(before), described(after))).at(1);
    for (const std::string& each : added) EXPECT_NE(shown.find(each), std::string::npos) << each;
  }
}

TEST(DifferenceTest, AVeryLongValueIsCutAndSaysHowMuchIsMissing) {
  EXPECT_NE(between("{}", described(std::string(50000, 'x') + "!")).find("x!\""), std::string::npos);
  const std::string text = between("{}", described(std::string(70000, 'x')));
  EXPECT_LT(text.size(), 66000U);
  EXPECT_NE(text.find("… (4466 bytes more)"), std::string::npos) << text.substr(text.size() - 60);
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
}  // namespace callgate::registry::difference_test
