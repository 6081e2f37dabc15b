#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "config/config.hpp"
#include "session/shared_grants.hpp"
#include "store/grant_table.hpp"

namespace callgate::session {

/// Who makes a call, as far as the gateway has proof of it.
struct Caller {
  std::string grant;      ///< id of the grant; empty under `auth: none`
  std::string principal;  ///< name for records; `anonymous` under `auth: none`
  std::string policy;     ///< path of the grant's own policy; empty: none, which denies everything under grants
};

/// Reads the credential of a request. The token is used here and goes nowhere else.
class Authenticator {
 public:
  /// `shared` is null where a folder's grants are all there are.
  Authenticator(config::Auth auth, const store::GrantWatch* grants, const SharedGrants* shared = nullptr) : auth_(auth), grants_(grants), shared_(shared) {}

  /// `authorization` is the header's value, empty where absent. Error `refused`:
  /// no, a wrong, an expired token, or one of another server, all alike.
  Result<Caller> authenticate(std::string_view authorization, std::string_view server, std::int64_t now_ms) const;
  bool asks_for_tokens() const { return auth_ == config::Auth::grants; }
  /// False until it is known which grants others revoked: nobody is told yes or no.
  bool ready() const { return !asks_for_tokens() || shared_ == nullptr || shared_->known(); }

 private:
  config::Auth auth_;
  const store::GrantWatch* grants_;
  const SharedGrants* shared_;
};

}  // namespace callgate::session
