#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/api_world.hpp"
#include "base/json.hpp"

namespace callgate::admin::wishes_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string member(const ApiResponse& response, std::string_view key) {
  const auto document = json::OwnedDocument::parse(response.body);
  if (!document) return "(no JSON)";
  const auto value = (*document)->root().find(key);
  if (!value) return "(absent)";
  return value->is_string() ? value->string() : std::string(value->text());
}

PolicyDraft good_draft() {
  return {.server = "valkey", .made_by = "grammar", .text = "version: 1\n", .findings = {"look at this"}, .changes = {"valkey_read: `deny` -> `allow`"},
          .effect = "1 tool callable", .tests = {{.call = "tool `valkey_read`", .verdict = "allow", .held = true}}, .base = {.policy = "sha256:old", .tools = "sha256:tools"}};
}

/// Wishes through the API, as a program makes them.
struct WishWorld : ApiWorld {
  ApiResponse start(std::string_view wish = "allow reads") { return post("/api/v1/servers/valkey/wishes", "{\"wish\":" + json::quoted(wish) + "}"); }
  std::string started(std::string_view wish = "allow reads") { return member(start(wish), "id"); }
  std::string state(const std::string& id) { return member(get("/api/v1/wishes/" + id), "state"); }
  std::string drafted() {
    std::string id = started();
    drafter.finish(good_draft());
    return id;
  }
  ApiResponse assets(const std::string& id) { return get("/api/v1/wishes/" + id + "/assets"); }
  ApiResponse apply(const std::string& id) { return post("/api/v1/wishes/" + id + "/apply"); }
};

TEST(Wishes, StartAnswersAtOnceWhereToAsk) {
  WishWorld world;
  const ApiResponse response = world.start("allow reads");
  EXPECT_EQ(response.status, 202);
  EXPECT_EQ(member(response, "state"), "running");
  EXPECT_EQ(member(response, "server"), "valkey");
  EXPECT_THAT(response.headers, testing::Contains(std::pair<std::string, std::string>("Location", "/api/v1/wishes/" + member(response, "id"))));
  EXPECT_THAT(world.drafter.wishes, ElementsAre("allow reads"));
  EXPECT_EQ(world.assets(member(response, "id")).status, 409) << "there is nothing to look at yet";
}

TEST(Wishes, ADraftIsLookedAtAndThenApplied) {
  WishWorld world;
  const std::string id = world.drafted();
  EXPECT_EQ(world.state(id), "drafted");
  const ApiResponse assets = world.assets(id);
  EXPECT_EQ(member(assets, "draft"), "version: 1\n");
  EXPECT_EQ(member(assets, "findings"), R"(["look at this"])");
  EXPECT_EQ(member(assets, "changes"), R"(["valkey_read: `deny` -> `allow`"])");
  EXPECT_EQ(member(assets, "tests"), R"([{"call":"tool `valkey_read`","verdict":"allow","held":true}])");
  EXPECT_EQ(member(assets, "made_against"), "sha256:old");
  EXPECT_THAT(world.drafter.applied, IsEmpty()) << "looking applies nothing";

  const ApiResponse applied = world.apply(id);
  EXPECT_EQ(applied.status, 200);
  EXPECT_EQ(member(applied, "state"), "applied");
  EXPECT_EQ(member(applied, "policy"), "sha256:new");
  EXPECT_THAT(world.drafter.applied, ElementsAre("version: 1\n"));
}

TEST(Wishes, ADraftIsAppliedOnce) {
  WishWorld world;
  const std::string id = world.drafted();
  EXPECT_EQ(world.apply(id).status, 200);
  EXPECT_EQ(world.apply(id).status, 409);
  EXPECT_EQ(world.drafter.applied.size(), 1U);
}

TEST(Wishes, WhatIsNotReadyOrHasFaultsIsNotApplied) {
  WishWorld world;
  const std::string running = world.started();
  EXPECT_EQ(world.apply(running).status, 409);
  PolicyDraft faulty = good_draft();
  faulty.faults = {"`delete_*`: `delete_*` is not understood"};
  world.drafter.finish(faulty);
  EXPECT_EQ(world.state(running), "failed");
  EXPECT_THAT(world.get("/api/v1/wishes/" + running).body, HasSubstr("is not understood"));
  EXPECT_EQ(world.apply(running).status, 409);
  EXPECT_THAT(world.drafter.applied, IsEmpty());
}

TEST(Wishes, AnEmptyDraftIsNoneEvenWithoutAFault) {
  WishWorld world;
  const std::string id = world.started();
  world.drafter.finish({.server = "valkey"});
  EXPECT_EQ(world.state(id), "failed");
}

TEST(Wishes, APolicyThatChangedMeanwhileStaysAndTheDraftToo) {
  WishWorld world;
  const std::string id = world.drafted();
  world.drafter.written = fail(ErrorKind::conflict, "the policy file has changed");
  EXPECT_EQ(world.apply(id).status, 409);
  EXPECT_EQ(world.state(id), "drafted");
}

TEST(Wishes, OnlySoManyAreDraftedAtOnce) {
  WishWorld world;
  const std::string first = world.started("allow reads");
  const std::string second = world.started("deny writes");
  EXPECT_EQ(world.start("hide everything").status, 503);
  world.drafter.finish(good_draft());
  EXPECT_EQ(world.start("hide everything").status, 202);
}

TEST(Wishes, TheOldestThatHasEndedMakesRoom) {
  WishWorld world;
  const std::string running = world.started("the one that runs");
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < WishJobs::most; ++i) {
    ids.push_back(world.started());
    const PolicyDrafter::Done done = std::move(world.drafter.waiting.back());
    world.drafter.waiting.pop_back();
    done(good_draft());
  }
  EXPECT_EQ(world.state(running), "running");
  EXPECT_EQ(world.get("/api/v1/wishes/" + ids[0]).status, 404);
  EXPECT_EQ(world.state(ids[1]), "drafted");
}

TEST(Wishes, DraftsExpireAfterAnHourAndWhatRunsDoesNot) {
  WishWorld world;
  const std::string ended = world.drafted();
  const std::string running = world.started();
  world.clock.advance(WishJobs::lasting);
  EXPECT_EQ(world.apply(ended).status, 404);
  EXPECT_EQ(world.state(running), "running");
  EXPECT_THAT(world.get("/api/v1/wishes").body, Not(HasSubstr(ended)));
  EXPECT_THAT(world.drafter.applied, IsEmpty());
}

TEST(Wishes, WhatIsDoneAfterItWasForgottenIsNoFault) {
  WishWorld world;
  const std::string id = world.started();
  world.drafter.finish(good_draft());
  world.clock.advance(WishJobs::lasting);
  EXPECT_EQ(world.get("/api/v1/wishes").body, R"({"wishes":[]})");
}

TEST(Wishes, AStartThatIsRefusedLeavesNoJob) {
  WishWorld world;
  EXPECT_EQ(world.post("/api/v1/servers/nobody/wishes", R"({"wish":"allow reads"})").status, 404);
  EXPECT_EQ(world.get("/api/v1/wishes").body, R"({"wishes":[]})");
}

/// Security requirement S29: as every other request of the API.
TEST(Wishes, NobodyWithoutTheTokenStartsOrApplies) {
  WishWorld world;
  const std::string id = world.drafted();
  for (const std::string& target : {std::string("/api/v1/servers/valkey/wishes"), "/api/v1/wishes/" + id + "/apply"}) {
    ApiRequest request{.method = "POST", .target = target, .headers = {}, .body = {}, .door = Door::listener};
    request.headers.add({"Host", "10.0.0.5:8809"});
    EXPECT_EQ(world.send(request).status, 401) << target;
  }
  EXPECT_THAT(world.drafter.applied, IsEmpty());
}

}  // namespace
}  // namespace callgate::admin::wishes_test
