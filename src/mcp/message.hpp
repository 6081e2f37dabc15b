#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/json.hpp"
#include "mcp/methods.hpp"
#include "mcp/text.hpp"

/// One JSON-RPC message of MCP, read once and strictly: what is accepted here
/// means the same to every reader behind, and the bytes that were judged are
/// the bytes that are sent. Batches are refused on every transport and revision
/// (the one deviation from 2025-03-26). Source: JSON-RPC 2.0; MCP basic/index.
/// Pure; a Document is used by one thread at a time.
namespace callgate::mcp {

enum class MessageKind : std::uint8_t { request, notification, response };

inline constexpr std::size_t max_id_bytes = 256;

/// A message that was read. Every view and value points into the bytes and the
/// document it was read with. A value that is absent is empty (`!value`).
struct Message {
  MessageKind kind = MessageKind::request;
  MethodId method_id = MethodId::unknown;
  Text method;               ///< decoded; empty in a response
  std::string_view id_text;  ///< the id as written, quotes included; empty where there is none
  json::Value id;
  json::Value params;  ///< an object
  json::Value meta;    ///< `params._meta` or `result._meta`, an object
  json::Value result;  ///< an object; in a response either this or `error`
  json::Value error;   ///< an object with an integer `code` and a string `message`
  const json::Document* document = nullptr;

  std::string_view bytes() const { return document->bytes(); }
  bool is_request() const { return kind == MessageKind::request; }
  bool is_notification() const { return kind == MessageKind::notification; }
  bool is_response() const { return kind == MessageKind::response; }
};

/// Reads one message. The rule on the range of numbers is on for messages of
/// clients and off for those of servers, whatever `limits` says.
///
/// Errors: those of json::parse, else `invalid`; rpc_code() gives their code.
/// An error response of a server may lack its id or have null (JSON-RPC 2.0
/// section 5): its `id_text` is empty. No client may do that.
Result<Message> read_message(std::string_view bytes, json::Document& document, Direction direction,
                             const json::Limits& limits = {});

/// A client's message of bytes that json::parse would accept, and that `document` holds as they read.
Result<Message> read_parsed(const json::Document& document);

/// −32700 for bytes that are no JSON, −32600 for JSON that is refused
/// (JSON-RPC 2.0 section 5.1).
int rpc_code(const Error& error);

/// The id of a message that was refused, to answer with: found where the text
/// is an object with exactly one plain top-level `id` that is a string or an
/// integer. Reads leniently, so it serves for texts that are refused for
/// duplicate keys, depth or size; never use it to decide anything.
std::optional<std::string_view> salvage_id(std::string_view bytes);

/// Whether two ids, given as written, are of one type and one value.
bool same_id(std::string_view a, std::string_view b);

}  // namespace callgate::mcp
