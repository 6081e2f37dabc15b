#include "session/session_functions.hpp"

#include "net/redis_functions.hpp"

namespace callgate::session {
namespace {

// KEYS of every function: what all keys begin with, the feed. ARGV: at most passed,
// idle time in µs; then its own. Every answer begins {server's time}.
//
// Kept are, after the first key: `s:<name>` a session; `used` names by when they
// were used last; `of:<server>:<grant>` those of one grant at one server likewise; `over:<name>`
// says for a while that a session ended, to who tells late that it is to be kept.
constexpr std::string_view session_functions_text = R"lua(
local function begin(keys, args)
  local now, raw = clock(keys[1] .. ':clock', '', args[1])
  local b = {p = keys[1], feed = keys[2], now = now, raw = raw, idle = tonumber(args[2])}
  b.keep = math.ceil(b.idle / 1000) + 90000000
  outlive(b.p .. ':clock', b.keep)
  return b
end

local function share_key(b, server, grant) return b.p .. ':of:' .. server .. ':' .. grant end

local function owner(b, name)
  local owner = redis.call('HMGET', b.p .. ':s:' .. name, 'grant', 'server')
  return owner[1], owner[2] or ''
end

local function touch(b, name, grant, server)
  redis.call('ZADD', b.p .. ':used', text(b.now), name)
  redis.call('PEXPIRE', b.p .. ':s:' .. name, text(b.keep))
  outlive(b.p .. ':used', b.keep)
  if grant == '' then return end
  redis.call('ZADD', share_key(b, server, grant), text(b.now), name)
  outlive(share_key(b, server, grant), b.keep)
end

local function over(b, name)
  redis.call('SET', b.p .. ':over:' .. name, '1', 'PX', '600000')
  local grant, server = owner(b, name)
  redis.call('ZREM', b.p .. ':used', name)
  if not grant then return end
  redis.call('DEL', b.p .. ':s:' .. name)
  if grant ~= '' then redis.call('ZREM', share_key(b, server, grant), name) end
  say(b.feed, 'session ' .. name)
end

-- Those that nobody used for long, some at a time.
local function sweep(keys, args)
  local b = begin(keys, args)
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', b.p .. ':used', '-inf', text(b.now - b.idle), 'LIMIT', 0, 200)) do over(b, name) end
  return {b.raw}
end

-- ARGV name, grant, most of a grant at one server, then fields and their texts. Of
-- these the longest unused make room; a name whose session has gone by itself takes none.
local function keep(keys, args)
  local b = begin(keys, args)
  local name, most = args[3], tonumber(args[5])
  if redis.call('EXISTS', b.p .. ':over:' .. name) == 1 then return {b.raw, 'over'} end
  redis.call('HSET', b.p .. ':s:' .. name, unpack(args, 6))
  local grant, server = owner(b, name)
  touch(b, name, grant, server)
  if grant == '' then return {b.raw} end
  local names = redis.call('ZRANGE', share_key(b, server, grant), 0, -1)
  local excess = #names - most
  for _, other in ipairs(names) do
    if excess <= 0 then break end
    if other ~= name then
      over(b, other)
      redis.call('ZREM', share_key(b, server, grant), other)
      excess = excess - 1
    end
  end
  return {b.raw}
end

-- ARGV name.
local function find(keys, args)
  local b = begin(keys, args)
  local fields = redis.call('HGETALL', b.p .. ':s:' .. args[3])
  local at = redis.call('ZSCORE', b.p .. ':used', args[3])
  if #fields == 0 or not at then return {b.raw, {}} end
  if tonumber(at) <= b.now - b.idle then
    over(b, args[3])
    return {b.raw, {}}
  end
  touch(b, args[3], owner(b, args[3]))
  return {b.raw, fields}
end

-- ARGV names.
local function used(keys, args)
  local b = begin(keys, args)
  for i = 3, #args do
    local grant, server = owner(b, args[i])
    if grant then touch(b, args[i], grant, server) end
  end
  return {b.raw}
end

-- ARGV name.
local function end_session(keys, args)
  local b = begin(keys, args)
  over(b, args[3])
  return {b.raw}
end

-- ARGV names. Those that are over.
local function alive(keys, args)
  local b = begin(keys, args)
  local gone = {b.raw}
  for i = 3, #args do
    if redis.call('EXISTS', b.p .. ':s:' .. args[i]) == 0 then gone[#gone + 1] = args[i] end
  end
  return gone
end
)lua";

}  // namespace

SessionFunctions::SessionFunctions() {
  net::RedisLibrary library("sessions", session_functions_text);
  keep = library.add("keep");
  find = library.add("find");
  used = library.add("used");
  end = library.add("end_session");
  sweep = library.add("sweep");
  alive = library.add("alive");
  text = library.text();
}

}  // namespace callgate::session
