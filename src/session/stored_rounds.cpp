#include "session/stored_rounds.hpp"

#include <utility>

namespace callgate::session {

using Kind = store::RoundChange::Kind;

namespace {

constexpr std::chrono::milliseconds busy{1000};

}  // namespace

Result<std::unique_ptr<StoredRounds>> StoredRounds::open(net::Loop& loop, const Clock& clock, Log& log,
                                                         const std::filesystem::path& file, Options options) {
  auto opened = store::RoundFile::open(file, busy);
  if (!opened) return std::unexpected(opened.error());
  const auto rows = (*opened)->list();
  if (!rows) return std::unexpected(rows.error());
  std::unique_ptr<StoredRounds> rounds(new StoredRounds(loop, clock, log, std::move(*opened), options));
  for (const store::RoundRow& row : *rows) rounds->recall(row);
  return rounds;
}

StoredRounds::StoredRounds(net::Loop& loop, const Clock& clock, Log& log, std::unique_ptr<store::RoundFile> file,
                           Options options)
    : loop_(loop),
      clock_(clock),
      log_(log),
      options_(options),
      inbox_(loop.inbox()),
      file_(std::move(file)),
      thread_([this](const std::stop_token& stop) { write_on(stop); }) {}

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
  for (std::string& digest : gone) add({.kind = Kind::taken, .row = {.digest = std::move(digest)}}, nullptr);
}

std::int64_t StoredRounds::wall_of(BootTime time) const {
  return clock_.wall_ms() - std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - time).count();
}

// Calls -----------------------------------------------------------------------------

net::Task<bool> StoredRounds::expect(RoundKey key, CallSoFar so_far) {
  store::RoundChange change{.kind = Kind::expected,
                            .row = {.digest = key.digest,
                                    .server = key.server,
                                    .rounds = static_cast<std::int64_t>(so_far.rounds),
                                    .began_ms = wall_of(so_far.began),
                                    .counted = so_far.counted,
                                    .covered = so_far.covered,
                                    .approval = so_far.approval}};
  for (std::string& digest : book_.expect(std::move(key), std::move(so_far), clock_.now()))
    add({.kind = Kind::taken, .row = {.digest = std::move(digest)}}, nullptr);
  auto told = std::make_shared<Told>(loop_);
  if (!add(std::move(change), told)) return net::Task<bool>::ready(false);
  return written(std::move(told));
}

net::Task<std::optional<CallSoFar>> StoredRounds::find(RoundKey key) {
  const CallSoFar* found = book_.find(key.digest, clock_.now());
  return net::Task<std::optional<CallSoFar>>::ready(found != nullptr ? std::optional(*found) : std::nullopt);
}

net::Task<std::optional<CallSoFar>> StoredRounds::take(RoundKey key) {
  using Taken = net::Task<std::optional<CallSoFar>>;
  auto taken = book_.take(key.digest, clock_.now());
  auto told = std::make_shared<Told>(loop_);
  if (!taken || !add({.kind = Kind::taken, .row = {.digest = std::move(key.digest)}}, told))
    return Taken::ready(std::nullopt);
  return finish_take(std::move(*taken), std::move(told));
}

net::Task<std::optional<CallSoFar>> StoredRounds::finish_take(CallSoFar so_far, std::shared_ptr<Told> told) {
  if (!co_await written(std::move(told))) co_return std::nullopt;
  co_return so_far;
}

net::Task<bool> StoredRounds::written(std::shared_ptr<Told> told) {
  if (!told->written) co_await told->done.wait(options_.write_time);
  note(told->written ? *told->written
                     : fail(ErrorKind::timeout, "the file of calls of several rounds was not written in time"));
  co_return told->written && *told->written;
}

/// Each change once, however long it stays so.
void StoredRounds::note(const Result<void>& written) {
  const bool faulty = !written;
  if (faulty && !faulty_)
    log_.error("rounds_not_written",
               {{"fault", written.error().message},
                {"effect", "calls of several rounds are counted, and asked about, once more than they should be"}});
  if (!faulty && faulty_) log_.info("rounds_written_again", {});
  faulty_ = faulty;
}

// The thread ------------------------------------------------------------------------

bool StoredRounds::add(store::RoundChange change, std::shared_ptr<Told> told) {
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() >= options_.most_waiting) return false;
    waiting_.push_back({.change = std::move(change),
                        .oldest_ms = clock_.wall_ms() - std::chrono::milliseconds(good_for).count(),
                        .told = std::move(told)});
  }
  wake_.notify_one();
  return true;
}

/// What cannot be written is told so and not tried again: nothing was let through on it.
void StoredRounds::write_on(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
    std::vector<Waiting> some = std::exchange(waiting_, {});
    lock.unlock();
    std::vector<store::RoundChange> changes;
    changes.reserve(some.size());
    for (Waiting& each : some) changes.push_back(std::move(each.change));
    const Result<void> done = file_->write(changes, some.back().oldest_ms);
    for (Waiting& each : some) {
      if (!each.told) continue;
      inbox_->post([told = std::move(each.told), done] {
        told->written = done;
        told->done.raise();
      });
    }
    lock.lock();
  }
}

}  // namespace callgate::session
