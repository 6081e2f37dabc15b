#include "net/loop.hpp"

#include <bit>
#include <cassert>
#include <cerrno>
#include <ctime>
#include <limits>

#include <sys/eventfd.h>
#include <unistd.h>

namespace callgate::net {

void Waiter::Deadline::expired() {
  waiter.timed_out_ = true;
  waiter.wake();
}

void Waiter::suspend(std::coroutine_handle<> handle, Duration timeout) {
  handle_ = handle;
  waiting_ = true;
  timed_out_ = false;
  if (timeout != Loop::forever) loop_.arm(timer_, timeout);
}

void Waiter::wake() {
  if (!waiting_) return;
  waiting_ = false;
  timer_.cancel();
  loop_.ready(*this);
}

Descriptor::Descriptor(Loop& loop, int fd) : loop_(loop), fd_(fd) {
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.ptr = this}};
  watched_ = epoll_ctl(loop_.epoll_, EPOLL_CTL_ADD, fd_, &event) == 0;
  readable_ = !watched_;
}

Descriptor::~Descriptor() { release(); }

void Descriptor::release() {
  if (!std::exchange(released_, true)) loop_.forget(*this);
}

Descriptor::Ready Descriptor::readable(Duration timeout) { return {loop_, reader_, readable_, timeout}; }
Descriptor::Ready Descriptor::writable(Duration timeout) { return {loop_, writer_, writable_, timeout}; }
Descriptor::Ready Descriptor::hang_up(Duration timeout) { return {loop_, closer_, hung_up_, timeout}; }

void Descriptor::event(std::uint32_t events) {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    hung_up_ = true;
    if (closer_ != nullptr) closer_->wake();
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    readable_ = true;
    if (reader_ != nullptr) reader_->wake();
  }
  if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
    writable_ = true;
    if (writer_ != nullptr) writer_->wake();
  }
}

/// The root frame of a spawned task: starts at once, destroys itself at its end.
struct DetachedPromise : ListNode {
  TaskGroup& group;
  DetachedPromise(TaskGroup& owner, Task<void>&) : group(owner) {
    group.running_.push_back(*this);
    ++group.count_;
  }
  ~DetachedPromise() { --group.count_; }
  struct Detached {
    using promise_type = DetachedPromise;
  };
  Detached get_return_object() { return {}; }
  std::suspend_never initial_suspend() noexcept { return {}; }
  std::suspend_never final_suspend() noexcept { return {}; }
  void return_void() {}
  void unhandled_exception() {
    if (group.on_failure) group.on_failure(std::current_exception());
  }
};

namespace {
DetachedPromise::Detached run_detached(TaskGroup& /*group*/, Task<void> task) { co_await task; }
}  // namespace

void TaskGroup::spawn(Task<void> task) { run_detached(*this, std::move(task)); }

void TaskGroup::cancel() {
  while (running_.linked()) {
    auto& promise = static_cast<DetachedPromise&>(*running_.next);
    std::coroutine_handle<DetachedPromise>::from_promise(promise).destroy();
  }
}

void Inbox::post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (wake_ < 0) return;
  posted_.push_back(std::move(work));
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(wake_, &one, sizeof one);
}

std::vector<std::function<void()>> Inbox::take() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = read(wake_, &count, sizeof count);
  const std::lock_guard lock(mutex_);
  return std::exchange(posted_, {});
}

void Inbox::close() {
  const std::lock_guard lock(mutex_);
  ::close(std::exchange(wake_, -1));
  posted_.clear();
}

Loop::Loop() : epoll_(epoll_create1(EPOLL_CLOEXEC)), inbox_(std::make_shared<Inbox>(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC))) {
  assert(epoll_ >= 0 && inbox_->wake() >= 0);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, inbox_->wake(), &event);
  now_ = read_clock();
  tick_ = static_cast<std::uint64_t>(now_.time_since_epoch() / tick_length);
}

Loop::~Loop() {
  inbox_->close();
  close(epoll_);
}

Instant Loop::read_clock() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return Instant(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

void Loop::arm(Timer& timer, Duration delay) {
  if (!turning_) now_ = read_clock();
  // A timer far beyond any deadline is kept at a year: no overflow, no effect.
  const Duration bounded = std::min<Duration>(std::max(delay, Duration::zero()), std::chrono::hours(24 * 365));
  const auto due = static_cast<std::uint64_t>((now_ + bounded).time_since_epoch() / tick_length) + 1;
  timer.tick_ = due;
  nothing_before_ = std::min(nothing_before_, due);
  const std::size_t slot = due % slots;
  earliest_[slot] = wheel_[slot].linked() ? std::min(earliest_[slot], due) : due;
  wheel_[slot].push_back(timer);
  occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
}

Loop::Stage Loop::all_ran() { return {*this, at_ran_}; }
Loop::Stage Loop::turn_end() {
  ran_ = true;
  return {*this, at_end_};
}
Loop::Stage Loop::next_turn() { return {*this, at_next_turn_}; }
Loop::Sleep Loop::sleep(Duration delay) { return {*this, delay}; }

void Loop::forget(Descriptor& descriptor) {
  epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor.fd(), nullptr);
  for (int i = 0; i < event_count_; ++i) {
    if (events_[static_cast<std::size_t>(i)].data.ptr == &descriptor) events_[static_cast<std::size_t>(i)].events = 0;
  }
}

void Loop::run_ready() {
  for (;;) {
    while (ready_.linked()) {
      auto& waiter = static_cast<Waiter&>(*ready_.next);
      waiter.unlink();
      ran_ = true;
      waiter.handle_.resume();
    }
    if (!at_ran_.linked()) return;
    while (at_ran_.linked()) static_cast<Waiter&>(*at_ran_.next).wake();
  }
}

void Loop::run_posted() {
  for (auto& each : inbox_->take()) each();
  ran_ = true;
}

void Loop::run_timers() {
  const auto current = static_cast<std::uint64_t>(now_.time_since_epoch() / tick_length);
  // After a long pause every slot is visited once, not once for each missed tick.
  const std::uint64_t first = std::max(tick_ + 1, current >= slots ? current - slots + 1 : 0);
  for (std::uint64_t tick = first; tick <= current; ++tick) {
    const std::size_t slot = tick % slots;
    const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
    if ((occupied_[slot / 64] & bit) == 0) continue;
    ListNode due;
    std::uint64_t earliest = std::numeric_limits<std::uint64_t>::max();
    for (ListNode* node = wheel_[slot].next; node != &wheel_[slot];) {
      ListNode* following = node->next;
      if (auto& timer = *static_cast<Timer*>(node); timer.tick_ <= current) due.push_back(timer);
      else earliest = std::min(earliest, timer.tick_);
      node = following;
    }
    earliest_[slot] = earliest;
    if (!wheel_[slot].linked()) occupied_[slot / 64] &= ~bit;
    while (due.linked()) {
      auto& timer = *static_cast<Timer*>(due.next);
      timer.cancel();
      timer.expired();
      ran_ = true;
    }
  }
  tick_ = std::max(tick_, current);
}

/// False: the slot's timers were all cancelled, or are for a later round.
bool Loop::may_be_due(std::size_t slot, std::uint64_t tick) {
  if (wheel_[slot].linked()) return earliest_[slot] <= tick;
  occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  return false;
}

int Loop::wait_limit(Duration limit) {
  if (ready_.linked() || at_ran_.linked() || at_end_.linked() || at_next_turn_.linked()) return 0;
  look_for_due();
  const auto due = Instant(tick_length * static_cast<std::int64_t>(nothing_before_));
  const auto until = std::min<Duration>(limit, std::max<Duration>(Duration::zero(), due - now_));
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(until).count());
}

/// Moves `nothing_before_` on to the next timer of this round. With thousands for later rounds no turn goes through all
/// slots: the next one goes on where this one stopped.
void Loop::look_for_due() {
  constexpr int most_looks = 64;
  const std::uint64_t last = tick_ + slots;
  std::uint64_t tick = std::max(tick_ + 1, nothing_before_);
  for (int looks = 0; tick < last && looks < most_looks; ++looks) {
    const std::size_t slot = tick % slots;
    const std::uint64_t word = occupied_[slot / 64] >> (slot % 64);
    if (word == 0) {
      tick += 64 - slot % 64;
      continue;
    }
    tick += static_cast<std::uint64_t>(std::countr_zero(word));
    if (may_be_due(tick % slots, tick)) break;
    ++tick;
  }
  nothing_before_ = std::min(tick, last);
}

void Loop::turn(Duration limit) {
  event_count_ = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), wait_limit(limit));
  // A process that was stopped and goes on hears what came meanwhile before it counts that as not come.
  if (event_count_ < 0) event_count_ = epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), 0);
  now_ = read_clock();
  turning_ = true;
  ++turns_;
  ran_ = false;
  crowded_ = event_count_ > 1;
  for (int i = 0; i < event_count_; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr) {
      if (event.events != 0) run_posted();
    } else if (event.events != 0) {
      static_cast<Descriptor*>(event.data.ptr)->event(event.events);
    }
  }
  event_count_ = 0;
  run_timers();
  // Behind those whom an event or a timer woke.
  while (at_next_turn_.linked()) static_cast<Waiter&>(*at_next_turn_.next).wake();
  run_ready();
  while (ran_ || at_end_.linked()) {
    ran_ = false;
    for (auto& hook : hooks_) hook();
    while (at_end_.linked()) static_cast<Waiter&>(*at_end_.next).wake();
    run_ready();
  }
  turning_ = false;
}

void Loop::run() {
  while (!stopped_) turn(forever);
}

}  // namespace callgate::net
