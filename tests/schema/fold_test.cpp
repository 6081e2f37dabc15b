#include "schema/fold.hpp"

#include <gtest/gtest.h>

#include <random>

#include "schema/judge.hpp"

namespace callgate::schema::fold_test {
namespace {

std::string all_of(const std::vector<std::string>& branches) {
  std::string text = R"({"allOf":[)";
  for (const std::string& branch : branches) text += (text.back() == '[' ? "" : ",") + branch;
  return text + "]}";
}

/// One clause about a member, of the kinds that are made one and of some that are not.
std::string clause(std::mt19937& random) {
  const std::string bound = std::to_string(random() % 9);
  const std::array rules{R"("minimum":)" + bound,          R"("maximum":)" + bound,   R"("exclusiveMinimum":)" + bound,
                         R"("exclusiveMaximum":)" + bound, R"("minLength":)" + bound, R"("maxLength":)" + bound,
                         R"("multipleOf":2)" + std::string(), R"("type":"integer","maximum":)" + bound, R"("pattern":"^a")" + std::string(),
                         R"("minimum":1,"maximum":)" + bound};
  const std::string name(1, static_cast<char>('a' + random() % 3));
  const std::string member = R"({"properties":{")" + name + R"(":{)" + rules[random() % rules.size()] + "}}";
  return member + (random() % 8 == 0 ? R"(,"required":["b"]})" : "}");
}

std::string instance(std::mt19937& random) {
  const std::array values{std::string("1"), std::string("4"), std::string("7.5"), std::string(R"("")"), std::string(R"("abcd")"), std::string("null")};
  std::string text = "{";
  for (const char name : {'a', 'b', 'c'}) {
    if (random() % 4 == 0) continue;
    text += std::string(text.size() > 1 ? "," : "") + "\"" + name + "\":" + values[random() % values.size()];
  }
  return text + "}";
}

TEST(Fold, AcceptsWhatEveryBranchAccepts) {
  std::mt19937 random(5);
  int accepted = 0;
  for (int round = 0; round < 600; ++round) {
    std::vector<std::string> branches(1 + random() % 6);
    for (std::string& branch : branches) branch = clause(random);
    const std::string value = instance(random);
    const bool each = std::ranges::all_of(branches, [&](const std::string& branch) { return refusal(branch, value).empty(); });
    accepted += each ? 1 : 0;
    EXPECT_EQ(refusal(all_of(branches), value).empty(), each) << all_of(branches) << " and " << value;
  }
  EXPECT_GT(accepted, 100);
  EXPECT_LT(accepted, 500);
}

TEST(Fold, KeepsTheTightestBoundAndItsPlace) {
  const std::string schema = all_of({R"({"properties":{"n":{"maximum":9}}})", R"({"properties":{"n":{"maximum":5}}})", R"({"properties":{"n":{"maximum":7}}})"});
  const auto failure = judged(schema, R"({"n":6})");
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->keyword, "maximum");
  EXPECT_EQ(failure->path, "/n");
  EXPECT_EQ(failure->schema_path, "/allOf/1/properties/n/maximum");
}

TEST(Fold, LeavesAReferencedBranchAsItIs) {
  const std::string schema = R"({"properties":{"x":{"$ref":"#/allOf/0"}},"allOf":[{"properties":{"n":{"maximum":9}}},{"properties":{"n":{"maximum":5}}}]})";
  EXPECT_EQ(refusal(schema, R"({"x":{"n":8}})"), "");
  EXPECT_EQ(refusal(schema, R"({"n":8})"), "maximum");
}

TEST(Fold, WhatBranchesEvaluatedCountsAsEvaluated) {
  const std::string schema = R"({"allOf":[{"properties":{"a":true}},{"properties":{"b":{"minimum":1}}}],"unevaluatedProperties":false})";
  EXPECT_EQ(refusal(schema, R"({"a":1,"b":2})"), "");
  EXPECT_EQ(refusal(schema, R"({"a":1,"c":2})"), "unevaluatedProperties");
}

}  // namespace
}  // namespace callgate::schema::fold_test
