#include <fmt/format.h>

#include "gateway/gate_draft.hpp"
#include "mcp/codes.hpp"

namespace callgate::gateway {

namespace {

constexpr std::size_t max_server_requests = 100;

/// The word of the policy for what the server asks of the client.
std::string_view asked_for(mcp::MethodId method) {
  switch (method) {
    case mcp::MethodId::sampling_create_message: return "sampling";
    case mcp::MethodId::elicitation_create: return "elicitation";
    case mcp::MethodId::roots_list: return "roots";
    default: return {};
  }
}

bool allows(const policy::Policy& policy, mcp::MethodId method) {
  switch (method) {
    case mcp::MethodId::sampling_create_message: return policy.allows_sampling();
    case mcp::MethodId::elicitation_create: return policy.allows_elicitation();
    case mcp::MethodId::roots_list: return policy.allows_roots();
    default: return true;  // ping and what else the allow-list holds needs no rule
  }
}

}  // namespace

/// One message of the server besides an answer. Requests are decided, what the
/// revision does not know is dropped, the rest goes to the client as it came.
net::Task<bool> Gate::from_server(Conversation& conversation, mcp::Revision revision, Channel* channel, const upstream::Event& event) {
  const bool legacy = mcp::era_of(revision) == mcp::Era::legacy;
  if (event.message == nullptr) {
    const bool there = channel == nullptr || co_await channel->event({}, event.raw);
    co_return there || legacy;
  }
  const mcp::Message& message = *event.message;
  if (message.is_response()) {
    // The answer of a call whose stream broke off comes on the stream that resumes it; any other is nobody's.
    const auto due = std::ranges::find_if(conversation.resumable, [&](const std::string& id) { return mcp::same_id(id, message.id_text); });
    if (due == conversation.resumable.end()) {
      parts_.log.warn("upstream_answer_unexpected", {{"server", server_.name}});
      co_return true;
    }
    conversation.resumable.erase(due);
    const bool there = channel != nullptr && co_await channel->event(event.bytes, event.raw);
    co_return there || legacy;
  }
  if (mcp::standing(message.method_id, revision, mcp::Direction::from_server) != mcp::Standing::known) {
    parts_.log.warn("upstream_message_dropped", {{"server", server_.name}, {"method", message.method.view()}});
    if (message.is_request() && legacy)
      co_await decline(conversation, message, "this method is not known in this revision", mcp::code::method_not_found);
    co_return true;
  }
  if (message.is_request()) co_return co_await server_request(conversation, revision, channel, event) || legacy;
  if (message.method_id == mcp::MethodId::notifications_tools_list_changed) {
    // Read, pinned and decided anew before the client hears of it.
    tools_.want_again(mcp::era_of(revision));
    co_await tools_.settled(mcp::era_of(revision), std::chrono::seconds(10));
  }
  const bool there = channel != nullptr && co_await channel->event(event.bytes, event.raw);
  co_return there || legacy;
}

net::Task<bool> Gate::server_request(Conversation& conversation, mcp::Revision revision, Channel* channel, const upstream::Event& event) {
  const mcp::Message& message = *event.message;
  const PolicyPair policies = policies_for(conversation);
  const bool allowed = policies.all([&](const policy::Policy& policy) { return allows(policy, message.method_id); });
  const bool of_server = policies.server && (allowed || !allows(*policies.server, message.method_id));
  const auto& decides = of_server ? policies.server : policies.grant;
  audit::CallRecord record = record_for(conversation, revision);
  record.id = parts_.journal.next_id();
  record.method = message.method.view();
  record.verdict = allowed ? policy::Verdict::allow : policy::Verdict::deny;
  if (decides) record.policy = decides->hash();
  const std::string rule = asked_for(message.method_id).empty() || !decides ? std::string() : fmt::format("/{}", asked_for(message.method_id));
  record.rule = rule;
  parts_.journal.record(record);
  if (!allowed) {
    parts_.log.info("server_request_refused", {{"server", server_.name}, {"method", message.method.view()}, {"rule", rule}});
    co_await decline(conversation, message, "the policy of the gateway does not let this request through", mcp::code::denied);
    co_return true;
  }
  if (channel == nullptr || conversation.server_requests.size() >= max_server_requests) {
    co_await decline(conversation, message, "no client is there to answer", mcp::code::internal_error);
    co_return channel != nullptr;
  }
  conversation.server_requests.emplace_back(message.id_text);
  if (co_await channel->event(event.bytes, event.raw)) co_return true;
  if (conversation.take_server_request(message.id_text))
    co_await decline(conversation, message, "the client has left", mcp::code::internal_error);
  co_return false;
}

/// Answers a request of the server in the client's stead.
net::Task<void> Gate::decline(Conversation& conversation, const mcp::Message& message, std::string_view why, int code) {
  const std::string answer = mcp::rpc_error(message.id_text, code, why);
  const std::shared_ptr<upstream::Link> link = conversation.link;
  json::Document document;
  const auto read = mcp::read_message(answer, document, mcp::Direction::from_client);
  if (!read || !link || !link->alive()) co_return;
  auto permit = co_await permit_after_record(parts_.loop, parts_.journal, parts_.journal.record_internal(audit::Internal::decline, server_.name));
  if (!permit) co_return;
  CallSink sink(*this, conversation, conversation.session.revision, nullptr);
  [[maybe_unused]] const auto sent = co_await link->forward(std::move(*permit), {.bytes = answer, .message = &*read, .time = server_.call_timeout}, sink);
}

}  // namespace callgate::gateway
