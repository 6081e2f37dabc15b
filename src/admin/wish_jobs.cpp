#include "admin/wish_jobs.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

namespace callgate::admin {
namespace {

using JobState = WishJob::State;

std::unexpected<Error> unknown() { return fail(ErrorKind::not_found, "no wish of this id is known here; drafts are kept for an hour and not over a restart"); }

Result<void> check(std::string_view wish) {
  if (wish.find_first_not_of(" \t\r\n") == std::string_view::npos) return fail(ErrorKind::invalid, "`wish` is empty; say what may be called, as in `allow reads`");
  if (wish.size() > WishJobs::max_wish) return fail(ErrorKind::too_large, fmt::format("`wish` holds at most {} bytes", WishJobs::max_wish));
  return {};
}

std::string_view why_not(JobState state) {
  if (state == JobState::running) return "the draft is not ready; ask again for its state";
  if (state == JobState::failed) return "there is no draft that could be applied; see its `faults`";
  return "it has been applied already";
}

}  // namespace

std::string_view word(JobState state) {
  constexpr std::array<std::string_view, 4> words{"running", "drafted", "failed", "applied"};
  return words[static_cast<std::size_t>(state)];
}

Result<WishJob> WishJobs::start(std::string_view server, std::string wish) {
  if (const auto fit = check(wish); !fit) return std::unexpected(fit.error());
  forget_expired();
  if (running() >= most_running) return fail(ErrorKind::unavailable, fmt::format("{} wishes are being drafted; try again in a moment", most_running));
  WishJob job{.id = ids_.next(clock_.wall_ms()), .wish = std::move(wish), .draft = {.server = std::string(server)}, .started_ms = clock_.wall_ms()};
  job.expires_ms = job.started_ms + std::chrono::milliseconds(lasting).count();
  job.until = clock_.now() + lasting;
  // Known before it begins: whoever drafts may be done at once.
  make_room();
  const auto [place, added] = jobs_.emplace(job.id, job);
  const auto begun = drafter_.begin(server, job.wish, [this, id = job.id](PolicyDraft draft) { ended(id, std::move(draft)); });
  if (!begun) {
    jobs_.erase(place);
    return std::unexpected(begun.error());
  }
  return place->second;
}

Result<WishJob> WishJobs::find(std::string_view id) {
  forget_expired();
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return unknown();
  return found->second;
}

std::vector<WishJob> WishJobs::list() {
  forget_expired();
  std::vector<WishJob> all;
  for (const auto& [id, job] : jobs_) all.push_back(job);
  return all;
}

Result<WishJob> WishJobs::apply(std::string_view id) {
  forget_expired();
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return unknown();
  WishJob& job = found->second;
  if (job.state != JobState::drafted) return fail(ErrorKind::conflict, std::string(why_not(job.state)));
  Result<std::string> written = drafter_.apply(job.draft);
  if (!written) return std::unexpected(written.error());
  job.applied = std::move(*written);
  job.state = JobState::applied;
  return job;
}

void WishJobs::forget_expired() {
  std::erase_if(jobs_, [now = clock_.now()](const auto& each) { return each.second.state != JobState::running && each.second.until <= now; });
}

/// INVARIANT: fewer run than are kept, so one that has ended is always found.
void WishJobs::make_room() {
  static_assert(most_running < most);
  if (jobs_.size() < most) return;
  const auto oldest = std::ranges::find_if(jobs_, [](const auto& each) { return each.second.state != JobState::running; });
  if (oldest != jobs_.end()) jobs_.erase(oldest);
}

void WishJobs::ended(const std::string& id, PolicyDraft draft) {
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return;
  const bool good = draft.faults.empty() && !draft.text.empty();
  found->second.draft = std::move(draft);
  found->second.state = good ? JobState::drafted : JobState::failed;
}

std::size_t WishJobs::running() const {
  return static_cast<std::size_t>(std::ranges::count_if(jobs_, [](const auto& each) { return each.second.state == JobState::running; }));
}

}  // namespace callgate::admin
