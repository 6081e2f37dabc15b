#include "audit/memory_sink.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace callgate::audit {
namespace {

Result<void> result(int error) {
  if (error != 0) return fail(ErrorKind::unavailable, std::strerror(error));
  return {};
}

}  // namespace

Result<void> MemorySink::open_segment(std::string_view name) {
  const std::scoped_lock lock(disk_.mutex_);
  if (disk_.open_error_ == 0) {
    disk_.segments_.push_back({std::string(name), {}});
    disk_.reserve_left_ = 0;
  }
  return result(disk_.open_error_);
}

Result<void> MemorySink::keep_reserve(std::uint64_t bytes) {
  const std::scoped_lock lock(disk_.mutex_);
  if (disk_.reserve_ != 0) return {};
  if (disk_.room_ && *disk_.room_ < bytes) return result(ENOSPC);
  if (disk_.room_) *disk_.room_ -= bytes;
  disk_.reserve_ = bytes;
  return {};
}

Result<void> MemorySink::open_reserve(std::string_view name) {
  const std::scoped_lock lock(disk_.mutex_);
  disk_.segments_.push_back({std::string(name), {}});
  disk_.reserve_left_ = std::exchange(disk_.reserve_, 0);
  return {};
}

Written MemorySink::write(std::string_view bytes) {
  const std::scoped_lock lock(disk_.mutex_);
  ++disk_.writes_;
  if (disk_.write_error_ != 0) return {0, disk_.write_error_};
  std::size_t taken = std::min(bytes.size(), disk_.largest_write_.value_or(bytes.size()));
  if (disk_.room_) {
    const std::uint64_t room = *disk_.room_ + disk_.reserve_left_;
    if (room == 0) return {0, ENOSPC};
    taken = std::min<std::size_t>(taken, room);
    const std::uint64_t of_reserve = std::min<std::uint64_t>(taken, disk_.reserve_left_);
    disk_.reserve_left_ -= of_reserve;
    *disk_.room_ -= taken - of_reserve;
  }
  disk_.segments_.back().bytes += bytes.substr(0, taken);
  return {taken, 0};
}

Result<void> MemorySink::truncate(std::uint64_t size) {
  const std::scoped_lock lock(disk_.mutex_);
  if (disk_.truncate_error_ == 0) {
    std::string& bytes = disk_.segments_.back().bytes;
    if (disk_.room_) *disk_.room_ += bytes.size() - size + disk_.reserve_left_;
    disk_.reserve_left_ = 0;
    bytes.resize(size);
  }
  return result(disk_.truncate_error_);
}

Result<void> MemorySink::sync() {
  const std::scoped_lock lock(disk_.mutex_);
  ++disk_.syncs_;
  disk_.synced_.notify_all();
  return result(disk_.sync_error_);
}

}  // namespace callgate::audit
