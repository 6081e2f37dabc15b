#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "gateway/refusals.hpp"
#include "mcp/headers.hpp"
#include "net/http_server.hpp"

namespace callgate::gateway {

/// Addresses of Streamable HTTP that are no server's own; whoever knows them is
/// built above this room. What holds for every request (Host, Origin, media
/// type, the bounds of head and body) was checked before. A refusal that is
/// returned is the caller's to send. Threads: the loop's.
class OtherAddresses {
 public:
  using Refused = std::optional<RequestRefusal>;

  OtherAddresses() = default;
  OtherAddresses(const OtherAddresses&) = delete;
  OtherAddresses& operator=(const OtherAddresses&) = delete;
  virtual ~OtherAddresses() = default;

  virtual bool serves(std::string_view path) const = 0;
  /// Whether whoever came may speak at all: asked before any body is read.
  virtual Refused admit(const net::RequestHead& head) = 0;
  /// The body is here; `mirrored` are the headers that begin with `Mcp-`. Who came
  /// is to be looked at anew.
  virtual net::Task<Refused> post(net::HttpExchange& exchange, std::vector<mcp::Header> mirrored) = 0;
  /// GET and DELETE, and what else a client tries.
  virtual net::Task<Refused> without_body(net::HttpExchange& exchange) = 0;
};

}  // namespace callgate::gateway
