#include "registry/pins.hpp"

#include <gtest/gtest.h>

#include <ctime>

#include "base/sanitized.hpp"
#include "registry/fingerprint.hpp"
#include "registry/world.hpp"

namespace callgate::registry::pins_test {
namespace {

struct Step {
  const char* name;
  std::string first;   ///< the list that pins
  std::string second;  ///< the list of the next look
  NewTools new_tools;
  std::string tools;   ///< of the second table
  std::string drift;
};

class DriftTable : public testing::TestWithParam<Step> {};

INSTANTIATE_TEST_SUITE_P(
    Pins, DriftTable,
    testing::Values(
        Step{"same_list", array({tool("get"), tool("set")}), array({tool("get"), tool("set")}), NewTools::refuse, "get, set", ""},
        Step{"other_order", array({tool("get"), tool("set")}), array({tool("set"), tool("get")}), NewTools::refuse, "set, get", ""},
        Step{"white_space_and_member_order", R"([{"name":"a","inputSchema":{"type":"object"}}])",
             R"([ { "inputSchema" : {"type" : "object"}, "name":"\u0061" } ])", NewTools::refuse, "a", ""},
        Step{"meta_does_not_count", R"([{"name":"a","inputSchema":{},"_meta":{"x":1}}])",
             R"([{"name":"a","inputSchema":{},"_meta":{"x":2}}])", NewTools::refuse, "a", ""},
        Step{"unknown_members_count", R"([{"name":"a","inputSchema":{}}])", R"([{"name":"a","inputSchema":{},"x":2}])",
             NewTools::refuse, "?a", "changed a"},
        Step{"changed_description", array({tool("get"), tool("set")}), array({tool("get", "evil"), tool("set")}), NewTools::refuse,
             "?get, set", "changed get"},
        Step{"changed_under_follow_policy_too", array({tool("get")}), array({tool("get", "evil")}), NewTools::follow_policy, "?get",
             "changed get"},
        Step{"new_name", array({tool("get")}), array({tool("get"), tool("new", "other")}), NewTools::refuse, "get", "added new"},
        Step{"new_name_followed", array({tool("get")}), array({tool("get"), tool("new", "other")}), NewTools::follow_policy,
             "get, new", "added new"},
        Step{"removed", array({tool("get"), tool("set")}), array({tool("set")}), NewTools::refuse, "set", "removed get"},
        Step{"emptied", array({tool("get")}), "[]", NewTools::refuse, "", "removed get"},
        Step{"empty_at_first", "[]", array({tool("get")}), NewTools::refuse, "", "added get"},
        Step{"renamed_twin", array({tool("get")}), array({tool("fetch")}), NewTools::refuse, "",
             "twin fetch, added fetch, removed get"},
        Step{"duplicate", array({tool("get"), tool("set")}), array({tool("get"), tool("get"), tool("set")}), NewTools::refuse, "set",
             "duplicate get"},
        Step{"duplicate_that_differs", array({tool("get")}), array({tool("get"), tool("get", "evil")}), NewTools::refuse, "",
             "duplicate get"},
        Step{"look_alike", array({tool("get_all")}), array({tool("get_all"), tool("Get_All", "other")}), NewTools::refuse, "get_all",
             "look_alike Get_All, added Get_All"},
        Step{"bad_names", array({tool("get")}),
             array({tool("get"), tool("a b", "x"), tool("", "x"), R"("text")", R"({"name":7})", tool("g\u00e9t", "x")}),
             NewTools::follow_policy, "get",
             "bad_name a b, bad_name , bad_name , bad_name , bad_name g\u00e9t, look_alike g\u00e9t"}),
    [](const auto& row) { return row.param.name; });

/// Security requirement S10: what counts as a change, as new, as a twin, a row a clause.
TEST_P(DriftTable, SecondListIsComparedWithTheFirst) {
  World world;
  world.source.new_tools = GetParam().new_tools;
  world.list(GetParam().first);
  EXPECT_EQ(world.drift(), "");
  world.list(GetParam().second);
  EXPECT_EQ(world.tools(), GetParam().tools);
  EXPECT_EQ(world.drift(), GetParam().drift);
}

/// What a server shows anybody is no news where the list that was read held it, whatever became of it there.
TEST_P(DriftTable, HoldsNothingThatTheListDidNot) {
  World world;
  world.source.new_tools = GetParam().new_tools;
  world.list(GetParam().first);
  world.list(GetParam().second);
  const auto listed = json::OwnedDocument::parse(GetParam().second, definition_limits);
  ASSERT_TRUE(listed.has_value());
  for (const json::Value definition : (*listed)->root().elements()) {
    const auto name = definition.is_object() ? definition.find("name") : std::nullopt;
    if (name && name->is_string()) EXPECT_TRUE(world.table->accounts_for(name->string(), fingerprint(definition))) << definition.text();
  }
  EXPECT_FALSE(world.table->accounts_for("never_listed", "sha256:0"));
  for (const Tool& tool : world.table->tools()) EXPECT_FALSE(world.table->accounts_for(tool.name, "sha256:0"));
}

TEST(PinsTest, TheFirstListIsPinnedWithItsFingerprints) {
  World world;
  const ToolTable& table = world.list(array({tool("get")}));
  const Tool* found = table.find("get");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->state, Tool::State::known);
  EXPECT_EQ(found->definition, tool("get"));
  const auto pinned = world.store->pins().find(world.source.key).value().value().pinned;
  ASSERT_EQ(pinned.size(), 1U);
  EXPECT_EQ(pinned[0].fingerprint, found->fingerprint);
  EXPECT_EQ(pinned[0].time_ms, 1000);
}

/// Security requirement S7: byte equality, no trimming, no folding. Protocol item 29.
TEST(PinsTest, NamesAreFoundByTheirExactBytesOnly) {
  World world;
  const ToolTable& table = world.list(array({tool("get_all")}));
  for (const std::string_view name : {"get_al", "get_all ", " get_all", "Get_all", "get-all", ""}) {
    EXPECT_EQ(table.find(name), nullptr) << name;
  }
  EXPECT_EQ(table.find(std::string_view("get_all\0", 8)), nullptr);
  EXPECT_NE(table.find("get_all"), nullptr);
}

/// Protocol item 29.
TEST(PinsTest, AnUnknownNameThatLooksLikeAKnownOneIsNamedForTheLog) {
  World world;
  const ToolTable& table = world.list(array({tool("get_all")}));
  EXPECT_EQ(table.look_alike(" GET-ALL"), "get_all");
  EXPECT_EQ(table.look_alike("g\u0435t_all"), "get_all");
  EXPECT_EQ(table.look_alike("put_all"), "");
  EXPECT_EQ(table.look_alike("get_all"), "");
}

TEST(PinsTest, AnAcceptedChangeIsKnownAtTheNextLook) {
  World world;
  world.list(array({tool("get")}));
  const ToolTable& changed = world.list(array({tool("get", "evil"), tool("new", "other")}));
  EXPECT_NE(changed.find("get")->fingerprint, changed.find("get")->pinned_fingerprint);

  const auto offered = world.store->pins().find(world.source.key).value()->offered;
  ASSERT_EQ(offered.size(), 2U);
  ASSERT_TRUE(world.store->pins().accept(world.source.key, offered));
  world.list(array({tool("get", "evil"), tool("new", "other")}));
  EXPECT_EQ(world.tools(), "get, new");
  EXPECT_EQ(world.drift(), "");
}

TEST(PinsTest, AnOfferGoesAwayWhenTheServerTakesItBack) {
  World world;
  world.list(array({tool("get")}));
  world.list(array({tool("get", "evil")}));
  world.list(array({tool("get")}));
  EXPECT_EQ(world.tools(), "get");
  EXPECT_TRUE(world.store->pins().find(world.source.key).value()->offered.empty());
}

TEST(PinsTest, AToolThatComesBackChangedIsQuarantined) {
  World world;
  world.list(array({tool("get"), tool("set", "x")}));
  world.list(array({tool("set", "x")}));
  world.list(array({tool("get", "evil"), tool("set", "x")}));
  EXPECT_EQ(world.tools(), "?get, set");
}

/// Security requirement S10: pins belong to a server's name and address.
TEST(PinsTest, AddressesPinApart) {
  World world;
  world.list(array({tool("get")}));
  world.source.key.address = "http://elsewhere/mcp";
  world.list(array({tool("get", "at another place"), tool("more", "y")}));
  EXPECT_EQ(world.tools(), "get, more");
  EXPECT_EQ(world.drift(), "");
}

TEST(PinsTest, ASchemaThatDoesNotCompileIsAFaultOfItsToolOnly) {
  World world;
  const ToolTable& table = world.list(R"([{"name":"good","inputSchema":{"type":"object"}},
    {"name":"bad","inputSchema":{"type":"objekt"}}, {"name":"own_words","inputSchema":{"type":"object","$vocabulary":{}}}, {"name":"none"}])");
  EXPECT_NE(table.find("good")->input_schema, nullptr);
  EXPECT_EQ(table.find("good")->schema_fault, "");
  EXPECT_EQ(table.find("bad")->input_schema, nullptr);
  EXPECT_NE(table.find("bad")->schema_fault.find("type"), std::string::npos) << table.find("bad")->schema_fault;
  EXPECT_EQ(table.find("own_words")->schema_fault, "inputSchema/$vocabulary: `$vocabulary` is not supported; leave it out");
  EXPECT_EQ(table.find("none")->schema_fault, "the tool has no inputSchema");
}

TEST(PinsTest, SchemasThatStayAreNotCompiledAgain) {
  World world;
  const auto first = (world.list(array({tool("get"), tool("set")})), world.table);
  world.list(array({tool("get"), tool("set", "evil")}));
  EXPECT_EQ(world.table->find("get")->input_schema, first->find("get")->input_schema);
  EXPECT_EQ(world.table->find("set")->input_schema, nullptr);
}

/// Security requirement S10: a reviewed file of pins.
TEST(PinsTest, AReviewedFileStandsInPlaceOfTheStore) {
  World world;
  world.list(array({tool("get", "of the store"), tool("old", "x")}));
  const auto reviewed = PinFile::parse(R"({"callgate_pins":1,"lists":[{"tools":[)" + tool("get", "reviewed") + "]}]}", "p.json");
  ASSERT_TRUE(reviewed);
  world.source.reviewed = &*reviewed;
  world.list(array({tool("get", "reviewed"), tool("new", "y")}));
  EXPECT_EQ(world.tools(), "get");
  EXPECT_EQ(world.drift(), "added new");
  const auto stored = world.store->pins().find(world.source.key).value().value();
  ASSERT_EQ(stored.pinned.size(), 1U);
  EXPECT_EQ(stored.pinned[0].fingerprint, world.table->find("get")->fingerprint);
  ASSERT_EQ(stored.offered.size(), 1U);
  EXPECT_EQ(stored.offered[0].tool, "new");
}

TEST(PinsTest, NewToolsThatFollowThePolicyArePinnedBesideAReviewedFile) {
  World world;
  const auto reviewed = PinFile::parse(R"({"callgate_pins":1,"lists":[{"tools":[)" + tool("get") + "]}]}", "p.json");
  world.source.reviewed = &*reviewed;
  world.source.new_tools = NewTools::follow_policy;
  world.list(array({tool("get"), tool("new", "y")}));
  EXPECT_EQ(world.tools(), "get, new");
  world.list(array({tool("get"), tool("new", "evil")}));
  EXPECT_EQ(world.tools(), "get, ?new");
}

std::string many(const std::string& prefix, int count, bool described) {
  std::string text = "[";
  for (int i = 0; i < count; ++i) {
    text += (i == 0 ? "" : ",");
    text += described ? tool(prefix + std::to_string(i), prefix + std::to_string(i)) : R"({"name":")" + prefix + std::to_string(i) + R"(","inputSchema":{}})";
  }
  return text + "]";
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Everybody else waits while a list is compared. By the square of its length it would be ten seconds and more.
TEST(PinsTest, ALongListOfOtherNamesIsComparedInTimeThatGrowsAsItDoes) {
  for (const bool described : {true, false}) {
    World world;
    const int count = described ? 4000 : 20000;
    world.list(many("t", count, described));
    world.list(many("u", count, described));
    const double began = cpu_seconds();
    world.list(many("u", count, described));
    EXPECT_LT(cpu_seconds() - began, 1.5 * slower) << count;
    EXPECT_EQ(world.table->drift().size(), 2U * static_cast<std::size_t>(count));
  }
}

TEST(PinsTest, ADeepDefinitionIsPinnedAndComparedLikeAnyOther) {
  World world;
  const auto deep = [](const std::string& inside) {
    return R"([{"name":"get","x":)" + std::string(300, '[') + inside + std::string(300, ']') + "}]";
  };
  const auto list = [&](const std::string& text) {
    const auto read = json::OwnedDocument::parse(text, definition_limits).value();
    std::vector<json::Value> definitions;
    for (const json::Value each : read->root().elements()) definitions.push_back(each);
    world.table = observe(world.store->pins(), world.source, definitions, 1, world.table.get()).value();
  };
  list(deep("1"));
  EXPECT_EQ(world.tools(), "get");
  list(deep("2"));
  EXPECT_EQ(world.tools(), "?get");
}

TEST(PinsTest, HundredsOfToolsAreEachFound) {
  World world;
  std::string text = "[";
  for (int i = 0; i < 300; ++i) text += (i == 0 ? "" : ",") + tool("tool_" + std::to_string(i), "text " + std::to_string(i));
  const ToolTable& table = world.list(text + "]");
  ASSERT_EQ(table.tools().size(), 300U);
  for (int i = 0; i < 300; ++i) {
    const std::string name = "tool_" + std::to_string(i);
    ASSERT_NE(table.find(name), nullptr);
    EXPECT_EQ(table.find(name)->name, name);
  }
}

TEST(PinsTest, ADuplicateOfAPinnedToolIsNotSaidToBeRemoved) {
  World world;
  world.list(array({tool("get")}));
  world.list(array({tool("get"), tool("get")}));
  EXPECT_EQ(world.drift(), "duplicate get");
  EXPECT_EQ(world.table->drift()[0].detail, "listed 2 times; all of them are refused");
  world.list(array({tool("get")}));
  EXPECT_EQ(world.tools(), "get");
}

TEST(PinsTest, DriftSaysWhatToDoAboutIt) {
  World world;
  world.list(array({tool("get")}));
  world.list(array({tool("get", "evil"), tool("fetch")}));
  std::string details;
  for (const Drift& each : world.table->drift()) details += each.tool + ": " + each.detail + "\n";
  EXPECT_EQ(details,
            "get: the definition is not the pinned one; look at it with `callgate server pin valkey`\n"
            "fetch: the same as `get` under another name\n"
            "fetch: new; refused until `callgate server pin valkey` accepts it\n");
}

TEST(PinsTest, TwoGatewaysThatComeAtOnceAgreeOnTheFirstList) {
  World one;
  one.list(array({tool("get")}));
  World two;
  two.store = std::move(one.store);
  two.list(array({tool("get", "other"), tool("new", "x")}));
  EXPECT_EQ(two.tools(), "?get");
}

/// Whatever a server lists, so many are named, each at a bounded length.
TEST(PinsTest, WhatCannotBeCalledStandsBesideThePins) {
  World world;
  std::string many = "[" + tool("get");
  for (int i = 0; i < 150; ++i) many += "," + tool(std::string(500, 'x') + " " + std::to_string(i));
  world.source.unreadable = {{Drift::Kind::unreadable, "odd", "`tools` must hold objects only"}};
  world.list(many + "]");
  const auto kept = world.store->pins().find(world.source.key).value();
  ASSERT_TRUE(kept);
  ASSERT_EQ(kept->left_out.size(), 101U);
  EXPECT_LE(kept->left_out[0].tool.size(), 128U);
  EXPECT_EQ(kept->left_out[100].why, "51 more are left out");
  EXPECT_EQ(kept->pinned.size(), 1U);
  world.list("[" + tool("get") + "]");
  const auto now = world.store->pins().find(world.source.key).value()->left_out;
  ASSERT_EQ(now.size(), 1U);
  EXPECT_EQ(now[0], (store::LeftOut{.tool = "odd", .why = "`tools` must hold objects only"}));
}

/// Pins whose every function fails, as with a locked database.
class LockedPins final : public store::Pins {
  static std::unexpected<Error> locked() { return fail(ErrorKind::unavailable, "locked"); }
  Result<std::optional<store::PinnedList>> find(const store::ListKey&) override { return locked(); }
  Result<std::vector<store::ListKey>> lists(std::string_view) override { return locked(); }
  Result<store::PinnedList> pin_first(const store::ListKey&, std::span<const store::Definition>, std::int64_t) override { return locked(); }
  Result<void> offer(const store::ListKey&, std::span<const store::Definition>) override { return locked(); }
  Result<void> leave_out(const store::ListKey&, std::span<const store::LeftOut>) override { return locked(); }
  Result<void> accept(const store::ListKey&, std::span<const store::Definition>) override { return locked(); }
  Result<void> replace(const store::ListKey&, std::span<const store::Definition>) override { return locked(); }
  Result<void> readdress(std::string_view, const std::function<std::string(std::string_view)>&) override {
    return locked();
  }
};

/// A long list is read a little at a time: the pins are asked once, behind all of it, and a failure there may be tried again.
TEST(PinsTest, NothingIsPinnedBeforeAllOfAListWasRead) {
  World world;
  const auto read = document(array({tool("get"), tool("set"), tool("a b"), tool("drop"), tool("drop")}));
  std::vector<json::Value> definitions;
  for (const json::Value each : read->root().elements()) definitions.push_back(each);
  Observation list(definitions, {}, nullptr);
  int steps = 0;
  for (; list.read_on(); ++steps) EXPECT_FALSE(world.store->pins().find(world.source.key).value()) << steps;
  EXPECT_EQ(steps, 5);
  LockedPins locked;
  EXPECT_FALSE(list.compare(locked, world.source, 1));
  ASSERT_TRUE(list.compare(world.store->pins(), world.source, 1));
  EXPECT_EQ(world.store->pins().find(world.source.key).value()->pinned.size(), 2U);
  int compiled = 0;
  while (list.compile_on()) ++compiled;
  EXPECT_EQ(compiled, 2);
  world.table = std::move(list).table();
  EXPECT_EQ(world.tools(), "get, set");
  EXPECT_EQ(world.drift(), "bad_name a b, duplicate drop");
  EXPECT_NE(world.table->find("get")->input_schema, nullptr);
}

/// Security requirement S22: what cannot be compared with the pins is not called.
TEST(PinsTest, WithoutTheStoreThereIsNoTable) {
  LockedPins locked;
  const auto read = document(array({tool("get")}));
  std::vector<json::Value> definitions;
  for (const json::Value each : read->root().elements()) definitions.push_back(each);
  const auto table = observe(locked, {.key = {"s", "a", "legacy"}}, definitions, 0);
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().kind, ErrorKind::unavailable);
}

/// Another token is no other server: its pins stand, and what changed meanwhile is not taken for a first look.
TEST(PinsTest, PinsUnderAnAddressWithACredentialGoOnUnderTheMaskedOne) {
  World before;
  before.source.key.address = "npx some-mcp --api-key hunter2";
  before.list(array({tool("get")}));
  World now;
  now.store = std::move(before.store);
  now.source.key.address = "npx some-mcp --api-key ***";
  ASSERT_TRUE(mask_addresses(now.store->pins(), now.source.key.server));
  now.list(array({tool("get", "other")}));
  EXPECT_EQ(now.tools(), "?get");
  for (const store::ListKey& key : now.store->pins().lists(now.source.key.server).value())
    EXPECT_EQ(key.address.find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace callgate::registry::pins_test
