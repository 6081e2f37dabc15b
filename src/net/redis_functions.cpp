#include "net/redis_functions.hpp"

#include <array>

#include <fmt/format.h>

#include "base/sha256.hpp"

namespace callgate::net {
namespace {

/// Of another server's words, as much as belongs in a reason.
constexpr std::size_t most_shown = 160;

// Time is a number in the caller's unit, microseconds where the server's clock tells it.
constexpr std::string_view common = R"lua(
local function text(n) return string.format('%.0f', n) end

local function outlive(key, keep)
  if redis.call('PTTL', key) < keep then redis.call('PEXPIRE', key, text(keep)) end
end

-- The clock of all gateways goes on as the server's does. Set back, no time has
-- passed; set forward, no more than the caller knows to be possible: `most`, or
-- where it was not there at the last call, what its wall clock (`most,wall`) shows
-- to have passed since that of whoever was.
local function clock(key, given, at_most)
  local raw
  if given ~= '' then
    raw = tonumber(given)
  else
    local t = redis.call('TIME')
    raw = t[1] * 1000000 + t[2]
  end
  local kept = redis.call('HMGET', key, 'now', 'raw', 'wall')
  local most, wall = at_most:match('^(%d*),?(%d*)$')
  local now = raw
  if kept[1] then
    local step = math.max(raw - tonumber(kept[2]), 0)
    if most ~= '' then
      step = math.min(step, tonumber(most))
    elseif wall ~= '' and kept[3] then
      step = math.min(step, math.max(tonumber(wall) - tonumber(kept[3]), 0))
    end
    now = tonumber(kept[1]) + step
  end
  redis.call('HSET', key, 'now', text(now), 'raw', text(raw))
  if wall ~= '' then redis.call('HSET', key, 'wall', wall) end
  return now, raw
end

-- Tells all gateways, at their next look at the feed. What is said leaves a mark
-- that depends on all before it: a server that was set back leaves other ones.
local function say(feed, what)
  local marks = feed .. ':marks'
  local before = redis.call('LINDEX', marks, 0) or ''
  redis.call('HINCRBY', feed, 'said', 1)
  redis.call('LPUSH', marks, redis.sha1hex(before .. table.concat(redis.call('TIME'), '.') .. what):sub(1, 16))
  redis.call('LTRIM', marks, 0, 4095)
  outlive(marks, 90000000)
  redis.call('LPUSH', feed .. ':said', what)
  redis.call('LTRIM', feed .. ':said', 0, 4095)
  outlive(feed, 90000000)
  outlive(feed .. ':said', 90000000)
end
)lua";

}  // namespace

RedisLibrary::RedisLibrary(std::string_view name, std::string_view body) {
  const std::string whole = std::string(common).append(body);
  version_ = sha256_hex(whole).substr(0, 12);
  text_ = fmt::format("#!lua name=callgate_{}_{}\n{}", name, version_, whole);
}

std::string RedisLibrary::add(std::string_view function) {
  std::string name = fmt::format("callgate_{}_{}", function, version_);
  // Keys are found while a function runs, which a cluster does not allow.
  text_ += fmt::format("redis.register_function{{function_name = '{}', callback = {}, flags = {{'no-cluster'}}}}\n", name, function);
  return name;
}

Task<Result<RedisReply>> RedisFunctions::send(const RedisCall& call) {
  const std::string key_count = std::to_string(call.keys.size());
  std::vector<std::string_view> words{"FCALL", call.function, key_count};
  words.insert(words.end(), call.keys.begin(), call.keys.end());
  words.insert(words.end(), call.args.begin(), call.args.end());
  return client_.ask(words);
}

Task<Result<RedisReply>> RedisFunctions::run(RedisCall call) {
  auto first = send(call);
  return run_or_load(std::move(call), std::move(first));
}

/// A server that does not know the function (a new one, or one that forgot) is
/// given the library. What it did not know it did not run, so it is asked again.
Task<Result<RedisReply>> RedisFunctions::run_or_load(RedisCall call, Task<Result<RedisReply>> first) {
  auto reply = co_await first;
  if (!reply || !reply->is_error() || !reply->text.contains("Function not found")) co_return reply;
  const std::array<std::string_view, 3> load{"FUNCTION", "LOAD", library_};
  auto loading = client_.ask(load);
  auto again = send(call);
  auto loaded = co_await loading;
  // Another gateway may have been faster.
  if (loaded && loaded->is_error() && !loaded->text.contains("already exists")) co_return loaded;
  co_return co_await again;
}

Result<std::vector<RedisReply>> items_of(RedisClient& client, Result<RedisReply> reply) {
  if (!reply) return std::unexpected(std::move(reply.error()));
  if (reply->is_error()) {
    Error fault{ErrorKind::unavailable, fmt::format("the shared state answered `{}`", reply->text.substr(0, most_shown)), {}};
    // A name may lead to the new primary by now.
    if (reply->text.starts_with("READONLY")) client.renew(fault);
    return std::unexpected(std::move(fault));
  }
  return std::move(reply->items);
}

std::string redis_key(std::string_view kind, std::initializer_list<std::string_view> parts) {
  std::string out(kind);
  for (const std::string_view part : parts) out += fmt::format(":{}:{}", part.size(), part);
  return out;
}

}  // namespace callgate::net
