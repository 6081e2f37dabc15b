#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mcp/message.hpp"

/// Errors of servers in the gateway's own codes (codes.hpp): a program would take such a
/// one for a refusal of the gate, and its `data` for a link to approve by. Pure; any thread.
namespace callgate::mcp {

/// The error that a message is about: its own, or that of a task (`result.error`,
/// `params.error`). Null where there is none.
json::Value error_of(const Message& message);

/// The code of that error as clients read it, which take numbers for doubles: however it is
/// written (1003.0, 1.003e3), and whatever a double does not hold of it. Nothing where that is no whole number.
std::optional<std::int64_t> error_code_of(const Message& message);

/// Whether the gateway alone says this code.
bool is_own_code(std::int64_t code);

/// Whether a message of a server says such a code.
bool says_own_code(const Message& message);

/// The same message with that error as one of the server: −32603, its words, and what the
/// server said in `data.server_code` and `data.server_data`. Pre: says_own_code(message).
std::string with_servers_code(const Message& message);

}  // namespace callgate::mcp
