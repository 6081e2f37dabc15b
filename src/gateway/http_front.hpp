#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/gates.hpp"
#include "gateway/other_addresses.hpp"
#include "gateway/refusals.hpp"
#include "gateway/sse_front.hpp"
#include "net/http_server.hpp"
#include "session/access.hpp"
#include "session/caller.hpp"

namespace callgate::gateway {

/// HTTP towards clients: routes, checks who may speak, reads messages of Streamable
/// HTTP (basic/transports since 2025-03-26) and hands them to the gates. What came to
/// an address of HTTP+SSE goes to that front, after the same checks.
class HttpFront final : public net::HttpHandler {
 public:
  HttpFront(const Parts& parts, Gates& gates, session::Authenticator authenticator, session::AccessList access);
  /// Asked where no server is at an address; outlives the front.
  void serve_also(OtherAddresses& others) { others_ = &others; }

  Begins begins() const override { return Begins::with_head; }
  net::Task<void> handle(net::HttpExchange& exchange) override;
  std::string refused(int status, const Error& error, const net::Address& peer) override;

 private:
  struct Visit;
  std::expected<Visit, RequestRefusal> admit(const net::RequestHead& head) const;
  std::pair<int, std::string> readiness() const;
  net::Task<void> route(net::HttpExchange& exchange);
  net::Task<void> serve_other(net::HttpExchange& exchange);
  net::Task<void> serve_visit(net::HttpExchange& exchange, Visit& visit);
  net::Task<void> serve_without_body(net::HttpExchange& exchange, Visit& visit);
  net::Task<void> serve_sse(net::HttpExchange& exchange, Visit& visit);
  net::Task<void> post_received(net::HttpExchange& exchange, Visit& visit);
  net::Task<void> post(net::HttpExchange& exchange, Visit& visit);
  net::Task<void> get(net::HttpExchange& exchange, Visit& visit);
  net::Task<void> remove(net::HttpExchange& exchange, Visit& visit);
  net::Task<void> carry(net::HttpExchange& exchange, Visit& visit, const mcp::Message& message);
  net::Task<void> refuse(net::HttpExchange& exchange, RequestRefusal refusal);
  net::Task<void> refuse(net::HttpExchange& exchange, int status, std::string_view body, std::string_view why, std::string_view headers = {});
  net::Task<std::expected<std::shared_ptr<Conversation>, RequestRefusal>> session_of(net::HttpExchange& exchange, Visit& visit);
  Gate* gate_of(std::string_view path) const;
  std::string_view take_key(const net::RequestHead& head, Gate& gate, Conversation& conversation) const;
  std::unique_ptr<json::Document> take_document();
  void give_document(std::unique_ptr<json::Document> document);

  const Parts parts_;
  Gates& gates_;
  session::Authenticator authenticator_;
  session::AccessList access_;
  ExpiryClock grants_clock_;
  Refusals refusals_;
  SseFront sse_;
  OtherAddresses* others_ = nullptr;
  std::vector<std::unique_ptr<json::Document>> documents_;  ///< kept for their memory
};

}  // namespace callgate::gateway
