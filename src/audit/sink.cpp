#include "audit/sink.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace callgate::audit {
namespace {

std::unexpected<Error> failed(std::string_view what, std::string_view path, int error) {
  return fail(ErrorKind::unavailable, fmt::format("cannot {} `{}`: {}", what, path, std::strerror(error)));
}

}  // namespace

struct FileSink::File {
  explicit File(int descriptor) : fd(descriptor) {}
  ~File() { ::close(fd); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd;
};

namespace {

bool is_same(const struct stat& one, const struct stat& other) { return one.st_dev == other.st_dev && one.st_ino == other.st_ino; }

}  // namespace

FileSink::FileSink(std::string directory, std::shared_ptr<File> folder)
    : directory_(std::move(directory)), folder_(std::move(folder)) {}

FileSink::~FileSink() {
  if (reserve_) ::unlinkat(folder_->fd, std::string(reserve_name).c_str(), 0);
}

Result<std::unique_ptr<FileSink>> FileSink::create(std::string directory) {
  const std::filesystem::path parent = std::filesystem::path(directory).parent_path();
  std::error_code error;
  if (!parent.empty() && std::filesystem::create_directories(parent, error)) {
    std::filesystem::permissions(parent, std::filesystem::perms::owner_all, error);
  }
  if (::mkdir(directory.c_str(), 0700) != 0) {
    if (errno == EEXIST) {
      return fail(ErrorKind::conflict, fmt::format("the journal folder `{}` exists; each start makes its own", directory));
    }
    return failed("make the journal folder", directory, errno);
  }
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return failed("open the journal folder", directory, errno);
  // Tells others that this chain's process lives (`ChainLock`). Where it cannot be had, it cannot be had there either.
  [[maybe_unused]] const int locked = ::flock(fd, LOCK_EX | LOCK_NB);
  return std::unique_ptr<FileSink>(new FileSink(std::move(directory), std::make_shared<File>(fd)));
}

Result<void> FileSink::open_segment(std::string_view name) {
  if (auto there = check_folder(); !there) return there;
  const int fd = ::openat(folder_->fd, std::string(name).c_str(),
                          O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return failed("make the journal segment", fmt::format("{}/{}", directory_, name), errno);
  go_on_in(std::make_shared<File>(fd), name);
  return {};
}

void FileSink::go_on_in(std::shared_ptr<File> file, std::string_view name) {
  name_ = name;
  const std::scoped_lock lock(mutex_);
  if (current_) finished_.push_back(std::move(current_));
  current_ = std::move(file);
  folder_dirty_ = true;
}

/// Blocks beyond the end of an empty file: what is appended later needs no new ones.
Result<void> FileSink::keep_reserve(std::uint64_t bytes) {
  if (reserve_) return {};
  const std::string name(reserve_name);
  const std::string path = fmt::format("{}/{}", directory_, name);
  const int fd = ::openat(folder_->fd, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return failed("make the journal's reserve", path, errno);
  auto file = std::make_shared<File>(fd);
  int done = 0;
  do {
    done = ::fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes));
  } while (done != 0 && errno == EINTR);
  if (done != 0) {
    const int error = errno;
    ::unlinkat(folder_->fd, name.c_str(), 0);
    return failed("set disk space aside in", path, error);
  }
  reserve_ = std::move(file);
  return {};
}

Result<void> FileSink::open_reserve(std::string_view name) {
  if (!reserve_) return failed("find the journal's reserve in", directory_, ENOENT);
  if (auto there = check_folder(); !there) return there;
  if (::renameat(folder_->fd, std::string(reserve_name).c_str(), folder_->fd, std::string(name).c_str()) != 0)
    return failed("go on in the journal's reserve in", directory_, errno);
  go_on_in(std::move(reserve_), name);
  return {};
}

Written FileSink::write(std::string_view bytes) {
  // Only this thread changes `current_`, so it may be read here without the lock.
  if (!current_) return {0, EBADF};
  for (;;) {
    const ssize_t taken = ::write(current_->fd, bytes.data(), bytes.size());
    if (taken >= 0) return {static_cast<std::size_t>(taken), 0};
    if (errno != EINTR) return {0, errno};
  }
}

Result<void> FileSink::truncate(std::uint64_t size) {
  if (!current_) return failed("cut the journal in", directory_, EBADF);
  if (::ftruncate(current_->fd, static_cast<off_t>(size)) != 0) return failed("cut the journal in", directory_, errno);
  return {};
}

/// A folder that was moved takes what is written into it along; one of the same name in its place holds none of it.
Result<void> FileSink::check_folder() const {
  struct stat held{};
  struct stat named{};
  if (::fstat(folder_->fd, &held) != 0 || ::lstat(directory_.c_str(), &named) != 0) return failed("find the journal folder", directory_, errno);
  if (!is_same(held, named)) return fail(ErrorKind::unavailable, fmt::format("the journal folder `{}` was moved, and another stands in its place: move it back, or start anew", directory_));
  return {};
}

Result<void> FileSink::check_place() {
  if (!current_) return failed("find the journal in", directory_, EBADF);
  if (auto there = check_folder(); !there) return there;
  const std::string path = fmt::format("{}/{}", directory_, name_);
  struct stat held{};
  struct stat named{};
  if (::fstat(current_->fd, &held) != 0 || ::fstatat(folder_->fd, name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0) return failed("find the journal's segment", path, errno);
  if (!is_same(held, named)) return fail(ErrorKind::unavailable, fmt::format("the journal's segment `{}` was moved, and another file stands in its place", path));
  return {};
}

Result<void> FileSink::sync() {
  std::shared_ptr<File> current;
  std::vector<std::shared_ptr<File>> finished;
  bool folder_dirty = false;
  {
    const std::scoped_lock lock(mutex_);
    current = current_;
    finished.swap(finished_);
    folder_dirty = std::exchange(folder_dirty_, false);
  }
  int error = 0;
  for (const auto& file : finished) {
    if (::fdatasync(file->fd) != 0) error = errno;
  }
  if (current && ::fdatasync(current->fd) != 0) error = errno;
  // A new segment's name is on the disk only with its folder.
  if (folder_dirty && ::fsync(folder_->fd) != 0) error = errno;
  if (error != 0) return failed("sync the journal in", directory_, error);
  return {};
}

}  // namespace callgate::audit
