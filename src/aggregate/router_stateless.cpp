// Clients of 2026-07-28: each request stands alone, and no session holds what was shown.
#include <algorithm>

#include <fmt/format.h>

#include "aggregate/names.hpp"
#include "aggregate/questions.hpp"
#include "aggregate/router.hpp"
#include "mcp/codes.hpp"
#include "mcp/discovery.hpp"
#include "mcp/requests.hpp"

namespace callgate::aggregate {

namespace {

constexpr std::size_t most_callers = 1000;

}  // namespace

/// What all stateless requests of one grant were shown, in the place of a session.
std::shared_ptr<Company> Router::stateless(Callers callers) {
  const std::string grant = callers.begin()->second.grant;
  if (stateless_.size() >= most_callers && !stateless_.contains(grant))
    stateless_.erase(std::ranges::min_element(stateless_, {}, [](const auto& each) { return each.second->client.last_used; }));
  std::shared_ptr<Company>& company = stateless_[grant];
  if (!company) {
    company = new_company(grant);
    company->client.session.grant = grant;
    company->client.session.principal = callers.begin()->second.principal;
    company->client.session.revision = mcp::latest_revision;
  }
  company->client.last_used = parts_.loop.now();
  company->callers = std::move(callers);
  return company;
}

net::Task<void> Router::handle_stateless(Incoming in) {
  if (in.message.is_response()) co_return co_await refuse(in, mcp::code::invalid_request, "nobody waits for this response");
  const mcp::Standing standing = mcp::standing(in.message.method_id, mcp::latest_revision, mcp::Direction::from_client);
  const bool known = standing != mcp::Standing::unknown;  // what has to be declared, its gate looks for
  if (in.message.is_notification()) {
    // A request is cancelled by closing its stream: no notification is about any other.
    if (!known || !mcp::is_notification(in.message.method_id)) note_refused(in, "unknown notification");
    co_return static_cast<void>(co_await in.channel.accepted());
  }
  gateway::InFlight flight;
  flight.id = in.message.id_text;
  using enum mcp::MethodId;
  switch (known ? in.message.method_id : unknown) {
    case server_discover: co_return co_await handle_discover(in);
    case tools_list:
    case prompts_list:
    case resources_list:
    case resources_templates_list: co_return co_await handle_list(in, flight);
    case tools_call: co_return co_await call_tool(in, flight);
    case prompts_get: co_return co_await get_prompt(in, flight);
    case resources_read: co_return co_await use_resource(in, flight);
    case completion_complete: co_return co_await complete(in, flight);
    case tasks_get:
    case tasks_update:
    case tasks_cancel: co_return co_await use_task(in, flight);
    case subscriptions_listen: co_return co_await handle_listen(in);
    default: break;
  }
  note_refused(in, "method not on the allow-list");
  co_await in.channel.answer(mcp::method_not_found(in.message.id_text, in.message.method.view()), {}, 404);
}

/// What the servers say of themselves, as one.
net::Task<void> Router::handle_discover(Incoming& in) {
  const auto all = co_await ask_all(in.company, mcp::MethodId::server_discover, std::string(in.message.bytes()), in.origin(), &in.channel);
  std::vector<std::string> texts;  // slug and instructions of each: the views below point into it
  texts.reserve(2 * all->each.size());
  std::vector<Introduction> servers;
  std::vector<Missing> missing;
  for (const Question& each : all->each) {
    if (!each.over || !each.fault.empty() || each.pages.empty()) {
      missing.push_back({.server = each.server, .why = each.over ? each.fault : std::string(too_slow)});
      continue;
    }
    const mcp::Message& answer = each.pages.front()->list.message;
    const auto capabilities = answer.result.find("capabilities");
    const std::string_view slug = texts.emplace_back(slug_of(each.server));
    servers.push_back({.slug = slug, .capabilities = capabilities ? capabilities->text() : std::string_view("{}"), .instructions = texts.emplace_back(mcp::instructions_of(answer))});
  }
  if (servers.empty()) co_return co_await answer_none(in, missing);
  co_await in.channel.answer(merged_discovery(in.message.id_text, servers, missing));
}

}  // namespace callgate::aggregate
