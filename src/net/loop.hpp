#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <sys/epoll.h>

#include "base/error.hpp"
#include "net/list.hpp"
#include "net/task.hpp"

/// The event loop: one epoll set, one wheel of timers, one queue of coroutines
/// that can go on. A *turn* is: wait for events, run everything that became
/// ready, then what waited for that (answers, which go out together), then the
/// turn's end (where the journal writes all records of the turn at once), then
/// what the turn's end released. A turn lasts until nobody
/// can go on: who could go on for ever hands over to the next one (`TurnShare`).
///
/// Threads: everything is called on the loop's thread, except `post`.
namespace callgate::net {

using Duration = std::chrono::nanoseconds;
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;  ///< CLOCK_BOOTTIME

class Loop;

/// Something that goes on when its time has come.
class Timer : private ListNode {
 public:
  Timer() = default;
  virtual ~Timer() = default;
  bool armed() const { return linked(); }
  void cancel() { unlink(); }

 protected:
  virtual void expired() = 0;

 private:
  friend class Loop;
  std::uint64_t tick_ = 0;
};

/// A coroutine that waits; wakes once, by an event or by its timer.
class Waiter : public ListNode {
 public:
  explicit Waiter(Loop& loop) : timer_(*this), loop_(loop) {}
  void suspend(std::coroutine_handle<> handle, Duration timeout);
  void wake();
  bool timed_out() const { return timed_out_; }
  bool waiting() const { return waiting_; }

 private:
  friend class Loop;
  struct Deadline final : Timer {
    explicit Deadline(Waiter& owner) : waiter(owner) {}
    void expired() override;
    Waiter& waiter;
  };
  Deadline timer_;
  Loop& loop_;
  std::coroutine_handle<> handle_;
  bool timed_out_ = false;
  bool waiting_ = false;
};

/// A file descriptor in the loop, edge triggered, with what is known of it.
/// Does not close the descriptor.
class Descriptor {
 public:
  Descriptor(Loop& loop, int fd);
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  /// Takes it out of the loop. INVARIANT: before close(2): a child between fork
  /// and exec may hold a copy, and a closed number can no longer be taken out.
  void release();
  int fd() const { return fd_; }
  Loop& loop() const { return loop_; }
  bool may_read() const { return readable_; }
  bool may_write() const { return writable_; }
  bool hung_up() const { return hung_up_; }  ///< the peer closed its side or the connection broke
  void drained() { readable_ = hung_up_ || !watched_; }  ///< a read found nothing more
  void filled() { writable_ = !watched_; }               ///< a write found no room

  class Ready;
  /// Until the descriptor is readable; false when `timeout` passed first.
  Ready readable(Duration timeout);
  Ready writable(Duration timeout);
  /// Until the peer hangs up (or `timeout` passed): data that arrives does not end the wait.
  Ready hang_up(Duration timeout);

 private:
  friend class Loop;
  void event(std::uint32_t events);
  Loop& loop_;
  int fd_;
  bool released_ = false;
  bool watched_ = true;  ///< regular files cannot be watched: they are always ready
  bool readable_ = false;
  bool writable_ = true;
  bool hung_up_ = false;
  Waiter* reader_ = nullptr;
  Waiter* writer_ = nullptr;
  Waiter* closer_ = nullptr;
};

class Descriptor::Ready {
 public:
  Ready(Loop& loop, Waiter*& slot, const bool& flag, Duration timeout)
      : waiter_(loop), slot_(slot), flag_(flag), timeout_(timeout) {}
  ~Ready() {
    if (slot_ == &waiter_) slot_ = nullptr;
  }
  bool await_ready() const { return flag_; }
  void await_suspend(std::coroutine_handle<> handle) {
    slot_ = &waiter_;
    waiter_.suspend(handle, timeout_);
  }
  bool await_resume() const { return !waiter_.timed_out(); }

 private:
  Waiter waiter_;
  Waiter*& slot_;
  const bool& flag_;
  Duration timeout_;
};

/// Tasks that run by themselves; destroying the group cancels what still runs.
class TaskGroup {
 public:
  TaskGroup() = default;
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup() { cancel(); }
  /// Starts the task at once; an exception that leaves it goes to `on_failure`.
  void spawn(Task<void> task);
  void cancel();
  bool empty() const { return !running_.linked(); }
  std::size_t size() const { return count_; }
  std::function<void(std::exception_ptr)> on_failure;

 private:
  friend struct DetachedPromise;
  ListNode running_;
  std::size_t count_ = 0;
};

/// Where other threads leave work for a loop. Threads: any.
class Inbox {
 public:
  explicit Inbox(int wake) : wake_(wake) {}
  /// Runs in a later turn; never, where the loop is gone.
  void post(std::function<void()> work);
  std::vector<std::function<void()>> take();
  void close();  ///< the loop is about to go

  std::atomic<int> lookups{0};  ///< names that threads are looking up
  int wake() const { return wake_; }

 private:
  std::mutex mutex_;
  int wake_;  ///< an eventfd; -1 once the loop is gone
  std::vector<std::function<void()>> posted_;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// The wheel of timers: a timer is due at the end of its tick, and shares its slot with those of later rounds.
  static constexpr Duration tick_length = std::chrono::milliseconds(4);
  static constexpr std::size_t slots = 1024;
  static constexpr Duration forever = Duration::max();

  void run();   ///< until stop()
  void stop() { stopped_ = true; }
  /// One turn, waiting at most `limit`; for tests.
  void turn(Duration limit);

  /// The time when this turn began, CLOCK_BOOTTIME; outside of a turn that of the call.
  Instant now() const { return turning_ ? now_ : read_clock(); }
  static Instant read_clock();

  void arm(Timer& timer, Duration delay);
  /// From any thread: runs `work` in a later turn.
  void post(std::function<void()> work) { inbox_->post(std::move(work)); }
  /// For threads that may outlive the loop.
  const std::shared_ptr<Inbox>& inbox() const { return inbox_; }
  /// Called at the end of every turn in which coroutines ran or timers expired.
  void at_turn_end(std::function<void()> hook) { hooks_.push_back(std::move(hook)); }

  class Stage;
  /// Until all that is ready in this turn has gone as far as it can. Who sends then
  /// sends along with others, and wakes whom they all send to once and not each time.
  Stage all_ran();
  /// Whether others have something to do in this turn as well: then it is worth waiting for them.
  bool crowded() const { return crowded_; }
  /// Until the hooks of this turn's end have run.
  Stage turn_end();
  /// Until a later turn, which has looked for events and timers before.
  Stage next_turn();
  std::uint64_t turns() const { return turns_; }  ///< begun so far
  class Sleep;
  Sleep sleep(Duration delay);

 private:
  friend class Descriptor;
  friend class Waiter;

  void ready(Waiter& waiter) { ready_.push_back(waiter); }
  void run_ready();
  void run_posted();
  void run_timers();
  int wait_limit(Duration limit);
  void look_for_due();
  bool may_be_due(std::size_t slot, std::uint64_t tick);
  void forget(Descriptor& descriptor);

  int epoll_ = -1;
  bool stopped_ = false;
  bool ran_ = false;
  bool crowded_ = false;
  bool turning_ = false;
  Instant now_;
  std::uint64_t tick_ = 0;
  std::uint64_t nothing_before_ = 0;  ///< no timer is due before this tick
  std::array<ListNode, slots> wheel_;
  std::array<std::uint64_t, slots / 64> occupied_{};
  std::array<std::uint64_t, slots> earliest_{};  ///< for occupied slots: no timer in it is due before this tick
  ListNode ready_;
  ListNode at_ran_;
  ListNode at_end_;
  ListNode at_next_turn_;
  std::uint64_t turns_ = 0;
  std::vector<std::function<void()>> hooks_;
  std::array<epoll_event, 256> events_{};
  int event_count_ = 0;
  std::shared_ptr<Inbox> inbox_;
};

/// A point of a turn that can be waited for.
class Loop::Stage {
 public:
  Stage(Loop& loop, ListNode& list) : waiter_(loop), list_(list) {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    waiter_.suspend(handle, forever);
    list_.push_back(waiter_);
  }
  void await_resume() const {}

 private:
  Waiter waiter_;
  ListNode& list_;
};

class Loop::Sleep {
 public:
  Sleep(Loop& loop, Duration delay) : waiter_(loop), delay_(delay) {}
  bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) { waiter_.suspend(handle, delay_); }
  void await_resume() const {}

 private:
  Waiter waiter_;
  Duration delay_;
};

/// What one source has taken of a turn, in bytes or in what a thing costs as
/// bytes: after `most`, it lets the others go on before it is read any further.
class TurnShare {
 public:
  explicit TurnShare(std::size_t most) : most_(most) {}
  void took(const Loop& loop, std::size_t amount) {
    if (turn_ != loop.turns()) taken_ = 0;
    turn_ = loop.turns();
    taken_ += amount;
  }
  /// Then: `co_await loop.next_turn()`.
  bool spent(const Loop& loop) const { return taken_ >= most_ && turn_ == loop.turns(); }

 private:
  std::size_t most_;
  std::size_t taken_ = 0;
  std::uint64_t turn_ = 0;
};

/// Wakes all that wait.
class Broadcast {
 public:
  explicit Broadcast(Loop& loop) : loop_(loop) {}
  void notify() {
    while (waiting_.linked()) static_cast<Waiter&>(*waiting_.next).wake();
  }
  class Wait {
   public:
    Wait(Loop& loop, ListNode& list, Duration timeout) : waiter_(loop), list_(list), timeout_(timeout) {}
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      waiter_.suspend(handle, timeout_);
      list_.push_back(waiter_);
    }
    /// False when the time passed first.
    bool await_resume() const { return !waiter_.timed_out(); }

   private:
    Waiter waiter_;
    ListNode& list_;
    Duration timeout_;
  };
  Wait wait(Duration timeout) { return {loop_, waiting_, timeout}; }

 private:
  Loop& loop_;
  ListNode waiting_;
};

/// Wakes at most one waiting coroutine; a signal that nobody waits for is kept.
class Signal {
 public:
  explicit Signal(Loop& loop) : loop_(loop) {}
  void raise() {
    raised_ = true;
    if (waiter_ != nullptr) waiter_->wake();
  }
  bool raised() const { return raised_; }
  class Wait {
   public:
    Wait(Signal& signal, Duration timeout) : waiter_(signal.loop_), signal_(signal), timeout_(timeout) {}
    ~Wait() {
      if (signal_.waiter_ == &waiter_) signal_.waiter_ = nullptr;
    }
    bool await_ready() const { return signal_.raised_; }
    void await_suspend(std::coroutine_handle<> handle) {
      signal_.waiter_ = &waiter_;
      waiter_.suspend(handle, timeout_);
    }
    /// False when the time passed first. Takes the signal.
    bool await_resume() const { return std::exchange(signal_.raised_, false); }

   private:
    Waiter waiter_;
    Signal& signal_;
    Duration timeout_;
  };
  Wait wait(Duration timeout) { return {*this, timeout}; }

 private:
  Loop& loop_;
  Waiter* waiter_ = nullptr;
  bool raised_ = false;
};

}  // namespace callgate::net
