#pragma once

#include <string>

#include "mcp/trace.hpp"
#include "net/http1.hpp"

namespace callgate::gateway {

/// The trace that a request's own head names (`traceparent`, W3C Trace Context), as of
/// clients that trace HTTP itself; empty where it names none.
inline std::string trace_of(const net::RequestHead& head) {
  constexpr std::string_view name = "traceparent";
  for (const net::Header& header : head.headers.all()) {
    if (header.name.size() == name.size() && net::same_name(header.name, name)) return std::string(mcp::trace_id(header.value));
  }
  return {};
}

}  // namespace callgate::gateway
