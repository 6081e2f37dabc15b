#pragma once

#include <optional>
#include <string>

#include "base/json.hpp"
#include "mcp/message.hpp"

namespace callgate::mcp {

/// A message that the gateway put together, and what it reads as. Keeps its memory
/// from one message to the next. Stays where it is, since the message points into it.
struct Written {
  Written() = default;
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;

  /// Reads what stands in `bytes`, as the reader of messages of clients does.
  Result<void> read() {
    auto made = read_message(bytes, document, Direction::from_client);
    if (!made) return std::unexpected(std::move(made.error()));
    message = std::move(*made);
    return {};
  }
  /// The same where `document` holds what `bytes` read as.
  Result<void> take_parsed() {
    auto made = read_parsed(document);
    if (!made) return std::unexpected(std::move(made.error()));
    message = std::move(*made);
    return {};
  }

  std::string bytes;
  json::Document document;
  Message message;
};

}  // namespace callgate::mcp
