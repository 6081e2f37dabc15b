#include "session/stored_rounds.hpp"

#include <algorithm>
#include <utility>

namespace callgate::session {

using RoundKind = store::RoundChange::Kind;

StoredRounds::StoredRounds(net::Loop& loop, const Clock& clock, Log& log, const std::filesystem::path& file,
                           Options options)
    : loop_(loop),
      clock_(clock),
      log_(log),
      options_(options),
      thread_(
          loop, {.path = file}, [this](const auto& opened) { return work(opened); },
          [this](const auto& rows, const auto& damage) { recall(rows, damage); }) {
  std::error_code unknown;
  const bool is_there = std::filesystem::exists(file, unknown);
  recalled_ = !is_there && !unknown;
}

// What stood in the file --------------------------------------------------------------

void StoredRounds::recall(const std::vector<store::RoundRow>& rows, const std::optional<Error>& damage) {
  if (damage)
    log_.error("rounds_unreadable",
               {{"fault", damage->message},
                {"effect", "calls of several rounds that wait are counted, and asked about, anew; the file is moved aside"}});
  // INVARIANT: before they are recalled none is expected or taken, so none of them is used already.
  if (std::exchange(recalled_, true)) return;
  for (const store::RoundRow& row : rows) recall(row);
  note({});  // whoever asked for it may have given up before it was opened
}

/// The wall clock counts between two processes only.
void StoredRounds::recall(const store::RoundRow& row) {
  const std::chrono::milliseconds age(clock_.wall_ms() - row.began_ms);
  std::vector<std::string> gone;
  if (age < age.zero() || age > good_for || row.rounds < 1) {
    gone.push_back(row.digest);
  } else {
    gone = book_.expect({.server = row.server, .digest = row.digest},
                        {.rounds = static_cast<std::size_t>(row.rounds),
                         .began = clock_.now() - age,
                         .counted = row.counted,
                         .covered = row.covered,
                         .approval = row.approval},
                        clock_.now());
  }
  for (std::string& digest : gone)
    add(store::RoundChange{.kind = RoundKind::taken, .row = {.digest = std::move(digest)}}, nullptr);
}

/// Whether all that stands in the file is in the book, which has it opened where need be.
net::Task<bool> StoredRounds::known(net::Instant until) {
  if (recalled_) co_return true;
  auto told = std::make_shared<Written>(loop_);
  if (add(std::nullopt, told)) [[maybe_unused]] const bool opened = co_await written(std::move(told), until);
  co_return recalled_;
}

std::int64_t StoredRounds::wall_of(BootTime time) const {
  return clock_.wall_ms() - std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - time).count();
}

// Calls -----------------------------------------------------------------------------

net::Task<bool> StoredRounds::expect(RoundKey key, CallSoFar so_far) {
  const net::Instant until = loop_.now() + options_.write_time;
  if (!recalled_ && !co_await known(until)) co_return false;
  store::RoundChange change{.kind = RoundKind::expected,
                            .row = {.digest = key.digest,
                                    .server = key.server,
                                    .rounds = static_cast<std::int64_t>(so_far.rounds),
                                    .began_ms = wall_of(so_far.began),
                                    .counted = so_far.counted,
                                    .covered = so_far.covered,
                                    .approval = so_far.approval}};
  for (std::string& digest : book_.expect(std::move(key), std::move(so_far), clock_.now()))
    add(store::RoundChange{.kind = RoundKind::taken, .row = {.digest = std::move(digest)}}, nullptr);
  auto told = std::make_shared<Written>(loop_);
  if (!add(std::move(change), told)) co_return false;
  co_return co_await written(std::move(told), until);
}

net::Task<std::optional<CallSoFar>> StoredRounds::find(RoundKey key) {
  const net::Instant until = loop_.now() + options_.write_time;
  if (!recalled_ && !co_await known(until)) co_return std::nullopt;
  const CallSoFar* found = book_.find(key.digest, clock_.now());
  co_return found != nullptr ? std::optional(*found) : std::nullopt;
}

net::Task<std::optional<CallSoFar>> StoredRounds::take(RoundKey key) {
  const net::Instant until = loop_.now() + options_.write_time;
  if (!recalled_ && !co_await known(until)) co_return std::nullopt;
  auto taken = book_.take(key.digest, clock_.now());
  auto told = std::make_shared<Written>(loop_);
  if (!taken || !add(store::RoundChange{.kind = RoundKind::taken, .row = {.digest = std::move(key.digest)}}, told))
    co_return std::nullopt;
  if (!co_await written(std::move(told), until)) co_return std::nullopt;
  co_return taken;
}

net::Task<bool> StoredRounds::written(std::shared_ptr<Written> told, net::Instant until) {
  if (!told->value) co_await told->done.wait(std::max<net::Duration>(until - loop_.now(), net::Duration::zero()));
  const Result<void> written = told->value.value_or(
      fail(ErrorKind::timeout, "the file of calls of several rounds was not written in time"));
  note(written);
  co_return memory_only_ || written.has_value();
}

/// Each change once, however long it stays so.
void StoredRounds::note(const Result<void>& written) {
  const bool newer = !written && written.error().kind == ErrorKind::unsupported;
  if (newer && !std::exchange(memory_only_, true)) {
    recalled_ = true;  // nothing of that file is ever read here
    log_.error("rounds_not_kept",
               {{"fault", written.error().message},
                {"effect", "after a restart calls of several rounds are counted, and asked about, anew"}});
  }
  if (memory_only_) return;
  const bool faulty = !written;
  if (faulty && !faulty_)
    log_.error("rounds_not_written",
               {{"fault", written.error().message},
                {"effect", "calls of several rounds are counted, and asked about, once more than they should be"}});
  if (!faulty && faulty_) log_.info("rounds_written_again", {});
  faulty_ = faulty;
}

// The thread ------------------------------------------------------------------------

bool StoredRounds::add(std::optional<store::RoundChange> change, std::shared_ptr<Written> told) {
  if (memory_only_) {
    if (told) told->tell({});
    return true;
  }
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() >= options_.most_waiting) return false;
    waiting_.push_back({.change = std::move(change),
                        .oldest_ms = clock_.wall_ms() - std::chrono::milliseconds(good_for).count(),
                        .told = std::move(told)});
  }
  thread_.wake();
  return true;
}

/// What cannot be written is told so and not tried again: nothing was let through on it.
bool StoredRounds::work(const Result<store::RoundFile*>& file) {
  std::vector<Waiting> some;
  {
    const std::scoped_lock lock(mutex_);
    some.swap(waiting_);
  }
  std::vector<store::RoundChange> changes;
  for (Waiting& each : some) {
    if (each.change) changes.push_back(std::move(*each.change));
  }
  Result<void> done = file ? Result<void>() : std::unexpected(file.error());
  if (file && !changes.empty()) done = (*file)->write(changes, some.back().oldest_ms);
  for (Waiting& each : some) {
    if (each.told) thread_.post([told = std::move(each.told), done] { told->tell(done); });
  }
  return true;
}

}  // namespace callgate::session
