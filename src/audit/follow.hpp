#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "audit/search.hpp"

/// Watching journals grow.
namespace callgate::audit {

/// The records that are written to the chains of a folder from now on, those of
/// processes that start later included. Threads: one. Does not prove hashes;
/// lines that are no records are passed over.
class Follower {
 public:
  /// `query.limit` does not count.
  Follower(std::string folder, Query query) : folder_(std::move(folder)), query_(std::move(query)) {}

  /// Takes note of where every chain ends now. Errors: as `find_chains`.
  Result<void> start();
  /// These are known already: only their outcomes are news.
  void know(std::span<const Entry> entries);
  /// What fits and was written since the last look, oldest first. A call comes
  /// once it is decided; when its outcome was written later than that, it comes
  /// again, with an empty `line`. Errors: `unavailable`.
  Result<std::vector<Entry>> look();

 private:
  struct Chain {
    std::uint64_t segment = 0;  ///< the one that is being read
    std::uint64_t offset = 0;   ///< up to where; at the beginning of a line
  };
  struct News;
  enum class From : std::uint8_t { beginning, end };

  Result<void> find_new_chains(From from);
  void read_chain(const std::string& folder, Chain& chain, News& news) const;
  void take(std::string_view line, News& news) const;
  void remember(const Entry& entry);

  std::string folder_;
  Query query_;
  std::map<std::string, Chain> chains_;  ///< by folder
  std::map<std::string, Entry> open_;    ///< calls without an outcome, by id, so the oldest first; bounded
  std::set<std::string> known_;
  std::uint64_t looks_ = 0;
};

}  // namespace callgate::audit
