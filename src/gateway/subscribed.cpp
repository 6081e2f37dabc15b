#include "gateway/subscribed.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "mcp/to_legacy.hpp"
#include "policy/resource_uri.hpp"
#include "upstream/link.hpp"

namespace callgate::gateway {

namespace {

constexpr std::string_view subscription_key = "io.modelcontextprotocol/subscriptionId";
constexpr std::string_view log_level_key = "io.modelcontextprotocol/logLevel";

bool holds(const std::vector<std::string>& all, std::string_view one) { return std::ranges::find(all, one) != all.end(); }

/// The array of `of` with those strings that pass; `cut` is set where one does not, or where it is none.
template <class Test>
std::string kept_strings(json::Value of, Test passes, bool& cut) {
  std::string kept;
  if (!of.is_array()) {
    cut = true;
    return "[]";
  }
  for (const json::Value each : of.elements()) {
    if (!each.is_string() || !passes(each.string())) {
      cut = true;
      continue;
    }
    kept += (kept.empty() ? "" : ",") + std::string(each.text());
  }
  return '[' + kept + ']';
}

}  // namespace

Subscribed::Subscribed(const mcp::Message& request) : id(request.id_text), token(upstream::progress_token(request)) {
  const auto level = request.meta ? request.meta.find(log_level_key) : std::nullopt;
  logs = level && level->is_string();
  goes_as(request);
}

void Subscribed::goes_as(const mcp::Message& request) {
  uris.clear();
  tasks.clear();
  const auto listen = mcp::read_listen(request);
  if (!listen) return;
  changes = listen->changes;
  for (const mcp::Text& uri : listen->uris) uris.emplace_back(uri.view());
  for (const mcp::Text& task : listen->task_ids) tasks.emplace_back(task.view());
}

/// Servers may write an address in another way than who asked for it.
bool Subscribed::watches(std::string_view uri) const {
  if (std::ranges::any_of(uris, [uri](const std::string& watched) { return mcp::is_under(uri, watched); })) return true;
  const auto normal = policy::normal_uri(uri);
  return normal && std::ranges::any_of(uris, [&](const std::string& watched) {
    const auto normal_watched = policy::normal_uri(watched);
    return normal_watched && mcp::is_under(*normal, *normal_watched);
  });
}

bool Subscribed::may_bring(const mcp::Message& notification) const {
  using enum mcp::MethodId;
  // Without a tag it is the stream that says whose it is.
  const auto tag = notification.meta ? notification.meta.find(subscription_key) : std::nullopt;
  if (tag && !mcp::same_id(tag->text(), id)) return false;
  switch (notification.method_id) {
    case notifications_subscriptions_acknowledged: return true;
    case notifications_tools_list_changed: return changes.tools;
    case notifications_prompts_list_changed: return changes.prompts;
    case notifications_resources_list_changed: return changes.resources;
    case notifications_resources_updated: {
      const auto resource = mcp::read_resource_request(notification);
      return resource && watches(resource->uri.view());
    }
    case notifications_tasks: {
      const auto task = mcp::read_task_request(notification);
      return task && holds(tasks, task->task_id.view());
    }
    case notifications_progress: return upstream::is_progress_for(notification, token);
    case notifications_message: return logs;
    case notifications_cancelled: {
      const auto cancelled = mcp::read_cancelled(notification);
      return cancelled && mcp::same_id(cancelled->request_id, id);
    }
    default: return false;
  }
}

std::optional<std::string> Subscribed::acknowledged(const mcp::Message& acknowledgement) const {
  const auto filter = acknowledgement.params ? acknowledgement.params.find("notifications") : std::nullopt;
  if (!filter || !filter->is_object()) return std::nullopt;
  const std::array<std::pair<std::string_view, bool>, 3> lists{{{"toolsListChanged", changes.tools}, {"promptsListChanged", changes.prompts}, {"resourcesListChanged", changes.resources}}};
  bool cut = false;
  std::string kept;
  const auto keep = [&kept](std::string_view name, std::string_view text) { kept += fmt::format(R"({}"{}":{})", kept.empty() ? "" : ",", name, text); };
  for (const auto& [name, wanted] : lists) {
    const auto flag = filter->find(name);
    if (!flag || !flag->is_boolean()) continue;
    if (!flag->boolean() || wanted) keep(name, flag->text());
    else cut = true;
  }
  if (const auto resources = filter->find("resourceSubscriptions")) keep("resourceSubscriptions", kept_strings(*resources, [this](std::string_view uri) { return watches(uri); }, cut));
  if (const auto ids = filter->find("taskIds")) keep("taskIds", kept_strings(*ids, [this](std::string_view task) { return holds(tasks, task); }, cut));
  if (!cut) return std::nullopt;
  return mcp::acknowledged('{' + kept + '}', id);
}

}  // namespace callgate::gateway
