#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/sha256.hpp"

/// What a stateless client carries from one round of a call to the next while a
/// person is asked (basic/patterns/mrtr of 2026-07-28, `requestState`). Whoever
/// carries it may read and change it, so it is sealed: HMAC-SHA256 by a key that
/// all gateways of these questions have, over all of it and the call that it is
/// for. Pure; any thread.
namespace callgate::approval {

/// Every state that the gateway itself writes begins so, and no other that a client sees.
inline constexpr std::string_view own_state = "callgate:";
/// A state of ours.
inline constexpr std::string_view round_state = "callgate:q:";
/// A server's that begins like one of ours: what follows is the server's.
inline constexpr std::string_view servers_state = "callgate:s:";

inline constexpr std::size_t max_round_state = 24 * 1024;
inline constexpr std::size_t max_inner = 16 * 1024;

struct RoundState {
  std::string question;          ///< id of what was asked
  std::int64_t expires_ms = 0;   ///< wall time; later it is nothing
  std::uint32_t rounds = 0;      ///< answers of this kind that the call got, this one included
  /// JSON text that takes the place of this state when the call goes on: the state,
  /// and what else belongs to it, of a round that a server asked for. Empty: nothing.
  std::string inner;

  bool operator==(const RoundState&) const = default;
};

/// `call` names caller, server and call; `nonce` is 32 hexadecimal digits, so that
/// no two states are equal. Pre: `question` is a ULID.
std::string seal(const RoundState& state, std::string_view call, std::string_view nonce, const HmacSha256& key);

/// Nothing where the text is not one that was sealed by this key for this call, or
/// where its time is over: which of these is nobody's to know.
std::optional<RoundState> open_seal(std::string_view text, std::string_view call, const HmacSha256& key, std::int64_t wall_ms);

}  // namespace callgate::approval
