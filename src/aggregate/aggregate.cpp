#include "aggregate/aggregate.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "gateway/head_trace.hpp"
#include "gateway/http_channel.hpp"
#include "mcp/codes.hpp"
#include "mcp/headers.hpp"

namespace callgate::aggregate {

namespace {

constexpr net::Duration time_to_end = std::chrono::milliseconds(500);  ///< until the end of a session is written
constexpr std::array modern{mcp::Revision::r2026_07_28};

gateway::RequestRefusal invalid(int status, std::string_view id, std::string_view text, std::string_view why, std::string_view headers = {}) {
  return {.status = status, .body = mcp::rpc_error(id, mcp::code::invalid_request, text), .why = why, .headers = headers};
}

std::vector<mcp::Header> mirrored_again(const net::RequestHead& head, std::vector<mcp::Header> before) {
  before.clear();
  for (const net::Header& each : head.headers.all()) {
    if (net::same_name(each.name.substr(0, 4), "mcp-")) before.push_back({each.name, each.value});
  }
  return before;
}

bool mirrors_arguments(const std::vector<mcp::Header>& mirrored) {
  constexpr std::string_view prefix = "mcp-param-";
  return std::ranges::any_of(mirrored, [&](const mcp::Header& each) { return net::same_name(each.name.substr(0, prefix.size()), prefix); });
}

}  // namespace

bool Aggregate::serves(std::string_view path) const { return (path == "/mcp" || path == "/mcp/") && gates_.all().size() > 1; }

/// What the token makes of its bearer at each server.
Aggregate::Refused Aggregate::find_callers(const net::RequestHead& head, Callers& callers) const {
  if (!authenticator_.ready())
    return gateway::RequestRefusal{503, mcp::rpc_error({}, mcp::code::internal_error, "the grants of all gateways are not read yet: try again"), "grants not read yet",
                                   "Retry-After: 1\r\n"};
  const std::string_view authorization = head.headers.find(net::HeaderName::authorization);
  for (const auto& gate : gates_.all()) {
    auto caller = authenticator_.authenticate(authorization, gate->name(), grants_clock_.wall_ms());
    if (caller) callers.emplace(gate->name(), std::move(*caller));
  }
  if (!callers.empty()) return std::nullopt;
  return invalid(401, {}, "a valid token is needed: `Authorization: Bearer …`", "no valid token", "WWW-Authenticate: Bearer realm=\"callgate\"\r\n");
}

Aggregate::Refused Aggregate::admit(const net::RequestHead& head) {
  Callers callers;
  return find_callers(head, callers);
}

/// The session that the request names, of this process or kept by another. Whoever
/// came is looked at again after a wait.
net::Task<Aggregate::Refused> Aggregate::company_of(net::HttpExchange& exchange, std::string_view id_text, std::shared_ptr<Company>& company) {
  Callers callers;
  if (auto refusal = find_callers(exchange.head(), callers)) co_return refusal;
  const std::string id(exchange.head().headers.find(net::HeaderName::mcp_session_id));
  if (id.empty()) co_return invalid(400, id_text, "the header `Mcp-Session-Id` is missing: start with `initialize`", "no session");
  company = router_.find(id, callers.begin()->second.grant);
  if (!company && parts_.sessions.keeps()) {
    const auto kept = co_await parts_.sessions.find(id, callers.begin()->second.grant);
    callers.clear();
    if (auto refusal = find_callers(exchange.head(), callers)) co_return refusal;
    auto taken = kept && *kept ? router_.take_over(id, callers.begin()->second, **kept) : Result<std::shared_ptr<Company>>(nullptr);
    if (!kept || !taken) co_return gateway::sessions_out_of_reach(kept ? taken.error().message : kept.error().message);
    company = std::move(*taken);
  }
  if (!company) co_return gateway::RequestRefusal{.status = 404, .body = std::string(mcp::session_not_found), .why = "unknown session"};
  company->callers = std::move(callers);
  co_return std::nullopt;
}

net::Task<Aggregate::Refused> Aggregate::post(net::HttpExchange& exchange, std::vector<mcp::Header> mirrored) {
  const net::RequestHead& head = exchange.head();
  json::Document document;
  const auto message = mcp::read_message(exchange.body(), document, mcp::Direction::from_client);
  if (!message) {
    const int status = message.error().kind == ErrorKind::too_large ? 413 : 400;
    co_return gateway::RequestRefusal{.status = status, .body = mcp::refuse_unreadable(exchange.body(), message.error()), .why = "message refused"};
  }
  if (auto full = gateway::no_room_for(exchange, document, message->id_text)) co_return full;
  const auto meta = mcp::read_request_meta(*message);
  if (!meta) co_return gateway::RequestRefusal{.status = 400, .body = mcp::rpc_error(message->id_text, mcp::code::invalid_params, meta.error().message), .why = "message refused"};
  if (mcp::era_of(mirrored, *message, *meta) == mcp::Era::modern) {
    Callers callers;
    if (auto refusal = find_callers(head, callers)) co_return refusal;
    const std::shared_ptr<Company> all = router_.stateless(std::move(callers));
    if (const auto fault = mcp::check_headers(mirrored, *message, *meta, mcp::Era::modern, modern, router_.param_headers(all, *message)))
      co_return gateway::RequestRefusal{.status = 400, .body = mcp::rpc_error(message->id_text, fault->code, fault->message, fault->data), .why = "header mismatch"};
    gateway::HttpChannel channel(exchange, all->client, gateway::Announce::nothing);
    co_await router_.handle_stateless({.company = all, .message = *message, .channel = channel, .trace = gateway::trace_of(exchange.head())});
    co_return std::nullopt;
  }
  const bool opens = message->method_id == mcp::MethodId::initialize && message->is_request();
  std::shared_ptr<Company> company;
  if (opens) {
    Callers callers;
    if (auto refusal = find_callers(head, callers)) co_return refusal;
    company = router_.new_company(callers.begin()->second.grant);
    company->callers = std::move(callers);
    company->client.session.grant = company->callers.begin()->second.grant;
    company->client.session.principal = company->callers.begin()->second.principal;
    company->client.session.revision = mcp::latest_legacy;
  } else {
    if (auto refusal = co_await company_of(exchange, message->id_text, company)) co_return refusal;
    mirrored = mirrored_again(exchange.head(), std::move(mirrored));  // the views of before may have ended
  }
  const std::vector<mcp::ParamHeader> params = mirrors_arguments(mirrored) ? router_.param_headers(company, *message) : std::vector<mcp::ParamHeader>{};
  if (const auto fault = mcp::check_headers(mirrored, *message, *meta, mcp::Era::legacy, {}, params))
    co_return gateway::RequestRefusal{.status = 400, .body = mcp::rpc_error(message->id_text, fault->code, fault->message, fault->data), .why = "header mismatch"};
  const std::string_view version = head.headers.find(net::HeaderName::mcp_protocol_version);
  if (!version.empty() && !mcp::parse_revision(version)) co_return invalid(400, message->id_text, "this protocol version is not supported", "unknown version");
  gateway::HttpChannel channel(exchange, company->client, opens ? gateway::Announce::session : gateway::Announce::nothing);
  co_await router_.handle({.company = company, .message = *message, .channel = channel, .trace = gateway::trace_of(exchange.head())});
  co_return std::nullopt;
}

net::Task<Aggregate::Refused> Aggregate::without_body(net::HttpExchange& exchange) {
  const net::RequestHead& head = exchange.head();
  const auto revision = mcp::parse_revision(head.headers.find(net::HeaderName::mcp_protocol_version));
  const bool stateless = revision && mcp::era_of(*revision) == mcp::Era::modern;
  if (!stateless && head.method == "GET") co_return co_await get(exchange);
  if (!stateless && head.method == "DELETE") co_return co_await remove(exchange);
  co_return invalid(405, {}, "this method is not served here", "method not allowed", stateless ? "Allow: POST\r\n" : "Allow: GET, POST, DELETE\r\n");
}

net::Task<Aggregate::Refused> Aggregate::get(net::HttpExchange& exchange) {
  std::shared_ptr<Company> company;
  if (auto refusal = co_await company_of(exchange, {}, company)) co_return refusal;
  gateway::HttpChannel channel(exchange, company->client, gateway::Announce::nothing);
  co_await router_.serve_stream(company, channel);
  if (exchange.begun()) co_await exchange.finish();
  co_return std::nullopt;
}

/// Should it be kept where nobody can look now, it is over as soon as somebody can.
Aggregate::Refused Aggregate::end_unknown(const net::RequestHead& head, Refused unknown) {
  Callers callers;
  if (auto refusal = find_callers(head, callers)) return refusal;
  if (parts_.sessions.end_unknown(head.headers.find(net::HeaderName::mcp_session_id), callers.begin()->second.grant)) return unknown;
  return gateway::sessions_out_of_reach(gateway::too_many_to_end);
}

net::Task<Aggregate::Refused> Aggregate::remove(net::HttpExchange& exchange) {
  std::shared_ptr<Company> company;
  if (auto refusal = co_await company_of(exchange, {}, company)) co_return refusal->status == 404 ? end_unknown(exchange.head(), std::move(refusal)) : refusal;
  router_.end(company);
  // Who is told that it is over finds it nowhere, whatever happens to this gateway.
  co_await parts_.sessions.settled(time_to_end);
  co_await exchange.respond(200, {}, {});
  co_return std::nullopt;
}

}  // namespace callgate::aggregate
