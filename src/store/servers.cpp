#include "store/servers.hpp"

#include <fmt/format.h>

#include "store/connection.hpp"

namespace callgate::store {
namespace {

/// Arguments cannot hold NUL, so NUL ends each: empty ones stay apart.
std::string joined(const std::vector<std::string>& command) {
  std::string text;
  for (const std::string& argument : command) text.append(argument).push_back('\0');
  return text;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> command;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\0'); end != std::string::npos; end = text.find('\0', begin)) {
    command.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return command;
}

Server read_server(const Query& query) {
  return {.name = query.text(0),
          .url = query.text(1),
          .command = split(query.text(2)),
          .policy = query.text(3),
          .created_ms = query.number(4),
          .trust_hints = query.number(5) != 0,
          .classes = query.text(6)};
}

class SqliteServers final : public Servers {
 public:
  explicit SqliteServers(Connection& connection) : connection_(connection) {}

  Result<void> add(const Server& server) override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database, "INSERT INTO servers (name, url, command, policy, created, trust_hints, classes) VALUES (?, ?, ?, ?, ?, ?, ?)");
    auto added = query.bind(server.name).bind(server.url).bind(joined(server.command)).bind(server.policy)
                     .bind(server.created_ms).bind(std::int64_t{server.trust_hints}).bind(server.classes).run();
    if (!added && added.error().kind == ErrorKind::conflict) {
      return fail(ErrorKind::conflict,
                  fmt::format("a server `{}` exists already; remove it first, or choose another name", server.name));
    }
    return added;
  }

  Result<std::optional<Server>> find(std::string_view name) override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database, "SELECT name, url, command, policy, created, trust_hints, classes FROM servers WHERE name = ?");
    const auto row = query.bind(name).step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return std::nullopt;
    return read_server(query);
  }

  Result<std::vector<Server>> list() override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database, "SELECT name, url, command, policy, created, trust_hints, classes FROM servers ORDER BY name");
    std::vector<Server> servers;
    auto row = query.step();
    for (; row && *row; row = query.step()) servers.push_back(read_server(query));
    if (!row) return std::unexpected(row.error());
    return servers;
  }

  Result<bool> set_policy(std::string_view name, std::string_view policy) override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database, "UPDATE servers SET policy = ? WHERE name = ?");
    if (const auto done = query.bind(policy).bind(name).run(); !done) return std::unexpected(done.error());
    return query.changes() == 1;
  }

  Result<bool> set_classes(std::string_view name, bool trust_hints, std::string_view classes) override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database, "UPDATE servers SET trust_hints = ?, classes = ? WHERE name = ?");
    if (const auto done = query.bind(std::int64_t{trust_hints}).bind(classes).bind(name).run(); !done) return std::unexpected(done.error());
    return query.changes() == 1;
  }

  Result<bool> remove(std::string_view name, std::int64_t now_ms) override {
    const std::scoped_lock lock(connection_.mutex);
    Database& database = *connection_.database;
    auto transaction = Transaction::begin(database);
    if (!transaction) return std::unexpected(transaction.error());

    Query server(database, "DELETE FROM servers WHERE name = ?");
    if (auto done = server.bind(name).run(); !done) return std::unexpected(done.error());
    if (server.changes() == 0) return false;
    Query pins(database, "DELETE FROM pinned_lists WHERE server = ?");
    if (auto done = pins.bind(name).run(); !done) return std::unexpected(done.error());
    Query answers(database, "DELETE FROM unknown_tool_answers WHERE server = ?");
    if (auto done = answers.bind(name).run(); !done) return std::unexpected(done.error());
    // Also those that are good for others as well: which of them that would leave is for a person to say.
    Query grants(database, "UPDATE grants SET revoked = ? WHERE instr(',' || server || ',', ',' || ? || ',') > 0 AND revoked IS NULL");
    if (auto done = grants.bind(now_ms).bind(name).run(); !done) return std::unexpected(done.error());

    if (auto done = transaction->commit(); !done) return std::unexpected(done.error());
    return true;
  }

 private:
  Connection& connection_;
};

}  // namespace

std::unique_ptr<Servers> sqlite_servers(Connection& connection) { return std::make_unique<SqliteServers>(connection); }

}  // namespace callgate::store
