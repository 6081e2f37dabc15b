#include "schema/uri.hpp"

#include <optional>

namespace callgate::schema {
namespace {

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 && hex_digit(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

/// The five parts of RFC 3986 section 3, as they stand in the text.
struct Parts {
  std::optional<std::string_view> scheme;
  std::optional<std::string_view> authority;
  std::string_view path;
  std::optional<std::string_view> query;
  std::optional<std::string_view> fragment;
};

std::size_t scheme_length(std::string_view text) {
  if (text.empty() || !is_alpha(text[0])) return 0;
  std::size_t n = 1;
  while (n < text.size() &&
         (is_alpha(text[n]) || is_digit(text[n]) || text[n] == '+' || text[n] == '-' || text[n] == '.'))
    ++n;
  return n < text.size() && text[n] == ':' ? n : 0;
}

Parts split(std::string_view text) {
  Parts parts;
  if (const std::size_t n = text.find('#'); n != std::string_view::npos) {
    parts.fragment = text.substr(n + 1);
    text = text.substr(0, n);
  }
  if (const std::size_t n = text.find('?'); n != std::string_view::npos) {
    parts.query = text.substr(n + 1);
    text = text.substr(0, n);
  }
  if (const std::size_t n = scheme_length(text); n != 0) {
    parts.scheme = text.substr(0, n);
    text.remove_prefix(n + 1);
  }
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    const std::size_t n = text.find('/');
    parts.authority = text.substr(0, n);
    text = n == std::string_view::npos ? std::string_view() : text.substr(n);
  }
  parts.path = text;
  return parts;
}

/// RFC 3986 section 5.2.4.
std::string without_dot_segments(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    if (path.starts_with("../")) {
      path.remove_prefix(3);
    } else if (path.starts_with("./") || path.starts_with("/./")) {
      path.remove_prefix(2);
    } else if (path == "/." || path == "/..") {
      if (path == "/..") out.erase(out.rfind('/') == std::string::npos ? 0 : out.rfind('/'));
      out += '/';
      path = {};
    } else if (path.starts_with("/../")) {
      path.remove_prefix(3);
      out.erase(out.rfind('/') == std::string::npos ? 0 : out.rfind('/'));
    } else if (path == "." || path == "..") {
      path = {};
    } else {
      const std::size_t n = path.find('/', 1);
      out += path.substr(0, n);
      path = n == std::string_view::npos ? std::string_view() : path.substr(n);
    }
  }
  return out;
}

std::string merged(const Parts& base, std::string_view path) {
  if (base.authority && base.path.empty()) return "/" + std::string(path);
  const std::size_t n = base.path.rfind('/');
  return std::string(n == std::string_view::npos ? std::string_view() : base.path.substr(0, n + 1)) + std::string(path);
}

std::string joined(const Parts& parts, std::string_view path) {
  std::string out;
  if (parts.scheme) out.append(*parts.scheme).append(1, ':');
  if (parts.authority) out.append("//").append(*parts.authority);
  out.append(path);
  if (parts.query) out.append(1, '?').append(*parts.query);
  return out;
}

}  // namespace

Address resolve(std::string_view base, std::string_view reference) {
  const Parts own = split(reference);
  Address address{.resource = {}, .fragment = percent_decoded(own.fragment.value_or(""))};
  const Parts from = split(base);
  Parts target = own;
  if (own.scheme) {
    address.resource = joined(target, without_dot_segments(own.path));
    return address;
  }
  target.scheme = from.scheme;
  if (own.authority) {
    address.resource = joined(target, without_dot_segments(own.path));
    return address;
  }
  target.authority = from.authority;
  if (own.path.empty()) {
    if (!own.query) target.query = from.query;
    address.resource = joined(target, from.path);
    return address;
  }
  const std::string path = own.path.starts_with('/') ? std::string(own.path) : merged(from, own.path);
  address.resource = joined(target, without_dot_segments(path));
  return address;
}

}  // namespace callgate::schema
