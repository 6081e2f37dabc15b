#pragma once

#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "mcp/text.hpp"

/// Readers of single members, shared by the message and the typed calls.
/// Errors are `invalid`, name the member and where it stands. Pure; any thread.
namespace callgate::mcp {

/// Whether the value can serve as id, request id or progress token: a string or
/// an integer literal, at most `max_id_bytes` as written without quotes.
bool is_token(json::Value value);

/// A string without NUL. `what` names the member in the error text.
Result<Text> read_string(json::Value value, std::string_view what);

/// A string without NUL that is there, not empty and at most `max_bytes` when decoded.
Result<Text> read_name(json::Value object, std::string_view key, std::size_t max_bytes);

/// The member `key` of an object, which must be an object where it is there;
/// empty where it is absent.
Result<json::Value> read_object(json::Value object, std::string_view key);

/// The same for a member that must be there.
Result<json::Value> read_required_object(json::Value object, std::string_view key);

/// The error "`what` …" at a value.
std::unexpected<Error> refuse_value(std::string_view what, std::string_view complaint, json::Value at);

}  // namespace callgate::mcp
