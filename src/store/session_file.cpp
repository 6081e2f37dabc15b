#include "store/session_file.hpp"

#include <fmt/format.h>

namespace callgate::store {
namespace {

constexpr std::int64_t session_version = 1;

constexpr const char* session_schema = R"sql(
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS sessions (
  name TEXT PRIMARY KEY,
  digest TEXT NOT NULL,
  server TEXT NOT NULL,
  address TEXT NOT NULL,
  grant_id TEXT NOT NULL,
  principal TEXT NOT NULL,
  revision TEXT NOT NULL,
  opening TEXT NOT NULL,
  used INTEGER NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = 1;
COMMIT;
)sql";

}  // namespace

Result<std::unique_ptr<SessionFile>> SessionFile::open(const std::filesystem::path& file, std::chrono::milliseconds busy) {
  auto database = Database::open(file, busy);
  if (!database) return std::unexpected(database.error());
  std::unique_ptr<SessionFile> opened(new SessionFile(std::move(*database)));
  if (auto ready = opened->prepare(file.string()); !ready) return std::unexpected(ready.error());
  return opened;
}

Result<void> SessionFile::prepare(const std::string& name) {
  std::int64_t found = 0;
  {
    Query query(*database_, "PRAGMA user_version");
    if (auto row = query.step(); !row) return std::unexpected(row.error());
    found = query.number(0);
  }
  if (found > session_version)
    return fail(ErrorKind::unsupported, fmt::format("the database `{}` was written by a newer version; run that one, or move the file away to begin without its sessions", name));
  if (auto made = database_->execute(session_schema); !made) return made;
  // A kill loses nothing; after a power cut clients open new sessions.
  return database_->execute("PRAGMA synchronous=NORMAL");
}

Result<void> SessionFile::write_one(const SessionChange& change) {
  const SessionRow& row = change.row;
  switch (change.kind) {
    case SessionChange::Kind::kept: {
      Query query(*database_, "INSERT OR REPLACE INTO sessions (name, digest, server, address, grant_id, principal, revision, opening, used) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
      return query.bind(row.name).bind(row.digest).bind(row.server).bind(row.address).bind(row.grant).bind(row.principal).bind(row.revision).bind(row.opening).bind(row.used_ms).run();
    }
    case SessionChange::Kind::used: {
      Query query(*database_, "UPDATE sessions SET used = ? WHERE name = ?");
      return query.bind(row.used_ms).bind(row.name).run();
    }
    case SessionChange::Kind::ended: break;
  }
  Query query(*database_, "DELETE FROM sessions WHERE name = ?");
  return query.bind(row.name).run();
}

Result<void> SessionFile::write(std::span<const SessionChange* const> changes) {
  auto transaction = Transaction::begin(*database_);
  if (!transaction) return std::unexpected(transaction.error());
  for (const SessionChange* change : changes) {
    if (auto done = write_one(*change); !done) return done;
  }
  return transaction->commit();
}

Result<std::optional<SessionRow>> SessionFile::find(std::string_view name) {
  Query query(*database_, "SELECT name, digest, server, address, grant_id, principal, revision, opening, used FROM sessions WHERE name = ?");
  const auto row = query.bind(name).step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return std::nullopt;
  return SessionRow{.name = query.text(0),
                    .digest = query.text(1),
                    .server = query.text(2),
                    .address = query.text(3),
                    .grant = query.text(4),
                    .principal = query.text(5),
                    .revision = query.text(6),
                    .opening = query.text(7),
                    .used_ms = query.number(8)};
}

Result<std::vector<SessionRow>> SessionFile::list() {
  Query query(*database_, "SELECT name, digest, server, grant_id, used FROM sessions");
  std::vector<SessionRow> rows;
  auto row = query.step();
  for (; row && *row; row = query.step()) {
    SessionRow each;
    each.name = query.text(0);
    each.digest = query.text(1);
    each.server = query.text(2);
    each.grant = query.text(3);
    each.used_ms = query.number(4);
    rows.push_back(std::move(each));
  }
  if (!row) return std::unexpected(row.error());
  return rows;
}

}  // namespace callgate::store
