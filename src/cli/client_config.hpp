#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"
#include "config/environment.hpp"

namespace callgate::cli {

/// The servers that a client's own configuration starts or reaches.
struct ClientServers {
  std::vector<config::Server> servers;
  std::vector<Error> left_out;   ///< they could not be read; `where` names the server
  std::vector<std::string> off;  ///< servers that the client does not use
};

/// Reads `{"mcpServers": {NAME: {command, args, env} | {url, headers}}}` as
/// Claude Desktop, Claude Code and Cursor write it, `{"servers": …}`, also
/// under `mcp`, as VS Code does, `{"context_servers": …}` as Zed does, and the
/// servers of each of Claude Code's `projects`. Comments and commas before a
/// closing bracket are passed over. `${NAME}` and `${env:NAME}` are filled in
/// from the environment; a server that asks the client for an input is left
/// out, and so is what stands under one of these names and is no object. One that stands there twice is read once; another of the same name
/// gets a number behind it.
/// Errors: `malformed`, `invalid`.
Result<ClientServers> read_client_config(std::string_view text, const config::Environment& environment);

}  // namespace callgate::cli
