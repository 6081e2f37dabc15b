#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "aggregate/router.hpp"
#include "gateway/other_addresses.hpp"
#include "session/access.hpp"
#include "session/caller.hpp"

namespace callgate::aggregate {

/// The address `/mcp` of a gateway with several servers: all that a caller may
/// use, as one (docs/decisions/0016). A token is good for those of its servers
/// only, and for each as it would be at the server's own address.
/// Threads: the loop's.
class Aggregate final : public gateway::OtherAddresses {
 public:
  Aggregate(const gateway::Parts& parts, gateway::Gates& gates, session::Authenticator authenticator)
      : parts_(parts), gates_(gates), authenticator_(authenticator), grants_clock_(parts.clock), router_(parts, gates) {}

  bool serves(std::string_view path) const override;
  Refused admit(const net::RequestHead& head) override;
  net::Task<Refused> post(net::HttpExchange& exchange, std::vector<mcp::Header> mirrored) override;
  net::Task<Refused> without_body(net::HttpExchange& exchange) override;

  Router& router() { return router_; }

 private:
  struct Opened;
  Refused find_callers(const net::RequestHead& head, Callers& callers) const;
  net::Task<Refused> get(net::HttpExchange& exchange);
  net::Task<Refused> remove(net::HttpExchange& exchange);
  Refused end_unknown(const net::RequestHead& head, Refused unknown);
  net::Task<Refused> company_of(net::HttpExchange& exchange, std::string_view id_text, std::shared_ptr<Company>& company);

  const gateway::Parts parts_;
  gateway::Gates& gates_;
  session::Authenticator authenticator_;
  ExpiryClock grants_clock_;
  Router router_;
};

}  // namespace callgate::aggregate
