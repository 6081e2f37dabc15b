#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

struct redisReader;

/// Commands and replies of a Redis or Valkey server as bytes (RESP2), by
/// hiredis, which is known to this file's source alone. No I/O.
namespace callgate::net {

/// What the server answered to one command.
struct RedisReply {
  enum class Kind : std::uint8_t { nil, integer, text, list, error };
  Kind kind = Kind::nil;
  std::int64_t integer = 0;
  std::string text;  ///< of a text (status replies too), or what the server says is wrong
  std::vector<RedisReply> items;

  bool is_error() const { return kind == Kind::error; }
};

/// Adds one command to the bytes that are to be sent; words may hold any bytes.
void append_redis_command(std::string& out, std::span<const std::string_view> words);

/// Takes bytes as they arrive, gives replies as they are complete.
class RedisReplies {
 public:
  static constexpr std::size_t max_bytes = std::size_t{16} << 20;  ///< of one reply

  RedisReplies();
  ~RedisReplies();
  RedisReplies(const RedisReplies&) = delete;
  RedisReplies& operator=(const RedisReplies&) = delete;

  void feed(std::span<const char> bytes);
  /// The next reply; nothing while it is not complete. Errors: `malformed`,
  /// `too_large`; the connection is of no use then.
  Result<std::optional<RedisReply>> next();

 private:
  redisReader* reader_;
  std::size_t unread_ = 0;  ///< bytes since the last whole reply
};

}  // namespace callgate::net
