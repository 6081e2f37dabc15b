#include "config/config.hpp"

#include <algorithm>

namespace callgate::config {

std::string Server::address() const { return url.empty() ? command_text(command) : url; }

const Server* Config::find_server(std::string_view name) const {
  const auto found = std::ranges::find(servers, name, &Server::name);
  return found == servers.end() ? nullptr : &*found;
}

}  // namespace callgate::config
