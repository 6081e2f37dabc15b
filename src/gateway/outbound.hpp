#pragma once

#include <span>
#include <string>

#include "mcp/headers.hpp"
#include "mcp/message.hpp"

namespace callgate::gateway {

/// The headers that mirror a modern body, as ready lines.
inline std::string mirrored_lines(const mcp::Message& message, mcp::Revision revision, std::span<const mcp::ParamHeader> params) {
  std::string lines;
  for (const mcp::OwnedHeader& header : mcp::mirrored_headers(message, revision, params)) {
    lines += header.name;
    lines += ": ";
    lines += header.value;
    lines += "\r\n";
  }
  return lines;
}

}  // namespace callgate::gateway
