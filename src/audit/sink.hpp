#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace callgate::audit {

/// How far one write came.
struct Written {
  std::size_t bytes = 0;  ///< taken, from the front
  int error = 0;          ///< errno; 0: may be short, but nothing is wrong
};

/// The segment files of one journal. The disk behind it can fail at any step;
/// the in-memory twin fails on demand. Threads: all calls from the journal's
/// thread, but `sync` from any.
class Sink {
 public:
  virtual ~Sink() = default;
  /// Makes an empty segment and goes on there. On failure the old one stays.
  virtual Result<void> open_segment(std::string_view name) = 0;
  /// Appends to the current segment, at most once to the disk.
  virtual Written write(std::string_view bytes) = 0;
  /// Cuts the current segment.
  virtual Result<void> truncate(std::uint64_t size) = 0;
  /// Sets so many bytes of the disk aside for `open_reserve`; none more where they
  /// are already. Errors: `unavailable`, where nothing is set aside.
  virtual Result<void> keep_reserve(std::uint64_t bytes) = 0;
  /// Goes on in what was set aside, as an empty segment of that name. On failure
  /// the old one stays. Cutting such a segment gives back what it does not hold.
  virtual Result<void> open_reserve(std::string_view name) = 0;
  /// Returns once all that was written before is on the disk.
  virtual Result<void> sync() = 0;
  /// Whether what is written can still be found: neither the segment nor its folder was removed, moved or replaced.
  virtual Result<void> check_place() = 0;
};

/// The file that holds the reserve while it waits.
inline constexpr std::string_view reserve_name = "reserve";

/// Files of mode 0600 in one folder of mode 0700, which is locked (flock(2))
/// while the sink lives.
class FileSink final : public Sink {
 public:
  /// Makes the folder (and those above it); `conflict` where it exists.
  static Result<std::unique_ptr<FileSink>> create(std::string directory);
  ~FileSink() override;

  Result<void> open_segment(std::string_view name) override;
  Written write(std::string_view bytes) override;
  Result<void> truncate(std::uint64_t size) override;
  Result<void> keep_reserve(std::uint64_t bytes) override;
  Result<void> open_reserve(std::string_view name) override;
  Result<void> sync() override;
  Result<void> check_place() override;

 private:
  struct File;
  void go_on_in(std::shared_ptr<File> file, std::string_view name);
  Result<void> check_folder() const;
  FileSink(std::string directory, std::shared_ptr<File> folder);

  std::string directory_;
  std::shared_ptr<File> folder_;
  std::shared_ptr<File> reserve_;
  std::string name_;  ///< of the current segment
  std::mutex mutex_;  ///< guards the three below, held for no disk access
  std::shared_ptr<File> current_;
  std::vector<std::shared_ptr<File>> finished_;  ///< segments left since the last sync
  bool folder_dirty_ = false;
};

}  // namespace callgate::audit
