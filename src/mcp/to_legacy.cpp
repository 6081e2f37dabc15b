#include "mcp/to_legacy.hpp"

#include <array>
#include <vector>

#include <fmt/format.h>

#include "mcp/codes.hpp"
#include "mcp/discovery.hpp"
#include "mcp/splice.hpp"

namespace callgate::mcp {

namespace {

constexpr std::array<std::string_view, 4> envelope_keys_of_meta{
    "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities",
    "io.modelcontextprotocol/clientInfo", "io.modelcontextprotocol/logLevel"};

bool is_envelope(json::Value key) {
  for (const std::string_view each : envelope_keys_of_meta) {
    if (key.equals(each)) return true;
  }
  return false;
}

void add_member(std::string& out, std::string_view key_text, std::string_view value_text) {
  if (!out.empty()) out += ',';
  out += key_text;
  out += ':';
  out += value_text;
}

/// What a list or a resource says of its being kept: nobody may.
bool may_be_kept(MethodId method) {
  using enum MethodId;
  return method == server_discover || method == tools_list || method == prompts_list || method == resources_list ||
         method == resources_templates_list || method == resources_read;
}

std::string subscription_member(std::string_view id_text) {
  return fmt::format(R"("io.modelcontextprotocol/subscriptionId":{})", id_text);
}

}  // namespace

std::string initialize_for(std::string_view id_text, std::string_view capabilities, std::string_view client_info) {
  constexpr std::string_view unnamed = R"({"name":"callgate","version":"1"})";
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"initialize","params":{{"protocolVersion":"{}","capabilities":{},"clientInfo":{}}}}})", id_text,
                     word(latest_legacy), capabilities, client_info.empty() ? unnamed : client_info);
}

std::string without_envelope(const Message& request, std::string_view id_text) {
  std::string params;
  for (const json::Member member : request.params.members()) {
    if (member.key.equals("inputResponses") || member.key.equals("requestState")) continue;
    if (!member.key.equals("_meta") || !member.value.is_object()) {
      add_member(params, member.key.text(), member.value.text());
      continue;
    }
    std::string meta;
    for (const json::Member each : member.value.members()) {
      if (is_envelope(each.key)) continue;
      add_member(meta, each.key.text(), each.key.equals("progressToken") ? id_text : each.value.text());
    }
    if (!meta.empty()) add_member(params, member.key.text(), '{' + meta + '}');
  }
  const std::string text = '{' + params + '}';
  const std::array edits{replace(request.id, id_text), replace(request.params, text)};
  return splice(request.bytes(), edits);
}

std::string modern_answer(const Message& answer, std::string_view id_text, MethodId of) {
  std::vector<Edit> edits{replace(answer.id, id_text)};
  std::string front;
  if (answer.result) {
    if (!answer.result.find("resultType")) add_member(front, R"("resultType")", R"("complete")");
    if (may_be_kept(of) && !answer.result.find("ttlMs")) add_member(front, R"("ttlMs")", "0");
    if (may_be_kept(of) && !answer.result.find("cacheScope")) add_member(front, R"("cacheScope")", R"("private")");
    if (!front.empty() && answer.result.size() != 0) front += ',';
    edits.push_back({.offset = answer.result.offset() + 1, .size = 0, .text = front});
  }
  const std::string not_found = std::to_string(code::invalid_params);
  if (answer.error) {
    const auto number = answer.error.find("code");
    if (number && number->as_int64() == code::resource_not_found_legacy) edits.push_back(replace(*number, not_found));
  }
  return splice(answer.bytes(), edits);
}

Result<std::string> discover_answer(std::string_view id_text, const Message& initialized) {
  const auto capabilities = initialized.result ? initialized.result.find("capabilities") : std::nullopt;
  if (!capabilities || !capabilities->is_object()) return fail(ErrorKind::invalid, "the server's answer to `initialize` names no capabilities");
  std::string shown;
  for (const json::Member member : capabilities->members()) {
    // Tasks of 2025-11-25 are not those of the extension.
    if (!member.key.equals("tasks")) add_member(shown, member.key.text(), with_list_changed(member.key.string(), member.value));
  }
  std::string result = fmt::format(R"("resultType":"complete","supportedVersions":["{}"],"capabilities":{{{}}},"ttlMs":0,"cacheScope":"private")",
                                   word(latest_revision), shown);
  if (const auto text = initialized.result.find("instructions"); text && text->is_string()) add_member(result, R"("instructions")", text->text());
  if (const auto info = initialized.result.find("serverInfo"); info && info->is_object())
    result += fmt::format(R"(,"_meta":{{"io.modelcontextprotocol/serverInfo":{}}})", info->text());
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{{{}}}}})", id_text, result);
}

std::string input_required(std::string_view id_text, std::span<const InputAsk> asks, std::string_view state) {
  std::string requests;
  for (const InputAsk& ask : asks) {
    std::string request = fmt::format(R"({{"method":{})", json::quoted(ask.method_name));
    if (!ask.params.empty()) request += fmt::format(R"(,"params":{})", ask.params);
    add_member(requests, json::quoted(ask.key), request + '}');
  }
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{{"resultType":"input_required","inputRequests":{{{}}},"requestState":{}}}}})", id_text, requests,
                     json::quoted(state));
}

std::string response_to(std::string_view id_text, std::string_view value_text) {
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{}}})", id_text, value_text);
}

std::string with_token(const Message& progress, std::string_view token_text) {
  const auto token = progress.params ? progress.params.find("progressToken") : std::nullopt;
  if (!token) return std::string(progress.bytes());
  const Edit edit = replace(*token, token_text);
  return splice(progress.bytes(), std::span(&edit, 1));
}

std::string tagged(const Message& notification, std::string_view subscription_id_text) {
  std::string text = subscription_member(subscription_id_text);
  json::Value object = notification.document->root();
  if (notification.meta) {
    object = notification.meta;
  } else if (notification.params) {
    object = notification.params;
    text = fmt::format(R"("_meta":{{{}}})", text);
  } else {
    text = fmt::format(R"("params":{{"_meta":{{{}}}}})", text);
  }
  if (object.size() != 0) text += ',';
  const Edit edit{.offset = object.offset() + 1, .size = 0, .text = text};
  return splice(notification.bytes(), std::span(&edit, 1));
}

std::string acknowledged(std::string_view filter, std::string_view subscription_id_text) {
  return fmt::format(R"({{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{{"notifications":{},"_meta":{{{}}}}}}})", filter,
                     subscription_member(subscription_id_text));
}

}  // namespace callgate::mcp
