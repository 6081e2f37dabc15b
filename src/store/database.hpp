#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

struct sqlite3;
struct sqlite3_stmt;

/// The one place that knows SQLite's C interface: a connection, a query, a
/// transaction. Statements are prepared once and kept.
/// Errors: `unavailable` (locked, full, damaged, not readable; with a remedy),
/// `conflict` (a constraint), `internal` (our own SQL is wrong).
/// Threads: one at a time.
namespace callgate::store {

class Database {
 public:
  /// Opens or makes the file (mode 0600, WAL). `busy` is how long another
  /// process's write is waited for. `:memory:` is a database of its own.
  static Result<std::unique_ptr<Database>> open(const std::filesystem::path& file, std::chrono::milliseconds busy);
  /// Whether that is the error of a file that is damaged or no database at all.
  static bool is_damage(const Error& error);
  /// Makes room for a new file. Pre: nobody has it open.
  static void move_aside(const std::filesystem::path& file);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void wait_at_most(std::chrono::milliseconds busy);
  Result<void> execute(const char* sql);
  std::int64_t own_changes() const;  ///< rows written through this connection so far

 private:
  friend class Query;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  Database(sqlite3* connection, std::string name) : connection_(connection), name_(std::move(name)) {}
  Result<void> prepare_connection(std::chrono::milliseconds busy);
  Error error(int code) const;

  sqlite3* connection_;
  std::string name_;
  std::map<std::string, std::unique_ptr<sqlite3_stmt, Finalizer>, std::less<>> statements_;
};

/// One run of a prepared statement. Parameters are bound in order; a fault of
/// preparing or binding comes out of the first `step`.
class Query {
 public:
  Query(Database& database, std::string_view sql);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& bind(std::string_view text);
  Query& bind(std::int64_t number);
  Query& bind(std::optional<std::int64_t> number);
  Query& bind(std::span<const std::uint8_t> bytes);

  Result<bool> step();  ///< true: a row stands ready
  Result<void> run();   ///< to the end, for statements without rows
  int changes() const;  ///< rows that the last statement changed

  std::string text(int column) const;
  std::int64_t number(int column) const;
  std::optional<std::int64_t> optional_number(int column) const;
  std::span<const std::uint8_t> bytes(int column) const;  ///< valid until the next step

 private:
  void note(int code);

  Database& database_;
  sqlite3_stmt* statement_ = nullptr;
  int parameter_ = 0;
  int fault_ = 0;
};

/// BEGIN IMMEDIATE … COMMIT; what is not committed is rolled back.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&& other) noexcept : database_(std::exchange(other.database_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Result<void> commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace callgate::store
