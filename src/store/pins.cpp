#include "store/pins.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "store/connection.hpp"

namespace callgate::store {
namespace {

enum class Part : std::int64_t { pinned = 0, offered = 1 };

Result<std::optional<std::int64_t>> list_id(Database& database, const ListKey& key) {
  Query query(database, "SELECT id FROM pinned_lists WHERE server = ? AND address = ? AND era = ?");
  const auto row = query.bind(key.server).bind(key.address).bind(key.era).step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return std::nullopt;
  return query.number(0);
}

/// `first_ms`: when it came, of a first list; 0 of any other.
Result<std::int64_t> make_list(Database& database, const ListKey& key, std::int64_t first_ms) {
  Query query(database, "INSERT INTO pinned_lists (server, address, era, first) VALUES (?, ?, ?, ?) RETURNING id");
  const auto row = query.bind(key.server).bind(key.address).bind(key.era).bind(first_ms).step();
  if (!row) return std::unexpected(row.error());
  return query.number(0);
}

Result<std::int64_t> find_or_make_list(Database& database, const ListKey& key) {
  const auto known = list_id(database, key);
  if (!known) return std::unexpected(known.error());
  return *known ? Result<std::int64_t>(**known) : make_list(database, key, 0);
}

/// Whether a list stands at the address beside which no further era may have a first one now.
Result<bool> is_closed(Database& database, const ListKey& key, std::int64_t now_ms) {
  // A first time that is still to come is that of a clock that was set back.
  Query query(database, "SELECT 1 FROM pinned_lists WHERE server = ?1 AND address = ?2 AND (first = 0 OR first <= ?3 OR first > ?4) LIMIT 1");
  return query.bind(key.server).bind(key.address).bind(now_ms - first_lists_within_ms).bind(now_ms).step();
}

/// From now on no further era has a first list at the address.
Result<void> end_first_lists(Database& database, const ListKey& key) {
  Query query(database, "UPDATE pinned_lists SET first = 0 WHERE server = ? AND address = ?");
  return query.bind(key.server).bind(key.address).run();
}

/// The names that are pinned at the address, whatever the era.
Result<std::set<std::string, std::less<>>> pinned_names(Database& database, const ListKey& key) {
  Query query(database, "SELECT d.tool FROM definitions d JOIN pinned_lists l ON l.id = d.list WHERE l.server = ? AND l.address = ? AND d.offered = 0");
  query.bind(key.server).bind(key.address);
  std::set<std::string, std::less<>> names;
  auto row = query.step();
  for (; row && *row; row = query.step()) names.insert(query.text(0));
  if (!row) return std::unexpected(row.error());
  return names;
}

Result<std::vector<LeftOut>> read_left_out(Database& database, std::int64_t list) {
  Query query(database, "SELECT tool, why FROM left_out WHERE list = ? ORDER BY place");
  query.bind(list);
  std::vector<LeftOut> found;
  auto row = query.step();
  for (; row && *row; row = query.step()) found.push_back({query.text(0), query.text(1)});
  if (!row) return std::unexpected(row.error());
  return found;
}

Result<PinnedList> read_list(Database& database, std::int64_t list) {
  Query query(database, "SELECT offered, tool, fingerprint, text, time FROM definitions WHERE list = ? ORDER BY offered, tool");
  query.bind(list);
  PinnedList found;
  auto row = query.step();
  for (; row && *row; row = query.step()) {
    auto& part = query.number(0) == static_cast<std::int64_t>(Part::pinned) ? found.pinned : found.offered;
    part.push_back({query.text(1), query.text(2), query.text(3), query.number(4)});
  }
  if (!row) return std::unexpected(row.error());
  auto left_out = read_left_out(database, list);
  if (!left_out) return std::unexpected(left_out.error());
  found.left_out = std::move(*left_out);
  return found;
}

Result<void> clear(Database& database, std::int64_t list, Part part) {
  Query query(database, "DELETE FROM definitions WHERE list = ? AND offered = ?");
  return query.bind(list).bind(static_cast<std::int64_t>(part)).run();
}

Result<void> write(Database& database, std::int64_t list, Part part, std::span<const Definition> definitions) {
  for (const Definition& each : definitions) {
    Query query(database,
                "INSERT OR REPLACE INTO definitions (list, offered, tool, fingerprint, text, time) VALUES (?, ?, ?, ?, ?, ?)");
    const auto done = query.bind(list).bind(static_cast<std::int64_t>(part)).bind(each.tool).bind(each.fingerprint)
                          .bind(each.text).bind(each.time_ms).run();
    if (!done) return done;
  }
  return {};
}

/// Same tools with the same fingerprints, whatever the order and the times. Texts may be long, so they stay where they are.
Result<bool> is_stored(Database& database, std::int64_t list, Part part, std::span<const Definition> given) {
  std::map<std::string_view, std::string_view> wanted;
  for (const Definition& each : given) wanted.emplace(each.tool, each.fingerprint);
  Query query(database, "SELECT tool, fingerprint FROM definitions WHERE list = ? AND offered = ?");
  query.bind(list).bind(static_cast<std::int64_t>(part));
  std::size_t found = 0;
  auto row = query.step();
  for (; row && *row; row = query.step()) {
    const auto same = wanted.find(query.text(0));
    if (same == wanted.end() || same->second != query.text(1)) return false;
    ++found;
  }
  if (!row) return std::unexpected(row.error());
  return found == wanted.size();
}

/// Newest list first.
Result<std::vector<std::string>> addresses(Database& database, std::string_view server) {
  Query query(database, "SELECT address FROM pinned_lists WHERE server = ? GROUP BY address ORDER BY max(id) DESC");
  query.bind(server);
  std::vector<std::string> found;
  auto row = query.step();
  for (; row && *row; row = query.step()) found.push_back(query.text(0));
  if (!row) return std::unexpected(row.error());
  return found;
}

/// What stands at the new address already stays; the rest of the old one goes.
Result<void> rename(Database& database, std::string_view server, std::string_view address, std::string_view now) {
  for (const char* const statement :
       {"UPDATE OR IGNORE pinned_lists SET address = ?3 WHERE server = ?1 AND address = ?2",
        "UPDATE OR IGNORE unknown_tool_answers SET address = ?3 WHERE server = ?1 AND address = ?2"}) {
    Query query(database, statement);
    if (auto done = query.bind(server).bind(address).bind(now).run(); !done) return done;
  }
  for (const char* const statement : {"DELETE FROM pinned_lists WHERE server = ?1 AND address = ?2",
                                      "DELETE FROM unknown_tool_answers WHERE server = ?1 AND address = ?2"}) {
    Query query(database, statement);
    if (auto done = query.bind(server).bind(address).run(); !done) return done;
  }
  return {};
}

class SqlitePins final : public Pins {
 public:
  explicit SqlitePins(Connection& connection) : connection_(connection) {}

  Result<std::optional<PinnedList>> find(const ListKey& key) override {
    const std::scoped_lock lock(connection_.mutex);
    return find_locked(key);
  }

  Result<std::vector<ListKey>> lists(std::string_view server) override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database, "SELECT server, address, era FROM pinned_lists WHERE server = ? ORDER BY id");
    query.bind(server);
    std::vector<ListKey> keys;
    auto row = query.step();
    for (; row && *row; row = query.step()) keys.push_back({query.text(0), query.text(1), query.text(2)});
    if (!row) return std::unexpected(row.error());
    return keys;
  }

  Result<PinnedList> pin_first(const ListKey& key, std::span<const Definition> definitions, std::int64_t now_ms) override {
    const std::scoped_lock lock(connection_.mutex);
    Database& database = *connection_.database;
    auto transaction = Transaction::begin(database);
    if (!transaction) return std::unexpected(transaction.error());
    auto known = find_locked(key);
    if (!known) return std::unexpected(known.error());
    if (*known) return std::move(**known);
    const auto closed = is_closed(database, key, now_ms);
    if (!closed) return std::unexpected(closed.error());
    if (*closed) return PinnedList{};

    const auto held = pinned_names(database, key);
    if (!held) return std::unexpected(held.error());
    std::vector<Definition> first(definitions.begin(), definitions.end());
    std::erase_if(first, [&](const Definition& each) { return held->contains(each.tool); });
    const auto list = make_list(database, key, now_ms);
    if (!list) return std::unexpected(list.error());
    if (auto done = write(database, *list, Part::pinned, first); !done) return std::unexpected(done.error());
    auto stored = read_list(database, *list);
    if (auto done = transaction->commit(); !done) return std::unexpected(done.error());
    return stored;
  }

  Result<void> offer(const ListKey& key, std::span<const Definition> definitions) override {
    return put_part(key, Part::offered, definitions);
  }

  Result<void> leave_out(const ListKey& key, std::span<const LeftOut> tools) override {
    const std::scoped_lock lock(connection_.mutex);
    Database& database = *connection_.database;
    const auto known = list_id(database, key);
    if (!known) return std::unexpected(known.error());
    const auto stands = *known ? read_left_out(database, **known) : Result<std::vector<LeftOut>>();
    if (!stands) return std::unexpected(stands.error());
    if (std::ranges::equal(*stands, tools)) return {};
    auto transaction = Transaction::begin(database);
    if (!transaction) return std::unexpected(transaction.error());
    const auto list = find_or_make_list(database, key);
    if (!list) return std::unexpected(list.error());
    {
      Query query(database, "DELETE FROM left_out WHERE list = ?");
      if (auto done = query.bind(*list).run(); !done) return done;
    }
    std::int64_t place = 0;
    for (const LeftOut& each : tools) {
      Query query(database, "INSERT INTO left_out (list, place, tool, why) VALUES (?, ?, ?, ?)");
      if (auto done = query.bind(*list).bind(place++).bind(each.tool).bind(each.why).run(); !done) return done;
    }
    return transaction->commit();
  }

  Result<void> accept(const ListKey& key, std::span<const Definition> definitions) override {
    const std::scoped_lock lock(connection_.mutex);
    Database& database = *connection_.database;
    auto transaction = Transaction::begin(database);
    if (!transaction) return std::unexpected(transaction.error());
    const auto list = find_or_make_list(database, key);
    if (!list) return std::unexpected(list.error());
    if (auto done = write(database, *list, Part::pinned, definitions); !done) return done;
    for (const Definition& each : definitions) {
      Query query(database, "DELETE FROM definitions WHERE list = ? AND offered = 1 AND tool = ?");
      if (auto done = query.bind(*list).bind(each.tool).run(); !done) return done;
    }
    return transaction->commit();
  }

  Result<void> replace(const ListKey& key, std::span<const Definition> definitions) override {
    return put_part(key, Part::pinned, definitions);
  }

  Result<void> readdress(std::string_view server, const std::function<std::string(std::string_view)>& now) override {
    const std::scoped_lock lock(connection_.mutex);
    Database& database = *connection_.database;
    const auto before = addresses(database, server);
    if (!before) return std::unexpected(before.error());
    if (std::ranges::all_of(*before, [&](const std::string& address) { return now(address) == address; })) return {};
    auto transaction = Transaction::begin(database);
    if (!transaction) return std::unexpected(transaction.error());
    for (const std::string& address : *before) {
      const std::string shown = now(address);
      if (shown == address) continue;
      if (auto done = rename(database, server, address, shown); !done) return done;
    }
    return transaction->commit();
  }

 private:
  Result<std::optional<PinnedList>> find_locked(const ListKey& key) {
    const auto list = list_id(*connection_.database, key);
    if (!list) return std::unexpected(list.error());
    if (!*list) return std::nullopt;
    return read_list(*connection_.database, **list);
  }

  Result<void> put_part(const ListKey& key, Part part, std::span<const Definition> definitions) {
    const std::scoped_lock lock(connection_.mutex);
    Database& database = *connection_.database;
    const auto known = list_id(database, key);
    if (!known) return std::unexpected(known.error());
    const auto stands = *known ? is_stored(database, **known, part, definitions) : Result<bool>(false);
    if (!stands) return std::unexpected(stands.error());
    if (*stands) return {};

    auto transaction = Transaction::begin(database);
    if (!transaction) return std::unexpected(transaction.error());
    const auto list = find_or_make_list(database, key);
    if (!list) return std::unexpected(list.error());
    if (auto done = clear(database, *list, part); !done) return done;
    if (auto done = write(database, *list, part, definitions); !done) return done;
    if (part == Part::offered && !definitions.empty()) {
      if (auto done = end_first_lists(database, key); !done) return done;
    }
    return transaction->commit();
  }

  Connection& connection_;
};

}  // namespace

std::unique_ptr<Pins> sqlite_pins(Connection& connection) { return std::make_unique<SqlitePins>(connection); }

}  // namespace callgate::store
