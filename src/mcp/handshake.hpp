#pragma once

#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "mcp/message.hpp"
#include "mcp/methods.hpp"
#include "mcp/text.hpp"

/// The opening of a legacy session and its modern counterpart (basic/lifecycle;
/// server/discover of 2026-07-28). Pure; any thread.
namespace callgate::mcp {

/// What a client can do when it is asked by a server.
struct ClientCapabilities {
  bool roots = false;
  bool sampling = false;
  bool form_elicitation = false;  ///< `elicitation` without members means form (2025-06-18)
  bool url_elicitation = false;   ///< since 2025-11-25
  bool tasks = false;             ///< the extension `io.modelcontextprotocol/tasks`
};
/// Anything but an object gives none.
ClientCapabilities read_client_capabilities(json::Value capabilities);
/// The same for JSON text that was read before.
ClientCapabilities read_capabilities_text(std::string_view text);

/// The client's `initialize`.
struct Initialize {
  Text protocol_version;
  json::Value capabilities;  ///< an object
  json::Value client_info;   ///< an object, or empty; unverified
};
Result<Initialize> read_initialize(const Message& message);

/// The server's answer to `initialize`. Pre: `message` is a response with a result.
struct Initialized {
  Text protocol_version;
  json::Value capabilities;  ///< an object
  json::Value server_info;   ///< an object, or empty
};
Result<Initialized> read_initialized(const Message& message);

/// Whether the server says it has `tools`, `prompts`, … at all.
bool has_capability(json::Value capabilities, std::string_view name);
/// Whether it says that it tells its clients what changes.
bool tells_of_changes(json::Value capabilities);

/// The answer to `server/discover`: the newest modern revision that it and this
/// version know, or nothing.
std::optional<Revision> read_discovered(const Message& message);

}  // namespace callgate::mcp
