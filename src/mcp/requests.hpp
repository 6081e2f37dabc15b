#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "mcp/message.hpp"
#include "mcp/text.hpp"

/// Readers for the params of every method but tools/call that is decided or
/// looked into. Each takes a message of its method; errors are `invalid` (code
/// `code::invalid_params`). Results point into the message's bytes. Pure; any thread.
namespace callgate::mcp {

inline constexpr std::size_t max_prompt_name_bytes = 1024;
inline constexpr std::size_t max_uri_bytes = 8 * 1024;
inline constexpr std::size_t max_task_id_bytes = 1024;

/// resources/read, resources/subscribe, resources/unsubscribe,
/// notifications/resources/updated.
struct ResourceRequest {
  Text uri;  ///< decoded, as sent; not normalised
};
Result<ResourceRequest> read_resource_request(const Message& message);

/// prompts/get.
struct PromptGet {
  Text name;
  std::optional<json::Value> arguments;  ///< an object whose values are strings
};
Result<PromptGet> read_prompt_get(const Message& message);

/// completion/complete: an argument of a prompt or of a resource template. A
/// second spelling of a key of `ref`, `argument` or `context` is refused.
struct Completion {
  enum class Of : std::uint8_t { prompt, resource };
  Of of = Of::prompt;
  Text subject;  ///< the prompt's name or the template's URI
  Text argument;
  Text value;
};
Result<Completion> read_completion(const Message& message);

/// tasks/get, tasks/result, tasks/update, tasks/cancel.
struct TaskRequest {
  Text task_id;
};
Result<TaskRequest> read_task_request(const Message& message);

/// Of the lists that a server may have, or a client may want to hear of.
struct Lists {
  bool tools = false;
  bool prompts = false;
  bool resources = false;

  /// What is told where these have changed.
  std::vector<MethodId> changed() const;
  Lists among(Lists others) const { return {.tools = tools && others.tools, .prompts = prompts && others.prompts, .resources = resources && others.resources}; }
};

/// subscriptions/listen (2026-07-28, basic/utilities/subscriptions): which
/// notifications the client wants. A second spelling of a known member is refused.
struct Listen {
  Lists changes;          ///< of which it wants to hear
  json::Value resources;  ///< the array `resourceSubscriptions`; empty where absent
  std::vector<Text> uris;  ///< its elements, decoded, in order
  json::Value tasks;       ///< the array `taskIds`; empty where absent
  std::vector<Text> task_ids;  ///< likewise
};
Result<Listen> read_listen(const Message& message);

/// Whether an answer to the method may be `input_required` (2026-07-28, basic/patterns/mrtr).
bool may_have_rounds(MethodId method);

/// Bounds one subscription.
inline constexpr std::size_t max_listen_uris = 1000;
inline constexpr std::size_t max_listen_tasks = 1000;

/// Whether news of `uri` is news of what is watched: a part of it counts as well.
bool is_under(std::string_view uri, std::string_view watched);

/// The lists. An empty cursor is a cursor.
struct ListRequest {
  std::optional<Text> cursor;
};
Result<ListRequest> read_list_request(const Message& message);

/// The list request once more, for the page behind `cursor`. Pre: it has none itself.
std::string next_page_request(const Message& first, std::string_view id_text, std::string_view cursor);

/// What a request asks for, without its envelope and what differs from one round
/// of it to the next (`inputResponses`, `requestState`): equal for the rounds of
/// one call, and for nothing else. Canonical text, not for sending.
std::string logical_text(const Message& request);

/// All that a request brings but its envelope (`_meta`), as a canonical object; empty
/// where it brings nothing. Not for sending.
std::string params_text(const Message& request);

/// notifications/cancelled.
struct Cancelled {
  std::string_view request_id;  ///< as written; empty where a task is meant (2025-11-25)
  json::Value request_id_value;
  Text reason;
};
Result<Cancelled> read_cancelled(const Message& message);

/// notifications/progress.
struct Progress {
  std::string_view token;  ///< as written
  json::Value token_value;
};
Result<Progress> read_progress(const Message& message);

}  // namespace callgate::mcp
