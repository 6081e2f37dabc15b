#include "mcp/requests.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "mcp/keys.hpp"
#include "mcp/read_value.hpp"
#include "mcp/splice.hpp"

namespace callgate::mcp {

namespace {

Result<void> need_params(const Message& message) {
  if (message.params) return {};
  return fail(ErrorKind::invalid, fmt::format("`{}` needs `params`", method_name(message.method_id)));
}

/// A string member, which may be empty but must be there.
Result<Text> read_member(json::Value object, std::string_view key) {
  const auto value = object.find(key);
  if (!value) return refuse_value(key, "is missing", object);
  return read_string(*value, key);
}

Result<json::Value> read_token(json::Value object, std::string_view key) {
  const auto value = object.find(key);
  if (!value) return json::Value();
  if (!is_token(*value)) return refuse_value(key, "must be a string or an integer", *value);
  return *value;
}

Result<void> check_strings(json::Value object) {
  for (const auto [key, value] : object.members()) {
    if (!value.is_string()) return refuse_value("arguments", "must hold strings only", value);
  }
  return {};
}

}  // namespace

Result<ResourceRequest> read_resource_request(const Message& message) {
  if (auto there = need_params(message); !there) return std::unexpected(std::move(there.error()));
  auto uri = read_name(message.params, "uri", max_uri_bytes);
  if (!uri) return std::unexpected(std::move(uri.error()));
  return ResourceRequest{.uri = std::move(*uri)};
}

Result<PromptGet> read_prompt_get(const Message& message) {
  if (auto there = need_params(message); !there) return std::unexpected(std::move(there.error()));
  auto name = read_name(message.params, "name", max_prompt_name_bytes);
  if (!name) return std::unexpected(std::move(name.error()));
  PromptGet get{.name = std::move(*name)};

  auto arguments = read_object(message.params, "arguments");
  if (!arguments) return std::unexpected(std::move(arguments.error()));
  if (!*arguments) return get;
  if (auto fine = check_strings(*arguments); !fine) return std::unexpected(std::move(fine.error()));
  get.arguments = *arguments;
  return get;
}

Result<Completion> read_completion(const Message& message) {
  if (auto there = need_params(message); !there) return std::unexpected(std::move(there.error()));
  const auto ref = read_required_object(message.params, "ref");
  if (!ref) return std::unexpected(ref.error());
  const auto argument = read_required_object(message.params, "argument");
  if (!argument) return std::unexpected(argument.error());
  const auto context = read_object(message.params, "context");
  if (!context) return std::unexpected(context.error());
  for (const json::Value& object : {*ref, *argument, *context}) {
    if (!object) continue;
    if (auto fine = check_keys(object, Level::completion); !fine) return std::unexpected(std::move(fine.error()));
  }

  const auto type = ref->find("type");
  const bool prompt = type && type->equals("ref/prompt");
  if (!prompt && !(type && type->equals("ref/resource")))
    return refuse_value("ref.type", "must be `ref/prompt` or `ref/resource`", *ref);

  auto subject = prompt ? read_name(*ref, "name", max_prompt_name_bytes) : read_name(*ref, "uri", max_uri_bytes);
  if (!subject) return std::unexpected(std::move(subject.error()));
  auto name = read_member(*argument, "name");
  if (!name) return std::unexpected(std::move(name.error()));
  auto value = read_member(*argument, "value");
  if (!value) return std::unexpected(std::move(value.error()));
  return Completion{.of = prompt ? Completion::Of::prompt : Completion::Of::resource,
                    .subject = std::move(*subject), .argument = std::move(*name), .value = std::move(*value)};
}

Result<TaskRequest> read_task_request(const Message& message) {
  if (auto there = need_params(message); !there) return std::unexpected(std::move(there.error()));
  auto id = read_name(message.params, "taskId", max_task_id_bytes);
  if (!id) return std::unexpected(std::move(id.error()));
  return TaskRequest{.task_id = std::move(*id)};
}

std::vector<MethodId> Lists::changed() const {
  std::vector<MethodId> out;
  if (tools) out.push_back(MethodId::notifications_tools_list_changed);
  if (prompts) out.push_back(MethodId::notifications_prompts_list_changed);
  if (resources) out.push_back(MethodId::notifications_resources_list_changed);
  return out;
}

Result<Listen> read_listen(const Message& message) {
  if (auto there = need_params(message); !there) return std::unexpected(std::move(there.error()));
  const auto wanted = read_required_object(message.params, "notifications");
  if (!wanted) return std::unexpected(wanted.error());
  if (auto fine = check_keys(*wanted, Level::listen); !fine) return std::unexpected(std::move(fine.error()));
  Listen listen;
  const auto wants = [&](std::string_view name) {
    const auto flag = wanted->find(name);
    return flag && flag->is_boolean() && flag->boolean();
  };
  listen.changes = {.tools = wants("toolsListChanged"), .prompts = wants("promptsListChanged"), .resources = wants("resourcesListChanged")};
  if (const auto tasks = wanted->find("taskIds")) {
    if (!tasks->is_array() || tasks->size() > max_listen_tasks)
      return refuse_value("taskIds", "must be an array of at most 1000 ids", *tasks);
    listen.tasks = *tasks;
    for (const json::Value id : tasks->elements()) {
      auto text = read_string(id, "taskIds");
      if (!text) return std::unexpected(std::move(text.error()));
      if (text->view().size() > max_task_id_bytes) return refuse_value("taskIds", "holds an id that is too long", id);
      listen.task_ids.push_back(std::move(*text));
    }
  }
  const auto resources = wanted->find("resourceSubscriptions");
  if (!resources) return listen;
  if (!resources->is_array() || resources->size() > max_listen_uris)
    return refuse_value("resourceSubscriptions", "must be an array of at most 1000 URIs", *resources);
  listen.resources = *resources;
  for (const json::Value uri : resources->elements()) {
    auto text = read_string(uri, "resourceSubscriptions");
    if (!text) return std::unexpected(std::move(text.error()));
    if (text->view().empty() || text->view().size() > max_uri_bytes)
      return refuse_value("resourceSubscriptions", "holds a URI that is empty or too long", uri);
    listen.uris.push_back(std::move(*text));
  }
  return listen;
}

bool may_have_rounds(MethodId method) {
  return method == MethodId::tools_call || method == MethodId::prompts_get || method == MethodId::resources_read;
}

bool is_under(std::string_view uri, std::string_view watched) {
  return uri.starts_with(watched) && (uri.size() == watched.size() || watched.ends_with('/') || uri[watched.size()] == '/');
}

Result<ListRequest> read_list_request(const Message& message) {
  ListRequest request;
  if (!message.params) return request;
  const auto cursor = message.params.find("cursor");
  if (!cursor) return request;
  auto text = read_string(*cursor, "cursor");
  if (!text) return std::unexpected(std::move(text.error()));
  request.cursor = std::move(*text);
  return request;
}

std::string next_page_request(const Message& first, std::string_view id_text, std::string_view cursor) {
  std::string member = fmt::format(R"("cursor":{})", json::quoted(cursor));
  json::Value object = first.params;
  if (!object) {
    object = first.document->root();
    member = fmt::format(R"("params":{{{}}})", member);
  }
  if (object.size() != 0) member += ',';
  const std::array edits{replace(first.id, id_text), Edit{.offset = object.offset() + 1, .size = 0, .text = member}};
  return splice(first.bytes(), edits);
}

namespace {

/// Each member of the parameters, but these, with its key before it; in an order that does not hang on how it was written.
std::vector<std::string> params_but(const Message& request, std::initializer_list<std::string_view> left_out, std::string_view behind_key) {
  std::vector<std::string> parts;
  if (!request.params || !request.params.is_object()) return parts;
  for (const json::Member member : request.params.members()) {
    const std::string_view key = member.key.raw_string();
    if (std::ranges::find(left_out, key) != left_out.end()) continue;
    std::string& part = parts.emplace_back(json::quoted(key));
    part += behind_key;
    json::append_canonical(part, member.value);
  }
  std::ranges::sort(parts);
  return parts;
}

}  // namespace

std::string logical_text(const Message& request) {
  std::string text(request.method.view());
  for (const std::string& part : params_but(request, {"_meta", "inputResponses", "requestState"}, {})) text += part;
  return text;
}

std::string params_text(const Message& request) {
  std::string text;
  for (const std::string& part : params_but(request, {"_meta"}, ":")) ((text += text.empty() ? '{' : ',') += part);
  if (!text.empty()) text += '}';
  return text;
}

Result<Cancelled> read_cancelled(const Message& message) {
  if (auto there = need_params(message); !there) return std::unexpected(std::move(there.error()));
  Cancelled cancelled;
  const auto id = read_token(message.params, "requestId");
  if (!id) return std::unexpected(id.error());
  if (*id) {
    cancelled.request_id = id->text();
    cancelled.request_id_value = *id;
  }
  if (const auto reason = message.params.find("reason")) {
    if (!reason->is_string()) return refuse_value("reason", "must be a string", *reason);
    cancelled.reason = Text(*reason);
  }
  return cancelled;
}

Result<Progress> read_progress(const Message& message) {
  if (auto there = need_params(message); !there) return std::unexpected(std::move(there.error()));
  const auto token = read_token(message.params, "progressToken");
  if (!token) return std::unexpected(token.error());
  if (!*token) return refuse_value("progressToken", "is missing", message.params);
  return Progress{.token = token->text(), .token_value = *token};
}

}  // namespace callgate::mcp
