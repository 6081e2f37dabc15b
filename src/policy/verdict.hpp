#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace callgate::policy {

/// What the gateway does with one call, strictest first: when several rules
/// apply, the smallest value stands (see `stricter`).
enum class Verdict : std::uint8_t {
  unknown_tool,       ///< no such tool is pinned
  hide,               ///< the policy hides it; answered exactly like an unknown tool
  quarantined,        ///< its definition changed and nobody accepted that yet
  fault,              ///< could not be decided
  deny,
  invalid_arguments,
  rate_limited,
  require_approval,
  allow,
};

/// The word of the journal and of `_meta`: `allow`, `deny`, ...
std::string_view word(Verdict verdict);

/// The verdict that a word means; nothing for any other text.
std::optional<Verdict> verdict_of(std::string_view word);

}  // namespace callgate::policy
