#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "base/yaml.hpp"
#include "policy/decision.hpp"

/// What journals and logs keep of words that hold what a caller wrote.
namespace callgate::gateway {

/// A JSON Pointer into arguments without the names below the first, which
/// `arg_keys` has anyway; places in lists stay.
inline std::string recorded_path(std::string_view pointer) {
  std::string out;
  for (std::size_t depth = 0; !pointer.empty(); ++depth) {
    pointer.remove_prefix(1);
    const std::string_view token = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(token.size());
    const bool place = !token.empty() && token.size() <= 9 && std::ranges::all_of(token, [](char c) { return c >= '0' && c <= '9'; });
    out += '/';
    out += depth == 0 || place ? token : std::string_view("*");
  }
  return out;
}

/// The reason of a decision as it is recorded.
inline std::string recorded_reason(const policy::Decision& decision) {
  if (decision.verdict != policy::Verdict::invalid_arguments || decision.argument_path.empty()) return std::string(decision.reason);
  const std::string named = yaml::ticked(decision.argument_path);
  std::string reason(decision.reason);
  const std::size_t at = reason.find(named);
  if (at == std::string::npos) return reason;
  return reason.replace(at, named.size(), yaml::ticked(recorded_path(decision.argument_path)));
}

inline bool names_resource(policy::Action action) {
  return action == policy::Action::resource_read || action == policy::Action::resource_subscribe;
}

/// A URI, or a template of some, without what may hold secrets: user, query and fragment.
inline std::string recorded_uri(std::string_view uri) {
  uri = uri.substr(0, uri.find_first_of("?#"));
  if (uri.ends_with('{')) uri.remove_suffix(1);  // of `{?query}`
  const std::size_t scheme = uri.find("://");
  if (scheme == std::string_view::npos) return std::string(uri);
  const std::size_t host = scheme + 3;
  const std::string_view authority = uri.substr(host, uri.find('/', host) - host);
  const std::size_t user = authority.rfind('@');
  if (user == std::string_view::npos) return std::string(uri);
  return std::string(uri.substr(0, host)) + std::string(uri.substr(host + user + 1));
}

}  // namespace callgate::gateway
