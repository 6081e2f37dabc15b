#include "limits/memory_counters.hpp"

#include <algorithm>
#include <utility>

#include "limits/hash.hpp"

namespace callgate::limits {
namespace {

std::int64_t nanos(BootTime time) { return time.time_since_epoch().count(); }

}  // namespace

// Meters ----------------------------------------------------------------------

std::uint64_t MemoryCounters::meter_hash(const Subject& who, std::string_view scope, const CounterName& name) {
  return mix(mix(mix(mix(1, who.server), scope), name.rule), name.rest);
}

std::uint32_t MemoryCounters::find_meter(std::uint64_t hash, const Subject& who, std::string_view scope,
                                         const CounterName& name) const {
  return meter_index_.find(hash, [&](std::uint32_t slot) {
    const Meter& meter = meters_[slot];
    return meter.rest == name.rest && meter.rule == name.rule && meter.scope == scope && meter.server == who.server;
  });
}

std::uint32_t MemoryCounters::find_meter(const policy::RateLimit& limit, const Subject& who, std::string_view scope) {
  std::uint32_t& hint = meter_hints_[fold(reinterpret_cast<std::uintptr_t>(&limit), 0) % meter_hints_.size()];
  if (hint < meters_.size()) {
    const Meter& meter = meters_[hint];
    if (meter.counters > 0 && is_counted_as(limit.id, {meter.rule, meter.rest}) && meter.scope == scope && meter.server == who.server) return hint;
  }
  const CounterName name = counter_name(limit.id);
  const std::uint32_t found = find_meter(meter_hash(who, scope, name), who, scope, name);
  if (found != none) hint = found;
  return found;
}

/// Its counters are kept for the largest max that they were held against.
std::uint32_t MemoryCounters::meter_for(const policy::RateLimit& limit, const Subject& who, std::string_view scope) {
  const std::uint32_t found = find_meter(limit, who, scope);
  if (found != none) {
    std::uint64_t& most = meters_[found].rate.max;
    most = std::max(most, limit.max);
    return found;
  }
  const CounterName name = counter_name(limit.id);
  return add_meter({.server = std::string(who.server),
                    .scope = std::string(scope),
                    .rule = std::string(name.rule),
                    .rest = std::string(name.rest),
                    .rate = {limit.max, std::max<std::int64_t>(limit.window.count(), 1)},
                    .hash = meter_hash(who, scope, name),
                    .per_session = limit.counts(policy::Per::session),
                    .per_grant = limit.counts(policy::Per::grant)});
}

std::uint32_t MemoryCounters::add_meter(Meter meter) {
  std::uint32_t slot = 0;
  if (free_meters_.empty()) {
    slot = static_cast<std::uint32_t>(meters_.size());
    meters_.push_back(std::move(meter));
  } else {
    slot = free_meters_.back();
    free_meters_.pop_back();
    meters_[slot] = std::move(meter);
  }
  meter_index_.insert(meters_[slot].hash, slot);
  return slot;
}

// Counters --------------------------------------------------------------------

MemoryCounters::Key MemoryCounters::key_of(std::uint32_t meter, std::uint64_t meter_hash, Kind kind,
                                           std::string_view grant, std::string_view session) {
  const std::uint64_t hash = mix(mix(mix(meter_hash, static_cast<std::uint64_t>(kind)), grant), session);
  return {meter, kind, grant, session, hash};
}

MemoryCounters::Key MemoryCounters::key_for(std::uint32_t meter, const Subject& who) const {
  const Meter& its = meters_[meter];
  if (its.per_session) return key_of(meter, its.hash, Kind::session, who.grant, who.session);
  return key_of(meter, its.hash, Kind::plain, its.per_grant ? who.grant : std::string_view(), {});
}

std::uint32_t MemoryCounters::find(const Key& key) const {
  return counter_index_.find(key.hash, [&](std::uint32_t slot) {
    const Counter& counter = counters_[slot];
    return counter.meter == key.meter && counter.kind == key.kind && counter.session == key.session &&
           counter.grant == key.grant;
  });
}

std::uint32_t MemoryCounters::make(const Key& key) {
  Meter& meter = meters_[key.meter];
  std::uint32_t slot = 0;
  if (free_counters_.empty()) {
    slot = static_cast<std::uint32_t>(counters_.size());
    counters_.emplace_back(key.meter, meter.rate);
  } else {
    slot = free_counters_.back();
    free_counters_.pop_back();
    const std::uint32_t generation = counters_[slot].generation + 1;
    counters_[slot] = Counter(key.meter, meter.rate);
    counters_[slot].generation = generation;
  }
  Counter& counter = counters_[slot];
  counter.kind = key.kind;
  counter.held = true;
  counter.hash = key.hash;
  counter.grant = key.grant;
  counter.session = key.session;
  counter_index_.insert(key.hash, slot);
  ++meter.counters;
  if (key.kind == Kind::session) link_to_session(slot);
  return slot;
}

std::uint32_t MemoryCounters::find_or_make(const Key& key, std::int64_t now) {
  const std::uint32_t found = find(key);
  if (found == none) return make_with_inherited(key, now);
  counters_[found].window.fit(meters_[key.meter].rate, now);
  return found;
}

/// Calls of ended sessions that count for a session that has no counter yet.
std::uint64_t MemoryCounters::to_inherit(const Key& key, std::int64_t now) {
  if (key.kind != Kind::session) return 0;
  const std::uint32_t ended = find(key_of(key.meter, meters_[key.meter].hash, Kind::ended, key.grant, {}));
  return ended == none ? 0 : counters_[ended].window.used(meters_[key.meter].rate, now);
}

/// A session's counter starts with the calls of the sessions that ended before it.
std::uint32_t MemoryCounters::make_with_inherited(const Key& key, std::int64_t now) {
  const std::uint32_t made = make(key);
  if (to_inherit(key, now) == 0) return made;
  const std::uint32_t ended = find(key_of(key.meter, meters_[key.meter].hash, Kind::ended, key.grant, {}));
  Window& window = counters_[made].window;
  window = counters_[ended].window.copy(meters_[key.meter].rate);
  window.inherit();
  return made;
}

void MemoryCounters::clear_away(std::uint32_t slot) {
  Counter& counter = counters_[slot];
  if (counter.kind == Kind::session) unlink_from_session(slot);
  counter_index_.erase(counter.hash, slot);
  Meter& meter = meters_[counter.meter];
  if (--meter.counters == 0) {
    meter_index_.erase(meter.hash, counter.meter);
    free_meters_.push_back(counter.meter);
    meter = Meter();
  }
  const std::uint32_t generation = counter.generation;
  counter = Counter(0, Rate());
  counter.generation = generation + 1;
  free_counters_.push_back(slot);
}

/// Steps of a walk that never ends, two for each time it is asked: counters come at
/// most one a limit and take, so the walk keeps up with them. Several steps at once
/// read what lies side by side; each alone would wait for memory.
void MemoryCounters::clear_some(std::int64_t now) {
  constexpr int times = 8;
  if (++unswept_ < times) return;
  unswept_ = 0;
  for (int i = 0; i < 2 * times && !counters_.empty(); ++i) {
    if (sweep_ >= counters_.size()) sweep_ = 0;
    const Counter& counter = counters_[sweep_];
    if (counter.held && counter.window.over(meters_[counter.meter].rate, now)) {
      clear_away(static_cast<std::uint32_t>(sweep_));
    }
    ++sweep_;
  }
}

// Sessions --------------------------------------------------------------------

std::uint64_t MemoryCounters::session_hash(std::string_view server, std::string_view grant, std::string_view session) {
  return mix(mix(mix(2, server), grant), session);
}

std::uint32_t MemoryCounters::first_of_session(const Subject& who) const {
  return session_index_.find(session_hash(who.server, who.grant, who.session), [&](std::uint32_t slot) {
    const Counter& counter = counters_[slot];
    return counter.session == who.session && counter.grant == who.grant && meters_[counter.meter].server == who.server;
  });
}

void MemoryCounters::link_to_session(std::uint32_t slot) {
  Counter& counter = counters_[slot];
  const std::string& server = meters_[counter.meter].server;
  const std::uint32_t first = first_of_session({server, counter.grant, counter.session});
  if (first == none) {
    session_index_.insert(session_hash(server, counter.grant, counter.session), slot);
  } else {
    counter.next_of_session = std::exchange(counters_[first].next_of_session, slot);
  }
}

void MemoryCounters::unlink_from_session(std::uint32_t slot) {
  const Counter& counter = counters_[slot];
  const std::string& server = meters_[counter.meter].server;
  const std::uint64_t hash = session_hash(server, counter.grant, counter.session);
  std::uint32_t before = first_of_session({server, counter.grant, counter.session});
  if (before == slot) {
    session_index_.erase(hash, slot);
    if (counter.next_of_session != none) session_index_.insert(hash, counter.next_of_session);
    return;
  }
  while (counters_[before].next_of_session != slot) before = counters_[before].next_of_session;
  counters_[before].next_of_session = counter.next_of_session;
}

void MemoryCounters::session_ended(const Subject& who, BootTime time) {
  const std::int64_t now = at_least(time);
  for (std::uint32_t slot = first_of_session(who); slot != none; slot = first_of_session(who)) {
    pass_on(counters_[slot], now);
    clear_away(slot);
  }
  clear_some(now);
}

/// Adds the session's own calls to those of the ended sessions of its grant.
/// What it inherited is there already.
void MemoryCounters::pass_on(const Counter& session, std::int64_t now) {
  std::vector<Batch> calls;
  session.window.each(/*own_only=*/true, [&](Batch batch) { calls.push_back(batch); });
  if (calls.empty()) return;
  const std::string grant = session.grant;  // making a counter may move the session's
  merge(find_or_make(key_of(session.meter, meters_[session.meter].hash, Kind::ended, grant, {}), now), std::move(calls));
}

/// Counts calls of any times beside those that the counter has.
void MemoryCounters::merge(std::uint32_t slot, std::vector<Batch> calls) {
  const Rate rate = meters_[counters_[slot].meter].rate;
  Window& window = counters_[slot].window;
  window.each(false, [&](Batch batch) { calls.push_back(batch); });
  std::ranges::sort(calls, {}, &Batch::at);
  Window merged(rate);
  for (const Batch& batch : calls) {
    merged.used(rate, batch.at);
    merged.add(rate, batch);
  }
  window = std::move(merged);
}

// The interface ---------------------------------------------------------------

std::int64_t MemoryCounters::at_least(BootTime now) {
  now_ = std::max(now_, nanos(now));
  return now_;
}

MemoryCounters::State MemoryCounters::state_of(const policy::RateLimit& limit, const Subject& who,
                                               std::string_view scope, std::int64_t now) {
  std::uint32_t slot = none;
  const std::uint32_t meter = find_meter(limit, who, scope);
  if (meter != none) {
    const Key key = key_for(meter, who);
    slot = find(key);
    if (slot == none && key.kind == Kind::session) {
      slot = find(key_of(meter, meters_[meter].hash, Kind::ended, key.grant, {}));
    }
  }
  const Rate rate{limit.max, std::max<std::int64_t>(limit.window.count(), 1)};
  if (slot == none) return {0, rate.max == 0 ? rate.window : 0};
  Window& window = counters_[slot].window;
  const std::uint64_t used = window.used(rate, now);
  return {used, used < rate.max ? 0 : window.wait(rate, now)};
}

net::Task<Look> MemoryCounters::look(std::span<const Ask> asks, const Subject& who, BootTime now) {
  return net::Task<Look>::ready(look_now(asks, who, now));
}

net::Task<Counters::TakeResult> MemoryCounters::take(std::span<const Ask> asks, const Subject& who, BootTime now) {
  return net::Task<TakeResult>::ready(take_now(asks, who, now));
}

Look MemoryCounters::look_now(LimitSpan limits, const Subject& who, BootTime now) {
  const Ask ask{limits, who.scope};
  return look_now(std::span(&ask, 1), who, now);
}

Counters::TakeResult MemoryCounters::take_now(LimitSpan limits, const Subject& who, BootTime now) {
  const Ask ask{limits, who.scope};
  return take_now(std::span(&ask, 1), who, now);
}

Look MemoryCounters::look_now(std::span<const Ask> asks, const Subject& who, BootTime time) {
  const std::int64_t now = at_least(time);
  Look look;
  std::size_t index = 0;
  for (const Ask& ask : asks) {
    for (const policy::RateLimit* limit : ask.limits) {
      const State state = state_of(*limit, who, ask.scope, now);
      look.remaining = std::min(look.remaining, limit->max - std::min(state.used, limit->max));
      if (state.used >= limit->max) {
        if (look.free) {
          look.limit = limit;
          look.blocking = index;
        }
        look.free = false;
        look.retry_after = std::max(look.retry_after, Nanos(state.wait));
      }
      ++index;
    }
  }
  return look;
}

bool MemoryCounters::counts(const Taken& taken, std::uint64_t counter) {
  for (std::size_t i = 0; i < taken.size(); ++i) {
    if (taken.part(i).counter == counter) return true;
  }
  return false;
}

Counters::TakeResult MemoryCounters::take_now(std::span<const Ask> asks, const Subject& who, BootTime time) {
  const std::int64_t now = at_least(time);
  clear_some(now);
  Taken taken{BootTime(Nanos(now))};
  const auto refused = [&] {
    undo(taken);
    return std::unexpected(look_now(asks, who, time));
  };
  for (const Ask& ask : asks) {
    for (const policy::RateLimit* limit : ask.limits) {
      if (limit->max == 0) return refused();
      const Key key = key_for(meter_for(*limit, who, ask.scope), who);
      std::uint32_t slot = find(key);
      // Whoever is refused is given no counter: sessions without end hold nothing, and none inherits more than a limit.
      if (slot == none && to_inherit(key, now) >= limit->max) return refused();
      if (slot == none) slot = make_with_inherited(key, now);
      Counter& counter = counters_[slot];
      const Rate& rate = meters_[counter.meter].rate;
      counter.window.fit(rate, now);
      const std::uint64_t ref = std::uint64_t{counter.generation} << 32U | slot;
      // Limits that differ in max alone count a call once.
      const bool counted = counts(taken, ref);
      const std::uint64_t used = counter.window.used(rate, now) - (counted ? 1 : 0);
      if (used >= limit->max) return refused();
      if (!counted) counter.window.add(rate, {now, 1});
      taken.add({counted ? counted_already : ref, limit->max - used - 1});
    }
  }
  return taken;
}

void MemoryCounters::undo(const Taken& taken) {
  for (std::size_t i = 0; i < taken.size(); ++i) {
    const std::uint64_t ref = taken.part(i).counter;
    const auto slot = static_cast<std::uint32_t>(ref);
    if (slot >= counters_.size()) continue;
    Counter& counter = counters_[slot];
    // A counter that went in the meantime (its session ended) keeps the call:
    // counting one too many is the safe side.
    if (!counter.held || counter.generation != ref >> 32U) continue;
    counter.window.remove(meters_[counter.meter].rate, nanos(taken.at_));
  }
}

void MemoryCounters::give_back(Taken&& taken) {
  const Taken spent = std::move(taken);
  undo(spent);
}

void MemoryCounters::count(const policy::RateLimit& limit, const Subject& who, BootTime at, BootTime time) {
  const std::int64_t now = at_least(time);
  const std::uint32_t slot = find_or_make(key_for(meter_for(limit, who, who.scope), who), now);
  Counter& counter = counters_[slot];
  const Rate& rate = meters_[counter.meter].rate;
  const std::int64_t when = std::min(nanos(at), now);
  counter.window.used(rate, now);
  counter.window.add(rate, {when, 1});
}

}  // namespace callgate::limits
