#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.hpp"

namespace callgate::gateway {

/// Which tasks a server began for whom: the calls that began them were decided,
/// so whoever called may ask for them, and nobody else (protocol item 32). A
/// task that is not here is refused. Lives as long as the process.
/// Threads: the loop's.
class TaskBook {
 public:
  static constexpr std::size_t max_tasks_of_owner = 1'000;
  static constexpr std::size_t max_tasks = 20'000;
  static constexpr std::chrono::hours longest{24 * 30};  ///< and where the server names no time

  /// `owner` is the grant, or the session where there are no grants. The oldest
  /// of an owner with too many is forgotten.
  void remember(std::string_view owner, std::string_view task, std::string_view tool, BootTime now,
                std::optional<std::chrono::milliseconds> lives);
  /// The tool that the task runs; null where it is not this owner's.
  const std::string* find(std::string_view owner, std::string_view task, BootTime now) const;
  std::size_t size() const { return tasks_.size(); }

 private:
  struct Known {
    std::string tool;
    BootTime until{};
  };
  using Key = std::pair<std::string, std::string>;
  void make_room(std::string_view owner, BootTime now);

  std::map<Key, Known> tasks_;  ///< by owner, then by id
};

}  // namespace callgate::gateway
