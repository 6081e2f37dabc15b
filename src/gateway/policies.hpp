#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/log.hpp"
#include "policy/policy.hpp"

namespace callgate::gateway {

/// The policy files in force. A file that changed is taken up by `refresh`,
/// whole or not at all; a faulty one leaves the last good policy standing.
/// Threads: the loop's.
class Policies {
 public:
  explicit Policies(Log& log) : log_(log) {}

  /// Loads the file if it is not loaded yet. Errors: every fault of the file in
  /// one message, a line each.
  Result<std::shared_ptr<const policy::Policy>> load(const std::filesystem::path& path);
  /// The policy of a loaded file; null for one that is not, or never was good.
  std::shared_ptr<const policy::Policy> find(const std::filesystem::path& path) const;
  /// Looks at every file; true if any policy is another one now.
  bool refresh();
  /// Files whose present text is refused, for health and metrics.
  std::size_t faulty() const;

 private:
  /// What tells two versions of a file apart, also when it was replaced by
  /// rename or a symlink to it was swapped.
  struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    std::uint64_t size = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct Entry {
    Stamp stamp;
    std::shared_ptr<const policy::Policy> policy;
    std::string fault;
  };
  static Stamp stamp_of(const std::filesystem::path& path);
  static Entry read(const std::filesystem::path& path);

  Log& log_;
  std::map<std::filesystem::path, Entry> entries_;
};

}  // namespace callgate::gateway
