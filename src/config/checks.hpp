#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "config/config.hpp"

/// What holds for a configuration wherever it comes from: file or flags.
namespace callgate::config {

Endpoint default_listen();  ///< 127.0.0.1:8808

bool is_loopback_endpoint(const Endpoint& endpoint);

/// `none` where only this machine can connect, else `grants`.
Auth default_auth(std::span<const Endpoint> listen);

/// Faults of the addresses taken together; `where` is `auth`, `admin` or `listen`:
/// `auth: none` off loopback, one port for agents and administration, no address
/// for clients off loopback.
std::vector<Error> check_listeners(const Config& config);

/// The address that clients see, without the slash at its end.
Result<std::string> read_public_url(std::string_view text);

/// A name of the Host header, with or without a port, in lower case.
Result<std::string> read_host(std::string_view text);

/// An Origin as browsers send it (RFC 6454 section 6.2): `scheme://host[:port]`.
Result<std::string> read_origin(std::string_view text);

}  // namespace callgate::config
