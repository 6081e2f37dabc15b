#include <fmt/format.h>

#include "gateway/gate_draft.hpp"
#include "gateway/recorded_words.hpp"
#include "mcp/codes.hpp"
#include "mcp/requests.hpp"
#include "mcp/splice.hpp"

namespace callgate::gateway {

namespace {

std::string canonical_of(const std::optional<json::Value>& arguments) {
  if (!arguments) return "{}";
  std::string text;
  json::append_canonical(text, *arguments);
  return text;
}

}  // namespace

/// Of the call, which outlives it.
Gate::Draft Gate::draft_of(const mcp::ToolCall& call) const {
  Draft draft{.id = parts_.journal.next_id(), .subject = call.name.view()};
  note_arguments(draft, call.arguments);
  return draft;
}

/// Of a tool or prompt; no other request has any.
void Gate::note_arguments(Draft& draft, const std::optional<json::Value>& arguments) const {
  draft.has_digest = true;
  if (!arguments) {
    draft.digest = parts_.digest_key.of_none();
    return;
  }
  draft.digest = parts_.digest_key.of(*arguments);
  draft.arg_keys.reserve(arguments->size());
  for (const json::Member member : arguments->members()) draft.arg_keys.push_back(member.key.raw_string());
}

/// Two requests of one method that ask for different things can be told apart by their records, whatever they name it by.
void Gate::note_params(Draft& draft, const mcp::Message& request) const {
  const std::string text = request.is_request() ? mcp::params_text(request) : std::string();
  if (text.empty()) return;
  draft.digest = parts_.digest_key.of_canonical(text);
  draft.has_digest = true;
}

/// A call that was allowed, until its server had to be opened anew: told like any that is refused.
net::Task<void> Gate::refuse_anew(Inbound& in) {
  const auto call = mcp::read_tool_call(in.message);
  if (!call) co_return co_await refuse_shape(in, call.error(), mcp::code::invalid_params);
  Draft draft = draft_of(*call);
  Judged judged = judge(in, policy::Action::tool_call, draft.subject, call->arguments);
  if (!tools_.is_current(in.era())) doubt(judged, in.era());
  if (judged.decision.verdict >= policy::Verdict::require_approval)
    co_return co_await answer_failure(in, {ErrorKind::refused, "the call is not allowed any more", {}});
  co_await refuse(in, draft, judged);
}

net::Task<void> Gate::handle_call(Inbound& in, InFlight& flight) {
  auto call = mcp::read_tool_call(in.message);
  if (!call) co_return co_await refuse_shape(in, call.error(), mcp::code::invalid_params);
  bool current = tools_.is_current(in.era());
  if (!current) current = co_await wait_for_tools(in, in.era());

  Draft draft = draft_of(*call);
  Judged judged = judge(in, policy::Action::tool_call, draft.subject, call->arguments);
  if (parts_.config.audit.shapes) draft.arg_shapes = shapes_of(judged, call->arguments);
  if (!current) doubt(judged, in.era());
  const auto verdict = judged.decision.verdict;
  if (verdict == policy::Verdict::unknown_tool && judged.table) {
    if (const auto like = judged.table->look_alike(draft.subject); !like.empty())
      parts_.log.warn("look_alike_tool", {{"server", server_.name}, {"known", like}});
  }
  if (verdict == policy::Verdict::require_approval) draft.canonical = canonical_of(call->arguments);
  if (verdict == policy::Verdict::allow) co_return co_await run_allowed(in, flight, draft, judged, nullptr);
  if (verdict == policy::Verdict::require_approval) co_return co_await ask_if_free(in, flight, draft, judged);
  co_await refuse(in, draft, judged);
}

/// What the arguments look like, for the record; of those that the tool's definition names.
std::string_view Gate::shapes_of(const Judged& judged, const std::optional<json::Value>& arguments) {
  if (judged.tool == nullptr) return shaper_.shapes_of({}, {}, arguments);
  return shaper_.shapes_of(judged.tool->fingerprint, judged.tool->definition, arguments);
}

/// A used-up limit refuses before a person is asked.
net::Task<void> Gate::ask_if_free(Inbound& in, InFlight& flight, Draft& draft, Judged& judged) {
  Exchange nothing;
  if (brings_state(in)) {
    co_await go_on_with_yes(in, draft, judged);
    if (is_over(in, flight)) co_return co_await not_wanted(in, flight, draft, judged, nothing, nullptr);
    if (judged.decision.verdict == policy::Verdict::allow) co_return co_await run_allowed(in, flight, draft, judged, nullptr);
    if (judged.decision.verdict != policy::Verdict::require_approval) co_return co_await refuse(in, draft, judged);
  }
  if (!co_await limits_free(judged, *in.conversation)) co_return co_await refuse(in, draft, judged);
  if (is_over(in, flight)) co_return co_await not_wanted(in, flight, draft, judged, nothing, nullptr);
  if (co_await begin_own_task(in, flight, judged)) co_return;
  co_await ask_people(in, flight, draft, judged, held_until());
}

/// resources/read, resources/subscribe, prompts/get.
net::Task<void> Gate::handle_judged(Inbound& in, InFlight& flight) {
  Draft draft{.id = parts_.journal.next_id()};
  std::optional<json::Value> arguments;
  mcp::Text name;
  auto action = policy::Action::prompt_get;
  if (in.message.method_id == mcp::MethodId::prompts_get) {
    auto prompt = mcp::read_prompt_get(in.message);
    if (!prompt) co_return co_await refuse_shape(in, prompt.error(), mcp::code::invalid_params);
    name = prompt->name;
    arguments = prompt->arguments;
    note_arguments(draft, arguments);
  } else {
    auto resource = mcp::read_resource_request(in.message);
    if (!resource) co_return co_await refuse_shape(in, resource.error(), mcp::code::invalid_params);
    name = resource->uri;
    action = in.message.method_id == mcp::MethodId::resources_read ? policy::Action::resource_read : policy::Action::resource_subscribe;
    // What its record leaves out of the URI still tells two of them apart.
    if (recorded_uri(name.view()) != name.view()) {
      draft.digest = parts_.digest_key.of(*in.message.params.find("uri"));
      draft.has_digest = true;
    }
  }
  draft.action = action;
  draft.subject = name.view();
  draft.canonical = canonical_of(arguments);
  Judged judged = judge(in, action, draft.subject, arguments);
  if (judged.decision.verdict == policy::Verdict::allow) co_return co_await run_allowed(in, flight, draft, judged, nullptr);
  if (judged.decision.verdict == policy::Verdict::require_approval) co_return co_await ask_if_free(in, flight, draft, judged);
  co_await refuse(in, draft, judged);
}

/// Completion follows its prompt or resource: what may not be used is not completed.
net::Task<void> Gate::handle_completion(Inbound& in, InFlight& flight) {
  auto completion = mcp::read_completion(in.message);
  if (!completion) co_return co_await refuse_shape(in, completion.error(), mcp::code::invalid_params);
  Draft draft{.id = parts_.journal.next_id(), .subject = completion->subject.view()};
  note_params(draft, in.message);
  const bool prompt = completion->of == mcp::Completion::Of::prompt;
  draft.action = prompt ? policy::Action::prompt_complete : policy::Action::resource_read;
  Judged judged = judge(in, draft.action, draft.subject, {});
  if (judged.decision.verdict < policy::Verdict::require_approval) co_return co_await refuse(in, draft, judged);
  judged.decision.verdict = policy::Verdict::allow;  // completing uses up no limits and asks nobody
  co_await pass_judged(in, &flight, draft, judged);
}

/// Takes the limits, uses the yes where one was needed, puts the allow on record
/// and forwards the judged bytes.
net::Task<void> Gate::run_allowed(Inbound& in, InFlight& flight, Draft& draft, Judged& judged, Yes* yes) {
  if (uses_limits(judged.decision) && brings_state(in) && !in.further) {
    // Looking it up may take a while.
    std::optional<Counting> meanwhile(std::in_place, *this, *in.conversation);
    [[maybe_unused]] const auto taken = co_await take_round(in);
    judged = co_await judge_anew(in, draft);
    meanwhile.reset();
    Exchange nothing;
    if (is_over(in, flight)) co_return co_await not_wanted(in, flight, draft, judged, nothing, yes);
    if (judged.decision.verdict == policy::Verdict::allow) {
      yes = nullptr;  // nobody has to be asked any more
    } else if (yes == nullptr || judged.decision.verdict != policy::Verdict::require_approval) {
      if (yes != nullptr) yes->waiter.leave_open();
      if (judged.decision.verdict == policy::Verdict::require_approval) {
        judged.decision.verdict = policy::Verdict::deny;
        judged.decision.reason = "the policy changed while the call's earlier rounds were looked up: make the call anew";
      }
      co_return co_await refuse(in, draft, judged);
    }
  }
  Exchange what{.record = {}, .bytes = in.message.bytes(), .message = &in.message, .openings = judged.openings};
  // A further round of a call that was counted is not counted again (protocol item 31).
  if (uses_limits(judged.decision) && !(in.further && in.so_far.counted)) {
    const Taking taking(*this, judged.decision, *in.conversation);
    draft.limits_taken_at = taking.at;
    auto taken = co_await taking.take();
    if (!keep_taken(taken, judged, what)) {
      if (yes != nullptr) yes->waiter.leave_open();  // the yes stays good until it expires
      co_return co_await refuse(in, draft, judged);
    }
    if (is_over(in, flight)) co_return co_await not_wanted(in, flight, draft, judged, what, yes);
  }
  if (yes != nullptr && !co_await use_yes(in, flight, draft, judged, what, *yes)) co_return;
  if (what.taken) {
    in.so_far.counted = true;
    list_limits(draft, judged, *in.conversation, *what.taken);
  }
  what.record = record_of(draft, in, judged);
  if (what.taken) {
    what.draft = &draft;
    what.judged = &judged;
  }
  auto delivery = co_await exchange(in, &flight, what);
  if (delivery) co_await deliver(in, *delivery, what.record.id);
}

/// What was taken, for the record.
void Gate::list_limits(Draft& draft, const Judged& judged, const Conversation& conversation, const limits::Taken& taken) {
  std::size_t at = 0;
  draft.limits.reserve(judged.decision.limits.size() + judged.decision.grant_limits.size());
  for (const policy::RateLimit* limit : judged.decision.limits)
    draft.limits.push_back({.limit = limit->id, .scope = "server", .remaining = taken.remaining(at++)});
  for (const policy::RateLimit* limit : judged.decision.grant_limits)
    draft.limits.push_back({.limit = limit->id, .scope = conversation.session.grant, .remaining = taken.remaining(at++)});
}

/// Whoever called has cancelled, or may call no longer, since the call was judged:
/// counting it, or using its yes, may have taken a while.
bool Gate::is_over(const Inbound& in, const InFlight& flight) { return flight.cancelled || in.conversation->closed; }

/// Such a call is not forwarded, and uses nothing up but a yes that it has taken
/// already.
net::Task<void> Gate::not_wanted(Inbound& in, InFlight& flight, Draft& draft, Judged& judged, Exchange& what, Yes* yes) {
  give_back(what);
  if (yes != nullptr) yes->waiter.cancel();
  judged.decision.verdict = policy::Verdict::deny;
  if (in.conversation->closed && !flight.cancelled) {
    judged.decision.reason = fmt::format("the caller's grant or session ended {}", yes != nullptr ? "before the call ran" : "before the call was passed on");
    co_return co_await refuse(in, draft, judged);
  }
  judged.decision.reason = yes != nullptr ? "cancelled before it ran" : "cancelled before it was passed on";
  refused_.add();
  parts_.journal.record(record_of(draft, in, judged));
  co_await in.channel.ended();
}

void Gate::give_back(Exchange& what) {
  if (what.taken) parts_.counters.give_back(std::move(*what.taken));
  what.taken.reset();
}

/// The headers that the called tool wants its arguments mirrored into.
std::vector<mcp::ParamHeader> Gate::param_headers(const Inbound& in) const {
  if (in.message.method_id != mcp::MethodId::tools_call || !tools_.known(in.era()).mirrors) return {};
  const auto& table = tools_.known(in.era()).table;
  const auto call = mcp::read_tool_call(in.message);
  const registry::Tool* tool = table && call ? table->find(call->name.view()) : nullptr;
  // What is hidden has no headers either, or they would show it.
  const PolicyPair policies = policies_for(*in.conversation);
  if (tool == nullptr || tool->state != registry::Tool::State::known || policies.missing()) return {};
  if (policies.any([&](const policy::Policy& policy) { return policy.hides_tool(tool->name, class_of(*tool)); })) return {};
  return tool_params(in.message, in.era());
}

std::vector<mcp::ParamHeader> Gate::tool_params(const mcp::Message& message, mcp::Era era) const {
  const auto& table = tools_.known(era).table;
  if (!tools_.known(era).mirrors) return {};
  const auto call = mcp::read_tool_call(message);
  const registry::Tool* tool = table && call ? table->find(call->name.view()) : nullptr;
  if (tool == nullptr || tool->definition.find("x-mcp-header") == std::string::npos) return {};
  json::Document document;
  if (!json::parse(tool->definition, {.max_depth = 512, .check_number_range = false}, document)) return {};
  const auto schema = document.root().find("inputSchema");
  auto headers = schema ? mcp::read_param_headers(*schema) : Result<std::vector<mcp::ParamHeader>>{};
  return headers ? std::move(*headers) : std::vector<mcp::ParamHeader>{};
}

}  // namespace callgate::gateway
