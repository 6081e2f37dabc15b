#include "approval/desk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "approval/desk_world.hpp"

namespace callgate::approval::desk_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Desk, NewQuestionWaitsAndTellsWhatAPersonNeedsToDecide) {
  World world;
  const auto asked = world.ask();
  ASSERT_TRUE(asked);
  const Approval& approval = *world.desk.find(asked->approval.id);
  EXPECT_EQ(approval.state, State::waiting);
  EXPECT_EQ(approval.question.arguments, R"({"key":"a"})");
  EXPECT_EQ(approval.question.reason, "writes need a look");
  EXPECT_EQ(approval.asked_at_ms, 1'800'000'000'000);
  EXPECT_EQ(approval.expires_at_ms, 1'800'000'600'000);
  EXPECT_EQ(approval.answered_at_ms, 0);
  EXPECT_THAT(world.heard, IsEmpty());
}

/// Security requirement S20: the stored bytes run, once.
TEST(Desk, YesIsHeardAndRunsTheStoredBytesOnce) {
  World world;
  Question question = World::question();
  question.bytes = R"({ "key" : "a" })";
  const Binding binding = question.binding;
  auto asked = world.ask(std::move(question));
  const std::string id = asked->approval.id;

  const auto answered = world.yes(id);
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->state, State::approved);
  EXPECT_EQ(answered->answered_by, "operator");
  EXPECT_EQ(answered->answer_reason, "fine");
  EXPECT_EQ(answered->expires_at_ms, world.now.wall_ms + 600'000);
  EXPECT_THAT(world.heard, ElementsAre("call approved"));

  const auto used = world.desk.use(asked->waiter, binding, world.now);
  ASSERT_TRUE(used);
  EXPECT_EQ(used->stored_arguments(), R"({ "key" : "a" })");
  EXPECT_EQ(world.state(id), "used");
  EXPECT_EQ(world.desk.use(asked->waiter, binding, world.now).error().kind, ErrorKind::conflict);
}

TEST(Desk, NoIsHeardWithThePersonsReasonAndNothingCanBeUsed) {
  World world;
  auto asked = world.ask();
  const auto answered = world.no(asked->approval.id);
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->answer_reason, "not today");
  EXPECT_THAT(world.heard, ElementsAre("call denied"));
  EXPECT_FALSE(world.desk.use(asked->waiter, World::question().binding, world.now));
}

TEST(Desk, SecondAnswerIsAConflictAndChangesNothing) {
  World world;
  const auto asked = world.ask();
  const std::string id = asked->approval.id;
  ASSERT_TRUE(world.yes(id));
  EXPECT_EQ(world.yes(id).error().kind, ErrorKind::conflict);
  EXPECT_EQ(world.no(id).error().kind, ErrorKind::conflict);
  EXPECT_EQ(world.state(id), "approved");
}

TEST(Desk, UnknownIdIsNotFound) {
  World world;
  EXPECT_EQ(world.yes("01ARZ3NDEKTSV4RRFFQ69G5FAV").error().kind, ErrorKind::not_found);
}

/// Security requirement S20: who asks is not who answers.
TEST(Desk, WhoAskedMayNotAnswer) {
  World world;
  const auto asked = world.ask();
  const auto answered = world.desk.answer(asked->approval.id, Answer::yes, "g1", "", world.now);
  EXPECT_EQ(answered.error().kind, ErrorKind::refused);
  EXPECT_EQ(world.state(asked->approval.id), "waiting");
}

/// Security requirement S20: identical questions are merged.
TEST(Desk, IdenticalCallsShareOneQuestionAndOneRun) {
  World world;
  auto first = world.ask(World::question(), "first");
  auto second = world.ask(World::question(), "second");
  EXPECT_EQ(first->approval.id, second->approval.id);
  EXPECT_EQ(world.desk.waiting(), 1U);

  ASSERT_TRUE(world.yes(first->approval.id));
  EXPECT_THAT(world.heard, ElementsAre("first approved", "second approved"));
  EXPECT_TRUE(world.desk.use(second->waiter, World::question().binding, world.now));
  EXPECT_THAT(world.heard, ElementsAre("first approved", "second approved")) << "each hears one answer";
  EXPECT_FALSE(world.desk.use(first->waiter, World::question().binding, world.now));

  const auto again = world.ask(World::question(), "first");
  EXPECT_EQ(again->approval.state, State::waiting);
  EXPECT_NE(again->approval.id, second->approval.id);
}

struct Difference {
  std::string name;
  std::function<void(Binding&)> change;
};

class EveryPartOfTheBinding : public testing::TestWithParam<Difference> {};

/// Security requirement S20: what a yes is bound to, a row a part. Protocol item 62.
TEST_P(EveryPartOfTheBinding, MakesItAnotherQuestionAndSpoilsTheYes) {
  World world;
  auto asked = world.ask();
  ASSERT_TRUE(world.yes(asked->approval.id));

  Question other = World::question();
  GetParam().change(other.binding);
  EXPECT_FALSE(world.desk.find_usable(other.binding, world.now));
  EXPECT_EQ(world.desk.use(asked->waiter, other.binding, world.now).error().kind, ErrorKind::conflict);
  EXPECT_EQ(world.state(asked->approval.id), "approved") << "a failed use takes nothing";

  const auto anew = world.ask(other);
  EXPECT_EQ(anew->approval.state, State::waiting);
  EXPECT_NE(anew->approval.id, asked->approval.id);
}

INSTANTIATE_TEST_SUITE_P(Desk, EveryPartOfTheBinding,
                         testing::Values(Difference{"grant", [](Binding& b) { b.grant = "g2"; }},
                                         Difference{"session", [](Binding& b) { b.session = "s2"; }},
                                         Difference{"server", [](Binding& b) { b.server = "other"; }},
                                         Difference{"address", [](Binding& b) { b.address = "http://evil"; }},
                                         Difference{"tool", [](Binding& b) { b.tool = "valkey_read"; }},
                                         Difference{"arguments", [](Binding& b) { b.args_digest = "x"; }},
                                         Difference{"definition", [](Binding& b) { b.definition = "sha256:d2"; }},
                                         Difference{"rule", [](Binding& b) { b.rule_digest = "sha256:r2"; }}),
                         [](const auto& row) { return row.param.name; });

struct Span {
  std::string name;
  std::chrono::seconds waits_before_answer;
  bool answered;
  std::chrono::seconds waits_after_answer;
  std::string state;
};

class Expiry : public testing::TestWithParam<Span> {};

/// Security requirement S20: questions and answers expire.
TEST_P(Expiry, EndsQuestionsAtTheirTimeoutAndAYesAfterTenMinutes) {
  const Span& row = GetParam();
  World world;
  const auto asked = world.ask();
  world.pass(row.waits_before_answer);
  EXPECT_EQ(world.yes(asked->approval.id).has_value(), row.answered);
  world.pass(row.waits_after_answer);
  EXPECT_EQ(world.state(asked->approval.id), row.state);
  EXPECT_EQ(world.desk.find_usable(World::question().binding, world.now).has_value(), row.state == "approved");
}

INSTANTIATE_TEST_SUITE_P(Desk, Expiry,
                         testing::Values(Span{"at_once", 0s, true, 0s, "approved"},
                                         Span{"last_second", 599s, true, 0s, "approved"},
                                         Span{"at_the_timeout", 600s, false, 0s, "expired"},
                                         Span{"long_after", 3600s, false, 0s, "expired"},
                                         Span{"yes_in_its_last_second", 599s, true, 599s, "approved"},
                                         Span{"yes_ten_minutes_old", 1s, true, 600s, "expired"}),
                         [](const auto& row) { return row.param.name; });

TEST(Desk, ExpiryIsToldToTheCallsThatWait) {
  World world;
  const auto asked = world.ask();
  EXPECT_EQ(world.desk.next_deadline(), world.now.boot + 600s);
  world.pass(600s);
  EXPECT_THAT(world.heard, ElementsAre("call expired"));
  EXPECT_EQ(world.desk.next_deadline(), std::nullopt);
  EXPECT_EQ(world.desk.waiting(), 0U);
}

TEST(Desk, WallClockJumpsNeitherReviveNorEndAnything) {
  World world;
  const auto asked = world.ask();
  world.now.wall_ms += 86'400'000;
  ASSERT_TRUE(world.yes(asked->approval.id)) << "a day forward on the wall is no time";
  world.pass(600s);
  EXPECT_EQ(world.state(asked->approval.id), "expired");
  world.now.wall_ms -= 2 * 86'400'000;
  EXPECT_FALSE(world.desk.find_usable(World::question().binding, world.now));
  EXPECT_FALSE(world.yes(asked->approval.id));
}

/// Security requirement S20: at most twenty waiting for a grant.
TEST(Desk, TwentyQuestionsOfOneGrantWaitAndTheNextIsRefused) {
  World world;
  std::vector<Asked> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(*world.ask(World::question("t", fmt::format("{}", i))));

  const auto refused = world.ask(World::question("t", "20"));
  EXPECT_EQ(refused.error().kind, ErrorKind::refused);
  EXPECT_THAT(refused.error().message, HasSubstr("20 questions of this grant already wait"));
  EXPECT_TRUE(world.ask(World::question("t", "7"))) << "an identical call joins";
  EXPECT_TRUE(world.ask(World::question("t", "20", "g2"))) << "another grant has its own twenty";

  ASSERT_TRUE(world.no(waiting[3].approval.id));
  EXPECT_TRUE(world.ask(World::question("t", "20"))) << "an answer makes room";
}

TEST(Desk, UnderNoAuthenticationEachSessionHasItsTwentyButAllTogetherABound) {
  World world(Limits{.waiting_per_grant = 1, .waiting = 2});
  std::vector<Result<Asked>> asked;
  for (const char* session : {"s1", "s2", "s3"}) {
    Question question = World::question("t", "{}", "");
    question.binding.session = session;
    asked.push_back(world.ask(question));
  }
  EXPECT_TRUE(asked[0]);
  EXPECT_TRUE(asked[1]);
  EXPECT_EQ(asked[2].error().kind, ErrorKind::refused);
}

TEST(Desk, CallsOnOneQuestionAreBounded) {
  World world(Limits{.calls_per_question = 2});
  const auto first = world.ask();
  const auto second = world.ask();
  EXPECT_EQ(world.ask().error().kind, ErrorKind::refused);
}

TEST(Desk, ArgumentsTooLargeToShowAreRefused) {
  World world(Limits{.argument_bytes = 10});
  EXPECT_EQ(world.ask(World::question("t", "12345678901")).error().kind, ErrorKind::too_large);
  EXPECT_TRUE(world.ask(World::question("t", "1234567890")));
}

TEST(Desk, TimeoutBelowOneSecondIsRefused) {
  World world;
  Question question = World::question();
  question.timeout = 0s;
  EXPECT_EQ(world.ask(question).error().kind, ErrorKind::invalid);
}

TEST(Desk, FinishedQuestionsAreKeptForADayWithinTheirNumber) {
  World world(Limits{.kept = 2});
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) {
    const auto asked = world.ask(World::question("t", fmt::format("{}", i)));
    ids.push_back(asked->approval.id);
    ASSERT_TRUE(world.no(ids.back()));
  }
  world.pass(1s);
  EXPECT_EQ(world.state(ids[0]), "gone");
  EXPECT_EQ(world.state(ids[2]), "denied");
  world.pass(24h);
  EXPECT_THAT(world.desk.list(), IsEmpty());
}

TEST(Desk, FinishedArgumentsAreBoundedInBytes) {
  World world(Limits{.kept_bytes = 10});
  const auto first = world.ask(World::question("t", "12345678"));
  ASSERT_TRUE(world.no(first->approval.id));
  const auto second = world.ask(World::question("t", "87654321"));
  ASSERT_TRUE(world.no(second->approval.id));
  world.pass(1s);
  EXPECT_EQ(world.state(first->approval.id), "gone");
  EXPECT_EQ(world.state(second->approval.id), "denied");
}

TEST(Desk, ListIsOldestFirstAndByState) {
  World world;
  const auto first = world.ask(World::question("a"));
  const auto second = world.ask(World::question("b"));
  const auto third = world.ask(World::question("c"));
  ASSERT_TRUE(world.yes(second->approval.id));
  ASSERT_EQ(world.desk.list(State::waiting).size(), 2U);
  EXPECT_EQ(world.desk.list(State::waiting)[0]->question.binding.tool, "a");
  EXPECT_EQ(world.desk.list().size(), 3U);
}

}  // namespace
}  // namespace callgate::approval::desk_test
