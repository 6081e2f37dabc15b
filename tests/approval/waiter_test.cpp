#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "approval/desk_world.hpp"

namespace callgate::approval::waiter_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(Waiter, CancelOfTheOnlyCallWithdrawsTheQuestion) {
  World world;
  auto asked = world.ask();
  asked->waiter.cancel();
  EXPECT_EQ(world.state(asked->approval.id), "withdrawn");
  EXPECT_EQ(world.yes(asked->approval.id).error().kind, ErrorKind::conflict);
  EXPECT_THAT(world.heard, IsEmpty()) << "who left hears nothing";
}

TEST(Waiter, CallThatEndsInAnyOtherWayIsCancelled) {
  World world;
  std::string id;
  {
    const auto asked = world.ask();
    id = asked->approval.id;
  }
  EXPECT_EQ(world.state(id), "withdrawn");
}

TEST(Waiter, CancelOfOneCallLeavesTheQuestionToTheOthers) {
  World world;
  auto first = world.ask(World::question(), "first");
  auto second = world.ask(World::question(), "second");
  first->waiter.cancel();
  ASSERT_TRUE(world.yes(second->approval.id));
  EXPECT_THAT(world.heard, ElementsAre("second approved"));
  EXPECT_TRUE(world.desk.use(second->waiter, World::question().binding, world.now));
}

TEST(Waiter, AskAgainKeepsTheQuestionOpenAndTheRepeatPicksTheYesUp) {
  World world;
  auto asked = world.ask();
  asked->waiter.leave_open();
  EXPECT_EQ(world.state(asked->approval.id), "waiting");
  ASSERT_TRUE(world.yes(asked->approval.id));
  EXPECT_EQ(world.desk.find_usable(World::question().binding, world.now), asked->approval.id);

  auto repeat = world.ask();
  EXPECT_EQ(repeat->approval.state, State::approved);
  EXPECT_EQ(repeat->approval.id, asked->approval.id);
  EXPECT_TRUE(world.desk.use(repeat->waiter, World::question().binding, world.now));
}

TEST(Waiter, CancelOfARepeatDoesNotWithdrawWhatAskAgainKeepsOpen) {
  World world;
  auto asked = world.ask();
  asked->waiter.leave_open();
  auto repeat = world.ask();
  repeat->waiter.cancel();
  EXPECT_EQ(world.state(asked->approval.id), "waiting");
  world.pass(600s);
  EXPECT_EQ(world.state(asked->approval.id), "expired");
}

TEST(Waiter, CancelBetweenTheYesAndItsUseWithdrawsTheYes) {
  World world;
  auto asked = world.ask();
  ASSERT_TRUE(world.yes(asked->approval.id));
  asked->waiter.cancel();
  EXPECT_EQ(world.state(asked->approval.id), "withdrawn");
  EXPECT_EQ(world.desk.use(asked->waiter, World::question().binding, world.now).error().kind, ErrorKind::conflict);
  EXPECT_EQ(world.ask()->approval.state, State::waiting) << "the next call is a new question";
}

TEST(Waiter, CancelAfterTheUseChangesNothing) {
  World world;
  auto asked = world.ask();
  ASSERT_TRUE(world.yes(asked->approval.id));
  ASSERT_TRUE(world.desk.use(asked->waiter, World::question().binding, world.now));
  asked->waiter.cancel();
  EXPECT_EQ(world.state(asked->approval.id), "used");
}

TEST(Waiter, FullRateLimitAfterTheYesLeavesItGoodUntilItExpires) {
  World world;
  auto asked = world.ask();
  ASSERT_TRUE(world.yes(asked->approval.id));
  asked->waiter.leave_open();
  world.pass(300s);
  auto repeat = world.ask();
  EXPECT_EQ(repeat->approval.state, State::approved);
  repeat->waiter.leave_open();
  world.pass(300s);
  EXPECT_EQ(world.state(asked->approval.id), "expired");
}

TEST(Waiter, LostLegacyConnectionKeepsTheQuestionForTheRepeat) {
  World world;
  auto asked = world.ask(World::question(), "lost");
  asked->waiter.leave_open();
  auto repeat = world.ask(World::question(), "repeat");
  ASSERT_TRUE(world.yes(asked->approval.id));
  EXPECT_THAT(world.heard, ElementsAre("repeat approved"));
}

TEST(Waiter, NoGivenAfterAskAgainIsToldToTheRepeatOnce) {
  World world;
  auto asked = world.ask();
  asked->waiter.leave_open();
  ASSERT_TRUE(world.no(asked->approval.id));

  const auto repeat = world.ask();
  EXPECT_EQ(repeat->approval.state, State::denied);
  EXPECT_EQ(repeat->approval.answer_reason, "not today");
  EXPECT_EQ(world.ask()->approval.state, State::waiting) << "a further call is a new question";
}

TEST(Waiter, NoThatItsCallHeardIsNotOwedToTheNext) {
  World world;
  auto asked = world.ask();
  asked->waiter.leave_open();
  auto repeat = world.ask();
  ASSERT_TRUE(world.no(asked->approval.id));
  EXPECT_THAT(world.heard, ElementsAre("call denied"));
  EXPECT_EQ(world.ask()->approval.state, State::waiting);
}

TEST(Waiter, OwedNoIsForgottenAfterTenMinutes) {
  World world;
  auto asked = world.ask();
  asked->waiter.leave_open();
  ASSERT_TRUE(world.no(asked->approval.id));
  world.pass(600s);
  EXPECT_EQ(world.state(asked->approval.id), "denied");
  EXPECT_EQ(world.ask()->approval.state, State::waiting);
  EXPECT_EQ(world.desk.next_deadline(), std::nullopt) << "the question just asked was withdrawn with its call";
}

TEST(Waiter, ListenerMayUseTheYesAndLetTheOthersGoWhileItIsCalled) {
  World world;
  Asked first;
  Asked second;
  bool second_heard_yes = false;
  first = *world.desk.ask(
      World::question(),
      [&](const Approval& approval) {
        if (approval.state != State::approved) return;
        EXPECT_TRUE(world.desk.use(first.waiter, approval.question.binding, world.now));
        second.waiter.cancel();
      },
      world.now);
  second = *world.desk.ask(
      World::question(), [&](const Approval& each) { second_heard_yes = each.state == State::approved; }, world.now);
  ASSERT_TRUE(world.yes(first.approval.id));
  EXPECT_FALSE(second_heard_yes);
  EXPECT_EQ(world.state(first.approval.id), "used");
}

TEST(Waiter, ListenerMayAskAnewWhenItsQuestionExpires) {
  World world;
  Asked asked;
  Asked anew;
  asked = *world.desk.ask(
      World::question(), [&](const Approval&) { anew = *world.desk.ask(World::question(), nullptr, world.now); },
      world.now);
  world.pass(600s);
  EXPECT_EQ(world.state(asked.approval.id), "expired");
  EXPECT_EQ(world.state(anew.approval.id), "waiting");
}

TEST(Waiter, MovedWaiterKeepsItsPlaceAndAnOverwrittenOneCancels) {
  World world;
  auto first = world.ask(World::question("a"));
  auto second = world.ask(World::question("b"));
  Waiter held = std::move(first->waiter);
  EXPECT_EQ(world.state(first->approval.id), "waiting");
  held = std::move(second->waiter);
  EXPECT_EQ(world.state(first->approval.id), "withdrawn");
  EXPECT_EQ(world.state(second->approval.id), "waiting");
}

TEST(Waiter, ObserverSeesEveryChange) {
  World world;
  std::vector<std::string> seen;
  world.desk.observe([&](const Approval& approval) { seen.emplace_back(word(approval.state)); });
  auto asked = world.ask();
  ASSERT_TRUE(world.yes(asked->approval.id));
  ASSERT_TRUE(world.desk.use(asked->waiter, World::question().binding, world.now));
  EXPECT_THAT(seen, ElementsAre("waiting", "approved", "used"));
}

}  // namespace
}  // namespace callgate::approval::waiter_test
