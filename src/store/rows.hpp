#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/sha256.hpp"

/// The rows that the store owns: plain values, no behaviour. Times are
/// milliseconds of the wall clock since 1970 (UTC), for display and expiry.
namespace callgate::store {

/// A server registered with `callgate server add`. Exactly one of `url` and
/// `command` is set.
struct Server {
  std::string name;
  std::string url;
  std::vector<std::string> command;
  std::string policy;  ///< path of its policy file; empty: none, everything denied
  std::int64_t created_ms = 0;
  bool trust_hints = false;  ///< its annotations may lower a class
  std::string classes;       ///< path of the file that says what single tools are; empty: none

  bool operator==(const Server&) const = default;
};

/// SHA-256 of a grant's token. The token itself is kept nowhere (S28).
using TokenHash = Digest;

/// What a token may do: speak to one server under at most one policy.
struct Grant {
  std::string id;
  std::string name;
  std::string server;
  std::string policy;  ///< path of the policy file; empty: none, everything denied
  TokenHash token_hash{};
  std::int64_t created_ms = 0;
  std::optional<std::int64_t> expires_ms;
  std::optional<std::int64_t> rotated_ms;  ///< when the token was last replaced
  std::optional<std::int64_t> revoked_ms;

  bool expired(std::int64_t now_ms) const { return expires_ms && *expires_ms <= now_ms; }
  bool operator==(const Grant&) const = default;
};

/// What a list of pinned tools belongs to (S10).
struct ListKey {
  std::string server;
  std::string address;  ///< URL or command line, credentials masked
  std::string era;      ///< `legacy` or `modern`

  bool operator==(const ListKey&) const = default;
};

/// A tool of a list that no client is shown, since it cannot be called.
struct LeftOut {
  std::string tool;  ///< its name as people may see it; empty: it has none
  std::string why;   ///< one sentence

  bool operator==(const LeftOut&) const = default;
};

/// One tool definition, pinned or offered by a server.
struct Definition {
  std::string tool;
  std::string fingerprint;  ///< `sha256:…` of the canonical form
  std::string text;         ///< the definition's JSON as the server wrote it
  std::int64_t time_ms = 0; ///< when it was accepted, or first offered

  bool operator==(const Definition&) const = default;
};

/// A server's own answer for an unknown tool, learned once (policy-language section 8).
struct UnknownToolAnswer {
  std::string text;      ///< the JSON-RPC answer; empty where the server has none
  bool runs_any = false; ///< the server ran a tool that it does not list: flagged, `text` is not used

  bool operator==(const UnknownToolAnswer&) const = default;
};

}  // namespace callgate::store
