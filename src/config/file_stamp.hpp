#pragma once

#include <cstdint>
#include <filesystem>

namespace callgate::config {

/// What tells two versions of a file apart, also when it was replaced by rename
/// or a symlink to it was swapped. All zero for a file that is not there.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  std::uint64_t size = 0;
  bool operator==(const FileStamp&) const = default;

  static FileStamp of(const std::filesystem::path& path);
};

}  // namespace callgate::config
