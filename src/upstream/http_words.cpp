#include "upstream/http_words.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace callgate::upstream {

namespace {

std::string words_for(int status) {
  if (status >= 300 && status < 400) return fmt::format("the server answered with a redirect (HTTP {}), which is not followed", status);
  if (status == 401 || status == 403) return fmt::format("the server refused the gateway's own credentials (HTTP {})", status);
  return fmt::format("the server answered HTTP {}", status);
}

}  // namespace

bool is_visible_ascii(std::string_view text) {
  return !text.empty() && text.size() <= 1024 &&
         std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool has_media_type(std::string_view value, std::string_view type) {
  return value.size() >= type.size() && net::same_name(value.substr(0, type.size()), type) &&
         (value.size() == type.size() || value[type.size()] == ';' || value[type.size()] == ' ');
}

bool is_compressed(const net::HttpReply& reply) {
  const std::string_view coding = reply.headers().find(net::HeaderName::content_encoding);
  return !coding.empty() && !net::same_name(coding, "identity");
}

Failure not_exchanged(net::SendFailure failure) {
  if (failure.sent) return {.error = std::move(failure.error), .sent = true};
  return {.error = {failure.error.kind, "the server cannot be reached", std::move(failure.error.message)}, .sent = false};
}

Failure refused_by_server(int status, bool session_unknown) {
  if (session_unknown) return {.error = {ErrorKind::not_found, "the server no longer knows the session", {}}, .session_unknown = true, .http_status = status};
  const bool refused = (status >= 300 && status < 400) || status == 401 || status == 403;
  return {.error = {refused ? ErrorKind::refused : ErrorKind::unavailable, words_for(status), {}}, .http_status = status};
}

}  // namespace callgate::upstream
