#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "mcp/message.hpp"

/// What the gateway itself asks whoever sits at the client, and what comes back
/// (client/elicitation). Pure; any thread.
namespace callgate::mcp {

/// The question by a link. `id` names it towards the client, and is left out where
/// it is empty: 2026-07-28 has none.
struct UrlElicitation {
  std::string_view id;
  std::string_view url;
  std::string_view message;
};

/// The question as a form with one box to tick. The client may show the message.
struct ApproveForm {
  std::string_view message;
};

/// A form that only shows something: nothing can be filled in.
struct ShownForm {
  std::string_view message;
};

/// `elicitation/create` as a request of a session.
std::string elicitation_request(std::string_view id_text, const UrlElicitation& ask);
std::string elicitation_request(std::string_view id_text, const ApproveForm& ask);

/// notifications/elicitation/complete (2025-11-25).
std::string elicitation_complete(std::string_view id);

/// What the client answered. Whatever cannot be read, an error too, is `nothing`.
struct Elicited {
  enum class Action : std::uint8_t { nothing, accept, decline, cancel };
  Action action = Action::nothing;
  std::optional<bool> approve;  ///< of the form; nothing where it says neither
};
/// `result` is the answer's; empty where it was an error.
Elicited read_elicited(json::Value result);

/// The one question of an `input_required` has this key.
inline constexpr std::string_view approval_key = "callgate_approval";

/// An answer of 2026-07-28 that asks for one round more (basic/patterns/mrtr).
/// Without a question it asks the client to come back with the state alone.
std::string approval_required(std::string_view id_text, std::string_view state);
std::string approval_required(std::string_view id_text, std::string_view state, const UrlElicitation& ask);
std::string approval_required(std::string_view id_text, std::string_view state, const ShownForm& ask);

/// −32042 of 2025-11-25: the call can go on once the page was answered.
std::string url_elicitation_required(std::string_view id_text, std::string_view text, const UrlElicitation& ask);

}  // namespace callgate::mcp
