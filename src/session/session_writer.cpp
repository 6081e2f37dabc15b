#include "session/session_writer.hpp"

#include <utility>

namespace callgate::session {

using store::SessionChange;
using SessionKind = store::SessionChange::Kind;

SessionWriter::SessionWriter(net::Loop& loop, Thread::Options file, std::size_t most_bytes, Thread::Opened opened, GivenUp given_up)
    : most_bytes_(most_bytes),
      given_up_(std::move(given_up)),
      thread_(
          loop, std::move(file), [this](const auto& open) { return work(open); }, std::move(opened), [this] { can_write(); }) {}

/// Whoever hears that the file is open finds no fault of before.
void SessionWriter::can_write() {
  const std::scoped_lock lock(mutex_);
  fault_.reset();
}

Result<void> SessionWriter::open() {
  auto opened = thread_.open();
  if (opened) return opened;
  fault_ = opened.error();
  if (opened.error().kind == ErrorKind::unsupported) give_up(opened.error());
  else thread_.wake();
  return opened;
}

/// What waits is told that it was not written. INVARIANT: from here on nothing waits.
void SessionWriter::give_up(const Error& why) {
  Changes changes;
  Finds finds;
  {
    const std::scoped_lock lock(mutex_);
    fault_ = why;
    if (std::exchange(over_, true)) return;
    changes.swap(changes_);
    finds.swap(finds_);
    bytes_ = 0;
  }
  tell(changes, false);
  answer(std::unexpected(why), std::move(finds));
  thread_.post([this, why] { given_up_(why); });
}

// What waits ------------------------------------------------------------------------

/// What a new session holds here until it is written.
std::size_t SessionWriter::weight(const SessionChange& change) {
  if (change.kind != SessionKind::kept) return 0;
  const store::SessionRow& row = change.row;
  return 256 + row.name.size() + row.digest.size() + row.server.size() + row.address.size() + row.grant.size() + row.principal.size() + row.revision.size() + row.opening.size();
}

/// A use changes no more than the time of what is kept; what ended, ended.
void SessionWriter::merge(Changes::iterator at, SessionChange later) {
  Waiting& waiting = at->second;
  if (later.kind == SessionKind::used) {
    if (waiting.change.kind != SessionKind::ended) waiting.change.row.used_ms = later.row.used_ms;
    return;
  }
  bytes_ -= weight(waiting.change);
  waiting.change = std::move(later);
  if (waiting.change.kind != SessionKind::ended || waiting.in_file == InFile::maybe) return;
  // It came and went before the file could be written: that takes no room until it can.
  for (Written& told : waiting.told) thread_.post([tell = std::move(told)] { tell(false); });
  changes_.erase(at);
}

void SessionWriter::add(SessionChange change, InFile in_file, Written written) {
  bytes_ += weight(change);
  const std::string name = change.row.name;
  auto [at, fresh] = changes_.try_emplace(name);
  if (written) at->second.told.push_back(std::move(written));
  if (!fresh) return merge(at, std::move(change));
  at->second.change = std::move(change);
  at->second.in_file = in_file;
}

bool SessionWriter::keep(store::SessionRow row, InFile before, Written written) {
  SessionChange change{.kind = SessionKind::kept, .row = std::move(row)};
  {
    const std::scoped_lock lock(mutex_);
    if (over_ || (bytes_ != 0 && bytes_ + weight(change) > most_bytes_)) return false;
    add(std::move(change), before, std::move(written));
  }
  thread_.wake();
  return true;
}

void SessionWriter::used(std::string name, std::int64_t used_ms) {
  SessionChange change{.kind = SessionKind::used, .row = {}};
  change.row.name = std::move(name);
  change.row.used_ms = used_ms;
  {
    const std::scoped_lock lock(mutex_);
    if (over_) return;
    add(std::move(change), InFile::maybe, {});
  }
  thread_.wake();
}

void SessionWriter::ended(std::string name) {
  SessionChange change{.kind = SessionKind::ended, .row = {}};
  change.row.name = std::move(name);
  {
    const std::scoped_lock lock(mutex_);
    if (over_) return;
    add(std::move(change), InFile::maybe, {});
  }
  thread_.wake();
}

bool SessionWriter::find(std::string name, Found found) {
  {
    const std::scoped_lock lock(mutex_);
    if (over_ || finds_.size() >= most_finds) return false;
    finds_.emplace_back(std::move(name), std::move(found));
  }
  thread_.wake();
  return true;
}

std::optional<Error> SessionWriter::fault() const {
  const std::scoped_lock lock(mutex_);
  return fault_;
}

// The thread ------------------------------------------------------------------------

bool SessionWriter::work(const Result<store::SessionFile*>& file) {
  Changes changes;
  Finds finds;
  {
    const std::scoped_lock lock(mutex_);
    changes.swap(changes_);
    finds.swap(finds_);
  }
  const Result<void> written = file ? write(**file, changes) : std::unexpected(file.error());
  tell(changes, written.has_value());
  answer(file, std::move(finds));
  const bool newer = !file && file.error().kind == ErrorKind::unsupported;
  {
    const std::scoped_lock lock(mutex_);
    done(std::move(changes), written);
  }
  if (newer) give_up(file.error());
  return newer || written.has_value();
}

/// What could not be written waits again; what came meanwhile is later than that.
void SessionWriter::done(Changes changes, const Result<void>& written) {
  fault_ = written ? std::nullopt : std::optional(written.error());
  for (auto& [name, waiting] : changes) {
    if (written) {
      bytes_ -= weight(waiting.change);
      continue;
    }
    const auto [at, fresh] = changes_.try_emplace(name, std::move(waiting));
    if (fresh) continue;
    SessionChange later = std::exchange(at->second.change, std::move(waiting.change));
    at->second.in_file = waiting.in_file;
    merge(at, std::move(later));
  }
}

/// All or nothing, as they stand: no copy of them is made.
Result<void> SessionWriter::write(store::SessionFile& file, const Changes& changes) {
  if (changes.empty()) return {};
  std::vector<const SessionChange*> all;
  all.reserve(changes.size());
  for (const auto& [name, waiting] : changes) all.push_back(&waiting.change);
  return file.write(all);
}

void SessionWriter::tell(Changes& changes, bool written) {
  for (auto& [name, waiting] : changes) {
    for (Written& told : std::exchange(waiting.told, {})) thread_.post([tell = std::move(told), written] { tell(written); });
  }
}

void SessionWriter::answer(const Result<store::SessionFile*>& file, Finds finds) {
  for (auto& [name, found] : finds) {
    auto row = std::make_shared<Row>(file ? (*file)->find(name) : std::unexpected(file.error()));
    thread_.post([tell = std::move(found), row] { tell(std::move(*row)); });
  }
}

}  // namespace callgate::session
