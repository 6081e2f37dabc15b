#include "config/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>
#include <vector>

#include "base/credentials.hpp"

namespace callgate::config {
namespace {

constexpr std::string_view endpoint_remedy = "write HOST:PORT, as in `127.0.0.1:8808` or `[::1]:8808`";

/// Digits only, 0…65535.
std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (problem != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

bool is_ipv6(const std::string& text) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET6, text.c_str(), &ignored) == 1;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool is_host_name(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, is_host_character);
}

struct HostAndPort {
  std::string host;
  std::string_view port;  ///< empty where none is written
};

/// Takes `host`, `host:port`, `[v6]` and `[v6]:port` apart.
std::optional<HostAndPort> split_host(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    HostAndPort parts{std::string(text.substr(1, end - 1)), text.substr(end + 1)};
    if (!is_ipv6(parts.host)) return std::nullopt;
    if (parts.port.empty()) return parts;
    if (parts.port.size() < 2 || parts.port[0] != ':') return std::nullopt;
    parts.port.remove_prefix(1);
    return parts;
  }
  const std::size_t colon = text.find(':');
  HostAndPort parts{std::string(text.substr(0, colon)), {}};
  if (colon == std::string_view::npos) return parts;
  parts.port = text.substr(colon + 1);
  if (parts.port.empty()) return std::nullopt;
  return parts;
}

std::string bracketed(std::string_view host) {
  return host.find(':') == std::string_view::npos ? std::string(host) : fmt::format("[{}]", host);
}

bool needs_quotes(std::string_view argument) {
  return argument.empty() || !std::ranges::all_of(argument, [](char c) {
    return is_host_character(c) || c == '/' || c == ':' || c == '=' || c == '@' || c == ',' || c == '+' || c == '%';
  });
}

std::string in_quotes(std::string_view argument) {
  std::string text = "'";
  for (const char c : argument) {
    if (c == '\'') {
      text += "'\\''";
    } else {
      text += c;
    }
  }
  return text + "'";
}

std::string quoted_argument(std::string_view argument) {
  return needs_quotes(argument) ? in_quotes(argument) : std::string(argument);
}

/// An argument with a letter for each mask: a mask alone needs no quotes.
std::string without_masks(std::string text) {
  for (std::size_t at = text.find(credential_mask); at != std::string::npos; at = text.find(credential_mask, at))
    text.replace(at, credential_mask.size(), "x");
  return text;
}

/// The arguments that `quoted_argument` was given.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  bool quoted = false;
  bool begun = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == ' ' && !quoted) {
      begun = false;
      continue;
    }
    if (!std::exchange(begun, true)) words.emplace_back();
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == '\\' && !quoted && i + 1 < line.size()) {
      words.back() += line[++i];
    } else {
      words.back() += c;
    }
  }
  return words;
}

}  // namespace

std::string Endpoint::text() const { return fmt::format("{}:{}", bracketed(host), port); }

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto refused = [&] { return fail(ErrorKind::invalid, fmt::format("`{}` is no address; {}", text, endpoint_remedy)); };
  auto parts = split_host(text);
  if (!parts || parts->port.empty()) return refused();
  const auto port = parse_port(parts->port);
  if (!port) return refused();
  // `:8808` means "every address" elsewhere; here the safe reading is taken.
  if (parts->host.empty()) parts->host = "127.0.0.1";
  if (!text.starts_with('[') && !is_host_name(parts->host)) return refused();
  return Endpoint{.host = std::move(parts->host), .port = *port};
}

bool is_loopback(std::string_view host) {
  const std::string text(host);
  if (text == "localhost") return true;
  in_addr v4{};
  if (::inet_pton(AF_INET, text.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24U) == 127;
  in6_addr v6{};
  if (::inet_pton(AF_INET6, text.c_str(), &v6) != 1) return false;
  if (IN6_IS_ADDR_LOOPBACK(&v6)) return true;
  return IN6_IS_ADDR_V4MAPPED(&v6) && v6.s6_addr[12] == 127;
}

bool is_address_literal(std::string_view host) {
  const std::string text(host);
  in_addr ignored{};
  return ::inet_pton(AF_INET, text.c_str(), &ignored) == 1 || is_ipv6(text);
}

Result<void> check_url(std::string_view text) {
  const auto refused = [](std::string_view why) { return fail(ErrorKind::invalid, std::string(why)); };
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; })) {
    return refused("a URL holds no blanks or control characters; write them as %20");
  }
  const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  if (scheme == 0) return refused("a URL begins with `http://` or `https://`, as in `https://host.example/mcp`");
  const std::string_view rest = text.substr(scheme);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.contains('@')) {
    return refused("a URL holds no user name or password; send them with a header from `${env:NAME}` or `${file:PATH}`");
  }
  if (rest.contains('#')) return refused("a server's URL has no fragment; drop the part from `#` on");
  const auto parts = split_host(authority);
  if (!parts || (!authority.starts_with('[') && !is_host_name(parts->host))) {
    return refused("the host of the URL cannot be read; write it as in `https://host.example:8443/mcp` or `http://[::1]:9000/mcp`");
  }
  if (!parts->port.empty() && parse_port(parts->port).value_or(0) == 0) {
    return refused("the port of the URL is not a number from 1 to 65535");
  }
  return {};
}

std::string command_text(std::span<const std::string> command) {
  std::string text;
  for (const std::string& argument : command) {
    if (!text.empty()) text += ' ';
    text += quoted_argument(argument);
  }
  return text;
}

std::string shown_command(std::span<const std::string> command) {
  std::string text;
  for (const Masked& argument : mask_arguments(command)) {
    if (!text.empty()) text += ' ';
    text += needs_quotes(without_masks(argument.text)) ? in_quotes(argument.text) : argument.text;
  }
  return text;
}

std::string shown_address(std::string_view address) {
  if (address.starts_with("http://") || address.starts_with("https://")) return mask_credentials(address).text;
  return shown_command(words_of(address));
}

}  // namespace callgate::config
