#include "store/migrations.hpp"

#include <fmt/format.h>

#include <array>

namespace callgate::store {
namespace {

struct Migration {
  std::string_view name;
  const char* sql;
};

// INVARIANT: a published step is never edited; a change is a new step at the end.
constexpr std::array migrations{
    Migration{"servers, grants, pins",
              R"sql(
CREATE TABLE servers (
  name TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  command TEXT NOT NULL,      -- arguments joined by NUL, each ended by one
  policy TEXT NOT NULL,
  created INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE grants (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  server TEXT NOT NULL,
  policy TEXT NOT NULL,
  token_hash BLOB NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  expires INTEGER,
  rotated INTEGER,
  revoked INTEGER
) WITHOUT ROWID;
CREATE UNIQUE INDEX live_grant_names ON grants (name) WHERE revoked IS NULL;
CREATE TABLE pinned_lists (   -- one row says that a list was pinned, also an empty one
  id INTEGER PRIMARY KEY,
  server TEXT NOT NULL,
  address TEXT NOT NULL,
  era TEXT NOT NULL,
  UNIQUE (server, address, era)
);
CREATE TABLE definitions (
  list INTEGER NOT NULL REFERENCES pinned_lists (id) ON DELETE CASCADE,
  offered INTEGER NOT NULL,   -- 0: pinned; 1: the server offers it, nobody accepted it
  tool TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  text TEXT NOT NULL,
  time INTEGER NOT NULL,
  PRIMARY KEY (list, offered, tool)
) WITHOUT ROWID;
CREATE TABLE unknown_tool_answers (
  server TEXT NOT NULL,
  address TEXT NOT NULL,
  era TEXT NOT NULL,
  text TEXT NOT NULL,
  runs_any INTEGER NOT NULL,
  PRIMARY KEY (server, address, era)
) WITHOUT ROWID;
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;
)sql"},
    Migration{"how a server's tools are judged",
              R"sql(
ALTER TABLE servers ADD COLUMN trust_hints INTEGER NOT NULL DEFAULT 0;
ALTER TABLE servers ADD COLUMN classes TEXT NOT NULL DEFAULT '';
)sql"},
    Migration{"tools that cannot be called",
              R"sql(
CREATE TABLE left_out (
  list INTEGER NOT NULL REFERENCES pinned_lists (id) ON DELETE CASCADE,
  place INTEGER NOT NULL,
  tool TEXT NOT NULL,
  why TEXT NOT NULL,
  PRIMARY KEY (list, place)
) WITHOUT ROWID;
)sql"},
    Migration{"when a first list came",
              R"sql(
ALTER TABLE pinned_lists ADD COLUMN first INTEGER NOT NULL DEFAULT 0;  -- 0: no other era may have a first list any more
)sql"},
};

Result<std::int64_t> applied_count(Database& database) {
  Query query(database, "SELECT coalesce(max(number), 0) FROM migrations");
  const auto row = query.step();
  if (!row) return std::unexpected(row.error());
  return query.number(0);
}

Result<bool> has_migrations_table(Database& database) {
  Query query(database, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'");
  return query.step();
}

Result<void> apply_after(Database& database, std::int64_t applied, std::int64_t now_ms) {
  for (std::size_t step = static_cast<std::size_t>(applied); step < migrations.size(); ++step) {
    if (auto done = database.execute(migrations[step].sql); !done) return done;
    Query note(database, "INSERT INTO migrations (number, name, applied) VALUES (?, ?, ?)");
    const auto noted = note.bind(static_cast<std::int64_t>(step + 1)).bind(migrations[step].name).bind(now_ms).run();
    if (!noted) return noted;
  }
  return {};
}

}  // namespace

Result<void> migrate(Database& database, std::int64_t now_ms) {
  const auto known = has_migrations_table(database);
  if (!known) return std::unexpected(known.error());
  if (*known) {
    // The usual start: nothing to do, and no write lock taken.
    const auto applied = applied_count(database);
    if (!applied) return std::unexpected(applied.error());
    if (*applied == static_cast<std::int64_t>(migrations.size())) return {};
  }
  auto transaction = Transaction::begin(database);
  if (!transaction) return std::unexpected(transaction.error());
  constexpr auto table =
      "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied INTEGER NOT NULL)";
  if (auto made = database.execute(table); !made) return made;
  const auto applied = applied_count(database);
  if (!applied) return std::unexpected(applied.error());
  if (*applied > static_cast<std::int64_t>(migrations.size())) {
    return fail(ErrorKind::unsupported,
                fmt::format("the database is of a newer version (step {}, this program knows {}); use the newer program, "
                            "or another folder with `--data`",
                            *applied, migrations.size()));
  }
  if (auto done = apply_after(database, *applied, now_ms); !done) return done;
  return transaction->commit();
}

}  // namespace callgate::store
