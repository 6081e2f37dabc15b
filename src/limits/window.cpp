#include "limits/window.hpp"

#include <algorithm>
#include <utility>

namespace callgate::limits {
namespace {

/// Times before the boot are negative (a snapshot of an earlier boot).
std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

// Times -----------------------------------------------------------------------

void Times::drop_oldest() {
  head_ = (head_ + 1) & (capacity_ - 1);
  --size_;
  if (inherited_ > 0) --inherited_;
}

void Times::grow() {
  const std::uint32_t larger = std::max(capacity_ * 2, 4U);
  auto moved = std::make_unique<std::int64_t[]>(larger);
  for (std::uint32_t i = 0; i < size_; ++i) moved[i] = time(i);
  at_ = std::move(moved);
  capacity_ = larger;
  head_ = 0;
}

std::uint64_t Times::used(const Rate& rate, std::int64_t now) {
  // A call made exactly one window ago has left the window.
  while (size_ > 0 && time(0) <= now - rate.window) drop_oldest();
  return size_;
}

std::int64_t Times::wait(const Rate& rate, std::int64_t now) const {
  // The slot that must free first is the one that leaves `max - 1` in the window.
  return time(size_ - static_cast<std::uint32_t>(rate.max)) + rate.window - now;
}

void Times::add(const Rate& /*rate*/, Batch batch) {
  for (std::uint64_t i = std::min(batch.calls, max_exact); i > 0; --i) {
    if (size_ == max_exact) drop_oldest();
    if (size_ == capacity_) grow();
    time(size_++) = batch.at;
    // Records read back may come out of order; own calls stay sorted.
    for (std::uint32_t j = size_ - 1; j > inherited_ && time(j - 1) > time(j); --j) std::swap(time(j - 1), time(j));
  }
}

bool Times::remove(const Rate& /*rate*/, std::int64_t at) {
  for (std::uint32_t i = size_; i > inherited_; --i) {
    if (time(i - 1) != at) continue;
    for (std::uint32_t j = i; j < size_; ++j) time(j - 1) = time(j);
    --size_;
    return true;
  }
  return false;
}

std::int64_t Times::newest() const { return size_ == 0 ? INT64_MIN : time(size_ - 1); }

// Window ----------------------------------------------------------------------

void Window::fit(const Rate& rate, std::int64_t now) {
  auto* const times = std::get_if<Times>(&calls_);
  if (times == nullptr || rate.max <= max_exact) return;
  times->used(rate, now);
  std::size_t inherited = 0;
  times->each(/*own_only=*/false, [&](Batch) { ++inherited; });
  times->each(/*own_only=*/true, [&](Batch) { --inherited; });
  Slots slots;
  if (inherited == 0) {
    times->each(/*own_only=*/false, [&](Batch batch) { slots.add(rate, batch); });
  } else {
    std::size_t copied = 0;  // the inherited come first
    times->each(/*own_only=*/false, [&](Batch batch) {
      slots.add(rate, batch);
      if (++copied == inherited) slots.inherit();
    });
  }
  calls_ = std::move(slots);
}

// Slots -----------------------------------------------------------------------

std::size_t Slots::index(std::int64_t slot) const {
  const auto size = static_cast<std::int64_t>(calls_.size());
  return static_cast<std::size_t>(slot - floor_div(slot, size) * size);
}

void Slots::clear(std::size_t i) {
  total_ -= calls_[i];
  calls_[i] = 0;
  if (!inherited_.empty()) inherited_[i] = 0;
}

std::uint64_t Slots::used(const Rate& rate, std::int64_t now) {
  // A slot has left once a call in its last nanosecond would have.
  while (total_ > 0 && last_moment(oldest_slot_) <= now - rate.window) clear(index(oldest_slot_++));
  if (total_ == 0) oldest_slot_ = newest_slot_ + 1;
  return total_;
}

std::int64_t Slots::wait(const Rate& rate, std::int64_t now) const {
  std::uint64_t left = total_;
  for (std::int64_t slot = oldest_slot_; slot <= newest_slot_; ++slot) {
    left -= calls_[index(slot)];
    if (left < rate.max) return last_moment(slot) + rate.window - now;
  }
  return rate.window;
}

void Slots::add(const Rate& rate, Batch batch) {
  if (calls_.empty()) {
    width_ = std::max<std::int64_t>(rate.window / 64, 1);
    // The slots that a window can touch: one more than it is long, one more for the cut.
    calls_.resize(static_cast<std::size_t>(rate.window / width_ + 2));
  }
  std::int64_t slot = floor_div(batch.at, width_);
  if (oldest_slot_ > newest_slot_) {
    oldest_slot_ = newest_slot_ = slot;
  }
  slot = std::max(slot, oldest_slot_);
  const auto size = static_cast<std::int64_t>(calls_.size());
  while (newest_slot_ < slot) {
    if (++newest_slot_ - oldest_slot_ == size) clear(index(oldest_slot_++));
  }
  calls_[index(slot)] += batch.calls;
  total_ += batch.calls;
  newest_ = std::max(newest_, batch.at);
}

bool Slots::remove(const Rate& /*rate*/, std::int64_t at) {
  if (calls_.empty()) return false;
  const std::int64_t slot = floor_div(at, width_);
  if (slot < oldest_slot_ || slot > newest_slot_) return false;
  const std::size_t i = index(slot);
  if (calls_[i] == (inherited_.empty() ? 0 : inherited_[i])) return false;
  --calls_[i];
  --total_;
  return true;
}

}  // namespace callgate::limits
