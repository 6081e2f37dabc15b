#include "store/meta.hpp"

#include "store/connection.hpp"

namespace callgate::store {
namespace {

class SqliteMeta final : public Meta {
 public:
  explicit SqliteMeta(Connection& connection) : connection_(connection) {}

  Result<std::optional<std::string>> get(std::string_view key) override {
    const std::scoped_lock lock(connection_.mutex);
    return get_locked(key);
  }

  Result<void> put(std::string_view key, std::string_view value) override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database, "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)");
    return query.bind(key).bind(value).run();
  }

  Result<std::string> put_once(std::string_view key, std::string_view value) override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database, "INSERT OR IGNORE INTO meta (key, value) VALUES (?, ?)");
    if (auto done = query.bind(key).bind(value).run(); !done) return std::unexpected(done.error());
    auto stands = get_locked(key);
    if (!stands) return std::unexpected(stands.error());
    return stands->value_or(std::string(value));
  }

 private:
  Result<std::optional<std::string>> get_locked(std::string_view key) {
    Query query(*connection_.database, "SELECT value FROM meta WHERE key = ?");
    const auto row = query.bind(key).step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return std::nullopt;
    return query.text(0);
  }

  Connection& connection_;
};

}  // namespace

std::unique_ptr<Meta> sqlite_meta(Connection& connection) { return std::make_unique<SqliteMeta>(connection); }

}  // namespace callgate::store
