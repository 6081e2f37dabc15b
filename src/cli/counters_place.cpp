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

std::string stem_for(const config::Server& server, const std::string& address) {
  std::string key = server.name;
  key += '\0';
  key += address;
  key += '\0';
  key += fs::weakly_canonical(server.policy).string();
  return "run-" + server.name + "-" + sha256_hex(key).substr(0, 16);
}

}  // namespace

std::vector<std::string> counters_stems(const config::Server& server) {
  std::vector<std::string> stems{stem_for(server, server.address())};
  // What is kept under a credential must not begin anew with the version that names files without it.
  if (server.exact_address() != server.address()) stems.push_back(stem_for(server, server.exact_address()));
  return stems;
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

Result<CountersPlace> CountersPlace::take(const fs::path& folder, std::span<const std::string> stems) {
  CountersPlace taken;
  if (auto own = taken.take_all(folder, stems.front()); !own) return std::unexpected(own.error());
  if (taken.file_.empty()) return fail(ErrorKind::unavailable, fmt::format("{} gateways for this server and policy are alive already", most_places));
  for (const std::string& earlier : stems.subspan(1)) {
    if (auto left = taken.take_all(folder, earlier); !left) return std::unexpected(left.error());
  }
  return taken;
}

/// The first free place, where there is none yet, and the files of all others that are free.
Result<void> CountersPlace::take_all(const fs::path& folder, const std::string& stem) {
  std::error_code error;
  for (int number = 1; number <= most_places; ++number) {
    const fs::path file = place(folder, stem, number);
    // Behind the first file that was never there, none is.
    const bool there = fs::exists(file, error) || fs::exists(file.string() + ".lock", error);
    if (!there && !file_.empty()) return {};
    Lock lock = Lock::take(file);
    if (!lock.held()) {
      if (errno != EWOULDBLOCK)
        return fail(ErrorKind::unavailable, fmt::format("`{}.lock` cannot be taken: {}", file.string(), std::strerror(errno)));
      shared_ = true;
      continue;
    }
    locks_.push_back(std::move(lock));
    if (file_.empty()) {
      file_ = file;
    } else if (fs::exists(file, error)) {
      left_behind_.push_back(file);
    }
  }
  return {};
}

void CountersPlace::remove_left_behind() {
  std::error_code ignored;
  for (const fs::path& file : left_behind_) fs::remove(file, ignored);
  left_behind_.clear();
  // Only its own place stays held: the others are free for the next process.
  locks_.erase(locks_.begin() + 1, locks_.end());
}

}  // namespace callgate::cli
