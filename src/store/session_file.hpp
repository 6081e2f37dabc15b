#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "store/database.hpp"

namespace callgate::store {

/// A protocol session that can go on after a restart. The id itself is kept
/// nowhere: `digest` is its SHA-256.
struct SessionRow {
  std::string name;
  std::string digest;
  std::string server;
  std::string address;
  std::string grant;
  std::string principal;
  std::string revision;
  std::string opening;
  std::int64_t used_ms = 0;  ///< when it was used last

  bool operator==(const SessionRow&) const = default;
};

/// What happened to one session.
struct SessionChange {
  enum class Kind : std::uint8_t { kept, used, ended };
  Kind kind = Kind::kept;
  SessionRow row;  ///< of one that was used: `name` and `used_ms`; of one that ended: `name`
};

/// `DATA/sessions.db`: a database of its own, since whoever watches
/// `DATA/callgate.db` for changes of others would take each session for one.
/// Survives a killed process; a power cut may take the last moments.
/// Errors: those of `Database`, each with its remedy; then nothing was changed.
/// Threads: one at a time.
class SessionFile {
 public:
  /// Opens or makes the file (0600). `unsupported`: a newer version wrote it.
  static Result<std::unique_ptr<SessionFile>> open(const std::filesystem::path& file, std::chrono::milliseconds busy);

  /// All changes or, after an error, none.
  Result<void> write(std::span<const SessionChange* const> changes);
  Result<std::optional<SessionRow>> find(std::string_view name);
  /// Name, digest, server, grant and last use of all, without the rest.
  Result<std::vector<SessionRow>> list();

 private:
  explicit SessionFile(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  Result<void> prepare(const std::string& name);
  Result<void> write_one(const SessionChange& change);

  std::unique_ptr<Database> database_;
};

}  // namespace callgate::store
