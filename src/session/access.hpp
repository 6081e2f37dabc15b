#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace callgate::session {

/// Which Host and Origin headers are answered (S15): protection of local
/// gateways from pages in the user's browser (DNS rebinding). What is in never
/// leaves. Threads: one.
class AccessList {
 public:
  /// Loopback names and `config.public_url` are always in.
  explicit AccessList(const config::Config& config);

  /// Takes in what a listener of our own is called by: its address, or on a
  /// wildcard any address literal. A name can be rebound, an address cannot.
  void accept_listener(const config::Endpoint& listener);

  /// Takes in the host of a URL that people open.
  void accept_url(std::string_view url);

  bool host_allowed(std::string_view host) const;
  /// For a header that is there; programs send none.
  bool origin_allowed(std::string_view origin) const;

 private:
  bool is_served(std::string_view authority) const;

  mutable std::string last_host_;  ///< as the last request wrote it that was allowed: the next one mostly does too
  std::vector<std::string> hosts_;
  std::vector<std::string> origins_;
  bool any_address_ = false;
};

}  // namespace callgate::session
