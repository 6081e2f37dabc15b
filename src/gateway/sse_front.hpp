#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/gate.hpp"
#include "gateway/refusals.hpp"
#include "net/http_server.hpp"
#include "session/caller.hpp"

namespace callgate::gateway {

/// HTTP+SSE towards clients (2024-11-05, basic/transports; deprecated since):
/// GET opens a stream whose first event names the address to post to, and all
/// answers come on that stream. The session is the stream: its id stands in that
/// address, belongs to one grant and one server, and ends with the stream.
/// Who speaks is known already; a refusal that is returned is the caller's to send.
class SseFront {
 public:
  explicit SseFront(const Parts& parts) : parts_(parts) {}

  /// Returns when the stream has ended, or at once with a refusal.
  net::Task<std::optional<RequestRefusal>> get(net::HttpExchange& exchange, Gate& gate, session::Caller caller) const;
  /// Takes one message (202) and carries it on; the body is here already.
  net::Task<std::optional<RequestRefusal>> post(net::HttpExchange& exchange, Gate& gate, session::Caller caller) const;

 private:
  std::optional<RequestRefusal> read(const net::RequestHead& head, Piped& piped, const Conversation& conversation) const;

  const Parts parts_;
};

}  // namespace callgate::gateway
