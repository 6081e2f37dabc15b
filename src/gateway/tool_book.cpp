#include "gateway/tool_book.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/sha256.hpp"
#include "config/text_file.hpp"
#include "mcp/tool_list.hpp"
#include "registry/fingerprint.hpp"
#include "registry/listing.hpp"
#include "registry/pins.hpp"

namespace callgate::gateway {

namespace {

/// A fault of the gateway's own is told soon, whatever the server is given.
constexpr net::Duration soon = std::chrono::milliseconds(100);
constexpr net::Duration first_pause = std::chrono::milliseconds(250);
/// What clients are shown and the gateway is not may come on in time: of a server that is replaced
/// part by part. One that lists by who asks is not read more often than this for all of them.
constexpr net::Duration between_asking = std::chrono::seconds(30);
constexpr std::size_t most_asked_for = 16;
/// Others are served less while a list is compared, so whoever says again and again that a long one changed gets
/// this part of the time: a reading is followed by a pause that many times as long as it took of the loop's.
constexpr int rest_for_each = 10;
/// A clock that jumped, or a machine that slept meanwhile, is no reason to leave a server unread for long.
constexpr net::Duration longest_rest = std::chrono::minutes(1);
/// Of one reading so many tools are named in the log, and how many there are beside them.
constexpr std::size_t most_logged = 100;

std::string_view word(mcp::Era era) { return era == mcp::Era::modern ? "modern" : "legacy"; }

/// Whether whoever may see all of it sees the same in both.
bool show_the_same(const registry::ToolTable* one, const registry::ToolTable& other) {
  if (one == nullptr) return false;
  return std::ranges::equal(one->tools(), other.tools(), [](const registry::Tool& a, const registry::Tool& b) {
    // What is quarantined is shown to nobody, whatever it says now.
    return a.name == b.name && a.state == b.state && (a.state != registry::Tool::State::known || a.fingerprint == b.fingerprint);
  });
}

}  // namespace

ToolBook::ToolBook(const Parts& parts, Links& links)
    : parts_(parts), links_(links), eras_{EraState(parts.loop), EraState(parts.loop)} {}

store::ListKey ToolBook::key(mcp::Era era) const {
  return {.server = links_.server().name, .address = links_.server().address(), .era = std::string(word(era))};
}

void ToolBook::want(mcp::Era era) {
  EraState& state = eras_[index(era)];
  if (state.reading || state.known.table) return;
  state.reading = true;
  tasks_.spawn(keep_reading(era));
}

void ToolBook::want_again(mcp::Era era) {
  const mcp::Era other = era == mcp::Era::modern ? mcp::Era::legacy : mcp::Era::modern;
  read_again(eras_[index(era)], era);
  if (started(other)) read_again(eras_[index(other)], other);
}

/// Names and fingerprints of what is shown and not accounted for. A list that comes again costs one digest of its
/// bytes.
const std::string& ToolBook::others_of(EraState& state, std::span<const mcp::ListItem> shown) {
  const auto& table = state.known.table;
  std::vector<const mcp::ListItem*> differ;
  std::string texts;
  for (const mcp::ListItem& item : shown) {
    if (!item.fault.empty()) continue;
    const registry::Tool* tool = table->find(item.key.view());
    if (tool != nullptr && tool->definition == item.definition.text()) continue;
    differ.push_back(&item);
    texts.append(item.definition.text()) += '\n';
  }
  std::string digest = differ.empty() ? std::string() : sha256_hex(texts);
  if (state.shown.digest == digest) return state.shown.others;
  state.shown = {.digest = std::move(digest), .others = {}};
  for (const mcp::ListItem* item : differ) {
    const std::string fingerprint = registry::fingerprint(item->definition);
    if (!table->accounts_for(item->key.view(), fingerprint))
      state.shown.others += fmt::format("{} {}\n", item->key.view(), fingerprint);
  }
  return state.shown.others;
}

bool ToolBook::heed(mcp::Era era, std::span<const mcp::ListItem> shown) {
  EraState& state = eras_[index(era)];
  const auto table = state.known.table;
  if (!table) return false;
  const std::string& other = others_of(state, shown);
  if (other.empty()) return false;
  const net::Instant now = parts_.loop.now();
  std::erase_if(state.asked_for, [now](const auto& each) { return now - each.second > between_asking; });
  const bool lately = state.asked_for.size() >= most_asked_for || !state.asked_for.emplace(sha256_hex(other), now).second;
  if (lately) return true;
  for (EraState& each : eras_) each.look_closely = true;
  want_again(era);
  return true;
}

void ToolBook::server_opened_anew(upstream::Reader met_by) {
  ++openings_;
  for (const mcp::Era era : {mcp::Era::legacy, mcp::Era::modern}) {
    if (!started(era)) continue;
    eras_[index(era)].look_closely = true;
    // A reading that asked for another one because of itself would not end.
    if (met_by != upstream::Reader::gateway) read_again(eras_[index(era)], era);
  }
}

void ToolBook::read_again(EraState& state, mcp::Era era) {
  ++state.wanted;
  if (!state.reading) {
    state.reading = true;
    tasks_.spawn(keep_reading(era));
  } else {
    state.again.raise();
  }
}

void ToolBook::pins_changed() {
  for (const mcp::Era era : {mcp::Era::legacy, mcp::Era::modern}) {
    if (!started(era)) continue;
    eras_[index(era)].look_closely = true;
    read_again(eras_[index(era)], era);
  }
}

bool ToolBook::reviewed_is_to_be_read() {
  using enum config::FileWatch::Found;
  const std::filesystem::path& file = links_.server().pins;
  const auto found = file.empty() ? unchanged : reviewed_watch_.look(file);
  if (found == restless)
    parts_.log.warn("pins_being_written", {{"file", file.string()}, {"effect", "the last good pins stay in force until the file rests"}});
  return found == settled;
}

void ToolBook::look_at_reviewed() {
  if (reviewed_is_to_be_read()) pins_changed();
}

net::Task<void> ToolBook::settled(mcp::Era era, net::Duration time) {
  [[maybe_unused]] const bool current_now = co_await current(era, time);
}

net::Task<bool> ToolBook::current(mcp::Era era, net::Duration time) {
  want(era);
  EraState& state = eras_[index(era)];
  // What the server announces while the call waits does not make it wait again.
  const std::uint64_t needed = state.wanted;
  const net::Instant until = parts_.loop.now() + time;
  while (!state.known.table || state.read < needed) {
    const net::Duration left = until - parts_.loop.now();
    if (!state.reading || left <= net::Duration::zero()) co_return false;
    // A failed reading is an answer too: the caller sees the fault.
    if (co_await state.changed.wait(std::min(left, soon))) {
      if (!state.known.fault.empty()) co_return false;
    } else if (state.ours || !parts_.journal.health().writing) {
      co_return false;  // what the gateway itself cannot do is not waited for, however long the server takes
    }
  }
  co_return true;
}

Result<void> ToolBook::load_reviewed() {
  if (links_.server().pins.empty()) return {};
  // A list may have to be read while the file is being written: the pins before stand.
  if (reviewed_ && !reviewed_is_to_be_read()) return {};
  config::FileStamp stamp;
  const auto text = config::read_version(links_.server().pins, stamp, config::Writers::owner_only, max_reviewed_bytes);
  if (reviewed_ && (!reviewed_watch_.has_seen(stamp) || (!text && text.error().kind == ErrorKind::conflict))) return {};
  reviewed_watch_.taken(stamp);
  reviewed_.reset();  // what cannot be read is tried again at every reading of the list
  if (!text) return std::unexpected(text.error());
  auto file = registry::PinFile::parse(*text, links_.server().pins.string());
  if (!file) return std::unexpected(file.error());
  reviewed_ = std::move(*file);
  return {};
}

void ToolBook::recall_unknown_tool(mcp::Era era) {
  EraState& state = eras_[index(era)];
  const auto stored = parts_.store.answers().find(key(era));
  if (!stored || !*stored) return;
  state.probed = true;
  if ((*stored)->runs_any) return;
  if (auto answer = mcp::UnknownToolAnswer::from_stored((*stored)->text)) state.known.unknown_tool = std::move(*answer);
}

/// What the pages hold; points into them.
struct ToolBook::Read {
  explicit Read(const ServerList& list) {
    for (const auto& page : list.pages) {
      for (const mcp::ListItem& item : page->list.items) {
        if (item.fault.empty()) definitions.push_back(item.definition);
        else unreadable.push_back({registry::Drift::Kind::unreadable, registry::shown_name(item.definition), item.fault});
      }
    }
  }
  std::vector<json::Value> definitions;
  std::vector<registry::Drift> unreadable;
};

/// Counts what has been taken of this turn.
void ToolBook::spend(EraState& state, net::Instant since) {
  const net::Duration took = net::Loop::read_clock() - since;
  state.spent += took;
  parts_.comparing->took(parts_.loop, static_cast<std::size_t>(took.count()));
}

/// Others' calls go on between the turns, and callers of this server wait.
net::Task<void> ToolBook::in_turns(EraState& state, registry::Observation& list, bool (registry::Observation::*go_on)()) {
  for (;;) {
    while (parts_.comparing->spent(parts_.loop)) co_await parts_.loop.next_turn();
    const net::Instant began = net::Loop::read_clock();
    const bool more = (list.*go_on)();
    spend(state, began);
    if (!more) co_return;
  }
}

/// What the pins say of it, and what the store is to know: all in one piece, so that nobody changes them in between.
Result<void> ToolBook::compare(mcp::Era era, const ServerList& list, const Read& read, registry::Observation& found) {
  const net::Instant began = net::Loop::read_clock();
  const auto compared = [&]() -> Result<void> {
    if (auto loaded = load_reviewed(); !loaded) return loaded;
    if (auto masked = registry::mask_addresses(parts_.store.pins(), links_.server().name); !masked) return masked;
    const auto new_tools = links_.server().new_tools == config::NewTools::follow_policy ? registry::NewTools::follow_policy : registry::NewTools::refuse;
    const registry::ListSource source{.key = key(era), .new_tools = new_tools, .reviewed = reviewed_ ? &*reviewed_ : nullptr, .unreadable = read.unreadable};
    if (auto done = found.compare(parts_.store.pins(), source, parts_.clock.wall_ms()); !done) return done;
    if (!list.unknown_tool) return {};
    const bool runs = list.unknown_tool->server_runs_anything();
    return parts_.store.answers().put(key(era), {.text = runs ? std::string() : list.unknown_tool->stored(), .runs_any = runs});
  }();
  spend(eras_[index(era)], began);
  return compared;
}

net::Task<Result<void>> ToolBook::take(mcp::Era era, const ServerList& list) {
  EraState& state = eras_[index(era)];
  const Read read(list);
  registry::ClassesOf classes_of;
  if (parts_.classes_of) classes_of = [this](std::span<const json::Value> listed) { return parts_.classes_of(links_.server(), listed); };
  registry::Observation found(read.definitions, std::move(classes_of), state.seen.get());
  co_await in_turns(state, found, &registry::Observation::read_on);
  Result<void> compared = compare(era, list, read, found);
  // Another process that writes at this moment holds the pins for a few milliseconds. Who waits for this list has waited
  // for the pause before the reading too, and is told within half a second.
  for (int again = 0; !compared && compared.error().kind == ErrorKind::unavailable && again < 5; ++again) {
    co_await parts_.loop.sleep(std::chrono::milliseconds(20));
    compared = compare(era, list, read, found);
  }
  if (!compared) co_return compared;
  co_await in_turns(state, found, &registry::Observation::compile_on);
  publish(era, list, std::move(found).table());
  co_return Result<void>{};
}

/// INVARIANT: all of the list was read, judged and compared: from here on calls are judged by it.
void ToolBook::publish(mcp::Era era, const ServerList& list, std::shared_ptr<const registry::ToolTable> table) {
  EraState& state = eras_[index(era)];
  state.known.table = std::move(table);
  log_drift(era, state.known.table->drift());
  state.shown = {};
  state.known.mirrors = std::ranges::any_of(
      state.known.table->tools(), [](const registry::Tool& tool) { return tool.definition.contains("x-mcp-header"); });
  if (!list.unknown_tool) return;
  state.probed = true;
  state.known.unknown_tool = *list.unknown_tool;
  if (list.unknown_tool->server_runs_anything()) parts_.log.warn("server_runs_unlisted_tools", {{"server", links_.server().name}});
}

/// What is refused by a pin first, or a long list of anything else could stand in front of it.
void ToolBook::log_drift(mcp::Era era, std::span<const registry::Drift> drift) {
  std::vector<const registry::Drift*> all;
  all.reserve(drift.size());
  for (const bool changed : {true, false}) {
    for (const registry::Drift& each : drift) {
      if ((each.kind == registry::Drift::Kind::changed) == changed) all.push_back(&each);
    }
  }
  for (const registry::Drift* each : std::span(all).first(std::min(all.size(), most_logged))) {
    if (each->kind == registry::Drift::Kind::unreadable) {
      parts_.log.warn("tool_unreadable", {{"server", links_.server().name}, {"era", word(era)}, {"tool", each->tool}, {"why", each->detail}});
    } else {
      parts_.log.warn("tools_differ", {{"server", links_.server().name}, {"era", word(era)}, {"tool", each->tool},
                                       {"what", registry::word(each->kind)}, {"detail", each->detail}});
    }
  }
  if (all.size() > most_logged)
    parts_.log.warn("tools_differ", {{"server", links_.server().name}, {"era", word(era)}, {"more", all.size() - most_logged},
                                     {"detail", fmt::format("see `callgate server tools {}`", links_.server().name)}});
}

/// When the next reading may begin. Whoever waits for that list waits as long: it is not judged by the one before.
net::Instant ToolBook::next_reading(const EraState& state) const {
  const net::Instant rested = state.ended + std::min<net::Duration>(state.spent * rest_for_each, longest_rest);
  return state.known.table ? std::max(rested, state.began + parts_.between_readings) : rested;
}

net::Task<void> ToolBook::keep_reading(mcp::Era era) {
  EraState& state = eras_[index(era)];
  net::Duration pause = first_pause;
  recall_unknown_tool(era);
  for (;;) {
    if (const net::Duration left = next_reading(state) - parts_.loop.now(); left > net::Duration::zero()) co_await parts_.loop.sleep(left);
    state.began = parts_.loop.now();
    state.spent = {};
    const std::uint64_t reading = state.wanted;
    Lister lister(parts_, links_, era);
    const bool probe = links_.server().probe_unknown && !state.probed;
    auto list = co_await lister.read(probe ? Lister::Probe::yes : Lister::Probe::no);
    const Result<void> taken = list ? co_await take(era, *list) : std::unexpected(list.error());
    state.spent += lister.spent();
    state.ended = net::Loop::read_clock();  // the loop may have stood still since this turn began
    const bool other = taken && !show_the_same(state.seen.get(), *state.known.table);
    const bool found_changed = taken && std::exchange(state.look_closely, false) && other;
    if (taken) state.seen = state.known.table;
    // One that does not bear the question is not asked it at every reading.
    state.probed = state.probed || (taken && probe);
    // A link puts messages of its own on record as well.
    state.known.unrecorded = !list && (lister.unrecorded() || !parts_.journal.health().writing);
    state.ours = !taken && (list || state.known.unrecorded);
    const bool told = state.known.unrecorded && !taken && state.known.fault == taken.error().message;
    state.known.fault = taken ? std::string() : taken.error().message;
    state.known.detail = taken ? std::string() : taken.error().where;
    if (taken) state.read = reading;
    // Whoever waits for the list is then judged by a policy that was made of it.
    if (taken && parts_.tools_read) parts_.tools_read(links_.server());
    state.changed.notify();
    if (found_changed && found_changed_) found_changed_();
    if (taken && state.read == state.wanted) break;
    if (!taken) {
      if (!told) parts_.log.warn("tools_unread", {{"server", links_.server().name}, {"era", word(era)}, {"fault", state.known.fault}, {"detail", taken.error().where}});
      state.known.table.reset();  // what cannot be compared with the pins must not be called
      if (state.known.unrecorded) {
        // Nothing was sent, so the next try is cheap, and soon; a server that says that its list changed hastens none.
        pause = first_pause;
        co_await parts_.loop.sleep(pause);
        continue;
      }
      co_await state.again.wait(pause);
      // A database that is locked is free again sooner than a server that does not answer is back.
      pause = std::min<net::Duration>(pause * 2, std::chrono::seconds(list ? 1 : 30));
    }
  }
  parts_.log.info("tools_read", {{"server", links_.server().name}, {"era", word(era)}, {"tools", state.known.table->tools().size()}});
  state.reading = false;
  state.changed.notify();
}

}  // namespace callgate::gateway
