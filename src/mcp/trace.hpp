#pragma once

#include <string_view>

#include "mcp/message.hpp"

/// Which trace a message belongs to (SEP-414: `traceparent` in `_meta`; W3C Trace
/// Context, section 3.2). It is passed on as it came. Pure; any thread.
namespace callgate::mcp {

/// The trace-id of a `traceparent`, 32 lower-case hexadecimal digits; empty where
/// the text is none, or one that stands for no trace.
std::string_view trace_id(std::string_view traceparent);

/// Of the message itself; empty where it names none.
std::string_view trace_id(const Message& message);

}  // namespace callgate::mcp
