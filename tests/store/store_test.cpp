#include "store/store.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "store/temporary_folder.hpp"

namespace callgate::store::store_test {
namespace {

TokenHash hash_of(std::uint8_t byte) {
  TokenHash hash{};
  hash.fill(byte);
  return hash;
}

Grant grant(std::string id, std::string name, std::uint8_t token = 1) {
  return {.id = std::move(id), .name = std::move(name), .server = "valkey", .policy = "p.yaml",
          .token_hash = hash_of(token), .created_ms = 1000};
}

Definition definition(std::string tool, std::string fingerprint) {
  return {.tool = std::move(tool), .fingerprint = std::move(fingerprint), .text = R"({"name":"x"})", .time_ms = 5};
}

const ListKey key{"valkey", "uvx valkey", "legacy"};

struct Kind {
  const char* name;
  bool on_disk;
};

/// What every store must do, whatever it is made of.
class StoreContract : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    auto opened = GetParam().on_disk ? open(folder_.path() / "data") : open_in_memory();
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Stores, StoreContract, testing::Values(Kind{"file", true}, Kind{"memory", false}),
                         [](const auto& row) { return row.param.name; });

TEST_P(StoreContract, ServersComeBackAsTheyWereAdded) {
  const Server child{.name = "files", .command = {"npx", "", "a b"}, .policy = "f.yaml", .created_ms = 7};
  const Server remote{.name = "billing", .url = "https://billing.example/mcp", .created_ms = 8};
  ASSERT_TRUE(store_->servers().add(child));
  ASSERT_TRUE(store_->servers().add(remote));
  EXPECT_EQ(store_->servers().find("files").value(), child);
  EXPECT_EQ(store_->servers().list().value(), (std::vector{remote, child}));
  EXPECT_EQ(store_->servers().find("nobody").value(), std::nullopt);
}

TEST_P(StoreContract, AServersPolicyCanBeReplaced) {
  ASSERT_TRUE(store_->servers().add({.name = "files", .command = {"npx"}, .created_ms = 7}));
  EXPECT_TRUE(store_->servers().set_policy("files", "f.yaml").value());
  EXPECT_EQ(store_->servers().find("files").value()->policy, "f.yaml");
  EXPECT_FALSE(store_->servers().set_policy("nobody", "f.yaml").value());
}

TEST_P(StoreContract, HowAServersToolsAreJudgedComesBackAndCanBeSaidAnew) {
  const Server server{.name = "files", .command = {"npx"}, .created_ms = 7, .trust_hints = true, .classes = "/etc/classes.yaml"};
  ASSERT_TRUE(store_->servers().add(server));
  EXPECT_EQ(store_->servers().find("files").value(), server);
  EXPECT_TRUE(store_->servers().set_classes("files", false, "").value());
  EXPECT_FALSE(store_->servers().find("files").value()->trust_hints);
  EXPECT_EQ(store_->servers().find("files").value()->classes, "");
  EXPECT_FALSE(store_->servers().set_classes("nobody", true, "").value());
}

TEST_P(StoreContract, ASecondServerOfTheSameNameIsAConflict) {
  ASSERT_TRUE(store_->servers().add({.name = "a", .url = "http://x"}));
  const auto again = store_->servers().add({.name = "a", .url = "http://y"});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::conflict);
  EXPECT_EQ(again.error().message, "a server `a` exists already; remove it first, or choose another name");
  EXPECT_EQ(store_->servers().find("a").value()->url, "http://x");
}

TEST_P(StoreContract, RemovingAServerTakesItsPinsAndAnswersAndRevokesItsGrants) {
  ASSERT_TRUE(store_->servers().add({.name = "valkey", .url = "http://x"}));
  ASSERT_TRUE(store_->pins().pin_first(key, std::vector{definition("get", "1")}, 5));
  ASSERT_TRUE(store_->answers().put(key, {.text = "{}"}));
  ASSERT_TRUE(store_->grants().add(grant("g1", "ci")));
  EXPECT_TRUE(store_->servers().remove("valkey", 99).value());
  EXPECT_EQ(store_->pins().find(key).value(), std::nullopt);
  EXPECT_EQ(store_->answers().find(key).value(), std::nullopt);
  EXPECT_EQ(store_->grants().find("g1").value()->revoked_ms, 99);
  EXPECT_FALSE(store_->servers().remove("valkey", 99).value());
}

TEST_P(StoreContract, RemovingAServerRevokesGrantsForSeveralThatNameIt) {
  ASSERT_TRUE(store_->servers().add({.name = "valkey", .url = "http://x"}));
  std::uint8_t hash = 1;
  for (const char* servers : {"valkey,files", "files,valkey,billing", "files,valkey", "files", "valkey2,files", "my_valkey", "files,va%"}) {
    Grant each = grant("g" + std::to_string(hash), "n" + std::to_string(hash), hash);
    each.server = servers;
    ASSERT_TRUE(store_->grants().add(each)) << servers;
    ++hash;
  }
  EXPECT_TRUE(store_->servers().remove("valkey", 99).value());
  for (unsigned i = 1; i < hash; ++i) EXPECT_EQ(store_->grants().find("g" + std::to_string(i)).value()->revoked_ms.has_value(), i <= 3) << i;
}

TEST_P(StoreContract, AGrantIsFoundByIdAndByName) {
  Grant given = grant("g1", "ci");
  given.expires_ms = 5000;
  ASSERT_TRUE(store_->grants().add(given));
  EXPECT_EQ(store_->grants().find("g1").value(), given);
  EXPECT_EQ(store_->grants().find("ci").value(), given);
  EXPECT_EQ(store_->grants().find("other").value(), std::nullopt);
}

TEST_P(StoreContract, AGrantsNameIsFreeAgainOnceItIsRevoked) {
  ASSERT_TRUE(store_->grants().add(grant("g1", "ci", 1)));
  EXPECT_EQ(store_->grants().add(grant("g2", "ci", 2)).error().kind, ErrorKind::conflict);
  EXPECT_TRUE(store_->grants().revoke("g1", 10).value());
  EXPECT_TRUE(store_->grants().add(grant("g2", "ci", 2)));
  EXPECT_EQ(store_->grants().find("ci").value()->id, "g2");
  EXPECT_EQ(store_->grants().find("g1").value()->revoked_ms, 10);
  EXPECT_EQ(store_->grants().list().value().size(), 2U);
}

TEST_P(StoreContract, RotatingReplacesTheTokenAndOnlyOfALiveGrant) {
  ASSERT_TRUE(store_->grants().add(grant("g1", "ci", 1)));
  EXPECT_TRUE(store_->grants().rotate("g1", hash_of(2), 2'000).value());
  EXPECT_EQ(store_->grants().find("g1").value()->token_hash, hash_of(2));
  EXPECT_EQ(store_->grants().find("g1").value()->rotated_ms, 2'000);
  EXPECT_TRUE(store_->grants().rotate("g1", hash_of(4), 20).value());
  EXPECT_EQ(store_->grants().find("g1").value()->rotated_ms, 2'001) << "by a clock that was set back";
  EXPECT_TRUE(store_->grants().revoke("g1", 30).value());
  EXPECT_FALSE(store_->grants().revoke("g1", 40).value());
  EXPECT_FALSE(store_->grants().rotate("g1", hash_of(3), 50).value());
}

TEST_P(StoreContract, GrantsOfAnotherFolderAreAddedOrTakeThePlaceOfTheirIds) {
  ASSERT_TRUE(store_->grants().add(grant("g1", "ci", 1)));
  Grant changed = grant("g1", "ci", 2);
  changed.rotated_ms = 3'000;
  ASSERT_TRUE(store_->grants().put(std::vector{changed, grant("g2", "dev", 3)}));
  EXPECT_EQ(store_->grants().find("g1").value(), changed);
  EXPECT_EQ(store_->grants().find("g2").value(), grant("g2", "dev", 3));
  EXPECT_TRUE(store_->grants().put({}));
}

TEST_P(StoreContract, AGrantOfAnotherFolderWhoseNameIsTakenGetsTheEndOfItsId) {
  ASSERT_TRUE(store_->grants().add(grant("g1", "ci", 1)));
  ASSERT_TRUE(store_->grants().put(std::vector{grant("01ARZ3NDEKTSV4RRFFQ69G5FAV", "ci", 2)}));
  EXPECT_EQ(store_->grants().find("ci").value()->id, "g1");
  EXPECT_EQ(store_->grants().find("ci-69G5FAV").value(), std::nullopt);
  EXPECT_EQ(store_->grants().find("ci-Q69G5FAV").value()->id, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
  Grant over = grant("g1", "ci", 1);
  over.revoked_ms = 5'000;
  ASSERT_TRUE(store_->grants().put(std::vector{grant("g3", "ci", 3), over})) << "a revoked one lets go of its name first";
  EXPECT_EQ(store_->grants().find("ci").value()->id, "g3");
}

TEST_P(StoreContract, OfGrantsThatCannotAllBePutNoneIs) {
  ASSERT_TRUE(store_->grants().add(grant("g1", "ci", 1)));
  EXPECT_FALSE(store_->grants().put(std::vector{grant("g2", "dev", 2), grant("g3", "ops", 1)})) << "a token belongs to one grant";
  EXPECT_EQ(store_->grants().find("g2").value(), std::nullopt);
}

TEST_P(StoreContract, TheFirstListPinsAndALaterOneDoesNot) {
  EXPECT_EQ(store_->pins().find(key).value(), std::nullopt);
  const auto first = store_->pins().pin_first(key, std::vector{definition("get", "1")}, 5);
  const auto second = store_->pins().pin_first(key, std::vector{definition("get", "2"), definition("set", "3")}, 5);
  EXPECT_EQ(first.value().pinned, std::vector{definition("get", "1")});
  EXPECT_EQ(second.value(), first.value());
}

TEST_P(StoreContract, AnEmptyListIsPinnedToo) {
  ASSERT_TRUE(store_->pins().pin_first(key, {}, 5));
  const auto later = store_->pins().pin_first(key, std::vector{definition("get", "1")}, 5);
  EXPECT_TRUE(later.value().pinned.empty());
}

TEST_P(StoreContract, ListsOfOtherErasAndAddressesAreApart) {
  ListKey modern = key;
  modern.era = "modern";
  ListKey elsewhere = key;
  elsewhere.address = "uvx other";
  ASSERT_TRUE(store_->pins().pin_first(key, std::vector{definition("get", "1")}, 5));
  EXPECT_EQ(store_->pins().find(modern).value(), std::nullopt);
  EXPECT_EQ(store_->pins().find(elsewhere).value(), std::nullopt);
  ASSERT_TRUE(store_->pins().accept(modern, std::vector{definition("get", "2")}));
  EXPECT_EQ(store_->pins().lists("valkey").value(), (std::vector{key, modern}));
  EXPECT_EQ(store_->pins().find(key).value()->pinned, std::vector{definition("get", "1")});
}

/// Security requirement S10: or a server would say in one era what is quarantined in the other.
TEST_P(StoreContract, TheFirstListOfAFurtherEraPinsWhatNoOtherHoldsMinutesAfterTheFirstAlone) {
  constexpr std::int64_t began = 1'000'000;
  const std::vector listed{definition("get", "2"), definition("set", "3")};
  struct Row {
    const char* name;
    std::vector<Definition> first;
    std::int64_t later_ms;
    std::vector<Definition> expected;
    bool made;
  };
  const std::vector held{definition("get", "1")};
  for (const Row& row : {Row{"at once", held, 0, {listed[1]}, true}, Row{"minutes later", held, first_lists_within_ms - 1, {listed[1]}, true},
                         Row{"too late", held, first_lists_within_ms, {}, false}, Row{"a clock that was set back", held, -1, {}, false},
                         Row{"after an empty one", {}, first_lists_within_ms - 1, listed, true}, Row{"too late after an empty one", {}, first_lists_within_ms, {}, false}}) {
    SCOPED_TRACE(row.name);
    const ListKey first{row.name, "uvx valkey", "legacy"};
    const ListKey further{row.name, "uvx valkey", "modern"};
    ASSERT_TRUE(store_->pins().pin_first(first, row.first, began));
    EXPECT_EQ(store_->pins().pin_first(further, listed, began + row.later_ms).value().pinned, row.expected);
    EXPECT_EQ(store_->pins().find(further).value().has_value(), row.made);
    const ListKey elsewhere{row.name, "uvx other", "modern"};
    EXPECT_EQ(store_->pins().pin_first(elsewhere, listed, began + row.later_ms).value().pinned, listed);
  }
}

/// Security requirement S10: the minutes end early, and never begin anew.
TEST_P(StoreContract, AFurtherEraHasNoFirstListOnceAnythingElseHappened) {
  struct Row {
    const char* name;
    std::function<bool(Pins&, const ListKey&)> happens;
    std::int64_t later_ms;
  };
  constexpr std::int64_t month_ms = std::int64_t{30} * 24 * 3600 * 1000;
  constexpr std::int64_t began = 1'000'000;
  const auto accepted_now = [](std::string tool) {
    Definition accepted = definition(std::move(tool), "2");
    accepted.time_ms = began + month_ms;
    return std::vector{accepted};
  };
  const std::vector rows{
      Row{"an offer waits", [](Pins& pins, const ListKey& first) { return pins.offer(first, std::vector{definition("new", "1")}).has_value(); }, 1},
      Row{"an offer waited", [](Pins& pins, const ListKey& first) {
            return pins.offer(first, std::vector{definition("new", "1")}) && pins.offer(first, {});
          }, 1},
      Row{"an offer was accepted", [](Pins& pins, const ListKey& first) {
            return pins.offer(first, std::vector{definition("new", "1")}) && pins.accept(first, std::vector{definition("new", "1")});
          }, 1},
      Row{"all is accepted a month later", [&](Pins& pins, const ListKey& first) { return pins.accept(first, accepted_now("get")).has_value(); }, month_ms},
      Row{"all is replaced a month later", [&](Pins& pins, const ListKey& first) { return pins.replace(first, accepted_now("get")).has_value(); }, month_ms},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.name);
    const ListKey first{row.name, "uvx valkey", "legacy"};
    const ListKey further{row.name, "uvx valkey", "modern"};
    ASSERT_TRUE(store_->pins().pin_first(first, std::vector{definition("get", "1")}, began));
    ASSERT_TRUE(row.happens(store_->pins(), first));
    EXPECT_EQ(store_->pins().pin_first(further, std::vector{definition("x", "1")}, began + row.later_ms).value(), PinnedList{});
    EXPECT_EQ(store_->pins().find(further).value(), std::nullopt);
  }
}

/// That of a reviewed file, for one: it was no first list.
TEST_P(StoreContract, BesideAListThatWasNoFirstOneAFurtherEraHasNone) {
  ASSERT_TRUE(store_->pins().replace(key, std::vector{definition("get", "1")}));
  ListKey modern = key;
  modern.era = "modern";
  EXPECT_EQ(store_->pins().pin_first(modern, std::vector{definition("set", "1")}, 5).value(), PinnedList{});
}

TEST_P(StoreContract, AcceptingMovesAnOfferToThePins) {
  ASSERT_TRUE(store_->pins().pin_first(key, std::vector{definition("get", "1")}, 5));
  ASSERT_TRUE(store_->pins().offer(key, std::vector{definition("get", "2"), definition("new", "3")}));
  EXPECT_EQ(store_->pins().find(key).value()->offered.size(), 2U);
  ASSERT_TRUE(store_->pins().accept(key, std::vector{definition("get", "2")}));
  const auto now = store_->pins().find(key).value().value();
  EXPECT_EQ(now.pinned, std::vector{definition("get", "2")});
  EXPECT_EQ(now.offered, std::vector{definition("new", "3")});
}

TEST_P(StoreContract, AnOfferReplacesTheOneBefore) {
  ASSERT_TRUE(store_->pins().pin_first(key, {}, 5));
  ASSERT_TRUE(store_->pins().offer(key, std::vector{definition("a", "1")}));
  ASSERT_TRUE(store_->pins().offer(key, std::vector{definition("b", "1")}));
  EXPECT_EQ(store_->pins().find(key).value()->offered, std::vector{definition("b", "1")});
  ASSERT_TRUE(store_->pins().offer(key, {}));
  EXPECT_TRUE(store_->pins().find(key).value()->offered.empty());
}

TEST_P(StoreContract, TheSameOfferAgainWritesNothing) {
  ASSERT_TRUE(store_->pins().offer(key, std::vector{definition("a", "1")}));
  const auto before = store_->version().value();
  ASSERT_TRUE(store_->pins().offer(key, std::vector{definition("a", "1")}));
  EXPECT_EQ(store_->version().value(), before);
}

TEST_P(StoreContract, ReplacingThePinsLeavesNoneOfTheOldOnes) {
  ASSERT_TRUE(store_->pins().pin_first(key, std::vector{definition("a", "1"), definition("b", "1")}, 5));
  ASSERT_TRUE(store_->pins().replace(key, std::vector{definition("b", "2")}));
  EXPECT_EQ(store_->pins().find(key).value()->pinned, std::vector{definition("b", "2")});
}

TEST_P(StoreContract, ListsAndAnswersOfAServerGetAnotherAddress) {
  const auto now = [](std::string_view address) { return std::string(address.substr(0, 1)); };
  ASSERT_TRUE(store_->pins().pin_first({"s", "a1", "legacy"}, std::vector{definition("old", "1")}, 5));
  ASSERT_TRUE(store_->pins().pin_first({"s", "a2", "legacy"}, std::vector{definition("new", "1")}, 5));
  ASSERT_TRUE(store_->pins().pin_first({"s", "b", "legacy"}, std::vector{definition("stands", "1")}, 5));
  ASSERT_TRUE(store_->pins().pin_first({"s", "b1", "legacy"}, std::vector{definition("later", "1")}, 5));
  ASSERT_TRUE(store_->pins().accept({"s", "b1", "modern"}, std::vector{definition("moves", "1")}));
  ASSERT_TRUE(store_->pins().pin_first({"other", "a1", "legacy"}, std::vector{definition("x", "1")}, 5));
  ASSERT_TRUE(store_->answers().put({"s", "a2", "legacy"}, {.text = "no"}));
  ASSERT_TRUE(store_->pins().readdress("s", now));
  const auto tool_at = [&](const ListKey& key) {
    const auto found = store_->pins().find(key);
    return found && *found ? (*found)->pinned.front().tool : std::string("none");
  };
  EXPECT_EQ(tool_at({"s", "a", "legacy"}), "new");
  EXPECT_EQ(tool_at({"s", "b", "legacy"}), "stands");
  EXPECT_EQ(tool_at({"s", "b", "modern"}), "moves");
  EXPECT_EQ(tool_at({"other", "a1", "legacy"}), "x");
  EXPECT_EQ(store_->pins().lists("s")->size(), 3U) << "nothing is left at the old ones";
  EXPECT_EQ(store_->answers().find({"s", "a", "legacy"}).value().value().text, "no");
}

TEST_P(StoreContract, UnknownToolAnswersAreKeptPerList) {
  EXPECT_EQ(store_->answers().find(key).value(), std::nullopt);
  ASSERT_TRUE(store_->answers().put(key, {.text = R"({"error":1})"}));
  ASSERT_TRUE(store_->answers().put(key, {.text = "", .runs_any = true}));
  EXPECT_EQ(store_->answers().find(key).value(), (UnknownToolAnswer{.text = "", .runs_any = true}));
}

TEST_P(StoreContract, AMetaValueSetOnceStays) {
  EXPECT_EQ(store_->meta().get("salt").value(), std::nullopt);
  EXPECT_EQ(store_->meta().put_once("salt", "one").value(), "one");
  EXPECT_EQ(store_->meta().put_once("salt", "two").value(), "one");
  ASSERT_TRUE(store_->meta().put("salt", "three"));
  EXPECT_EQ(store_->meta().get("salt").value(), "three");
}

TEST_P(StoreContract, TextsKeepNulBytesAndQuotes) {
  const std::string text("a\0'\";--\n", 8);
  ASSERT_TRUE(store_->meta().put(text, text));
  EXPECT_EQ(store_->meta().get(text).value(), text);
}

TEST_P(StoreContract, ChangedIsTrueFirstAndThenOnlyAfterAWrite) {
  Store::Version seen;
  EXPECT_TRUE(store_->changed(seen).value());
  EXPECT_FALSE(store_->changed(seen).value());
  ASSERT_TRUE(store_->meta().put("k", "v"));
  EXPECT_TRUE(store_->changed(seen).value());
  EXPECT_FALSE(store_->changed(seen).value());
}

}  // namespace
}  // namespace callgate::store::store_test
