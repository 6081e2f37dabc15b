#include "approval/question_functions.hpp"

#include "net/redis_functions.hpp"

namespace callgate::approval {
namespace {

// KEYS of every function: what all keys begin with, the feed. ARGV: now, at most
// passed, wall time in ms, limits, not after; then its own. Every answer begins
// {word, server's time}.
//
// Kept are, after the first key: `q:<id>` a question; `open` binding → id, of those
// that wait, are approved, or hold a no that is owed; `deadlines` of these;
// `waiting` ids, `askers` id → who asks, `counts` of those by asker; `finished` ids by
// their end; `totals` of bytes; `places:<id>` place → gateway of the calls that
// wait; `where` place → id; `gateways` by when they last held their places; `seal` the key of seals.
constexpr std::string_view basics = R"lua(
local SILENT = 10000000

local function q(b, id) return b.p .. ':q:' .. id end
local function get(b, id, field) return redis.call('HGET', q(b, id), field) end
local function add(b, total, by) redis.call('HINCRBY', b.p .. ':totals', total, text(by)) end
local function total(b, name) return tonumber(redis.call('HGET', b.p .. ':totals', name) or 0) end
local function set_deadline(b, id, at) redis.call('ZADD', b.p .. ':deadlines', text(at), id) end

-- From here on the same call is a new question.
local function forget_binding(b, id)
  redis.call('ZREM', b.p .. ':deadlines', id)
  local binding = get(b, id, 'binding')
  if binding and redis.call('HGET', b.p .. ':open', binding) == id then redis.call('HDEL', b.p .. ':open', binding) end
end

local function left_waiting(b, id)
  local asker = redis.call('HGET', b.p .. ':askers', id)
  if not asker then return end
  redis.call('HDEL', b.p .. ':askers', id)
  redis.call('ZREM', b.p .. ':waiting', id)
  if redis.call('HINCRBY', b.p .. ':counts', asker, -1) <= 0 then redis.call('HDEL', b.p .. ':counts', asker) end
end

-- Who waited hears by the feed; the places are gone.
local function close(b, id, state)
  local kept = redis.call('HMGET', q(b, id), 'size', 'arguments_size', 'owed')
  left_waiting(b, id)
  add(b, 'open_bytes', -tonumber(kept[1] or 0))
  add(b, 'finished_bytes', tonumber(kept[2] or 0))
  redis.call('HDEL', q(b, id), 'bytes')
  redis.call('HSET', q(b, id), 'state', state, 'ended_at', text(b.wall))
  redis.call('ZADD', b.p .. ':finished', text(b.now), id)
  outlive(b.p .. ':finished', b.kept_for / 1000 + 90000000)
  local places = redis.call('HKEYS', b.p .. ':places:' .. id)
  if #places > 0 then redis.call('HDEL', b.p .. ':where', unpack(places)) end
  redis.call('DEL', b.p .. ':places:' .. id)
  if state == 'denied' and tonumber(kept[3] or 0) > 0 then
    set_deadline(b, id, b.now + b.yes_lasts)
  else
    forget_binding(b, id)
  end
  say(b.feed, 'approval ' .. id)
end

local function expire(b)
  local due = redis.call('ZRANGEBYSCORE', b.p .. ':deadlines', '-inf', text(b.now))
  for _, id in ipairs(due) do
    local state = get(b, id, 'state')
    if state == 'waiting' or state == 'approved' then
      close(b, id, 'expired')
    else
      left_waiting(b, id)
      forget_binding(b, id)
    end
  end
end

local function trim(b)
  local count = redis.call('ZCARD', b.p .. ':finished')
  while count > 0 do
    local oldest = redis.call('ZRANGE', b.p .. ':finished', 0, 0, 'WITHSCORES')
    local id = oldest[1]
    local over = count > b.kept or total(b, 'finished_bytes') > b.kept_bytes
    if not over and tonumber(oldest[2]) + b.kept_for > b.now then return end
    forget_binding(b, id)
    add(b, 'finished_bytes', -tonumber(get(b, id, 'arguments_size') or 0))
    redis.call('DEL', q(b, id))
    redis.call('ZREM', b.p .. ':finished', id)
    count = count - 1
  end
end

-- Nothing where the caller waits no longer: a server that was stopped finds its call too late.
local function begin(keys, args)
  local now, raw = clock(keys[1] .. ':clock', args[1], args[2])
  local wall = args[3] ~= '' and tonumber(args[3]) or math.floor(raw / 1000)
  local b = {p = keys[1], feed = keys[2], now = now, raw = raw, wall = wall}
  local n = {}
  for each in args[4]:gmatch('%d+') do n[#n + 1] = tonumber(each) end
  b.per_grant, b.most, b.calls, b.bytes, b.kept, b.kept_bytes, b.kept_for, b.yes_lasts = unpack(n)
  expire(b)
  trim(b)
  b.late = args[5] ~= '' and raw > tonumber(args[5])
  return b
end

local function shown(b, id) return redis.call('HGETALL', q(b, id)) end
)lua";

constexpr std::string_view places_text = R"lua(
local function place_in(b, id, place, gateway)
  local keep = math.max(redis.call('PTTL', q(b, id)), 1000)
  redis.call('HSET', b.p .. ':places:' .. id, place, gateway)
  redis.call('HSET', b.p .. ':where', place, id)
  redis.call('ZADD', b.p .. ':gateways', text(b.now), gateway)
  for _, key in ipairs({':places:' .. id, ':where', ':gateways'}) do outlive(b.p .. key, keep) end
end

-- A call that may return keeps the question open, and is owed a no. One that will say
-- that it came back keeps it open until then.
local function may_return(b, id, says_so)
  if says_so then redis.call('HINCRBY', q(b, id), 'rounds', 1) else redis.call('HSET', q(b, id), 'kept_open', 1) end
  if get(b, id, 'state') == 'waiting' then redis.call('HINCRBY', q(b, id), 'owed', 1) end
end

-- The calls of a gateway that has gone were answered nothing: their repeat may
-- come through another one.
local function drop_silent(b, id)
  local all = redis.call('HGETALL', b.p .. ':places:' .. id)
  for i = 1, #all, 2 do
    local seen = redis.call('ZSCORE', b.p .. ':gateways', all[i + 1])
    if not seen or tonumber(seen) + SILENT < b.now then
      redis.call('HDEL', b.p .. ':places:' .. id, all[i])
      redis.call('HDEL', b.p .. ':where', all[i])
      may_return(b, id)
    end
  end
end

-- ARGV place, `good`, `return` or `round`.
local function leave(keys, args)
  local b = begin(keys, args)
  local place, how = args[6], args[7]
  local id = redis.call('HGET', b.p .. ':where', place)
  redis.call('HDEL', b.p .. ':where', place)
  if not id or redis.call('HDEL', b.p .. ':places:' .. id, place) == 0 or not get(b, id, 'state') then return {'gone', b.raw} end
  if how ~= 'good' then
    may_return(b, id, how == 'round')
    return {'ok', b.raw}
  end
  drop_silent(b, id)
  if redis.call('HLEN', b.p .. ':places:' .. id) > 0 or get(b, id, 'kept_open') or tonumber(get(b, id, 'rounds') or 0) > 0 then return {'ok', b.raw} end
  close(b, id, 'withdrawn')
  return {'ok', b.raw}
end

-- The gateway lives, and holds its places. ARGV gateway.
local function hold(keys, args)
  local b = begin(keys, args)
  redis.call('ZADD', b.p .. ':gateways', text(b.now), args[6])
  redis.call('ZREMRANGEBYSCORE', b.p .. ':gateways', '-inf', text(b.now - 10 * SILENT))
  outlive(b.p .. ':gateways', 90000000)
  return {'ok', b.raw}
end
)lua";

constexpr std::string_view questions = R"lua(
local function join(b, id, state, args)
  if redis.call('HLEN', b.p .. ':places:' .. id) >= b.calls then drop_silent(b, id) end
  if redis.call('HLEN', b.p .. ':places:' .. id) >= b.calls then return {'crowded', b.raw} end
  if args[14] == id and tonumber(get(b, id, 'rounds') or 0) > 0 then redis.call('HINCRBY', q(b, id), 'rounds', -1) end
  local owed = tonumber(get(b, id, 'owed'))
  if owed > 0 then redis.call('HSET', q(b, id), 'owed', text(owed - 1)) end
  if state ~= 'denied' then
    place_in(b, id, args[7], args[8])
  elseif owed <= 1 then
    forget_binding(b, id)
  end
  return {'ok', b.raw, id, shown(b, id)}
end

-- ARGV id, place, gateway, asker, binding, size, size of the arguments, timeout in µs, id that the call comes back to, then fields and their texts.
local function ask(keys, args)
  local b = begin(keys, args)
  if b.late then return {'late', b.raw} end
  local id, asker, binding, size, timeout = args[6], args[9], args[10], tonumber(args[11]), tonumber(args[13])
  local known = redis.call('HGET', b.p .. ':open', binding)
  local state = known and get(b, known, 'state')
  if state then return join(b, known, state, args) end
  local mine = tonumber(redis.call('HGET', b.p .. ':counts', asker) or 0)
  if mine >= b.per_grant then return {'grant_full', b.raw, mine} end
  if redis.call('ZCARD', b.p .. ':waiting') >= b.most or total(b, 'open_bytes') + size > b.bytes then return {'full', b.raw} end

  local keep = math.ceil(timeout / 1000) + 176400000
  for _, index in ipairs({'clock', 'open', 'deadlines', 'waiting', 'askers', 'counts', 'finished', 'totals'}) do
    b[index] = b.p .. ':' .. index
  end
  add(b, 'open_bytes', size)
  redis.call('ZADD', b.waiting, text(b.now), id)
  redis.call('HSET', b.askers, id, asker)
  redis.call('HINCRBY', b.counts, asker, 1)
  redis.call('HSET', b.open, binding, id)
  redis.call('HSET', q(b, id), 'state', 'waiting', 'binding', binding, 'size', args[11], 'arguments_size', args[12], 'owed', 0,
             'asked_at', text(b.wall), 'expires_at', text(b.wall + math.floor(timeout / 1000)), unpack(args, 15))
  set_deadline(b, id, b.now + timeout)
  for _, index in ipairs({b.clock, b.open, b.deadlines, b.waiting, b.askers, b.counts, b.finished, b.totals}) do
    outlive(index, keep)
  end
  keep = math.max(keep, redis.call('PTTL', b.open))
  redis.call('PEXPIRE', q(b, id), text(keep))
  place_in(b, id, args[7], args[8])
  say(b.feed, 'approval ' .. id)
  return {'ok', b.raw, id, shown(b, id)}
end

-- ARGV id, `yes` or `no`, by whom, reason.
local function answer(keys, args)
  local b = begin(keys, args)
  local id, by = args[6], args[8]
  if b.late then return {'late', b.raw} end
  local state = get(b, id, 'state')
  if not state then return {'none', b.raw} end
  if state ~= 'waiting' then return {'state', b.raw, state} end
  local grant = get(b, id, 'grant')
  if grant ~= '' and grant == by then return {'self', b.raw} end
  redis.call('HSET', q(b, id), 'answered_by', by, 'answer_reason', args[9], 'answered_at', text(b.wall))
  if args[7] == 'yes' then
    left_waiting(b, id)
    redis.call('HSET', q(b, id), 'state', 'approved', 'expires_at', text(b.wall + math.floor(b.yes_lasts / 1000)))
    set_deadline(b, id, b.now + b.yes_lasts)
    say(b.feed, 'approval ' .. id)
  else
    close(b, id, 'denied')
  end
  return {'ok', b.raw, id, shown(b, id)}
end

-- ARGV id, binding.
local function use(keys, args)
  local b = begin(keys, args)
  local id = args[6]
  if b.late then return {'late', b.raw} end
  local state = get(b, id, 'state')
  if not state then return {'none', b.raw} end
  if state ~= 'approved' then return {'state', b.raw, state} end
  if get(b, id, 'binding') ~= args[7] then return {'other', b.raw} end
  local approved = shown(b, id)
  close(b, id, 'used')
  return {'ok', b.raw, id, approved}
end

-- Ids, each with the bytes that it takes to show it. ARGV state, or nothing for all.
local function list(keys, args)
  local b = begin(keys, args)
  local ids, out = {}, {'ok', b.raw}
  for _, index in ipairs({'deadlines', 'finished'}) do
    for _, id in ipairs(redis.call('ZRANGE', b.p .. ':' .. index, 0, -1)) do ids[id] = true end
  end
  for id in pairs(ids) do
    local kept = redis.call('HMGET', q(b, id), 'state', 'size')
    if kept[1] and (args[6] == '' or args[6] == kept[1]) then
      out[#out + 1] = id
      out[#out + 1] = tonumber(kept[2])
    end
  end
  return out
end

-- ARGV ids.
local function show(keys, args)
  local b = begin(keys, args)
  local out = {'ok', b.raw}
  for i = 6, #args do
    out[#out + 1] = args[i]
    out[#out + 1] = shown(b, args[i])
  end
  return out
end

local function count(keys, args)
  local b = begin(keys, args)
  return {'ok', b.raw, redis.call('ZCARD', b.p .. ':waiting')}
end

-- The key by which states are sealed: the first that anybody brought. ARGV one to begin with.
local function seal(keys, args)
  local b = begin(keys, args)
  if b.late then return {'late', b.raw} end
  redis.call('SETNX', b.p .. ':seal', args[6])
  outlive(b.p .. ':seal', 40 * 86400000)  -- longer than any question waits
  return {'ok', b.raw, redis.call('GET', b.p .. ':seal')}
end
)lua";

}  // namespace

QuestionFunctions::QuestionFunctions() {
  net::RedisLibrary library("approvals", std::string(basics).append(places_text).append(questions));
  ask = library.add("ask");
  answer = library.add("answer");
  use = library.add("use");
  leave = library.add("leave");
  hold = library.add("hold");
  list = library.add("list");
  show = library.add("show");
  count = library.add("count");
  seal = library.add("seal");
  text = library.text();
}

}  // namespace callgate::approval
