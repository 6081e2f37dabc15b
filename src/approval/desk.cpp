#include "approval/desk.hpp"

#include <algorithm>
#include <cassert>
#include <iterator>

#include <fmt/format.h>

namespace callgate::approval {
namespace {

/// Whose questions are counted together.
std::string asker(const Binding& binding) { return binding.grant + '\n' + binding.session; }

std::int64_t in_ms(std::chrono::seconds span) { return std::chrono::milliseconds(span).count(); }

}  // namespace

Result<Asked> Desk::ask(Question question, Listener listener, Moment now) {
  expire(now);
  if (const auto known = open_.find(question.binding); known != open_.end()) {
    Entry& entry = entries_.find(known->second)->second;
    if (entry.places.size() >= limits_.calls_per_question) {
      return fail(ErrorKind::refused,
                  fmt::format("{} identical calls already wait for a person; wait for the answer",
                              limits_.calls_per_question));
    }
    return join(entry, question.back_to, std::move(listener));
  }
  if (Result<void> room = has_room(question); !room) return std::unexpected(room.error());

  std::string id = make_id_(now.wall_ms);
  if (id.empty() || entries_.contains(id)) return fail(ErrorKind::internal, "no fresh id for an approval");
  Entry& entry = open(std::move(id), std::move(question), now);
  Asked asked{.approval = entry.approval, .waiter = place(entry, std::move(listener))};
  if (observer_) observer_(asked.approval);
  return asked;
}

Asked Desk::join(Entry& entry, std::string_view back_to, Listener listener) {
  if (back_to == entry.approval.id && entry.rounds > 0) --entry.rounds;
  if (entry.approval.state != State::denied) {
    if (entry.owed > 0) --entry.owed;
    if (entry.approval.state == State::approved) listener = nullptr;
    return {.approval = entry.approval, .waiter = place(entry, std::move(listener))};
  }
  // The no that an earlier "ask again" was promised: its repeat gets it instead
  // of asking the person the same thing again.
  Asked asked{.approval = entry.approval, .waiter = {}};
  if (--entry.owed == 0) forget_binding(entry);
  return asked;
}

Result<void> Desk::has_room(const Question& question) const {
  if (question.timeout < std::chrono::seconds(1)) {
    return fail(ErrorKind::invalid, "an approval needs a timeout of at least 1 s");
  }
  if (bytes_of(question) > 2 * limits_.argument_bytes || question.arguments.size() > limits_.argument_bytes) {
    return fail(ErrorKind::too_large, fmt::format("arguments over {} bytes cannot be shown to a person; send less",
                                                  limits_.argument_bytes));
  }
  const auto mine = waiting_of_.find(asker(question.binding));
  if (mine != waiting_of_.end() && mine->second >= limits_.waiting_per_grant) {
    return fail(ErrorKind::refused, fmt::format("{} questions of this {} already wait for a person; wait for an answer",
                                                mine->second, question.binding.grant.empty() ? "session" : "grant"));
  }
  if (waiting_ >= limits_.waiting || open_bytes_ + bytes_of(question) > limits_.open_bytes) {
    return fail(ErrorKind::refused, "too many questions already wait for a person; try again later");
  }
  return {};
}

Desk::Entry& Desk::open(std::string id, Question question, Moment now) {
  open_bytes_ += bytes_of(question);
  ++waiting_;
  ++waiting_of_[asker(question.binding)];
  open_.emplace(question.binding, id);

  Entry& entry = entries_[id];
  entry.approval.asked_at_ms = now.wall_ms;
  entry.approval.expires_at_ms = now.wall_ms + in_ms(question.timeout);
  entry.approval.id = std::move(id);
  entry.approval.question = std::move(question);
  set_deadline(entry, now.boot + entry.approval.question.timeout);
  return entry;
}

Result<Approval> Desk::use(Waiter& waiter, const Binding& binding, Moment now) {
  expire(now);
  const auto found = entries_.find(waiter.id());
  if (waiter.places_ != this || found == entries_.end()) {
    return fail(ErrorKind::conflict, "this call holds no approval");
  }
  Entry& entry = found->second;
  if (entry.approval.state != State::approved) {
    return fail(ErrorKind::conflict, fmt::format("the approval is {}, not approved", word(entry.approval.state)));
  }
  if (entry.approval.question.binding != binding) {
    return fail(ErrorKind::conflict, "the call is no longer the one that was approved");
  }
  std::erase_if(entry.places, [&](const Place& each) { return each.number == waiter.number_; });
  waiter.places_ = nullptr;

  Approval used = entry.approval;
  used.state = State::used;
  used.ended_at_ms = now.wall_ms;
  close(entry, State::used);
  tell(used.id);
  return used;
}

std::optional<std::string> Desk::find_usable(const Binding& binding, Moment now) {
  expire(now);
  const auto known = open_.find(binding);
  if (known == open_.end() || find(known->second)->state != State::approved) return std::nullopt;
  return known->second;
}

Result<Approval> Desk::answer(std::string_view id, Answer answer, std::string by, std::string reason, Moment now) {
  expire(now);
  const auto found = entries_.find(id);
  if (found == entries_.end()) return fail(ErrorKind::not_found, fmt::format("no approval `{}` is known here", id));
  Entry& entry = found->second;
  Approval& approval = entry.approval;
  if (approval.state != State::waiting) {
    return fail(ErrorKind::conflict, fmt::format("the approval no longer waits: it is {}", word(approval.state)));
  }
  const std::string& grant = approval.question.binding.grant;
  if (!grant.empty() && grant == by) {
    return fail(ErrorKind::refused, "who asked may not answer; let somebody else decide");
  }
  approval.answered_by = std::move(by);
  approval.answer_reason = std::move(reason);
  approval.answered_at_ms = now.wall_ms;
  if (answer == Answer::yes) {
    left_waiting(entry);
    approval.state = State::approved;
    approval.expires_at_ms = now.wall_ms + in_ms(limits_.yes_lasts);
    set_deadline(entry, now.boot + limits_.yes_lasts);
  } else {
    close(entry, State::denied);
  }
  Approval answered = approval;
  tell(answered.id);
  return answered;
}

void Desk::expire(Moment now) {
  latest_ = now;
  while (!deadlines_.empty() && deadlines_.begin()->first <= now.boot) {
    const std::string id = deadlines_.begin()->second;
    Entry& entry = entries_.find(id)->second;
    if (entry.approval.state == State::denied) {
      forget_binding(entry);
      continue;
    }
    close(entry, State::expired);
    tell(id);
  }
  trim();
}

std::optional<BootTime> Desk::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first;
}

const Approval* Desk::find(std::string_view id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second.approval;
}

std::vector<const Approval*> Desk::list(std::optional<State> state) const {
  std::vector<const Approval*> out;
  for (const auto& [id, entry] : entries_) {
    if (!state || entry.approval.state == *state) out.push_back(&entry.approval);
  }
  return out;
}

void Desk::set_deadline(Entry& entry, BootTime deadline) {
  deadlines_.erase({entry.deadline, entry.approval.id});
  entry.deadline = deadline;
  deadlines_.emplace(deadline, entry.approval.id);
}

void Desk::left_waiting(Entry& entry) {
  --waiting_;
  const auto mine = waiting_of_.find(asker(entry.approval.question.binding));
  if (--mine->second == 0) waiting_of_.erase(mine);
}

/// Gives `entry` its final state and lets go of what only an open one needs.
void Desk::close(Entry& entry, State state) {
  Approval& approval = entry.approval;
  if (approval.state == State::waiting) left_waiting(entry);
  open_bytes_ -= bytes_of(approval.question);
  finished_bytes_ += approval.question.arguments.size();
  approval.question.bytes = {};
  approval.state = state;
  approval.ended_at_ms = latest_.wall_ms;
  entry.ended = latest_.boot;
  finished_.push_back(approval.id);

  if (state == State::denied && entry.owed > 0) {
    set_deadline(entry, latest_.boot + limits_.yes_lasts);
  } else {
    forget_binding(entry);
  }
}

/// From here on the same call is a new question.
void Desk::forget_binding(Entry& entry) {
  deadlines_.erase({entry.deadline, entry.approval.id});
  const auto known = open_.find(entry.approval.question.binding);
  if (known != open_.end() && known->second == entry.approval.id) open_.erase(known);
}

void Desk::trim() {
  while (!finished_.empty()) {
    const auto oldest = entries_.find(finished_.front());
    const bool over = finished_.size() > limits_.kept || finished_bytes_ > limits_.kept_bytes;
    if (!over && oldest->second.ended + limits_.kept_for > latest_.boot) return;
    forget_binding(oldest->second);
    finished_bytes_ -= oldest->second.approval.question.arguments.size();
    entries_.erase(oldest);
    finished_.pop_front();
  }
}

}  // namespace callgate::approval
