#include "mcp/own_task.hpp"

#include <array>

#include <fmt/format.h>

#include "base/clock.hpp"
#include "mcp/answers.hpp"
#include "mcp/splice.hpp"

namespace callgate::mcp {

namespace {

constexpr std::string_view related = "io.modelcontextprotocol/related-task";

/// The members of a task, without braces.
std::string members(const OwnTaskState& task, Era era) {
  const bool modern = era == Era::modern;
  std::string out = fmt::format(R"("taskId":{},"status":"{}")", json::quoted(task.id), word(task.status));
  if (!task.note.empty()) out += fmt::format(R"(,"statusMessage":{})", json::quoted(task.note));
  out += fmt::format(R"(,"createdAt":"{}","lastUpdatedAt":"{}","{}":{},"{}":{})", utc_text(task.created_ms), utc_text(task.updated_ms), modern ? "ttlMs" : "ttl", task.ttl_ms,
                     modern ? "pollIntervalMs" : "pollInterval", task.poll_ms);
  return out;
}

/// A member of a member …, or nothing.
json::Value inside(json::Value value, std::initializer_list<std::string_view> path) {
  for (const std::string_view key : path) {
    const auto next = value && value.is_object() ? value.find(key) : std::nullopt;
    if (!next) return {};
    value = *next;
  }
  return value;
}

}  // namespace

std::string_view word(TaskStatus status) {
  constexpr std::array<std::string_view, 4> words{"working", "completed", "failed", "cancelled"};
  return words[static_cast<std::size_t>(status)];
}

std::string task_begun(std::string_view id_text, const OwnTaskState& task, Era era) {
  return result(id_text, era == Era::modern ? fmt::format(R"({{"resultType":"task",{}}})", members(task, era))
                                            : fmt::format(R"({{"task":{{{}}}}})", members(task, era)));
}

std::string task_state(std::string_view id_text, const OwnTaskState& task, Era era) {
  if (era == Era::legacy) return result(id_text, task_item(task));
  std::string text = fmt::format(R"({{"resultType":"complete",{})", members(task, era));
  if (task.status == TaskStatus::completed) text += fmt::format(R"(,"result":{})", task.outcome);
  if (task.status == TaskStatus::failed) text += fmt::format(R"(,"error":{})", task.outcome);
  return result(id_text, text + '}');
}

std::string task_outcome(std::string_view id_text, std::string_view result_text, std::string_view error) {
  if (error.empty()) return result(id_text, result_text);
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"error":{}}})", id_text.empty() ? "null" : id_text, error);
}

std::string related_to_task(json::Value of_call, std::string_view task_id) {
  const std::string task = fmt::format(R"({{"taskId":{}}})", json::quoted(task_id));
  const std::string_view text = of_call.text();
  const auto meta = of_call.find("_meta");
  const bool has_meta = meta && meta->is_object();
  const auto said = has_meta ? meta->find(related) : std::nullopt;
  // Offsets are those of the message; what is written is the result alone.
  const std::size_t start = of_call.offset();
  if (said) {
    const std::size_t at = said->offset() - start;
    return fmt::format("{}{}{}", text.substr(0, at), task, text.substr(at + said->text().size()));
  }
  const json::Value holder = has_meta ? *meta : of_call;
  const std::size_t at = holder.offset() - start + 1;
  std::string member = fmt::format(R"("{}":{})", related, task);
  if (!has_meta) member = fmt::format(R"("_meta":{{{}}})", member);
  if (holder.size() != 0) member += ',';
  return fmt::format("{}{}{}", text.substr(0, at), member, text.substr(at));
}

std::string task_status_notification(const OwnTaskState& task) {
  return fmt::format(R"({{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{}}})", task_item(task));
}

std::string task_item(const OwnTaskState& task) { return '{' + members(task, Era::legacy) + '}'; }

std::string capabilities_behind_task(json::Value client_capabilities) {
  std::string kept;
  const auto add = [](std::string& to, std::string_view key, std::string_view value) {
    if (!to.empty()) to += ',';
    to.append(key).append(":").append(value);
  };
  if (!client_capabilities || !client_capabilities.is_object()) return "{}";
  for (const json::Member member : client_capabilities.members()) {
    if (member.key.equals("elicitation") || member.key.equals("sampling") || member.key.equals("roots")) continue;
    if (!member.key.equals("extensions") || !member.value.is_object()) {
      add(kept, member.key.text(), member.value.text());
      continue;
    }
    std::string extensions;
    for (const json::Member each : member.value.members()) {
      if (!each.key.equals("io.modelcontextprotocol/tasks")) add(extensions, each.key.text(), each.value.text());
    }
    if (!extensions.empty()) add(kept, member.key.text(), '{' + extensions + '}');
  }
  return '{' + kept + '}';
}

bool runs_calls_as_tasks(json::Value server_capabilities) { return static_cast<bool>(inside(server_capabilities, {"tasks", "requests", "tools", "call"})); }

bool may_be_task(json::Value tool_definition) {
  const json::Value support = inside(tool_definition, {"execution", "taskSupport"});
  return support && support.equals("optional");
}

}  // namespace callgate::mcp
