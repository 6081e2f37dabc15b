#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "mcp/message.hpp"
#include "mcp/methods.hpp"
#include "mcp/to_modern.hpp"

/// A client of 2026-07-28 before a server of the session era: the other way round.
/// Pure; any thread.
namespace callgate::mcp {

/// `initialize` in the name of a client that has these capabilities (JSON text).
std::string initialize_for(std::string_view id_text, std::string_view capabilities, std::string_view client_info);

/// The request without its envelope, under an id (and progress token) of the
/// session's own, into `out`. What else stands in `_meta` stays; the state and inputs
/// of an earlier round go. The places of what stays are kept. Pre: `request` has
/// `params`; `id_text` holds no escapes.
Result<void> without_envelope(const Message& request, std::string_view id_text, Written& out);

/// The answer to a request of method `of` with what every result says in
/// 2026-07-28: `resultType`, and for what may be kept that it may not. `look`: at these bytes.
std::string modern_answer(std::string_view bytes, const AnswerLook& look, std::string_view id_text, MethodId of);

/// What a server said to `initialize`, as the answer to server/discover.
Result<std::string> discover_answer(std::string_view id_text, const Message& initialized);

/// An answer that asks the client for something and is to be continued; without a
/// state it is the call that is made once more.
std::string input_required(std::string_view id_text, std::span<const InputAsk> asks, std::string_view state);

/// The pages that a server of 2025-11-25 wants opened before the call (error −32042), as
/// such questions. Empty where it names none, or more than 16.
std::vector<InputAsk> read_url_asks(const Message& answer);

/// The client's answer to one such question, as the response to the server's request.
std::string response_to(std::string_view id_text, std::string_view value_text);

/// The notification with the client's progress token.
std::string with_token(const Message& progress, std::string_view token_text);

/// The notification as part of a subscription.
std::string tagged(const Message& notification, std::string_view subscription_id_text);

/// The server has taken the subscription, with this filter (JSON text).
std::string acknowledged(std::string_view filter, std::string_view subscription_id_text);

}  // namespace callgate::mcp
