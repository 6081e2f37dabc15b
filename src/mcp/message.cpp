#include "mcp/message.hpp"

#include <array>

#include <fmt/format.h>

#include "mcp/keys.hpp"
#include "mcp/nul_names.hpp"
#include "mcp/read_value.hpp"

namespace callgate::mcp {

namespace {

using Slots = std::array<json::Value, envelope_keys>;

json::Value& slot(Slots& slots, EnvelopeKey key) { return slots[static_cast<std::size_t>(key)]; }

std::unexpected<Error> refuse(std::string message, json::Value at) {
  return fail(ErrorKind::invalid, std::move(message), fmt::format("byte {}", at.offset()));
}

Result<Slots> read_envelope(json::Value root) {
  if (root.is_array()) return refuse("a JSON array (batch) is not accepted: send one message at a time", root);
  if (!root.is_object()) return refuse("a message must be a JSON object", root);
  Slots slots;
  for (const auto [key, value] : root.members()) {
    const int known = key.has_escapes() ? -1 : envelope_key(key.raw_string());
    if (known >= 0) {
      slots[static_cast<std::size_t>(known)] = value;
    } else if (auto fine = check_key(key, Level::envelope); !fine) {
      return std::unexpected(std::move(fine.error()));
    }
  }
  return slots;
}

/// The tools of an answer: a name with a NUL there costs the tool that it stands in
/// (read_list_page), not the list. What calls say is never spared.
NodeRange listed_tools(const Message& message, Direction direction) {
  const auto tools = direction == Direction::from_server && message.is_response() && message.result ? message.result.find("tools") : std::nullopt;
  if (!tools || !tools->is_array()) return {};
  return {tools->index() + 1, tools->node().next};
}

Result<void> refuse_nul_in_names(const json::Document& document, const Message& message, Direction direction) {
  if (!document.may_have_escaped_keys()) return {};  // nothing else brings a NUL into a name
  const NodeRange all{0, static_cast<std::uint32_t>(document.nodes().size())};
  if (const json::Value key = nul_in_names(document, all, listed_tools(message, direction))) return refuse("a member name holds `\\u0000`", key);
  return {};
}

/// What a server says where no gate looks for its own words, clients and models may take for them all the same.
Result<void> refuse_own_names(const json::Document& document) {
  const std::optional<std::size_t> found = document.reserved_key();
  if (!found) return {};
  return fail(ErrorKind::invalid, fmt::format("a member name begins with `{}`, which is reserved for the gateway", json::reserved_prefix), fmt::format("byte {}", *found));
}

Result<void> read_id(json::Value id, Direction direction, Message& message) {
  if (!id) return {};
  const bool unknown_to_server = id.is_null() && direction == Direction::from_server && message.is_response() && message.error;
  if (unknown_to_server) return {};
  if (!is_token(id))
    return refuse(fmt::format("`id` must be a string or an integer of at most {} bytes", max_id_bytes), id);
  message.id = id;
  message.id_text = id.text();
  return {};
}

Result<void> read_meta(json::Value meta, Message& message) {
  if (!meta.is_object()) return refuse("`_meta` must be an object", meta);
  message.meta = meta;
  return check_keys(meta, Level::meta);
}

Result<void> read_params(json::Value params, Message& message) {
  if (!params.is_object()) return refuse("`params` must be an object", params);
  message.params = params;
  for (const auto [key, value] : params.members()) {
    if (auto fine = check_key(key, Level::params); !fine) return fine;
    if (key.raw_string() != "_meta") continue;
    if (auto fine = read_meta(value, message); !fine) return fine;
  }
  return {};
}

Result<void> read_call(Slots& slots, Message& message) {
  const json::Value method = slot(slots, EnvelopeKey::method);
  auto text = read_string(method, "method");
  if (!text) return std::unexpected(std::move(text.error()));
  if (text->empty()) return refuse("`method` must not be empty", method);
  message.method = std::move(*text);
  message.method_id = method_id(message.method.view());

  const json::Value params = slot(slots, EnvelopeKey::params);
  return params ? read_params(params, message) : Result<void>();
}

Result<void> check_error_object(json::Value error) {
  if (!error.is_object()) return refuse("`error` must be an object", error);
  const auto code = error.find("code");
  if (!code || !code->is_integer()) return refuse("`error.code` must be an integer", error);
  const auto text = error.find("message");
  if (!text || !text->is_string()) return refuse("`error.message` must be a string", error);
  return {};
}

Result<void> read_answer(Slots& slots, Message& message) {
  message.kind = MessageKind::response;
  message.result = slot(slots, EnvelopeKey::result);
  message.error = slot(slots, EnvelopeKey::error);
  if (message.result && message.error) return refuse("a response has either `result` or `error`, not both", message.error);
  if (const json::Value params = slot(slots, EnvelopeKey::params)) return refuse("a response has no `params`", params);
  if (message.error) return check_error_object(message.error);
  if (!message.result.is_object()) return refuse("`result` must be an object", message.result);
  const auto meta = message.result.find("_meta");
  return meta ? read_meta(*meta, message) : Result<void>();
}

Result<Message> read_as(const json::Document& document, Direction direction) {
  const json::Value root = document.root();
  auto slots = read_envelope(root);
  if (!slots) return std::unexpected(std::move(slots.error()));

  const json::Value version = slot(*slots, EnvelopeKey::jsonrpc);
  if (!version || !version.is_string() || version.text() != "\"2.0\"")
    return refuse("`jsonrpc` must be exactly \"2.0\"", version ? version : root);

  Message message;
  message.document = &document;
  const bool asks = static_cast<bool>(slot(*slots, EnvelopeKey::method));
  const bool answers = slot(*slots, EnvelopeKey::result) || slot(*slots, EnvelopeKey::error);
  if (asks && answers) return refuse("a message has either `method` or `result`/`error`, not both", root);
  if (!asks && !answers) return refuse("a message needs a `method`, or a `result` or `error`", root);
  if (auto fine = asks ? read_call(*slots, message) : read_answer(*slots, message); !fine)
    return std::unexpected(std::move(fine.error()));

  const json::Value id = slot(*slots, EnvelopeKey::id);
  if (auto fine = read_id(id, direction, message); !fine) return std::unexpected(std::move(fine.error()));
  if (asks) message.kind = id ? MessageKind::request : MessageKind::notification;
  const bool may_lack_id = direction == Direction::from_server && message.error;
  if (answers && !message.id && !may_lack_id) return refuse("a response needs the `id` of its request", root);

  if (auto fine = refuse_nul_in_names(document, message, direction); !fine) return std::unexpected(std::move(fine.error()));
  return message;
}

}  // namespace

Result<Message> read_message(std::string_view bytes, json::Document& document, Direction direction,
                             const json::Limits& limits) {
  json::Limits adjusted = limits;
  adjusted.check_number_range = direction == Direction::from_client;
  if (auto parsed = json::parse(bytes, adjusted, document); !parsed) return std::unexpected(std::move(parsed.error()));
  Result<Message> message = read_as(document, direction);
  if (!message || direction == Direction::from_client) return message;
  if (auto fine = refuse_own_names(document); !fine) return std::unexpected(std::move(fine.error()));
  return message;
}

Result<Message> read_parsed(const json::Document& document) { return read_as(document, Direction::from_client); }

int rpc_code(const Error& error) { return error.kind == ErrorKind::malformed ? -32700 : -32600; }

}  // namespace callgate::mcp
