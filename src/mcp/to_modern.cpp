#include "mcp/to_modern.hpp"

#include <array>

#include <fmt/format.h>

#include "mcp/codes.hpp"
#include "mcp/splice.hpp"

namespace callgate::mcp {

namespace {

constexpr std::string_view prefix = "io.modelcontextprotocol/";
constexpr std::size_t max_asks = 16;

struct Named {
  std::string_view name;
  std::string text;
};

std::array<Named, 4> members_of(const Envelope& envelope) {
  return {Named{"protocolVersion", fmt::format("\"{}\"", word(latest_revision))}, Named{"clientCapabilities", envelope.capabilities},
          Named{"clientInfo", envelope.client_info}, Named{"logLevel", envelope.log_level}};
}

/// The envelope's members that `meta` lacks, joined by commas.
std::string missing_members(const Envelope& envelope, json::Value meta) {
  std::string out;
  for (const Named& each : members_of(envelope)) {
    const std::string key = std::string(prefix) + std::string(each.name);
    if (each.text.empty() || (meta && meta.find(key))) continue;
    if (!out.empty()) out += ',';
    out += fmt::format("\"{}\":{}", key, each.text);
  }
  return out;
}

std::string meta_text(const Envelope& envelope) { return fmt::format(R"("_meta":{{{}}})", missing_members(envelope, {})); }

/// Puts members at the front of an object; `text` becomes the edit's own.
Edit put_first(json::Value object, std::string& text) {
  if (object.size() != 0 && !text.empty()) text += ',';
  return {.offset = object.offset() + 1, .size = 0, .text = text};
}

std::string request_text(std::string_view id_text, MethodId method, std::string_view members) {
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":"{}","params":{{{}}}}})", id_text, method_name(method), members);
}

}  // namespace

Envelope envelope_of(const Message& initialize) {
  Envelope envelope;
  if (!initialize.params) return envelope;
  if (const auto capabilities = initialize.params.find("capabilities"); capabilities && capabilities->is_object()) envelope.capabilities = capabilities->text();
  if (const auto info = initialize.params.find("clientInfo"); info && info->is_object()) envelope.client_info = info->text();
  return envelope;
}

std::string with_envelope(const Message& request, const Envelope& envelope) {
  std::string text;
  if (request.meta) {
    text = missing_members(envelope, request.meta);
    const Edit edit = put_first(request.meta, text);
    return splice(request.bytes(), std::span(&edit, 1));
  }
  text = meta_text(envelope);
  if (request.params) {
    const Edit edit = put_first(request.params, text);
    return splice(request.bytes(), std::span(&edit, 1));
  }
  text = fmt::format(R"("params":{{{}}})", text);
  const Edit edit = put_first(request.document->root(), text);
  return splice(request.bytes(), std::span(&edit, 1));
}

std::string discover_request(std::string_view id_text, const Envelope& envelope) {
  return request_text(id_text, MethodId::server_discover, meta_text(envelope));
}

std::string listen_request(std::string_view id_text, const Envelope& envelope, std::span<const std::string> uri_texts) {
  std::string filter = R"("notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true)";
  if (!uri_texts.empty()) filter += fmt::format(R"(,"resourceSubscriptions":[{}])", fmt::join(uri_texts, ","));
  return request_text(id_text, MethodId::subscriptions_listen, fmt::format("{}}},{}", filter, meta_text(envelope)));
}

Result<std::string> initialize_answer(std::string_view id_text, const Message& discovered, Revision revision, std::string_view server_name) {
  const auto capabilities = discovered.result ? discovered.result.find("capabilities") : std::nullopt;
  if (!capabilities || !capabilities->is_object()) return fail(ErrorKind::invalid, "the server's answer to `server/discover` names no capabilities");
  std::string shown;
  for (const json::Member member : capabilities->members()) {
    if (member.key.equals("extensions")) continue;
    shown += fmt::format("{}{}:{}", shown.empty() ? "" : ",", member.key.text(), member.value.text());
  }
  const auto info = discovered.meta ? discovered.meta.find(std::string(prefix) + "serverInfo") : std::nullopt;
  const std::string unnamed = fmt::format(R"({{"name":{},"version":"0"}})", json::quoted(server_name));
  std::string result = fmt::format(R"({{"protocolVersion":"{}","capabilities":{{{}}},"serverInfo":{})", word(revision), shown,
                                   info && info->is_object() ? info->text() : std::string_view(unnamed));
  if (const auto instructions = discovered.result.find("instructions"); instructions && instructions->is_string())
    result += fmt::format(R"(,"instructions":{})", instructions->text());
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{}}}}})", id_text, result);
}

bool is_input_required(const Message& answer) {
  const auto kind = answer.result ? answer.result.find("resultType") : std::nullopt;
  return kind && kind->equals("input_required");
}

Result<std::vector<InputAsk>> read_input_asks(const Message& answer) {
  std::vector<InputAsk> asks;
  if (!is_input_required(answer)) return asks;
  const auto requests = answer.result.find("inputRequests");
  if (!requests && !answer.result.find("requestState")) return fail(ErrorKind::invalid, "the server waits for input and does not say for what");
  if (!requests) return asks;
  if (!requests->is_object() || requests->size() > max_asks) return fail(ErrorKind::invalid, "the server asks for more than 16 inputs at once");
  for (const json::Member member : requests->members()) {
    const auto method = member.value.find("method");
    if (!method || !method->is_string()) return fail(ErrorKind::invalid, "the server asks for an input without a method");
    InputAsk ask{.key = member.key.string(), .method = MethodId::unknown, .method_name = method->string(), .params = {}};
    ask.method = method_id(ask.method_name);
    if (const auto params = member.value.find("params"); params && params->is_object()) ask.params = params->text();
    asks.push_back(std::move(ask));
  }
  return asks;
}

std::string ask_request(std::string_view id_text, const InputAsk& ask) {
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"method":{}{}{}}})", id_text, json::quoted(ask.method_name),
                     ask.params.empty() ? "" : ",\"params\":", ask.params);
}

std::string with_inputs(const Message& request, std::string_view id_text, std::string_view responses, const Message& answer) {
  std::string text = responses.empty() ? std::string() : fmt::format(R"("inputResponses":{})", responses);
  if (const auto state = answer.result.find("requestState"))
    text += fmt::format(R"({}"requestState":{})", text.empty() ? "" : ",", state->text());
  const std::array edits{replace(request.id, id_text), put_first(request.params, text)};
  return splice(request.bytes(), edits);
}

std::string legacy_answer(const Message& answer, std::string_view id_text, MethodId of) {
  std::vector<Edit> edits;
  if (answer.id_text != id_text) edits.push_back(replace(answer.id, id_text));
  const std::string not_found = std::to_string(code::resource_not_found_legacy);
  if (of == MethodId::resources_read && answer.error) {
    const auto number = answer.error.find("code");
    if (number && number->as_int64() == code::invalid_params) edits.push_back(replace(*number, not_found));
  }
  return edits.empty() ? std::string(answer.bytes()) : splice(answer.bytes(), edits);
}

}  // namespace callgate::mcp
