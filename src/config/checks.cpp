#include "config/checks.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/letters.hpp"

namespace callgate::config {

Endpoint default_listen() { return {.host = "127.0.0.1", .port = 8808}; }

bool is_loopback_endpoint(const Endpoint& endpoint) { return is_loopback(endpoint.host); }

Auth default_auth(std::span<const Endpoint> listen) {
  return std::ranges::all_of(listen, &is_loopback_endpoint) ? Auth::none : Auth::grants;
}

std::vector<Error> check_listeners(const Config& config) {
  std::vector<Error> faults;
  for (const Endpoint& each : config.listen) {
    if (config.auth == Auth::none && !is_loopback_endpoint(each)) {
      faults.push_back({ErrorKind::refused,
                        fmt::format("`auth: none` is for loopback only, and `{}` can be reached from elsewhere; use `auth: grants` (`--auth grants`)",
                                    each.text()),
                        "auth"});
    }
    if (config.admin_listen && each.port != 0 && each.port == config.admin_listen->port) {
      faults.push_back({ErrorKind::invalid,
                        fmt::format("administration and agents never share a port; give `admin.listen` another than {}", each.port),
                        "admin"});
    }
  }
  // The names that clients may use are not known then, so that all of them would be refused.
  if (config.public_url.empty() && !std::ranges::all_of(config.listen, &is_loopback_endpoint)) {
    faults.push_back({ErrorKind::invalid,
                      "off loopback `public_url` (`--public-url URL`) is needed: the address that clients see, as in "
                      "`https://gate.example`",
                      "listen"});
  }
  return faults;
}

Result<std::string> read_public_url(std::string_view text) {
  if (const auto good = check_url(text); !good) return std::unexpected(good.error());
  if (text.contains('?')) return fail(ErrorKind::invalid, "the address that clients see has no query; drop the part from `?` on");
  while (text.ends_with('/')) text.remove_suffix(1);
  return std::string(text);
}

Result<std::string> read_host(std::string_view text) {
  const std::string as_url = fmt::format("http://{}/", text);
  if (text.find_first_of("/?#@*") != std::string_view::npos || !check_url(as_url)) {
    return fail(ErrorKind::invalid, fmt::format("`{}` is no host; write `gate.example` or `gate.example:8808`, without wildcards", text));
  }
  return lowered(text);
}

Result<std::string> read_origin(std::string_view text) {
  const std::size_t scheme = text.find("://");
  const bool plain = scheme != std::string_view::npos && text.find_first_of("/?#*", scheme + 3) == std::string_view::npos;
  if (!plain || !check_url(text)) {
    return fail(ErrorKind::invalid, fmt::format("`{}` is no origin; write `https://app.example` or `http://localhost:6274`, without a path", text));
  }
  return lowered(text);
}

}  // namespace callgate::config
