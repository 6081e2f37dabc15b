#include "aggregate/books.hpp"

#include <fmt/format.h>

namespace callgate::aggregate {

namespace {

/// The part in front of the first expression.
std::string_view literal_start(std::string_view uri_template) { return uri_template.substr(0, uri_template.find('{')); }

}  // namespace

bool may_come_of(std::string_view uri, std::string_view uri_template) {
  bool first = true;
  for (;;) {
    const std::size_t open = uri_template.find('{');
    const std::string_view literal = uri_template.substr(0, open);
    if (open == std::string_view::npos) return first ? uri == literal : uri.ends_with(literal);
    const std::size_t at = first ? (uri.starts_with(literal) ? 0 : std::string_view::npos) : uri.find(literal);
    if (at == std::string_view::npos) return false;
    uri.remove_prefix(at + literal.size());
    const std::size_t close = uri_template.find('}', open);
    if (close == std::string_view::npos) return false;
    uri_template.remove_prefix(close + 1);
    first = false;
  }
}

std::string UriBook::show(Holders& holders, std::string_view server, std::string_view slug, std::string_view text) {
  const auto wrapped = [&] { return fmt::format("{}{}/{}", scheme, slug, text); };
  // A server's own must not pass for what is wrapped.
  if (text.starts_with(scheme)) return wrapped();
  const auto found = holders.find(text);
  if (found != holders.end()) return found->second == server ? std::string(text) : wrapped();
  if (holders.size() >= most) return wrapped();
  holders.emplace(text, server);
  return std::string(text);
}

std::string UriBook::shown(std::string_view server, std::string_view slug, std::string_view uri) {
  if (!wrapped_.empty() && wrapped_.contains(fmt::format("{}\n{}", server, uri))) return fmt::format("{}{}/{}", scheme, slug, uri);
  return show(uris_, server, slug, uri);
}

void UriBook::keep_wrapped(std::string_view server, std::string_view uri) {
  const auto holder = uris_.find(uri);
  const bool holds = holder != uris_.end() && holder->second == server;
  if (!holds && wrapped_.size() < most) wrapped_.insert(fmt::format("{}\n{}", server, uri));
}

std::string UriBook::shown_template(std::string_view server, std::string_view slug, std::string_view uri_template) {
  return show(templates_, server, slug, uri_template);
}

std::optional<std::string> UriBook::server_of(std::string_view uri) const {
  if (const auto found = uris_.find(uri); found != uris_.end()) return found->second;
  // A template as such is named where one of its variables is completed.
  if (const auto found = templates_.find(uri); found != templates_.end()) return found->second;
  const std::string* best = nullptr;
  std::size_t longest = 0;
  for (const auto& [each, server] : templates_) {
    const std::size_t literal = literal_start(each).size();
    if (!may_come_of(uri, each) || (best != nullptr && literal <= longest)) continue;
    best = &server;
    longest = literal;
  }
  return best != nullptr ? std::optional(*best) : std::nullopt;
}

std::optional<UriBook::Wrapped> UriBook::unwrap(std::string_view uri) {
  if (!uri.starts_with(scheme)) return std::nullopt;
  uri.remove_prefix(scheme.size());
  const std::size_t slash = uri.find('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  return Wrapped{.slug = uri.substr(0, slash), .uri = uri.substr(slash + 1)};
}

}  // namespace callgate::aggregate
