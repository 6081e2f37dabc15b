#pragma once

#include <optional>
#include "admin/http.hpp"
#include "base/secret.hpp"
#include "session/access.hpp"

namespace callgate::admin {

/// Who may speak to the API. At the TCP listener: a request for a host we are
/// (against DNS rebinding), from no other site's page (against forged requests),
/// with the operator's token. At the local socket the file's rights have
/// answered that already.
class Guard {
 public:
  /// `access` says which `Host` is accepted: the same names as on the agents'
  /// listener, and this listener's own address. An empty token refuses every
  /// request at the listener.
  Guard(Secret token, session::AccessList access) : token_(std::move(token)), access_(std::move(access)) {}

  /// The refusal, or nothing when the request may go on.
  std::optional<ApiResponse> refusal(const ApiRequest& request) const;

  /// Why a request is not for this listener, or comes from elsewhere.
  struct Foreign {
    std::string_view code;
    std::string_view message;
  };
  /// Whose host is meant, and which site's page asks; of the token nothing.
  std::optional<Foreign> foreign(const ApiRequest& request) const;
  /// The same for a page that people open: a link on any site may lead there, as a
  /// whole page and not within another; a form comes from this very host, and says so.
  std::optional<Foreign> foreign_to_page(const ApiRequest& request) const;

  /// Whether it is the operator's; takes as long wherever it differs.
  bool is_token(std::string_view text) const;

 private:
  bool knows_host(const net::Headers& headers) const;
  bool accepts_token(const net::Headers& headers) const;

  Secret token_;
  session::AccessList access_;
};

}  // namespace callgate::admin
