#include "cli/kept_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "config/address.hpp"
#include "registry/difference.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::cli {
namespace {

std::unexpected<Error> not_pinned(const std::filesystem::path& data, const std::string& server) {
  return fail(ErrorKind::unavailable,
              fmt::format("no tools of a server `{}` are pinned in `{}`; start a gateway before it once, or save its list of tools and give "
                          "it by `--tools FILE`",
                          server, data.string()));
}

/// Pre: something is pinned.
std::int64_t pinned_at(const store::PinnedList& list) {
  return std::ranges::max(list.pinned, {}, &store::Definition::time_ms).time_ms;
}

}  // namespace

Result<ServerList> kept_list(const std::filesystem::path& data, const std::string& server) {
  std::error_code problem;
  // Opening would make the folder.
  if (!std::filesystem::exists(data / "callgate.db", problem)) return not_pinned(data, server);
  const auto store = store::open(data, {.busy = std::chrono::seconds(5)});
  if (!store) return std::unexpected(store.error());
  auto chosen = newest_pinned(**store, server);
  if (!chosen) return std::unexpected(chosen.error());
  if (!*chosen) return not_pinned(data, server);
  return std::move(**chosen);
}

Result<std::optional<ServerList>> newest_pinned(store::Store& store, const std::string& server, std::string_view address) {
  auto keys = store.pins().lists(server);
  if (!keys) return std::unexpected(keys.error());
  std::ranges::sort(*keys, {}, &store::ListKey::era);  // `legacy` before `modern`
  std::optional<ServerList> chosen;
  for (const store::ListKey& key : *keys) {
    if (!address.empty() && config::shown_address(key.address) != address) continue;
    auto list = store.pins().find(key);
    if (!list) return std::unexpected(list.error());
    if (!*list || (*list)->pinned.empty()) continue;
    if (!chosen || pinned_at(**list) > pinned_at(chosen->list)) chosen = ServerList{key, std::move(**list)};
  }
  return chosen;
}

Result<ClassRules> registered_rules(const std::filesystem::path& data, const std::string& server) {
  const auto store = store::open(data, {.busy = std::chrono::seconds(5)});
  if (!store) return std::unexpected(store.error());
  const auto found = (*store)->servers().find(server);
  if (!found) return std::unexpected(found.error());
  return *found ? ClassRules::of(**found) : ClassRules{};
}

Result<std::filesystem::path> registered_policy(const std::filesystem::path& data, const std::string& server) {
  const auto store = store::open(data, {.busy = std::chrono::seconds(5)});
  if (!store) return std::unexpected(store.error());
  const auto found = (*store)->servers().find(server);
  if (!found) return std::unexpected(found.error());
  return *found ? std::filesystem::path((*found)->policy) : std::filesystem::path();
}

namespace {

/// Pinned ones as the store has them, then the new ones.
std::vector<ToolRow> rows_of(const ServerList& list) {
  std::vector<ToolRow> rows = tool_rows(list);
  std::ranges::sort(rows, {}, [](const ToolRow& row) { return std::pair(row.pinned == nullptr, row.name); });
  return rows;
}

std::string date_of(std::int64_t wall_ms) { return utc_text(wall_ms).substr(0, 10); }

std::string difference_of(const store::Definition& pinned, const store::Definition& offered) {
  const auto before = json::OwnedDocument::parse(pinned.text, registry::definition_limits);
  const auto now = json::OwnedDocument::parse(offered.text, registry::definition_limits);
  return before && now ? registry::difference((*before)->root(), (*now)->root()) : std::string();
}

catalogue::KeptFacts facts_of_row(const ToolRow& row) {
  using State = catalogue::KeptFacts::State;
  catalogue::KeptFacts facts{.state = row.pinned == nullptr ? State::unpinned : row.offered != nullptr ? State::quarantined : State::pinned};
  if (row.pinned != nullptr) facts.pinned_on = date_of(row.pinned->time_ms);
  if (row.offered != nullptr) facts.offered_on = date_of(row.offered->time_ms);
  if (facts.state == State::quarantined) facts.difference = difference_of(*row.pinned, *row.offered);
  return facts;
}

}  // namespace

std::string pinned_array(const ServerList& list) {
  std::string text = "[";
  for (const store::Definition& each : list.list.pinned) text += (text.size() == 1 ? "" : ",") + each.text;
  return text + "]";
}

std::string array_with_new(const ServerList& list) {
  std::string text = "[";
  for (const ToolRow& row : rows_of(list)) text += (text.size() == 1 ? "" : ",") + (row.pinned != nullptr ? row.pinned : row.offered)->text;
  return text + "]";
}

std::vector<catalogue::KeptFacts> kept_facts(const ServerList& list) {
  std::vector<catalogue::KeptFacts> facts;
  for (const ToolRow& row : rows_of(list)) facts.push_back(facts_of_row(row));
  return facts;
}

}  // namespace callgate::cli
