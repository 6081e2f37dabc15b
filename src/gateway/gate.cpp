#include "gateway/gate.hpp"

#include <fmt/format.h>

#include "base/json_words.hpp"
#include "gateway/gate_draft.hpp"
#include "gateway/recorded_words.hpp"
#include "gateway/start_signs.hpp"
#include "mcp/codes.hpp"

namespace callgate::gateway {

namespace {

constexpr std::array stateless_revisions{mcp::Revision::r2026_07_28};

/// The statuses that say something of a message; any other is between the server
/// and the gateway: a 401 would send the client to a server that it does not know.
int shown_status(int status) { return status == 400 || status == 404 ? status : 200; }

}  // namespace

Gate::Gate(const Parts& parts, config::Server server, Totals& totals)
    : parts_(parts),
      server_(std::move(server)),
      totals_(totals),
      links_(parts_, server_, totals),
      tools_(parts_, links_),
      policy_tests_(parts_, server_),
      revived_(parts.loop),
      resumable_over_(parts.loop),
      allowed_(parts.metrics.counter("callgate_messages_total", "Messages of clients by decision.",
                                     {{"server", server_.name}, {"decision", "allow"}})),
      refused_(parts.metrics.counter("callgate_messages_total", "Messages of clients by decision.",
                                     {{"server", server_.name}, {"decision", "refuse"}})) {
  test_policy({});
  tools_.on_found_changed([this] { announce_list_change({.tools = true}); });
  links_.on_opened_anew([this](upstream::Reader met_by) { tools_.server_opened_anew(met_by); });
  links_.take_params_from([this](const mcp::Message& call) { return tool_params(call, mcp::Era::legacy); });
}

Gate::~Gate() { tasks_.cancel(); }

void Gate::test_policy(PolicyTests::Tables others) {
  PolicyTests::Tables listed;
  for (const mcp::Era era : {mcp::Era::legacy, mcp::Era::modern}) {
    if (const auto& table = tools_.known(era).table) listed.push_back(table);
  }
  policy_tests_.look(policy(), std::move(listed), std::move(others));
}

void Gate::start() {
  tools_.want(mcp::Era::legacy);
  links_.stand_ready();
}

std::span<const mcp::Revision> Gate::modern_revisions() const { return stateless_revisions; }

net::Task<void> Gate::handle(Inbound in) { co_await handle_kept(in); }

net::Task<void> Gate::handle_kept(Inbound& in) {
  const Busy of_gate(busy_);
  in.conversation->last_used = parts_.loop.now();
  // A stateless caller has no session that could end: whoever revokes its grant finds its requests here.
  std::optional<Counting> revocable;
  if (in.era() == mcp::Era::modern) revocable.emplace(*this, *in.conversation);
  if (in.era() == mcp::Era::modern && in.message.is_request() && !links_.knows_modern()) co_await learn_era(in);
  if (in.conversation->kept) note_use(*in.conversation);
  if (in.message.is_response()) co_return co_await handle_response(in);
  const auto standing = mcp::standing(in.message.method_id, in.revision, mcp::Direction::from_client);
  if (in.message.is_notification()) {
    // A notification has no answer, so what is refused is dropped. A request's method without an id is
    // refused as well: servers run such a call, and nobody would have judged it.
    if (standing == mcp::Standing::known && mcp::is_notification(in.message.method_id)) co_return co_await handle_notification(in);
    refused_.add();
    parts_.journal.refused({.server = server_.name, .method = in.message.method.view(), .era = mcp::word(in.revision),
                            .reason = standing == mcp::Standing::known ? "a request without an id" : "unknown notification"});
    co_await in.channel.accepted();
    co_return;
  }
  const config::ExtensionMethod* const extension = standing == mcp::Standing::unknown ? extension_of(in.message) : nullptr;
  if ((standing == mcp::Standing::unknown && extension == nullptr) || mcp::is_notification(in.message.method_id)) {
    refused_.add();
    parts_.journal.refused({.server = server_.name, .method = in.message.method.view(), .era = mcp::word(in.revision), .reason = "method not on the allow-list"});
    co_await in.channel.answer(mcp::method_not_found(in.message.id_text, in.message.method.view()), {}, in.status(404));
    co_return;
  }
  if (in.conversation->find_in_flight(in.message.id_text) != nullptr)
    co_return co_await refuse_shape(in, {ErrorKind::invalid, "a request with this id is still under way: use each id once", {}}, mcp::code::invalid_request);
  InFlight flight;
  flight.id = in.message.id_text;
  flight.channel = &in.channel;
  in.conversation->in_flight.push_back(flight);
  const Busy of_conversation(in.conversation->busy);
  auto work = extension != nullptr ? handle_extension(in, flight, *extension) : handle_request(in, flight);
  if (co_await UnderWay(*this, in.channel, std::move(work))) co_return;
  const std::string_view why = "the gateway stopped before the request was answered";
  if (!flight.forwarded) parts_.journal.refused({.server = server_.name, .method = in.message.method.view(), .era = mcp::word(in.revision), .reason = why});
  co_await in.channel.answer(mcp::rpc_error(in.message.id_text, mcp::code::internal_error, why));
}

void Gate::give_up() {
  while (under_way_.linked()) static_cast<UnderWay*>(under_way_.next)->give_up();
}

/// Once for each server, before its first stateless request: does it speak that
/// era, or is it to be bridged? A child that takes long to start is waited for first. A server over HTTP that leaves
/// the question unanswered is asked nothing more: its caller would wait for the list of tools and for the answer as well.
net::Task<void> Gate::learn_era(Inbound& in) {
  const net::Instant until = parts_.loop.now() + server_.start_timeout;
  if (links_.over_http()) {
    in.begin_until = until;
    in.unheard = !co_await links_.learn_modern(until - parts_.loop.now()) && links_.is_silent();
    co_return;
  }
  // The questions come one behind the other; the children that are asked them start at once.
  links_.start_side_by_side();
  if (!tools_.is_current(mcp::Era::legacy)) [[maybe_unused]] const bool current = co_await wait_for_tools(in, mcp::Era::legacy);
  StartSigns signs(parts_.loop, in.channel, in.message, in.signs);
  [[maybe_unused]] const bool known = co_await tell_while(parts_.loop, signs, [] { return true; }, links_.learn_modern(until - parts_.loop.now()));
}

net::Task<void> Gate::handle_request(Inbound& in, InFlight& flight) {
  std::string state = own_state(in);
  return state.empty() ? dispatch(in, flight) : handle_round(in, flight, std::move(state));
}

net::Task<void> Gate::dispatch(Inbound& in, InFlight& flight) {
  using enum mcp::MethodId;
  switch (in.message.method_id) {
    case initialize: return handle_initialize(in, flight);
    case server_discover: return handle_discover(in, flight);
    case tools_call: return handle_call(in, flight);
    case resources_read:
    case resources_subscribe:
    case prompts_get: return handle_judged(in, flight);
    case completion_complete: return handle_completion(in, flight);
    case tools_list:
    case prompts_list:
    case resources_list:
    case resources_templates_list:
    case tasks_list: return handle_list(in, flight);
    case tasks_get:
    case tasks_result:
    case tasks_update:
    case tasks_cancel: return handle_task(in, flight);
    case subscriptions_listen: return handle_listen(in, flight);
    default: return pass(in, &flight);
  }
}

net::Task<void> Gate::handle_notification(Inbound& in) {
  if (in.message.method_id == mcp::MethodId::notifications_cancelled) {
    const auto cancelled = mcp::read_cancelled(in.message);
    InFlight* flight = cancelled && !cancelled->request_id.empty() ? in.conversation->find_in_flight(cancelled->request_id) : nullptr;
    if (flight != nullptr) flight->cancelled = true;
    // A list in a session ends when its server was told; what else waits, ends at once.
    const bool listing = flight != nullptr && flight->forwarded && in.era() == mcp::Era::legacy;
    if (flight != nullptr && flight->waiting != nullptr && !listing) flight->waiting->raise();
    // A call that never left needs no cancel, and one that is over ignores it. What waits, cancels.
    if (flight == nullptr || !flight->forwarded || (in.era() == mcp::Era::modern && flight->waiting != nullptr)) {
      co_await in.channel.accepted();
      co_return;
    }
  }
  co_await pass(in, nullptr);
  if (in.message.method_id == mcp::MethodId::notifications_cancelled) co_return end_cancelled(in);
  const Conversation& conversation = *in.conversation;
  const bool opened = in.message.method_id == mcp::MethodId::notifications_initialized && conversation.link && conversation.link->has_stream();
  if (!opened || in.channel.takes_raw()) co_return;
  if (!conversation.pipe) {
    tasks_.spawn(follow_stream(in.conversation));
  } else if (conversation.pipe_tasks != nullptr) {
    conversation.pipe_tasks->spawn(follow_stream(in.conversation));
  }
}

/// Its server was told that nobody waits for it any longer.
void Gate::end_cancelled(const Inbound& in) {
  const auto cancelled = mcp::read_cancelled(in.message);
  const InFlight* flight = cancelled ? in.conversation->find_in_flight(cancelled->request_id) : nullptr;
  if (flight != nullptr && flight->waiting != nullptr) flight->waiting->raise();
}

net::Task<void> Gate::handle_response(Inbound& in) {
  // What the gate itself asked never goes to the server.
  if (in.era() == mcp::Era::legacy && in.conversation->take_own_answer(in.message.id_text, in.message.result)) {
    co_await in.channel.accepted();
    co_return;
  }
  if (in.era() == mcp::Era::modern || !in.conversation->take_server_request(in.message.id_text))
    co_return co_await refuse_shape(in, {ErrorKind::invalid, "nobody waits for this response", {}}, mcp::code::invalid_request);
  co_await pass(in, nullptr);
}

/// A message that needs no rule: on record, forwarded, answered as the server answers.
net::Task<void> Gate::pass(Inbound& in, InFlight* flight) {
  Draft draft{.id = parts_.journal.next_id()};
  note_params(draft, in.message);
  Judged judged{.policy = policy()};
  judged.decision.verdict = policy::Verdict::allow;
  co_await pass_judged(in, flight, draft, judged);
}

/// The same for one that a rule let through and that uses nothing up.
net::Task<void> Gate::pass_judged(Inbound& in, InFlight* flight, const Draft& draft, const Judged& judged) {
  Exchange what{.record = record_of(draft, in, judged), .bytes = in.message.bytes(), .message = &in.message};
  auto delivery = co_await exchange(in, flight, what);
  if (delivery) co_await deliver(in, *delivery, what.record.id);
}

/// What a modern server asks of the client stands in its answer: it is decided
/// like a request of its own, and an answer that asks for what is not allowed
/// does not pass (protocol item 84).
bool Gate::may_ask(Inbound& in, const upstream::Delivery& delivery, Asking& asking) {
  json::Document document;
  const json::Limits limits{.max_depth = 512, .max_keys = 4'000'000, .check_number_range = false, .keep_depth = 5};
  const auto message = mcp::read_message(delivery.bytes, document, mcp::Direction::from_server, limits);
  if (!message) return false;
  if (message->result) note_task(in, message->result);
  if (message->result && in.era() == mcp::Era::modern) {
    see_round(in, message->result, asking);
    asking.marked = marked_as_servers(*message);
  }
  const auto asked = message->result ? message->result.find("inputRequests") : std::nullopt;
  if (!asked || delivery.asks_decided) return true;
  if (!asked->is_object()) return false;
  bool allowed = true;
  for (const json::Member member : asked->members()) {
    const auto method = member.value.is_object() ? member.value.find("method") : std::nullopt;
    const std::string name = method && method->is_string() ? method->string() : std::string("unnamed");
    if (decide_asking(*in.conversation, in.revision, mcp::method_id(name), name)) continue;
    allowed = false;
    asking.refused = name;
  }
  return allowed;
}

net::Task<void> Gate::refuse_asking(Inbound& in, std::string_view asked) {
  if (!asked.empty()) co_return static_cast<void>(co_await in.channel.answer(asking_refused(in.message.id_text, in.message.method_id, asked, in.era())));
  co_await in.channel.answer(mcp::rpc_error(in.message.id_text, mcp::code::internal_error, "the server's answer cannot be read"));
}

net::Task<void> Gate::deliver_answer(Inbound& in, const upstream::Delivery& delivery) {
  if (in.era() == mcp::Era::legacy && !delivery.look.is_error) note_wishes(in);
  Asking asking;
  // The link read the answer: most say that with them all is done.
  const bool may_go_on = delivery.look.may_go_on && (in.era() == mcp::Era::modern || may_begin_task(in));
  if (may_go_on && !may_ask(in, delivery, asking)) co_return co_await refuse_asking(in, asking.refused);
  if (asking.next) co_await expect_round(in, std::move(*asking.next));
  const int status = in.status(shown_status(delivery.http_status));
  const std::string_view bytes = asking.marked.empty() ? delivery.bytes : std::string_view(asking.marked);
  if (const auto shown = without_hidden(*in.conversation, in.era(), {.bytes = bytes, .is_error = delivery.look.is_error}, &in.message))
    co_return static_cast<void>(co_await in.channel.answer(*shown, {}, status));
  co_await in.channel.answer(bytes, asking.marked.empty() ? delivery.raw : std::string_view(), status);
}

namespace {

net::Task<void> tell_accepted(Channel& channel) { co_await channel.accepted(); }

}  // namespace

/// `delivery` is there until then.
net::Task<void> Gate::deliver(Inbound& in, upstream::Delivery& delivery, Ulid decision) {
  switch (delivery.kind) {
    case upstream::Delivery::Kind::answer: return deliver_answer(in, delivery);
    case upstream::Delivery::Kind::accepted: break;
    case upstream::Delivery::Kind::resumable: return leave_to_be_resumed(in, delivery.bytes, decision);
  }
  return tell_accepted(in.channel);
}

net::Task<void> Gate::answer_failure(Inbound& in, const Error& error) {
  if (!in.message.is_request()) {
    co_await in.channel.accepted();
    co_return;
  }
  if (in.failure != nullptr) *in.failure = error.message;
  // What the call brought is too much for the gateway, and may be less when it is asked for otherwise: the model's to know.
  const bool for_model = in.message.method_id == mcp::MethodId::tools_call && error.kind == ErrorKind::too_large;
  co_await in.channel.answer(for_model ? mcp::failed_call(in.message.id_text, error.message, in.era())
                                       : mcp::rpc_error(in.message.id_text, mcp::code::internal_error, error.message));
}

net::Task<void> Gate::refuse_shape(Inbound& in, const Error& error, int code) {
  refused_.add();
  const std::string why = json::without_key(error);
  parts_.journal.refused({.server = server_.name, .method = in.message.method.view(), .era = mcp::word(in.revision), .reason = why});
  parts_.log.info("message_refused", {{"server", server_.name}, {"why", why}});
  if (in.message.is_notification()) {
    co_await in.channel.accepted();
    co_return;
  }
  const int status = in.message.is_response() || in.era() == mcp::Era::modern ? 400 : 200;
  co_await in.channel.answer(mcp::rpc_error(in.message.is_response() ? std::string_view{} : in.message.id_text, code, error.message), {}, status);
}

net::Task<void> Gate::refuse(Inbound& in, Draft& draft, const Judged& judged, std::optional<mcp::DecisionNote::Approval> approval) {
  const policy::Decision& decision = judged.decision;
  refused_.add();
  parts_.journal.record(record_of(draft, in, judged));
  // The journal has it; a line of the log for each would be paid for by whoever is refused most.
  parts_.log.debug("call_refused", {{"id", draft.id.text()}, {"server", server_.name}, {"subject", names_resource(draft.action) ? std::string_view(draft.recorded.subject) : draft.subject},
                                   {"verdict", policy::word(decision.verdict)}, {"rule", decision.rule.view()}});
  if (!judged.unhidden || judged.unhidden->verdict >= policy::Verdict::require_approval)
    co_return co_await answer_refusal(in, draft, judged, approval);
  // Where the policy refuses names that nobody has, it refuses this one like them (docs/decisions/0006).
  Judged shown = judged;
  shown.decision = *judged.unhidden;
  co_await answer_refusal(in, draft, shown, approval);
}

net::Task<void> Gate::answer_refusal(Inbound& in, const Draft& draft, const Judged& judged, std::optional<mcp::DecisionNote::Approval> approval) {
  const policy::Decision& decision = judged.decision;
  const std::string_view id = in.message.id_text;
  const bool hidden = decision.verdict == policy::Verdict::hide || decision.verdict == policy::Verdict::unknown_tool;
  const auto method = in.message.method_id;
  if (hidden) {
    const bool prompt = draft.action == policy::Action::prompt_get || draft.action == policy::Action::prompt_complete;
    if (draft.action == policy::Action::other) co_return static_cast<void>(co_await in.channel.answer(mcp::method_not_found(id, in.message.method.view()), {}, in.status(404)));
    const bool tool = draft.action == policy::Action::tool_call;  // by a method of the operator's list
    const std::string_view called = in.called.empty() ? draft.subject : std::string_view(in.called);
    const std::string answer = method == mcp::MethodId::tools_call ? unknown_tool_answer(in, called)
                               : prompt                            ? mcp::unknown_prompt(id, called)
                               : tool ? mcp::rpc_error(id, mcp::code::invalid_params, fmt::format("Unknown tool: {}", draft.subject))
                                      : mcp::resource_not_found(id, draft.subject, in.era());
    co_await in.channel.answer(answer);
    co_return;
  }
  mcp::DecisionNote note{.id = draft.id.text(), .verdict = policy::word(decision.verdict), .rule = decision.rule,
                         .reason = decision.reason, .approval = approval};
  if (const policy::Policy* deciding = judged.deciding()) note.policy = deciding->hash();
  if (decision.retry_after.count() > 0)
    note.retry_after_s = static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::seconds>(decision.retry_after).count());
  note.remaining = decision.remaining;
  const std::string text = refusal_text(judged);
  if (method == mcp::MethodId::tools_call) {
    co_await in.channel.answer(mcp::denied_call(id, text, note, in.era()));
    co_return;
  }
  const int code = decision.verdict == policy::Verdict::rate_limited       ? mcp::code::limit_reached
                   : decision.verdict == policy::Verdict::require_approval ? mcp::code::approval_needed
                   : decision.verdict == policy::Verdict::fault            ? mcp::code::undecided
                                                                           : mcp::code::denied;
  co_await in.channel.answer(mcp::denied_request(id, code, text, note));
}

}  // namespace callgate::gateway
