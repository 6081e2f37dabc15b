#include "gateway/policies.hpp"

#include <sys/stat.h>

#include <fmt/format.h>

#include "config/text_file.hpp"
#include "policy/load.hpp"

namespace callgate::gateway {

Policies::Stamp Policies::stamp_of(const std::filesystem::path& path) {
  struct stat file{};
  if (stat(path.c_str(), &file) != 0) return {};
  const auto nanoseconds = [](const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; };
  return {.device = file.st_dev,
          .inode = file.st_ino,
          .modified_ns = nanoseconds(file.st_mtim),
          .changed_ns = nanoseconds(file.st_ctim),
          .size = static_cast<std::uint64_t>(file.st_size)};
}

Policies::Entry Policies::read(const std::filesystem::path& path) {
  // The stamp first: a file that changes while it is read is read again.
  Entry entry{.stamp = stamp_of(path), .policy = nullptr, .fault = {}};
  const auto text = config::read_text(path, config::Writers::owner_only);
  if (!text) {
    entry.fault = text.error().message;
    return entry;
  }
  auto loaded = policy::load(*text, path.string());
  for (const Error& fault : loaded.faults)
    entry.fault += fmt::format("{}{}: {}", entry.fault.empty() ? "" : "\n", fault.where, fault.message);
  entry.policy = std::move(loaded.policy);
  return entry;
}

Result<std::shared_ptr<const policy::Policy>> Policies::load(const std::filesystem::path& path) {
  if (const auto known = entries_.find(path); known != entries_.end() && known->second.policy) return known->second.policy;
  Entry entry = read(path);
  if (!entry.policy) return fail(ErrorKind::invalid, entry.fault, path.string());
  return entries_.insert_or_assign(path, std::move(entry)).first->second.policy;
}

std::shared_ptr<const policy::Policy> Policies::find(const std::filesystem::path& path) const {
  const auto entry = entries_.find(path);
  return entry == entries_.end() ? nullptr : entry->second.policy;
}

bool Policies::refresh() {
  bool changed = false;
  for (auto& [path, entry] : entries_) {
    if (stamp_of(path) == entry.stamp) continue;
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
