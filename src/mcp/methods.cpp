#include "mcp/methods.hpp"

#include <array>
#include <cstddef>

#include "mcp/name_table.hpp"

namespace callgate::mcp {

namespace {

constexpr std::array<std::string_view, 5> revision_names{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25",
                                                         "2026-07-28"};

/// Sets of revisions, one bit each.
using Revisions = std::uint8_t;
constexpr Revisions none = 0;
constexpr Revisions since_2024 = 0b01111;   ///< every legacy revision
constexpr Revisions since_2025_06 = 0b01100;
constexpr Revisions only_2025_11 = 0b01000;
constexpr Revisions only_2026 = 0b10000;
constexpr Revisions all = 0b11111;

struct Row {
  MethodId id;
  std::string_view name;
  Revisions from_client = none;
  Revisions from_server = none;
  Revisions declared_by_client = none;  ///< known only where the tasks extension was declared
  Revisions declared_by_server = none;
};

// The order is that of MethodId.
constexpr auto rows = std::to_array<Row>({
    {MethodId::unknown, "", none, none},
    {MethodId::initialize, "initialize", since_2024, none},
    {MethodId::ping, "ping", since_2024, since_2024},
    {MethodId::logging_set_level, "logging/setLevel", since_2024, none},
    {MethodId::tools_list, "tools/list", all, none},
    {MethodId::tools_call, "tools/call", all, none},
    {MethodId::prompts_list, "prompts/list", all, none},
    {MethodId::prompts_get, "prompts/get", all, none},
    {MethodId::resources_list, "resources/list", all, none},
    {MethodId::resources_templates_list, "resources/templates/list", all, none},
    {MethodId::resources_read, "resources/read", all, none},
    {MethodId::resources_subscribe, "resources/subscribe", since_2024, none},
    {MethodId::resources_unsubscribe, "resources/unsubscribe", since_2024, none},
    {MethodId::completion_complete, "completion/complete", all, none},
    {MethodId::tasks_get, "tasks/get", only_2025_11, only_2025_11, only_2026},
    {MethodId::tasks_result, "tasks/result", only_2025_11, only_2025_11},
    {MethodId::tasks_list, "tasks/list", only_2025_11, only_2025_11},
    {MethodId::tasks_update, "tasks/update", none, none, only_2026},
    {MethodId::tasks_cancel, "tasks/cancel", only_2025_11, only_2025_11, only_2026},
    {MethodId::server_discover, "server/discover", only_2026, none},
    {MethodId::subscriptions_listen, "subscriptions/listen", only_2026, none},
    {MethodId::sampling_create_message, "sampling/createMessage", none, since_2024},
    {MethodId::roots_list, "roots/list", none, since_2024},
    {MethodId::elicitation_create, "elicitation/create", none, since_2025_06},
    {MethodId::notifications_initialized, "notifications/initialized", since_2024, none},
    {MethodId::notifications_roots_list_changed, "notifications/roots/list_changed", since_2024, none},
    {MethodId::notifications_cancelled, "notifications/cancelled", all, all},
    {MethodId::notifications_progress, "notifications/progress", since_2024, all},
    {MethodId::notifications_message, "notifications/message", none, all},
    {MethodId::notifications_tools_list_changed, "notifications/tools/list_changed", none, all},
    {MethodId::notifications_prompts_list_changed, "notifications/prompts/list_changed", none, all},
    {MethodId::notifications_resources_list_changed, "notifications/resources/list_changed", none, all},
    {MethodId::notifications_resources_updated, "notifications/resources/updated", none, all},
    {MethodId::notifications_elicitation_complete, "notifications/elicitation/complete", none, only_2025_11},
    {MethodId::notifications_tasks_status, "notifications/tasks/status", only_2025_11, only_2025_11},
    {MethodId::notifications_subscriptions_acknowledged, "notifications/subscriptions/acknowledged", none, only_2026},
    {MethodId::notifications_tasks, "notifications/tasks", none, none, none, only_2026},
});

consteval std::array<std::string_view, rows.size()> names() {
  std::array<std::string_view, rows.size()> out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].id != static_cast<MethodId>(i)) throw "the rows must stand in the order of MethodId";
    out[i] = rows[i].name;
  }
  return out;
}

constexpr NameTable<rows.size()> table(names());

const Row& row(MethodId method) { return rows[static_cast<std::size_t>(method)]; }

}  // namespace

std::optional<Revision> parse_revision(std::string_view text) {
  for (std::size_t i = 0; i < revision_names.size(); ++i) {
    if (revision_names[i] == text) return static_cast<Revision>(i);
  }
  return std::nullopt;
}

std::string_view word(Revision revision) { return revision_names[static_cast<std::size_t>(revision)]; }

MethodId method_id(std::string_view name) {
  const int place = table.find(name);
  return place < 0 ? MethodId::unknown : static_cast<MethodId>(place);
}

std::string_view method_name(MethodId method) { return row(method).name; }

bool is_notification(MethodId method) { return method >= MethodId::notifications_initialized; }

Standing standing(MethodId method, Revision revision, Direction direction) {
  const bool client = direction == Direction::from_client;
  const Row& r = row(method);
  const auto bit = static_cast<unsigned>(1U << static_cast<unsigned>(revision));
  if (((client ? r.from_client : r.from_server) & bit) != 0) return Standing::known;
  if (((client ? r.declared_by_client : r.declared_by_server) & bit) != 0) return Standing::if_declared;
  return Standing::unknown;
}

}  // namespace callgate::mcp
