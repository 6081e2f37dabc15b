#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "mcp/message.hpp"
#include "mcp/methods.hpp"

/// The gateway's own tasks on the wire: calls that wait for a person as a task
/// (2025-11-25 basic/utilities/tasks; the extension `io.modelcontextprotocol/tasks`
/// of 2026-07-28). `id_text` as in `answers.hpp`. Pure; any thread.
namespace callgate::mcp {

enum class TaskStatus : std::uint8_t { working, completed, failed, cancelled };
std::string_view word(TaskStatus status);

/// One task as its caller sees it. Times are Unix time in milliseconds.
struct OwnTaskState {
  std::string_view id;
  TaskStatus status = TaskStatus::working;
  std::string_view note;      ///< for people; left out when empty
  std::int64_t created_ms = 0;
  std::int64_t updated_ms = 0;
  std::int64_t ttl_ms = 0;    ///< from `created_ms` on
  std::int64_t poll_ms = 0;
  std::string_view outcome;   ///< JSON text: the result where completed, the error where failed (2026-07-28)
};

/// The answer to a call that goes on as a task.
std::string task_begun(std::string_view id_text, const OwnTaskState& task, Era era);

/// The answer to tasks/get; in 2025-11-25 to tasks/cancel as well.
std::string task_state(std::string_view id_text, const OwnTaskState& task, Era era);

/// What the call would have been answered: tasks/result (2025-11-25), or the call
/// itself where no task is needed after all. `result` or `error` is empty.
std::string task_outcome(std::string_view id_text, std::string_view result, std::string_view error);

/// The result of a call with the name of its task in `_meta`, as tasks/result demands.
std::string related_to_task(json::Value result, std::string_view task_id);

/// notifications/tasks/status (2025-11-25).
std::string task_status_notification(const OwnTaskState& task);

/// One item of the answer to tasks/list.
std::string task_item(const OwnTaskState& task);

/// What a call's client can do, without what nobody is there for while the call
/// runs as a task of the gateway's: being asked, and tasks of the server's own.
std::string capabilities_behind_task(json::Value client_capabilities);

/// Whether a server lets clients of 2025-11-25 ask for tasks of calls at all.
bool runs_calls_as_tasks(json::Value server_capabilities);

/// Whether a tool may be called either way: `execution.taskSupport` is `optional`.
bool may_be_task(json::Value tool_definition);

}  // namespace callgate::mcp
