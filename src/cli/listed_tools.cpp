#include "cli/listed_tools.hpp"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "base/json.hpp"

namespace callgate::cli {

std::optional<policy::ToolList> listed_tools(const config::Config& config, store::Store& store, const std::filesystem::path& policy) {
  std::set<std::string> servers;
  for (const config::Server& server : config.servers) {
    if (server.policy == policy) servers.insert(server.name);
  }
  if (const auto grants = store.grants().list()) {
    for (const store::Grant& grant : *grants) {
      if (grant.policy == policy && !grant.revoked_ms) servers.insert(grant.server);
    }
  }
  std::set<std::string> names;
  for (const std::string& name : servers) {
    const config::Server* server = config.find_server(name);
    const auto keys = store.pins().lists(name);
    if (server == nullptr || !keys) continue;
    for (const store::ListKey& key : *keys) {
      if (config::shown_address(key.address) != server->address()) continue;
      const auto list = store.pins().find(key);
      if (!list || !*list) continue;
      for (const store::Definition& pinned : (*list)->pinned) names.insert(pinned.tool);
    }
  }
  if (names.empty()) return std::nullopt;
  // Their names are all that is needed: the schemas are compiled where calls are judged.
  std::string list;
  for (const std::string& name : names) list += fmt::format(R"({}{{"name":{}}})", list.empty() ? "" : ",", json::quoted(name));
  auto tools = policy::ToolList::parse(fmt::format(R"({{"tools":[{}]}})", list));
  if (!tools) return std::nullopt;
  return std::move(*tools);
}

}  // namespace callgate::cli
