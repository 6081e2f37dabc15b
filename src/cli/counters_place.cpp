#include "cli/counters_place.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/sha256.hpp"

namespace callgate::cli {

namespace {

namespace fs = std::filesystem;

constexpr int most_places = 1000;

fs::path place(const fs::path& folder, const std::string& stem, int number) {
  return folder / (number == 1 ? stem + ".bin" : fmt::format("{}.{}.bin", stem, number));
}

}  // namespace

std::string counters_stem(const config::Server& server) {
  std::string key = server.name;
  key += '\0';
  key += server.exact_address();
  key += '\0';
  key += fs::weakly_canonical(server.policy).string();
  return "run-" + server.name + "-" + sha256_hex(key).substr(0, 16);
}

CountersPlace::Lock CountersPlace::Lock::take(const fs::path& file) {
  const int fd = open((file.string() + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Lock(-1);
  if (flock(fd, LOCK_EX | LOCK_NB) == 0) return Lock(fd);
  const int error = errno;
  close(fd);
  errno = error;
  return Lock(-1);
}

CountersPlace::Lock::~Lock() {
  if (fd_ >= 0) close(fd_);
}

Result<CountersPlace> CountersPlace::take(const fs::path& folder, const std::string& stem) {
  CountersPlace taken;
  std::error_code error;
  for (int number = 1; number <= most_places; ++number) {
    const fs::path file = place(folder, stem, number);
    // Behind the first file that was never there, none is.
    const bool there = fs::exists(file, error) || fs::exists(file.string() + ".lock", error);
    if (!there && !taken.file_.empty()) return taken;
    Lock lock = Lock::take(file);
    if (!lock.held()) {
      if (errno != EWOULDBLOCK)
        return fail(ErrorKind::unavailable, fmt::format("`{}.lock` cannot be taken: {}", file.string(), std::strerror(errno)));
      taken.shared_ = true;
      continue;
    }
    taken.locks_.push_back(std::move(lock));
    if (taken.file_.empty()) {
      taken.file_ = file;
    } else if (fs::exists(file, error)) {
      taken.left_behind_.push_back(file);
    }
  }
  if (!taken.file_.empty()) return taken;
  return fail(ErrorKind::unavailable, fmt::format("{} gateways for this server and policy are alive already", most_places));
}

void CountersPlace::remove_left_behind() {
  std::error_code ignored;
  for (const fs::path& file : left_behind_) fs::remove(file, ignored);
  left_behind_.clear();
  // Only its own place stays held: the others are free for the next process.
  locks_.erase(locks_.begin() + 1, locks_.end());
}

}  // namespace callgate::cli
