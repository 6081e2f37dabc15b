#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/message.hpp"
#include "mcp/param_headers.hpp"
#include "mcp/tool_call.hpp"

/// Headers that mirror the body (2026-07-28, basic/transports/streamable-http
/// "Request Metadata"). The body decides; a header that says something else is
/// refused in every era, so that nothing between client and server can be told
/// another story. Pure; any thread.
namespace callgate::mcp {

struct Header {
  std::string_view name;
  std::string_view value;  ///< without white space around it
};

struct OwnedHeader {
  std::string name;
  std::string value;
};

/// Why a request is refused before it is decided: HTTP 400 with this error.
struct HeaderFault {
  int code = 0;
  std::string message;
  std::string data;  ///< JSON text, or empty
};

/// The era of one HTTP request: modern where its `_meta` has a protocolVersion
/// or its header names a modern revision. `initialize` without that `_meta`
/// opens a legacy session whatever the header says.
Era era_of(std::span<const Header> headers, const Message& message, const RequestMeta& meta);

/// The value of a header by its name without regard to case; the first one.
std::optional<std::string_view> find_header(std::span<const Header> headers, std::string_view name);

/// Compares MCP-Protocol-Version, Mcp-Method, Mcp-Name and Mcp-Param-* with the
/// body, each refused where it stands twice. In the modern era they and the
/// `_meta` of a request must be there and the version must be one of `supported`.
/// `params` are those of the called tool. Mcp-Param-* that no schema names pass.
std::optional<HeaderFault> check_headers(std::span<const Header> headers, const Message& message,
                                         const RequestMeta& meta, Era era, std::span<const Revision> supported,
                                         std::span<const ParamHeader> params = {});

/// The checks of the modern era that hold without headers, on stdio: complete
/// `_meta`, a supported version.
std::optional<HeaderFault> check_modern_meta(const Message& message, const RequestMeta& meta,
                                             std::span<const Revision> supported);

/// −32022 with what is supported, the revisions with a handshake and those of `modern`,
/// and what was asked for.
HeaderFault unsupported_version(std::span<const Revision> modern, std::string_view requested);

/// The headers to send with a modern request, made from its final body.
std::vector<OwnedHeader> mirrored_headers(const Message& message, Revision revision,
                                          std::span<const ParamHeader> params = {});

/// The same as ready lines, each with its CRLF.
std::string mirrored_lines(const Message& message, Revision revision, std::span<const ParamHeader> params = {});

}  // namespace callgate::mcp
