#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"

/// Addresses as people write them: where to listen, and what to reach.
namespace callgate::config {

/// A place to listen: a host name or address literal (without brackets) and a port.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;  ///< 0 takes a free one

  std::string text() const;  ///< `host:port`, IPv6 in brackets
  bool operator==(const Endpoint&) const = default;
};

/// Reads `127.0.0.1:8808`, `[::1]:8808`, `localhost:0`, `:8808` (loopback).
/// Error: `invalid`, with an example.
Result<Endpoint> parse_endpoint(std::string_view text);

/// Whether only this machine can reach the host: `localhost`, 127.0.0.0/8, ::1
/// and its IPv4-mapped form. A name that would have to be looked up is not.
bool is_loopback(std::string_view host);

/// Whether the host is an IPv4 or IPv6 literal (without brackets), no name.
bool is_address_literal(std::string_view host);

/// Whether a server may be reached there: an http or https URL. Errors:
/// `invalid` (another scheme, user name or password in it, a fragment, blanks,
/// no host or port), each with what to write instead.
Result<void> check_url(std::string_view text);

/// A command line as a shell would be given it, credentials included.
std::string command_text(std::span<const std::string> command);

/// The same for people, files and logs: names a stdio server, credentials masked
/// (`base/credentials.hpp`).
std::string shown_command(std::span<const std::string> command);

/// A URL or a command line as `command_text` or `shown_command` writes it, credentials masked.
/// INVARIANT: what is masked already stays as it is.
std::string shown_address(std::string_view address);

}  // namespace callgate::config
