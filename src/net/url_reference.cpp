#include "net/url_reference.hpp"

#include <algorithm>
#include <vector>

#include "net/headers.hpp"

namespace callgate::net {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// `scheme:` at its begin (RFC 3986 section 3.1).
bool has_scheme(std::string_view text) {
  const std::size_t end = text.find_first_of(":/?");
  if (end == std::string_view::npos || text[end] != ':' || end == 0 || !is_letter(text.front())) return false;
  return std::ranges::all_of(text.substr(0, end), [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'; });
}

/// Takes `.` and `..` out of a path that begins with a slash (RFC 3986 section 5.2.4).
std::string without_dots(std::string_view path) {
  std::vector<std::string_view> kept;
  bool open = false;  // the path ends with a slash
  for (std::size_t at = 1; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view segment = path.substr(at, end - at);
    const bool dots = segment == "." || segment == "..";
    if (segment == ".." && !kept.empty()) kept.pop_back();
    if (!dots) kept.push_back(segment);
    open = dots && end == path.size();
    at = end + 1;
  }
  std::string clean;
  for (const std::string_view segment : kept) (clean += '/') += segment;
  return open || clean.empty() ? clean + '/' : clean;
}

Result<std::string> target_of(const Url& base, std::string_view address) {
  auto url = Url::parse(address);
  if (!url) return std::unexpected(url.error());
  if (url->tls != base.tls || url->port != base.port || !same_name(url->host, base.host)) return fail(ErrorKind::refused, "it leads to another origin");
  return std::move(url->target);
}

}  // namespace

Result<std::string> target_from(const Url& base, std::string_view reference) {
  if (reference.empty()) return fail(ErrorKind::invalid, "it is empty");
  if (reference.size() > max_reference_bytes) return fail(ErrorKind::invalid, "it is too long");
  if (std::ranges::any_of(reference, [](char c) { return c <= 0x20 || c >= 0x7f || c == '#' || c == '\\'; }))
    return fail(ErrorKind::invalid, "it holds a character that an address may not have");
  if (has_scheme(reference)) return target_of(base, reference);
  if (reference.starts_with("//")) return target_of(base, std::string(base.tls ? "https:" : "http:").append(reference));
  const std::string_view path_here = std::string_view(base.target).substr(0, base.target.find('?'));
  if (reference.starts_with('?')) return std::string(path_here).append(reference);
  const std::size_t query = std::min(reference.find('?'), reference.size());
  const std::string path = reference.starts_with('/') ? std::string() : std::string(path_here.substr(0, path_here.rfind('/') + 1));
  return without_dots(path + std::string(reference.substr(0, query))).append(reference.substr(query));
}

}  // namespace callgate::net
