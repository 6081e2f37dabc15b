#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "net/http1.hpp"

/// A request and its answer without a transport: the listener and the local
/// socket bring the bytes, the API never sees a connection.
namespace callgate::admin {

/// Through which door a request came.
enum class Door : std::uint8_t {
  listener,      ///< the admin TCP port: anybody on the host, any browser page, may knock
  local_socket,  ///< `DATA/run/<instance>.sock`, 0600: the peer is the same user
};

/// Views into the caller's bytes; needed only during `Api::handle`.
struct ApiRequest {
  std::string_view method;
  std::string_view target;  ///< origin form: path and query as sent
  net::Headers headers;
  std::string_view body;  ///< complete; the transport bounds it (`Api::max_body`)
  Door door = Door::listener;
};

struct ApiResponse {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;  ///< content type and safety; no framing headers
  std::string body;
};

/// Answers with the headers that every response carries: never cached, never
/// framed, never sniffed, no CORS (security.md S29).
ApiResponse answer_json(int status, std::string body);
ApiResponse answer_text(int status, std::string_view content_type, std::string body);

/// `{"error": {"code", "message"}}`; `code` is one word for programs.
ApiResponse answer_error(int status, std::string_view code, std::string_view message);

/// The status that fits: not_found 404, conflict 409, refused 403, invalid and
/// malformed 400, too_large 413, unsupported 422, unavailable and timeout 503, else 500.
ApiResponse answer_error(const Error& error);

}  // namespace callgate::admin
