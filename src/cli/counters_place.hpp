#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"

/// Which file holds the counters of a process. Several `run` processes for one
/// server and policy may be alive at the same time: each has a file of its own,
/// and whoever starts next takes up those of processes that are gone.
namespace callgate::cli {

/// What the files of all `run` processes for this server and policy are named after:
/// the server as pins know it, whose credentials may change; then what earlier
/// versions named them after.
std::vector<std::string> counters_stems(const config::Server& server);

/// A file that is this process's while the object lives.
class CountersPlace {
 public:
  /// Takes the first file of the first stem in `folder` that no living process holds,
  /// and what is left behind of all of them. Errors: `unavailable`.
  static Result<CountersPlace> take(const std::filesystem::path& folder, std::span<const std::string> stems);

  const std::filesystem::path& file() const { return file_; }
  /// Other files of the stems whose processes are gone. They stay held, so that
  /// nobody else takes them up; remove them once their counts are kept in `file`.
  const std::vector<std::filesystem::path>& left_behind() const { return left_behind_; }
  void remove_left_behind();
  /// Other processes of the same stem are alive: their limits count apart.
  bool shared() const { return shared_; }

 private:
  /// flock(2) on a file beside the counters; ends with the process, however it ends.
  class Lock {
   public:
    static Lock take(const std::filesystem::path& file);
    Lock(Lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Lock& operator=(Lock&& other) noexcept {
      std::swap(fd_, other.fd_);
      return *this;
    }
    ~Lock();
    bool held() const { return fd_ >= 0; }

   private:
    explicit Lock(int fd) : fd_(fd) {}
    int fd_ = -1;
  };

  Result<void> take_all(const std::filesystem::path& folder, const std::string& stem);

  std::filesystem::path file_;
  std::vector<Lock> locks_;
  std::vector<std::filesystem::path> left_behind_;
  bool shared_ = false;
};

}  // namespace callgate::cli
