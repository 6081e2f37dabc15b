#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "limits/memory_counters.hpp"

/// How counters outlive their process, however it ends: a snapshot now and then,
/// and with it the place in the journal from where calls are to be counted again.
namespace callgate::cli {

/// Up to where the journal's records are in the snapshot.
struct JournalPlace {
  std::string instance;
  std::uint64_t seq = 0;
};

/// What the counters' files in a folder name: journals whose records after that
/// number are still to be counted. Files of another form name none. Errors:
/// `unavailable` where one cannot be read: then nobody knows what is needed.
Result<std::map<std::string, std::uint64_t, std::less<>>> kept_places(const std::filesystem::path& folder);

/// Writes the file (mode 0600) whole or not at all. Errors: `unavailable`.
Result<void> keep_counters(const std::filesystem::path& file, const limits::MemoryCounters& counters,
                           const JournalPlace& place, const limits::Moment& moment);

/// What taking up found.
struct TakenUp {
  std::uint64_t counted = 0;     ///< limits of calls that only the journal held
  std::uint64_t unreadable = 0;  ///< lines and limits there that could not be read
  bool journal_found = true;     ///< else only the snapshot could be taken up
};

/// Restores the counters (or, with `How::beside`, adds to them) and counts what the journal under `journals` has after
/// them. No file is an empty one. Errors: `malformed`, `unavailable`; the
/// counters are then as before.
/// For a file that cannot be read: counts what every journal under `journals`
/// holds, so that no limit is looser than it was. Several gateways' calls may be
/// among them: limits are then tighter for a while.
TakenUp count_journals(const std::filesystem::path& journals, limits::MemoryCounters& counters, const limits::Moment& moment);

enum class How : std::uint8_t { instead, beside };
Result<TakenUp> take_up_counters(const std::filesystem::path& file, const std::filesystem::path& journals,
                                 limits::MemoryCounters& counters, const limits::Moment& moment, How how = How::instead);

}  // namespace callgate::cli
