#include "store/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

namespace callgate::store {
namespace {

constexpr std::string_view memory_name = ":memory:";
constexpr std::string_view damage = "` is damaged (";

/// SQLite gives the files beside the database (-wal, -shm) the same mode, so
/// making the file first with 0600 keeps all three private.
Result<void> make_private_file(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (descriptor < 0) {
    const int error = errno;
    const bool full = error == ENOSPC || error == EDQUOT;
    return fail(ErrorKind::unavailable,
                fmt::format("cannot open the database `{}`: {}; {} or give another with `--data`", file.string(), std::generic_category().message(error),
                            full ? "free some space" : "check the folder's rights"));
  }
  struct stat status {};
  if (::fstat(descriptor, &status) == 0 && (status.st_mode & 077) != 0) {
    // Best effort: where it fails, the folder's own mode (0700) still holds.
    [[maybe_unused]] const int changed = ::fchmod(descriptor, S_IRUSR | S_IWUSR);
  }
  ::close(descriptor);
  return {};
}

}  // namespace

void Database::Finalizer::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

Result<std::unique_ptr<Database>> Database::open(const std::filesystem::path& file, std::chrono::milliseconds busy) {
  const std::string name = file.string();
  if (name != memory_name) {
    if (auto made = make_private_file(file); !made) return std::unexpected(made.error());
  }
  sqlite3* connection = nullptr;
  // NOMUTEX: the store has a lock of its own.
  const int code = sqlite3_open_v2(name.c_str(), &connection,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Database> database(new Database(connection, name));
  if (code != SQLITE_OK) return std::unexpected(database->error(code));
  if (auto ready = database->prepare_connection(busy); !ready) return std::unexpected(ready.error());
  return database;
}

Result<void> Database::prepare_connection(std::chrono::milliseconds busy) {
  sqlite3_extended_result_codes(connection_, 1);
  // 48 KiB for fast small allocations that our few statements do not need.
  sqlite3_db_config(connection_, SQLITE_DBCONFIG_LOOKASIDE, nullptr, 0, 0);
  sqlite3_busy_timeout(connection_, static_cast<int>(busy.count()));
  // A switch to WAL meets SQLITE_BUSY without the busy handler being asked when
  // another process opens the same new file at this moment, so it is retried here.
  const auto last = std::chrono::steady_clock::now() + busy;
  Result<void> wal = execute("PRAGMA journal_mode=WAL");
  while (!wal && !is_damage(wal.error()) && std::chrono::steady_clock::now() < last) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    wal = execute("PRAGMA journal_mode=WAL");
  }
  if (!wal) return wal;
  // FULL: a revoked grant stays revoked after a power cut; writes are rare.
  return execute("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF");
}

void Database::wait_at_most(std::chrono::milliseconds busy) { sqlite3_busy_timeout(connection_, static_cast<int>(busy.count())); }

Database::~Database() {
  statements_.clear();
  sqlite3_close_v2(connection_);
}

Result<void> Database::execute(const char* sql) {
  const int code = sqlite3_exec(connection_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return std::unexpected(error(code));
  return {};
}

bool Database::is_damage(const Error& error) { return error.kind == ErrorKind::unavailable && error.message.contains(damage); }

void Database::move_aside(const std::filesystem::path& file) {
  std::error_code ignored;
  for (const char* part : {"", "-wal", "-shm"})
    std::filesystem::rename(file.string() + part, file.string() + ".damaged" + part, ignored);
}

std::int64_t Database::own_changes() const { return sqlite3_total_changes64(connection_); }

Error Database::error(int code) const {
  const int primary = code & 0xff;
  const std::string detail = connection_ != nullptr ? sqlite3_errmsg(connection_) : sqlite3_errstr(code);
  switch (primary) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {ErrorKind::unavailable,
              fmt::format("the database `{}` is locked by another process; try again, or end the process that holds it",
                          name_),
              {}};
    case SQLITE_CONSTRAINT:
      return {ErrorKind::conflict, "it exists already", {}};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {ErrorKind::unavailable,
              fmt::format("the database `{}{}{}); restore a backup, or move it away to start without what it held{}", name_, damage, detail, name_.ends_with("callgate.db") ? ": grants, registered servers and pins" : ""),
              {}};
    case SQLITE_FULL:
      return {ErrorKind::unavailable, fmt::format("the disk of `{}` is full; free some space", name_), {}};
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_IOERR:
      // The shared memory beside the database is made at once, and says so on a full disk.
      if (const int why = connection_ != nullptr ? sqlite3_system_errno(connection_) : 0; why == ENOSPC || why == EDQUOT)
        return {ErrorKind::unavailable, fmt::format("the disk of `{}` is full; free some space", name_), {}};
      return {ErrorKind::unavailable,
              fmt::format("the database `{}` cannot be used: {}; check the rights of the file and its folder", name_, detail),
              {}};
    default:
      return {ErrorKind::internal, fmt::format("database `{}`: {}", name_, detail), {}};
  }
}

Query::Query(Database& database, std::string_view sql) : database_(database) {
  const auto known = database.statements_.find(sql);
  if (known != database.statements_.end()) {
    statement_ = known->second.get();
    return;
  }
  note(sqlite3_prepare_v3(database.connection_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT,
                          &statement_, nullptr));
  if (statement_ != nullptr) database.statements_.emplace(std::string(sql), statement_);
}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

void Query::note(int code) {
  if (fault_ == SQLITE_OK) fault_ = code;
}

Query& Query::bind(std::string_view text) {
  // A null pointer would bind NULL, so an empty text needs an address.
  const char* data = text.empty() ? "" : text.data();
  note(sqlite3_bind_text64(statement_, ++parameter_, data, text.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}

Query& Query::bind(std::int64_t number) {
  note(sqlite3_bind_int64(statement_, ++parameter_, number));
  return *this;
}

Query& Query::bind(std::optional<std::int64_t> number) {
  if (number) return bind(*number);
  note(sqlite3_bind_null(statement_, ++parameter_));
  return *this;
}

Query& Query::bind(std::span<const std::uint8_t> bytes) {
  note(sqlite3_bind_blob64(statement_, ++parameter_, bytes.data(), bytes.size(), SQLITE_TRANSIENT));
  return *this;
}

Result<bool> Query::step() {
  if (fault_ != SQLITE_OK) return std::unexpected(database_.error(fault_));
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return std::unexpected(database_.error(code));
}

Result<void> Query::run() {
  Result<bool> row = step();
  while (row && *row) row = step();
  if (!row) return std::unexpected(row.error());
  return {};
}

int Query::changes() const { return sqlite3_changes(database_.connection_); }

std::string Query::text(int column) const {
  const auto* data = sqlite3_column_text(statement_, column);
  if (data == nullptr) return {};
  return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::int64_t Query::number(int column) const { return sqlite3_column_int64(statement_, column); }

std::optional<std::int64_t> Query::optional_number(int column) const {
  if (sqlite3_column_type(statement_, column) == SQLITE_NULL) return std::nullopt;
  return number(column);
}

std::span<const std::uint8_t> Query::bytes(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<Transaction> Transaction::begin(Database& database) {
  if (auto begun = database.execute("BEGIN IMMEDIATE"); !begun) return std::unexpected(begun.error());
  return Transaction(database);
}

Transaction::~Transaction() {
  if (database_ != nullptr) [[maybe_unused]] const auto undone = database_->execute("ROLLBACK");
}

Result<void> Transaction::commit() {
  if (auto done = database_->execute("COMMIT"); !done) return done;
  database_ = nullptr;
  return {};
}

}  // namespace callgate::store
