#include "cli/data_folder.hpp"

#include <cerrno>
#include <cstring>
#include <thread>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace callgate::cli {

namespace {

/// Empty, or used as a data folder before: `--data /etc` by mistake must not close /etc.
bool is_of_callgate(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const char* each : {"callgate.db", "journal", "keys"}) {
    if (std::filesystem::exists(folder / each, ignored)) return true;
  }
  return std::filesystem::is_empty(folder, ignored);
}

}  // namespace

Result<void> make_private_folder(const std::filesystem::path& folder) {
  std::error_code code;
  if (std::filesystem::is_directory(folder, code)) return {};
  const mode_t mask = umask(0077);
  std::filesystem::create_directories(folder, code);
  umask(mask);
  if (code) return fail(ErrorKind::unavailable, fmt::format("the folder `{}` cannot be made: {}", folder.string(), code.message()));
  return {};
}

Result<bool> take_data_folder(const std::filesystem::path& folder) {
  if (auto made = make_private_folder(folder); !made) return std::unexpected(made.error());
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0)
    return fail(ErrorKind::unavailable, fmt::format("the folder `{}` cannot be used: {}", folder.string(), std::strerror(errno)));
  if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0) return false;
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorKind::refused, fmt::format("{} the data folder `{}`: run `chmod 700` on it, or give another with `--data`", why, folder.string()));
  };
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) return refuse("others may write to");
  if (status.st_uid != geteuid()) return refuse("others may read, and another user owns,");
  if (!is_of_callgate(folder)) return refuse("others may read, and other things lie in,");
  if (chmod(folder.c_str(), S_IRWXU) != 0)
    return fail(ErrorKind::unavailable, fmt::format("the mode of `{}` cannot be changed: {}", folder.string(), std::strerror(errno)));
  return true;
}

Result<ServeLock> ServeLock::take(const std::filesystem::path& data, std::chrono::milliseconds patience) {
  const std::string path = (data / "serve.lock").string();
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return fail(ErrorKind::unavailable, fmt::format("`{}` cannot be opened: {}", path, std::strerror(errno)));
  ServeLock lock(fd);
  const auto until = std::chrono::steady_clock::now() + patience;
  while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (std::chrono::steady_clock::now() >= until) {
      char text[32] = {};
      [[maybe_unused]] const auto got = pread(fd, text, sizeof text - 1, 0);
      return fail(ErrorKind::conflict, fmt::format("another `callgate serve` (pid {}) works on `{}`: stop it or give this one a `--data` folder of its own",
                                                   std::atoi(text), data.string()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0)
    return fail(ErrorKind::unavailable, fmt::format("`{}` cannot be written: {}", path, std::strerror(errno)));
  return lock;
}

ServeLock::~ServeLock() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace callgate::cli
