#pragma once

#include <cstddef>

#include "base/error.hpp"

namespace callgate::net {

/// Memory that large answers take up while they are read and passed on: over all
/// servers, and of each a quarter of it, so that none takes the others' room.
/// Threads: the loop's.
class ReplyRoom {
 public:
  static constexpr std::size_t large = std::size_t{16} << 10U;  ///< smaller ones are not counted

  explicit ReplyRoom(std::size_t most = std::size_t{256} << 20U) : most_(most) {}

  /// `held`: what the server's answers take up already.
  Result<void> take(std::size_t& held, std::size_t bytes) {
    if (held + bytes > most_ / shares) return fail(ErrorKind::unavailable, "too many large answers of this server at once: try again");
    if (taken_ + bytes > most_) return fail(ErrorKind::unavailable, "too many large answers at once: try again");
    held += bytes;
    taken_ += bytes;
    return {};
  }
  void give_back(std::size_t& held, std::size_t bytes) {
    held -= bytes;
    taken_ -= bytes;
  }

 private:
  static constexpr std::size_t shares = 4;
  std::size_t most_;
  std::size_t taken_ = 0;
};

}  // namespace callgate::net
