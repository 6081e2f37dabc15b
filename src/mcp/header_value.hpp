#pragma once

#include <optional>
#include <string>
#include <string_view>

/// The form that a member of the body takes in a mirrored header (2026-07-28,
/// basic/transports/streamable-http "Value Encoding"): plain where it is safe
/// ASCII, else `=?base64?…?=` of its UTF-8. Pure; any thread.
namespace callgate::mcp {

std::string encode_header_value(std::string_view text);
void append_header_value(std::string& out, std::string_view text);

/// The text that a header value stands for; nothing where it holds bytes beyond
/// visible ASCII, space and tab, or a base64 form that is not canonical.
std::optional<std::string> decode_header_value(std::string_view value);

}  // namespace callgate::mcp
