#include "mcp/own_messages.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "base/json.hpp"

namespace callgate::mcp {

namespace {

std::string capabilities_json(const ClientCapabilities& capabilities) {
  std::string out;
  const auto add = [&out](std::string_view member) {
    if (!out.empty()) out += ',';
    out += member;
  };
  if (capabilities.roots) add(R"("roots":{"listChanged":true})");
  if (capabilities.sampling) add(R"("sampling":{})");
  if (capabilities.form_elicitation && capabilities.url_elicitation) {
    add(R"("elicitation":{"form":{},"url":{}})");
  } else if (capabilities.form_elicitation) {
    add(R"("elicitation":{})");
  } else if (capabilities.url_elicitation) {
    add(R"("elicitation":{"url":{}})");
  }
  if (capabilities.tasks) add(R"("extensions":{"io.modelcontextprotocol/tasks":{}})");
  return fmt::format("{{{}}}", out);
}

std::string client_info() { return R"({"name":"callgate","version":")" CALLGATE_VERSION R"("})"; }

/// `"_meta":{…}` of a modern request (2026-07-28, basic/index "Request metadata").
std::string modern_meta(Revision revision, const ClientCapabilities& capabilities) {
  return fmt::format(R"("_meta":{{"io.modelcontextprotocol/protocolVersion":"{}","io.modelcontextprotocol/clientInfo":{},)"
                     R"("io.modelcontextprotocol/clientCapabilities":{}}})",
                     word(revision), client_info(), capabilities_json(capabilities));
}

/// A request whose params hold `member` and what the revision demands.
std::string request(std::string_view id_text, MethodId method, Revision revision, std::string member,
                    const ClientCapabilities& capabilities) {
  if (era_of(revision) == Era::modern) {
    if (!member.empty()) member += ',';
    member += modern_meta(revision, capabilities);
  }
  const std::string params = member.empty() ? std::string() : fmt::format(R"(,"params":{{{}}})", member);
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"{}"{}}})", id_text, method_name(method), params);
}

}  // namespace

std::string initialize_request(std::string_view id_text, Revision revision, const ClientCapabilities& capabilities) {
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"initialize","params":{{"protocolVersion":"{}",)"
                     R"("capabilities":{},"clientInfo":{}}}}})",
                     id_text, word(revision), capabilities_json(capabilities), client_info());
}

std::string initialized_notification() { return plain_notification(MethodId::notifications_initialized); }

std::string ping_request(std::string_view id_text) {
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"ping"}})", id_text);
}

std::string plain_request(std::string_view id_text, MethodId method, Revision revision,
                          const std::optional<std::string>& cursor, const ClientCapabilities& capabilities) {
  std::string member = cursor ? fmt::format(R"("cursor":{})", json::quoted(*cursor)) : std::string();
  return request(id_text, method, revision, std::move(member), capabilities);
}

std::string probe_call(std::string_view id_text, std::string_view name, Revision revision) {
  std::string member = fmt::format(R"("name":{},"arguments":{{}})", json::quoted(name));
  return request(id_text, MethodId::tools_call, revision, std::move(member), {});
}

std::string set_level_request(std::string_view id_text, std::string_view level_text) {
  return request(id_text, MethodId::logging_set_level, latest_legacy, fmt::format(R"("level":{})", level_text), {});
}

std::string resource_request(std::string_view id_text, MethodId method, std::string_view uri) {
  return request(id_text, method, latest_legacy, fmt::format(R"("uri":{})", json::quoted(uri)), {});
}

std::string plain_notification(MethodId method) {
  return fmt::format(R"({{"jsonrpc":"2.0","method":"{}"}})", method_name(method));
}

std::string subscribed_notification(MethodId method, std::string_view subscription_id_text) {
  return fmt::format(R"({{"jsonrpc":"2.0","method":"{}","params":{{"_meta":{{"io.modelcontextprotocol/subscriptionId":{}}}}}}})",
                     method_name(method), subscription_id_text);
}

std::string subscribed_update(std::string_view uri, std::string_view subscription_id_text) {
  return fmt::format(R"({{"jsonrpc":"2.0","method":"{}","params":{{"uri":{},"_meta":{{"io.modelcontextprotocol/subscriptionId":{}}}}}}})",
                     method_name(MethodId::notifications_resources_updated), json::quoted(uri), subscription_id_text);
}

std::string cancelled_notification(std::string_view request_id_text, std::string_view reason) {
  return fmt::format(R"({{"jsonrpc":"2.0","method":"notifications/cancelled","params":{{"requestId":{},"reason":{}}}}})",
                     request_id_text, json::quoted(reason));
}

std::string progress_notification(std::string_view token_text, std::uint64_t progress, std::string_view message) {
  const std::string text = message.empty() ? std::string() : fmt::format(R"(,"message":{})", json::quoted(message));
  return fmt::format(R"({{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{},"progress":{}{}}}}})",
                     token_text, progress, text);
}

std::string waiting_notification(std::string_view token_text, std::uint64_t turn, std::string_view message) {
  constexpr std::uint64_t last = 999'999;
  return fmt::format(R"({{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{},"progress":-0.{:06},"message":{}}}}})",
                     token_text, last - std::min(turn, last - 1), json::quoted(message));
}

}  // namespace callgate::mcp
