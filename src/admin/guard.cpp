#include "admin/guard.hpp"

#include <algorithm>

#include "base/random.hpp"

namespace callgate::admin {
namespace {

std::size_t count(const net::Headers& headers, std::string_view name) {
  return static_cast<std::size_t>(
      std::ranges::count_if(headers.all(), [&](const net::Header& each) { return net::same_name(each.name, name); }));
}

/// The page that sent this was loaded from the very host it speaks to (RFC 6454).
bool same_origin(std::string_view origin, std::string_view host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return net::same_name(origin.substr(scheme.size()), host);
  }
  return false;
}

}  // namespace

std::optional<ApiResponse> Guard::refusal(const ApiRequest& request) const {
  if (request.door == Door::local_socket) return std::nullopt;
  const net::Headers& headers = request.headers;

  const std::string_view host = headers.find("Host");
  if (count(headers, "Host") != 1 || !access_.host_allowed(host)) {
    return answer_error(403, "host", "this host name is not accepted here; use the listener's own address, or add the name to `hosts`");
  }
  if (count(headers, "Origin") > 1 || (headers.has("Origin") && !same_origin(headers.find("Origin"), host))) {
    return answer_error(403, "origin", "requests from pages of another origin are refused");
  }
  // Fetch Metadata: a browser says so itself when another site's page asks.
  const std::string_view site = headers.find("Sec-Fetch-Site");
  if (headers.has("Sec-Fetch-Site") && site != "same-origin" && site != "none") {
    return answer_error(403, "origin", "requests from pages of another site are refused");
  }
  if (!accepts_token(headers)) {
    ApiResponse refused = answer_error(401, "token", "send `Authorization: Bearer` with the token in DATA/admin.token");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"callgate admin\"");
    return refused;
  }
  return std::nullopt;
}

bool Guard::accepts_token(const net::Headers& headers) const {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view sent = headers.find("Authorization");
  if (token_.empty() || count(headers, "Authorization") != 1) return false;
  if (sent.size() <= scheme.size() || !net::same_name(sent.substr(0, scheme.size()), scheme)) return false;
  return constant_time_equal(sent.substr(scheme.size()), token_.reveal());
}

}  // namespace callgate::admin
