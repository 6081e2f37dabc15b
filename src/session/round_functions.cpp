#include "session/round_functions.hpp"

#include "net/redis_functions.hpp"

namespace callgate::session {
namespace {

// KEYS of every function: what all keys begin with. ARGV: at most passed, for how
// long a call may go on in µs, server, digest; then its own. Every answer begins {server's time}.
//
// Kept are, after the first key: `r:<digest>` a call whose next round is expected, with
// when it began; `of:<server>` the digests of one server by when they were expected.
constexpr std::string_view round_functions_text = R"lua(
local function begin(keys, args)
  local now, raw = clock(keys[1] .. ':clock', '', args[1])
  local b = {now = now, raw = raw, lasts = tonumber(args[2]), digest = args[4]}
  b.round, b.prefix, b.order = keys[1] .. ':r:' .. args[4], keys[1] .. ':r:', keys[1] .. ':of:' .. args[3]
  b.keep = math.ceil(b.lasts / 1000) + 90000000
  outlive(keys[1] .. ':clock', b.keep)
  return b
end

-- ARGV most of a server, age in µs, then fields and their texts.
local function expect(keys, args)
  local b = begin(keys, args)
  local age = tonumber(args[6])
  redis.call('DEL', b.round)
  redis.call('HSET', b.round, 'began', text(b.now - age), unpack(args, 7))
  redis.call('PEXPIRE', b.round, text(math.max(math.ceil((b.lasts - age) / 1000), 1)))
  redis.call('ZADD', b.order, text(b.now), b.digest)
  redis.call('ZREMRANGEBYSCORE', b.order, '-inf', text(b.now - b.lasts))
  for _ = 1, redis.call('ZCARD', b.order) - tonumber(args[5]) do
    redis.call('DEL', b.prefix .. redis.call('ZPOPMIN', b.order)[1])
  end
  outlive(b.order, b.keep)
  return {b.raw}
end

local function found(b)
  local fields = redis.call('HGETALL', b.round)
  local began = tonumber(redis.call('HGET', b.round, 'began') or '')
  if not began or b.now - began > b.lasts then return {b.raw} end
  return {b.raw, text(b.now - began), fields}
end

local function find(keys, args) return found(begin(keys, args)) end

local function take(keys, args)
  local b = begin(keys, args)
  local answer = found(b)
  redis.call('DEL', b.round)
  redis.call('ZREM', b.order, b.digest)
  return answer
end
)lua";

}  // namespace

RoundFunctions::RoundFunctions() {
  net::RedisLibrary library("rounds", round_functions_text);
  expect = library.add("expect");
  find = library.add("find");
  take = library.add("take");
  text = library.text();
}

}  // namespace callgate::session
