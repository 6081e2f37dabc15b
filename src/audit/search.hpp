#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "policy/verdict.hpp"

/// Finding records in the journals of a folder.
namespace callgate::audit {

/// What to find; empty members fit everything.
struct Query {
  std::string tool;
  std::string server;
  std::string grant;  ///< its id, or its name, which records hold as the principal
  std::string id;
  std::string trace;  ///< the id that the caller's trace has
  std::optional<policy::Verdict> verdict;
  std::string since;  ///< RFC 3339 in UTC as records write it; compared as text
  /// The gateway's own traffic, checkpoints and gaps as well; else decisions and refusals.
  bool everything = false;
  std::size_t limit = SIZE_MAX;  ///< the newest so many
};

/// One record that fits. Texts are as recorded: hostile until shown by `visible`.
struct Entry {
  enum class Kind : std::uint8_t { call, refused, internal, gap, removed, checkpoint };
  Kind kind = Kind::call;
  std::string time;
  std::string id;
  std::string server;
  std::string tool;    ///< of a refusal the method; of internal traffic its kind
  std::string method;  ///< of a call
  std::string verdict;
  std::string rule;
  std::string reason;
  std::string line;  ///< the record as it stands in the file

  struct Outcome {
    std::string status;
    bool is_error = false;
    std::uint64_t bytes = 0;
    std::uint64_t latency_us = 0;
    std::string line;
  };
  std::optional<Outcome> outcome;  ///< nothing: not forwarded, still running, or lost in a crash
};

struct Findings {
  std::vector<Entry> entries;  ///< oldest first
  std::uint64_t chains = 0;
  std::uint64_t unreadable = 0;  ///< lines that are no records; `verify` says where
};

/// Searches every chain that `find_chains(folder)` finds. Does not prove hashes.
/// Errors: `not_found`, `unavailable`.
Result<Findings> search(const std::string& folder, const Query& query);

}  // namespace callgate::audit
