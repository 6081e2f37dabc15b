#include "config/file_stamp.hpp"

#include <sys/stat.h>

namespace callgate::config {

FileStamp FileStamp::of(const std::filesystem::path& path) {
  struct stat file{};
  if (stat(path.c_str(), &file) != 0) return {};
  const auto nanoseconds = [](const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
  return {.device = file.st_dev,
          .inode = file.st_ino,
          .modified_ns = nanoseconds(file.st_mtim),
          .changed_ns = nanoseconds(file.st_ctim),
          .size = static_cast<std::uint64_t>(file.st_size)};
}

}  // namespace callgate::config
