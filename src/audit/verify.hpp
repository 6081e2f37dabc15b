#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <span>
#include <vector>

#include "audit/removal.hpp"
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
  std::uint64_t first_seq = 0;    ///< over 1 where older segments were removed for their age, which is on record
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

  /// What the first record says of those before it.
  struct Beginning {
    std::string where;
    std::string instance;
    std::uint64_t segment = 0;
    std::string prev;
  };
  Beginning beginning;
  /// What it says of segments that were removed for their age, its own and others'.
  struct Told {
    Removal removal;
    std::uint64_t seq = 0;  ///< of the record that says so
  };
  std::vector<Told> removals;
  /// The last record of each segment.
  struct End {
    std::uint64_t seq = 0;
    std::string hash;
    bool operator==(const End&) const = default;
  };
  std::vector<End> ends;
};

/// Proves chains. With a `public_key` (base64url) checkpoints must be signed with it,
/// there must be one, and no records of more than `signed_within` may stand between
/// two or after the last: those after it may still have been changed.
/// A chain that does not start with its first segment needs a record, in one of
/// these chains, which says that what is missing was removed for its age; with a
/// key, one under a signature. Errors: `unavailable` where a file cannot be read.
Result<std::vector<ChainReport>> verify_chains(std::span<const std::string> folders, std::string_view public_key = {});

/// A journal names the folder of a chain by its instance: under another name it
/// was exchanged, or renamed to stand for another. Makes that a fault.
void check_names(std::span<ChainReport> chains);

/// The same for one chain, with what it says itself.
Result<ChainReport> verify_chain(const std::string& folder, std::string_view public_key = {});

}  // namespace callgate::audit
