#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "base/error.hpp"

namespace callgate::cli {

/// Holds DATA for one `serve` process. Released when the process ends, however
/// it ends.
class ServeLock {
 public:
  /// Waits up to `patience` for a process that is about to end. Error
  /// `conflict` names the pid of the one that holds it.
  static Result<ServeLock> take(const std::filesystem::path& data, std::chrono::milliseconds patience);
  ServeLock(ServeLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ServeLock& operator=(ServeLock&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~ServeLock();

 private:
  explicit ServeLock(int fd) : fd_(fd) {}
  int fd_ = -1;
};

/// Makes a folder, and those above it, of mode 0700 where it is missing.
Result<void> make_private_folder(const std::filesystem::path& folder);

/// Makes DATA, or closes one that others may read: keys and the journal lie in
/// it. True where it was closed just now. Errors: `unavailable`, and `refused`
/// where it is not ours alone to close: another user's, one that others may write
/// to, or a folder of other things.
Result<bool> take_data_folder(const std::filesystem::path& folder);

}  // namespace callgate::cli
