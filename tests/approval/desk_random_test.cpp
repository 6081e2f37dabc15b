#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <random>
#include <set>

#include "approval/desk_world.hpp"

namespace callgate::approval::desk_random_test {
namespace {

using namespace std::chrono_literals;

/// People and agents that do anything in any order, and a book of what they did
/// that says what must never happen.
class Crowd {
 public:
  explicit Crowd(std::uint32_t seed) : dice_(seed), world_(Limits{.waiting_per_grant = 3, .kept = 20}) {}

  void act() {
    switch (roll(9)) {
      case 0:
      case 1: ask(); break;
      case 2: answer(); break;
      case 3:
      case 4: use(); break;
      case 5: let_go(&Waiter::cancel); break;
      case 6: let_go(&Waiter::leave_open); break;
      case 7: let_go(&Waiter::leave_for_a_round); break;
      default: world_.pass(std::chrono::seconds(roll(250)));
    }
    check();
  }

  void go_home() {
    calls_.clear();
    world_.pass(1h);
    world_.pass(24h);
    EXPECT_TRUE(world_.desk.list().empty());
    EXPECT_EQ(world_.desk.next_deadline(), std::nullopt);
    EXPECT_EQ(world_.desk.waiting(), 0U);
  }
  std::size_t runs() const { return used_.size(); }

 private:
  struct Call {
    Waiter waiter;
    Binding binding;
  };

  std::size_t roll(std::size_t sides) { return std::uniform_int_distribution<std::size_t>(0, sides - 1)(dice_); }

  static Question question(std::size_t which) {
    return World::question(fmt::format("tool{}", which % 5), "{}", which < 5 ? "g1" : "g2");
  }

  void ask() {
    Question each = question(roll(10));
    if (const auto all = world_.desk.list(); !all.empty() && roll(2) == 0) each.back_to = all[roll(all.size())]->id;
    Binding binding = each.binding;
    auto asked = world_.ask(std::move(each));
    if (!asked) {
      EXPECT_EQ(asked.error().kind, ErrorKind::refused);
    } else if (asked->approval.state == State::denied) {
      EXPECT_EQ(asked->waiter.id(), "") << "a no holds no place";
    } else {
      EXPECT_EQ(asked->approval.question.binding, binding);
      calls_.push_back({.waiter = std::move(asked->waiter), .binding = std::move(binding)});
    }
  }

  void answer() {
    const auto all = roll(4) != 0 ? world_.desk.list(State::waiting) : world_.desk.list();
    if (all.empty()) return;
    const Approval before = *all[roll(all.size())];
    const bool yes = roll(3) != 0;
    const auto answered = yes ? world_.yes(before.id) : world_.no(before.id);
    EXPECT_EQ(answered.has_value(), before.state == State::waiting);
    if (answered && yes) said_yes_.emplace(before.id, world_.now.boot);
  }

  void use() {
    if (calls_.empty()) return;
    Call& call = calls_[roll(calls_.size())];
    const Binding binding = roll(5) != 0 ? call.binding : question(roll(10)).binding;
    const auto used = world_.desk.use(call.waiter, binding, world_.now);
    if (!used) return;
    EXPECT_EQ(used->question.binding, binding);
    EXPECT_TRUE(used_.insert(used->id).second) << "one yes, one run";
    ASSERT_TRUE(said_yes_.contains(used->id)) << "nothing runs without a yes";
    EXPECT_LT(world_.now.boot - said_yes_[used->id], 600s);
  }

  void let_go(void (Waiter::*how)()) {
    if (calls_.empty()) return;
    const auto call = calls_.begin() + static_cast<std::ptrdiff_t>(roll(calls_.size()));
    (call->waiter.*how)();
    calls_.erase(call);
  }

  void check() {
    std::set<Binding> open;
    std::map<std::string, std::size_t> waiting;
    for (const Approval* each : world_.desk.list()) {
      if (each->state == State::waiting) ++waiting[each->question.binding.grant];
      if (each->state != State::waiting && each->state != State::approved) continue;
      EXPECT_TRUE(open.insert(each->question.binding).second) << "two open questions of one call";
    }
    EXPECT_LE(waiting["g1"], 3U);
    EXPECT_LE(waiting["g2"], 3U);
    EXPECT_EQ(world_.desk.waiting(), waiting["g1"] + waiting["g2"]);
    EXPECT_EQ(world_.desk.list(State::waiting).size(), world_.desk.waiting());
    EXPECT_TRUE(open.empty() || world_.desk.next_deadline()) << "what is open has an end";
  }

  std::mt19937 dice_;
  World world_;
  std::vector<Call> calls_;
  std::map<std::string, BootTime> said_yes_;
  std::set<std::string> used_;
};

TEST(DeskAtRandom, NothingRunsTwiceUnaskedOrLateWhateverTheOrder) {
  std::size_t runs = 0;
  for (std::uint32_t seed = 0; seed < 220; ++seed) {
    Crowd crowd(seed);
    for (int step = 0; step < 300 && !testing::Test::HasFailure(); ++step) crowd.act();
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
    runs += crowd.runs();
    crowd.go_home();
  }
  EXPECT_GT(runs, 1'000U) << "the crowd must get to run calls, or this proves nothing";
}

}  // namespace
}  // namespace callgate::approval::desk_random_test
