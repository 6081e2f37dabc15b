#include "gateway/http_front.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "base/json_words.hpp"
#include "gateway/head_trace.hpp"
#include "gateway/http_channel.hpp"
#include "mcp/codes.hpp"
#include "mcp/headers.hpp"
#include "net/pooled.hpp"

namespace callgate::gateway {

namespace {

constexpr net::Duration time_to_end = std::chrono::milliseconds(500);  ///< until the end of a session is written
constexpr std::string_view json_type = "Content-Type: application/json\r\n";

bool is_mcp_header(std::string_view name) { return name.size() > 4 && net::same_name(name.substr(0, 4), "mcp-"); }

/// Headers of which two would mean two things.
bool repeats_single(const net::Headers& headers) {
  using enum net::HeaderName;
  return std::ranges::any_of(std::array{authorization, content_type, content_encoding, mcp_session_id, origin, last_event_id},
                             [&](net::HeaderName name) { return headers.repeats(name); });
}

std::string_view without_blanks(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// application/json, with no charset but utf-8 (RFC 8259 section 8.1), and that once.
bool is_json(std::string_view type) {
  std::size_t semicolon = type.find(';');
  if (!net::same_name(without_blanks(type.substr(0, semicolon)), "application/json")) return false;
  bool named = false;
  while (semicolon != std::string_view::npos) {
    type.remove_prefix(semicolon + 1);
    semicolon = type.find(';');
    const std::string_view parameter = without_blanks(type.substr(0, semicolon));
    const std::size_t equals = parameter.find('=');
    if (!net::same_name(without_blanks(parameter.substr(0, equals)), "charset")) continue;
    std::string_view charset = equals == std::string_view::npos ? std::string_view{} : without_blanks(parameter.substr(equals + 1));
    if (charset.size() >= 2 && charset.starts_with('"') && charset.ends_with('"')) charset = charset.substr(1, charset.size() - 2);
    if (std::exchange(named, true) || !net::same_name(charset, "utf-8")) return false;
  }
  return true;
}

bool takes_content(const net::Headers& headers) {
  const std::string_view coding = headers.find(net::HeaderName::content_encoding);
  return is_json(headers.find(net::HeaderName::content_type)) && (coding.empty() || net::same_name(coding, "identity"));
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

}  // namespace

/// Who came, and to which server. Holds for as long as nothing is waited for:
/// servers and grants change, and the head's views move.
struct HttpFront::Visit {
  Gate* gate;
  session::Caller caller;
  std::string_view session_id;
  bool sse;  ///< the address is one of HTTP+SSE
};

HttpFront::HttpFront(const Parts& parts, Gates& gates, session::Authenticator authenticator, session::AccessList access)
    : parts_(parts),
      gates_(gates),
      authenticator_(authenticator),
      access_(std::move(access)),
      grants_clock_(parts.clock),
      refusals_(parts),
      sse_(parts) {}

std::string HttpFront::refused(int status, const Error& error, const net::Address& peer) {
  refusals_.note(status, error.message, peer);
  const int code = status == 400 ? mcp::code::parse_error : mcp::code::invalid_request;
  return mcp::rpc_error({}, code, error.message);
}

net::Task<void> HttpFront::refuse(net::HttpExchange& exchange, int status, std::string_view body, std::string_view why,
                                  std::string_view headers) {
  refusals_.note(status, why, exchange.peer());
  std::string lines(body.empty() ? std::string_view{} : json_type);
  lines += headers;
  co_await exchange.respond(status, lines, body);
}

net::Task<void> HttpFront::refuse(net::HttpExchange& exchange, RequestRefusal refusal) {
  co_await refuse(exchange, refusal.status, refusal.body, refusal.why, refusal.headers);
}

Gate* HttpFront::gate_of(std::string_view path) const {
  if (path.ends_with('/') && path.size() > 1) path.remove_suffix(1);
  if (path == "/mcp" || path == "/sse") return gates_.only();
  return path.starts_with("/mcp/") || path.starts_with("/sse/") ? gates_.find(path.substr(5)) : nullptr;
}

/// What `/readyz` says. Where some calls go on, a balancer has no reason to leave this gateway.
std::pair<int, std::string> HttpFront::readiness() const {
  if (!authenticator_.ready()) return {503, R"({"status":"the grants of all gateways are not read yet"})"};
  const audit::Journal::Health& journal = parts_.journal.health();
  if (!journal.writing) return {503, R"({"status":"the journal cannot be written"})"};
  std::string body = R"({"status":"ok")";
  if (!parts_.counters.health()) body += R"(,"limits":"cannot be counted: calls that have limits are refused")";
  if (journal.on_reserve) body += R"(,"journal":"the disk is full: only calls of Low risk go on")";
  return {200, body + '}'};
}

std::expected<HttpFront::Visit, RequestRefusal> HttpFront::admit(const net::RequestHead& head) const {
  const std::string_view path = path_of(head.target);
  Gate* gate = gate_of(path);
  if (gate == nullptr) return std::unexpected(RequestRefusal{404, R"({"error":"no server at this address"})", "unknown address"});
  if (!authenticator_.ready())
    return std::unexpected(RequestRefusal{503, mcp::rpc_error({}, mcp::code::internal_error, "the grants of all gateways are not read yet: try again"), "grants not read yet",
                              "Retry-After: 1\r\n"});
  auto caller = authenticator_.authenticate(head.headers.find(net::HeaderName::authorization), gate->name(), authenticator_.asks_for_tokens() ? grants_clock_.wall_ms() : 0);
  if (!caller)
    return std::unexpected(RequestRefusal{401, mcp::rpc_error({}, mcp::code::invalid_request, caller.error().message), "no valid token",
                              "WWW-Authenticate: Bearer realm=\"callgate\"\r\n"});
  return Visit{.gate = gate, .caller = std::move(*caller), .session_id = head.headers.find(net::HeaderName::mcp_session_id), .sse = path.starts_with("/sse")};
}

net::Task<void> HttpFront::handle(net::HttpExchange& exchange) { return route(exchange); }

net::Task<void> HttpFront::route(net::HttpExchange& exchange) {
  const net::RequestHead& head = exchange.head();
  if (repeats_single(head.headers)) {
    exchange.close_after();
    co_return co_await refuse(exchange, 400, mcp::rpc_error({}, mcp::code::invalid_request, "a header stands twice"), "repeated header");
  }
  if (!access_.host_allowed(head.headers.find(net::HeaderName::host)))
    co_return co_await refuse(exchange, 403, mcp::rpc_error({}, mcp::code::invalid_request, "this Host is not served here: add it to `hosts`"), "host not allowed");
  if (head.headers.has(net::HeaderName::origin) && !access_.origin_allowed(head.headers.find(net::HeaderName::origin)))
    co_return co_await refuse(exchange, 403, mcp::rpc_error({}, mcp::code::invalid_request, "this Origin may not call: add it to `origins`"), "origin not allowed");
  const std::string_view path = path_of(head.target);
  if (path == "/healthz" || path == "/readyz") {
    const auto [code, body] = path == "/healthz" ? std::pair(200, std::string(R"({"status":"ok"})")) : readiness();
    co_await exchange.respond(code, json_type, body);
    co_return;
  }
  auto visit = admit(head);
  if (!visit) {
    if (others_ != nullptr && gate_of(path) == nullptr && others_->serves(path)) co_return co_await serve_other(exchange);
    co_return co_await refuse(exchange, std::move(visit.error()));
  }
  co_await serve_visit(exchange, *visit);
}

net::Task<void> HttpFront::serve_visit(net::HttpExchange& exchange, Visit& visit) {
  return exchange.head().method == "POST" ? post_received(exchange, visit) : serve_without_body(exchange, visit);
}

net::Task<void> HttpFront::serve_without_body(net::HttpExchange& exchange, Visit& visit) {
  const net::RequestHead& head = exchange.head();
  if (visit.sse) co_return co_await serve_sse(exchange, visit);
  const auto revision = mcp::parse_revision(head.headers.find(net::HeaderName::mcp_protocol_version));
  const bool modern = revision && mcp::era_of(*revision) == mcp::Era::modern;
  if (!modern && head.method == "GET") co_return co_await get(exchange, visit);
  if (!modern && head.method == "DELETE") co_return co_await remove(exchange, visit);
  co_await refuse(exchange, 405, mcp::rpc_error({}, mcp::code::invalid_request, "this method is not served here"), "method not allowed",
                  modern ? "Allow: POST\r\n" : "Allow: GET, POST, DELETE\r\n");
}

net::Task<void> HttpFront::post_received(net::HttpExchange& exchange, Visit& visit) {
  const net::RequestHead& head = exchange.head();
  if (!takes_content(head.headers))
    co_return co_await refuse(exchange, 415, mcp::rpc_error({}, mcp::code::invalid_request, "send application/json in UTF-8, not compressed"), "content type");
  // INVARIANT: nobody's body is read, and no memory held for it, before all of the head was looked at.
  const net::Received received = co_await exchange.receive(visit.caller.grant);
  if (received == net::Received::not_all) co_return;
  if (received == net::Received::later) {
    auto again = admit(head);
    if (!again) co_return co_await refuse(exchange, std::move(again.error()));
    visit = std::move(*again);
  }
  if (visit.sse) co_return co_await serve_sse(exchange, visit);
  co_await post(exchange, visit);
}

net::Task<void> HttpFront::serve_sse(net::HttpExchange& exchange, Visit& visit) {
  const std::string_view method = exchange.head().method;
  if (method != "GET" && method != "POST")
    co_return co_await refuse(exchange, 405, mcp::rpc_error({}, mcp::code::invalid_request, "this method is not served here"), "method not allowed", "Allow: GET, POST\r\n");
  auto refusal = method == "GET" ? co_await sse_.get(exchange, *visit.gate, visit.caller) : co_await sse_.post(exchange, *visit.gate, visit.caller);
  if (refusal) co_await refuse(exchange, std::move(*refusal));
}

/// The session that the request names, of this gateway or of another one that
/// opened it. Whoever came is looked at again after a wait.
net::Task<std::expected<std::shared_ptr<Conversation>, RequestRefusal>> HttpFront::session_of(net::HttpExchange& exchange, Visit& visit) {
  if (auto here = visit.gate->find_session(visit.session_id, visit.caller.grant)) co_return here;
  const RequestRefusal unknown{404, std::string(mcp::session_not_found), "unknown session"};
  if (!parts_.sessions.keeps()) co_return std::unexpected(unknown);
  const auto kept = co_await parts_.sessions.find(visit.session_id, visit.caller.grant);
  // INVARIANT: nothing of the visit is used that a wait may have changed.
  auto again = admit(exchange.head());
  if (!again) co_return std::unexpected(std::move(again.error()));
  visit = std::move(*again);
  if (!kept) co_return std::unexpected(sessions_out_of_reach(kept.error().message));
  if (!*kept) co_return std::unexpected(unknown);
  auto taken = visit.gate->take_over(visit.session_id, visit.caller, **kept);
  if (!taken) co_return std::unexpected(sessions_out_of_reach(taken.error().message));
  if (!*taken) co_return std::unexpected(unknown);
  co_return std::move(*taken);
}

std::unique_ptr<json::Document> HttpFront::take_document() {
  if (documents_.empty()) return std::make_unique<json::Document>();
  auto document = std::move(documents_.back());
  documents_.pop_back();
  return document;
}

void HttpFront::give_document(std::unique_ptr<json::Document> document) {
  // A document that a large message made big is not worth keeping.
  if (documents_.size() < 64 && document->nodes().size() < 4096) documents_.push_back(std::move(document));
}

net::Task<void> HttpFront::post(net::HttpExchange& exchange, Visit& visit) {
  auto document = take_document();
  visit.gate->expect(visit.session_id);
  auto message = mcp::read_message(exchange.body(), *document, mcp::Direction::from_client);
  if (message) {
    if (auto full = no_room_for(exchange, *document, message->id_text)) {
      document.reset();  // before the client is waited for
      co_return co_await refuse(exchange, std::move(*full));
    }
    co_await carry(exchange, visit, *message);
  } else {
    const int status = message.error().kind == ErrorKind::too_large ? 413 : 400;
    co_await refuse(exchange, status, mcp::refuse_unreadable(exchange.body(), message.error()), json::without_key(message.error()));
  }
  give_document(std::move(document));
}

namespace {

net::PooledList<mcp::Header> mirrored_of(const net::RequestHead& head) {
  net::PooledList<mcp::Header> mirrored;
  mirrored.reserve(4);
  for (const net::Header& header : head.headers.all()) {
    if (is_mcp_header(header.name)) mirrored.push_back({header.name, header.value});
  }
  return mirrored;
}

}  // namespace

/// `Callgate-Session`, where it is taken: it goes no further than here. What is wrong with it, else.
std::string_view HttpFront::take_key(const net::RequestHead& head, Gate& gate, Conversation& conversation) const {
  if (!parts_.config.session_header || conversation.session.grant.empty()) return {};
  const auto is_it = [](const net::Header& header) { return net::same_name(header.name, "callgate-session"); };
  const auto found = std::ranges::find_if(head.headers.all(), is_it);
  if (found == head.headers.all().end()) return {};
  if (std::ranges::count_if(head.headers.all(), is_it) > 1) return "the header `Callgate-Session` stands twice";
  if (!SessionKeys::is_key(found->value)) return "the header `Callgate-Session` has to be 1 to 128 visible ASCII characters";
  gate.count_by(conversation, found->value);
  return {};
}

net::Task<void> HttpFront::carry(net::HttpExchange& exchange, Visit& visit, const mcp::Message& message) {
  std::shared_ptr<Conversation> conversation;
  net::PooledList<mcp::Header> mirrored = mirrored_of(exchange.head());
  auto meta = mcp::read_request_meta(message);
  if (!meta)
    co_return co_await refuse(exchange, 400, mcp::rpc_error(message.id_text, mcp::code::invalid_params, meta.error().message), json::without_key(meta.error()));
  const mcp::Era era = mcp::era_of(mirrored, message, *meta);
  const bool opens = era == mcp::Era::legacy && message.method_id == mcp::MethodId::initialize && message.is_request();
  if (era == mcp::Era::legacy && !opens) {
    if (visit.session_id.empty())
      co_return co_await refuse(exchange, 400, mcp::rpc_error(message.id_text, mcp::code::invalid_request, "the header `Mcp-Session-Id` is missing: start with `initialize`"), "no session");
    conversation = visit.gate->find_session(visit.session_id, visit.caller.grant);
    if (!conversation) {
      // Whatever ends the visit meanwhile ends the request: the gate of before may be gone.
      auto found = co_await session_of(exchange, visit);
      if (!found) co_return co_await refuse(exchange, std::move(found.error()));
      conversation = std::move(*found);
      mirrored = mirrored_of(exchange.head());
    }
    conversation->session.grant_policy = visit.caller.policy;
  } else {
    conversation = std::make_shared<Conversation>();
    conversation->session.grant = visit.caller.grant;
    conversation->session.principal = visit.caller.principal;
    conversation->session.grant_policy = visit.caller.policy;
    if (const auto fault = era == mcp::Era::modern ? take_key(exchange.head(), *visit.gate, *conversation) : std::string_view{}; !fault.empty())
      co_return co_await refuse(exchange, 400, mcp::rpc_error(message.id_text, mcp::code::invalid_request, fault), "Callgate-Session");
  }
  const mcp::Revision revision = era == mcp::Era::modern ? mcp::latest_revision : opens ? mcp::latest_legacy : conversation->session.revision;
  HttpChannel channel(exchange, *conversation, opens ? Announce::session : Announce::nothing);
  Inbound in{.conversation = conversation, .message = message, .revision = revision, .channel = channel, .trace = trace_of(exchange.head())};
  // A tool's definition is looked into only where a header could contradict it.
  const bool mirrors = era == mcp::Era::modern || std::ranges::any_of(mirrored, [](const mcp::Header& each) {
    return each.name.size() > 10 && net::same_name(each.name.substr(0, 10), "mcp-param-");
  });
  const std::vector<mcp::ParamHeader> params = mirrors ? visit.gate->param_headers(in) : std::vector<mcp::ParamHeader>{};
  const auto fault = mcp::check_headers(mirrored, message, *meta, era, visit.gate->modern_revisions(), params);
  if (fault)
    co_return co_await refuse(exchange, 400, mcp::rpc_error(message.id_text, fault->code, fault->message, fault->data), fault->message);
  const std::string_view version = exchange.head().headers.find(net::HeaderName::mcp_protocol_version);
  if (era == mcp::Era::legacy && !version.empty() && !mcp::parse_revision(version))
    co_return co_await refuse(exchange, 400, mcp::rpc_error(message.id_text, mcp::code::invalid_request, "this protocol version is not supported"), "unknown version");
  co_await visit.gate->handle_kept(in);
}

/// An address that is no server's own.
net::Task<void> HttpFront::serve_other(net::HttpExchange& exchange) {
  OtherAddresses::Refused refusal = others_->admit(exchange.head());
  if (!refusal && exchange.head().method == "POST") {
    if (!takes_content(exchange.head().headers))
      co_return co_await refuse(exchange, 415, mcp::rpc_error({}, mcp::code::invalid_request, "send application/json in UTF-8, not compressed"), "content type");
    if (co_await exchange.receive() == net::Received::not_all) co_return;
    const auto mirrored = mirrored_of(exchange.head());
    refusal = co_await others_->post(exchange, std::vector<mcp::Header>(mirrored.begin(), mirrored.end()));
  } else if (!refusal) {
    refusal = co_await others_->without_body(exchange);
  }
  if (refusal) co_await refuse(exchange, std::move(*refusal));
}

net::Task<void> HttpFront::get(net::HttpExchange& exchange, Visit& visit) {
  if (visit.session_id.empty()) co_return co_await refuse(exchange, 400, mcp::rpc_error({}, mcp::code::invalid_request, "the header `Mcp-Session-Id` is missing"), "no session");
  auto found = co_await session_of(exchange, visit);
  if (!found) co_return co_await refuse(exchange, std::move(found.error()));
  const std::shared_ptr<Conversation> conversation = std::move(*found);
  HttpChannel channel(exchange, *conversation, Announce::nothing);
  const std::string last_event(exchange.head().headers.find(net::HeaderName::last_event_id));
  const bool served = co_await visit.gate->open_stream(conversation, channel, last_event);
  if (exchange.begun()) {
    co_await exchange.finish();
  } else if (!served) {
    co_await refuse(exchange, 405, mcp::rpc_error({}, mcp::code::invalid_request, "the server offers no stream of its own"), "no stream", "Allow: POST, DELETE\r\n");
  }
}

net::Task<void> HttpFront::remove(net::HttpExchange& exchange, Visit& visit) {
  if (visit.session_id.empty()) co_return co_await refuse(exchange, 400, mcp::rpc_error({}, mcp::code::invalid_request, "the header `Mcp-Session-Id` is missing"), "no session");
  auto found = co_await session_of(exchange, visit);
  if (!found && found.error().status == 404 && !parts_.sessions.end_unknown(visit.session_id, visit.caller.grant))
    co_return co_await refuse(exchange, sessions_out_of_reach(too_many_to_end));
  if (!found) co_return co_await refuse(exchange, std::move(found.error()));
  const std::shared_ptr<Conversation> conversation = std::move(*found);
  visit.gate->end_session(conversation);
  // Who is told that it is over finds it nowhere, whatever happens to this gateway.
  co_await parts_.sessions.settled(time_to_end);
  co_await exchange.respond(200, {}, {});
}

}  // namespace callgate::gateway
