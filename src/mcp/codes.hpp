#pragma once

/// The codes of JSON-RPC errors that this version writes. −32020…−32099 belong
/// to the specification of 2026-07-28; our own lie outside −32768…−32000.
namespace callgate::mcp::code {

inline constexpr int parse_error = -32700;       ///< JSON-RPC 2.0 section 5.1, and the next four
inline constexpr int invalid_request = -32600;
inline constexpr int method_not_found = -32601;
inline constexpr int invalid_params = -32602;
inline constexpr int internal_error = -32603;

inline constexpr int session_not_found = -32001;          ///< custom of the SDKs, with HTTP 404
inline constexpr int resource_not_found_legacy = -32002;  ///< invalid_params on 2026-07-28

inline constexpr int header_mismatch = -32020;            ///< 2026-07-28, basic/transports/streamable-http
inline constexpr int missing_capability = -32021;
inline constexpr int unsupported_version = -32022;
inline constexpr int url_elicitation_required = -32042;   ///< 2025-11-25 only

inline constexpr int denied = 1001;            ///< a method that is no tool call was refused
inline constexpr int limit_reached = 1002;
inline constexpr int approval_needed = 1003;
inline constexpr int undecided = 1004;         ///< the decision could not be made

}  // namespace callgate::mcp::code
