#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "store/database.hpp"

namespace callgate::store {

/// A call whose next round is expected. Neither what was asked nor the server's state
/// can be told from it: a keyed digest, whose key is elsewhere, is part of what both
/// digests are made of.
struct RoundRow {
  std::string digest;
  std::string server;
  std::int64_t rounds = 0;
  std::int64_t began_ms = 0;  ///< wall time
  bool counted = false;
  std::string covered;
  std::string approval;

  bool operator==(const RoundRow&) const = default;
};

struct RoundChange {
  enum class Kind : std::uint8_t { expected, taken };
  Kind kind = Kind::expected;
  RoundRow row;  ///< of one that was taken: `digest`
};

/// `DATA/rounds.db`: of one process, like `sessions.db`. What was taken stays taken,
/// after a power cut too. Errors: those of `Database`; then nothing was changed.
/// Threads: one at a time.
class RoundFile {
 public:
  /// Opens or makes the file (0600). `unsupported`: a newer version wrote it.
  static Result<std::unique_ptr<RoundFile>> open(const std::filesystem::path& file, std::chrono::milliseconds busy);

  /// All changes, in their order, or after an error none. What began before `oldest_ms` goes too.
  Result<void> write(std::span<const RoundChange> changes, std::int64_t oldest_ms);
  /// Those that began first come first.
  Result<std::vector<RoundRow>> list();

 private:
  explicit RoundFile(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  Result<void> prepare(const std::string& name);
  Result<void> write_one(const RoundChange& change);

  std::unique_ptr<Database> database_;
};

}  // namespace callgate::store
