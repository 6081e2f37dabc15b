// Counters as bytes. The form is private to this file and this machine: little
// endian integers, texts with their length, nothing that outside code reads.
#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "limits/memory_counters.hpp"

namespace callgate::limits {
namespace {

constexpr std::string_view magic = "callgate-counters-2\n";
/// Here counters stood under the ids of limits, max and all.
constexpr std::string_view magic_with_max = "callgate-counters-1\n";

void put(std::string& out, std::int64_t number) {
  std::array<char, 8> bytes{};
  for (unsigned i = 0; i < 8; ++i) bytes[i] = static_cast<char>(static_cast<std::uint64_t>(number) >> (8 * i) & 0xffU);
  out.append(bytes.data(), bytes.size());
}
void put(std::string& out, std::uint64_t number) { put(out, static_cast<std::int64_t>(number)); }
void put(std::string& out, std::string_view text) {
  put(out, std::uint64_t{text.size()});
  out += text;
}

}  // namespace

/// Reads what `put` wrote; anything else leaves `bad`.
class SnapshotReader {
 public:
  explicit SnapshotReader(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t number() {
    if (bytes_.size() < 8) {
      bad_ = true;
      return 0;
    }
    std::uint64_t value = 0;
    for (unsigned i = 0; i < 8; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes_[i])} << (8 * i);
    bytes_.remove_prefix(8);
    return value;
  }
  std::int64_t time() { return static_cast<std::int64_t>(number()); }
  std::string_view text() {
    const std::uint64_t size = number();
    if (bad_ || size > bytes_.size()) {
      bad_ = true;
      return {};
    }
    const std::string_view value = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return value;
  }
  bool bad() const { return bad_; }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool bad_ = false;
};

namespace {

/// No time or window of a live process is beyond this (73 years), and sums of
/// several still fit.
constexpr std::int64_t largest_time = std::numeric_limits<std::int64_t>::max() / 4;

bool is_time(std::int64_t time) { return time >= -largest_time && time <= largest_time; }

/// What to add to a time of the snapshot; nothing for times no clock shows.
std::optional<std::int64_t> shift(std::int64_t then, std::int64_t then_wall_ms, bool same_boot, const Moment& moment) {
  if (same_boot) return 0;
  constexpr std::int64_t decade_ms = 10LL * 366 * 24 * 3600 * 1000;
  if (!is_time(then)) return std::nullopt;
  // A wall clock that was set back counts as no time passed (security S26).
  if (then_wall_ms < 0 || moment.wall_ms < then_wall_ms) then_wall_ms = moment.wall_ms;
  const std::int64_t passed_ms = std::min(moment.wall_ms - then_wall_ms, decade_ms);
  return moment.now.time_since_epoch().count() - passed_ms * 1'000'000 - then;
}

}  // namespace

std::string MemoryCounters::snapshot(const Moment& moment) const {
  std::string out(magic);
  const std::int64_t now = std::max(now_, moment.now.time_since_epoch().count());
  put(out, moment.boot_id);
  put(out, now);
  put(out, moment.wall_ms);
  put(out, std::uint64_t{size()});
  std::string calls;
  for (const Counter& counter : counters_) {
    if (!counter.held) continue;
    const Meter& meter = meters_[counter.meter];
    put(out, meter.server);
    put(out, meter.scope);
    put(out, meter.rule);
    put(out, meter.rest);
    put(out, meter.rate.max);
    put(out, meter.rate.window);
    put(out, std::uint64_t{meter.per_session} | std::uint64_t{meter.per_grant} << 1U);
    put(out, static_cast<std::uint64_t>(counter.kind));
    put(out, counter.grant);
    put(out, counter.session);
    calls.clear();
    std::uint64_t count = 0;
    // Inherited calls stand in the ended sessions' counter too, and are inherited
    // anew from there.
    counter.window.each(/*own_only=*/true, [&](Batch batch) {
      put(calls, batch.at);
      put(calls, batch.calls);
      ++count;
    });
    put(out, count);
    out += calls;
  }
  return out;
}

/// Reads one counter into this; false where the bytes make no sense.
bool MemoryCounters::read_counter(SnapshotReader& reader, bool with_max, std::int64_t shift, std::int64_t now) {
  Meter meter;
  meter.server = reader.text();
  meter.scope = reader.text();
  const std::string_view id_or_rule = reader.text();
  const CounterName name = with_max ? counter_name(id_or_rule) : CounterName{id_or_rule, reader.text()};
  meter.rule = name.rule;
  meter.rest = name.rest;
  meter.rate.max = reader.number();
  meter.rate.window = reader.time();
  const std::uint64_t per = reader.number();
  meter.per_session = (per & 1U) != 0;
  meter.per_grant = (per & 2U) != 0;
  const std::uint64_t kind = reader.number();
  const std::string_view grant = reader.text();
  const std::string_view session = reader.text();
  const std::uint64_t batches = reader.number();
  if (reader.bad() || kind > 2 || meter.rate.window <= 0 || !is_time(meter.rate.window)) return false;
  if ((kind != 0) != meter.per_session) return false;

  const Rate rate = meter.rate;
  const std::uint64_t hash = meter_hash({.server = meter.server}, meter.scope, name);
  meter.hash = hash;
  std::uint32_t slot = find_meter(hash, {.server = meter.server}, meter.scope, name);
  if (slot == none) {
    slot = add_meter(std::move(meter));
  } else if ((!with_max && meters_[slot].rate.max != rate.max) || meters_[slot].rate.window != rate.window ||
             meters_[slot].per_session != meter.per_session) {
    return false;
  } else {
    meters_[slot].rate.max = std::max(meters_[slot].rate.max, rate.max);
  }
  const Key key = key_of(slot, hash, static_cast<Kind>(kind), grant, session);
  std::uint32_t counter = find(key);
  if (counter != none && !with_max) return false;
  if (counter == none) counter = make(key);
  std::vector<Batch> calls;
  for (std::uint64_t i = 0; i < batches; ++i) {
    const std::int64_t at = reader.time();
    const std::uint64_t count = std::min(reader.number(), std::uint64_t{1} << 40U);
    if (reader.bad() || !is_time(at)) return false;
    calls.push_back({std::min(at + shift, now), count});
  }
  merge(counter, std::move(calls));
  return true;
}

void MemoryCounters::end_all_sessions(std::int64_t now) {
  for (std::uint32_t slot = 0; slot < counters_.size(); ++slot) {
    if (!counters_[slot].held || counters_[slot].kind != Kind::session) continue;
    pass_on(counters_[slot], now);
    clear_away(slot);
  }
}

Result<MemoryCounters> MemoryCounters::read(std::string_view bytes, const Moment& moment) {
  const auto malformed = [] { return fail(ErrorKind::malformed, "the snapshot of the counters cannot be read"); };
  const bool with_max = bytes.starts_with(magic_with_max);
  if (!with_max && !bytes.starts_with(magic)) return malformed();
  static_assert(magic.size() == magic_with_max.size());
  SnapshotReader reader(bytes.substr(magic.size()));
  const bool same_boot = reader.text() == moment.boot_id;
  const std::int64_t then = reader.time();
  const std::int64_t then_wall_ms = reader.time();
  const std::uint64_t count = reader.number();
  const std::optional<std::int64_t> by = shift(then, then_wall_ms, same_boot, moment);
  if (reader.bad() || !by) return malformed();

  MemoryCounters fresh;
  const std::int64_t now = fresh.at_least(moment.now);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!fresh.read_counter(reader, with_max, *by, now)) return malformed();
  }
  if (!reader.at_end()) return malformed();
  fresh.end_all_sessions(now);
  return fresh;
}

Result<void> MemoryCounters::restore(std::string_view bytes, const Moment& moment) {
  auto fresh = read(bytes, moment);
  if (!fresh) return std::unexpected(std::move(fresh).error());
  *this = std::move(*fresh);
  return {};
}

Result<void> MemoryCounters::absorb(std::string_view bytes, const Moment& moment) {
  const auto theirs = read(bytes, moment);
  if (!theirs) return std::unexpected(theirs.error());
  const std::int64_t now = at_least(moment.now);
  for (const Counter& counter : theirs->counters_) {
    if (!counter.held) continue;
    const Meter& meter = theirs->meters_[counter.meter];
    std::uint32_t slot = find_meter(meter.hash, {.server = meter.server}, meter.scope, {meter.rule, meter.rest});
    if (slot == none) slot = add_meter(meter);
    meters_[slot].rate.max = std::max(meters_[slot].rate.max, meter.rate.max);
    std::vector<Batch> calls;
    counter.window.each(/*own_only=*/false, [&](Batch batch) { calls.push_back(batch); });
    merge(find_or_make(key_of(slot, meter.hash, counter.kind, counter.grant, {}), now), std::move(calls));
  }
  return {};
}

}  // namespace callgate::limits
