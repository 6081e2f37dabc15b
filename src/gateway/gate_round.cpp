// Calls of stateless clients that wait for a person from round to round (basic/patterns/mrtr
// of 2026-07-28): the client carries a sealed state of ours, and brings it back.
#include <algorithm>

#include <fmt/format.h>

#include "base/random.hpp"
#include "gateway/gate_draft.hpp"
#include "mcp/codes.hpp"
#include "mcp/elicitation.hpp"
#include "mcp/requests.hpp"
#include "mcp/splice.hpp"

namespace callgate::gateway {

namespace {

/// Official clients give up after ten answers of this kind; before that the agent is
/// told in words, and to repeat the call.
constexpr std::uint32_t most_rounds = 8;

/// The same for a state that was changed, is another call's, or too old: who tries
/// learns nothing by it.
constexpr std::string_view none_of_ours = "`requestState` does not belong to this call, or its time is over: make the call anew, without it";

/// What the call brought of a round that its server asked for, as the JSON text that
/// takes the place of our state later. Nothing where it cannot be carried along.
std::optional<std::string> inner_of(const mcp::Message& message) {
  const auto state = message.params ? message.params.find("requestState") : std::nullopt;
  const auto responses = message.params ? message.params.find("inputResponses") : std::nullopt;
  if (!state) return responses ? std::nullopt : std::optional(std::string());
  std::string inner(state->text());
  if (responses) inner += fmt::format(R"(,"inputResponses":{})", responses->text());
  return inner.size() <= approval::max_inner ? std::optional(std::move(inner)) : std::nullopt;
}

/// An accept says that somebody looked, and nothing more.
bool declines(const mcp::Message& message) {
  const auto responses = message.params.find("inputResponses");
  const auto said = responses && responses->is_object() ? responses->find(mcp::approval_key) : std::nullopt;
  const auto action = said ? mcp::read_elicited(*said).action : mcp::Elicited::Action::nothing;
  return action == mcp::Elicited::Action::decline || action == mcp::Elicited::Action::cancel;
}

/// A message with one change, kept where it is read from.
struct Changed {
  std::string bytes;
  json::Document document;
  mcp::Message message;

  Result<void> make(const mcp::Message& from, const mcp::Edit& edit) {
    auto read = mcp::splice_and_read(from, std::span(&edit, 1), mcp::Direction::from_client, {}, bytes, document);
    if (!read) return std::unexpected(read.error());
    message = std::move(*read);
    return {};
  }
};

/// The request as it was before the gateway's own round: `inner` in the place of our
/// state, and without what the client answered to us.
Result<const mcp::Message*> before_round(const mcp::Message& message, bool drops_responses, const std::string& inner, std::array<Changed, 2>& changed) {
  const mcp::Message* last = &message;
  const auto responses = drops_responses ? mcp::remove_member(message.params, "inputResponses") : std::nullopt;
  if (responses) {
    if (auto made = changed[0].make(message, *responses); !made) return std::unexpected(made.error());
    last = &changed[0].message;
  }
  const auto state = last->params.find("requestState");
  const auto edit = inner.empty() ? mcp::remove_member(last->params, "requestState") : std::optional(mcp::replace(*state, inner));
  if (auto made = changed[1].make(*last, *edit); !made) return std::unexpected(made.error());
  return &changed[1].message;
}

}  // namespace

/// The state that a client brings back and that the gateway wrote, also one of its
/// server's that the gateway marked; empty for any other request.
std::string Gate::own_state(const Inbound& in) {
  if (in.era() != mcp::Era::modern || !mcp::may_have_rounds(in.message.method_id) || !in.message.params) return {};
  const auto state = in.message.params.find("requestState");
  std::string text = state && state->is_string() ? state->string() : std::string();
  return text.starts_with(approval::own_state) ? text : std::string();
}

/// A server's state that begins like one of ours is marked as the server's: it could
/// be taken for ours, or ours for it, when it comes back. Another gateway may stand there.
std::string Gate::marked_as_servers(const mcp::Message& answer) {
  const auto state = answer.result.find("requestState");
  const std::string text = state && state->is_string() ? state->string() : std::string();
  if (!text.starts_with(approval::own_state)) return {};
  const std::string marked = json::quoted(fmt::format("{}{}", approval::servers_state, text));
  const mcp::Edit edit = mcp::replace(*state, marked);
  return mcp::splice(answer.bytes(), std::span(&edit, 1));
}

/// What a seal is for: this caller's call, whatever round it is in.
std::string Gate::sealed_call(const Inbound& in) const {
  return sha256_hex(json::quoted(owner_of(*in.conversation)) + json::quoted(server_.name) + mcp::logical_text(in.message));
}

net::Task<void> Gate::handle_round(Inbound& in, InFlight& flight, std::string state) {
  std::optional<AskedBefore> asked;
  std::string inner;
  if (state.starts_with(approval::round_state)) {
    const auto key = co_await parts_.questions.seal_key(approval::Moment::of(parts_.clock));
    if (!key) {
      const std::string why = fmt::format("its approval cannot be looked up now: {}", key.error().message);
      refused_.add();
      parts_.journal.refused({.server = server_.name, .method = in.message.method.view(), .era = mcp::word(in.revision), .reason = why});
      co_return co_await answer_failure(in, {ErrorKind::unavailable, why, {}});
    }
    auto opened = approval::open_seal(state, sealed_call(in), HmacSha256(*key), parts_.clock.wall_ms());
    if (!opened) co_return co_await refuse_shape(in, {ErrorKind::invalid, std::string(none_of_ours), {}}, mcp::code::invalid_params);
    inner = opened->inner;
    asked = AskedBefore{.state = std::move(*opened), .declined = declines(in.message)};
  } else if (state.starts_with(approval::servers_state)) {
    inner = json::quoted(std::string_view(state).substr(approval::servers_state.size()));
  } else {
    co_return co_await refuse_shape(in, {ErrorKind::invalid, std::string(none_of_ours), {}}, mcp::code::invalid_params);
  }
  std::array<Changed, 2> changed;
  const auto message = before_round(in.message, asked.has_value(), inner, changed);
  if (!message) co_return co_await refuse_shape(in, message.error(), mcp::code::invalid_params);
  Inbound before = in.as(**message);
  before.asked_before = std::move(asked);
  co_await dispatch(before, flight);
}

/// How a stateless client is asked to come back; `none` where it cannot show anything.
Gate::Carrier Gate::round_carrier(const Inbound& in, const Draft& draft, std::string_view url) {
  if (in.era() != mcp::Era::modern || !mcp::may_have_rounds(in.message.method_id)) return Carrier::none;
  const auto meta = mcp::read_request_meta(in.message);
  const mcp::ClientCapabilities client = meta ? mcp::read_client_capabilities(meta->client_capabilities) : mcp::ClientCapabilities{};
  if (client.url_elicitation && !url.empty()) return Carrier::url;
  return client.form_elicitation && draft.canonical.size() <= most_in_form ? Carrier::form : Carrier::none;
}

/// Tells a stateless client to come back, first with the link to open. False: it has
/// no way to, or came back often enough.
net::Task<bool> Gate::answer_round(Inbound& in, const Draft& draft, const Judged& judged, const approval::Approval& approval, approval::Waiter& waiter) {
  const std::string url = approval_url(approval.id);
  const Carrier carrier = round_carrier(in, draft, url);
  const std::uint32_t rounds = in.asked_before ? in.asked_before->state.rounds + 1 : 1;
  auto inner = inner_of(in.message);
  if (carrier == Carrier::none || rounds > most_rounds || !inner) co_return false;
  const auto key = co_await parts_.questions.seal_key(approval::Moment::of(parts_.clock));
  if (!key) co_return false;
  const std::int64_t yes_lasts = std::chrono::milliseconds(approval::Limits{}.yes_lasts).count();
  const std::string state = approval::seal({.question = approval.id, .expires_ms = approval.expires_at_ms + yes_lasts, .rounds = rounds, .inner = std::move(*inner)},
                                           sealed_call(in), random_hex(16), HmacSha256(*key));
  waiter.leave_for_a_round();
  refused_.add();
  parts_.journal.record(record_of(draft, in, judged));
  const std::string text = question_text(draft, judged, carrier);
  const bool shown = was_asked(in, approval) && parts_.config.approval_wait > net::Duration::zero();
  const std::string where = url.empty() ? std::string() : fmt::format("\nA person answers at {}; nothing here does.", url);
  co_await in.channel.answer(shown                    ? mcp::approval_required(in.message.id_text, state)
                             : carrier == Carrier::url ? mcp::approval_required(in.message.id_text, state, mcp::UrlElicitation{.id = {}, .url = url, .message = text})
                                                      : mcp::approval_required(in.message.id_text, state, mcp::ShownForm{.message = text + where}));
  co_return true;
}

/// Whether this call comes back to that question.
bool Gate::was_asked(const Inbound& in, const approval::Approval& approval) { return in.asked_before && in.asked_before->state.question == approval.id; }

/// Whether the question that the call comes back to ran out without an answer. Who
/// asks anew asks a person twice.
net::Task<bool> Gate::ran_out(const Inbound& in) {
  if (!in.asked_before) co_return false;
  const auto found = co_await parts_.questions.find(in.asked_before->state.question, approval::Moment::of(parts_.clock));
  co_return found && *found && (*found)->state == approval::State::expired && (*found)->answered_at_ms == 0;
}

}  // namespace callgate::gateway
