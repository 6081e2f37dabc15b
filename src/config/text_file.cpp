#include "config/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace callgate::config {
namespace {

std::string reason(int number) { return std::generic_category().message(number); }

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

Result<void> check_file(const struct stat& status, const std::filesystem::path& path, Writers writers, std::size_t max_bytes) {
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorKind::unavailable, fmt::format("`{}` is not a file", path.string()));
  }
  if (writers == Writers::owner_only && (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail(ErrorKind::refused,
                fmt::format("others than its owner may write to `{0}`; run `chmod go-w {0}`", path.string()));
  }
  if (static_cast<std::uintmax_t>(status.st_size) > max_bytes) {
    return fail(ErrorKind::too_large, fmt::format("`{}` is larger than {} bytes", path.string(), max_bytes));
  }
  return {};
}

/// Reads to the end; the size given by the file system is only a hint.
Result<std::string> read_all(int descriptor, const std::filesystem::path& path, std::size_t max_bytes, std::size_t hint) {
  std::string text;
  text.reserve(hint + 1);
  char chunk[64 * 1024];
  for (;;) {
    const ssize_t count = ::read(descriptor, chunk, sizeof chunk);
    if (count == 0) return text;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(ErrorKind::unavailable, fmt::format("cannot read `{}`: {}", path.string(), reason(errno)));
    if (text.size() + static_cast<std::size_t>(count) > max_bytes) {
      return fail(ErrorKind::too_large, fmt::format("`{}` is larger than {} bytes", path.string(), max_bytes));
    }
    text.append(chunk, static_cast<std::size_t>(count));
  }
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return ::fsync(descriptor) == 0;
}

}  // namespace

Result<std::string> read_text(const std::filesystem::path& path, Writers writers, std::size_t max_bytes) {
  // NONBLOCK: a named pipe in place of the file must not stop the program.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0) {
    const ErrorKind kind = errno == ENOENT || errno == ENOTDIR ? ErrorKind::not_found : ErrorKind::unavailable;
    return fail(kind, fmt::format("cannot open `{}`: {}", path.string(), reason(errno)));
  }
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) {
    return fail(ErrorKind::unavailable, fmt::format("cannot read `{}`: {}", path.string(), reason(errno)));
  }
  if (auto good = check_file(status, path, writers, max_bytes); !good) return std::unexpected(good.error());
  return read_all(file.number(), path, max_bytes, static_cast<std::size_t>(status.st_size));
}

Result<std::string> read_version(const std::filesystem::path& path, FileStamp& stamp, Writers writers, std::size_t max_bytes) {
  stamp = FileStamp::of(path);
  auto text = read_text(path, writers, max_bytes);
  if (FileStamp::of(path) != stamp) return fail(ErrorKind::conflict, fmt::format("`{}` was written to while it was read", path.string()));
  return text;
}

namespace {

std::unexpected<Error> not_written(const std::filesystem::path& path, int number) {
  return fail(number == EEXIST ? ErrorKind::conflict : ErrorKind::unavailable, fmt::format("cannot write `{}`: {}", path.string(), reason(number)));
}

/// Writes the text beside `path` and lets `place` put it there; both are gone where that fails.
template <class Place>
Result<void> write_beside(const std::filesystem::path& path, std::string_view text, Place place) {
  std::string temporary = path.string() + ".XXXXXX";
  const Descriptor file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (file.number() < 0) return not_written(path, errno);
  if (write_all(file.number(), text) && place(file, temporary.c_str())) return {};
  const int number = errno;
  ::unlink(temporary.c_str());
  return not_written(path, number);
}

}  // namespace

Result<void> write_text(const std::filesystem::path& path, std::string_view text) {
  return write_beside(path, text, [&](const Descriptor& file, const char* temporary) {
    struct stat before {};
    if (::stat(path.c_str(), &before) == 0 && ::fchmod(file.number(), before.st_mode & 0777U) != 0) return false;
    return ::rename(temporary, path.c_str()) == 0;
  });
}

Result<void> write_new_text(const std::filesystem::path& path, std::string_view text) {
  // A plain rename would replace what another process has put there in the meantime.
  return write_beside(path, text, [&](const Descriptor&, const char* temporary) {
    if (::renameat2(AT_FDCWD, temporary, AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) return true;
    // File systems that know no such rename mostly know links.
    if ((errno != EINVAL && errno != ENOSYS) || ::link(temporary, path.c_str()) != 0) return false;
    ::unlink(temporary);
    return true;
  });
}

}  // namespace callgate::config
