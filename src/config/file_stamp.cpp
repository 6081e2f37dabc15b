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

FileWatch::Found FileWatch::look(const std::filesystem::path& path, Instant now, Hurry hurry) {
  const FileStamp stamp = FileStamp::of(path);
  if (stamp == read_) {
    taken(stamp);
    return Found::unchanged;
  }
  if (!changing_) {
    changing_ = true;
    told_ = false;
    changing_since_ = now;
    seen_ = read_;
  }
  const bool replaced = stamp != FileStamp{} && (stamp.inode != read_.inode || stamp.device != read_.device);
  const bool moved = stamp != seen_;
  if (moved) {
    seen_ = stamp;
    seen_since_ = now;
  }
  if (replaced ? !moved || hurry == Hurry::for_replaced : now - seen_since_ >= rest) return Found::settled;
  if (told_ || now - changing_since_ < patience) return Found::unsettled;
  told_ = true;
  return Found::restless;
}

void FileWatch::taken(const FileStamp& read) {
  read_ = read;
  changing_ = false;
}

}  // namespace callgate::config
