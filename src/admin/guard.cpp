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

constexpr Guard::Foreign other_host{"host", "this host name is not accepted here; use the listener's own address, or add the name to `hosts`"};
constexpr Guard::Foreign other_origin{"origin", "requests from pages of another origin are refused"};
constexpr Guard::Foreign other_site{"origin", "requests from pages of another site are refused"};

}  // namespace

std::optional<ApiResponse> Guard::refusal(const ApiRequest& request) const {
  if (request.door == Door::local_socket) return std::nullopt;
  if (const auto from = foreign(request)) return answer_error(403, from->code, from->message);
  if (!accepts_token(request.headers)) {
    ApiResponse refused = answer_error(401, "token", "send `Authorization: Bearer` with the token in DATA/admin.token");
    refused.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"callgate admin\"");
    return refused;
  }
  return std::nullopt;
}

bool Guard::knows_host(const net::Headers& headers) const {
  return count(headers, "Host") == 1 && access_.host_allowed(headers.find("Host"));
}

std::optional<Guard::Foreign> Guard::foreign(const ApiRequest& request) const {
  const net::Headers& headers = request.headers;
  if (!knows_host(headers)) return other_host;
  if (count(headers, "Origin") > 1 || (headers.has("Origin") && !same_origin(headers.find("Origin"), headers.find("Host")))) return other_origin;
  // Fetch Metadata: a browser says so itself when another site's page asks.
  const std::string_view site = headers.find("Sec-Fetch-Site");
  if (headers.has("Sec-Fetch-Site") && site != "same-origin" && site != "none") return other_site;
  return std::nullopt;
}

std::optional<Guard::Foreign> Guard::foreign_to_page(const ApiRequest& request) const {
  const net::Headers& headers = request.headers;
  if (request.method != "GET") {
    if (!headers.has("Origin")) return knows_host(headers) ? other_origin : other_host;
    return foreign(request);
  }
  if (!knows_host(headers)) return other_host;
  const std::string_view site = headers.find("Sec-Fetch-Site");
  const bool of_elsewhere = headers.has("Sec-Fetch-Site") && site != "same-origin" && site != "none";
  const bool opened = headers.find("Sec-Fetch-Mode") == "navigate" && headers.find("Sec-Fetch-Dest") == "document";
  return of_elsewhere && !opened ? std::optional(other_site) : std::nullopt;
}

bool Guard::is_token(std::string_view text) const { return !token_.empty() && constant_time_equal(text, token_.reveal()); }

bool Guard::accepts_token(const net::Headers& headers) const {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view sent = headers.find("Authorization");
  if (count(headers, "Authorization") != 1) return false;
  if (sent.size() <= scheme.size() || !net::same_name(sent.substr(0, scheme.size()), scheme)) return false;
  return is_token(sent.substr(scheme.size()));
}

}  // namespace callgate::admin
