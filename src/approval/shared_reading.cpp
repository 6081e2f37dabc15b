// How questions on a shared server are looked at: by people, and for the calls that wait.
#include <algorithm>
#include <utility>

#include "approval/question_fields.hpp"
#include "approval/shared_questions.hpp"
#include "base/random.hpp"

namespace callgate::approval {
namespace {

/// Questions asked for at once are of no more than about so many bytes, or one.
constexpr std::size_t most_at_once = std::size_t{4} << 20;

}  // namespace

// For people ----------------------------------------------------------------------

net::Task<Result<std::optional<Approval>>> SharedQuestions::find(std::string id, Moment now) {
  return finish_find(run(names_.show, now, {std::move(id)}));
}

net::Task<Result<std::optional<Approval>>> SharedQuestions::finish_find(net::Task<Result<Said>> showing) {
  auto said = co_await showing;
  if (!said) co_return std::unexpected(std::move(said.error()));
  if (said->items.size() != 4) co_return fail(ErrorKind::malformed, "the shared state gave an answer that cannot be read");
  co_return read_fields(said->items[2].text, said->items[3]);
}

net::Task<Result<std::vector<Approval>>> SharedQuestions::list(std::optional<State> state, Moment now) {
  return finish_list(now, run(names_.list, now, {state ? std::string(word(*state)) : std::string()}));
}

/// First the ids, then what they stand for, some at a time: a reply has a limit.
net::Task<Result<std::vector<Approval>>> SharedQuestions::finish_list(Moment now, net::Task<Result<Said>> listing) {
  auto said = co_await listing;
  if (!said) co_return std::unexpected(std::move(said.error()));
  std::vector<std::pair<std::string, std::size_t>> ids;
  for (std::size_t i = 2; i + 1 < said->items.size(); i += 2)
    ids.emplace_back(std::move(said->items[i].text), static_cast<std::size_t>(std::max<std::int64_t>(said->items[i + 1].integer, 0)));
  std::ranges::sort(ids);

  std::vector<Approval> all;
  for (std::size_t next = 0; next < ids.size();) {
    std::vector<std::string> some;
    for (std::size_t bytes = 0; next < ids.size() && some.size() < 200 && (some.empty() || bytes + ids[next].second <= most_at_once); ++next) {
      bytes += ids[next].second;
      some.push_back(ids[next].first);
    }
    auto shown = co_await run(names_.show, now, std::move(some));
    if (!shown) co_return std::unexpected(std::move(shown.error()));
    for (std::size_t i = 2; i + 1 < shown->items.size(); i += 2) {
      if (auto approval = read_fields(shown->items[i].text, shown->items[i + 1])) all.push_back(std::move(*approval));
    }
  }
  co_return all;
}

/// The first key that a gateway brings is the key of all.
net::Task<Result<SealKey>> SharedQuestions::seal_key(Moment now) {
  SealKey fresh;
  random_bytes(fresh);
  return finish_seal(run(names_.seal, now, {std::string(fresh.begin(), fresh.end())}));
}

net::Task<Result<SealKey>> SharedQuestions::finish_seal(net::Task<Result<Said>> sealing) {
  auto said = co_await sealing;
  if (!said) co_return std::unexpected(std::move(said.error()));
  SealKey key;
  if (said->items.size() != 3 || said->items[2].text.size() != key.size()) co_return fail(ErrorKind::malformed, "the shared state gave an answer that cannot be read");
  std::ranges::copy(said->items[2].text, key.begin());
  co_return key;
}

net::Task<Result<std::size_t>> SharedQuestions::waiting(Moment now) {
  auto said = co_await run(names_.count, now, {});
  if (!said) co_return std::unexpected(std::move(said.error()));
  if (said->items.size() != 3) co_return fail(ErrorKind::malformed, "the shared state gave an answer that cannot be read");
  co_return static_cast<std::size_t>(std::max<std::int64_t>(said->items[2].integer, 0));
}

// For the calls that wait ---------------------------------------------------------

void SharedQuestions::look_at(std::string_view id) {
  const bool ours = std::ranges::any_of(places_, [id](const auto& each) { return each.second.id == id && each.second.listener; });
  if (!ours) return;
  changed_.emplace(id);
  if (!std::exchange(looking_, true)) tasks_.spawn(look_again());
}

void SharedQuestions::look_at_all() {
  for (const auto& [number, place] : places_) {
    if (place.listener) changed_.insert(place.id);
  }
  if (!changed_.empty() && !std::exchange(looking_, true)) tasks_.spawn(look_again());
}

/// Those that cannot be read now are looked at with the next round of `hold`.
net::Task<void> SharedQuestions::look_again() {
  while (!changed_.empty()) {
    const std::string id = changed_.extract(changed_.begin()).value();
    auto found = co_await find(id, latest_);
    if (!found) {
      changed_.insert(id);
      break;
    }
    // A question that the server forgot, and a yes that another call has taken by now: whoever tries to use
    // them finds out, and asks anew.
    Approval approval = found->value_or(Approval{.id = id, .state = State::used});
    if (approval.state == State::used || approval.state == State::withdrawn) approval.state = State::approved;
    if (approval.state != State::waiting) tell(approval);
  }
  looking_ = false;
}

/// A listener may let go of any waiter, its own too, and may ask anew: nothing of
/// the places is held across a call. After a final state they are gone.
void SharedQuestions::tell(const Approval& approval) {
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, place] : places_) {
    if (place.id == approval.id) numbers.push_back(number);
  }
  for (const std::uint64_t number : numbers) {
    const auto place = places_.find(number);
    if (place == places_.end()) continue;
    const Listener listener = std::exchange(place->second.listener, nullptr);
    if (approval.state != State::approved) places_.erase(place);
    if (listener) listener(approval);
  }
}

net::Task<void> SharedQuestions::hold() {
  debts_.settle();
  // What the server's clock shows is known before the first question: one that it finds too late asks nobody.
  if (places_.empty() && (time_.known() || options_.time == Time::of_caller)) co_return;
  [[maybe_unused]] const auto held = co_await run(names_.hold, latest_, {options_.gateway});
  if (!changed_.empty() && !std::exchange(looking_, true)) tasks_.spawn(look_again());
}

net::Task<void> SharedQuestions::keep_places() {
  for (;;) {
    co_await hold();
    co_await functions_.client().loop().sleep(between_holds);
  }
}

}  // namespace callgate::approval
