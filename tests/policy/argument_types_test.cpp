#include "policy/argument_types.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace callgate::policy::argument_types_test {
namespace {

cel::Type type_of(const std::string& schema) {
  const auto document = json::OwnedDocument::parse(schema);
  EXPECT_TRUE(document) << schema.substr(0, 200);
  return document ? type_of_schema((*document)->root()) : cel::Type{};
}

/// The texts and names within a type.
struct Held {
  std::size_t count = 0;
  std::size_t bytes = 0;

  explicit Held(const cel::Type& type) { add(type); }

 private:
  void add(const std::string& text) {
    ++count;
    bytes += text.size();
  }
  void add(const cel::Type& type) {
    for (const std::string& word : type.words) add(word);
    for (const cel::Field& field : type.fields) {
      add(field.name);
      add(field.type);
    }
    if (type.element != nullptr) add(*type.element);
  }
};

/// An object of many members that all refer to one schema.
std::string referring(int members, std::string_view to) {
  std::string properties;
  for (int i = 0; i < members; ++i) properties += fmt::format(R"({}"p{}":{{"$ref":"#/$defs/a"}})", i == 0 ? "" : ",", i);
  return fmt::format(R"({{"type":"object","properties":{{{}}},"$defs":{{"a":{}}}}})", properties, to);
}

TEST(ArgumentTypes, KnowTheTextsOfAListThatIsReferredTo) {
  const cel::Type type = type_of(referring(2, R"({"enum":["x","y"]})"));
  ASSERT_NE(type.find("p1"), nullptr);
  EXPECT_THAT(type.find("p1")->type.words, testing::ElementsAre("x", "y"));
}

TEST(ArgumentTypes, HoldABoundedNumberOfTextsHoweverOftenAListIsReferredTo) {
  std::string values;
  for (int i = 0; i < 2'000; ++i) values += fmt::format(R"({}"v{}")", i == 0 ? "" : ",", i);
  EXPECT_LT(Held(type_of(referring(300, R"({"enum":[)" + values + "]}"))).count, 30'000U);
}

TEST(ArgumentTypes, HoldABoundedLengthOfTextsHoweverOftenALongOneIsReferredTo) {
  const std::string text(10'000, 'x');
  for (const std::string& each : {R"({"const":")" + text + "\"}", R"({"enum":[")" + text + "\"]}", R"({"type":"object","properties":{")" + text + R"(":{"type":"string"}}})"}) {
    EXPECT_LT(Held(type_of(referring(1'000, each))).bytes, 2'000'000U) << each.substr(0, 20);
  }
}

TEST(ArgumentTypes, OfAListThatIsNotHeldRefuseNoText) {
  std::string values;
  for (int i = 0; i < 20'001; ++i) values += fmt::format(R"({}"v{}")", i == 0 ? "" : ",", i);
  const cel::Type type = type_of(R"({"type":"object","properties":{"a":{"enum":[)" + values + "]}}}");
  ASSERT_NE(type.find("a"), nullptr);
  EXPECT_THAT(type.find("a")->type.words, testing::IsEmpty());
  EXPECT_EQ(type.find("a")->type.kinds, cel::bit(cel::Kind::text));
}

}  // namespace
}  // namespace callgate::policy::argument_types_test
