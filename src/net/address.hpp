#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <sys/socket.h>

#include "base/error.hpp"
#include "net/loop.hpp"

namespace callgate::net {

/// A socket address as the kernel takes it.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;

  bool is_loopback() const;
  std::string ip() const;            ///< without the port; empty for unix sockets
  std::string text() const;          ///< `127.0.0.1:80`, `[::1]:80`, or the path
  std::uint16_t port() const;

  static Result<Address> numeric(std::string_view ip, std::uint16_t port);
  static Result<Address> unix_path(std::string_view path);
};

/// `http://host:port/path` taken apart (RFC 3986); nothing else is accepted:
/// no user information, no fragment.
struct Url {
  bool tls = false;
  std::string host;      ///< without brackets
  std::uint16_t port = 0;
  std::string target;    ///< path and query, at least `/`
  std::string authority() const;  ///< as the Host header names it
  static Result<Url> parse(std::string_view text);
};

/// Looks a name up on a thread of its own, so that a slow name server stalls
/// nobody; `timeout` where it was not found by `until`.
Task<Result<std::vector<Address>>> resolve(Loop& loop, std::string host, std::uint16_t port, Instant until);

}  // namespace callgate::net
