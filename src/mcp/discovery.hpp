#pragma once

#include <optional>
#include <string>
#include <string_view>

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

/// What a server says that it has, with the word that its clients will hear when a
/// list is another one: they do of the gateway, whose policies and pins change lists
/// too (protocol item 49). Every other byte stays; nothing where nothing is added.
/// Pre: `answer` is one to `initialize`.
std::optional<std::string> with_list_changed(const Message& answer);

/// The same of one member of `capabilities`.
std::string with_list_changed(std::string_view capability, json::Value value);

}  // namespace callgate::mcp
