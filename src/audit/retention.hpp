#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/journal.hpp"
#include "audit/reader.hpp"
#include "audit/removal.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"

/// How long records are kept: segments whose last record is older are removed
/// from the front of their chains. The segment that is open never goes, nor does
/// one whose last record cannot be read, since that is evidence.
namespace callgate::audit {

/// A chain's folder is locked (flock(2)) while its process lives.
class ChainLock {
 public:
  /// Not held where a process lives, or where the file system knows no locks.
  static ChainLock take(const std::string& folder);
  ChainLock() = default;
  ChainLock(ChainLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ChainLock& operator=(ChainLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~ChainLock();
  bool held() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// Of chains whose records are still to be counted (`replay`): the last record
/// that is not. By instance.
using Needed = std::map<std::string, std::uint64_t, std::less<>>;

/// The oldest segments of one chain, all over their time.
struct Expired {
  std::string folder;  ///< of the chain
  std::vector<SegmentFile> segments;
  Removal removal;     ///< `seq` 0: they hold no record
  bool whole = false;  ///< nothing else is left of the chain, so its folder goes too
  ChainLock lock;      ///< on a chain whose process is gone
};

/// Frees the disk space that processes which were killed had set aside.
void remove_left_reserves(const std::string& folder);

/// Removes what is over its time from all chains of a folder: those of this
/// process and those of processes that are gone. Threads: the journal's; a step
/// reads a line of each old chain and, where something goes, waits for one sync.
class Retention {
 public:
  /// `folder` holds the chains.
  Retention(std::string folder, std::chrono::milliseconds keep, const Clock& clock);

  /// Puts on record that the oldest segments of one chain go, then removes them.
  /// Gives what went; call again until it gives nothing. Errors: `unavailable`,
  /// where nothing was removed that is not on record.
  Result<std::optional<Expired>> step(Journal& journal, const Needed& needed);

 private:
  std::int64_t cutoff_ms() const;

  std::string folder_;
  std::chrono::milliseconds keep_;
  const Clock& clock_;
  BootTime began_;
  std::int64_t began_wall_ms_;
};

}  // namespace callgate::audit
