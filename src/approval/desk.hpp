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
#include "approval/questions.hpp"
#include "base/error.hpp"

namespace callgate::approval {

/// The questions to people: asked once for identical calls, bound to the exact
/// call, answered, used once, expired (policy-language.md section 4 `approval`,
/// security.md S20). It does no I/O and reads no clock: time comes in with each
/// call. Questions live in memory.
/// Threads: one; the loop that owns it.
class Desk final : private Places {
 public:
  explicit Desk(MakeId make_id, Limits limits = {}) : make_id_(std::move(make_id)), limits_(limits) {}
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  /// These, and their errors, as in `Questions`. Listeners are called when the
  /// desk is consistent again.
  Result<Asked> ask(Question question, Listener listener, Moment now);

  Result<Approval> use(Waiter& waiter, const Binding& binding, Moment now);

  /// The id of a yes that is good for this call now.
  std::optional<std::string> find_usable(const Binding& binding, Moment now);

  Result<Approval> answer(std::string_view id, Answer answer, std::string by, std::string reason, Moment now);

  /// Ends what has run out. Every call above does it too; call it at `next_deadline`.
  void expire(Moment now);
  std::optional<BootTime> next_deadline() const;

  /// Pointers are good until the next call that is not const. Oldest first.
  const Approval* find(std::string_view id) const;
  std::vector<const Approval*> list(std::optional<State> state = std::nullopt) const;
  std::size_t waiting() const { return waiting_; }

  /// Hears every change of every question. One at a time.
  void observe(Listener observer) { observer_ = std::move(observer); }

 private:
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
    std::size_t rounds = 0;  ///< calls that are to come back, and will say so
    std::size_t owed = 0;    ///< calls of both kinds whose repeat has not come yet
  };

  Asked join(Entry& entry, std::string_view back_to, Listener listener);
  Result<void> has_room(const Question& question) const;
  Entry& open(std::string id, Question question, Moment now);
  Waiter place(Entry& entry, Listener listener);
  void leave(const std::string& id, std::uint64_t number, Leaving leaving) override;
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
