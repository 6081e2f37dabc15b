#pragma once

#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "mcp/message.hpp"
#include "mcp/text.hpp"

/// A `tools/call` in the one shape that is forwarded (server/tools, "Calling
/// Tools"): a name, and arguments that are absent or an object. Pure; any thread.
namespace callgate::mcp {

inline constexpr std::size_t max_tool_name_bytes = 128;

/// What a request says about itself in `_meta`. Values that are absent are empty.
struct RequestMeta {
  std::string_view progress_token;  ///< as written, quotes included
  /// 2026-07-28, basic/index "Request metadata":
  bool has_protocol_version = false;
  Text protocol_version;
  json::Value client_capabilities;  ///< an object
  json::Value client_info;          ///< an object; unverified, never for decisions
};

/// Errors: `invalid` where a known member has the wrong type.
Result<RequestMeta> read_request_meta(const Message& message);

/// One call of a tool. Points into the message's bytes.
struct ToolCall {
  Text name;  ///< decoded, 1–128 bytes; compared byte for byte
  std::optional<json::Value> arguments;  ///< an object; nothing where absent
  RequestMeta meta;
};

/// Pre: `message.method_id` is tools_call. A call without id (a notification) is
/// read as well, so that its refusal can be recorded; it must not be forwarded.
Result<ToolCall> read_tool_call(const Message& message);

}  // namespace callgate::mcp
