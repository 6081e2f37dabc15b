#pragma once

#include <string>

#include "mcp/message.hpp"

/// The answer to server/discover (2026-07-28): what a server says of itself, and
/// the same answer without what a caller cannot use or may not see. Pure; any thread.
namespace callgate::mcp {

/// What is left out of one caller's answer.
struct HiddenOfServer {
  bool tools = false;         ///< every tool
  bool prompts = false;
  bool resources = false;
  bool instructions = false;
  bool depends_on_caller = false;  ///< nobody else may keep it
};

/// Whether the gateway carries what the extension needs: no method of any other
/// is on its allow-list, so it is not advertised (protocol item 16).
bool is_carried_extension(std::string_view name);

/// The text of `instructions`, decoded; empty where there are none.
std::string instructions_of(const Message& discovered);

/// The answer that is shown; byte for byte the server's where nothing is left out.
/// Unknown members stay.
std::string shown_discovery(const Message& discovered, const HiddenOfServer& hidden);

}  // namespace callgate::mcp
