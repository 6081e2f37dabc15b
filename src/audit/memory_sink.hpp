#pragma once

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/sink.hpp"

namespace callgate::audit {

/// Segments in memory, and a disk that fails when told to: the twin of
/// `FileSink` for tests. Outlives the journal through `MemoryDisk`.
/// Threads: as `Sink`; the knobs from any.
class MemoryDisk {
 public:
  struct Segment {
    std::string name;
    std::string bytes;
  };

  std::vector<Segment> segments() const {
    const std::scoped_lock lock(mutex_);
    return segments_;
  }
  /// All segments one after the other.
  std::string text() const {
    const std::scoped_lock lock(mutex_);
    std::string all;
    for (const Segment& segment : segments_) all += segment.bytes;
    return all;
  }

  /// Room for so many more bytes; a write beyond takes what fits, then ENOSPC.
  void set_room(std::optional<std::uint64_t> bytes) { set(room_, bytes); }
  /// Each write takes at most so many bytes, without an error.
  void set_largest_write(std::optional<std::size_t> bytes) { set(largest_write_, bytes); }
  void fail_write(int error) { set(write_error_, error); }
  void fail_sync(int error) { set(sync_error_, error); }          ///< 0: works again
  void fail_truncate(int error) { set(truncate_error_, error); }
  void fail_open(int error) { set(open_error_, error); }
  std::uint64_t reserve() const { return get(reserve_); }
  std::uint64_t writes() const { return get(writes_); }
  std::uint64_t syncs() const { return get(syncs_); }
  /// Returns once `sync` was called so often in all.
  void wait_for_syncs(std::uint64_t count) const {
    std::unique_lock lock(mutex_);
    synced_.wait(lock, [&] { return syncs_ >= count; });
  }

 private:
  friend class MemorySink;
  template <class T>
  void set(T& knob, T value) {
    const std::scoped_lock lock(mutex_);
    knob = value;
  }
  std::uint64_t get(const std::uint64_t& counter) const {
    const std::scoped_lock lock(mutex_);
    return counter;
  }

  mutable std::mutex mutex_;
  mutable std::condition_variable synced_;
  std::vector<Segment> segments_;
  std::optional<std::uint64_t> room_;
  std::uint64_t reserve_ = 0;        ///< set aside
  std::uint64_t reserve_left_ = 0;   ///< of the reserve that the current segment is written into
  std::optional<std::size_t> largest_write_;
  int write_error_ = 0;
  int sync_error_ = 0;
  int truncate_error_ = 0;
  int open_error_ = 0;
  std::uint64_t writes_ = 0;
  std::uint64_t syncs_ = 0;
};

class MemorySink final : public Sink {
 public:
  explicit MemorySink(MemoryDisk& disk) : disk_(disk) {}
  Result<void> open_segment(std::string_view name) override;
  Written write(std::string_view bytes) override;
  Result<void> truncate(std::uint64_t size) override;
  Result<void> keep_reserve(std::uint64_t bytes) override;
  Result<void> open_reserve(std::string_view name) override;
  Result<void> sync() override;
  Result<void> check_place() override { return {}; }

 private:
  MemoryDisk& disk_;
};

}  // namespace callgate::audit
