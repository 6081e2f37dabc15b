#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/letters.hpp"
#include "config/load_server.hpp"

namespace callgate::config {
namespace {

/// Made by the gateway for each request, or never sent on (S16, S25).
constexpr std::array<std::string_view, 17> own_headers{
    "accept",     "accept-encoding", "connection", "content-encoding", "content-length",    "content-type",
    "cookie",     "expect",          "host",       "keep-alive",       "last-event-id",     "proxy-authorization",
    "te",         "trailer",         "upgrade",    "transfer-encoding", "proxy-connection"};
constexpr std::array<std::string_view, 2> own_prefixes{"mcp-", "callgate-"};

bool is_token_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

/// Visible characters, blanks and tabs (RFC 9110 section 5.5); a line end would
/// begin a header of somebody else's choice.
bool is_header_value(std::string_view value) {
  return std::ranges::none_of(value, [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

}  // namespace

Result<void> check_header_name(std::string_view name) {
  if (name.empty() || !std::ranges::all_of(name, is_token_character)) {
    return fail(ErrorKind::invalid, fmt::format("`{}` is no header name; write it as in `Authorization: …`", name));
  }
  const std::string folded = lowered(name);
  const bool own = std::ranges::find(own_headers, folded) != own_headers.end() ||
                   std::ranges::any_of(own_prefixes, [&](std::string_view prefix) { return folded.starts_with(prefix); });
  if (own) return fail(ErrorKind::refused, fmt::format("the header `{}` is made by the gateway itself; remove it", name));
  return {};
}

Result<Secret> read_header_value(std::string_view name, std::string_view written, const Surroundings& around) {
  if (lowered(name) == "authorization" && !has_expansion(written)) {
    return fail(ErrorKind::refused,
                "a literal `Authorization` can be read by others; put the secret into a variable or file and write "
                "`Bearer ${env:NAME}` or `Bearer ${file:PATH}`");
  }
  auto value = expand(written, around.folder, around.environment);
  if (!value) return value;
  if (!is_header_value(value->reveal())) {
    return fail(ErrorKind::invalid, fmt::format("the value of the header `{}` holds a line end or another control character", name));
  }
  return value;
}

}  // namespace callgate::config
