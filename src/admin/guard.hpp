#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/http.hpp"
#include "base/secret.hpp"

namespace callgate::admin {

/// Who may speak to the API. At the TCP listener: a request for a host we are
/// (against DNS rebinding), from no other site's page (against forged requests),
/// with the operator's token. At the local socket the file's rights have
/// answered that already.
class Guard {
 public:
  /// `hosts`: names and addresses accepted in `Host` besides loopback's
  /// (`localhost`, `127.0.0.1`, `[::1]`), without port, lower case. An empty
  /// token refuses every request at the listener.
  Guard(Secret token, std::vector<std::string> hosts) : token_(std::move(token)), hosts_(std::move(hosts)) {}

  /// The refusal, or nothing when the request may go on.
  std::optional<ApiResponse> refusal(const ApiRequest& request) const;

 private:
  bool accepts_host(std::string_view host) const;
  bool accepts_token(const net::Headers& headers) const;

  Secret token_;
  std::vector<std::string> hosts_;
};

}  // namespace callgate::admin
