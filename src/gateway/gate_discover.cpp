// What a server says of itself (server/discover of 2026-07-28), without what the caller may not see.
#include <algorithm>

#include "gateway/gate_draft.hpp"
#include "mcp/discovery.hpp"

namespace callgate::gateway {

/// What of it is hidden from this caller (protocol item 11). Which prompts
/// and resources there are is not known here, so they are gone only where the caller
/// may do nothing; instructions are gone where they name something that is hidden.
mcp::HiddenOfServer Gate::hidden_of_server(const Inbound& in, std::string_view instructions) const {
  mcp::HiddenOfServer hidden{.depends_on_caller = depends_on_caller(in)};
  const PolicyPair policies = policies_for(*in.conversation);
  if (policies.missing()) return {.tools = true, .prompts = true, .resources = true, .instructions = true, .depends_on_caller = true};
  if (!hides_anything(in)) return hidden;
  const auto& table = tools_.known(in.era()).table;
  const auto is_hidden = [&](const registry::Tool& tool) {
    return policies.any([&](const policy::Policy& policy) { return policy.hides_tool(tool.name, class_of(tool)); });
  };
  hidden.tools = table && !table->tools().empty() && std::ranges::all_of(table->tools(), is_hidden);
  hidden.instructions = names_hidden(policies, in.era(), instructions);
  return hidden;
}

net::Task<void> Gate::handle_discover(Inbound& in, InFlight& flight) {
  const Draft draft{.id = parts_.journal.next_id()};
  Judged judged{.policy = policy()};
  judged.decision.verdict = policy::Verdict::allow;
  Exchange what{.record = record_of(draft, in, judged), .bytes = in.message.bytes(), .message = &in.message};
  auto delivery = co_await exchange(in, &flight, what);
  if (!delivery) co_return;
  if (delivery->kind != upstream::Delivery::Kind::answer || delivery->look.is_error) co_return co_await deliver(in, *delivery, what.record.id);
  if (hides_anything(in) && !tools_.known(in.era()).table) co_await tools_.settled(in.era(), server_.start_timeout);
  json::Document document;
  const auto message = mcp::read_message(delivery->bytes, document, mcp::Direction::from_server, upstream::whole_answer);
  if (!message || !message->result) co_return co_await answer_failure(in, {ErrorKind::malformed, "the server's answer is not a well-formed MCP message", {}});
  // Nothing may be asked for here, but what a server does ask is decided before its client sees it (protocol item 84).
  const bool asks = message->result.find("inputRequests").has_value();
  if (Asking asking; asks && in.era() == mcp::Era::modern && !may_ask(in, *delivery, asking)) co_return co_await refuse_asking(in, asking.refused);
  delivery->asks_decided = delivery->asks_decided || asks;
  const std::string shown = mcp::shown_discovery(*message, hidden_of_server(in, mcp::instructions_of(*message)));
  if (shown == delivery->bytes) co_return co_await deliver(in, *delivery, what.record.id);
  co_await in.channel.answer(shown);
}

}  // namespace callgate::gateway
