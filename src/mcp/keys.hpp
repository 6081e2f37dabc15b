#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"

/// Which keys the protocol itself reads, and the refusal of spellings that some
/// readers take for them: other case, `ſ` (U+017F) for s, `K` (U+212A) for k,
/// ligatures, escapes. Go's encoding/json folds case and lets the last twin win
/// (CVE-2026-27896), so a twin is a second, unjudged value. Pure; any thread.
namespace callgate::mcp {

/// The places where the protocol's own keys stand; `completion` is `ref`,
/// `argument` and `context` of completion/complete, `listen` the filter of
/// subscriptions/listen.
enum class Level : std::uint8_t { envelope, params, meta, completion, listen };

/// Members of the JSON-RPC envelope, in the order of `envelope_key`.
enum class EnvelopeKey : std::uint8_t { jsonrpc, id, method, params, result, error };
inline constexpr std::size_t envelope_keys = 6;

/// The envelope member of exactly this name, or −1.
int envelope_key(std::string_view name);

/// Refuses `key` where it is written with escapes, or equals a key of this level
/// only after case folding; on the `_meta` level also a `dev.callgate/` member,
/// which the gateway alone may write. Other unknown keys pass.
Result<void> check_key(json::Value key, Level level);

/// check_key() for each member of an object.
Result<void> check_keys(json::Value object, Level level);

/// Whether `key` is `name` after case folding, but not byte for byte.
bool is_case_twin(std::string_view key, std::string_view name);

/// `key` cut to a length fit for a message, in backticks.
std::string shown_key(std::string_view key);

}  // namespace callgate::mcp
