#include "admin/http.hpp"

#include "base/json.hpp"

namespace callgate::admin {
namespace {

struct Meaning {
  int status;
  std::string_view code;
};

Meaning meaning(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::malformed: return {400, "malformed"};
    case ErrorKind::invalid: return {400, "invalid"};
    case ErrorKind::too_large: return {413, "too_large"};
    case ErrorKind::unsupported: return {422, "unsupported"};
    case ErrorKind::not_found: return {404, "not_found"};
    case ErrorKind::conflict: return {409, "conflict"};
    case ErrorKind::refused: return {403, "refused"};
    case ErrorKind::unavailable: return {503, "unavailable"};
    case ErrorKind::timeout: return {503, "timeout"};
    case ErrorKind::closed: return {503, "closed"};
    case ErrorKind::internal: break;
  }
  return {500, "internal"};
}

}  // namespace

ApiResponse answer_text(int status, std::string_view content_type, std::string body) {
  return {.status = status,
          .headers = {{"Content-Type", std::string(content_type)},
                      {"Cache-Control", "no-store"},
                      {"X-Content-Type-Options", "nosniff"},
                      {"X-Frame-Options", "DENY"},
                      {"Referrer-Policy", "no-referrer"},
                      {"Cross-Origin-Resource-Policy", "same-origin"},
                      {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"}},
          .body = std::move(body)};
}

ApiResponse answer_json(int status, std::string body) {
  return answer_text(status, "application/json", std::move(body));
}

ApiResponse answer_error(int status, std::string_view code, std::string_view message) {
  std::string body = R"({"error":{"code":)";
  json::append_quoted(body, code);
  body += R"(,"message":)";
  json::append_quoted(body, message);
  body += "}}";
  return answer_json(status, std::move(body));
}

ApiResponse answer_error(const Error& error) {
  const Meaning known = meaning(error.kind);
  return answer_error(known.status, known.code, error.message);
}

}  // namespace callgate::admin
