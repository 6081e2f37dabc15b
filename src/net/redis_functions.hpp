#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/redis_client.hpp"

/// Functions that run on a Redis (7) or Valkey server, each call atomic: a room
/// that shares state has a library of them in the server's Lua.
namespace callgate::net {

/// A library as `FUNCTION LOAD` takes it, in the making. Every library begins
/// with the same few functions: `text` of a whole number, `outlive`, the `clock`
/// that never runs faster than its callers' own, and `say` for the feed.
///
/// INVARIANT: the name of the library and of each function ends in a digest of
/// the text, so gateways of different versions that share a server each call
/// their own. What they share are the keys, whose form has a number.
class RedisLibrary {
 public:
  RedisLibrary(std::string_view name, std::string_view body);

  /// Makes a local function of the body callable; gives the name it is called by.
  std::string add(std::string_view function);
  const std::string& text() const { return text_; }

 private:
  std::string version_;
  std::string text_;
};

/// One call of a function, in the making: its keys are counted when it is sent.
struct RedisCall {
  std::string_view function;
  std::vector<std::string> keys;
  std::vector<std::string> args;
};

/// Calls the functions of one library, and gives the library to a server that
/// does not have it. Threads: the loop's.
class RedisFunctions {
 public:
  RedisFunctions(RedisClient& client, std::string library) : client_(client), library_(std::move(library)) {}

  /// Begins at once, also before it is awaited. Errors: as `RedisClient::ask`; a
  /// reply that is an error of the server's is a reply.
  Task<Result<RedisReply>> run(RedisCall call);
  RedisClient& client() const { return client_; }

 private:
  Task<Result<RedisReply>> send(const RedisCall& call);
  Task<Result<RedisReply>> run_or_load(RedisCall call, Task<Result<RedisReply>> first);

  RedisClient& client_;
  const std::string library_;
};

/// The reply as its items, or why there are none: `unavailable` with the
/// server's own words where it refused. A replica is left for a new connection.
Result<std::vector<RedisReply>> items_of(RedisClient& client, Result<RedisReply> reply);

/// A key of several parts. Parts stand with their lengths, so no two lists of
/// parts make the same key.
std::string redis_key(std::string_view kind, std::initializer_list<std::string_view> parts);

}  // namespace callgate::net
