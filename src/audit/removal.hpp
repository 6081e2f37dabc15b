#pragma once

#include <cstdint>
#include <string>

namespace callgate::audit {

/// What a chain says, in a record of its own, about segments that are removed
/// because their time is over. It is written and on the disk before they go, so
/// that `verify` can tell them from records that somebody took out.
struct Removal {
  std::string instance;       ///< the chain they are of: this one, or one whose process is gone
  std::uint64_t segment = 0;  ///< the last of them; those before it are gone as well
  std::uint64_t seq = 0;      ///< of the last record in them
  std::string hash;           ///< of that record
};

}  // namespace callgate::audit
