#include "gateway/sse_front.hpp"

#include "gateway/http_channel.hpp"
#include "mcp/codes.hpp"
#include "mcp/requests.hpp"
#include "mcp/sse.hpp"

namespace callgate::gateway {

namespace {

constexpr std::string_view parameter = "sessionId=";

/// The one session id of a query; empty where it has none, or several.
std::string_view session_of(std::string_view target) {
  std::string_view found;
  std::size_t at = target.find('?');
  while (at != std::string_view::npos) {
    target.remove_prefix(at + 1);
    at = target.find('&');
    const std::string_view each = target.substr(0, at);
    if (!each.starts_with(parameter)) continue;
    if (!found.empty()) return {};
    found = each.substr(parameter.size());
  }
  return found;
}

RequestRefusal invalid(int status, std::string_view id, std::string_view text, std::string_view why) {
  return {.status = status, .body = mcp::rpc_error(id, mcp::code::invalid_request, text), .why = why};
}

}  // namespace

net::Task<std::optional<RequestRefusal>> SseFront::get(net::HttpExchange& exchange, Gate& gate, session::Caller caller) const {
  auto conversation = gate.open_pipe(caller);
  if (!conversation)
    co_return RequestRefusal{.status = 503, .body = mcp::rpc_error({}, mcp::code::internal_error, conversation.error().message), .why = "no room for a session"};
  // With the server's name, so that the address stays right when another server is added.
  std::string address = "/sse/" + gate.name() + "?";
  address += parameter;
  address += (*conversation)->session.id;
  std::string first;
  mcp::append_sse_event(first, address, "endpoint");
  HttpChannel channel(exchange, **conversation, Announce::nothing);
  co_await gate.serve_pipe(*conversation, channel, std::move(first));
  if (exchange.begun()) co_await exchange.finish();
  co_return std::nullopt;
}

/// What is wrong with a message before anybody decides about it.
std::optional<RequestRefusal> SseFront::read(const net::RequestHead& head, Piped& piped, const Conversation& conversation) const {
  auto message = mcp::read_message(piped.bytes, piped.document, mcp::Direction::from_client);
  if (!message) {
    const int status = message.error().kind == ErrorKind::too_large ? 413 : 400;
    return RequestRefusal{.status = status, .body = mcp::refuse_unreadable(piped.bytes, message.error()), .why = "message refused"};
  }
  piped.message = *message;
  const std::string_view id = piped.message.id_text;
  const auto meta = mcp::read_request_meta(piped.message);
  if (!meta) return RequestRefusal{.status = 400, .body = mcp::rpc_error(id, mcp::code::invalid_params, meta.error().message), .why = "message refused"};
  const std::string_view version = head.headers.find(net::HeaderName::mcp_protocol_version);
  const auto revision = version.empty() ? std::optional(conversation.session.revision) : mcp::parse_revision(version);
  if (meta->has_protocol_version || !revision || mcp::era_of(*revision) == mcp::Era::modern)
    return invalid(400, id, "this protocol version is not spoken over HTTP+SSE: use the address that begins with /mcp", "unknown version");
  if (piped.message.is_response() && !conversation.is_asked(id)) return invalid(400, {}, "nobody waits for this response", "unexpected response");
  return std::nullopt;
}

net::Task<std::optional<RequestRefusal>> SseFront::post(net::HttpExchange& exchange, Gate& gate, session::Caller caller) const {
  const std::string_view session = session_of(exchange.head().target);
  if (session.empty()) co_return invalid(400, {}, "the query `sessionId` is missing: open the stream with GET, its first event names the address", "no session");
  auto conversation = gate.find_pipe(session, caller.grant);
  if (!conversation) co_return RequestRefusal{.status = 404, .body = std::string(mcp::session_not_found), .why = "unknown session"};
  conversation->session.grant_policy = caller.policy;
  auto piped = std::make_unique<Piped>();
  piped->bytes = exchange.body();
  if (auto refusal = read(exchange.head(), *piped, *conversation)) co_return refusal;
  const std::string id(piped->message.id_text);
  if (!gate.take(conversation, std::move(piped)))
    co_return RequestRefusal{.status = 503, .body = mcp::rpc_error(id, mcp::code::internal_error, "too many messages of this session are under way: try again later"), .why = "session full"};
  co_await exchange.respond(202, {}, {});
  co_return std::nullopt;
}

}  // namespace callgate::gateway
