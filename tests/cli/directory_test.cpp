#include "cli/directory.hpp"

#include "gateway/world.hpp"
#include "store/database.hpp"

namespace callgate::cli::directory_test {
namespace {

/// What is offered of one tool in each era; no text: nothing.
struct Offered {
  std::string legacy;
  std::string modern;
};

class DirectoryPins : public gateway::World {
 protected:
  void offer(const Offered& offered) {
    start("callgate: 1\ndefault: allow\n");
    directory.emplace(*parts, *gates, "callgate.yaml");
    for (const auto& [era, print] : {std::pair{"legacy", offered.legacy}, std::pair{"modern", offered.modern}}) {
      const store::ListKey key = key_of(era);
      ASSERT_TRUE(store->pins().accept(key, std::vector{definition("read", "old")}));
      std::vector<store::Definition> all{definition("other", "new")};
      if (!print.empty()) all.push_back(definition("read", print));
      ASSERT_TRUE(store->pins().offer(key, all));
    }
  }
  static store::Definition definition(std::string tool, std::string print) { return {.tool = std::move(tool), .fingerprint = std::move(print), .text = "{}", .time_ms = 1}; }
  store::ListKey key_of(std::string era) const { return {.server = "fake", .address = gates->find("fake")->server().address(), .era = std::move(era)}; }
  /// `read`'s pins of both eras: `new, old`.
  std::string pinned() const {
    std::string text;
    for (const char* const era : {"legacy", "modern"}) {
      const auto list = store->pins().find(key_of(era)).value().value();
      for (const store::Definition& each : list.pinned) text += (text.empty() ? "" : ", ") + (each.tool == "read" ? each.fingerprint : each.tool);
    }
    return text;
  }

  std::optional<Directory> directory;
};

/// A server may say something else in each era, and a person looks at one of them.
TEST_F(DirectoryPins, AreTakenInTheEraThatOffersTheDefinitionThatWasLookedAt) {
  for (const auto& [looked_at, expected] : {std::pair{"a", "a, old"}, std::pair{"b", "old, b"}}) {
    store = std::move(*store::open_in_memory());
    offer({.legacy = "a", .modern = "b"});
    const auto accepted = directory->pin("fake", {.tool = "read", .fingerprint = looked_at});
    ASSERT_TRUE(accepted) << accepted.error().message;
    EXPECT_EQ(*accepted, std::vector<std::string>{"read"});
    EXPECT_EQ(pinned(), expected);
    server.reset();
    gates.reset();
  }
  EXPECT_TRUE(log.has("pins_accepted"));
}

TEST_F(DirectoryPins, AreTakenInBothErasWhereBothOfferIt) {
  offer({.legacy = "a", .modern = "a"});
  ASSERT_TRUE(directory->pin("fake", {.tool = "read", .fingerprint = "a"}));
  EXPECT_EQ(pinned(), "a, a");
}

TEST_F(DirectoryPins, StayWhereNoEraOffersTheDefinitionThatWasLookedAt) {
  offer({.legacy = "a", .modern = "b"});
  const auto refused = directory->pin("fake", {.tool = "read", .fingerprint = "c"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_EQ(pinned(), "old, old");
  EXPECT_FALSE(log.has("pins_accepted"));
}

TEST_F(DirectoryPins, AreNotFoundWhereNothingIsOfferedOfTheTool) {
  offer({});
  const auto refused = directory->pin("fake", {.tool = "read", .fingerprint = "c"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::not_found);
}

TEST_F(DirectoryPins, AreAllTakenWhereNoToolIsNamed) {
  offer({.legacy = "a", .modern = "b"});
  EXPECT_EQ(directory->pin("fake", {}).value(), (std::vector<std::string>{"other", "read"}));
  EXPECT_EQ(pinned(), "other, a, other, b");
}

/// Protocol item 49: what a person accepts here is news to clients as what one accepts in another process.
TEST_F(DirectoryPins, AreToldToWhoeverListens) {
  start("callgate: 1\ndefault: allow\n");
  directory.emplace(*parts, *gates, "callgate.yaml");
  open_session();
  Answer stream;
  bool over = false;
  group.spawn(talk("GET", "Accept: text/event-stream\r\nMcp-Session-Id: " + session_id + "\r\n", "", stream, over));
  turn_until([&] { return !stream.headers.empty(); });
  gateway::ToolBook& tools = gates->all().front()->tools();
  turn_until([&] { return tools.is_current(mcp::Era::legacy); });
  upstream.tools += R"(,{"name":"fresh","inputSchema":{"type":"object"}})";
  tools.want_again(mcp::Era::legacy);
  turn_until([&] { return tools.is_current(mcp::Era::legacy); });
  ASSERT_EQ(tools.known(mcp::Era::legacy).table->find("fresh"), nullptr);
  EXPECT_FALSE(stream.body.contains("list_changed")) << stream.body;
  EXPECT_EQ(directory->pin("fake", {}).value(), std::vector<std::string>{"fresh"});
  turn_until([&] { return stream.body.contains("notifications/tools/list_changed"); });
  EXPECT_TRUE(stream.body.contains("notifications/tools/list_changed")) << stream.body;
  EXPECT_NE(tools.known(mcp::Era::legacy).table->find("fresh"), nullptr);
}

/// What one era got stands, so it is told, though the store took no more.
TEST_F(DirectoryPins, ThatOneEraGotAreLoggedWhereTheStoreFailsAtTheOther) {
  store = std::move(*store::open(folder / "data"));
  offer({.legacy = "a", .modern = "a"});
  const auto raw = store::Database::open(folder / "data" / "callgate.db", std::chrono::milliseconds(100));
  ASSERT_TRUE((*raw)->execute("CREATE TRIGGER t BEFORE INSERT ON definitions WHEN NEW.list = (SELECT id FROM pinned_lists WHERE era = 'modern') "
                              "BEGIN SELECT RAISE(ABORT, 'no'); END"));
  EXPECT_FALSE(directory->pin("fake", {.tool = "read", .fingerprint = "a"}));
  EXPECT_EQ(pinned(), "a, old");
  EXPECT_TRUE(log.has("pins_accepted"));
}

}  // namespace
}  // namespace callgate::cli::directory_test
