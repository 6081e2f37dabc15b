#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "approval/question.hpp"
#include "base/error.hpp"

namespace callgate::approval {

class Desk;

/// Hears what became of a question. Called when the desk is consistent again,
/// so it may call the desk; the approval passed is a copy of that moment.
using Listener = std::function<void(const Approval&)>;

/// One call's place in a question. Whoever holds it waits; how it lets go says
/// what becomes of the question. Destroying it cancels: a call that ended in a
/// way nobody thought of must not run later.
/// INVARIANT: the desk outlives its waiters. Threads: those of the desk.
class [[nodiscard]] Waiter {
 public:
  Waiter() = default;
  Waiter(Waiter&& other) noexcept;
  Waiter& operator=(Waiter&& other) noexcept;
  ~Waiter() { cancel(); }

  /// The call is over for good (cancelled; in 2026-07-28 also a closed stream).
  /// The question, or its unused yes, is withdrawn when no other call waits on
  /// it and none was answered "ask again".
  void cancel();

  /// The call was answered, and its repeat may still come: "ask again", a full
  /// rate limit after the yes, a legacy connection that was lost. The question
  /// stays open until it times out.
  void leave_open();

  /// The id of the question; empty for a waiter that holds no place.
  const std::string& id() const { return id_; }

 private:
  friend class Desk;
  Waiter(Desk& desk, std::string id, std::uint64_t number) : desk_(&desk), id_(std::move(id)), number_(number) {}

  Desk* desk_ = nullptr;
  std::string id_;
  std::uint64_t number_ = 0;
};

/// What `Desk::ask` answers.
struct Asked {
  Approval approval;  ///< state `waiting`; `approved`: try `use`; `denied`: the no that an earlier "ask again" was owed
  Waiter waiter;      ///< holds no place when denied
};

enum class Answer : std::uint8_t { yes, no };

struct Limits {
  std::size_t waiting_per_grant = 20;   ///< questions; under `auth: none` per session
  std::size_t waiting = 1'000;          ///< questions of all grants
  std::size_t calls_per_question = 64;  ///< identical calls that wait on one question
  std::size_t argument_bytes = 1 << 20; ///< more than this cannot be shown to a person
  std::size_t open_bytes = 32 << 20;    ///< arguments of all open questions
  std::size_t kept = 1'000;             ///< finished questions for `list` and `show`
  std::size_t kept_bytes = 16 << 20;    ///< their arguments
  std::chrono::hours kept_for{24};
  std::chrono::seconds yes_lasts{600};  ///< a yes is good for one run within this time
};

/// The questions to people: asked once for identical calls, bound to the exact
/// call, answered, used once, expired (policy-language.md section 4 `approval`,
/// security.md S20). It does no I/O and reads no clock: time comes in with each
/// call. Questions live in memory; a store listens and brings them back.
/// Threads: one; the loop that owns it.
class Desk {
 public:
  using MakeId = std::function<std::string(std::int64_t wall_ms)>;

  explicit Desk(MakeId make_id, Limits limits = {}) : make_id_(std::move(make_id)), limits_(limits) {}
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  /// Joins the open question of the same binding or asks a new one. `listener`
  /// is called at most once, when the waiting ends while the waiter keeps its
  /// place: approved, denied or expired; never where the answer is there already.
  /// Errors, each a reason to refuse the call: `refused` (too many wait),
  /// `too_large` (arguments), `invalid` (timeout below 1 s).
  Result<Asked> ask(Question question, Listener listener, Moment now);

  /// Takes the yes of the waiter's question for one run of the call that
  /// `binding` describes: the binding as judged again now. Atomic: of several
  /// calls one gets it. Take the limits first, use last, then forward
  /// `stored_arguments()`. Errors: `conflict` (not approved, used, expired, or
  /// the call is no longer the one that was approved): ask anew.
  Result<Approval> use(Waiter& waiter, const Binding& binding, Moment now);

  /// The id of a yes that is good for this call now.
  std::optional<std::string> find_usable(const Binding& binding, Moment now);

  /// A person's answer. `by` names the person; the grant that asked may not
  /// answer itself. Errors: `not_found`, `conflict` (no longer waiting), `refused`.
  Result<Approval> answer(std::string_view id, Answer answer, std::string by, std::string reason, Moment now);

  /// Ends what has run out. Every call above does it too; call it at `next_deadline`.
  void expire(Moment now);
  std::optional<BootTime> next_deadline() const;

  /// Pointers are good until the next call that is not const. Oldest first.
  const Approval* find(std::string_view id) const;
  std::vector<const Approval*> list(std::optional<State> state = std::nullopt) const;
  std::size_t waiting() const { return waiting_; }

  /// Hears every change of every question: log, metrics, store. One at a time.
  void observe(Listener observer) { observer_ = std::move(observer); }

 private:
  friend class Waiter;

  enum class Leaving : std::uint8_t { for_good, may_return };
  struct Place {
    std::uint64_t number;
    Listener listener;  ///< empty once it was called
  };
  struct Entry {
    Approval approval;
    BootTime deadline{};     ///< of the question, of the yes, or of a no that is still owed
    BootTime ended{};
    std::vector<Place> places;
    bool kept_open = false;  ///< some call was answered "ask again"
    std::size_t owed = 0;    ///< such calls whose repeat has not come yet
  };

  Asked join(Entry& entry, Listener listener);
  Result<void> has_room(const Question& question) const;
  Entry& open(std::string id, Question question, Moment now);
  Waiter place(Entry& entry, Listener listener);
  void leave(const std::string& id, std::uint64_t number, Leaving leaving);
  void left_waiting(Entry& entry);
  void set_deadline(Entry& entry, BootTime deadline);
  void close(Entry& entry, State state);
  void forget_binding(Entry& entry);
  void trim();
  void tell(const std::string& id);

  MakeId make_id_;
  Limits limits_;
  Listener observer_;
  Moment latest_;  ///< the last moment that came in; a waiter lets go without a clock
  std::uint64_t last_place_ = 0;
  std::map<std::string, Entry, std::less<>> entries_;
  std::map<Binding, std::string> open_;                  ///< waiting, approved, or a no that is owed
  std::set<std::pair<BootTime, std::string>> deadlines_; ///< of what `open_` holds
  std::map<std::string, std::size_t, std::less<>> waiting_of_;  ///< by asker
  std::deque<std::string> finished_;                     ///< in the order of their end
  std::size_t waiting_ = 0;
  std::size_t open_bytes_ = 0;
  std::size_t finished_bytes_ = 0;
};

}  // namespace callgate::approval
