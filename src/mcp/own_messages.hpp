#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mcp/handshake.hpp"
#include "mcp/methods.hpp"

/// The messages that the gateway sends in its own name, as the bytes of one
/// JSON-RPC message without line end. `id_text` and `token_text` are JSON text.
/// Pure; any thread.
namespace callgate::mcp {

/// All that the gateway can relay between a server that asks and a client.
inline constexpr ClientCapabilities all_capabilities{
    .roots = true, .sampling = true, .form_elicitation = true, .url_elicitation = true};

/// basic/lifecycle "Initialization", as client `callgate`.
std::string initialize_request(std::string_view id_text, Revision revision,
                               const ClientCapabilities& capabilities = all_capabilities);
std::string initialized_notification();
std::string ping_request(std::string_view id_text);

/// A request without params of its own but an optional cursor: the lists and
/// server/discover. On a modern revision with the `_meta` that it demands.
std::string plain_request(std::string_view id_text, MethodId method, Revision revision,
                          const std::optional<std::string>& cursor = std::nullopt,
                          const ClientCapabilities& capabilities = {});

/// A call without arguments: the probe with a random name that shows how a
/// server answers for tools that it does not have.
std::string probe_call(std::string_view id_text, std::string_view name, Revision revision);

/// What a client with a session wishes of its server: a log level (JSON text), and
/// resources_subscribe or resources_unsubscribe. For revisions with sessions.
std::string set_level_request(std::string_view id_text, std::string_view level_text);
std::string resource_request(std::string_view id_text, MethodId method, std::string_view uri);

/// A notification without params, e.g. tools/list_changed.
std::string plain_notification(MethodId method);

/// The same on a subscription of 2026-07-28, named by the id of its request.
std::string subscribed_notification(MethodId method, std::string_view subscription_id_text);
/// That a resource which is watched there may be another one now.
std::string subscribed_update(std::string_view uri, std::string_view subscription_id_text);

std::string cancelled_notification(std::string_view request_id_text, std::string_view reason);

/// basic/utilities/progress. `message` is left out when empty.
std::string progress_notification(std::string_view token_text, std::uint64_t progress, std::string_view message = {});

/// The same before the call is at its server: the `turn`-th sign that it waits here.
/// Progress has to grow, and a server's own may begin at 0: these stay just below.
std::string waiting_notification(std::string_view token_text, std::uint64_t turn, std::string_view message);

}  // namespace callgate::mcp
