#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

/// The calls that one counter still sees. Times are nanoseconds of the boot
/// clock and never go back from call to call.
namespace callgate::limits {

struct Rate {
  std::uint64_t max = 0;
  std::int64_t window = 0;  ///< nanoseconds, > 0
};

/// Up to this `max` every call's time is kept.
inline constexpr std::uint64_t max_exact = 1024;

/// So many calls at one time.
struct Batch {
  std::int64_t at = 0;
  std::uint64_t calls = 0;
};

/// The times of the latest calls, as many as any `max` of this way may ask for: sessions
/// that ended together leave more than one of them may make, and the `max` may be raised
/// while they count. Some of the oldest may be inherited from ended sessions.
class Times {
 public:
  std::uint64_t used(const Rate& rate, std::int64_t now);
  std::int64_t wait(const Rate& rate, std::int64_t now) const;  ///< pre: used() was called, >= max
  void add(const Rate& rate, Batch batch);
  bool remove(const Rate& rate, std::int64_t at);
  void inherit() { inherited_ = size_; }  ///< all there is now
  std::int64_t newest() const;            ///< INT64_MIN when empty

  template <class Visit>
  void each(bool own_only, Visit visit) const {
    for (std::uint32_t i = own_only ? inherited_ : 0; i < size_; ++i) visit(Batch{time(i), 1});
  }

 private:
  std::int64_t time(std::uint32_t i) const { return at_[(head_ + i) & (capacity_ - 1)]; }
  std::int64_t& time(std::uint32_t i) { return at_[(head_ + i) & (capacity_ - 1)]; }
  void drop_oldest();
  void grow();

  std::unique_ptr<std::int64_t[]> at_;  ///< a ring, oldest at head_
  std::uint32_t capacity_ = 0;          ///< a power of two, or 0
  std::uint32_t head_ = 0;
  std::uint32_t size_ = 0;
  std::uint32_t inherited_ = 0;  ///< of the oldest
};

/// Calls per 64th of the window, for large limits. A slot leaves when its last
/// moment does: a refusal may come early by 1/64 of the window, a permission
/// never.
class Slots {
 public:
  std::uint64_t used(const Rate& rate, std::int64_t now);
  std::int64_t wait(const Rate& rate, std::int64_t now) const;  ///< pre: used() was called, >= max
  void add(const Rate& rate, Batch batch);  ///< pre: used() was called for about that time
  bool remove(const Rate& rate, std::int64_t at);
  void inherit() { inherited_ = calls_; }
  std::int64_t newest() const { return newest_; }

  template <class Visit>
  void each(bool own_only, Visit visit) const {
    for (std::int64_t slot = oldest_slot_; slot <= newest_slot_; ++slot) {
      const std::size_t i = index(slot);
      const std::uint64_t calls = calls_[i] - (own_only && !inherited_.empty() ? inherited_[i] : 0);
      // The time within the slot that counts longest.
      if (calls > 0) visit(Batch{last_moment(slot) < newest_ ? last_moment(slot) : newest_, calls});
    }
  }

 private:
  void clear(std::size_t i);
  std::size_t index(std::int64_t slot) const;
  std::int64_t last_moment(std::int64_t slot) const { return (slot + 1) * width_ - 1; }

  std::vector<std::uint64_t> calls_;      ///< a ring of slots; inherited calls too
  std::vector<std::uint64_t> inherited_;  ///< those of them; empty where there are none
  std::int64_t width_ = 0;                ///< nanoseconds of a slot
  std::int64_t oldest_slot_ = 0;  ///< slots from here to newest_slot_ are in the ring
  std::int64_t newest_slot_ = -1;
  std::int64_t newest_ = INT64_MIN;  ///< time of the newest call
  std::uint64_t total_ = 0;
};

/// The calls of one counter, kept in the way that its `max` asks for. It may be
/// held against a smaller one than it is kept for, never against a larger one.
class Window {
 public:
  explicit Window(const Rate& rate) {
    if (rate.max > max_exact) calls_.emplace<Slots>();
  }
  /// Keeps the same calls for a `max` that was raised.
  void fit(const Rate& rate, std::int64_t now);
  std::uint64_t used(const Rate& rate, std::int64_t now) {
    return std::visit([&](auto& calls) { return calls.used(rate, now); }, calls_);
  }
  /// Until a call may pass; the whole window where none ever may.
  std::int64_t wait(const Rate& rate, std::int64_t now) const {
    if (rate.max == 0) return rate.window;
    return std::visit([&](const auto& calls) { return calls.wait(rate, now); }, calls_);
  }
  void add(const Rate& rate, Batch batch) {
    std::visit([&](auto& calls) { calls.add(rate, batch); }, calls_);
  }
  bool remove(const Rate& rate, std::int64_t at) {
    return std::visit([&](auto& calls) { return calls.remove(rate, at); }, calls_);
  }
  Window copy(const Rate& rate) const {
    Window same(rate);
    each(/*own_only=*/false, [&](Batch batch) { same.add(rate, batch); });
    return same;
  }
  /// Marks all calls as inherited: they count here, but belong to ended sessions.
  void inherit() {
    std::visit([](auto& calls) { calls.inherit(); }, calls_);
  }
  /// Nothing of it counts any more.
  bool over(const Rate& rate, std::int64_t now) const {
    return std::visit([&](const auto& calls) {
      return calls.newest() == INT64_MIN || calls.newest() + rate.window + rate.window / 64 <= now;
    }, calls_);
  }
  /// Calls oldest first; with `own_only` without the inherited ones.
  template <class Visit>
  void each(bool own_only, Visit visit_batch) const {
    std::visit([&](const auto& calls) { calls.each(own_only, visit_batch); }, calls_);
  }

 private:
  std::variant<Times, Slots> calls_;
};

}  // namespace callgate::limits
