#pragma once

#include "admin/api.hpp"
#include "net/http_server.hpp"

namespace callgate::cli {

/// Brings requests from the admin listener or the local socket to the API.
class AdminFront final : public net::HttpHandler {
 public:
  AdminFront(admin::Api& api, admin::Door door) : api_(api), door_(door) {}
  net::Task<void> handle(net::HttpExchange& exchange) override;
  std::string refused(int status, const Error& error, const net::Address& peer) override;

 private:
  admin::Api& api_;
  admin::Door door_;
};

}  // namespace callgate::cli
