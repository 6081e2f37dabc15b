#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.hpp"
#include "net/headers.hpp"

/// HTTP/1.1 heads (RFC 9112), strict: one pass over the bytes that refuses every
/// form on which readers differ, and takes the head apart. What it accepts,
/// Boost.Beast's parser accepts and reads alike: the fuzz target compares them.
/// Views point into the caller's bytes.
namespace callgate::net {

struct RequestHead {
  std::string_view method;
  std::string_view target;
  Headers headers;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
};

struct ResponseHead {
  int status = 0;
  Headers headers;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
};

struct HeadLimits {
  std::size_t bytes = 32 * 1024;
  std::size_t headers = 100;
  std::size_t target = 8 * 1024;
};

/// The length of the head that starts `bytes`, its blank line included; 0 while
/// it is not complete. `from`: bytes before it were searched already.
std::size_t head_size(std::string_view bytes, std::size_t from);
/// Whether a head that has not ended has a line, from `from` on, that ends with LF
/// alone: such a head never ends.
bool has_bare_line_feed(std::string_view head, std::size_t from = 0);

/// Reads a complete head. Refused: whatever security requirement S13 names
/// (length and transfer coding together or repeated, folded lines, bare CR or
/// LF, space before a colon, other transfer codings, no or several hosts …).
Result<void> read_request_head(std::string_view head, const HeadLimits& limits, RequestHead& out);
Result<void> read_response_head(std::string_view head, const HeadLimits& limits, ResponseHead& out);

/// Reason phrases of the statuses that the gateway sends.
std::string_view reason_phrase(int status);

}  // namespace callgate::net
