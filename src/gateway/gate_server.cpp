#include <fmt/format.h>

#include "gateway/gate_draft.hpp"
#include "mcp/answers.hpp"
#include "mcp/codes.hpp"
#include "mcp/own_messages.hpp"
#include "mcp/servers_code.hpp"
#include "mcp/sse.hpp"

namespace callgate::gateway {

namespace {

constexpr std::size_t max_server_requests = 100;
constexpr std::size_t max_declines = 32;

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

/// True while somebody waits, however the wait ends.
class Waits {
 public:
  explicit Waits(bool& flag) : flag_(flag) { flag_ = true; }
  Waits(const Waits&) = delete;
  Waits& operator=(const Waits&) = delete;
  ~Waits() { flag_ = false; }

 private:
  bool& flag_;
};

/// A request of the server is the client's to answer once it was told: the frame
/// that tells it may end before.
class Told {
 public:
  Told(Conversation& conversation, std::string_view id) : conversation_(conversation), id_(id) { conversation_.server_requests.emplace_back(id); }
  Told(const Told&) = delete;
  Told& operator=(const Told&) = delete;
  ~Told() {
    if (!done_) conversation_.take_server_request(id_);
  }
  void done() { done_ = true; }

 private:
  Conversation& conversation_;
  std::string id_;
  bool done_ = false;
};

}  // namespace

std::string asking_refused(std::string_view id_text, mcp::MethodId of, std::string_view asked, mcp::Era era) {
  const std::string text = fmt::format("the server asks the client for `{}`, which the policy does not allow", asked);
  return of == mcp::MethodId::tools_call ? mcp::failed_call(id_text, text, era) : mcp::rpc_error(id_text, mcp::code::denied, text);
}

/// To the client: on the call's own channel, else on its open stream.
net::Task<bool> Gate::tell(Conversation& conversation, Channel* channel, const upstream::Event& event) {
  if (channel != nullptr) {
    channel->note_id(event.id);
    co_return co_await channel->event(event.bytes, event.raw);
  }
  if (!conversation.stream || !conversation.stream->push(event.bytes, event.raw)) co_return false;
  conversation.stream->note_id(event.id);
  co_return true;
}

/// The same with another text. The event's id stays: who resumes the stream behind an earlier one would hear of it again.
net::Task<bool> Gate::tell_changed(Conversation& conversation, Channel* channel, const upstream::Event& event, const std::optional<std::string>& text) {
  if (!text) co_return co_await tell(conversation, channel, event);
  std::string raw;
  if (!event.id.empty()) mcp::append_sse_event(raw, *text, "message", event.id);
  co_return co_await tell(conversation, channel, {.message = nullptr, .bytes = *text, .raw = raw, .id = event.id});
}

/// One message of the server besides an answer. Requests are decided, what the
/// revision does not know is dropped, the rest goes to the client as it came.
net::Task<bool> Gate::from_server(std::shared_ptr<Conversation> conversation, mcp::Revision revision, Channel* channel, const upstream::Event& event) {
  // The calls of a legacy client go on without it; those of a modern one are cancelled by its leaving.
  const bool goes_on = mcp::era_of(revision) == mcp::Era::legacy;
  if (event.message == nullptr) co_return co_await tell(*conversation, channel, event) || goes_on;
  const mcp::Message& message = *event.message;
  if (message.is_response()) co_return co_await late_answer(conversation, channel, event) || goes_on;
  if (message.is_request() && !goes_on) co_return co_await cut_off(message, revision);
  if (mcp::standing(message.method_id, revision, mcp::Direction::from_server) == mcp::Standing::unknown) {
    tell_of_message("upstream_message_dropped", message);
    if (message.is_request()) decline(conversation, message, "this method is not known in this revision", mcp::code::method_not_found);
    co_return true;
  }
  if (message.is_request()) co_return co_await server_request(conversation, revision, channel, event) || goes_on;
  const bool of_task = message.method_id == mcp::MethodId::notifications_tasks || message.method_id == mcp::MethodId::notifications_tasks_status;
  if (of_task) co_return co_await tell_of_task(*conversation, revision, channel, event) || goes_on;
  if (!may_hear(*conversation, message)) {
    tell_of_message("upstream_message_withheld", message);
    co_return true;
  }
  if (message.method_id == mcp::MethodId::notifications_tools_list_changed) {
    // Read, pinned and decided anew before the client hears of it; a call does not wait for that for long.
    tools_.want_again(mcp::era_of(revision));
    if (conversation->list_change_waits) co_return true;
    const Waits waits(conversation->list_change_waits);
    co_await tools_.settled(mcp::era_of(revision), channel != nullptr ? std::chrono::seconds(2) : std::chrono::seconds(10));
  }
  co_return co_await tell(*conversation, channel, event) || goes_on;
}

/// No server of 2026-07-28 sends requests: one that does is not listened to any
/// further (protocol item 75).
net::Task<bool> Gate::cut_off(const mcp::Message& message, mcp::Revision revision) {
  parts_.journal.refused({.server = server_.name, .method = message.method.view(), .era = mcp::word(revision), .reason = "the server sent a request, which its revision does not have"});
  parts_.log.warn("upstream_cut_off", {{"server", server_.name}, {"method", message.method.view()}});
  co_return false;
}

/// The stream of a stateless call carries what is about that call: progress under the token that its client gave.
bool Gate::belongs_to_call(const mcp::Message& message, const mcp::Message* asked) {
  using enum mcp::MethodId;
  if (!message.is_notification() || message.method_id == notifications_message) return true;
  if (asked != nullptr && upstream::is_progress_for(message, upstream::progress_token(*asked))) return true;
  drop_message(message);
  return false;
}

/// A server may send them without end; the log has to stay readable.
void Gate::tell_of_message(std::string_view event, const mcp::Message& message) {
  if (!message_log_.may_tell(parts_.loop.now())) return;
  parts_.log.warn(event, {{"server", server_.name}, {"method", message.method.view()}, {"untold", message_log_.take_untold()}});
}

/// Whoever may not hear of it: that the tools are others now is the gate's to know.
void Gate::drop_message(const mcp::Message& message) {
  tell_of_message("upstream_message_dropped", message);
  if (message.method_id == mcp::MethodId::notifications_tools_list_changed) tools_.want_again(mcp::Era::modern);
}

net::Task<bool> Gate::drop_event() { co_return true; }

/// News of a resource goes to whoever may subscribe to it.
bool Gate::may_hear(const Conversation& conversation, const mcp::Message& message) const {
  if (message.method_id != mcp::MethodId::notifications_resources_updated) return true;
  const auto resource = mcp::read_resource_request(message);
  return resource && may_hear_of(conversation, resource->uri.view());
}

bool Gate::may_hear_of(const Conversation& conversation, std::string_view uri) const {
  const PolicyPair policies = policies_for(conversation);
  const policy::Request watch{.action = policy::Action::resource_subscribe, .name = uri};
  return policies.all([&](const policy::Policy& policy) { return policy.judge(watch).verdict >= policy::Verdict::require_approval; });
}

/// News of a task go to whoever began it, as the answer to `tasks/get` does: what it
/// came to stands in them, and what the server asks meanwhile.
net::Task<bool> Gate::tell_of_task(Conversation& conversation, mcp::Revision revision, Channel* channel, const upstream::Event& event) {
  json::Document document;
  const auto news = mcp::read_message(event.bytes, document, mcp::Direction::from_server, upstream::whole_answer);
  if (!news || !may_hear_of_task(conversation, *news) || !may_ask_for_pages(conversation, revision, *news)) {
    tell_of_message("upstream_message_withheld", *event.message);
    co_return true;
  }
  const auto policies = hiding(conversation);
  const auto shown = policies ? mcp::without_hidden(*news, hidden_names(*policies, mcp::era_of(revision), nullptr)) : std::nullopt;
  co_return co_await tell_changed(conversation, channel, event, shown);
}

bool Gate::may_hear_of_task(const Conversation& conversation, const mcp::Message& message) const {
  const auto task = mcp::read_task_request(message);
  if (!task || tasks_begun_.find(owner_of(conversation), task->task_id.view(), parts_.clock.now()) == nullptr) return false;
  // What the server asks of the client stands in it as in an answer.
  const auto asked = message.params.find("inputRequests");
  if (!asked) return true;
  const PolicyPair policies = policies_for(conversation);
  if (!asked->is_object()) return false;
  for (const json::Member member : asked->members()) {
    const auto method = member.value.is_object() ? member.value.find("method") : std::nullopt;
    const auto id = method && method->is_string() ? mcp::method_id(method->string()) : mcp::MethodId::unknown;
    if (asked_for(id).empty() || !policies.all([id](const policy::Policy& policy) { return allows(policy, id); })) return false;
  }
  return true;
}

/// The answer of a call whose stream broke off comes on the stream that resumes
/// it; any other is nobody's.
net::Task<bool> Gate::late_answer(std::shared_ptr<Conversation> conversation, Channel* channel, const upstream::Event& event) {
  const mcp::Message& message = *event.message;
  auto& due = conversation->resumable;
  const auto found = std::ranges::find_if(due, [&](const Resumable& each) { return each.failed.empty() && mcp::same_id(each.id, message.id_text); });
  if (found == due.end()) {
    parts_.log.warn("upstream_answer_unexpected", {{"server", server_.name}});
    co_return true;
  }
  const Ulid decision = found->decision;
  const mcp::MethodId method = found->method;
  note_late_task(*conversation, conversation->session.revision, found->tool, event.bytes);
  due.erase(found);
  resumable_over_.notify();
  parts_.journal.outcome(decision.text(), {.status = "answered_on_resumed_stream", .is_error = upstream::says_error(message), .bytes = event.bytes.size()});
  if (!may_ask_for_pages(*conversation, conversation->session.revision, message)) {
    const std::optional<std::string> refusal = asking_refused(message.id_text, method, mcp::method_name(mcp::MethodId::elicitation_create), mcp::Era::legacy);
    co_return co_await tell_changed(*conversation, channel, event, refusal);
  }
  const auto shown = without_hidden(*conversation, mcp::Era::legacy, {.bytes = event.bytes, .is_error = upstream::says_error(message)}, nullptr);
  co_return co_await tell_changed(*conversation, channel, event, shown);
}

/// What the server asks of the client, decided and put on record.
bool Gate::decide_asking(const Conversation& conversation, mcp::Revision revision, mcp::MethodId method, std::string_view name) {
  const PolicyPair policies = policies_for(conversation);
  const bool known = !asked_for(method).empty() || method == mcp::MethodId::ping;
  const bool allowed = known && policies.all([&](const policy::Policy& policy) { return allows(policy, method); });
  const bool of_server = policies.server && (allowed || !allows(*policies.server, method));
  const auto& decides = of_server ? policies.server : policies.grant;
  const std::string rule = asked_for(method).empty() || !decides ? std::string() : fmt::format("/{}", asked_for(method));
  audit::CallRecord record = record_for(conversation, revision);
  record.id = parts_.journal.next_id();
  record.method = name;
  record.verdict = allowed ? policy::Verdict::allow : policy::Verdict::deny;
  if (decides) record.policy = decides->hash();
  record.rule = rule;
  parts_.journal.record(record);
  if (!allowed) parts_.log.info("server_request_refused", {{"server", server_.name}, {"method", name}, {"rule", rule}});
  return allowed;
}

/// −32042 of 2025-11-25 asks the client to have pages opened before the request is made once more: an elicitation,
/// whatever era the client is of, since programs of both know the code; and so in the error that a task failed by.
bool Gate::may_ask_for_pages(const Conversation& conversation, mcp::Revision revision, const mcp::Message& answer) {
  if (mcp::error_code_of(answer) != mcp::code::url_elicitation_required) return true;
  constexpr auto method = mcp::MethodId::elicitation_create;
  return decide_asking(conversation, revision, method, mcp::method_name(method));
}

/// Puts the refusal in the place of an answer that asks for pages and may not.
void Gate::refuse_pages(const Inbound& in, upstream::Delivery& delivery) {
  const mcp::AnswerLook& look = delivery.look;
  // A result may say what a task failed of and be called an error beside that.
  const bool may_ask = look.may_go_on || (look.is_error && (!look.known || look.code_number == mcp::code::url_elicitation_required));
  if (delivery.kind != upstream::Delivery::Kind::answer || !may_ask) return;
  json::Document document;
  const auto answer = mcp::read_message(delivery.bytes, document, mcp::Direction::from_server, upstream::answer_limits);
  if (!answer || may_ask_for_pages(*in.conversation, in.revision, *answer)) return;
  upstream::Delivery refused{.kind = upstream::Delivery::Kind::answer, .look = {.is_error = true, .may_go_on = false}, .session_lost = delivery.session_lost};
  refused.owned = std::make_unique<const std::string>(asking_refused(in.message.id_text, in.message.method_id, mcp::method_name(mcp::MethodId::elicitation_create), in.era()));
  refused.bytes = *refused.owned;
  delivery = std::move(refused);
}

net::Task<bool> Gate::server_request(std::shared_ptr<Conversation> conversation, mcp::Revision revision, Channel* channel, const upstream::Event& event) {
  const mcp::Message& message = *event.message;
  if (!decide_asking(*conversation, revision, message.method_id, message.method.view())) {
    decline(conversation, message, "the policy of the gateway does not let this request through", mcp::code::denied);
    co_return true;
  }
  if (conversation->server_requests.size() >= max_server_requests) {
    decline(conversation, message, "too many requests wait for the client already", mcp::code::internal_error);
    co_return true;
  }
  Told told(*conversation, message.id_text);
  const bool heard = co_await tell(*conversation, channel, event);
  told.done();
  if (heard) co_return true;
  if (conversation->take_server_request(message.id_text)) decline(conversation, message, "no client is there to answer", mcp::code::internal_error);
  co_return false;
}

/// Answers a request of the server in the client's stead, by a task of the gate:
/// whoever heard the request may be a part of the link that the answer goes to.
void Gate::decline(const std::shared_ptr<Conversation>& conversation, const mcp::Message& message, std::string_view why, int code) {
  if (conversation->declines >= max_declines) {
    parts_.log.warn("server_request_unanswered", {{"server", server_.name}, {"why", "it asks faster than it reads"}});
    return;
  }
  tasks_.spawn(send_decline(conversation, mcp::rpc_error(message.id_text, code, why)));
}

net::Task<void> Gate::send_decline(std::shared_ptr<Conversation> conversation, std::string answer) {
  const Busy count(conversation->declines);
  const std::shared_ptr<upstream::Link> link = conversation->link;
  json::Document document;
  const auto read = mcp::read_message(answer, document, mcp::Direction::from_client);
  if (!read || !link || !link->alive()) co_return;
  auto permit = co_await permit_for_own(parts_, audit::Internal::decline, server_.name);
  if (!permit) co_return;
  CallSink sink(*this, conversation, conversation->session.revision, nullptr);
  [[maybe_unused]] const auto sent = co_await link->forward(std::move(*permit), {.bytes = answer, .message = &*read, .time = server_.call_timeout}, sink);
}

/// What a server says unasked. A large message takes up room until its client has it, as an answer does.
void Gate::hear(const std::shared_ptr<Conversation>& conversation, const upstream::Event& event, const net::ReplyOwner& owner) {
  if (event.message == nullptr) return;
  const net::ServerRoom room{parts_.replies, server_.name};
  std::unique_ptr<net::ReplyPart> part;
  if (const auto counted = room.count(part, event.bytes.size(), &owner); !counted) return hear_no_more_of(conversation, *event.message, counted.error());
  // In the order of their arrival: whatever need not wait is done before `spawn` returns.
  tasks_.spawn(hear_later(conversation, std::string(event.bytes), std::move(part)));
}

/// For which there is no room. A question gets an answer, and that a list changed is known without the rest.
void Gate::hear_no_more_of(const std::shared_ptr<Conversation>& conversation, const mcp::Message& message, const Error& why) {
  using enum mcp::MethodId;
  if (message_log_.may_tell(parts_.loop.now()))
    parts_.log.warn("upstream_message_dropped", {{"server", server_.name}, {"method", message.method.view()}, {"why", why.message}, {"untold", message_log_.take_untold()}});
  if (message.is_request()) return decline(conversation, message, why.message, mcp::code::internal_error);
  const bool of_list = message.method_id == notifications_tools_list_changed || message.method_id == notifications_prompts_list_changed || message.method_id == notifications_resources_list_changed;
  if (of_list) tasks_.spawn(hear_later(conversation, mcp::plain_notification(message.method_id), nullptr));
}

net::Task<void> Gate::hear_later(std::shared_ptr<Conversation> conversation, std::string bytes, std::unique_ptr<net::ReplyPart> part) {
  co_await hear_now(conversation, std::move(bytes));
  const std::shared_ptr<ClientStream> stream = part ? conversation->stream : nullptr;
  conversation.reset();
  if (stream) [[maybe_unused]] const bool passed = co_await stream->passed();
}

net::Task<void> Gate::hear_now(std::shared_ptr<Conversation> conversation, std::string bytes) {
  json::Document document;
  const auto message = mcp::read_message(bytes, document, mcp::Direction::from_server, upstream::answer_limits);
  if (!message) co_return;
  const upstream::Event event{.message = &*message, .bytes = bytes, .raw = {}};
  [[maybe_unused]] const bool heard = co_await from_server(conversation, conversation->session.revision, nullptr, event);
}

net::Task<bool> UnsolicitedSink::event(const upstream::Event& event) {
  const auto conversation = conversation_.lock();
  if (conversation) gate_.hear(conversation, event, *this);
  co_return true;
}

}  // namespace callgate::gateway
