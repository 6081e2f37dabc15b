#include "store/round_file.hpp"

#include <fmt/format.h>

namespace callgate::store {
namespace {

constexpr std::int64_t round_version = 1;

constexpr const char* round_schema = R"sql(
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS rounds (
  digest TEXT PRIMARY KEY,
  server TEXT NOT NULL,
  rounds INTEGER NOT NULL,
  began INTEGER NOT NULL,
  counted INTEGER NOT NULL,
  covered TEXT NOT NULL,
  approval TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS rounds_began ON rounds (began);
PRAGMA user_version = 1;
COMMIT;
)sql";

}  // namespace

Result<std::unique_ptr<RoundFile>> RoundFile::open(const std::filesystem::path& file, std::chrono::milliseconds busy) {
  auto database = Database::open(file, busy);
  if (!database) return std::unexpected(database.error());
  std::unique_ptr<RoundFile> opened(new RoundFile(std::move(*database)));
  if (auto ready = opened->prepare(file.string()); !ready) return std::unexpected(ready.error());
  return opened;
}

Result<void> RoundFile::prepare(const std::string& name) {
  std::int64_t found = 0;
  {
    Query query(*database_, "PRAGMA user_version");
    if (auto row = query.step(); !row) return std::unexpected(row.error());
    found = query.number(0);
  }
  if (found > round_version)
    return fail(ErrorKind::unsupported, fmt::format("the database `{}` was written by a newer version; run that one, or move the file away to "
                                                    "begin without its calls of several rounds",
                                                    name));
  return database_->execute(round_schema);
}

Result<void> RoundFile::write_one(const RoundChange& change) {
  const RoundRow& row = change.row;
  if (change.kind == RoundChange::Kind::taken) {
    Query query(*database_, "DELETE FROM rounds WHERE digest = ?");
    return query.bind(row.digest).run();
  }
  Query query(*database_,
              "INSERT OR REPLACE INTO rounds (digest, server, rounds, began, counted, covered, approval) VALUES (?, ?, "
              "?, ?, ?, ?, ?)");
  return query.bind(row.digest)
      .bind(row.server)
      .bind(row.rounds)
      .bind(row.began_ms)
      .bind(std::int64_t{row.counted})
      .bind(row.covered)
      .bind(row.approval)
      .run();
}

Result<void> RoundFile::write(std::span<const RoundChange> changes, std::int64_t oldest_ms) {
  auto transaction = Transaction::begin(*database_);
  if (!transaction) return std::unexpected(transaction.error());
  for (const RoundChange& change : changes) {
    if (auto done = write_one(change); !done) return done;
  }
  {
    Query query(*database_, "DELETE FROM rounds WHERE began < ?");
    if (auto done = query.bind(oldest_ms).run(); !done) return done;
  }
  return transaction->commit();
}

Result<std::vector<RoundRow>> RoundFile::list() {
  Query query(*database_,
              "SELECT digest, server, rounds, began, counted, covered, approval FROM rounds ORDER BY began");
  std::vector<RoundRow> rows;
  auto row = query.step();
  for (; row && *row; row = query.step()) {
    rows.push_back({.digest = query.text(0),
                    .server = query.text(1),
                    .rounds = query.number(2),
                    .began_ms = query.number(3),
                    .counted = query.number(4) != 0,
                    .covered = query.text(5),
                    .approval = query.text(6)});
  }
  if (!row) return std::unexpected(row.error());
  return rows;
}

}  // namespace callgate::store
