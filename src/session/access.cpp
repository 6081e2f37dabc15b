#include "session/access.hpp"

#include <algorithm>

#include "config/address.hpp"

namespace callgate::session {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

/// The host of `host[:port]` without brackets; empty where it is malformed.
std::string_view host_of(std::string_view authority) {
  std::string_view rest;
  std::string_view host;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return {};
    host = authority.substr(1, close - 1);
    rest = authority.substr(close + 1);
  } else {
    const std::size_t colon = authority.find(':');
    host = authority.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : authority.substr(colon);
  }
  const bool port = rest.empty() || (rest.size() > 1 && rest.size() <= 6 && rest.front() == ':' &&
                                     std::ranges::all_of(rest.substr(1), [](char c) { return c >= '0' && c <= '9'; }));
  return port ? host : std::string_view{};
}

/// scheme://host[:port] of an URL.
std::string origin_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  return lower(url.substr(0, url.find('/', scheme + 3)));
}

}  // namespace

AccessList::AccessList(const config::Config& config) {
  for (const std::string& host : config.hosts) hosts_.push_back(lower(host));
  for (const std::string& origin : config.origins) origins_.push_back(lower(origin));
  accept_url(config.public_url);
}

void AccessList::accept_url(std::string_view url) {
  const std::string origin = origin_of(url);
  if (origin.empty()) return;
  origins_.push_back(origin);
  hosts_.emplace_back(host_of(std::string_view(origin).substr(origin.find("://") + 3)));
}

void AccessList::accept_listener(const config::Endpoint& listener) {
  if (listener.host == "0.0.0.0" || listener.host == "::") {
    any_address_ = true;
  } else {
    hosts_.push_back(lower(listener.host));
  }
}

bool AccessList::host_allowed(std::string_view authority) const {
  if (!last_host_.empty() && authority == last_host_) return true;
  const bool allowed = is_served(authority);
  if (allowed) last_host_ = authority;
  return allowed;
}

bool AccessList::is_served(std::string_view authority) const {
  const std::string host = lower(host_of(authority));
  if (host.empty()) return false;
  if (any_address_ && config::is_address_literal(host)) return true;
  return config::is_loopback(host) || std::ranges::find(hosts_, host) != hosts_.end() ||
         std::ranges::find(hosts_, lower(authority)) != hosts_.end();
}

bool AccessList::origin_allowed(std::string_view origin) const {
  const std::string text = lower(origin);
  if (std::ranges::find(origins_, text) != origins_.end()) return true;
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.starts_with(scheme)) return config::is_loopback(std::string(host_of(std::string_view(text).substr(scheme.size()))));
  }
  return false;
}

}  // namespace callgate::session
