#include "store/grants.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "store/connection.hpp"

namespace callgate::store {
namespace {

Result<Grant> read_grant(const Query& query) {
  Grant grant{.id = query.text(0),
              .name = query.text(1),
              .server = query.text(2),
              .policy = query.text(3),
              .created_ms = query.number(5),
              .expires_ms = query.optional_number(6),
              .rotated_ms = query.optional_number(7),
              .revoked_ms = query.optional_number(8)};
  const auto hash = query.bytes(4);
  if (hash.size() != grant.token_hash.size()) {
    return fail(ErrorKind::unavailable, fmt::format("the stored hash of grant `{}` is damaged; revoke it", grant.name));
  }
  std::ranges::copy(hash, grant.token_hash.begin());
  return grant;
}

class SqliteGrants final : public Grants {
 public:
  explicit SqliteGrants(Connection& connection) : connection_(connection) {}

  Result<void> add(const Grant& grant) override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database,
                "INSERT INTO grants (id, name, server, policy, token_hash, created, expires, rotated, revoked) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    auto added = query.bind(grant.id).bind(grant.name).bind(grant.server).bind(grant.policy)
                     .bind(std::span<const std::uint8_t>(grant.token_hash)).bind(grant.created_ms)
                     .bind(grant.expires_ms).bind(grant.rotated_ms).bind(grant.revoked_ms).run();
    if (!added && added.error().kind == ErrorKind::conflict) {
      return fail(ErrorKind::conflict,
                  fmt::format("a grant `{}` exists already; rotate or revoke it, or choose another name", grant.name));
    }
    return added;
  }

  Result<std::optional<Grant>> find(std::string_view id_or_name) override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database,
                "SELECT id, name, server, policy, token_hash, created, expires, rotated, revoked FROM grants "
                "WHERE id = ?1 OR (name = ?1 AND revoked IS NULL) ORDER BY id = ?1 DESC LIMIT 1");
    const auto row = query.bind(id_or_name).step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return std::nullopt;
    return read_grant(query);
  }

  Result<std::vector<Grant>> list() override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database,
                "SELECT id, name, server, policy, token_hash, created, expires, rotated, revoked FROM grants "
                "ORDER BY created, id");
    std::vector<Grant> grants;
    auto row = query.step();
    for (; row && *row; row = query.step()) {
      auto grant = read_grant(query);
      if (!grant) return std::unexpected(grant.error());
      grants.push_back(std::move(*grant));
    }
    if (!row) return std::unexpected(row.error());
    return grants;
  }

  Result<void> put(std::span<const Grant> grants) override {
    const std::scoped_lock lock(connection_.mutex);
    auto transaction = Transaction::begin(*connection_.database);
    if (!transaction) return std::unexpected(transaction.error());
    // A revoked one lets go of its name first.
    for (const bool revoked : {true, false}) {
      for (const Grant& grant : grants) {
        if (grant.revoked_ms.has_value() != revoked) continue;
        if (auto done = put_one(grant); !done) return done;
      }
    }
    return transaction->commit();
  }

  Result<bool> rotate(std::string_view id, const TokenHash& token_hash, std::int64_t now_ms) override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database,
                "UPDATE grants SET token_hash = ?, rotated = max(?, created + 1, coalesce(rotated, 0) + 1) WHERE id = ? AND revoked IS NULL");
    const auto done = query.bind(std::span<const std::uint8_t>(token_hash)).bind(now_ms).bind(id).run();
    if (!done) return std::unexpected(done.error());
    return query.changes() == 1;
  }

  Result<bool> revoke(std::string_view id, std::int64_t now_ms) override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database, "UPDATE grants SET revoked = ? WHERE id = ? AND revoked IS NULL");
    const auto done = query.bind(now_ms).bind(id).run();
    if (!done) return std::unexpected(done.error());
    return query.changes() == 1;
  }

 private:
  Result<void> put_one(const Grant& grant) {
    Query other(*connection_.database, "SELECT 1 FROM grants WHERE name = ? AND revoked IS NULL AND id <> ?");
    const auto taken = other.bind(grant.name).bind(grant.id).step();
    if (!taken) return std::unexpected(taken.error());
    const bool rename = *taken && !grant.revoked_ms;
    const std::string name = rename ? grant.name.substr(0, 55) + "-" + grant.id.substr(grant.id.size() - std::min<std::size_t>(grant.id.size(), 8)) : grant.name;
    Query query(*connection_.database,
                "INSERT INTO grants (id, name, server, policy, token_hash, created, expires, rotated, revoked) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name, server = excluded.server, "
                "policy = excluded.policy, token_hash = excluded.token_hash, created = excluded.created, expires = excluded.expires, "
                "rotated = excluded.rotated, revoked = excluded.revoked "
                // A revocation made here meanwhile stands, whatever came from elsewhere.
                "WHERE grants.revoked IS NULL OR excluded.revoked IS NOT NULL");
    return query.bind(grant.id).bind(name).bind(grant.server).bind(grant.policy)
        .bind(std::span<const std::uint8_t>(grant.token_hash)).bind(grant.created_ms)
        .bind(grant.expires_ms).bind(grant.rotated_ms).bind(grant.revoked_ms).run();
  }

  Connection& connection_;
};

}  // namespace

std::unique_ptr<Grants> sqlite_grants(Connection& connection) { return std::make_unique<SqliteGrants>(connection); }

}  // namespace callgate::store
