#include "config/config.hpp"

#include <algorithm>

#include "base/credentials.hpp"

namespace callgate::config {

std::string Server::address() const { return url.empty() ? shown_command(command) : shown_address(url); }

std::string Server::exact_address() const { return url.empty() ? command_text(command) : url; }

std::vector<Secret> Server::secrets() const {
  std::vector<Secret> found;
  for (const auto* each : {&env, &headers}) {
    for (const auto& [key, value] : *each) found.push_back(value);
  }
  for (const Masked& argument : mask_arguments(command)) {
    for (const std::string& hidden : argument.hidden) {
      found.emplace_back(hidden);
      if (const std::size_t colon = hidden.find(':'); colon != std::string::npos) found.emplace_back(hidden.substr(colon + 1));
    }
  }
  return found;
}

const Server* Config::find_server(std::string_view name) const {
  const auto found = std::ranges::find(servers, name, &Server::name);
  return found == servers.end() ? nullptr : &*found;
}

}  // namespace callgate::config
