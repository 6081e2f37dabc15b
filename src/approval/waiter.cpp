#include <algorithm>
#include <iterator>
#include <utility>

#include "approval/desk.hpp"

/// The calls that wait on a question: how they take a place, let go, and hear.
namespace callgate::approval {

Waiter::Waiter(Waiter&& other) noexcept
    : places_(std::exchange(other.places_, nullptr)), id_(std::move(other.id_)), number_(other.number_) {
  other.id_.clear();
}

Waiter& Waiter::operator=(Waiter&& other) noexcept {
  if (this == &other) return *this;
  cancel();
  places_ = std::exchange(other.places_, nullptr);
  id_ = std::move(other.id_);
  other.id_.clear();
  number_ = other.number_;
  return *this;
}

void Waiter::cancel() {
  if (Places* places = std::exchange(places_, nullptr)) places->leave(id_, number_, Leaving::for_good);
}

void Waiter::leave_open() {
  if (Places* places = std::exchange(places_, nullptr)) places->leave(id_, number_, Leaving::may_return);
}

void Waiter::leave_for_a_round() {
  if (Places* places = std::exchange(places_, nullptr)) places->leave(id_, number_, Leaving::comes_back);
}

Waiter Desk::place(Entry& entry, Listener listener) {
  entry.places.push_back({.number = ++last_place_, .listener = std::move(listener)});
  return {*this, entry.approval.id, last_place_};
}

void Desk::leave(const std::string& id, std::uint64_t number, Leaving leaving) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  Entry& entry = found->second;
  const auto place = std::ranges::find(entry.places, number, &Place::number);
  if (place == entry.places.end()) return;
  entry.places.erase(place);
  // What is over stays as it ended: a listener lets another call go that has not heard yet.
  if (entry.approval.state != State::waiting && entry.approval.state != State::approved) return;

  if (leaving != Leaving::for_good) {
    if (leaving == Leaving::may_return) entry.kept_open = true;
    else ++entry.rounds;
    if (entry.approval.state == State::waiting) ++entry.owed;
    return;
  }
  if (!entry.places.empty() || entry.rounds > 0 || entry.kept_open) return;
  close(entry, State::withdrawn);
  tell(entry.approval.id);
}

/// Tells the observer, and every call that holds a place and has not heard yet.
/// A listener may let go of any waiter, its own too, and may ask anew: nothing
/// of the entry is held across a call. After a final state the places are gone.
void Desk::tell(const std::string& id) {
  const Entry& entry = entries_.find(id)->second;
  const Approval now = entry.approval;
  std::vector<std::uint64_t> numbers;
  std::ranges::transform(entry.places, std::back_inserter(numbers), &Place::number);

  if (observer_) observer_(now);
  for (const std::uint64_t number : numbers) {
    const auto found = entries_.find(now.id);
    if (found == entries_.end()) return;
    std::vector<Place>& places = found->second.places;
    const auto place = std::ranges::find(places, number, &Place::number);
    if (place == places.end()) continue;
    const Listener listener = std::exchange(place->listener, nullptr);
    if (now.state != State::approved) places.erase(place);
    if (listener) listener(now);
  }
}

}  // namespace callgate::approval
