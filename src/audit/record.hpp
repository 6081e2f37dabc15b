#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "policy/verdict.hpp"

/// What is put on record. Plain views: the journal copies what it needs before
/// `record` returns. Names and meaning: docs/journal.md.
namespace callgate::audit {

/// One limit that the call took, with all that it takes to count the call again
/// after a crash (`replay`).
struct LimitUse {
  std::string_view limit;  ///< `policy::RateLimit::id`: pointer, max, window, per
  std::string_view scope;  ///< whose policy: `server` or the grant's id
  std::uint64_t remaining = 0;  ///< after this call
};

/// The record of one decision, written before the call goes on. No field holds
/// argument values: arguments appear as a keyed digest and the names of their
/// top-level members, where that is wanted with their shapes. Texts over 1 KiB
/// are cut, and so are more than 64 names.
struct CallRecord {
  Ulid id;  ///< of the decision (`Journal::next_id`)
  std::string_view server;
  std::string_view tool;  ///< tool name, resource URI or prompt name
  std::string_view method;
  std::string_view era;      ///< protocol revision
  std::string_view session;
  std::string_view grant;    ///< empty under `auth: none`
  std::string_view principal;
  policy::Verdict verdict = policy::Verdict::deny;
  std::string_view rule;
  std::string_view reason;
  std::span<const std::string> faults;
  std::string_view policy;       ///< content hash of the policy that judged
  std::string_view definition;   ///< hash of the pinned definition
  std::string_view args_digest;  ///< `DigestKey::of` the canonical arguments
  std::span<const std::string_view> arg_keys;
  std::string_view arg_shapes;   ///< of `Shaper::shapes_of`; empty leaves the member out
  std::string_view risk;
  std::string_view category;
  std::string_view approval;  ///< id of the question that was answered; empty leaves the member out
  std::string_view trace;     ///< of the caller, by its own word; empty leaves the member out
  std::span<const LimitUse> limits;
  BootTime limits_taken_at;  ///< written where there are limits
  /// Goes on also while the disk is full, on the reserve: a tool of Low risk, or
  /// a message that calls nothing.
  bool may_use_reserve = false;
};

/// How a forwarded call ended.
struct Outcome {
  std::string_view status;  ///< one word: `answered`, `upstream_died`, `timeout`, `client_left`, ...
  bool is_error = false;    ///< what the caller got says it failed
  std::uint64_t bytes = 0;  ///< of the answer
  std::chrono::microseconds latency{0};
};

/// The gateway's own traffic to servers: the closed list of what may be sent
/// without a caller's decision.
enum class Internal : std::uint8_t {
  initialize,
  server_discover,
  list,
  ping,
  cancel,
  session_delete,
  probe_unknown_tool,
  subscribe,  ///< a bridge listens to a server of the other era for a session; what a session subscribed to, once more
  input,      ///< what a client answered to a question of such a server
  decline,  ///< the answer to a request of the server that the policy does not let through
};
std::string_view word(Internal kind);

/// A message refused before anybody was authenticated, or that could not be read.
struct Refusal {
  std::string_view server;  ///< as far as known
  std::string_view method;  ///< as far as known
  std::string_view era;
  std::string_view reason;  ///< one word or sentence of the gateway's own; never the message's bytes
};

}  // namespace callgate::audit
