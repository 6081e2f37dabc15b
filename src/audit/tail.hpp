#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/error.hpp"

namespace callgate::audit {

/// The last whole line of a segment.
struct LastRecord {
  std::uint64_t seq = 0;
  std::string instance;
  std::string hash;
  std::string time;
};

/// Reads only the end of the file; proves the line's own hash, so that nothing
/// is built upon a damaged one. Nothing for a file without a whole line.
/// Errors: `invalid` where the line is no sound record, `not_found`, `unavailable`.
Result<std::optional<LastRecord>> last_record(const std::string& path);

}  // namespace callgate::audit
