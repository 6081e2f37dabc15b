#include "store/grant_servers.hpp"

#include <algorithm>

namespace callgate::store {

std::vector<std::string_view> servers_of(std::string_view servers) {
  std::vector<std::string_view> names;
  for (;;) {
    const std::size_t comma = servers.find(',');
    names.push_back(servers.substr(0, comma));
    if (comma == std::string_view::npos) return names;
    servers.remove_prefix(comma + 1);
  }
}

bool names_server(std::string_view servers, std::string_view server) {
  const std::vector<std::string_view> names = servers_of(servers);
  return std::ranges::find(names, server) != names.end();
}

}  // namespace callgate::store
