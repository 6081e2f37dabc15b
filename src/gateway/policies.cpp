#include "gateway/policies.hpp"

#include <fmt/format.h>

#include "config/text_file.hpp"
#include "policy/load.hpp"

namespace callgate::gateway {

Policies::Entry Policies::read(const std::filesystem::path& path) const {
  // The stamp first: a file that changes while it is read is read again.
  Entry entry{.stamp = config::FileStamp::of(path), .policy = nullptr, .fault = {}};
  const auto text = config::read_text(path, config::Writers::owner_only);
  if (!text) {
    entry.fault = text.error().message;
    return entry;
  }
  const auto tools = tools_of_ ? tools_of_(path) : std::nullopt;
  auto loaded = policy::load(*text, path.string(), tools ? &*tools : nullptr);
  for (const Error& fault : loaded.faults)
    entry.fault += fmt::format("{}{}: {}", entry.fault.empty() ? "" : "\n", fault.where, fault.message);
  entry.policy = std::move(loaded.policy);
  return entry;
}

Result<std::shared_ptr<const policy::Policy>> Policies::load(const std::filesystem::path& path) {
  if (const auto known = entries_.find(path); known != entries_.end() && known->second.policy) return known->second.policy;
  // A faulty file is kept in mind too: once it is mended, `refresh` takes it up.
  const Entry& entry = entries_.insert_or_assign(path, read(path)).first->second;
  if (!entry.policy) return fail(ErrorKind::invalid, entry.fault, path.string());
  hide_something_ = hide_something_ || entry.policy->hides_anything();
  return entry.policy;
}

std::shared_ptr<const policy::Policy> Policies::find(const std::filesystem::path& path) const {
  const auto entry = entries_.find(path);
  return entry == entries_.end() ? nullptr : entry->second.policy;
}

bool Policies::refresh() {
  bool changed = false;
  for (auto& [path, entry] : entries_) {
    if (config::FileStamp::of(path) == entry.stamp) continue;
    Entry fresh = read(path);
    entry.stamp = fresh.stamp;
    entry.fault = fresh.fault;
    if (!fresh.policy) {
      log_.error("policy_refused", {{"file", path.string()}, {"fault", fresh.fault}, {"effect", "the last good policy stays in force"}});
      continue;
    }
    if (entry.policy && fresh.policy->hash() == entry.policy->hash()) continue;
    log_.info("policy_loaded", {{"file", path.string()}, {"policy", fresh.policy->hash()}});
    entry.policy = std::move(fresh.policy);
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

}  // namespace callgate::gateway
