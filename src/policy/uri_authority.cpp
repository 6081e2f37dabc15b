#include "policy/uri_authority.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "policy/percent.hpp"

namespace callgate::policy {
namespace {

struct Special {
  std::string_view scheme;
  std::string_view port;  ///< that readers leave out
};
constexpr std::array<Special, 6> specials = {{
    {"http:", "80"}, {"https:", "443"}, {"ws:", "80"}, {"wss:", "443"}, {"ftp:", "21"}, {"file:", ""}}};

const Special* special(std::string_view scheme) {
  const auto* found = std::ranges::find(specials, scheme, &Special::scheme);
  return found == specials.end() ? nullptr : found;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) { return !text.empty() && std::ranges::all_of(text, is_digit); }
bool has_leading_zero(std::string_view number) { return number.size() > 1 && number.front() == '0'; }

/// One of the eight numbers of an IPv6 address, as RFC 5952 writes it.
bool is_plain_group(std::string_view group) {
  return !group.empty() && group.size() <= 4 && !has_leading_zero(group) &&
         std::ranges::all_of(group, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

/// Counts the groups of one side of a `::`, or says −1. `zeros` becomes the
/// longest run of groups that are zero.
int count_groups(std::string_view side, int& zeros) {
  int count = 0;
  int run = 0;
  while (!side.empty()) {
    const std::size_t end = std::min(side.find(':'), side.size());
    if (!is_plain_group(side.substr(0, end)) || end + 1 == side.size()) return -1;
    run = side.substr(0, end) == "0" ? run + 1 : 0;
    zeros = std::max(zeros, run);
    ++count;
    side.remove_prefix(std::min(end + 1, side.size()));
  }
  return count;
}

/// RFC 5952: small letters, no leading zeros, the first longest run of zeros shortened.
bool is_plain_ipv6(std::string_view text) {
  const std::size_t gap = text.find("::");
  int before_zeros = 0;
  int after_zeros = 0;
  const int before = count_groups(text.substr(0, gap), before_zeros);
  if (gap == std::string_view::npos) return before == 8 && before_zeros < 2;
  const int after = count_groups(text.substr(gap + 2), after_zeros);
  if (before < 0 || after < 0) return false;
  // A zero beside the gap belongs into it.
  const std::string_view left = text.substr(0, gap);
  const std::string_view right = text.substr(gap + 2);
  if (left == "0" || left.ends_with(":0") || right == "0" || right.starts_with("0:")) return false;
  const int shortened = 8 - before - after;
  return shortened >= 2 && before_zeros < shortened && after_zeros <= shortened;
}

bool is_ipv4(std::string_view host) {
  int parts = 0;
  for (; !host.empty(); ++parts) {
    const std::size_t end = std::min(host.find('.'), host.size());
    const std::string_view part = host.substr(0, end);
    if (!all_digits(part) || part.size() > 3 || has_leading_zero(part) || (part.size() == 3 && part > "255")) return false;
    host.remove_prefix(std::min(end + 1, host.size()));
  }
  return parts == 4;
}

/// URL Standard, "ends in a number": such a host is an IPv4 address in some spelling, or none at all.
bool ends_in_number(std::string_view host) {
  const std::size_t dot = host.rfind('.');
  std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  if (all_digits(last)) return true;
  if (!last.starts_with("0x")) return false;
  last.remove_prefix(2);
  return std::ranges::all_of(last, [](char c) { return hex_digit(c) >= 0; });
}

/// Characters that no reader maps to others.
bool is_plain_text(std::string_view host) {
  return host.find_first_of("%<>^|\\@") == std::string_view::npos &&
         std::ranges::all_of(host, [](char c) { return c > ' ' && c < 0x7f; });
}

/// A host in small letters that every reader takes for the same one.
bool is_plain_host(std::string_view host) {
  if (host.starts_with('[')) return host.size() > 2 && host.ends_with(']') && is_plain_ipv6(host.substr(1, host.size() - 2));
  if (!is_plain_text(host) || host.find_first_of("[]:") != std::string_view::npos) return false;
  if (host.starts_with('.') || host.ends_with('.') || host.find("..") != std::string_view::npos) return false;
  return !ends_in_number(host) || is_ipv4(host);
}

struct HostAndPort {
  std::string_view host;
  std::optional<std::string_view> port;
};

HostAndPort host_and_port(std::string_view text) {
  const std::size_t bracket = text.starts_with('[') ? std::min(text.find(']'), text.size()) : 0;
  const std::size_t colon = text.find(':', bracket);
  if (colon == std::string_view::npos) return {.host = text, .port = std::nullopt};
  return {.host = text.substr(0, colon), .port = text.substr(colon + 1)};
}

std::optional<std::string> normal_special(const Special& scheme, std::string_view authority, Spelling spelling) {
  std::string folded(authority);
  std::ranges::transform(folded, folded.begin(), small);
  auto [host, port] = host_and_port(folded);
  if (port && (scheme.port.empty() || (all_digits(*port) && has_leading_zero(*port)))) return std::nullopt;
  if (port && !port->empty() && !all_digits(*port) && !has_wildcard(*port, spelling)) return std::nullopt;
  if (host.empty()) return scheme.port.empty() ? std::optional<std::string>("") : std::nullopt;
  if (!(has_wildcard(host, spelling) ? is_plain_text(host) : is_plain_host(host))) return std::nullopt;
  if (scheme.port.empty() && host == "localhost") return "";
  if (!port || port->empty() || *port == scheme.port) return std::string(host);
  return folded;
}

std::optional<std::string> normal_other(std::string_view authority, Spelling spelling) {
  std::string text = decoded(authority);
  const auto separates = [](char c) { return std::string_view("@:[]/\\?#").contains(c); };
  if (std::ranges::count_if(text, separates) != std::ranges::count_if(authority, separates)) return std::nullopt;
  if (text.find('\\') != std::string::npos) return std::nullopt;
  std::string_view rest = text;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    const std::string_view user = rest.substr(0, at);
    rest.remove_prefix(at + 1);
    if (user.empty() || user.ends_with(':') || std::ranges::count(user, ':') > 1 || rest.contains('@')) return std::nullopt;
  }
  if (has_wildcard(rest, spelling)) return text;
  if (rest.starts_with('[') && !is_plain_host(host_and_port(rest).host)) return std::nullopt;
  const std::size_t colon = rest.ends_with(']') ? std::string_view::npos : rest.rfind(':');
  if (colon == std::string_view::npos) return text;
  const std::string_view port = rest.substr(colon + 1);
  if (port.empty() || (all_digits(port) && has_leading_zero(port))) return std::nullopt;
  return text;
}

}  // namespace

bool is_special(std::string_view scheme) { return special(scheme) != nullptr; }

bool has_wildcard(std::string_view text, Spelling spelling) {
  return spelling == Spelling::key && text.find_first_of("*?") != std::string_view::npos;
}

std::optional<std::string> normal_authority(std::string_view scheme, std::string_view authority, Spelling spelling) {
  const Special* rules = special(scheme);
  return rules != nullptr ? normal_special(*rules, authority, spelling) : normal_other(authority, spelling);
}

}  // namespace callgate::policy
