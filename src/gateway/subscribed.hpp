#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mcp/message.hpp"
#include "mcp/requests.hpp"

namespace callgate::gateway {

/// What a subscription of a stateless client may bring: what its client asked for,
/// as far as it was let (protocol items 32, 74, 75). Its server is not believed to
/// keep to that. Threads: the loop's.
struct Subscribed {
  /// `request`, as its client wrote it, outlives this.
  explicit Subscribed(const mcp::Message& request);
  /// The request as it goes to the server, which may have been cut.
  void goes_as(const mcp::Message& request);

  /// Whether the notification belongs to it.
  bool may_bring(const mcp::Message& notification) const;
  /// What takes the place of an acknowledgement that says more than was asked for;
  /// nothing: it says no more. Pre: it was read in whole.
  std::optional<std::string> acknowledged(const mcp::Message& acknowledgement) const;

  std::string_view id;       ///< of the request, as written
  std::string_view token;    ///< of its progress; empty: none
  bool logs = false;         ///< it names the level that it wants to hear of
  mcp::Lists changes;
  std::vector<std::string> uris;
  std::vector<std::string> tasks;

 private:
  bool watches(std::string_view uri) const;
};

}  // namespace callgate::gateway
