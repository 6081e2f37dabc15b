#include "audit/retention.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "audit/tail.hpp"
#include "base/ids.hpp"

namespace callgate::audit {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_at_once = 16;  // files; removing big ones takes the file system a while

/// What is older than this may go.
struct Cutoff {
  std::string time;      ///< as records write it
  std::string instance;  ///< names of chains that began later are greater
};

Cutoff cutoff_at(std::int64_t wall_ms) {
  constexpr std::size_t time_digits = 10;  // of a ULID
  return {.time = utc_text(wall_ms), .instance = IdSource().next(wall_ms).substr(0, time_digits)};
}

bool began_later(const std::string& instance, const Cutoff& cutoff) {
  return is_ulid(instance) && instance > cutoff.instance;
}

/// The longest run of segments from the front that are all over their time.
Expired run_of(const std::string& folder, std::span<const SegmentFile> segments, const Cutoff& cutoff, std::uint64_t needed_after) {
  Expired run{.folder = folder};
  run.removal.instance = fs::path(folder).filename().string();
  for (const SegmentFile& file : segments) {
    if (run.segments.size() == most_at_once) break;
    if (!run.segments.empty() && file.number != run.segments.back().number + 1) break;  // not one chain
    const Result<std::optional<LastRecord>> last = last_record(file.path);
    if (!last) break;
    if (*last) {
      const LastRecord& record = **last;
      if (record.time >= cutoff.time || record.seq > needed_after || record.instance != run.removal.instance) break;
      run.removal.seq = record.seq;
      run.removal.hash = record.hash;
    }
    run.removal.segment = file.number;
    run.segments.push_back(file);
  }
  return run;
}

std::optional<Expired> find_in(const std::string& folder, bool own, const Cutoff& cutoff, std::uint64_t needed_after) {
  ChainLock lock;
  if (!own) lock = ChainLock::take(folder);
  if (!own && !lock.held()) return std::nullopt;
  const Result<std::vector<SegmentFile>> segments = find_segments(folder);
  if (!segments || segments->empty()) return std::nullopt;
  const std::size_t closed = segments->size() - (own ? 1 : 0);
  Expired run = run_of(folder, std::span(*segments).first(closed), cutoff, needed_after);
  run.whole = run.segments.size() == segments->size();
  run.lock = std::move(lock);
  if (run.segments.empty()) return std::nullopt;
  return run;
}

Result<void> remove(const Expired& expired) {
  for (const SegmentFile& file : expired.segments) {
    std::error_code error;
    fs::remove(file.path, error);
    if (error) return fail(ErrorKind::unavailable, fmt::format("cannot remove `{}`: {}", file.path, error.message()));
  }
  if (!expired.whole) return {};
  std::error_code ignored;
  fs::remove(fs::path(expired.folder) / reserve_name, ignored);
  fs::remove(expired.folder, ignored);  // stays where it holds anything else
  return {};
}

}  // namespace

ChainLock ChainLock::take(const std::string& folder) {
  ChainLock lock;
  lock.fd_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (lock.fd_ >= 0 && ::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0) return {};
  return lock;
}

ChainLock::~ChainLock() {
  if (fd_ >= 0) ::close(fd_);
}

void remove_left_reserves(const std::string& folder) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const fs::path reserve = entry.path() / reserve_name;
    std::error_code ignored;
    if (fs::exists(reserve, ignored) && ChainLock::take(entry.path().string()).held()) fs::remove(reserve, ignored);
  }
}

Retention::Retention(std::string folder, std::chrono::milliseconds keep, const Clock& clock)
    : folder_(std::move(folder)), keep_(keep), clock_(clock), began_(clock.now()), began_wall_ms_(clock.wall_ms()) {}

/// A wall clock that is set forward while the process lives ages no record.
std::int64_t Retention::cutoff_ms() const {
  const auto lived = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - began_);
  return std::max<std::int64_t>(std::min(clock_.wall_ms(), began_wall_ms_ + lived.count()) - keep_.count(), 0);
}

Result<std::optional<Expired>> Retention::step(Journal& journal, const Needed& needed) {
  const Cutoff cutoff = cutoff_at(cutoff_ms());
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string instance = entry.path().filename().string();
    std::error_code ignored;
    if (began_later(instance, cutoff) || !entry.is_directory(ignored)) continue;
    const auto place = needed.find(instance);
    std::optional<Expired> expired = find_in(entry.path().string(), instance == journal.instance(), cutoff,
                                             place == needed.end() ? UINT64_MAX : place->second);
    if (!expired) continue;
    if (expired->removal.seq > 0) {
      if (Result<void> told = journal.removed(expired->removal); !told) return std::unexpected(std::move(told).error());
    }
    if (Result<void> gone = remove(*expired); !gone) return std::unexpected(std::move(gone).error());
    return expired;
  }
  if (error) return fail(ErrorKind::unavailable, fmt::format("cannot list `{}`: {}", folder_, error.message()));
  return std::nullopt;
}

}  // namespace callgate::audit
