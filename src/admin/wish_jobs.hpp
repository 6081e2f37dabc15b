#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "admin/drafter.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"

namespace callgate::admin {

/// One wish on its way from a sentence to a policy.
struct WishJob {
  enum class State : std::uint8_t {
    running,
    drafted,  ///< may be applied
    failed,   ///< no draft, or one with faults
    applied,
  };
  std::string id;  ///< a ULID
  std::string wish;
  State state = State::running;
  PolicyDraft draft;    ///< of a running job only the server
  std::string applied;  ///< content hash of the policy that was written
  std::int64_t started_ms = 0;
  std::int64_t expires_ms = 0;  ///< of one that runs: not before it has ended
  BootTime until;               ///< the same by the clock that nobody sets
};
std::string_view word(WishJob::State state);

/// The wishes of the last hour: bounded in number, size and time, in memory only.
/// What is lost with a restart is a draft, and the sentence it came from is short.
/// Threads: the API's.
class WishJobs {
 public:
  static constexpr std::size_t max_wish = 4'000;  ///< bytes
  static constexpr std::size_t most = 16;         ///< kept; the oldest that has ended makes room
  static constexpr std::size_t most_running = 2;
  static constexpr std::chrono::minutes lasting{60};

  /// Both outlive the jobs.
  WishJobs(PolicyDrafter& drafter, const Clock& clock) : drafter_(drafter), clock_(clock) {}

  /// Errors: `invalid` (no wish), `too_large`, `unavailable` (enough are running), those of the drafter.
  Result<WishJob> start(std::string_view server, std::string wish);
  /// Errors: `not_found`, also for one that has expired.
  Result<WishJob> find(std::string_view id);
  std::vector<WishJob> list();  ///< oldest first
  /// Puts a draft in force, once. Errors: `not_found`; `conflict` where there is nothing
  /// (or nothing more) to apply; those of the drafter, after which it may be tried again.
  Result<WishJob> apply(std::string_view id);

 private:
  void forget_expired();
  void make_room();
  void ended(const std::string& id, PolicyDraft draft);
  std::size_t running() const;

  PolicyDrafter& drafter_;
  const Clock& clock_;
  IdSource ids_;
  std::map<std::string, WishJob, std::less<>> jobs_;  ///< ids sort by time
};

}  // namespace callgate::admin
