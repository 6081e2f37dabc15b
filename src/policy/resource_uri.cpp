#include "policy/resource_uri.hpp"

#include <algorithm>
#include <cstddef>

#include "base/utf8.hpp"
#include "policy/percent.hpp"
#include "policy/uri_authority.hpp"

namespace callgate::policy {
namespace {

constexpr std::size_t longest_uri = 65'536;

bool is_letter(char c) { return small(c) >= 'a' && small(c) <= 'z'; }

bool has_control_characters(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// Readers that trim would read another address, some after leaving out an empty query or fragment.
bool has_blank_edge(std::string_view text) {
  while (text.ends_with('?') || text.ends_with('#')) text.remove_suffix(1);
  return text.starts_with(' ') || text.ends_with(' ');
}

/// A `..` (with `single`, also a `.`) that is a whole segment to a server for which all of `separators` end one.
bool has_dot_segment(std::string_view text, std::string_view single, std::string_view separators = "/\\") {
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find_first_of(separators, begin), text.size());
    const std::string_view segment = text.substr(begin, end - begin);
    if (segment == ".." || (!single.empty() && segment == single)) return true;
    begin = end + 1;
  }
  return false;
}

/// Whether a segment begins like a drive of Windows: `C:` or `C|`.
bool has_drive(std::string_view path) {
  for (std::size_t at = path.find('/'); at != std::string_view::npos; at = path.find('/', at + 1)) {
    const std::string_view segment = path.substr(at + 1, path.find('/', at + 1) - at - 1);
    if (segment.size() >= 2 && is_letter(segment[0]) && (segment[1] == ':' || segment[1] == '|')) return true;
  }
  return false;
}

/// Whether a `..` goes beyond the root, where readers of unknown schemes disagree.
bool climbs_out(std::string_view path) {
  int depth = 0;
  for (std::size_t begin = 1; begin <= path.size() && depth >= 0;) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment != ".") depth += segment == ".." ? -1 : 1;
    begin = end + 1;
  }
  return depth < 0;
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
    return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
  });
  return letters && is_letter(uri[0]) ? colon + 1 : 0;
}

/// The parts of an address, as written but for the scheme.
struct Parts {
  std::string scheme;                         ///< small, with its colon; empty where there is none
  std::optional<std::string_view> authority;  ///< what stands between `//` and the path
  std::string_view path;
  std::string_view rest;                      ///< what follows the path
};

Parts split(std::string_view uri, Spelling spelling) {
  Parts parts;
  const std::size_t scheme = scheme_size(uri);
  parts.scheme = uri.substr(0, scheme);
  std::ranges::transform(parts.scheme, parts.scheme.begin(), small);
  uri.remove_prefix(scheme);
  const std::size_t end = std::min(uri.find_first_of(spelling == Spelling::key ? "#" : "?#"), uri.size());
  parts.rest = uri.substr(end);
  uri = uri.substr(0, end);
  if (scheme > 0 && uri.starts_with("//")) {
    const std::size_t slash = std::min(uri.find('/', 2), uri.size());
    parts.authority = uri.substr(2, slash - 2);
    uri.remove_prefix(slash);
  }
  parts.path = uri;
  return parts;
}

/// A key such as `http:*`, which leaves open what follows the scheme.
bool is_open_key(const Parts& parts, Spelling spelling) {
  return !parts.authority && (has_wildcard(parts.path.substr(0, 1), spelling) ||
                              (parts.path.starts_with('/') && has_wildcard(parts.path.substr(1, 1), spelling)));
}

/// URL readers add the slashes that a special scheme lacks, each in its own way; `file:/x` alone has one meaning.
bool begins_plainly(const Parts& parts, Spelling spelling) {
  if (!is_special(parts.scheme)) return true;
  if (parts.authority) return true;
  if (is_open_key(parts, spelling)) return !has_dot_segment(decoded(parts.path), ".");
  return parts.scheme == "file:" && parts.path.starts_with('/');
}

/// Whether escapes hide what ends a segment or the path.
bool hides_separators(std::string_view written, std::string_view path) {
  const auto separates = [](char c) { return std::string_view("/?#").contains(c); };
  return std::ranges::count_if(written, separates) != std::ranges::count_if(path, separates);
}

/// A path whose dot segments some readers would resolve against other segments than we.
bool resolves_differently(const Parts& parts, std::string_view path) {
  if (hides_separators(parts.path, path)) return has_dot_segment(path, ".", "/\\?#");
  if (!has_dot_segment(path, ".")) return false;
  // Without a `/` it is opaque to URL readers; `..` does not leave a drive of Windows, to some in any scheme.
  if (path.contains('\\') || !path.starts_with('/') || has_drive(path)) return true;
  if (parts.scheme == "file:") return path.contains("//");  // files have no empty segments
  return !is_special(parts.scheme) && climbs_out(path);
}

/// A drive of Windows, which some readers write with `:` and some without the host before it.
bool is_odd_drive(std::string_view path, std::string_view host) {
  return has_drive(path.substr(0, path.find('/', 1))) && (path[2] == '|' || !host.empty());
}

void join_slashes(std::string& path) {
  path.erase(std::unique(path.begin(), path.end(), [](char a, char b) { return a == '/' && b == '/'; }), path.end());
}

std::optional<std::string> normal_path(const Parts& parts, std::string_view authority, Spelling spelling) {
  std::string path = decoded(parts.path);
  if (path.starts_with('/') != parts.path.starts_with('/') || resolves_differently(parts, path)) return std::nullopt;
  if (is_special(parts.scheme) && path.contains('\\')) return std::nullopt;
  const bool file = parts.scheme == "file:";
  if (file) join_slashes(path);
  path = without_dot_segments(path);
  if (file && is_odd_drive(path, authority)) return std::nullopt;
  // With no host before it, `//` would begin one.
  if (!file && !parts.authority && path.starts_with("//")) return std::nullopt;
  if (path.empty() && parts.authority && is_special(parts.scheme) && !has_wildcard(*parts.authority, spelling)) path = "/";
  return path;
}

std::optional<std::string> normal(std::string_view uri, Spelling spelling) {
  if (uri.empty() || uri.size() > longest_uri || has_blank_edge(uri)) return std::nullopt;
  const Parts parts = split(uri, spelling);
  const std::string plain = decoded(uri);
  if (has_control_characters(plain) || (parts.scheme.empty() && scheme_size(plain) > 0)) return std::nullopt;
  if (!begins_plainly(parts, spelling) || (is_special(parts.scheme) && uri.contains('\\'))) return std::nullopt;

  const auto authority = parts.authority ? normal_authority(parts.scheme, *parts.authority, spelling) : std::string();
  if (!authority) return std::nullopt;
  const auto path = normal_path(parts, *authority, spelling);
  const std::string rest = decoded(parts.rest);
  if (!path || has_dot_segment(rest, "")) return std::nullopt;
  const bool slashes = parts.authority || (parts.scheme == "file:" && path->starts_with('/'));
  std::string out = parts.scheme + (slashes ? "//" : "") + *authority + *path + rest;
  // An escape that is left says another thing to a server that decodes once more.
  if (has_blank_edge(out) || has_blank_edge(without_fragment(out)) || has_escape(out) || !is_utf8(out)) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::string> normal_uri(std::string_view uri) { return normal(uri, Spelling::address); }

std::optional<std::string> normal_uri_key(std::string_view key) { return normal(key, Spelling::key); }

std::string_view without_fragment(std::string_view normal) {
  if (normal.starts_with("file:")) return normal.substr(0, normal.find_first_of("?#"));
  normal = normal.substr(0, normal.find('#'));
  return normal.ends_with('?') ? normal.substr(0, normal.size() - 1) : normal;
}

std::vector<std::string> other_readings(std::string_view normal) {
  std::vector<std::string> readings;
  const std::string_view bare = without_fragment(normal);
  const std::size_t after_scheme = scheme_size(normal);
  const std::string scheme(normal.substr(0, after_scheme));
  if (bare.size() != normal.size()) readings.emplace_back(bare);
  for (std::string_view whole : {normal, bare}) {
    whole.remove_prefix(after_scheme);
    if (whole.starts_with("//")) {
      const std::string_view after = whole.substr(2);
      const std::size_t path = std::min(after.find_first_of("/?#"), after.size());
      if (scheme == "file:" && path > 0) {
        readings.push_back(scheme + "//" + std::string(after.substr(path)));
        readings.push_back(scheme + "///" + std::string(after));
      } else if (!is_special(scheme) && path == 0) {
        readings.push_back(scheme + std::string(after));
      }
    } else if (after_scheme > 0 && whole.starts_with('/')) {
      readings.push_back(scheme + "//" + std::string(whole));
    }
    if (bare.size() == normal.size()) break;
  }
  return readings;
}

}  // namespace callgate::policy
