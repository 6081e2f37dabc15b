#include "policy/resource_uri.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <vector>

#include "policy/utf8.hpp"

namespace callgate::policy {
namespace {

constexpr std::size_t longest_uri = 65'536;

char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char s = small(c);
  return s >= 'a' && s <= 'f' ? s - 'a' + 10 : -1;
}

/// Decodes `%XX`; a `%` that starts no escape stands for itself, as servers read it.
std::string decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
    } else {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// Escapes that are still there after decoding and would make a segment end or a dot.
bool hides_path_twice(std::string_view decoded_once) {
  for (std::size_t i = decoded_once.find('%'); i != std::string_view::npos; i = decoded_once.find('%', i + 1)) {
    std::string escape(decoded_once.substr(i + 1, 2));
    std::ranges::transform(escape, escape.begin(), small);
    if (escape == "2e" || escape == "2f" || escape == "5c") return true;
  }
  return false;
}

bool is_slash(char c) { return c == '/' || c == '\\'; }

/// A `..` (with `single`, also a `.`) that is a whole segment to a server for which `\` is a separator too.
bool has_dot_segment(std::string_view text, std::string_view single) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && !is_slash(text[i])) continue;
    const std::string_view segment = text.substr(begin, i - begin);
    if (segment == ".." || (!single.empty() && segment == single)) return true;
    begin = i + 1;
  }
  return false;
}

/// RFC 3986 section 5.2.4, for a path without escapes.
std::string without_dot_segments(std::string_view path) {
  std::vector<std::string_view> kept;
  const bool rooted = path.starts_with('/');
  bool ends_open = false;  // the path ends in a directory
  std::size_t begin = rooted ? 1 : 0;
  while (begin <= path.size()) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    ends_open = segment == "." || segment == "..";
    if (segment == "..") {
      if (!kept.empty()) kept.pop_back();
    } else if (segment != ".") {
      kept.push_back(segment);
    }
    begin = end + 1;
  }
  if (ends_open) kept.emplace_back();
  std::string out = rooted ? "/" : "";
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (i > 0) out += '/';
    out += kept[i];
  }
  return out;
}

/// `scheme:` at the start, or nothing (RFC 3986 section 3.1).
std::size_t scheme_size(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  if (colon == std::string_view::npos || colon == 0) return 0;
  const bool letters = std::ranges::all_of(uri.substr(0, colon), [](char c) {
    return (small(c) >= 'a' && small(c) <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
  return letters && small(uri[0]) >= 'a' && small(uri[0]) <= 'z' ? colon : 0;
}

/// The parts of an address; `rest` is what follows the path.
struct Parts {
  std::string scheme;  ///< with its colon; empty where there is none
  std::string authority;  ///< with its `//`; empty where there is none
  std::string_view path;
  std::string_view rest;
};

Parts split(std::string_view uri, std::string_view ends_of_path) {
  static constexpr std::array<std::string_view, 6> hosts_fold = {"http:", "https:", "ws:", "wss:", "ftp:", "file:"};
  Parts parts;
  if (const std::size_t size = scheme_size(uri); size > 0) {
    parts.scheme = uri.substr(0, size + 1);
    std::ranges::transform(parts.scheme, parts.scheme.begin(), small);
    uri.remove_prefix(size + 1);
  }
  const std::size_t end = std::min(uri.find_first_of(ends_of_path), uri.size());
  parts.rest = uri.substr(end);
  uri = uri.substr(0, end);
  if (!parts.scheme.empty() && uri.starts_with("//")) {
    const std::size_t slash = std::min(uri.find('/', 2), uri.size());
    parts.authority = decoded(uri.substr(0, slash));
    if (std::ranges::find(hosts_fold, parts.scheme) != hosts_fold.end()) {
      std::ranges::transform(parts.authority, parts.authority.begin(), small);
    }
    uri.remove_prefix(slash);
  }
  parts.path = uri;
  return parts;
}

void join_slashes(std::string& path) {
  path.erase(std::unique(path.begin(), path.end(), [](char a, char b) { return a == '/' && b == '/'; }), path.end());
}

std::optional<std::string> normal(std::string_view uri, std::string_view ends_of_path) {
  if (uri.empty() || uri.size() > longest_uri) return std::nullopt;
  Parts parts = split(uri, ends_of_path);
  std::string path = decoded(parts.path);
  const std::string rest = decoded(parts.rest);
  if (path.find('\\') != std::string::npos && has_dot_segment(path, ".")) return std::nullopt;
  // A decoded `/` or dot segment in the host would be path to one reader and host to another.
  if (parts.authority.size() > 2 && parts.authority.find_first_of("/\\?#", 2) != std::string::npos) return std::nullopt;
  if (has_dot_segment(rest, "")) return std::nullopt;

  const bool file = parts.scheme == "file:";
  if (file) join_slashes(path);
  path = without_dot_segments(path);
  if (file && (parts.authority == "//localhost" || (parts.authority.empty() && path.starts_with('/')))) parts.authority = "//";
  std::string out = parts.scheme + parts.authority + path + rest;
  if (has_control_characters(out) || !is_utf8(out) || hides_path_twice(out)) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::string> normal_uri(std::string_view uri) { return normal(uri, "?#"); }

std::optional<std::string> normal_uri_key(std::string_view key) { return normal(key, ""); }

std::string_view without_fragment(std::string_view normal) {
  return normal.substr(0, normal.find_first_of(normal.starts_with("file:") ? "?#" : "#"));
}

}  // namespace callgate::policy
