#include "session/caller.hpp"

#include "store/grant_servers.hpp"

namespace callgate::session {

namespace {

/// The token of `Bearer TOKEN` (RFC 6750 section 2.1); empty for anything else.
std::string_view bearer_token(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() <= scheme.size()) return {};
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    const char c = authorization[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != scheme[i]) return {};
  }
  return authorization.substr(scheme.size());
}

}  // namespace

Result<Caller> Authenticator::authenticate(std::string_view authorization, std::string_view server,
                                           std::int64_t now_ms) const {
  if (auth_ == config::Auth::none) return Caller{.grant = {}, .principal = "anonymous", .policy = {}};
  const auto table = grants_->table();
  const store::Grant* grant = table->find(bearer_token(authorization), now_ms);
  const bool overruled = grant != nullptr && shared_ != nullptr && shared_->overruled(grant->id);
  if (grant == nullptr || overruled || (grant->server != server && !store::names_server(grant->server, server)))
    return fail(ErrorKind::refused, "a valid token for this server is needed: `Authorization: Bearer …`");
  return Caller{.grant = grant->id, .principal = grant->name, .policy = grant->policy};
}

}  // namespace callgate::session
