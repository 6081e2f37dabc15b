#pragma once

#include <cstdint>
#include <string>
#include <utility>

namespace callgate::approval {

/// How a call lets go of its place in a question.
enum class Leaving : std::uint8_t { for_good, may_return, comes_back };

/// Who gives calls their places, and hears when they let go.
class Places {
 public:
  virtual ~Places() = default;

 private:
  friend class Waiter;
  virtual void leave(const std::string& id, std::uint64_t number, Leaving leaving) = 0;
};

/// One call's place in a question. Whoever holds it waits; how it lets go says
/// what becomes of the question. Destroying it cancels: a call that ended in a
/// way nobody thought of must not run later.
/// INVARIANT: who gave the place outlives its waiters. Threads: those of the giver.
class [[nodiscard]] Waiter {
 public:
  Waiter() = default;
  Waiter(Waiter&& other) noexcept;
  Waiter& operator=(Waiter&& other) noexcept;
  ~Waiter() { cancel(); }

  /// The call is over for good (cancelled; in 2026-07-28 also a closed stream).
  /// The question, or its unused yes, is withdrawn when no other call waits on
  /// it, none is to come back to it, and none was answered "ask again".
  void cancel();

  /// The call was answered, and its repeat may still come: "ask again", a full
  /// rate limit after the yes, a legacy connection that was lost. The question
  /// stays open until it times out.
  void leave_open();

  /// As above, for a call that will say which question it comes back to
  /// (`Question::back_to`): the question stays open until then.
  void leave_for_a_round();

  /// The id of the question; empty for a waiter that holds no place.
  const std::string& id() const { return id_; }

 private:
  friend class Desk;
  friend class SharedQuestions;
  Waiter(Places& places, std::string id, std::uint64_t number) : places_(&places), id_(std::move(id)), number_(number) {}

  Places* places_ = nullptr;
  std::string id_;
  std::uint64_t number_ = 0;
};

}  // namespace callgate::approval
