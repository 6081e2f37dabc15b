#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

/// The methods of every MCP revision: the allow-list (schema/<revision>/schema.ts
/// of the specification). A method that a revision does not know is refused with
/// −32601 and never reaches an upstream. Pure tables; any thread.
namespace callgate::mcp {

/// The published revisions, oldest first; comparing compares age.
enum class Revision : std::uint8_t { r2024_11_05, r2025_03_26, r2025_06_18, r2025_11_25, r2026_07_28 };

/// Legacy: handshake and session. Modern: metadata in each request, no session.
enum class Era : std::uint8_t { legacy, modern };

/// The revision that a request without version header speaks (2025-06-18, basic/transports).
inline constexpr Revision assumed_revision = Revision::r2025_03_26;
inline constexpr Revision latest_legacy = Revision::r2025_11_25;
inline constexpr Revision latest_revision = Revision::r2026_07_28;

/// The revision of exactly this name, e.g. `2025-06-18`.
std::optional<Revision> parse_revision(std::string_view text);
std::string_view word(Revision revision);
constexpr Era era_of(Revision revision) {
  return revision >= Revision::r2026_07_28 ? Era::modern : Era::legacy;
}

/// Who wrote a message.
enum class Direction : std::uint8_t { from_client, from_server };

enum class MethodId : std::uint8_t {
  unknown,
  initialize,
  ping,
  logging_set_level,
  tools_list,
  tools_call,
  prompts_list,
  prompts_get,
  resources_list,
  resources_templates_list,
  resources_read,
  resources_subscribe,
  resources_unsubscribe,
  completion_complete,
  tasks_get,
  tasks_result,
  tasks_list,
  tasks_update,
  tasks_cancel,
  server_discover,
  subscriptions_listen,
  sampling_create_message,
  roots_list,
  elicitation_create,
  notifications_initialized,
  notifications_roots_list_changed,
  notifications_cancelled,
  notifications_progress,
  notifications_message,
  notifications_tools_list_changed,
  notifications_prompts_list_changed,
  notifications_resources_list_changed,
  notifications_resources_updated,
  notifications_elicitation_complete,
  notifications_tasks_status,
  notifications_subscriptions_acknowledged,
  notifications_tasks,
};

/// The id of exactly this method name; `unknown` for any other.
MethodId method_id(std::string_view name);
/// The name on the wire; empty for `unknown`.
std::string_view method_name(MethodId method);
/// Whether the method is one without an answer.
bool is_notification(MethodId method);

/// How a method stands in one revision and direction.
enum class Standing : std::uint8_t {
  unknown,      ///< refuse with −32601
  if_declared,  ///< known to parties that declared the extension `io.modelcontextprotocol/tasks`
  known,
};

Standing standing(MethodId method, Revision revision, Direction direction);

}  // namespace callgate::mcp
