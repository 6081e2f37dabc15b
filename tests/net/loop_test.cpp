#include "net/loop.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

namespace callgate::net::loop_test {
namespace {

using std::chrono::milliseconds;

/// Turns until `done` or a second has passed.
template <class Done>
void turn_until(Loop& loop, Done done) {
  const Instant until = Loop::read_clock() + std::chrono::seconds(5);
  while (!done() && Loop::read_clock() < until) loop.turn(milliseconds(20));
}

Task<int> forty_two() { co_return 42; }
Task<void> add_answer(int& out) { out += co_await forty_two(); }

TEST(Task, GivesItsValueToWhoAwaitsIt) {
  TaskGroup group;
  int out = 0;
  group.spawn(add_answer(out));
  EXPECT_EQ(out, 42);
  EXPECT_TRUE(group.empty());
}

Task<void> throw_error() {
  throw std::runtime_error("no");
  co_return;
}
Task<void> await_thrower() { co_await throw_error(); }

TEST(Task, AnExceptionReachesTheGroup) {
  TaskGroup group;
  bool heard = false;
  group.on_failure = [&](std::exception_ptr) { heard = true; };
  group.spawn(await_thrower());
  EXPECT_TRUE(heard);
  EXPECT_TRUE(group.empty());
}

struct Marks {
  bool& gone;
  ~Marks() { gone = true; }
};

Task<void> sleep_long(Loop& loop, bool& gone) {
  const Marks marks{gone};
  co_await loop.sleep(std::chrono::hours(1));
}

Task<void> note_time_after(Loop& loop, Duration delay, std::optional<Instant>& at) {
  co_await loop.sleep(delay);
  at = Loop::read_clock();
}

/// What is begun before the first turn, or between two, has its time from then, and not from a turn long ago.
TEST(Loop, CountsFromTheMomentThatAWaitBegan) {
  Loop loop;
  for (const bool has_turned : {false, true}) {
    if (has_turned) loop.turn(milliseconds(0));
    const Instant before = Loop::read_clock();
    while (Loop::read_clock() - before < milliseconds(60)) {
    }
    const Instant began = Loop::read_clock();
    EXPECT_GE(loop.now(), began);
    std::optional<Instant> at;
    TaskGroup group;
    group.spawn(note_time_after(loop, milliseconds(50), at));
    turn_until(loop, [&] { return at.has_value(); });
    ASSERT_TRUE(at.has_value());
    EXPECT_GE(*at - began, milliseconds(50));
  }
}

TEST(TaskGroup, CancellingDestroysWhatIsSuspended) {
  Loop loop;
  bool gone = false;
  {
    TaskGroup group;
    group.spawn(sleep_long(loop, gone));
    EXPECT_EQ(group.size(), 1U);
    EXPECT_FALSE(gone);
  }
  EXPECT_TRUE(gone);
  loop.turn(Duration::zero());  // nothing of it is left in the loop
}

Task<void> note_time(Loop& loop, Duration delay, std::vector<int>& order, int name) {
  co_await loop.sleep(delay);
  order.push_back(name);
}

TEST(Loop, TimersRunInTheOrderOfTheirTime) {
  Loop loop;
  TaskGroup group;
  std::vector<int> order;
  group.spawn(note_time(loop, milliseconds(60), order, 2));
  group.spawn(note_time(loop, milliseconds(10), order, 1));
  group.spawn(note_time(loop, milliseconds(0), order, 0));
  turn_until(loop, [&] { return order.size() == 3; });
  EXPECT_EQ(order, (std::vector{0, 1, 2}));
}

TEST(Loop, ATimerNeverRunsEarly) {
  Loop loop;
  TaskGroup group;
  std::vector<int> order;
  const Instant start = loop.now();
  group.spawn(note_time(loop, milliseconds(30), order, 0));
  turn_until(loop, [&] { return !order.empty(); });
  EXPECT_GE(Loop::read_clock() - start, milliseconds(30));
}

/// A timer of the wheel that is of no concern yet costs no turn: a gate with thousands of idle connections sleeps too.
Duration length_of_a_turn(Loop& loop, Duration limit) {
  const Instant start = loop.now();
  loop.turn(limit);
  return Loop::read_clock() - start;
}

TEST(Loop, ATimerThatWasCancelledEndsNoTurn) {
  Loop loop;
  std::vector<int> order;
  {
    TaskGroup group;
    group.spawn(note_time(loop, milliseconds(10), order, 0));
    loop.turn(Duration::zero());
  }
  EXPECT_GE(length_of_a_turn(loop, milliseconds(40)), milliseconds(40));
  EXPECT_TRUE(order.empty());
}

TEST(Loop, ATimerOfALaterRoundEndsNoTurn) {
  Loop loop;
  TaskGroup group;
  std::vector<int> order;
  group.spawn(note_time(loop, Loop::tick_length * Loop::slots + milliseconds(10), order, 1));
  loop.turn(Duration::zero());
  EXPECT_GE(length_of_a_turn(loop, milliseconds(40)), milliseconds(40));
  group.spawn(note_time(loop, milliseconds(10), order, 0));
  loop.turn(Duration::zero());
  EXPECT_LT(length_of_a_turn(loop, std::chrono::hours(1)), std::chrono::seconds(3)) << "the nearer one counts: the other comes a second later";
  turn_until(loop, [&] { return !order.empty(); });
  EXPECT_EQ(order, std::vector{0});
}

Task<void> wait_end(Loop& loop, std::vector<std::string>& log) {
  log.emplace_back("before");
  co_await loop.turn_end();
  log.emplace_back("after");
}

TEST(Loop, WhatWaitsForTheTurnsEndGoesOnAfterTheHooks) {
  Loop loop;
  TaskGroup group;
  std::vector<std::string> log;
  loop.at_turn_end([&] { log.emplace_back("hook"); });
  group.spawn(wait_end(loop, log));
  group.spawn(wait_end(loop, log));
  turn_until(loop, [&] { return log.size() >= 5; });
  ASSERT_GE(log.size(), 5U);
  EXPECT_EQ(std::vector(log.begin(), log.begin() + 5), (std::vector<std::string>{"before", "before", "hook", "after", "after"}));
}

Task<void> send_with_others(Loop& loop, std::vector<std::string>& log, std::string name) {
  co_await loop.next_turn();
  log.emplace_back(name + " works");
  co_await loop.all_ran();
  log.emplace_back(name + " sends");
}

TEST(Loop, WhatWaitsForTheOthersGoesOnWhenAllRanAndBeforeTheTurnsEnd) {
  Loop loop;
  TaskGroup group;
  std::vector<std::string> log;
  loop.at_turn_end([&] { log.emplace_back("end"); });
  group.spawn(send_with_others(loop, log, "one"));
  group.spawn(send_with_others(loop, log, "two"));
  loop.turn(Loop::forever);
  ASSERT_GE(log.size(), 5U);
  EXPECT_EQ(std::vector(log.begin(), log.begin() + 5), (std::vector<std::string>{"one works", "two works", "one sends", "two sends", "end"}));
}

Task<void> begin_to_wait(Loop& loop, bool& went_on) {
  co_await loop.all_ran();
  went_on = true;
}

TEST(Loop, WhoBeginsToWaitForTheOthersBetweenTurnsIsNotLeftWaiting) {
  Loop loop;
  TaskGroup group;
  bool went_on = false;
  group.spawn(begin_to_wait(loop, went_on));
  loop.turn(Loop::forever);
  EXPECT_TRUE(went_on);
}

Task<void> go_on_for_ever(Loop& loop, int& rounds) {
  for (;; ++rounds) co_await loop.next_turn();
}

TEST(Loop, WhoHandsOverToTheNextTurnHoldsUpNeitherTimersNorEvents) {
  Loop loop;
  TaskGroup group;
  int rounds = 0;
  std::vector<int> order;
  bool posted = false;
  group.spawn(go_on_for_ever(loop, rounds));
  group.spawn(note_time(loop, milliseconds(5), order, 1));
  loop.post([&] { posted = true; });
  loop.turn(Loop::forever);
  EXPECT_EQ(rounds, 1) << "once in a turn, which does not wait for events";
  EXPECT_TRUE(posted);
  turn_until(loop, [&] { return !order.empty(); });
  EXPECT_EQ(order.size(), 1U);
}

TEST(TurnShare, IsSpentUntilTheNextTurn) {
  Loop loop;
  TurnShare share(100);
  EXPECT_FALSE(share.spent(loop));
  share.took(loop, 99);
  EXPECT_FALSE(share.spent(loop));
  share.took(loop, 1);
  EXPECT_TRUE(share.spent(loop));
  loop.turn(Duration::zero());
  EXPECT_FALSE(share.spent(loop));
  share.took(loop, 1);
  EXPECT_FALSE(share.spent(loop)) << "what was taken of an earlier turn is not held against it";
}

Task<void> wait_signal(Signal& signal, Duration timeout, int& raised, int& timed_out) {
  (co_await signal.wait(timeout) ? raised : timed_out) += 1;
}

TEST(Signal, IsKeptUntilSomebodyWaits) {
  Loop loop;
  Signal signal(loop);
  TaskGroup group;
  int raised = 0;
  int timed_out = 0;
  signal.raise();
  group.spawn(wait_signal(signal, Loop::forever, raised, timed_out));
  EXPECT_EQ(raised, 1);
  group.spawn(wait_signal(signal, milliseconds(5), raised, timed_out));
  turn_until(loop, [&] { return timed_out == 1; });
  EXPECT_EQ(timed_out, 1);
}

Task<void> wait_broadcast(Broadcast& broadcast, int& woken) {
  if (co_await broadcast.wait(Loop::forever)) ++woken;
}

TEST(Broadcast, WakesAllThatWait) {
  Loop loop;
  Broadcast broadcast(loop);
  TaskGroup group;
  int woken = 0;
  for (int i = 0; i < 3; ++i) group.spawn(wait_broadcast(broadcast, woken));
  broadcast.notify();
  turn_until(loop, [&] { return woken == 3; });
  EXPECT_EQ(woken, 3);
}

TEST(Loop, WorkFromAnotherThreadRunsOnTheLoop) {
  Loop loop;
  std::thread::id ran;
  std::thread other([&] { loop.post([&] { ran = std::this_thread::get_id(); }); });
  other.join();
  turn_until(loop, [&] { return ran != std::thread::id(); });
  EXPECT_EQ(ran, std::this_thread::get_id());
}

Task<void> read_ready(Descriptor& descriptor, Duration timeout, int& result) {
  result = co_await descriptor.readable(timeout) ? 1 : 2;
}

class DescriptorPair : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0); }
  void TearDown() override {
    close(ends[0]);
    close(ends[1]);
  }
  int ends[2] = {-1, -1};
};

TEST_F(DescriptorPair, BytesWakeTheReader) {
  Loop loop;
  Descriptor descriptor(loop, ends[0]);
  TaskGroup group;
  int result = 0;
  group.spawn(read_ready(descriptor, Loop::forever, result));
  EXPECT_EQ(result, 0);
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  turn_until(loop, [&] { return result != 0; });
  EXPECT_EQ(result, 1);
}

TEST_F(DescriptorPair, ATimeoutWakesTheReaderToo) {
  Loop loop;
  Descriptor descriptor(loop, ends[0]);
  TaskGroup group;
  int result = 0;
  group.spawn(read_ready(descriptor, milliseconds(5), result));
  turn_until(loop, [&] { return result != 0; });
  EXPECT_EQ(result, 2);
}

TEST_F(DescriptorPair, AHangUpIsSeen) {
  Loop loop;
  Descriptor descriptor(loop, ends[0]);
  shutdown(ends[1], SHUT_WR);
  turn_until(loop, [&] { return descriptor.hung_up(); });
  EXPECT_TRUE(descriptor.hung_up());
  EXPECT_TRUE(descriptor.may_read());
}

// A child between fork and exec holds copies of all descriptors: closing one
// then leaves its registration alive, so it has to be taken out before.
TEST_F(DescriptorPair, AReleasedDescriptorIsSilentThoughACopyOfItLives) {
  Loop loop;
  const int copy = dup(ends[0]);
  {
    Descriptor descriptor(loop, ends[0]);
    loop.turn(Duration::zero());
    descriptor.release();
    close(std::exchange(ends[0], -1));
  }
  ASSERT_EQ(write(ends[1], "x", 1), 1);
  loop.turn(milliseconds(5));  // touches freed memory where the registration survived
  close(copy);
}

}  // namespace
}  // namespace callgate::net::loop_test
