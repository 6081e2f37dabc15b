#include "config/file_stamp.hpp"

#include <sys/stat.h>

#include <algorithm>

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

bool FileStamp::is_younger_than(std::chrono::milliseconds time) const {
  const std::chrono::nanoseconds now = std::chrono::system_clock::now().time_since_epoch();
  const std::chrono::nanoseconds age = now - std::chrono::nanoseconds(std::min(modified_ns, changed_ns));
  // A clock that was set back must not make a file young for as long as it was wrong.
  return std::chrono::abs(age) < time;
}

FileWatch::Found FileWatch::look(const std::filesystem::path& path, const Clock& clock) {
  const Instant before = clock();
  const FileStamp stamp = FileStamp::of(path);
  const Instant after = clock();
  if (stamp == read_) {
    taken(stamp);
    return Found::unchanged;
  }
  if (!changing_) {
    changing_ = true;
    told_ = false;
    changing_since_ = after;
  }
  if (stamp != seen_) {
    const bool another_file = stamp.inode != seen_.inode || stamp.device != seen_.device;
    // Writing moves both times, so a file that is made under its name has them alike until something else is done to it.
    renamed_ = another_file && stamp.changed_ns > stamp.modified_ns;
    seen_ = stamp;
    seen_since_ = after;
  }
  if (before - seen_since_ >= (renamed_ ? renamed_rest : rest)) return Found::settled;
  if (told_ || before - changing_since_ < patience) return Found::unsettled;
  told_ = true;
  return Found::restless;
}

void FileWatch::taken(const FileStamp& read) {
  read_ = read;
  seen_ = read;
  changing_ = false;
}

}  // namespace callgate::config
