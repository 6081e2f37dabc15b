#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "limits/memory_counters.hpp"

/// Counting calls again that stand in the journal but not in the snapshot: those
/// between the last snapshot and the end of a killed process.
namespace callgate::limits {

/// One limit that a recorded call took.
struct RecordedUse {
  std::string_view server;
  std::string_view grant;
  std::string_view session;
  std::string_view scope;
  std::string_view limit;  ///< `policy::RateLimit::id`
  BootTime at;             ///< on the clock of the boot `boot_id`
  std::int64_t wall_ms = 0;
  std::string_view boot_id;
};

/// The limit that an id names (`/tools/x max=10 window=60s per=session`), as far
/// as counting needs it; nothing where it is none.
std::optional<policy::RateLimit> limit_of_id(std::string_view id);

/// Counts recorded calls, then ends their sessions, which went with their process.
class Recount {
 public:
  Recount(MemoryCounters& counters, const Moment& now) : counters_(counters), now_(now) {}
  ~Recount();
  Recount(const Recount&) = delete;
  Recount& operator=(const Recount&) = delete;

  /// False where the id cannot be read; nothing is counted then. Calls whose
  /// window has passed count for nothing.
  bool add(const RecordedUse& use);
  /// Whether one counter stands for both limits, which counts a call once.
  bool same_counter(std::string_view one_id, std::string_view other_id);
  std::uint64_t counted() const { return counted_; }

 private:
  BootTime here(const RecordedUse& use) const;

  const policy::RateLimit* limit_of(std::string_view id);

  MemoryCounters& counters_;
  Moment now_;
  std::map<std::string, std::optional<policy::RateLimit>, std::less<>> limits_;  ///< read before, by id
  std::uint64_t counted_ = 0;
  std::set<std::tuple<std::string, std::string, std::string>, std::less<>> sessions_;  ///< server, grant, session
};

}  // namespace callgate::limits
