// Agents and people who do anything in any order at several gateways, held against the desk of one.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "contract/questions_makers.hpp"

namespace callgate::approval::questions_random_test {
namespace {

/// The same acts on shared questions and on a desk in memory: whatever the order,
/// both must say and end the same.
class Twins {
 public:
  Twins(QuestionsMaker& shared, std::uint32_t seed) : shared_(shared), dice_(seed) {
    const Limits limits{.waiting_per_grant = 3, .calls_per_question = 4};
    shared_.now = memory_.now;
    shared_.make(limits);
    memory_.make(limits);
  }
  ~Twins() { calls_.clear(); }

  void act() {
    switch (roll(13)) {
      case 0:
      case 1:
      case 2: ask(); break;
      case 3:
      case 4: answer(); break;
      case 5:
      case 6:
      case 7:
      case 8: use(); break;
      case 9: let_go(&Waiter::cancel); break;
      case 10: let_go(&Waiter::leave_open); break;
      case 11: let_go(&Waiter::leave_for_a_round); break;
      default: pass(std::chrono::seconds(roll(250)));
    }
    shared_.spread();
    EXPECT_EQ(state_of(shared_, id_of_), state_of(memory_, {}));
    EXPECT_EQ(heard_shared_, heard_memory_);
  }
  std::size_t runs() const { return runs_; }

 private:
  struct Call {
    Asked shared;
    Asked memory;
    std::size_t gateway;
    Binding binding;
  };

  std::size_t roll(std::size_t sides) { return std::uniform_int_distribution<std::size_t>(0, sides - 1)(dice_); }
  static Question question(std::size_t which) { return some_question(fmt::format("tool{}", which % 4), "{}", which < 4 ? "g1" : "g2"); }

  void ask() {
    Question each = question(roll(8));
    Question twin = each;
    if (!id_of_.empty() && roll(2) == 0) {
      const auto known = std::prev(id_of_.end(), static_cast<std::ptrdiff_t>(roll(std::min<std::size_t>(id_of_.size(), 5)) + 1));
      each.back_to = known->first;
      twin.back_to = known->second;
    }
    const std::size_t gateway = roll(shared_.gateways());
    const int number = ++asked_;
    auto shared = callgate::test::await(shared_.loop, shared_.at(gateway).ask(each, [this, number](const Approval& a) { heard_shared_[number] = word(a.state); }, shared_.now));
    auto memory = callgate::test::await(memory_.loop, memory_.at(0).ask(twin, [this, number](const Approval& a) { heard_memory_[number] = word(a.state); }, memory_.now));
    ASSERT_EQ(shared.has_value(), memory.has_value()) << (shared ? "" : shared.error().message);
    if (!shared) {
      EXPECT_EQ(shared.error().kind, memory.error().kind);
      return;
    }
    EXPECT_EQ(shared->approval.state, memory->approval.state);
    id_of_[shared->approval.id] = memory->approval.id;
    if (shared->approval.state != State::denied)
      calls_.push_back({.shared = std::move(*shared), .memory = std::move(*memory), .gateway = gateway, .binding = each.binding});
  }

  void answer() {
    if (id_of_.empty()) return;
    const auto each = std::prev(id_of_.end(), static_cast<std::ptrdiff_t>(roll(std::min<std::size_t>(id_of_.size(), 5)) + 1));
    const Answer how = roll(3) != 0 ? Answer::yes : Answer::no;
    const auto shared = callgate::test::await(shared_.loop, shared_.at(roll(shared_.gateways())).answer(each->first, how, "operator", "", shared_.now));
    const auto memory = callgate::test::await(memory_.loop, memory_.at(0).answer(each->second, how, "operator", "", memory_.now));
    EXPECT_EQ(shared.has_value(), memory.has_value());
    if (!shared) EXPECT_EQ(shared.error().message.substr(0, 20), memory.error().message.substr(0, 20));
  }

  void use() {
    if (calls_.empty()) return;
    Call& call = calls_[roll(calls_.size())];
    const Binding binding = roll(5) != 0 ? call.binding : question(roll(8)).binding;
    const auto shared = callgate::test::await(shared_.loop, shared_.at(call.gateway).use(call.shared.waiter, binding, shared_.now));
    const auto memory = callgate::test::await(memory_.loop, memory_.at(0).use(call.memory.waiter, binding, memory_.now));
    EXPECT_EQ(shared.has_value(), memory.has_value());
    runs_ += shared ? 1 : 0;
  }

  void let_go(void (Waiter::*how)()) {
    if (calls_.empty()) return;
    const auto call = calls_.begin() + static_cast<std::ptrdiff_t>(roll(calls_.size()));
    (call->shared.waiter.*how)();
    (call->memory.waiter.*how)();
    shared_.spread();
    calls_.erase(call);
  }

  void pass(std::chrono::seconds span) {
    for (QuestionsMaker* each : {&shared_, static_cast<QuestionsMaker*>(&memory_)}) {
      each->now.boot += span;
      each->now.wall_ms += std::chrono::milliseconds(span).count();
      for (std::size_t i = 0; i < each->gateways(); ++i) each->at(i).expire(each->now);
      callgate::test::await(each->loop, each->at(0).waiting(each->now)).value();
    }
  }

  using States = std::map<std::string, std::string>;
  static States state_of(QuestionsMaker& maker, const std::map<std::string, std::string>& id_of) {
    States states;
    for (const Approval& each : callgate::test::await(maker.loop, maker.at(0).list({}, maker.now)).value()) {
      const auto known = id_of.find(each.id);
      states[known == id_of.end() ? each.id : known->second] = fmt::format("{} until {}", word(each.state), each.expires_at_ms);
    }
    return states;
  }

  QuestionsMaker& shared_;
  MemoryQuestionsMaker memory_;
  std::mt19937 dice_;
  std::map<std::string, std::string> id_of_;  ///< what memory calls a shared question
  std::map<int, std::string> heard_shared_;
  std::map<int, std::string> heard_memory_;
  std::vector<Call> calls_;
  int asked_ = 0;
  std::size_t runs_ = 0;
};

/// Security requirement S20: once, bound and in time, whatever the order and the gateways.
TEST(QuestionsAtRandom, SharedOnesSayAndEndAsThoseOfOneGatewayDo) {
  if (!callgate::test::RedisServer::program()) GTEST_SKIP() << "neither valkey-server nor redis-server is installed";
  SharedQuestionsMaker shared(3);
  std::size_t runs = 0;
  for (std::uint32_t seed = 0; seed < 12 && !testing::Test::HasFailure(); ++seed) {
    Twins twins(shared, seed);
    for (int step = 0; step < 150 && !testing::Test::HasFailure(); ++step) twins.act();
    EXPECT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
    runs += twins.runs();
  }
  EXPECT_GT(runs, 30U) << "calls must get to run, or this proves nothing";
}

}  // namespace
}  // namespace callgate::approval::questions_random_test
