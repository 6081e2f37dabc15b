#include "store/answers.hpp"

#include "store/connection.hpp"

namespace callgate::store {
namespace {

class SqliteAnswers final : public Answers {
 public:
  explicit SqliteAnswers(Connection& connection) : connection_(connection) {}

  Result<std::optional<UnknownToolAnswer>> find(const ListKey& key) override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database,
                "SELECT text, runs_any FROM unknown_tool_answers WHERE server = ? AND address = ? AND era = ?");
    const auto row = query.bind(key.server).bind(key.address).bind(key.era).step();
    if (!row) return std::unexpected(row.error());
    if (!*row) return std::nullopt;
    return UnknownToolAnswer{.text = query.text(0), .runs_any = query.number(1) != 0};
  }

  Result<void> put(const ListKey& key, const UnknownToolAnswer& answer) override {
    const std::scoped_lock lock(connection_.mutex);
    Query query(*connection_.database,
                "INSERT OR REPLACE INTO unknown_tool_answers (server, address, era, text, runs_any) VALUES (?, ?, ?, ?, ?)");
    return query.bind(key.server).bind(key.address).bind(key.era).bind(answer.text)
        .bind(std::int64_t{answer.runs_any ? 1 : 0}).run();
  }

 private:
  Connection& connection_;
};

}  // namespace

std::unique_ptr<Answers> sqlite_answers(Connection& connection) { return std::make_unique<SqliteAnswers>(connection); }

}  // namespace callgate::store
