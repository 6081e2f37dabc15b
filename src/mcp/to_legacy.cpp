#include "mcp/to_legacy.hpp"

#include <array>
#include <vector>

#include <fmt/format.h>

#include "base/json_change.hpp"
#include "mcp/codes.hpp"
#include "mcp/discovery.hpp"
#include "mcp/splice.hpp"

namespace callgate::mcp {

namespace {

constexpr std::size_t max_url_asks = 16;

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

namespace {

/// What is taken out of one request: its members' names are all different, so these are few.
class Cuts {
 public:
  void add(const json::Change& change) { changes_[count_++] = change; }
  std::span<const json::Change> all() const { return std::span(changes_).first(count_); }

  /// Takes members out of an object, each with one comma; `stays` sees the others, in order.
  template <class Goes, class Stays>
  void members(json::Value object, Goes goes, Stays stays) {
    std::size_t behind = 0;  // the end of the member before; 0: none stays so far
    for (const auto [key, value] : object.members()) {
      const std::size_t end = value.offset() + value.text().size();
      const std::uint32_t next = value.node().next;
      if (!goes(key)) {
        stays(key, value);
        behind = end;
        continue;
      }
      const bool last = next == object.node().next;
      const std::size_t from = behind != 0 ? behind : key.offset();
      const std::size_t to = behind != 0 || last ? end : json::Value(&object.document(), next).offset();
      add({.at = from, .size = to - from, .first = key.index(), .last = next, .inside = object.index(), .members = -1});
      if (behind != 0) behind = end;
    }
  }

 private:
  // Id and token, state and inputs of a round, `_meta` or the members of the envelope.
  std::array<json::Change, 12> changes_;
  std::size_t count_ = 0;
};

bool is_all_envelope(json::Value meta) {
  for (const json::Member member : meta.members()) {
    if (!is_envelope(member.key)) return false;
  }
  return true;
}

}  // namespace

Result<void> without_envelope(const Message& request, std::string_view id_text, Written& out) {
  Cuts cuts;
  json::Node id_node;
  json::Node token_node;
  const json::Change id = json::replace_leaf(request.id, id_text, id_node);
  const bool id_first = id.at < request.params.offset();
  if (id_first) cuts.add(id);
  const bool no_meta = request.meta && is_all_envelope(request.meta);
  const auto of_round = [&](json::Value key) { return key.equals("inputResponses") || key.equals("requestState") || (no_meta && key.equals("_meta")); };
  cuts.members(request.params, of_round, [&](json::Value key, json::Value value) {
    if (!key.equals("_meta") || !value.is_object()) return;
    cuts.members(value, is_envelope, [&](json::Value name, json::Value token) {
      if (name.equals("progressToken")) cuts.add(json::replace_leaf(token, id_text, token_node));
    });
  });
  if (!id_first) cuts.add(id);
  json::change(*request.document, cuts.all(), out.bytes, out.document);
  return out.take_parsed();
}

std::string modern_answer(std::string_view bytes, const AnswerLook& look, std::string_view id_text, MethodId of) {
  std::string front;
  const bool is_result = look.result.size != 0;
  if (is_result && !look.has_type) add_member(front, R"("resultType")", R"("complete")");
  if (is_result && may_be_kept(of) && !look.has_ttl) add_member(front, R"("ttlMs")", "0");
  if (is_result && may_be_kept(of) && !look.has_scope) add_member(front, R"("cacheScope")", R"("private")");
  if (!front.empty() && look.has_members) front += ',';
  const std::string not_found = std::to_string(code::invalid_params);
  std::array<Edit, 2> edits{Edit{.offset = look.id.at, .size = look.id.size, .text = id_text}};
  std::size_t count = 1;
  if (!front.empty()) edits[count++] = {.offset = look.result.at + std::size_t{1}, .size = 0, .text = front};
  if (look.code_number == code::resource_not_found_legacy) edits[count++] = {.offset = look.code.at, .size = look.code.size, .text = not_found};
  return splice(bytes, std::span(edits).first(count));
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
  const std::string kept = state.empty() ? std::string() : fmt::format(R"(,"requestState":{})", json::quoted(state));
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{{"resultType":"input_required","inputRequests":{{{}}}{}}}}})", id_text, requests, kept);
}

std::vector<InputAsk> read_url_asks(const Message& answer) {
  const auto data = answer.error ? answer.error.find("data") : std::nullopt;
  const auto pages = data && data->is_object() ? data->find("elicitations") : std::nullopt;
  if (!pages || !pages->is_array() || pages->size() > max_url_asks) return {};
  std::vector<InputAsk> asks;
  for (const json::Value page : pages->elements()) {
    const auto url = page.is_object() ? page.find("url") : std::nullopt;
    if (!url || !url->is_string()) return {};
    const auto message = page.find("message");
    asks.push_back({.key = fmt::format("url-{}", asks.size() + 1),
                    .method = MethodId::elicitation_create,
                    .method_name = std::string(method_name(MethodId::elicitation_create)),
                    // 2026-07-28 has no ids of such pages.
                    .params = fmt::format(R"({{"mode":"url","message":{},"url":{}}})", message && message->is_string() ? message->text() : R"("")", url->text())});
  }
  return asks;
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
