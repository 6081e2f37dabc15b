#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace callgate {

/// What kind of thing went wrong; callers branch on it, people read `message`.
enum class ErrorKind : std::uint8_t {
  malformed,    ///< the bytes are not of the format at all (JSON-RPC −32700)
  invalid,      ///< well formed, but not what is accepted here (−32600)
  too_large,    ///< over a size, depth or count limit
  unsupported,  ///< known, but not done by this version
  not_found,
  conflict,
  refused,      ///< somebody may not do this
  unavailable,  ///< a file, server or store cannot be reached now
  timeout,
  closed,       ///< the other side ended the connection
  internal,
};

/// A fault that input, network, disk or policy can cause. Messages are in
/// lower case without a final stop, hold the item in backticks and say what to
/// do; they never hold argument values or secrets.
struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;
  std::string where;  ///< `file:line:column`, `byte N` or empty
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorKind kind, std::string message, std::string where = {}) {
  return std::unexpected(Error{kind, std::move(message), std::move(where)});
}

}  // namespace callgate
