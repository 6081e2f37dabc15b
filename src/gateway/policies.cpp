#include "gateway/policies.hpp"

#include <fmt/format.h>

#include "config/text_file.hpp"
#include "policy/load.hpp"

namespace callgate::gateway {

Policies::Policies(Log& log, Metrics& metrics)
    : log_(log),
      refusals_(metrics.counter("callgate_policy_refused_total", "Readings of a policy file that was refused.")),
      refused_(metrics.gauge("callgate_policies_refused", "Policy files, of servers and grants, whose present text is refused.")) {}

/// After a reading of the file.
void Policies::count(const Entry& entry) {
  if (!entry.fault.empty()) refusals_.add();
  refused_.set(static_cast<std::int64_t>(faulty()));
}

Policies::Version Policies::read(const std::filesystem::path& path) const {
  Version version;
  const auto text = config::read_version(path, version.stamp, config::Writers::owner_only);
  if (!text) {
    version.fault = text.error().message;
    version.torn = text.error().kind == ErrorKind::conflict;
    return version;
  }
  const auto tools = tools_of_ ? tools_of_(path) : std::nullopt;
  auto loaded = policy::load(*text, path.string(), tools ? &*tools : nullptr);
  const auto tell = [&version](const Error& fault) {
    version.fault += fmt::format("{}{}: {}", version.fault.empty() ? "" : "\n", fault.where, fault.message);
  };
  for (const Error& fault : loaded.faults) tell(fault);
  if (loaded.policy) {
    for (const Error& fault : policy::broken(*loaded.policy, loaded.expectations)) tell(fault);
  }
  if (!version.fault.empty()) return version;
  version.policy = std::move(loaded.policy);
  version.expectations = std::move(loaded.expectations);
  return version;
}

Result<std::shared_ptr<const policy::Policy>> Policies::load(const std::filesystem::path& path, Young young) {
  if (const auto known = entries_.find(path); known != entries_.end() && known->second.policy) return known->second.policy;
  // A faulty file is kept in mind too: once it is mended, `refresh` takes it up. One that is being written is
  // nothing yet, and `refresh` tells of it if it never rests.
  Entry& entry = entries_[path];
  const config::FileStamp seen = config::FileStamp::of(path);
  if (young == Young::waits && seen.is_younger_than(config::FileWatch::rest))
    return fail(ErrorKind::conflict, fmt::format("`{}` was written to just now: it counts once it rests", path.string()), path.string());
  Version version = read(path);
  if (version.torn) return fail(ErrorKind::conflict, version.fault, path.string());
  if (young == Young::waits && version.stamp != seen) return fail(ErrorKind::conflict, fmt::format("`{}` was written to when it was to be read", path.string()), path.string());
  entry.watch.taken(version.stamp);
  entry.fault = std::move(version.fault);
  entry.policy = std::move(version.policy);
  entry.expectations = std::move(version.expectations);
  count(entry);
  if (!entry.policy) return fail(ErrorKind::invalid, entry.fault, path.string());
  hide_something_ = hide_something_ || entry.policy->hides_anything();
  return entry.policy;
}

std::shared_ptr<const policy::Policy> Policies::find(const std::filesystem::path& path) const {
  const auto entry = entries_.find(path);
  return entry == entries_.end() ? nullptr : entry->second.policy;
}

bool Policies::is_to_be_read(const std::filesystem::path& path, Entry& entry, Look look, const config::FileWatch::Clock& clock) {
  using enum config::FileWatch::Found;
  const auto found = entry.watch.look(path, clock);
  if (found == restless)
    log_.warn("policy_being_written", {{"file", path.string()}, {"effect", entry.policy ? "the last good policy stays in force until the file rests" : "what needs it waits until the file rests"}});
  return found == settled || (found != unchanged && look == Look::at_once);
}

bool Policies::refresh(Look look, const std::filesystem::path& whole, const config::FileWatch::Clock& clock) {
  bool changed = false;
  for (auto& [path, entry] : entries_) {
    const Look at = path == whole ? Look::at_once : look;
    if (!is_to_be_read(path, entry, at, clock)) continue;
    Version fresh = read(path);
    // Written to while it was read, or since it was found at rest: the next look finds it changed.
    if (fresh.torn || (at == Look::settled && !entry.watch.has_seen(fresh.stamp))) continue;
    entry.watch.taken(fresh.stamp);
    entry.fault = fresh.fault;
    count(entry);
    if (!fresh.policy) {
      log_.error("policy_refused", {{"file", path.string()}, {"fault", fresh.fault}, {"effect", "the last good policy stays in force"}});
      continue;
    }
    if (entry.policy && fresh.policy->hash() == entry.policy->hash()) continue;
    log_.info("policy_loaded", {{"file", path.string()}, {"policy", fresh.policy->hash()}});
    entry.policy = std::move(fresh.policy);
    entry.expectations = std::move(fresh.expectations);
    hide_something_ = hide_something_ || entry.policy->hides_anything();
    changed = true;
  }
  return changed;
}

std::size_t Policies::faulty() const {
  std::size_t count = 0;
  for (const auto& [path, entry] : entries_) count += entry.fault.empty() ? 0 : 1;
  return count;
}

std::span<const policy::Expectation> Policies::expectations(const std::filesystem::path& path) const {
  const auto entry = entries_.find(path);
  if (entry == entries_.end()) return {};
  return entry->second.expectations;
}

bool Policies::is_as_read(const std::filesystem::path& path) const {
  const auto entry = entries_.find(path);
  return entry == entries_.end() || entry->second.fault.empty();
}

}  // namespace callgate::gateway
