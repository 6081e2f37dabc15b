// What every implementation of approval::Questions must do, by however many gateways they are asked and answered.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "contract/questions_makers.hpp"

namespace callgate::approval::questions_contract_test {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class QuestionsContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() != "memory" && !callgate::test::RedisServer::program()) GTEST_SKIP() << "neither valkey-server nor redis-server is installed";
    maker_ = questions_maker(GetParam());
    maker_->make({});
  }
  void TearDown() override { calls_.clear(); }

  /// Asks at the next gateway, and writes what the call hears into `heard_` as "NAME word".
  Result<Asked> ask(Question question = some_question(), std::string name = "call") {
    return callgate::test::await(maker_->loop, next().ask(std::move(question),
                                                          [this, name](const Approval& approval) { heard_.push_back(fmt::format("{} {}", name, word(approval.state))); },
                                                          maker_->now));
  }
  Result<Approval> answer(const std::string& id, Answer how, std::string reason = "fine", std::string by = "operator") {
    auto answered = callgate::test::await(maker_->loop, next().answer(id, how, std::move(by), std::move(reason), maker_->now));
    maker_->spread();
    return answered;
  }
  Result<Approval> yes(const std::string& id) { return answer(id, Answer::yes); }
  Result<Approval> no(const std::string& id) { return answer(id, Answer::no, "not today"); }
  /// By the gateway that holds the call.
  Result<Approval> use(Asked& asked, const Binding& binding = some_question().binding) {
    for (std::size_t i = 0; i < maker_->gateways(); ++i) {
      auto used = callgate::test::await(maker_->loop, maker_->at(i).use(asked.waiter, binding, maker_->now));
      if (used || used.error().message != "this call holds no approval" || i + 1 == maker_->gateways()) return used;
    }
    return fail(ErrorKind::internal, "no gateway");
  }
  void leave(Asked& asked, void (Waiter::*how)()) {
    (asked.waiter.*how)();
    maker_->spread();
  }
  std::string state(const std::string& id) {
    const auto found = callgate::test::await(maker_->loop, next().find(id, maker_->now));
    return !found ? found.error().message : *found ? std::string(word((*found)->state)) : "gone";
  }
  std::size_t waiting() { return callgate::test::await(maker_->loop, next().waiting(maker_->now)).value(); }
  std::vector<std::string> list(std::optional<State> state = std::nullopt) {
    std::vector<std::string> ids;
    for (const Approval& each : callgate::test::await(maker_->loop, next().list(state, maker_->now)).value()) ids.push_back(each.id);
    return ids;
  }
  void pass(std::chrono::seconds span) {
    maker_->now.boot += span;
    maker_->now.wall_ms += std::chrono::milliseconds(span).count();
    for (std::size_t i = 0; i < maker_->gateways(); ++i) maker_->at(i).expire(maker_->now);
    waiting();
    maker_->spread();
  }
  Questions& next() { return maker_->at(turn_++); }

  std::unique_ptr<QuestionsMaker> maker_;
  std::size_t turn_ = 0;
  std::vector<std::string> heard_;
  std::vector<Asked> calls_;
};

/// Protocol item 58: a call that goes on at another gateway brings a seal of the one that asked.
TEST_P(QuestionsContract, AllGatewaysSealByOneKey) {
  const auto key = callgate::test::await(maker_->loop, next().seal_key(maker_->now));
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_NE(*key, SealKey{});
  for (std::size_t i = 0; i <= maker_->gateways(); ++i) EXPECT_EQ(callgate::test::await(maker_->loop, next().seal_key(maker_->now)).value(), *key);
  pass(std::chrono::hours(24) * 31);
  EXPECT_EQ(callgate::test::await(maker_->loop, next().seal_key(maker_->now)).value(), *key) << "a question may wait for 30 days";
}

TEST_P(QuestionsContract, ANewQuestionWaitsAndTellsWhatAPersonNeedsToDecide) {
  const auto asked = ask();
  ASSERT_TRUE(asked) << asked.error().message;
  const auto found = callgate::test::await(maker_->loop, next().find(asked->approval.id, maker_->now));
  ASSERT_TRUE(found && *found);
  const Approval& approval = **found;
  EXPECT_EQ(approval.state, State::waiting);
  EXPECT_EQ(approval.question.binding, some_question().binding);
  EXPECT_EQ(approval.question.arguments, R"({"key":"a"})");
  EXPECT_EQ(approval.question.session, "s1");
  EXPECT_EQ(approval.question.rule, "/tools/valkey_write");
  EXPECT_EQ(approval.question.reason, "writes need a look");
  EXPECT_EQ(approval.question.timeout, 600s);
  EXPECT_EQ(approval.asked_at_ms, 1'800'000'000'000);
  EXPECT_EQ(approval.expires_at_ms, 1'800'000'600'000);
  EXPECT_EQ(approval.answered_at_ms, 0);
  EXPECT_THAT(heard_, IsEmpty());
}

/// Security requirement S20: the stored bytes run, once, whatever gateway was asked and answered.
TEST_P(QuestionsContract, AYesIsHeardAndRunsTheStoredBytesOnce) {
  Question question = some_question();
  question.bytes = R"({ "key" : "a" })";
  auto asked = ask(std::move(question));
  const std::string id = asked->approval.id;
  const auto answered = yes(id);
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->state, State::approved);
  EXPECT_EQ(answered->answered_by, "operator");
  EXPECT_EQ(answered->answer_reason, "fine");
  EXPECT_EQ(answered->expires_at_ms, maker_->now.wall_ms + 600'000);
  EXPECT_THAT(heard_, ElementsAre("call approved"));
  const auto used = use(*asked);
  ASSERT_TRUE(used) << used.error().message;
  EXPECT_EQ(used->state, State::used);
  EXPECT_EQ(used->stored_arguments(), R"({ "key" : "a" })");
  EXPECT_EQ(state(id), "used");
  EXPECT_EQ(use(*asked).error().kind, ErrorKind::conflict);
}

TEST_P(QuestionsContract, ANoIsHeardWithThePersonsReasonAndNothingCanBeUsed) {
  auto asked = ask();
  const auto answered = no(asked->approval.id);
  ASSERT_TRUE(answered);
  EXPECT_EQ(answered->answer_reason, "not today");
  EXPECT_THAT(heard_, ElementsAre("call denied"));
  EXPECT_FALSE(use(*asked));
  EXPECT_EQ(state(asked->approval.id), "denied");
}

TEST_P(QuestionsContract, ASecondAnswerIsAConflictAndChangesNothing) {
  const auto asked = ask();
  ASSERT_TRUE(yes(asked->approval.id));
  EXPECT_EQ(yes(asked->approval.id).error().kind, ErrorKind::conflict);
  EXPECT_EQ(no(asked->approval.id).error().kind, ErrorKind::conflict);
  EXPECT_EQ(state(asked->approval.id), "approved");
  EXPECT_EQ(yes("01ARZ3NDEKTSV4RRFFQ69G5FAV").error().kind, ErrorKind::not_found);
}

/// Security requirement S20: who asks is not who answers.
TEST_P(QuestionsContract, WhoAskedMayNotAnswer) {
  const auto asked = ask();
  EXPECT_EQ(answer(asked->approval.id, Answer::yes, "", "g1").error().kind, ErrorKind::refused);
  EXPECT_EQ(state(asked->approval.id), "waiting");
}

/// Security requirement S20: identical questions are merged.
TEST_P(QuestionsContract, IdenticalCallsShareOneQuestionAndOneRun) {
  auto first = ask(some_question(), "first");
  auto second = ask(some_question(), "second");
  auto third = ask(some_question(), "third");
  EXPECT_EQ(first->approval.id, second->approval.id);
  EXPECT_EQ(waiting(), 1U);
  ASSERT_TRUE(yes(first->approval.id));
  EXPECT_THAT(heard_, UnorderedElementsAre("first approved", "second approved", "third approved"));
  EXPECT_TRUE(use(*second));
  EXPECT_FALSE(use(*first));
  EXPECT_FALSE(use(*third));
  maker_->spread();
  EXPECT_EQ(heard_.size(), 3U) << "each hears one answer";
  const auto again = ask(some_question(), "first");
  EXPECT_EQ(again->approval.state, State::waiting);
  EXPECT_NE(again->approval.id, second->approval.id);
}

/// Security requirement S20: what a yes is bound to, a member at a time. Protocol item 62.
TEST_P(QuestionsContract, EveryPartOfTheBindingMakesItAnotherQuestionAndSpoilsTheYes) {
  auto asked = ask();
  ASSERT_TRUE(yes(asked->approval.id));
  for (std::string Binding::*member : {&Binding::grant, &Binding::session, &Binding::server, &Binding::address, &Binding::tool, &Binding::args_digest,
                                       &Binding::rest_digest, &Binding::definition, &Binding::rule_digest}) {
    Question other = some_question();
    other.binding.*member += "x";
    EXPECT_EQ(use(*asked, other.binding).error().kind, ErrorKind::conflict);
    EXPECT_EQ(state(asked->approval.id), "approved") << "a failed use takes nothing";
    const auto anew = ask(other);
    EXPECT_EQ(anew->approval.state, State::waiting);
    EXPECT_NE(anew->approval.id, asked->approval.id);
  }
  EXPECT_TRUE(use(*asked));
}

struct Span {
  std::chrono::seconds before_answer;
  bool answered;
  std::chrono::seconds after_answer;
  std::string state;
};

/// Security requirement S20: questions and answers expire.
TEST_P(QuestionsContract, QuestionsEndAtTheirTimeoutAndAYesAfterTenMinutes) {
  for (const Span& row : {Span{0s, true, 0s, "approved"}, Span{599s, true, 0s, "approved"}, Span{600s, false, 0s, "expired"},
                          Span{3600s, false, 0s, "expired"}, Span{599s, true, 599s, "approved"}, Span{1s, true, 600s, "expired"}}) {
    const auto asked = ask();
    pass(row.before_answer);
    EXPECT_EQ(yes(asked->approval.id).has_value(), row.answered);
    pass(row.after_answer);
    EXPECT_EQ(state(asked->approval.id), row.state);
  }
}

TEST_P(QuestionsContract, ExpiryIsToldToTheCallsThatWait) {
  const auto asked = ask();
  pass(600s);
  EXPECT_THAT(heard_, ElementsAre("call expired"));
  EXPECT_EQ(waiting(), 0U);
}

/// Security requirement S20: at most twenty waiting for a grant, whatever gateways they came through.
TEST_P(QuestionsContract, TwentyQuestionsOfOneGrantWaitAndTheNextIsRefused) {
  for (int i = 0; i < 20; ++i) calls_.push_back(*ask(some_question("t", fmt::format("{}", i))));
  const auto refused = ask(some_question("t", "20"));
  EXPECT_EQ(refused.error().kind, ErrorKind::refused);
  EXPECT_THAT(refused.error().message, HasSubstr("20 questions of this grant"));
  EXPECT_TRUE(ask(some_question("t", "7"))) << "an identical call joins";
  EXPECT_TRUE(ask(some_question("t", "20", "g2"))) << "another grant has its own twenty";
  ASSERT_TRUE(no(calls_[3].approval.id));
  EXPECT_TRUE(ask(some_question("t", "20"))) << "an answer makes room";
}

TEST_P(QuestionsContract, UnderNoAuthenticationEachSessionHasItsShareButAllTogetherABound) {
  maker_->make({.waiting_per_grant = 1, .waiting = 2});
  std::vector<Result<Asked>> asked;
  for (const char* session : {"s1", "s2", "s3"}) {
    Question question = some_question("t", "{}", "");
    question.binding.session = session;
    asked.push_back(ask(question));
  }
  EXPECT_TRUE(asked[0]);
  EXPECT_TRUE(asked[1]);
  EXPECT_EQ(asked[2].error().kind, ErrorKind::refused);
}

TEST_P(QuestionsContract, CallsBytesAndTimesAreBounded) {
  maker_->make({.calls_per_question = 2, .argument_bytes = 10, .open_bytes = 15});
  const Question small = some_question("t", "1234567890");
  const auto first = ask(small);
  const auto second = ask(small);
  EXPECT_EQ(ask(small).error().kind, ErrorKind::refused) << "a third call on one question";
  EXPECT_EQ(ask(some_question("t", "12345678901")).error().kind, ErrorKind::too_large);
  EXPECT_EQ(ask(some_question("u", "123456")).error().kind, ErrorKind::refused) << "all together";
  Question hasty = some_question("v", "1");
  hasty.timeout = 0s;
  EXPECT_EQ(ask(hasty).error().kind, ErrorKind::invalid);
}

TEST_P(QuestionsContract, FinishedQuestionsAreKeptForADayWithinTheirNumberAndBytes) {
  maker_->make({.kept = 2, .kept_bytes = 8});
  std::vector<std::string> ids;
  for (const char* arguments : {"1", "2", "3", "12345678"}) {
    const auto asked = ask(some_question("t", arguments));
    ids.push_back(asked->approval.id);
    ASSERT_TRUE(no(ids.back()));
    pass(1s);
    if (ids.size() == 3) EXPECT_THAT(list(), ElementsAre(ids[1], ids[2]));
  }
  EXPECT_THAT(list(), ElementsAre(ids[3]));
  EXPECT_EQ(state(ids[0]), "gone");
  pass(24h);
  EXPECT_THAT(list(), IsEmpty());
}

TEST_P(QuestionsContract, ListsAreOldestFirstAndByState) {
  std::vector<std::string> ids;
  for (const char* tool : {"a", "b", "c"}) {
    calls_.push_back(*ask(some_question(tool)));
    ids.push_back(calls_.back().approval.id);
  }
  ASSERT_TRUE(yes(ids[1]));
  EXPECT_THAT(list(), ElementsAre(ids[0], ids[1], ids[2]));
  EXPECT_THAT(list(State::waiting), ElementsAre(ids[0], ids[2]));
  EXPECT_THAT(list(State::approved), ElementsAre(ids[1]));
  EXPECT_THAT(list(State::denied), IsEmpty());
}

// How calls let go ------------------------------------------------------------------

TEST_P(QuestionsContract, ACancelOfTheOnlyCallWithdrawsTheQuestion) {
  auto asked = ask();
  leave(*asked, &Waiter::cancel);
  EXPECT_EQ(state(asked->approval.id), "withdrawn");
  EXPECT_EQ(yes(asked->approval.id).error().kind, ErrorKind::conflict);
  EXPECT_THAT(heard_, IsEmpty()) << "who left hears nothing";
}

TEST_P(QuestionsContract, ACallThatEndsInAnyOtherWayIsCancelled) {
  std::string id;
  {
    const auto asked = ask();
    id = asked->approval.id;
  }
  maker_->spread();
  EXPECT_EQ(state(id), "withdrawn");
}

/// Protocol item 63.
TEST_P(QuestionsContract, ACancelOfOneCallLeavesTheQuestionToTheOthers) {
  auto first = ask(some_question(), "first");
  auto second = ask(some_question(), "second");
  leave(*first, &Waiter::cancel);
  ASSERT_TRUE(yes(second->approval.id));
  EXPECT_THAT(heard_, ElementsAre("second approved"));
  EXPECT_TRUE(use(*second));
}

TEST_P(QuestionsContract, AskAgainKeepsTheQuestionOpenAndTheRepeatPicksTheYesUp) {
  auto asked = ask();
  leave(*asked, &Waiter::leave_open);
  EXPECT_EQ(state(asked->approval.id), "waiting");
  ASSERT_TRUE(yes(asked->approval.id));
  auto repeat = ask();
  EXPECT_EQ(repeat->approval.state, State::approved);
  EXPECT_EQ(repeat->approval.id, asked->approval.id);
  EXPECT_TRUE(use(*repeat));
}

TEST_P(QuestionsContract, ACancelOfARepeatDoesNotWithdrawWhatAskAgainKeepsOpen) {
  auto asked = ask();
  leave(*asked, &Waiter::leave_open);
  auto repeat = ask();
  leave(*repeat, &Waiter::cancel);
  EXPECT_EQ(state(asked->approval.id), "waiting");
}

/// A call that comes back from a round says so, unlike a repeat: its share is known.
Question back_to(const std::string& id) {
  Question question = some_question();
  question.back_to = id;
  return question;
}

/// Protocol item 63.
TEST_P(QuestionsContract, ACallThatIsToComeBackKeepsTheQuestionOpenUntilItIsThere) {
  auto asked = ask();
  const std::string id = asked->approval.id;
  leave(*asked, &Waiter::leave_for_a_round);
  EXPECT_EQ(state(id), "waiting");
  auto back = ask(back_to(id));
  EXPECT_EQ(back->approval.id, id);
  leave(*back, &Waiter::cancel);
  EXPECT_EQ(state(id), "withdrawn");
}

/// Protocol item 63.
TEST_P(QuestionsContract, ACallThatComesBackAndIsOverLeavesTheQuestionToWhoIsStillToCome) {
  auto first = ask();
  auto second = ask();
  const std::string id = first->approval.id;
  leave(*first, &Waiter::leave_for_a_round);
  leave(*second, &Waiter::leave_for_a_round);
  auto other = ask();
  leave(*other, &Waiter::cancel);
  auto back = ask(back_to(id));
  leave(*back, &Waiter::cancel);
  EXPECT_EQ(state(id), "waiting") << "one call is still to come back";
  ASSERT_TRUE(yes(id));
  auto last = ask(back_to(id));
  EXPECT_TRUE(use(*last));
}

TEST_P(QuestionsContract, ACallThatComesBackFromARoundDoesNotWithdrawWhatAskAgainKeepsOpen) {
  auto first = ask();
  auto second = ask();
  const std::string id = first->approval.id;
  leave(*first, &Waiter::leave_open);
  leave(*second, &Waiter::leave_for_a_round);
  for (int i = 0; i < 3; ++i) {
    auto back = ask(back_to(id));
    leave(*back, &Waiter::cancel);
  }
  EXPECT_EQ(state(id), "waiting");
}

TEST_P(QuestionsContract, ANoIsOwedToACallThatIsToComeBack) {
  auto asked = ask();
  leave(*asked, &Waiter::leave_for_a_round);
  ASSERT_TRUE(no(asked->approval.id));
  EXPECT_EQ(ask(back_to(asked->approval.id))->approval.state, State::denied);
  EXPECT_EQ(ask()->approval.state, State::waiting) << "told once";
}

TEST_P(QuestionsContract, ACancelBetweenTheYesAndItsUseWithdrawsTheYes) {
  auto asked = ask();
  ASSERT_TRUE(yes(asked->approval.id));
  leave(*asked, &Waiter::cancel);
  EXPECT_EQ(state(asked->approval.id), "withdrawn");
  EXPECT_EQ(use(*asked).error().kind, ErrorKind::conflict);
  EXPECT_EQ(ask()->approval.state, State::waiting) << "the next call is a new question";
}

TEST_P(QuestionsContract, ANoGivenAfterAskAgainIsToldToTheRepeatOnce) {
  auto asked = ask();
  leave(*asked, &Waiter::leave_open);
  ASSERT_TRUE(no(asked->approval.id));
  const auto repeat = ask();
  EXPECT_EQ(repeat->approval.state, State::denied);
  EXPECT_EQ(repeat->approval.answer_reason, "not today");
  EXPECT_EQ(repeat->waiter.id(), "") << "a no holds no place";
  EXPECT_EQ(ask()->approval.state, State::waiting) << "a further call is a new question";
}

TEST_P(QuestionsContract, ANoThatItsCallHeardIsNotOwedToTheNext) {
  auto asked = ask();
  leave(*asked, &Waiter::leave_open);
  auto repeat = ask();
  ASSERT_TRUE(no(asked->approval.id));
  EXPECT_THAT(heard_, ElementsAre("call denied"));
  EXPECT_EQ(ask()->approval.state, State::waiting);
}

TEST_P(QuestionsContract, AnOwedNoIsForgottenAfterTenMinutes) {
  auto asked = ask();
  leave(*asked, &Waiter::leave_open);
  ASSERT_TRUE(no(asked->approval.id));
  pass(600s);
  EXPECT_EQ(state(asked->approval.id), "denied");
  EXPECT_EQ(ask()->approval.state, State::waiting);
}

TEST_P(QuestionsContract, AListenerMayAskAnewAndLetTheOthersGoWhileItIsCalled) {
  Asked anew;
  Asked other;
  bool other_heard = false;
  std::optional<net::Task<Result<Asked>>> asking;
  const auto listen = [&](const Approval&) {
    other.waiter.cancel();
    asking = maker_->at(0).ask(some_question(), nullptr, maker_->now);
  };
  const Asked first = *callgate::test::await(maker_->loop, maker_->at(0).ask(some_question(), listen, maker_->now));
  other = *callgate::test::await(maker_->loop, maker_->at(0).ask(some_question(), [&](const Approval&) { other_heard = true; }, maker_->now));
  pass(600s);
  ASSERT_TRUE(asking);
  anew = *callgate::test::await(maker_->loop, std::move(*asking));
  EXPECT_FALSE(other_heard);
  maker_->spread();
  EXPECT_EQ(state(first.approval.id), "expired");
  EXPECT_EQ(state(anew.approval.id), "waiting");
}

TEST_P(QuestionsContract, AMovedWaiterKeepsItsPlaceAndAnOverwrittenOneCancels) {
  auto first = ask(some_question("a"));
  auto second = ask(some_question("b"));
  Waiter held = std::move(first->waiter);
  maker_->spread();
  EXPECT_EQ(state(first->approval.id), "waiting");
  held = std::move(second->waiter);
  maker_->spread();
  EXPECT_EQ(state(first->approval.id), "withdrawn");
  EXPECT_EQ(state(second->approval.id), "waiting");
}

INSTANTIATE_TEST_SUITE_P(Approvals, QuestionsContract, testing::Values("memory", "shared", "three_gateways"),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace callgate::approval::questions_contract_test
