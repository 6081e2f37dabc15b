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
  std::vector<Error> left_out;  ///< `where` names the server
};

/// Reads `{"mcpServers": {NAME: {command, args, env} | {url, headers}}}` as
/// Claude Desktop, Claude Code and Cursor write it, and `{"servers": …}`, also
/// under `mcp`, as VS Code does. Comments are passed over. `${NAME}` and
/// `${env:NAME}` are filled in from the environment; a server that asks the
/// client for an input, or is turned off, is left out with a word.
/// Errors: `malformed`, `invalid`.
Result<ClientServers> read_client_config(std::string_view text, const config::Environment& environment);

}  // namespace callgate::cli
