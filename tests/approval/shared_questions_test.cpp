// What questions on a server add to the contract: its faults, its clock, gateways that go.
#include "approval/shared_questions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include "approval/question_fields.hpp"
#include "base/ids.hpp"
#include "net/redis_server.hpp"

namespace callgate::approval::shared_questions_test {
namespace {

using callgate::test::await;
using callgate::test::RedisServer;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

Question question(std::string_view tool = "write") {
  return {.binding = {.grant = "g1", .session = {}, .server = "s", .address = "a", .tool = std::string(tool), .args_digest = "x", .rest_digest = {}, .definition = "d", .rule_digest = "r"},
          .arguments = "{}", .bytes = {}, .session = "s1", .rule = "/tools/write", .reason = {}, .timeout = 600s};
}

/// One gateway of several: its own connection, its own look at the feed.
struct Gateway {
  Gateway(net::Loop& loop, const RedisServer& server, std::string name, SharedQuestions::Time time = SharedQuestions::Time::of_server)
      : client(loop, place_of(server, time)), feed(client), questions(client, feed, [this](std::int64_t ms) { return ids.next(ms); }, {.gateway = std::move(name), .time = time}) {
    client.start({});
    EXPECT_TRUE(await(loop, feed.look()));
    EXPECT_TRUE(await(loop, questions.waiting({})));
  }
  /// Where a test turns the clock itself, a busy machine is not to look like a lost server.
  static net::RedisPlace place_of(const RedisServer& server, SharedQuestions::Time time) {
    return server.place(time == SharedQuestions::Time::of_caller ? 10s : RedisServer::until_lost);
  }
  void live() {
    alive.spawn(feed.keep_looking());
    alive.spawn(questions.keep_places());
  }
  IdSource ids;
  net::RedisClient client;
  net::RedisFeed feed;
  SharedQuestions questions;
  net::TaskGroup alive;
};

class SharedQuestionsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!RedisServer::program()) GTEST_SKIP() << "neither valkey-server nor redis-server is installed";
    server_.emplace();
    a_.emplace(loop_, *server_, "a");
    b_.emplace(loop_, *server_, "b");
  }
  Result<Asked> ask(Gateway& gateway, Question each = question()) {
    return await(loop_, gateway.questions.ask(std::move(each), [this](const Approval& approval) { heard_.emplace_back(word(approval.state)); }, now_));
  }
  Result<Approval> answer(Gateway& gateway, const std::string& id, Answer how = Answer::yes) {
    return await(loop_, gateway.questions.answer(id, how, "operator", "fine", now_));
  }
  std::string state(Gateway& gateway, const std::string& id) {
    const auto found = await(loop_, gateway.questions.find(id, now_));
    return !found ? found.error().message : *found ? std::string(word((*found)->state)) : "gone";
  }
  template <class Done>
  net::Duration until(Done done) {
    const auto began = net::Loop::read_clock();
    while (!done() && net::Loop::read_clock() < began + 10s) loop_.turn(5ms);
    EXPECT_TRUE(done());
    return net::Loop::read_clock() - began;
  }
  void look(Gateway& gateway) { EXPECT_TRUE(await(loop_, gateway.feed.look())); }

  net::Loop loop_;
  Moment now_{.boot = BootTime{} + 1h, .wall_ms = 1'800'000'000'000};
  std::vector<std::string> heard_;
  std::optional<RedisServer> server_;
  std::optional<Gateway> a_;
  std::optional<Gateway> b_;
};

TEST_F(SharedQuestionsTest, AnAnswerAtOneGatewayIsHeardAtAnotherWithinAThirdOfASecond) {
  a_->live();
  b_->live();
  // From the second on an answer comes right behind a look, and waits for the next as long as any. The quickest counts: this
  // process or the server may stand still during the others.
  net::Duration quickest = 1h;
  for (int i = 0; i < 6; ++i) {
    heard_.clear();
    const auto asked = ask(*a_, question(fmt::format("tool {}", i)));
    ASSERT_TRUE(asked);
    ASSERT_TRUE(answer(*b_, asked->approval.id));
    const auto took = until([&] { return !heard_.empty(); });
    EXPECT_THAT(heard_, ElementsAre("approved"));
    if (i > 0) quickest = std::min(quickest, took);
  }
  EXPECT_LT(quickest, 300ms);
  RecordProperty("heard_after_ms", static_cast<int>(quickest / 1ms));
}

/// Security requirement S20: of all gateways one call gets the yes.
TEST_F(SharedQuestionsTest, OfThreeCallsAtTwoGatewaysThatUseAYesInTheSameMomentOneGetsIt) {
  auto first = ask(*a_);
  auto second = ask(*b_);
  auto third = ask(*b_);
  ASSERT_TRUE(answer(*a_, first->approval.id));
  std::vector<net::Task<Result<Approval>>> tasks;
  tasks.push_back(a_->questions.use(first->waiter, question().binding, now_));
  tasks.push_back(b_->questions.use(second->waiter, question().binding, now_));
  tasks.push_back(b_->questions.use(third->waiter, question().binding, now_));
  int used = 0;
  for (auto& task : tasks) used += await(loop_, std::move(task)).has_value() ? 1 : 0;
  EXPECT_EQ(used, 1);
  EXPECT_EQ(state(*b_, first->approval.id), "used");
}

/// Security requirement S22: without the server nothing is asked, answered or used, and it is said at once.
TEST_F(SharedQuestionsTest, WithoutTheServerEverythingIsRefusedAtOnceAndNothingIsUsed) {
  auto asked = ask(*a_);
  ASSERT_TRUE(answer(*a_, asked->approval.id));
  server_->freeze();
  const auto began = net::Loop::read_clock();
  const auto used = await(loop_, a_->questions.use(asked->waiter, question().binding, now_));
  EXPECT_LT(net::Loop::read_clock() - began, RedisServer::until_lost * 3 / 2);
  ASSERT_FALSE(used);
  EXPECT_NE(used.error().kind, ErrorKind::conflict) << "a fault, not a reason to ask anew: " << used.error().message;
  EXPECT_FALSE(ask(*a_, question("other")));
  EXPECT_FALSE(answer(*a_, asked->approval.id));
  EXPECT_FALSE(await(loop_, a_->questions.list({}, now_)));
  server_->thaw();
  until([&] { return a_->client.health().has_value(); });
  EXPECT_EQ(state(*b_, asked->approval.id), "approved") << "what the server found too late used nothing up";
  EXPECT_TRUE(await(loop_, a_->questions.use(asked->waiter, question().binding, now_)));
}

TEST_F(SharedQuestionsTest, WhatTheServerFindsTooLateAsksNobody) {
  server_->freeze();
  EXPECT_FALSE(ask(*a_));
  server_->thaw();
  until([&] { return a_->client.health().has_value(); });
  until([&] {
    a_->questions.expire(now_);
    return await(loop_, a_->questions.waiting(now_)).value_or(9) == 0 && a_->questions.owed() == 0;
  });
}

TEST_F(SharedQuestionsTest, ACallThatLetsGoWhileTheServerIsAwayIsToldWhenItIsBack) {
  auto asked = ask(*a_);
  const std::string id = asked->approval.id;
  server_->freeze();
  EXPECT_FALSE(answer(*a_, id));
  asked->waiter.cancel();
  EXPECT_EQ(a_->questions.owed(), 1U);
  server_->thaw();
  a_->live();
  until([&] { return a_->questions.owed() == 0; });
  EXPECT_EQ(state(*b_, id), "withdrawn");
}

TEST_F(SharedQuestionsTest, CallsThatNobodyCanBeAskedAboutLeaveNoMoreThanSoMuchBehind) {
  server_->stop();
  for (int i = 0; i < 3'000; ++i) EXPECT_FALSE(ask(*a_));
  EXPECT_LE(a_->questions.owed(), 1'000U);
}

TEST_F(SharedQuestionsTest, ACallThatIsDroppedBeforeItsAnswerHoldsNoPlace) {
  { const auto dropped = a_->questions.ask(question(), nullptr, now_); }
  until([&] { return a_->questions.owed() == 0; });
  EXPECT_EQ(await(loop_, b_->questions.waiting(now_)).value(), 0U);
  EXPECT_EQ(await(loop_, b_->questions.list(State::withdrawn, now_)).value().size(), 1U);
}

TEST_F(SharedQuestionsTest, ACallHeldOverAnOutageHearsItsAnswer) {
  const auto asked = ask(*a_);
  a_->live();
  server_->freeze();
  EXPECT_FALSE(answer(*b_, asked->approval.id));
  server_->thaw();
  until([&] { return b_->client.health().has_value(); });
  ASSERT_TRUE(answer(*b_, asked->approval.id));
  until([&] { return !heard_.empty(); });
  EXPECT_THAT(heard_, ElementsAre("approved"));
}

TEST_F(SharedQuestionsTest, WhoMissedPartOfTheFeedLooksAtWhatItWaitsFor) {
  const auto asked = ask(*a_);
  look(*a_);
  ASSERT_TRUE(answer(*b_, asked->approval.id));
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(callgate::test::ask(b_->client, {"LPUSH", b_->feed.key() + ":said", "approval other"}));
    ASSERT_TRUE(callgate::test::ask(b_->client, {"HINCRBY", b_->feed.key(), "said", "1"}));
  }
  ASSERT_TRUE(callgate::test::ask(b_->client, {"LTRIM", b_->feed.key() + ":said", "0", "4095"}));
  look(*a_);
  until([&] { return !heard_.empty(); });
  EXPECT_THAT(heard_, ElementsAre("approved"));
}

TEST_F(SharedQuestionsTest, AServerThatForgotEverythingLeadsToANewQuestion) {
  auto asked = ask(*a_);
  ASSERT_TRUE(callgate::test::ask(b_->client, {"FLUSHALL"}));
  look(*a_);
  until([&] { return !heard_.empty(); });
  EXPECT_EQ(await(loop_, a_->questions.use(asked->waiter, question().binding, now_)).error().kind, ErrorKind::conflict);
  const auto anew = ask(*a_);
  ASSERT_TRUE(anew);
  EXPECT_EQ(anew->approval.state, State::waiting);
  EXPECT_NE(anew->approval.id, asked->approval.id);
}

TEST_F(SharedQuestionsTest, AServerThatForgotTheFunctionsIsGivenThemAgain) {
  auto asked = ask(*a_);
  ASSERT_FALSE(callgate::test::ask(b_->client, {"FUNCTION", "FLUSH"})->is_error());
  ASSERT_TRUE(answer(*b_, asked->approval.id));
  ASSERT_FALSE(callgate::test::ask(b_->client, {"FUNCTION", "FLUSH"})->is_error());
  EXPECT_TRUE(await(loop_, a_->questions.use(asked->waiter, question().binding, now_)));
  look(*a_);
}

TEST_F(SharedQuestionsTest, TheCallsOfAGatewayThatWasKilledLetGoAsThoseThatMayReturn) {
  Gateway gone(loop_, *server_, "gone", SharedQuestions::Time::of_caller);
  Gateway stays(loop_, *server_, "stays", SharedQuestions::Time::of_caller);
  auto lost = ask(gone);
  const std::string id = lost->approval.id;
  now_.boot += 11s;
  auto other = ask(stays);
  EXPECT_EQ(other->approval.id, id);
  other->waiter.cancel();
  until([&] { return stays.questions.owed() == 0; });
  EXPECT_EQ(state(stays, id), "waiting") << "its repeat may come through another gateway";
  ASSERT_TRUE(answer(stays, id));
  auto repeat = ask(stays);
  EXPECT_EQ(repeat->approval.state, State::approved);
  EXPECT_TRUE(await(loop_, stays.questions.use(repeat->waiter, question().binding, now_)));
}

TEST_F(SharedQuestionsTest, AGatewayThatLivesKeepsItsPlaces) {
  Gateway holds(loop_, *server_, "holds", SharedQuestions::Time::of_caller);
  Gateway other(loop_, *server_, "other", SharedQuestions::Time::of_caller);
  const auto held = ask(holds);
  for (int i = 0; i < 4; ++i) {
    now_.boot += 5s;
    holds.questions.expire(now_);
    struct Then {
      static net::Task<bool> it(SharedQuestions& questions) {
        co_await questions.hold();
        co_return true;
      }
    };
    await(loop_, Then::it(holds.questions));
  }
  auto joined = ask(other);
  joined->waiter.cancel();
  until([&] { return other.questions.owed() == 0; });
  const auto found = await(loop_, other.questions.find(held->approval.id, now_));
  EXPECT_EQ((*found)->state, State::waiting);
}

/// Security requirement S26: a shared server's clock that is set forward expires nothing early.
TEST_F(SharedQuestionsTest, AClockSetForwardExpiresNothingEarly) {
  const auto asked = ask(*a_);
  const std::string clock = "callgate:{approvals}:1:clock";
  const auto raw = callgate::test::ask(b_->client, {"HGET", clock, "raw"});
  const std::string a_day_ago = std::to_string(std::stoll(raw->text) - 86'400'000'000);
  ASSERT_TRUE(callgate::test::ask(b_->client, {"HSET", clock, "raw", a_day_ago}));  // as if a day had passed since
  EXPECT_EQ(state(*a_, asked->approval.id), "waiting");
}

TEST_F(SharedQuestionsTest, EveryKeyExpiresByItself) {
  auto first = ask(*a_);
  auto second = ask(*b_, question("other"));
  ASSERT_TRUE(answer(*a_, first->approval.id));
  ASSERT_TRUE(answer(*a_, second->approval.id, Answer::no));
  auto third = ask(*a_, question("third"));
  third->waiter.leave_open();
  const auto repeat = ask(*b_, question("third"));
  a_->live();
  until([&] { return a_->questions.owed() == 0; });
  const auto keys = callgate::test::ask(a_->client, {"KEYS", "*"});
  EXPECT_GE(keys->items.size(), 8U);
  for (const net::RedisReply& key : keys->items) EXPECT_GT(callgate::test::ask(a_->client, {"PTTL", key.text})->integer, 0) << key.text;
}

TEST_F(SharedQuestionsTest, LargeQuestionsAreListedSomeAtATime) {
  Gateway one(loop_, *server_, "one", SharedQuestions::Time::of_caller);
  Gateway other(loop_, *server_, "other", SharedQuestions::Time::of_caller);
  std::vector<Asked> calls;
  for (int i = 0; i < 20; ++i) {
    Question large = question(fmt::format("t{}", i));
    large.arguments = '"' + std::string(1'000'000, 'a') + '"';
    auto asked = ask(i % 2 == 0 ? one : other, std::move(large));
    ASSERT_TRUE(asked) << asked.error().message;
    calls.push_back(std::move(*asked));
  }
  const auto all = await(loop_, one.questions.list({}, now_));
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 20U);
  for (const Approval& each : *all) EXPECT_EQ(each.question.arguments.size(), 1'000'002U);
}

TEST(QuestionFields, AreReadAsTheyWereWrittenAndOthersAreLeftOut) {
  Question written = question();
  written.bytes = "{ }";
  std::vector<std::string> texts{"state", "approved", "answered_by", "ann", "ended_at", "12", "of_the_future", "x"};
  append_fields(texts, written);
  net::RedisReply reply{.kind = net::RedisReply::Kind::list};
  for (const std::string& text : texts) reply.items.push_back({.kind = net::RedisReply::Kind::text, .text = text});
  const auto read = read_fields("id", reply);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->state, State::approved);
  EXPECT_EQ(read->question.binding, written.binding);
  EXPECT_EQ(read->question.bytes, "{ }");
  EXPECT_EQ(read->question.timeout, 600s);
  EXPECT_EQ(read->answered_by, "ann");
  EXPECT_EQ(read->ended_at_ms, 12);
  EXPECT_FALSE(read_fields("id", {}).has_value());
}

}  // namespace
}  // namespace callgate::approval::shared_questions_test
