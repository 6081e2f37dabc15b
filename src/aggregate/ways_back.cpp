#include "aggregate/ways_back.hpp"

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
  const std::string shown = mcp::splice(message.bytes(), edits);
  company.remember(std::move(asked));
  return shown;
}

/// Gathers the edits that put the client's URIs in the place of a server's.
class Uris {
 public:
  Uris(Company& company, const std::string& server) : company_(company), server_(server), slug_(slug_of(server)) {}

  void show(std::optional<json::Value> uri) {
    if (!uri || !uri->is_string()) return;
    const std::string own = uri->string();
    std::string shown = company_.uris.shown(server_, slug_, own);
    if (shown == own) return;
    texts_.push_back(json::quoted(shown));
    edits_.push_back(mcp::replace(*uri, texts_.back()));
  }
  /// A block of content: a link, or a resource in it.
  void show_block(json::Value block) {
    const auto type = block.find("type");
    if (!type) return;
    if (type->equals("resource_link")) show(block.find("uri"));
    const auto resource = type->equals("resource") ? block.find("resource") : std::nullopt;
    if (resource) show(resource->find("uri"));
  }
  std::string splice(std::string_view bytes) const { return mcp::splice(bytes, edits_); }
  bool none() const { return edits_.empty(); }

 private:
  Company& company_;
  const std::string& server_;
  std::string slug_;
  std::deque<std::string> texts_;  ///< stay where they are
  std::vector<mcp::Edit> edits_;
};

std::optional<json::Value> array_in(json::Value object, std::string_view key) {
  const auto found = object ? object.find(key) : std::nullopt;
  return found && found->is_array() ? found : std::nullopt;
}

std::string shown_update(Company& company, const std::string& server, const mcp::Message& message) {
  Uris uris(company, server);
  if (message.params) uris.show(message.params.find("uri"));
  return uris.splice(message.bytes());
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

}  // namespace

std::optional<std::string> shown_message(Company& company, const std::string& server, std::string_view bytes) {
  json::Document document;
  const auto message = mcp::read_message(bytes, document, mcp::Direction::from_server, upstream::whole_answer);
  if (!message || message->is_response()) return std::nullopt;
  if (message->is_request()) return shown_request(company, server, *message);
  if (message->method_id == mcp::MethodId::notifications_cancelled) return shown_cancel(company, server, *message);
  if (message->method_id == mcp::MethodId::notifications_resources_updated) return shown_update(company, server, *message);
  return std::string(bytes);
}

std::string shown_answer(Company& company, const std::string& server, std::string_view bytes) {
  json::Document document;
  const auto message = mcp::read_message(bytes, document, mcp::Direction::from_server, upstream::whole_answer);
  if (!message || !message->result) return {};
  Uris uris(company, server);
  if (const auto contents = array_in(message->result, "contents")) {
    for (const json::Value each : contents->elements()) uris.show(each.find("uri"));
  }
  if (const auto content = array_in(message->result, "content")) {
    for (const json::Value each : content->elements()) uris.show_block(each);
  }
  if (const auto messages = array_in(message->result, "messages")) {
    for (const json::Value each : messages->elements()) {
      if (const auto block = each.find("content"); block && block->is_object()) uris.show_block(*block);
    }
  }
  return uris.none() ? std::string() : uris.splice(bytes);
}

bool MemberStream::push(std::string_view bytes, std::string_view /*raw*/) {
  const auto company = company_.lock();
  if (closed_ || !company || !company->client.stream) return false;
  if (bytes.empty()) return true;
  // What a server asks before its conversation stands could not be answered.
  const auto member = company->members.find(server_);
  if (member == company->members.end() || !member->second.conversation) return false;
  const auto shown = shown_message(*company, server_, bytes);
  return !shown || company->client.stream->push(*shown, {});
}

net::Task<bool> MemberChannel::event(std::string_view bytes, std::string_view /*raw*/) {
  if (bytes.empty()) co_return !client_.gone();
  const auto shown = shown_message(company_, server_, bytes);
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
