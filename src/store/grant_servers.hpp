#pragma once

#include <string_view>
#include <vector>

namespace callgate::store {

/// A grant may be good for several servers: their names stand in its `server`,
/// separated by commas, which no server's name holds. Pure; any thread.
std::vector<std::string_view> servers_of(std::string_view servers);

/// Whether that server is one of them.
bool names_server(std::string_view servers, std::string_view server);

}  // namespace callgate::store
