// Calls that wait for a person.
#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "gateway/gate_draft.hpp"
#include "gateway/recorded_words.hpp"
#include "mcp/requests.hpp"
#include "mcp/splice.hpp"

namespace callgate::gateway {

namespace {

/// What else a call says besides its arguments, for it may change what the
/// server does; without the members that name an exchange and not a call.
std::string rest_digest(const mcp::Message& message, bool whole = true) {
  constexpr std::array<std::string_view, 4> of_the_exchange{"progressToken", "traceparent", "tracestate", "baggage"};
  std::vector<std::string> parts;
  if (!message.params) return {};
  const auto add = [&parts](std::string_view name, json::Value value) {
    parts.push_back(json::quoted(name));
    json::append_canonical(parts.back(), value);
  };
  for (const json::Member member : message.params.members()) {
    const std::string_view key = member.key.raw_string();
    if (key == "name" || key == "uri" || key == "arguments") continue;
    if (!whole && (key == "inputResponses" || key == "requestState")) continue;
    if (key != "_meta" || !member.value.is_object()) {
      add(key, member.value);
      continue;
    }
    for (const json::Member meta : member.value.members()) {
      const std::string_view name = meta.key.raw_string();
      if (std::ranges::find(of_the_exchange, name) != of_the_exchange.end() || name.starts_with("io.modelcontextprotocol/")) continue;
      add(fmt::format("_meta/{}", name), meta.value);
    }
  }
  if (parts.empty()) return {};
  std::ranges::sort(parts);  // a call is the same in whatever order it says so
  return sha256_hex(fmt::format("{}", fmt::join(parts, "")));
}

/// What nobody can be asked about is refused: because of what was asked, or
/// because the questions are out of reach.
void note_unasked(policy::Decision& decision, const Error& why) {
  using enum ErrorKind;
  const bool of_the_call = why.kind == refused || why.kind == too_large || why.kind == invalid;
  decision.verdict = of_the_call ? policy::Verdict::deny : policy::Verdict::fault;
  decision.reason = of_the_call ? why.message : fmt::format("no person can be asked now: {}", why.message);
  if (!of_the_call) decision.faults = {why.message};
}

constexpr std::string_view nobody_answered = "nobody approved it in time";

/// No agent is told to come back later than its question is open.
std::chrono::milliseconds look_again(std::int64_t left_ms) {
  return std::clamp(std::chrono::milliseconds(left_ms), std::chrono::milliseconds(1000), std::chrono::milliseconds(15'000));
}

}  // namespace

/// Its session is over: a call that waits for a person is refused at once.
void Gate::wake_held(const Conversation& conversation) {
  for (Held* held : held_) {
    if (held->conversation.get() == &conversation) held->wake.raise();
  }
}

std::string Gate::approval_url(std::string_view id) const { return parts_.approval_url ? parts_.approval_url(id) : std::string(); }

net::Instant Gate::held_until() const { return parts_.loop.now() + parts_.config.approval_wait; }

/// Whose account at the server a call uses: a yes for one is none for another, though both are shown alike. By the key
/// of seals, which all gateways of these questions have, and which outlives the process.
net::Task<Result<void>> Gate::know_account(Inbound& in) const {
  if (!in.account.empty()) co_return Result<void>();
  const auto key = co_await parts_.questions.seal_key(approval::Moment::of(parts_.clock));
  if (!key) co_return std::unexpected(key.error());
  in.account = hex(HmacSha256(*key).of(fmt::format("account of a server\n{}", server_.exact_address())));
  co_return Result<void>();
}

/// All that a yes is tied to, as the call is judged now. Pre: its account is known.
approval::Binding Gate::binding_of(const Inbound& in, const Draft& draft, const Judged& judged) const {
  const session::Session& session = in.conversation->session;
  const bool tool = in.message.method_id == mcp::MethodId::tools_call;
  approval::Binding binding;
  binding.grant = session.grant;
  if (session.grant.empty()) binding.session = session.name;
  binding.server = server_.name;
  binding.address = server_.address();
  binding.account = in.account;
  binding.tool = tool ? std::string(draft.subject) : fmt::format("{} {}", in.message.method.view(), draft.subject);
  binding.args_digest = sha256_hex(draft.canonical);
  binding.rest_digest = rest_digest(in.message);
  if (judged.tool != nullptr) binding.definition = judged.tool->fingerprint;
  if (judged.decision.approval != nullptr) binding.rule_digest = sha256_hex(judged.decision.approval->rule_digest);
  return binding;
}

/// What all rounds of one call have in common and a yes to it covers; `arguments` as they run. Pre: its account is known.
std::string Gate::covered_by_yes(const Inbound& in, const Draft& draft, const Judged& judged, std::string_view arguments) const {
  const approval::Binding yes = binding_of(in, draft, judged);
  const std::string rest = rest_digest(in.message, false);
  std::string text;
  for (const std::string_view part : std::initializer_list<std::string_view>{yes.grant, yes.session, yes.server, yes.address, yes.account, yes.tool, yes.args_digest, rest, yes.definition, yes.rule_digest, arguments})
    text += json::quoted(part);
  return sha256_hex(text);
}

/// The arguments that were asked about run, not those that a repeat spells
/// otherwise (`2.0` for `2`): the question's text takes their place.
Result<void> Gate::run_as_approved(const Inbound& in, const approval::Approval& approval, Exchange& what) {
  const auto arguments = in.message.params ? in.message.params.find("arguments") : std::nullopt;
  const std::string& stored = approval.stored_arguments();
  if (!arguments || arguments->text() == stored) return {};
  what.own = std::make_unique<Exchange::Own>();
  const mcp::Edit edit = mcp::replace(*arguments, stored);
  auto message = mcp::splice_and_read(in.message, std::span(&edit, 1), mcp::Direction::from_client, {}, what.own->bytes, what.own->document);
  if (!message) return std::unexpected(message.error());
  what.own->message = std::move(*message);
  what.message = &what.own->message;
  what.bytes = what.own->bytes;
  return {};
}

/// Takes the yes for this call. Where it is good for the call no longer (an
/// identical one took it, or the call or its rule is another one by now) a new
/// question is asked. False: the call was dealt with.
net::Task<bool> Gate::use_yes(Inbound& in, InFlight& flight, Draft& draft, Judged& judged, Exchange& what, Yes& yes) {
  std::optional<Counting> meanwhile(std::in_place, *this, *in.conversation);
  auto used = co_await parts_.questions.use(yes.waiter, binding_of(in, draft, judged), approval::Moment::of(parts_.clock));
  meanwhile.reset();
  if (is_over(in, flight)) {
    co_await not_wanted(in, flight, draft, judged, what, &yes);
    co_return false;
  }
  if (!used && used.error().kind == ErrorKind::conflict) {
    give_back(what);
    co_await ask_people(in, flight, draft, judged, yes.until);
    co_return false;
  }
  auto run = used ? run_as_approved(in, *used, what) : std::unexpected(used.error());
  if (!run) {
    give_back(what);
    yes.waiter.leave_open();
    judged.decision.verdict = policy::Verdict::fault;
    judged.decision.reason = used ? run.error().message : fmt::format("its approval cannot be used now: {}", run.error().message);
    judged.decision.faults = {run.error().message};
    co_await refuse(in, draft, judged);
    co_return false;
  }
  draft.approval = yes.id;
  in.so_far.approval = yes.id;
  const auto arguments = what.message->params ? what.message->params.find("arguments") : std::nullopt;
  in.so_far.covered = covered_by_yes(in, draft, judged, arguments ? arguments->text() : std::string_view{});
  judged.decision.verdict = policy::Verdict::allow;
  co_return true;
}

/// By what is in force now: whatever was waited for, policy and tools may be others since.
net::Task<Judged> Gate::judge_anew(Inbound& in, const Draft& draft) {
  bool current = draft.action != policy::Action::tool_call || tools_.is_current(in.era());
  if (!current) current = co_await tools_.current(in.era(), server_.start_timeout);
  const config::ExtensionMethod* extension = extension_of(in.message);
  Judged judged = extension != nullptr ? judge_extension(in, *extension, draft.subject)
                                       : judge(in, draft.action, draft.subject, in.message.params ? in.message.params.find("arguments") : std::nullopt);
  if (!current) doubt(judged, in.era());
  co_return judged;
}

/// A call that a person allowed is judged once more, by what is in force now.
net::Task<void> Gate::run_approved(Inbound& in, InFlight& flight, Draft& draft, Yes yes) {
  Judged judged = co_await judge_anew(in, draft);
  draft.id = parts_.journal.next_id();
  if (judged.decision.verdict == policy::Verdict::allow) co_return co_await run_allowed(in, flight, draft, judged, nullptr);
  if (judged.decision.verdict == policy::Verdict::require_approval) co_return co_await run_allowed(in, flight, draft, judged, &yes);
  yes.waiter.leave_open();
  co_await refuse(in, draft, judged);
}

/// Holds the call until a person answered, it was cancelled, or the wait is
/// over; then it is judged again by what is in force by then.
net::Task<void> Gate::ask_people(Inbound& in, InFlight& flight, Draft& draft, Judged& judged, net::Instant until) {
  Held held(*this, in.conversation, flight);
  if (co_await ran_out(in)) {
    judged.decision.verdict = policy::Verdict::deny;
    judged.decision.reason = nobody_answered;
    co_return co_await refuse(in, draft, judged);
  }
  if (const auto account = co_await know_account(in); !account) {
    note_unasked(judged.decision, account.error());
    co_return co_await refuse(in, draft, judged);
  }
  const std::optional<json::Value> arguments = in.message.params ? in.message.params.find("arguments") : std::nullopt;
  auto asked = co_await parts_.questions.ask({.binding = binding_of(in, draft, judged),
                                              .arguments = draft.canonical,
                                              .bytes = arguments && arguments->text() != draft.canonical ? std::string(arguments->text()) : std::string(),
                                              .session = in.conversation->session.name,
                                              .rule = std::string(judged.decision.rule),
                                              .reason = std::string(judged.decision.reason),
                                              .timeout = judged.decision.approval->timeout,
                                              .back_to = in.asked_before ? in.asked_before->state.question : std::string()},
                                             [&held](const approval::Approval& approval) { held.told(approval); }, approval::Moment::of(parts_.clock));
  if (!asked) {
    note_unasked(judged.decision, asked.error());
    co_return co_await refuse(in, draft, judged);
  }
  const approval::Approval approval = std::move(asked->approval);
  approval::Waiter waiter = std::move(asked->waiter);
  draft.approval = approval.id;
  const std::string subject = names_resource(draft.action) ? recorded_uri(draft.subject) : std::string(draft.subject);
  parts_.log.info("approval_asked", {{"approval", approval.id}, {"server", server_.name}, {"tool", subject}});
  if (approval.state != approval::State::waiting) held.told(approval);
  // Who can be told to come back hears of the question at once, and waits when it is back.
  const bool is_back = was_asked(in, approval);
  held.declined = is_back && in.asked_before->declined;
  if (!is_back && round_carrier(in, draft, approval_url(approval.id)) != Carrier::none) until = parts_.loop.now();
  if (in.task != nullptr) until = asked_as_task(in, draft, judged, approval);

  co_await hold(in, flight, held, draft, judged, approval, until);
  if (flight.cancelled) {
    waiter.cancel();
    judged.decision.reason = "cancelled before it was approved";
    parts_.journal.record(record_of(draft, in, judged));
    co_return static_cast<void>(co_await in.channel.ended());
  }
  if (held.grant_is_over || in.conversation->closed) {
    waiter.cancel();
    judged.decision.verdict = policy::Verdict::deny;
    judged.decision.reason = "the caller's grant or session ended while the call waited";
    co_return co_await refuse(in, draft, judged);
  }
  if (held.declined && !held.is_told) {
    waiter.cancel();
    judged.decision.verdict = policy::Verdict::deny;
    judged.decision.reason = "whoever sits at the client declined to have it approved";
    co_return co_await refuse(in, draft, judged);
  }
  if (!held.is_told) co_return co_await not_answered(in, draft, judged, std::move(waiter), approval);
  if (held.state != approval::State::approved) {
    judged.decision.verdict = policy::Verdict::deny;
    judged.decision.reason = held.state == approval::State::denied
                                 ? (held.reason.empty() ? std::string("a person refused it") : fmt::format("a person refused it: {}", held.reason))
                                 : std::string(nobody_answered);
    co_return co_await refuse(in, draft, judged, mcp::DecisionNote::Approval{.id = approval.id, .url = approval_url(approval.id), .expires_at = utc_text(approval.expires_at_ms)});
  }
  if (in.channel.gone()) {
    // Not served behind the client's back: its repeat picks the yes up.
    waiter.leave_open();
    judged.decision.reason = "approved, but the client had left";
    parts_.journal.record(record_of(draft, in, judged));
    co_return;
  }
  if (in.task != nullptr) note_own_task(*in.task, "A person approved it: the call runs.");
  co_await run_approved(in, flight, draft, Yes{.waiter = std::move(waiter), .id = approval.id, .until = until});
}

/// The wait is over and the question is still open: the agent is told to come
/// back. A gateway that stops takes its questions along, unless others share them.
net::Task<void> Gate::not_answered(Inbound& in, Draft& draft, Judged& judged, approval::Waiter waiter, const approval::Approval& approval) {
  const std::string expires = utc_text(approval.expires_at_ms);
  judged.decision.retry_after = look_again(approval.expires_at_ms - parts_.clock.wall_ms());
  if (stopping_ && !parts_.questions.outlive_gateway()) {
    waiter.cancel();
    judged.next = "the gateway stops before anybody answered; repeat the call later to ask anew";
    co_return co_await refuse(in, draft, judged);
  }
  const std::string url = approval_url(approval.id);
  judged.next = fmt::format("approval {} was asked for and is open until {}; {}repeat the identical call to pick up the answer", approval.id, expires,
                            url.empty() ? url : fmt::format("a person answers at {} with yes or no; ", url));
  if (co_await answer_round(in, draft, judged, approval, waiter)) co_return;
  waiter.leave_open();
  // Where nothing is held the client is told to open the page first, if that is a thing it does.
  if (parts_.config.approval_wait <= net::Duration::zero() && carrier_for(in, draft, judged, url) == Carrier::url) {
    refused_.add();
    parts_.journal.record(record_of(draft, in, judged));
    const std::string text = question_text(draft, judged, Carrier::url);
    co_return static_cast<void>(co_await in.channel.answer(
        mcp::url_elicitation_required(in.message.id_text, refusal_text(judged), {.id = approval.id, .url = url, .message = text})));
  }
  co_await refuse(in, draft, judged, mcp::DecisionNote::Approval{.id = approval.id, .url = url, .expires_at = expires});
}

}  // namespace callgate::gateway
