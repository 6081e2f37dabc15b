#include "admin/target.hpp"

#include <algorithm>
#include <charconv>

namespace callgate::admin {
namespace {

Result<std::string> decoded_part(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = static_cast<unsigned char>(text[i]);
    if (c == '%') {
      const std::string_view hex = text.substr(std::min(i + 1, text.size()), 2);
      const auto [end, fault] = std::from_chars(hex.data(), hex.data() + hex.size(), c, 16);
      if (hex.size() != 2 || fault != std::errc() || end != hex.data() + 2) {
        return fail(ErrorKind::invalid, "a `%` in the target is not followed by two hex digits");
      }
      i += 2;
      if (c == '/') return fail(ErrorKind::invalid, "a `%2f` in the target hides a slash");
    }
    if (c < 0x20 || c == 0x7f) return fail(ErrorKind::invalid, "the target holds a control character");
    out += static_cast<char>(c);
  }
  return out;
}

Result<std::vector<std::string>> read_path(std::string_view path) {
  std::vector<std::string> out;
  if (path == "/") return out;
  while (!path.empty()) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    Result<std::string> segment = decoded_part(path.substr(0, end));
    if (!segment) return std::unexpected(segment.error());
    if (segment->empty() || *segment == "." || *segment == "..") {
      return fail(ErrorKind::invalid, "the target has an empty or dot segment");
    }
    out.push_back(std::move(*segment));
    path.remove_prefix(end);
  }
  return out;
}

Result<void> read_query(std::string_view query, std::vector<std::pair<std::string, std::string>>& out) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    Result<std::string> key = decoded_part(pair.substr(0, equals));
    Result<std::string> value = decoded_part(pair.substr(std::min(equals + 1, pair.size())));
    if (!key || !value) return std::unexpected(key ? value.error() : key.error());
    if (std::ranges::any_of(out, [&](const auto& each) { return each.first == *key; })) {
      return fail(ErrorKind::invalid, "the query says `" + *key + "` twice");
    }
    out.emplace_back(std::move(*key), std::move(*value));
  }
  return {};
}

}  // namespace

Result<Target> read_target(std::string_view target) {
  if (!target.starts_with('/')) return fail(ErrorKind::invalid, "the target must be a path that starts with a slash");
  const std::size_t mark = std::min(target.find('?'), target.size());
  Result<std::vector<std::string>> path = read_path(target.substr(0, mark));
  if (!path) return std::unexpected(path.error());

  Target out{.path = std::move(*path), .query = {}};
  if (Result<void> read = read_query(target.substr(std::min(mark + 1, target.size())), out.query); !read) {
    return std::unexpected(read.error());
  }
  return out;
}

}  // namespace callgate::admin
