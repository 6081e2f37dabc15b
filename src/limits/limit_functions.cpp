#include "limits/limit_functions.hpp"

#include <fmt/format.h>

#include "net/redis_functions.hpp"

namespace callgate::limits {
namespace {

// Time is a number in the caller's unit (microseconds, where the server's clock
// tells it), windows too. A counter `c` has a key, a max, a window, the time in
// milliseconds that its keys outlive their last change, and, if it is a
// session's, the key where the calls of ended sessions of its grant stand. Its max
// may be another one from call to call; the calls stay.
//
// Small limits keep each call: a sorted set of times. Calls inherited from ended
// sessions begin with `<`: they count here and are not passed on again.
constexpr std::string_view exact = R"lua(
local exact = {}

-- A call made exactly one window ago has left the window.
function exact.used(c, key, now)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now - c.window))
  return redis.call('ZCARD', key)
end

-- The call that must leave first is the one that then leaves max - 1.
function exact.wait(c, key, now)
  return tonumber(redis.call('ZRANGE', key, -c.max, -c.max, 'WITHSCORES')[2]) + c.window - now
end

function exact.add(c, now, id) redis.call('ZADD', c.key, text(now), id) end
function exact.remove(c, at, id) redis.call('ZREM', c.key, id) end

local function copy(from, to, own_only, mark)
  local calls, words = redis.call('ZRANGE', from, 0, -1, 'WITHSCORES'), {}
  for i = 1, #calls, 2 do
    if not own_only or calls[i]:sub(1, 1) ~= '<' then
      words[#words + 1] = calls[i + 1]
      words[#words + 1] = mark .. calls[i]
    end
  end
  if #words > 0 then redis.call('ZADD', to, unpack(words)) end
end

function exact.inherit(c) copy(c.ended, c.key, false, '<') end

-- More calls than max do not change when the next may pass, but whose max? It may be
-- raised later, and other sessions may have begun under another one: all are kept, as
-- many as a set may hold.
function exact.pass_on(c)
  local most = math.max(MAX_EXACT, redis.call('ZCARD', c.key))
  copy(c.key, c.ended, true, '')
  redis.call('ZREMRANGEBYRANK', c.ended, 0, -most - 1)
end
)lua";

// Large limits keep calls per 64th of the window: a hash of slots, their sum `n`,
// and the first and last of them. `<slot` is how many of a slot's calls are
// inherited. A slot leaves when its last moment does: a refusal may come early,
// a permission never.
constexpr std::string_view slots_text = R"lua(
local slots = {}

local function width(c) return math.max(math.floor(c.window / 64), 1) end
local function leaves(c, slot) return (slot + 1) * width(c) - 1 + c.window end

function slots.used(c, key, now)
  local head = redis.call('HMGET', key, 'n', 'first', 'last')
  if not head[1] then return 0 end
  local n, first, last = tonumber(head[1]), tonumber(head[2]), tonumber(head[3])
  if leaves(c, last) <= now then
    redis.call('DEL', key)
    return 0
  end
  if leaves(c, first) > now then return n end
  while leaves(c, first) <= now do
    n = n - tonumber(redis.call('HGET', key, text(first)) or 0)
    redis.call('HDEL', key, text(first), '<' .. text(first))
    first = first + 1
  end
  redis.call('HSET', key, 'n', text(n), 'first', text(first))
  return n
end

local function each(key, visit)
  local all, calls = redis.call('HGETALL', key), {}
  for i = 1, #all, 2 do calls[all[i]] = tonumber(all[i + 1]) end
  for slot = calls.first or 0, calls.last or -1 do
    local name = text(slot)
    if visit(slot, calls[name] or 0, calls['<' .. name] or 0) then return end
  end
end

function slots.wait(c, key, now)
  local left, wait = tonumber(redis.call('HGET', key, 'n')), c.window
  each(key, function(slot, calls)
    left = left - calls
    if left < c.max then wait = leaves(c, slot) - now end
    return left < c.max
  end)
  return wait
end

local function count(key, slot, calls)
  local kept = redis.call('HMGET', key, 'first', 'last')
  redis.call('HINCRBY', key, text(slot), text(calls))
  redis.call('HINCRBY', key, 'n', text(calls))
  if not kept[1] or tonumber(kept[1]) > slot then redis.call('HSET', key, 'first', text(slot)) end
  if not kept[2] or tonumber(kept[2]) < slot then redis.call('HSET', key, 'last', text(slot)) end
end

function slots.add(c, now) count(c.key, math.floor(now / width(c)), 1) end

function slots.remove(c, at)
  local slot = text(math.floor(at / width(c)))
  local calls = redis.call('HMGET', c.key, slot, '<' .. slot)
  if tonumber(calls[1] or 0) <= tonumber(calls[2] or 0) then return end
  redis.call('HINCRBY', c.key, slot, -1)
  redis.call('HINCRBY', c.key, 'n', -1)
end

function slots.inherit(c)
  each(c.ended, function(slot, calls)
    if calls == 0 then return end
    count(c.key, slot, calls)
    redis.call('HSET', c.key, '<' .. text(slot), text(calls))
  end)
end

-- Puts calls that were kept one by one into slots.
local function to_slots(c, key)
  local calls, left = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES'), redis.call('PTTL', key)
  redis.call('DEL', key)
  for i = 1, #calls, 2 do
    local slot = math.floor(tonumber(calls[i + 1]) / width(c))
    count(key, slot, 1)
    if calls[i]:sub(1, 1) == '<' then redis.call('HINCRBY', key, '<' .. text(slot), 1) end
  end
  if left > 0 then redis.call('PEXPIRE', key, text(left)) end
end

function slots.pass_on(c)
  each(c.key, function(slot, calls, inherited)
    if calls > inherited then count(c.ended, slot, calls - inherited) end
  end)
end
)lua";

constexpr std::string_view counters_text = R"lua(
-- A large limit that was made smaller keeps its slots until they are empty; the
-- calls of a small one that was made large are put into slots.
local function way(c)
  local of_key = redis.call('TYPE', c.key).ok
  local of_ended = c.ended ~= '' and redis.call('TYPE', c.ended).ok or 'none'
  if c.max <= MAX_EXACT and of_key ~= 'hash' and of_ended ~= 'hash' then return exact end
  if of_key == 'zset' then to_slots(c, c.key) end
  if of_ended == 'zset' then to_slots(c, c.ended) end
  return slots
end

-- A counter that is no session's names its own key twice.
local function read(keys, args, first_key, first_arg)
  local counters = {}
  for i = 0, (#keys - first_key + 1) / 2 - 1 do
    local at, key, ended = first_arg + 3 * i, keys[first_key + 2 * i], keys[first_key + 2 * i + 1]
    counters[i + 1] = {key = key, ended = ended ~= key and ended or '',
                       max = tonumber(args[at]), window = tonumber(args[at + 1]), keep = tonumber(args[at + 2])}
  end
  return counters
end

-- A session that made no call yet starts with those of the ended ones.
local function state(c, now)
  c.new = c.ended ~= '' and redis.call('EXISTS', c.key) == 0
  local key = c.new and c.ended or c.key
  local used = way(c).used(c, key, now)
  if used < c.max then return used, 0 end
  return used, c.max == 0 and c.window or way(c).wait(c, key, now)
end

local function states(counters, now, raw)
  local answer = {1, raw, now}
  for _, c in ipairs(counters) do
    local used, wait = state(c, now)
    if used >= c.max then answer[1] = 0 end
    answer[#answer + 1] = used
    answer[#answer + 1] = wait
  end
  return answer
end

-- KEYS clock, session's counters, gateway's sessions, then counter and ended of each limit.
-- ARGV now, at most passed, not after, id, then max, window, keep of each limit.
-- Answers 1 taken, 0 not, 2 too late: {that, server's time, time, used and wait of each}.
local function take(keys, args)
  local now, raw = clock(keys[1], args[1], args[2])
  if args[3] ~= '' and raw > tonumber(args[3]) then return {2, raw, now} end
  local counters = read(keys, args, 4, 5)
  local answer = states(counters, now, raw)
  if answer[1] == 0 then return answer end
  local session_keep, counted = 0, {}
  for i, c in ipairs(counters) do
    -- Limits that differ in max alone count a call once.
    if not counted[c.key] then
      counted[c.key] = true
      if c.new then
        way(c).inherit(c)
        redis.call('HSET', keys[2], c.key, text(c.max) .. ' ' .. text(c.window) .. ' ' .. text(c.keep) .. ' ' .. c.ended)
      end
      way(c).add(c, now, args[4] .. '.' .. i)
      redis.call('PEXPIRE', c.key, text(c.keep))
      outlive(keys[1], c.keep)
      if c.ended ~= '' then session_keep = math.max(session_keep, c.keep) end
    end
  end
  if session_keep > 0 then
    redis.call('SADD', keys[3], keys[2])
    redis.call('HSET', keys[2], 'of', keys[3])  -- the gateway that it went on at
    outlive(keys[2], session_keep)
    outlive(keys[3], session_keep)
  end
  return answer
end

-- KEYS clock, then as for take. ARGV now, at most passed, then as for take.
local function look(keys, args)
  local now, raw = clock(keys[1], args[1], args[2])
  return states(read(keys, args, 2, 3), now, raw)
end

-- KEYS counter and ended of each limit. ARGV id, time of the take, then as for take.
local function give_back(keys, args)
  local removed = {}
  for i, c in ipairs(read(keys, args, 1, 3)) do
    if not removed[c.key] then way(c).remove(c, tonumber(args[2]), args[1] .. '.' .. i) end
    removed[c.key] = true
  end
  return 1
end
)lua";

constexpr std::string_view sessions = R"lua(
local function pass_on(index, now)
  local all = redis.call('HGETALL', index)
  for i = 1, #all, 2 do
    local max, window, keep, ended = all[i + 1]:match('^(%d+) (%d+) (%d+) (.*)$')
    if max then
      local c = {key = all[i], ended = ended, max = tonumber(max), window = tonumber(window)}
      way(c).used(c, c.key, now)
      way(c).used(c, c.ended, now)
      way(c).pass_on(c)
      outlive(c.ended, tonumber(keep))
      redis.call('DEL', c.key)
    end
  end
  redis.call('DEL', index)
end

-- A session that went on at another gateway is not over with this one. One that
-- nobody took over yet begins anew, with the calls of the ended ones: its own too.
local function pass_on_unless_taken(index, gateway, now)
  local of = redis.call('HGET', index, 'of')
  if not of or of == gateway then pass_on(index, now) end
end

-- KEYS clock, session's counters, gateway's sessions. ARGV now, at most passed.
local function end_session(keys, args)
  pass_on(keys[2], clock(keys[1], args[1], args[2]))
  redis.call('SREM', keys[3], keys[2])
  return 1
end

-- KEYS clock, all gateways, gateway's sessions. ARGV now, at most passed.
local function end_gateway(keys, args)
  local now = clock(keys[1], args[1], args[2])
  for _, index in ipairs(redis.call('SMEMBERS', keys[3])) do pass_on_unless_taken(index, keys[3], now) end
  redis.call('DEL', keys[3])
  redis.call('ZREM', keys[2], keys[3])
  return 1
end

-- The gateway lives; the sessions of one that did not say so for long are over, some at a time.
-- KEYS clock, all gateways, gateway's sessions. ARGV now, at most passed, silent for, keep.
local function beat(keys, args)
  local now, raw = clock(keys[1], args[1], args[2])
  redis.call('ZADD', keys[2], text(now), keys[3])
  redis.call('PEXPIRE', keys[2], args[4])
  outlive(keys[1], tonumber(args[4]))
  local silent = redis.call('ZRANGEBYSCORE', keys[2], '-inf', text(now - tonumber(args[3])), 'LIMIT', 0, 1)[1]
  if not silent then return {1, raw, now} end
  for _, index in ipairs(redis.call('SPOP', silent, 100)) do pass_on_unless_taken(index, silent, now) end
  if redis.call('EXISTS', silent) == 0 then redis.call('ZREM', keys[2], silent) end
  return {1, raw, now}
end
)lua";

}  // namespace

LimitFunctions::LimitFunctions() {
  std::string body = fmt::format("local MAX_EXACT = {}\n", max_exact_shared);
  for (const std::string_view part : {exact, slots_text, counters_text, sessions}) body += part;
  net::RedisLibrary library("limits", body);
  take = library.add("take");
  look = library.add("look");
  give_back = library.add("give_back");
  end_session = library.add("end_session");
  end_gateway = library.add("end_gateway");
  beat = library.add("beat");
  text = library.text();
}

}  // namespace callgate::limits
