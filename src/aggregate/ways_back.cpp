#include "aggregate/ways_back.hpp"

#include <algorithm>
#include <deque>
#include <vector>

#include <fmt/format.h>

#include "aggregate/names.hpp"
#include "mcp/message.hpp"
#include "mcp/requests.hpp"
#include "mcp/splice.hpp"
#include "mcp/tool_call.hpp"
#include "upstream/link.hpp"

namespace callgate::aggregate {

namespace {

std::optional<json::Value> in(std::optional<json::Value> object, std::string_view key) { return object && *object ? object->find(key) : std::nullopt; }

/// Gathers the edits that put what the client knows in the place of what a server
/// wrote: URIs and ids of tasks.
class Shown {
 public:
  Shown(Company& company, const std::string& server) : company_(company), server_(server), slug_(slug_of(server)) {}

  void uri(std::optional<json::Value> value) {
    if (!value || !value->is_string()) return;
    const std::string own = value->string();
    const std::string shown = company_.uris.shown(server_, slug_, own, steps_);
    if (shown != own) replace(*value, shown);
  }
  void task(std::optional<json::Value> value) {
    if (value && value->is_string()) replace(*value, shown_task(slug_, value->string()));
  }
  /// A message may say which task it belongs to (2025-11-25).
  void related(std::optional<json::Value> holder) { task(in(in(in(holder, "_meta"), "io.modelcontextprotocol/related-task"), "taskId")); }
  /// What tools, prompts and resources give.
  void result(std::optional<json::Value> result) {
    for_each(in(result, "contents"), [&](json::Value each) { uri(in(each, "uri")); });
    for_each(in(result, "content"), [&](json::Value each) { block(each); });
    for_each(in(result, "messages"), [&](json::Value each) { block(in(each, "content")); });
    // A task that was begun: by itself in 2026-07-28, as a member in 2025-11-25.
    const auto kind = in(result, "resultType");
    if (kind && kind->equals("task")) task(in(result, "taskId"));
    if (const auto task_of = in(result, "task"); task_of && task_of->is_object()) task(in(task_of, "taskId"));
    related(result);
  }

  const std::vector<mcp::Edit>& edits() const { return edits_; }

 private:
  template <class Each>
  static void for_each(std::optional<json::Value> array, Each each) {
    if (!array || !array->is_array()) return;
    for (const json::Value value : array->elements()) each(value);
  }
  /// A link, or a resource in it.
  void block(std::optional<json::Value> value) {
    const auto type = in(value, "type");
    if (!type) return;
    if (type->equals("resource_link")) uri(in(value, "uri"));
    if (type->equals("resource")) uri(in(in(value, "resource"), "uri"));
  }
  void replace(json::Value value, std::string_view shown) {
    texts_.push_back(json::quoted(shown));
    edits_.push_back(mcp::replace(value, texts_.back()));
  }

  Company& company_;
  const std::string& server_;
  std::string slug_;
  Steps steps_{UriBook::most_steps};
  std::deque<std::string> texts_;  ///< stay where they are
  std::vector<mcp::Edit> edits_;
};

/// A notification with the client's URIs and ids of tasks.
std::string shown_notification(Company& company, const std::string& server, const mcp::Message& message) {
  using enum mcp::MethodId;
  if (!message.params) return std::string(message.bytes());
  Shown shown(company, server);
  if (message.method_id == notifications_resources_updated) shown.uri(message.params.find("uri"));
  if (message.method_id == notifications_tasks || message.method_id == notifications_tasks_status) {
    shown.task(message.params.find("taskId"));
    shown.result(message.params.find("result"));
  }
  shown.related(message.params);
  return mcp::splice(message.bytes(), shown.edits());
}

/// The request under an id that no other server's has, and its token likewise.
std::string shown_request(Company& company, const std::string& server, const mcp::Message& message) {
  Asked asked{.id = json::quoted(fmt::format("callgate-{}", ++company.asks)), .server = server, .original = std::string(message.id_text)};
  asked.conversation = company.members[server].conversation;
  std::vector<mcp::Edit> edits{mcp::replace(message.id, asked.id)};
  const auto token = message.meta ? message.meta.find("progressToken") : std::nullopt;
  if (token) {
    asked.progress_token = token->text();
    edits.push_back(mcp::replace(*token, asked.id));
  }
  Shown related(company, server);
  if (message.params) related.related(message.params);
  edits.insert(edits.end(), related.edits().begin(), related.edits().end());
  const std::string shown = mcp::splice(message.bytes(), edits);
  company.remember(std::move(asked));
  return shown;
}

/// The server waits no longer for an answer.
std::optional<std::string> shown_cancel(Company& company, const std::string& server, const mcp::Message& message) {
  const auto cancelled = mcp::read_cancelled(message);
  const auto member = company.members.find(server);
  if (!cancelled || !cancelled->request_id_value || member == company.members.end() || !member->second.conversation) return std::nullopt;
  const auto asked = company.take_original(*member->second.conversation, cancelled->request_id);
  if (!asked) return std::nullopt;
  const std::vector<mcp::Edit> edits{mcp::replace(cancelled->request_id_value, asked->id)};
  return mcp::splice(message.bytes(), edits);
}

bool is_about_task(mcp::MethodId method) {
  using enum mcp::MethodId;
  return method == tasks_get || method == tasks_update || method == tasks_cancel;
}

}  // namespace

std::optional<std::string> shown_message(Company& company, const std::string& server, std::string_view bytes, std::span<const std::string> tokens) {
  json::Document document;
  const auto message = mcp::read_message(bytes, document, mcp::Direction::from_server, upstream::whole_answer);
  if (!message || message->is_response()) return std::nullopt;
  if (message->is_request()) return shown_request(company, server, *message);
  if (message->method_id == mcp::MethodId::notifications_cancelled) return shown_cancel(company, server, *message);
  if (message->method_id == mcp::MethodId::notifications_progress &&
      std::ranges::none_of(tokens, [&](const std::string& each) { return upstream::is_progress_for(*message, each); }))
    return std::nullopt;
  return shown_notification(company, server, *message);
}

std::string shown_answer(Company& company, const std::string& server, mcp::MethodId of, std::string_view bytes, std::string_view wrapped) {
  // Not by the reader of messages: it refuses what only a gate may say, and this may be a gate's answer.
  json::Document document;
  const bool read = json::parse(bytes, upstream::whole_answer, document).has_value();
  const auto result = read ? document.root().find("result") : std::nullopt;
  if (!result || !result->is_object()) return {};
  if (!wrapped.empty()) company.uris.keep_wrapped(server, wrapped);
  Shown shown(company, server);
  shown.result(result);
  const bool begins = in(result, "resultType") && in(result, "resultType")->equals("task");
  if (is_about_task(of) && !begins) shown.task(result->find("taskId"));
  if (is_about_task(of)) shown.result(result->find("result"));
  return shown.edits().empty() ? std::string() : mcp::splice(bytes, shown.edits());
}

bool MemberStream::push(std::string_view bytes, std::string_view /*raw*/) {
  const auto company = company_.lock();
  if (closed_ || !company || !company->client.stream) return false;
  if (bytes.empty()) return true;
  // What a server asks before its conversation stands could not be answered.
  const auto member = company->members.find(server_);
  if (member == company->members.end() || !member->second.conversation) return false;
  const auto shown = shown_message(*company, server_, bytes, member->second.tokens);
  return !shown || company->client.stream->push(*shown, {});
}

MemberChannel::MemberChannel(Company& company, std::string server, gateway::Channel& client, std::string_view token, Show show)
    : company_(company), server_(std::move(server)), client_(client), token_(token), show_(std::move(show)) {
  if (!token_.empty()) company_.members[server_].tokens.push_back(token_);
}

MemberChannel::~MemberChannel() {
  std::vector<std::string>& tokens = company_.members[server_].tokens;
  if (const auto own = std::ranges::find(tokens, token_); own != tokens.end()) tokens.erase(own);
}

net::Task<bool> MemberChannel::event(std::string_view bytes, std::string_view /*raw*/) {
  if (bytes.empty()) co_return !client_.gone();
  const auto shown = shown_message(company_, server_, bytes, {&token_, 1});
  if (!shown) co_return true;
  co_return co_await client_.event(*shown, {});
}

net::Task<bool> MemberChannel::answer(std::string_view bytes, std::string_view /*raw*/, int status) {
  const std::string shown = show_ ? show_(bytes) : std::string();
  co_return co_await client_.answer(shown.empty() ? bytes : std::string_view(shown), {}, status);
}

/// What a server says while it is asked along with others belongs to no request of
/// the client's: progress of several would run backwards.
net::Task<bool> KeptAnswer::event(std::string_view bytes, std::string_view /*raw*/) {
  if (bytes.empty()) co_return true;
  json::Document document;
  const auto message = mcp::read_message(bytes, document, mcp::Direction::from_server, upstream::whole_answer);
  if (!message || message->method_id == mcp::MethodId::notifications_progress) co_return true;
  MemberStream stream(company_, server_);
  const bool heard = stream.push(bytes, {});
  // Nobody is there to answer a request; any other message is nobody's loss.
  co_return heard || !message->is_request();
}

net::Task<bool> KeptAnswer::answer(std::string_view bytes, std::string_view /*raw*/, int /*status*/) {
  text_ = bytes;
  co_return true;
}

}  // namespace callgate::aggregate
