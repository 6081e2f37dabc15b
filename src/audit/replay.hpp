#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

/// What a process that was killed had counted after it last kept its counters.
namespace callgate::audit {

/// An allowed call that took limits.
struct RecordedCall {
  std::string server;
  std::string grant;
  std::string session;
  std::string boot_id;
  std::int64_t wall_ms = 0;
  BootTime at;  ///< on the clock of that boot

  struct Use {
    std::string limit;  ///< `policy::RateLimit::id`
    std::string scope;
  };
  std::vector<Use> uses;
};

/// Gives every such call of one chain after record `after_seq`, oldest first.
/// Segments that end before it are not read. A torn tail is passed over; lines
/// that are no records are counted in the result, for the log.
/// Errors: `not_found`, `unavailable`.
Result<std::uint64_t> replay(const std::string& folder, std::uint64_t after_seq,
                             const std::function<void(const RecordedCall&)>& take);

}  // namespace callgate::audit
