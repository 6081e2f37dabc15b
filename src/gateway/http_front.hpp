#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/gates.hpp"
#include "gateway/refusals.hpp"
#include "net/http_server.hpp"
#include "session/access.hpp"
#include "session/caller.hpp"

namespace callgate::gateway {

/// Streamable HTTP towards clients (basic/transports of every revision):
/// routes, checks who may speak, reads messages and hands them to the gates.
class HttpFront final : public net::HttpHandler {
 public:
  HttpFront(const Parts& parts, Gates& gates, session::Authenticator authenticator, session::AccessList access);

  Begins begins() const override { return Begins::with_head; }
  net::Task<void> handle(net::HttpExchange& exchange) override;
  std::string refused(int status, const Error& error, const net::Address& peer) override;

 private:
  struct Visit;
  struct No;
  std::expected<Visit, No> admit(const net::RequestHead& head) const;
  net::Task<void> route(net::HttpExchange& exchange);
  net::Task<void> post(net::HttpExchange& exchange, Visit& visit);
  net::Task<void> get(net::HttpExchange& exchange, Visit& visit);
  net::Task<void> remove(net::HttpExchange& exchange, Visit& visit);
  net::Task<void> carry(net::HttpExchange& exchange, Visit& visit, const mcp::Message& message);
  net::Task<void> refuse(net::HttpExchange& exchange, No no);
  net::Task<void> refuse(net::HttpExchange& exchange, int status, std::string_view body, std::string_view why, std::string_view headers = {});
  net::Task<std::expected<std::shared_ptr<Conversation>, No>> session_of(net::HttpExchange& exchange, Visit& visit);
  Gate* gate_of(std::string_view target) const;
  std::unique_ptr<json::Document> take_document();
  void give_document(std::unique_ptr<json::Document> document);

  const Parts parts_;
  Gates& gates_;
  session::Authenticator authenticator_;
  session::AccessList access_;
  ExpiryClock grants_clock_;
  Refusals refusals_;
  std::vector<std::unique_ptr<json::Document>> documents_;  ///< kept for their memory
};

}  // namespace callgate::gateway
