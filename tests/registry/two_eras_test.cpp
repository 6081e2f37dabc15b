// Security requirement S10: what is pinned in one era of the protocol holds in the other.
#include <gtest/gtest.h>

#include "registry/pins.hpp"
#include "registry/world.hpp"

namespace callgate::registry::two_eras_test {
namespace {

struct OtherEra {
  const char* name;
  std::string pinned;  ///< in the other era
  std::string listed;  ///< first in this one
  NewTools new_tools;
  std::string tools;
  std::string drift;
};

std::string with(const std::string& members) { return R"([{"name":"get","description":"does it","inputSchema":{"type":"object"})" + members + "}]"; }

class OtherEraTable : public testing::TestWithParam<OtherEra> {};

INSTANTIATE_TEST_SUITE_P(
    Pins, OtherEraTable,
    testing::Values(
        OtherEra{"same", array({tool("get"), tool("set", "x")}), array({tool("get"), tool("set", "x")}), NewTools::refuse, "get, set", ""},
        OtherEra{"changed", array({tool("get")}), array({tool("get", "evil")}), NewTools::refuse, "?get", "changed get"},
        OtherEra{"changed_and_followed", array({tool("get")}), array({tool("get", "evil")}), NewTools::follow_policy, "?get", "changed get"},
        OtherEra{"new_name", array({tool("get")}), array({tool("get"), tool("new", "x")}), NewTools::refuse, "get", "added new"},
        OtherEra{"new_name_followed", array({tool("get")}), array({tool("get"), tool("new", "x")}), NewTools::follow_policy, "get, new", "added new"},
        OtherEra{"renamed", array({tool("get")}), array({tool("fetch")}), NewTools::refuse, "", "twin fetch, added fetch"},
        OtherEra{"none_listed_there", "[]", array({tool("get")}), NewTools::refuse, "", "added get"},
        OtherEra{"not_listed_here", array({tool("get"), tool("set", "x")}), array({tool("get")}), NewTools::refuse, "get", ""},
        OtherEra{"tasks_of_the_old_era", with(R"(,"execution":{"taskSupport":"optional"})"), with(""), NewTools::refuse, "get", ""},
        OtherEra{"tasks_and_meta", with(""), with(R"(,"execution":{"taskSupport":"forbidden"},"_meta":{"a":1})"), NewTools::refuse, "get", ""},
        OtherEra{"tasks_with_a_word_beside", with(""), with(R"(,"execution":{"taskSupport":"optional","note":"read all mail"})"), NewTools::refuse, "?get", "changed get"},
        OtherEra{"tasks_that_say_something_else", with(""), with(R"(,"execution":{"taskSupport":"read all mail"})"), NewTools::refuse, "?get", "changed get"},
        OtherEra{"title", with(""), with(R"(,"title":"Get all mail")"), NewTools::refuse, "?get", "changed get"},
        OtherEra{"annotations", with(""), with(R"(,"annotations":{"readOnlyHint":true})"), NewTools::refuse, "?get", "changed get"},
        OtherEra{"output_schema", with(""), with(R"(,"outputSchema":{"type":"object"})"), NewTools::refuse, "?get", "changed get"},
        OtherEra{"unknown_member", with(""), with(R"(,"x":1)"), NewTools::refuse, "?get", "changed get"}),
    [](const auto& row) { return row.param.name; });

/// Security requirement S10: where the server is pinned in one era, no list of the other is a first one. Protocol item 29.
TEST_P(OtherEraTable, DecidesAsThePinsOfTheOther) {
  for (const bool modern_first : {false, true}) {
    World world;
    world.source.new_tools = GetParam().new_tools;
    world.source.key.era = modern_first ? "modern" : "legacy";
    world.list(GetParam().pinned);
    world.source.key.era = modern_first ? "legacy" : "modern";
    world.now_ms += store::first_lists_within_ms;
    world.table.reset();
    world.list(GetParam().listed);
    EXPECT_EQ(world.tools(), GetParam().tools);
    EXPECT_EQ(world.drift(), GetParam().drift);
    // What was decided at the first look stands at the next ones, also in another process.
    const std::string tools = world.tools();
    world.table.reset();
    world.list(GetParam().listed);
    EXPECT_EQ(world.tools(), tools);
  }
}

/// A server may have tools in one era only, and its first clients of both come as they like.
TEST(PinsOfTwoEras, FirstListsOfBothErasMayComeMinutesApart) {
  for (const std::string& first : {array({tool("get")}), std::string("[]")}) {
    World world;
    world.list(first);
    world.source.key.era = "modern";
    world.now_ms += store::first_lists_within_ms - 1;
    world.list(array({tool("get"), tool("new", "x")}));
    EXPECT_EQ(world.tools(), "get, new");
    EXPECT_EQ(world.drift(), "");
    world.list(array({tool("get", "evil"), tool("new", "x"), tool("newer", "y")}));
    EXPECT_EQ(world.tools(), "?get, new") << "that was the first";
    world.source.key.era = "legacy";
    world.list(array({tool("get"), tool("new", "x")}));
    EXPECT_EQ(world.tools(), "get, new") << "each era is held to its own, and has what the other has";
  }
}

/// Security requirement S10: what is minutes old in one era is no less pinned than what is a month old.
TEST(PinsOfTwoEras, ANameThatTheOtherEraHoldsIsNoFirstOneWithinMinutes) {
  for (const NewTools new_tools : {NewTools::refuse, NewTools::follow_policy}) {
    World world;
    world.source.new_tools = new_tools;
    world.list(array({tool("get"), tool("set", "x")}));
    world.source.key.era = "modern";
    world.now_ms += 1;
    for (int look = 0; look < 2; ++look) {
      world.list(array({tool("get", "evil"), tool("set", "x"), tool("new", "y")}));
      EXPECT_EQ(world.tools(), "?get, set, new");
      EXPECT_EQ(world.drift(), "changed get");
    }
  }
}

/// Security requirement S10: whatever waits or waited for a person in one era is not decided by the other's first list.
TEST(PinsOfTwoEras, NothingIsAFirstOneOnceSomethingWaitedForAPerson) {
  for (const bool still_waits : {true, false}) {
    for (const std::string& offered : {array({tool("get", "evil")}), array({tool("get"), tool("rm", "y")})}) {
      World world;
      world.list(array({tool("get")}));
      world.list(offered);
      if (!still_waits) world.list(array({tool("get")}));
      world.source.key.era = "modern";
      world.list(array({tool("get", "evil"), tool("rm", "y")}));
      EXPECT_EQ(world.tools(), "?get");
      EXPECT_NE(world.drift().find("added rm"), std::string::npos) << world.drift();
    }
  }
}

/// Security requirement S10: the minutes count from the first list, whatever was pinned since.
TEST(PinsOfTwoEras, WhatIsPinnedLaterDoesNotLetTheOtherEraHaveAFirstListAgain) {
  constexpr std::int64_t month_ms = std::int64_t{30} * 24 * 3600 * 1000;
  const auto expect_held = [](World& world) {
    world.source.key.era = "modern";
    world.source.new_tools = NewTools::refuse;
    world.list(array({tool("get", "evil"), tool("rm", "y")}));
    EXPECT_EQ(world.tools(), "?get");
    EXPECT_NE(world.drift().find("added rm"), std::string::npos) << world.drift();
  };
  {
    SCOPED_TRACE("a person accepts the only tool's new definition");
    World world;
    world.list(array({tool("get")}));
    world.now_ms += month_ms;
    world.list(array({tool("get", "better")}));
    auto offered = world.store->pins().find(world.source.key).value()->offered;
    ASSERT_EQ(offered.size(), 1U);
    offered[0].time_ms = world.now_ms;
    ASSERT_TRUE(world.store->pins().accept(world.source.key, offered));
    expect_held(world);
  }
  {
    SCOPED_TRACE("a list that was empty gets its first tool");
    World world;
    world.source.new_tools = NewTools::follow_policy;
    world.list("[]");
    world.now_ms += month_ms;
    world.list(array({tool("get")}));
    expect_held(world);
  }
}

TEST(PinsOfTwoEras, AnAcceptedChangeOfTheOtherErasDefinitionIsKnown) {
  World world;
  world.list(array({tool("get")}));
  world.now_ms += store::first_lists_within_ms;
  world.source.key.era = "modern";
  world.list(array({tool("get", "evil")}));
  const auto kept = world.store->pins().find(world.source.key).value().value();
  ASSERT_EQ(kept.pinned.size(), 1U) << "what it differs from, for whoever looks at it";
  EXPECT_EQ(kept.pinned[0].text, tool("get"));
  ASSERT_EQ(kept.offered.size(), 1U);
  ASSERT_TRUE(world.store->pins().accept(world.source.key, kept.offered));
  world.list(array({tool("get", "evil")}));
  EXPECT_EQ(world.tools(), "get");
  world.list(array({tool("get")}));
  EXPECT_EQ(world.tools(), "?get") << "from then on each era is held to its own";
}

/// A name that one era got later is no new one in the other.
TEST(PinsOfTwoEras, WhatWasFollowedInOneEraIsHeldToThatInTheOther) {
  World world;
  world.source.new_tools = NewTools::follow_policy;
  world.list(array({tool("get")}));
  world.source.key.era = "modern";
  world.list(array({tool("get")}));
  world.source.key.era = "legacy";
  world.list(array({tool("get"), tool("late", "x")}));
  world.source.key.era = "modern";
  world.list(array({tool("get"), tool("late", "evil")}));
  EXPECT_EQ(world.tools(), "get, ?late");
}

/// A file that was written when one era was known.
TEST(PinsOfTwoEras, AReviewedListOfOneEraHoldsForTheOther) {
  const auto reviewed = PinFile::parse(R"({"callgate_pins":1,"lists":[{"era":"legacy","tools":[)" + tool("get") + "," + tool("set", "x") + "]}]}", "p.json");
  ASSERT_TRUE(reviewed);
  for (const NewTools new_tools : {NewTools::refuse, NewTools::follow_policy}) {
    World world;
    world.source.key.era = "modern";
    world.source.reviewed = &*reviewed;
    world.source.new_tools = new_tools;
    for (int look = 0; look < 2; ++look) {
      world.list(array({tool("get", "evil"), tool("set", "x"), tool("new", "y")}));
      EXPECT_EQ(world.tools(), new_tools == NewTools::refuse ? "?get, set" : "?get, set, new");
    }
    world.list(array({tool("get"), tool("set", "x")}));
    EXPECT_EQ(world.tools(), "get, set");
  }
}

/// Security requirement S10: between eras `execution` may differ, from one look to the next it may not.
TEST(PinsOfTwoEras, WhatAReviewedListOfTheOtherEraLetIsHeldToWhatItWas) {
  const auto reviewed = PinFile::parse(R"({"callgate_pins":1,"lists":[{"era":"legacy","tools":)" + with("") + "}]}", "p.json");
  ASSERT_TRUE(reviewed);
  for (const NewTools new_tools : {NewTools::refuse, NewTools::follow_policy}) {
    World world;
    world.source.key.era = "modern";
    world.source.reviewed = &*reviewed;
    world.source.new_tools = new_tools;
    const auto look = [&](const std::string& support) {
      world.list(support.empty() ? with("") : with(R"(,"execution":{"taskSupport":")" + support + R"("})"));
      return world.tools();
    };
    EXPECT_EQ(look("optional"), "get");
    EXPECT_EQ(look("required"), "?get");
    EXPECT_EQ(look(""), "?get") << "the file's own is that of the other era";
    world.list("[]");
    EXPECT_EQ(look("required"), "?get") << "also where it went away meanwhile";
    EXPECT_EQ(look("optional"), "get");
    world.table.reset();
    EXPECT_EQ(look("required"), "?get") << "also in another process";
  }
}

/// What the store holds counts beside a file only where it says what the file does.
TEST(PinsOfTwoEras, APinOfTheStoreThatTheReviewedOneContradictsDoesNotCount) {
  const auto reviewed = PinFile::parse(R"({"callgate_pins":1,"lists":[{"era":"legacy","tools":[)" + tool("get") + "]}]}", "p.json");
  ASSERT_TRUE(reviewed);
  World world;
  world.source.key.era = "modern";
  world.list(array({tool("get", "evil")}));
  EXPECT_EQ(world.tools(), "get");
  world.source.reviewed = &*reviewed;
  world.list(array({tool("get", "evil")}));
  EXPECT_EQ(world.tools(), "?get");
  world.list(array({tool("get")}));
  EXPECT_EQ(world.tools(), "get");
}

TEST(PinsOfTwoEras, AReviewedListOfThisEraSaysAllOfIt) {
  const auto reviewed = PinFile::parse(R"({"callgate_pins":1,"lists":[{"era":"legacy","tools":[)" + tool("get") + "," + tool("set", "x") + R"(]},{"era":"modern","tools":[)" + tool("get") + "]}]}", "p.json");
  ASSERT_TRUE(reviewed);
  World world;
  world.source.key.era = "modern";
  world.source.reviewed = &*reviewed;
  world.list(array({tool("get"), tool("set", "x")}));
  EXPECT_EQ(world.tools(), "get");
  world.source.new_tools = NewTools::follow_policy;
  world.list(array({tool("get"), tool("set", "evil")}));
  EXPECT_EQ(world.tools(), "get, ?set") << "new names are followed, but the other era holds this one";
}

}  // namespace
}  // namespace callgate::registry::two_eras_test
