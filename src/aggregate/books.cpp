#include "aggregate/books.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "aggregate/names.hpp"
#include "mcp/requests.hpp"

namespace callgate::aggregate {

namespace {

/// The part in front of the first expression.
std::string_view literal_start(std::string_view uri_template) { return uri_template.substr(0, uri_template.find('{')); }

/// Searched for in linear time: both texts are strangers'.
std::size_t find_in(std::string_view text, std::string_view part) {
  if (part.empty()) return 0;
  const void* found = memmem(text.data(), text.size(), part.data(), part.size());
  return found == nullptr ? std::string_view::npos : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

std::string wrapped_form(std::string_view slug, std::string_view text) { return fmt::format("{}{}/{}", UriBook::scheme, slug, text); }
std::string line_of(std::string_view server, std::string_view uri) { return fmt::format("{}\n{}", server, uri); }

}  // namespace

bool Room::has(std::string_view whose, std::size_t bytes) const {
  const auto found = of_one_.find(whose);
  const std::size_t own = found == of_one_.end() ? 0 : found->second;
  return taken_ + bytes + beside <= most_ && own + bytes + beside <= most_of_one_;
}

bool Room::take(std::string_view whose, std::size_t bytes) {
  if (!has(whose, bytes)) return false;
  taken_ += bytes + beside;
  of_one_[std::string(whose)] += bytes + beside;
  return true;
}

void Room::give_back(std::string_view whose, std::size_t bytes) {
  const auto found = of_one_.find(whose);
  if (found == of_one_.end()) return;
  taken_ -= bytes;
  found->second -= bytes;
  if (found->second == 0) of_one_.erase(found);
}

bool BookRoom::take(std::string_view server, std::size_t bytes) {
  if (!has(server, bytes) || !room_.take(server, bytes)) return false;
  return !shelf_ || shelf_->take(whose_, bytes);
}

bool may_come_of(std::string_view uri, std::string_view uri_template, Steps& steps) {
  bool first = true;
  for (;;) {
    const std::size_t open = uri_template.find('{');
    const std::string_view literal = uri_template.substr(0, open);
    const bool searches = !first && open != std::string_view::npos;
    // A search costs more than a look at the beginning or the end.
    if (!steps.take(searches ? 4 + (uri.size() + literal.size()) / 16 : 1 + std::min(uri.size(), literal.size()) / 64)) return true;
    if (open == std::string_view::npos) return first ? uri == literal : uri.ends_with(literal);
    const std::size_t at = first ? (uri.starts_with(literal) ? 0 : std::string_view::npos) : find_in(uri, literal);
    if (at == std::string_view::npos) return false;
    uri.remove_prefix(at + literal.size());
    const std::size_t close = uri_template.find('}', open);
    if (close == std::string_view::npos) return false;
    uri_template.remove_prefix(close + 1);
    first = false;
  }
}

bool UriBook::may_be_anothers(std::string_view server, std::string_view uri, Steps& steps) const {
  return std::ranges::any_of(templates_, [&](const auto& of) {
    return of.first != server && std::ranges::any_of(of.second, [&](const std::string& each) { return may_come_of(uri, each, steps); });
  });
}

std::string UriBook::shown(std::string_view server, std::string_view slug, std::string_view uri, Steps& steps) {
  // A server's own must not pass for what is wrapped, and what no request could name is not kept.
  if (uri.starts_with(scheme) || uri.size() > mcp::max_uri_bytes) return wrapped_form(slug, uri);
  if (!wrapped_.empty() && wrapped_.contains(line_of(server, uri))) return wrapped_form(slug, uri);
  if (const auto found = uris_.find(uri); found != uris_.end()) return found->second == server ? std::string(uri) : wrapped_form(slug, uri);
  if (!room_.has(server, uri.size()) || may_be_anothers(server, uri, steps) || !room_.take(server, uri.size())) return wrapped_form(slug, uri);
  uris_.emplace(uri, server);
  return std::string(uri);
}

void UriBook::keep_wrapped(std::string_view server, std::string_view uri) {
  const auto holder = uris_.find(uri);
  if (uri.size() > mcp::max_uri_bytes || (holder != uris_.end() && holder->second == server)) return;
  std::string line = line_of(server, uri);
  if (!wrapped_.contains(line) && room_.take(server, line.size())) wrapped_.insert(std::move(line));
}

std::string UriBook::shown_template(std::string_view server, std::string_view slug, std::string_view uri_template) {
  // One that begins with no scheme could mean everybody's URIs; one of many parts is dear to hold URIs against.
  const bool is_dear = uri_template.size() > longest_template || std::ranges::count(uri_template, '{') > static_cast<std::ptrdiff_t>(most_expressions);
  if (uri_template.starts_with(scheme) || is_dear || !literal_start(uri_template).contains(':')) return wrapped_form(slug, uri_template);
  for (const auto& [holder, texts] : templates_) {
    if (texts.contains(uri_template)) return holder == server ? std::string(uri_template) : wrapped_form(slug, uri_template);
  }
  auto& own = templates_[std::string(server)];
  if (own.size() >= most_templates_of_one || !room_.take(server, uri_template.size())) return wrapped_form(slug, uri_template);
  own.emplace(uri_template);
  return std::string(uri_template);
}

std::optional<std::string> UriBook::server_of(std::string_view uri) const {
  if (const auto found = uris_.find(uri); found != uris_.end()) return found->second;
  const std::string* one = nullptr;
  // A template as such is named where one of its variables is completed.
  const auto named = std::ranges::find_if(templates_, [uri](const auto& of) { return of.second.contains(uri); });
  if (named != templates_.end()) return named->first;
  Steps steps(UriBook::most_steps);
  for (const auto& [server, texts] : templates_) {
    if (std::ranges::none_of(texts, [&](const std::string& each) { return may_come_of(uri, each, steps); })) continue;
    // Where it could not be looked through, it may be anybody's.
    if (one != nullptr || steps.used_up()) return std::nullopt;
    one = &server;
  }
  return one != nullptr ? std::optional(*one) : std::nullopt;
}

std::optional<UriBook::Wrapped> UriBook::unwrap(std::string_view uri) {
  if (!uri.starts_with(scheme)) return std::nullopt;
  uri.remove_prefix(scheme.size());
  const std::size_t slash = uri.find('/');
  if (slash == std::string_view::npos || slash == 0) return std::nullopt;
  return Wrapped{.slug = uri.substr(0, slash), .uri = uri.substr(slash + 1)};
}

void CutNames::remember(const std::string& shown, std::string_view name) {
  if (name.size() > mcp::max_prompt_name_bytes || names_.contains(shown)) return;
  const auto split = split_name(shown);
  if (split && room_.take(split->slug, shown.size() + name.size())) names_.emplace(shown, name);
}

}  // namespace callgate::aggregate
