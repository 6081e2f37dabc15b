#include "audit/shaper.hpp"

#include <gtest/gtest.h>

#include "audit/world.hpp"

namespace callgate::audit::shaper_test {
namespace {

constexpr std::string_view pay = R"({"name":"pay","inputSchema":{"type":"object","$defs":{"Where":{"type":"object","properties":{"iban":{"type":"string"},"city":{"type":"string"}}}},
  "properties":{"amount":{"type":"number"},"note":{"type":"string"},"kind":{"enum":["gift","loan"]},"api_key":{"type":"string"},"max_tokens":{"type":"integer"},
    "where":{"$ref":"#/$defs/Where"},"filter":{"anyOf":[{"type":"null"},{"type":"object","properties":{"limit":{"type":"integer"},"mode":{"anyOf":[{"const":"a"},{"const":"b"}]}}}]},
    "a/b~c":{"type":"integer"},"free":{"type":"object"}}}})";

/// The shapes of arguments in one call of `pay`.
struct Shapes : testing::Test {
  std::string of(const std::string& arguments, std::string_view definition = pay) {
    EXPECT_TRUE(json::parse(arguments, {}, document).has_value()) << arguments;
    return std::string(shaper.shapes_of(definition.substr(0, 40), definition, document.root()));
  }
  json::Document document;
  Shaper shaper;
};

TEST_F(Shapes, StandUnderThePointerOfTheArgument) {
  EXPECT_EQ(of(R"({"amount":19.99,"note":"thanks a lot","a/b~c":3})"), R"({"/amount":"number<=20","/note":"line<=16","/a~1b~0c":"integer<=10"})");
  EXPECT_EQ(of("{}"), "{}");
  EXPECT_EQ(shaper.shapes_of("x", pay, std::nullopt), "{}");
}

TEST_F(Shapes, GoOneLevelIntoObjects) {
  EXPECT_EQ(of(R"({"where":{"city":"Ulm"},"filter":{"limit":5}})"), R"({"/where/city":"identifier<=8","/where":"object","/filter/limit":"integer<=10","/filter":"object"})");
  EXPECT_EQ(of(R"({"filter":null})"), R"({"/filter":"null"})");
}

/// A caller may put anything into a name that no definition knows.
TEST_F(Shapes, ANameThatTheDefinitionDoesNotKnowIsNotTold) {
  EXPECT_EQ(of(R"({"amount":1,"alice":2})"), R"({"/amount":"integer<=10","":"object+"})");
  EXPECT_EQ(of(R"({"free":{"patient-4711":1},"filter":{"limit":1,"bob":2}})"), R"({"/free":"object+","/filter/limit":"integer<=10","/filter":"object+"})");
  EXPECT_EQ(shaper.shapes_of({}, {}, document.root()), R"({"":"object+"})") << "a tool that nobody knows";
}

TEST_F(Shapes, OfASecretOnlyTheTypeIsTold) {
  EXPECT_EQ(of(R"({"api_key":"sk-123","max_tokens":400})"), R"({"/api_key":"string","/max_tokens":"integer<=500"})");
  EXPECT_EQ(of(R"({"max_tokens":"sk-123"})"), R"({"/max_tokens":"string"})") << "a text is no count";
  EXPECT_EQ(of(R"({"where":{"iban":"DE02"}})"), R"({"/where/iban":"string","/where":"object"})");
}

/// Its length would say which of the words it is.
TEST_F(Shapes, OfAValueFromAClosedListOnlyTheTypeIsTold) {
  EXPECT_EQ(of(R"({"kind":"gift","filter":{"mode":"a"}})"), R"({"/kind":"string","/filter/mode":"string","/filter":"object"})");
}

TEST_F(Shapes, NamesAreReadOverTheirEscapes) { EXPECT_EQ(of(R"({"\u0061mount":1})"), R"({"/amount":"integer<=10"})"); }

TEST_F(Shapes, AreBoundedInNumberAndBytesAndSayWhenSomeAreMissing) {
  for (const std::string& name : {std::string("a"), std::string(60, 'b')}) {
    std::string properties;
    std::string arguments;
    for (int i = 0; i < 100; ++i) {
      properties += (i == 0 ? "\"" : ",\"") + name + std::to_string(i) + "\":{}";
      arguments += (i == 0 ? "\"" : ",\"") + name + std::to_string(i) + "\":{\"in\":1}";
    }
    const std::string definition = "{\"name\":\"" + name + "\",\"inputSchema\":{\"properties\":{" + properties + "}}}";
    const std::string shapes = of("{" + arguments + "}", definition);
    EXPECT_LE(shapes.size(), Shaper::max_bytes);
    EXPECT_TRUE(shapes.ends_with(R"(,"":"object+"})")) << shapes;
    ASSERT_TRUE(json::parse(shapes, {}, document).has_value());
    EXPECT_LE(document.root().size(), Shaper::max_entries);
    EXPECT_GE(document.root().size(), 10U);
  }
}

TEST_F(Shapes, ADefinitionThatTurnsInCirclesHasAnEnd) {
  std::string circles;
  for (int i = 0; i < 5000; ++i) circles += R"({"$ref":"#"},)";
  const std::string definition = R"({"name":"odd","inputSchema":{"properties":{"n":{"$ref":"#"}},"anyOf":[)" + circles + R"({"$ref":"#/nowhere/at/all"}]}})";
  EXPECT_EQ(of(R"({"n":{"n":1}})", definition), R"({"/n":"object+"})") << "looking ended before it came there";
  EXPECT_EQ(of(R"({"n":{"n":1}})", R"({"name":"less odd","inputSchema":{"properties":{"n":{"$ref":"#"}}}})"), R"({"/n/n":"integer<=10","/n":"object"})");
}

TEST_F(Shapes, StandInTheRecordAsTheyAreAndOnlyWhereTheyAreWanted) {
  test::World world;
  CallRecord call = world.call();
  const std::string shapes = of(R"({"amount":7})");
  call.arg_shapes = shapes;
  (void)world.journal->record(call);
  call.arg_shapes = {};
  (void)world.journal->record(call);
  ASSERT_TRUE(world.journal->flush().has_value());
  const std::string lines(world.disk.segments().front().bytes);
  EXPECT_NE(lines.find(R"(],"arg_shapes":{"/amount":"integer<=10"},"risk")"), std::string::npos) << lines;
  EXPECT_EQ(lines.find("arg_shapes"), lines.rfind("arg_shapes"));
}

struct Named {
  std::string name;
  KeptBack keeps;
};
void PrintTo(const Named& each, std::ostream* out) { *out << each.name; }

struct Secret : testing::TestWithParam<Named> {};
TEST_P(Secret, IsKnownByTheName) { EXPECT_EQ(SecretNames::built_in().of(GetParam().name), GetParam().keeps); }

INSTANTIATE_TEST_SUITE_P(SecretNames, Secret, testing::Values(
    Named{"password", KeptBack::all}, Named{"dbPassword", KeptBack::all}, Named{"PASSWORD_HASH", KeptBack::all}, Named{"passwd", KeptBack::all}, Named{"passphrase", KeptBack::all},
    Named{"passcode", KeptBack::all}, Named{"client_secret", KeptBack::all}, Named{"clientsecret", KeptBack::all}, Named{"aws-credentials", KeptBack::all}, Named{"apikey", KeptBack::all},
    Named{"API key", KeptBack::all}, Named{"apiKey", KeptBack::all}, Named{"private_key", KeptBack::all}, Named{"accessKeyId", KeptBack::all}, Named{"secretKey", KeptBack::all},
    Named{"signing_key", KeptBack::all}, Named{"kubeconfig", KeptBack::all}, Named{"connection_string", KeptBack::all}, Named{"Authorization", KeptBack::all}, Named{"cookies", KeptBack::all},
    Named{"pin", KeptBack::all}, Named{"cardPin", KeptBack::all}, Named{"OTP", KeptBack::all}, Named{"totp_code", KeptBack::all}, Named{"pat", KeptBack::all}, Named{"jwt", KeptBack::all},
    Named{"mfa-code", KeptBack::all}, Named{"bearer", KeptBack::all}, Named{"session", KeptBack::all}, Named{"sid", KeptBack::all}, Named{"signature", KeptBack::all}, Named{"dsn", KeptBack::all},
    Named{"cvv", KeptBack::all}, Named{"cvc", KeptBack::all}, Named{"ssn", KeptBack::all}, Named{"iban", KeptBack::all}, Named{"card", KeptBack::all}, Named{"login", KeptBack::all},
    Named{"pass", KeptBack::all}, Named{"pwd", KeptBack::all}, Named{std::string(129, 'x'), KeptBack::all},
    Named{"token", KeptBack::text}, Named{"max_tokens", KeptBack::text}, Named{"key", KeptBack::text}, Named{"keys", KeptBack::text}, Named{"oauth", KeptBack::text},
    Named{"certificate", KeptBack::text}, Named{"seed", KeptBack::text},
    Named{"amount", KeptBack::nothing}, Named{"path", KeptBack::nothing}, Named{"pattern", KeptBack::nothing}, Named{"spin", KeptBack::nothing}, Named{"pinned", KeptBack::nothing},
    Named{"passenger", KeptBack::nothing}, Named{"side", KeptBack::nothing}, Named{"", KeptBack::nothing}));

}  // namespace
}  // namespace callgate::audit::shaper_test
