#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

/// Proves that journals were not changed since they were written: nothing
/// altered, taken out, put in or moved. What no chain can prove by itself: that
/// its end was not cut off between two records (`closed` and `signed_seq` narrow
/// that down), and that whoever holds the signing key did not write it anew.
namespace callgate::audit {

struct ChainReport {
  std::string folder;
  std::uint64_t segments = 0;
  std::uint64_t records = 0;      ///< read and proved
  std::uint64_t first_seq = 0;    ///< over 1 where older segments were removed
  std::uint64_t last_seq = 0;
  std::uint64_t signed_seq = 0;   ///< last record under a signature that holds; 0: none
  std::string key;                ///< public half that signed, base64url; empty: none
  bool closed = false;            ///< ends with a closing record; else still open, or ended by a crash
  /// Segments that end in an unfinished line (`file:line`): a write that a crash
  /// or a full disk cut short. It was never counted as recorded.
  std::vector<std::string> torn;

  struct Fault {
    std::string where;  ///< `file:line`
    std::string what;
  };
  std::optional<Fault> fault;  ///< the first bad record; what follows it is not looked at
};

/// Proves one chain. With a `public_key` (base64url) checkpoints must be signed with it.
/// Errors: `unavailable` where a file cannot be read.
Result<ChainReport> verify_chain(const std::string& folder, std::string_view public_key = {});

}  // namespace callgate::audit
