#include "mcp/to_modern.hpp"

#include <array>

#include <fmt/format.h>

#include "base/json_change.hpp"
#include "mcp/codes.hpp"
#include "mcp/splice.hpp"

namespace callgate::mcp {

namespace {

constexpr std::string_view mcp_prefix = "io.modelcontextprotocol/";
constexpr std::size_t max_asks = 16;

/// The envelope's members that `meta` lacks, joined by commas.
std::string missing_members(const Envelope& envelope, json::Value meta) {
  std::string out;
  const auto add = [&](std::string_view name, std::string_view text) {
    const std::string key = std::string(mcp_prefix) + std::string(name);
    if (text.empty() || (meta && meta.find(key))) return;
    if (!out.empty()) out += ',';
    out += fmt::format("\"{}\":{}", key, text);
  };
  add("protocolVersion", fmt::format("\"{}\"", word(latest_revision)));
  add("clientCapabilities", envelope.capabilities);
  add("clientInfo", envelope.client_info);
  add("logLevel", envelope.log_level);
  return out;
}

std::string meta_text(const Envelope& envelope) { return fmt::format(R"("_meta":{{{}}})", missing_members(envelope, {})); }

/// Puts members at the front of an object; `text` becomes the edit's own.
Edit put_first(json::Value object, std::string& text) {
  if (object.size() != 0 && !text.empty()) text += ',';
  return {.offset = object.offset() + 1, .size = 0, .text = text};
}

/// Whether the client wrote a part of the envelope itself.
bool holds_envelope(json::Value meta) {
  std::string scratch;
  for (const json::Member member : meta.members()) {
    if (member.key.string(scratch).starts_with(mcp_prefix)) return true;
  }
  return false;
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

namespace {

/// Where the parts of a written envelope stand in its document: root, `params`, its object, `_meta`, its object, members.
constexpr std::uint32_t meta_key = 3;
constexpr std::uint32_t meta_object = 4;
constexpr std::uint32_t first_member = 5;

std::string spelt_with_envelope(const Message& request, const Envelope& envelope) {
  std::string text = request.meta ? missing_members(envelope, request.meta) : meta_text(envelope);
  json::Value object = request.meta ? request.meta : request.params;
  if (!object) {
    text = fmt::format(R"("params":{{{}}})", text);
    object = request.document->root();
  }
  const Edit edit = put_first(object, text);
  return splice(request.bytes(), std::span(&edit, 1));
}

}  // namespace

Result<void> WrittenEnvelope::write(Envelope envelope) {
  std::string text = fmt::format(R"({{"params":{{{}}}}})", meta_text(envelope));
  json::Document trial;
  if (auto parsed = json::parse(text, {}, trial); !parsed) return parsed;
  envelope_ = std::move(envelope);
  text_ = std::move(text);
  members_ = missing_members(envelope_, {}) + ',';
  return json::parse(text_, {}, document_);
}

Result<void> with_envelope(const Message& request, const WrittenEnvelope& envelope, Written& out) {
  if (!request.params || envelope.text_.empty() || (request.meta && holds_envelope(request.meta))) {
    out.bytes = spelt_with_envelope(request, envelope.envelope_);
    return out.read();
  }
  const json::Value object = request.meta ? request.meta : request.params;
  const auto nodes = envelope.document_.nodes();
  const std::uint32_t first = request.meta ? first_member : meta_key;
  const std::string& members = envelope.members_;
  // Braces of a request that has its envelope follow the members; a comma does where others stand behind.
  std::string_view text = members;
  std::string with_key;
  if (!request.meta) {
    with_key.reserve(members.size() + 16);
    with_key += R"("_meta":{)";
    with_key += members;
    with_key.back() = '}';
    with_key += ',';
    text = with_key;
  }
  if (object.size() == 0) text.remove_suffix(1);
  const std::size_t count = request.meta ? json::Value(&envelope.document_, meta_object).size() : 1;
  const json::Change change{.at = object.offset() + 1, .text = text, .first = object.index() + 1, .last = object.index() + 1, .nodes = nodes.subspan(first),
                            .nodes_at = nodes[first].begin, .nodes_index = first, .inside = object.index(), .members = static_cast<std::int32_t>(count)};
  json::change(*request.document, std::span(&change, 1), out.bytes, out.document);
  return out.take_parsed();
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
  const auto info = discovered.meta ? discovered.meta.find(std::string(mcp_prefix) + "serverInfo") : std::nullopt;
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

bool may_be_asked(const ClientCapabilities& client, const InputAsk& ask) {
  if (ask.method == MethodId::sampling_create_message) return client.sampling;
  if (ask.method == MethodId::roots_list) return client.roots;
  if (ask.method != MethodId::elicitation_create) return true;
  json::Document document;
  const bool read = !ask.params.empty() && json::parse(ask.params, {.max_depth = 512, .max_keys = 4'000'000, .check_number_range = false}, document).has_value();
  const auto mode = read && document.root().is_object() ? document.root().find("mode") : std::nullopt;
  return mode && mode->equals("url") ? client.url_elicitation : client.form_elicitation;
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

std::optional<std::string> legacy_answer(std::string_view bytes, const AnswerLook& look, std::string_view id_text, MethodId of) {
  std::array<Edit, 2> edits;
  std::size_t count = 0;
  const std::string not_found = std::to_string(code::resource_not_found_legacy);
  if (look.id.in(bytes) != id_text) edits[count++] = {.offset = look.id.at, .size = look.id.size, .text = id_text};
  if (of == MethodId::resources_read && look.code_number == code::invalid_params)
    edits[count++] = {.offset = look.code.at, .size = look.code.size, .text = not_found};
  if (count == 0) return std::nullopt;
  return splice(bytes, std::span(edits).first(count));
}

}  // namespace callgate::mcp
