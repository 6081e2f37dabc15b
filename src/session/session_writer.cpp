#include "session/session_writer.hpp"

#include <utility>

namespace callgate::session {

using store::SessionChange;

SessionWriter::SessionWriter(std::shared_ptr<net::Inbox> inbox, std::unique_ptr<store::SessionFile> file)
    : inbox_(std::move(inbox)), file_(std::move(file)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

/// A use changes no more than the time of what is kept; what ended, ended.
void SessionWriter::merge(Waiting& waiting, SessionChange later) {
  if (later.kind != SessionChange::Kind::used) waiting.change = std::move(later);
  else if (waiting.change.kind != SessionChange::Kind::ended) waiting.change.row.used_ms = later.row.used_ms;
}

void SessionWriter::change(SessionChange change, Written written) {
  {
    const std::scoped_lock lock(mutex_);
    const std::string name = change.row.name;
    const auto [at, fresh] = changes_.try_emplace(name);
    if (fresh) at->second.change = std::move(change);
    else merge(at->second, std::move(change));
    if (written) at->second.told.push_back(std::move(written));
  }
  wake_.notify_one();
}

bool SessionWriter::find(std::string name, Found found) {
  {
    const std::scoped_lock lock(mutex_);
    if (finds_.size() >= most_finds) return false;
    finds_.emplace_back(std::move(name), std::move(found));
  }
  wake_.notify_one();
  return true;
}

std::optional<Error> SessionWriter::take_error() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(error_, std::nullopt);
}

void SessionWriter::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (wake_.wait(lock, stop, [this] { return !changes_.empty() || !finds_.empty(); })) {
    Changes changes = std::exchange(changes_, {});
    Finds finds = std::exchange(finds_, {});
    lock.unlock();
    const Result<void> written = write(changes);
    tell(changes, written.has_value());
    answer(std::move(finds));
    lock.lock();
    if (written) continue;
    error_ = written.error();
    for (auto& [name, waiting] : changes) {
      const auto [at, fresh] = changes_.try_emplace(name, std::move(waiting));
      if (fresh) continue;
      // What came meanwhile is later than what could not be written.
      SessionChange later = std::exchange(at->second.change, std::move(waiting.change));
      merge(at->second, std::move(later));
    }
    if (stop.stop_requested()) return;
    wake_.wait_for(lock, stop, pause, [] { return false; });
  }
}

Result<void> SessionWriter::write(const Changes& changes) {
  if (changes.empty()) return {};
  std::vector<SessionChange> all;
  all.reserve(changes.size());
  for (const auto& [name, waiting] : changes) all.push_back(waiting.change);
  return file_->write(all);
}

void SessionWriter::tell(Changes& changes, bool written) {
  for (auto& [name, waiting] : changes) {
    for (Written& told : std::exchange(waiting.told, {})) inbox_->post([tell = std::move(told), written] { tell(written); });
  }
}

void SessionWriter::answer(Finds finds) {
  for (auto& [name, found] : finds) {
    auto row = std::make_shared<Row>(file_->find(name));
    inbox_->post([tell = std::move(found), row] { tell(std::move(*row)); });
  }
}

}  // namespace callgate::session
