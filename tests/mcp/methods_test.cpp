#include "mcp/methods.hpp"

#include <gtest/gtest.h>

namespace callgate::mcp::methods_test {
namespace {

constexpr Direction client = Direction::from_client;
constexpr Direction server = Direction::from_server;

struct Row {
  std::string_view method;
  Direction direction;
  std::string_view standing;  ///< one letter a revision, oldest first: K known, d if declared, - unknown
};

class MethodTable : public testing::TestWithParam<Row> {};

/// Security requirement S8: an allow-list for each revision. Protocol item 27.
TEST_P(MethodTable, HoldsTheMethodsOfEachRevision) {
  const MethodId id = method_id(GetParam().method);
  ASSERT_NE(id, MethodId::unknown);
  EXPECT_EQ(method_name(id), GetParam().method);
  std::string got;
  for (int revision = 0; revision < 5; ++revision) {
    const Standing stands = standing(id, static_cast<Revision>(revision), GetParam().direction);
    got += stands == Standing::known ? 'K' : stands == Standing::if_declared ? 'd' : '-';
  }
  EXPECT_EQ(got, GetParam().standing);
}

INSTANTIATE_TEST_SUITE_P(Methods, MethodTable, testing::Values(
    Row{"initialize", client, "KKKK-"}, Row{"initialize", server, "-----"},
    Row{"ping", client, "KKKK-"}, Row{"ping", server, "KKKK-"},
    Row{"logging/setLevel", client, "KKKK-"}, Row{"resources/subscribe", client, "KKKK-"},
    Row{"resources/unsubscribe", client, "KKKK-"},
    Row{"tools/list", client, "KKKKK"}, Row{"tools/call", client, "KKKKK"}, Row{"tools/call", server, "-----"},
    Row{"prompts/list", client, "KKKKK"}, Row{"prompts/get", client, "KKKKK"},
    Row{"resources/list", client, "KKKKK"}, Row{"resources/templates/list", client, "KKKKK"},
    Row{"resources/read", client, "KKKKK"}, Row{"completion/complete", client, "KKKKK"},
    Row{"tasks/get", client, "---Kd"}, Row{"tasks/get", server, "---K-"},
    Row{"tasks/result", client, "---K-"}, Row{"tasks/list", client, "---K-"},
    Row{"tasks/update", client, "----d"}, Row{"tasks/cancel", client, "---Kd"},
    Row{"server/discover", client, "----K"}, Row{"subscriptions/listen", client, "----K"},
    Row{"sampling/createMessage", server, "KKKK-"}, Row{"sampling/createMessage", client, "-----"},
    Row{"roots/list", server, "KKKK-"}, Row{"elicitation/create", server, "--KK-"},
    Row{"notifications/initialized", client, "KKKK-"}, Row{"notifications/roots/list_changed", client, "KKKK-"},
    Row{"notifications/cancelled", client, "KKKKK"}, Row{"notifications/cancelled", server, "KKKKK"},
    Row{"notifications/progress", client, "KKKK-"}, Row{"notifications/progress", server, "KKKKK"},
    Row{"notifications/message", server, "KKKKK"}, Row{"notifications/tools/list_changed", server, "KKKKK"},
    Row{"notifications/prompts/list_changed", server, "KKKKK"},
    Row{"notifications/resources/list_changed", server, "KKKKK"},
    Row{"notifications/resources/updated", server, "KKKKK"},
    Row{"notifications/elicitation/complete", server, "---K-"},
    Row{"notifications/tasks/status", client, "---K-"}, Row{"notifications/tasks/status", server, "---K-"},
    Row{"notifications/subscriptions/acknowledged", server, "----K"},
    Row{"notifications/tasks", server, "----d"}));

TEST(Methods, AreFoundByExactBytesOnly) {
  for (const std::string_view name : {"", "Tools/call", "tools/call ", " tools/call", "tools/cal", "tools/callx",
                                      "tools//call", "tools/cаll" /* Cyrillic a */, "unknown"}) {
    EXPECT_EQ(method_id(name), MethodId::unknown) << name;
  }
  EXPECT_EQ(method_id(std::string(5000, 'x')), MethodId::unknown);
}

TEST(Methods, UnknownStandsNowhere) {
  for (int revision = 0; revision < 5; ++revision) {
    EXPECT_EQ(standing(MethodId::unknown, static_cast<Revision>(revision), client), Standing::unknown);
    EXPECT_EQ(standing(MethodId::unknown, static_cast<Revision>(revision), server), Standing::unknown);
  }
}

TEST(Methods, TellNotificationsFromRequests) {
  EXPECT_TRUE(is_notification(MethodId::notifications_initialized));
  EXPECT_TRUE(is_notification(MethodId::notifications_tasks));
  EXPECT_FALSE(is_notification(MethodId::elicitation_create));
  EXPECT_FALSE(is_notification(MethodId::unknown));
}

TEST(Revision, IsReadByItsExactName) {
  EXPECT_EQ(parse_revision("2025-06-18"), Revision::r2025_06_18);
  EXPECT_EQ(parse_revision("2024-10-07"), std::nullopt);
  EXPECT_EQ(parse_revision("2025-06-18 "), std::nullopt);
  EXPECT_EQ(parse_revision(""), std::nullopt);
  EXPECT_EQ(word(Revision::r2026_07_28), "2026-07-28");
  EXPECT_EQ(era_of(Revision::r2025_11_25), Era::legacy);
  EXPECT_EQ(era_of(Revision::r2026_07_28), Era::modern);
}

}  // namespace
}  // namespace callgate::mcp::methods_test
