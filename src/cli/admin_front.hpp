#pragma once

#include <memory>

#include "admin/api.hpp"
#include "admin/page.hpp"
#include "net/http_server.hpp"

namespace callgate::cli {

/// Brings requests from the admin listener or the local socket to the API, and
/// those from the listener to the approval page too.
class AdminFront final : public net::HttpHandler {
 public:
  AdminFront(admin::Api& api, admin::ApprovalPage& page) : api_(api), page_(&page), door_(admin::Door::listener) {}
  static std::unique_ptr<AdminFront> local(admin::Api& api) { return std::unique_ptr<AdminFront>(new AdminFront(api)); }
  net::Task<void> handle(net::HttpExchange& exchange) override;
  std::string refused(int status, const Error& error, const net::Address& peer) override;

 private:
  explicit AdminFront(admin::Api& api) : api_(api) {}

  admin::Api& api_;
  admin::ApprovalPage* page_ = nullptr;  ///< null at the local socket
  admin::Door door_ = admin::Door::local_socket;
};

}  // namespace callgate::cli
