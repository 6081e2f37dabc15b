// How a call waits for a person, and what its client hears meanwhile.
#include <algorithm>

#include <fmt/format.h>

#include "approval/display.hpp"
#include "base/random.hpp"
#include "gateway/gate_draft.hpp"
#include "mcp/own_messages.hpp"
#include "mcp/sse.hpp"

namespace callgate::gateway {

namespace {

/// Stateless requests: a closed connection is a cancel.
net::Task<void> cancel_when_gone(Channel& channel, InFlight& held, net::Signal& signal) {
  co_await channel.until_gone();
  held.cancelled = true;
  signal.raise();
}

/// Tells the client that its call waits, so that it does not give up: by progress
/// where the request has a token for it, else by a comment that keeps the
/// connection open (protocol item 55). Never says what the call would do.
class Signs {
 public:
  Signs(Inbound& in, std::string_view url) : channel_(in.channel), turn_(in.signs) {
    const auto meta = mcp::read_request_meta(in.message);
    if (meta) token_ = meta->progress_token;
    message_ = url.empty() ? std::string("waiting for a person to approve this call") : fmt::format("waiting for a person to approve this call at {}", url);
  }
  net::Task<void> give() {
    if (!channel_.streams() || channel_.gone()) co_return;
    std::string comment;
    if (token_.empty()) mcp::append_sse_comment(comment, "");
    const std::string note = token_.empty() ? std::string() : mcp::waiting_notification(token_, turn_++, message_);
    // The first sign would make a stream of an answer that may come at once: only who asked for progress gets it.
    if (given_++ > 0 || !note.empty()) co_await channel_.event(note, comment);
  }

 private:
  Channel& channel_;
  std::string_view token_;
  std::string message_;
  std::uint64_t& turn_;      ///< of all signs to this request: progress has to grow
  std::uint64_t given_ = 0;
};

/// Clients give up after a minute or so; a short wait has its signs all the same.
net::Duration between_signs(net::Duration wait) { return std::clamp<net::Duration>(wait / 4, std::chrono::milliseconds(20), std::chrono::seconds(10)); }

}  // namespace

/// The best way to whoever sits at the client of a session: a form where the rule
/// lets them answer, else a link to the page.
Gate::Carrier Gate::carrier_for(const Inbound& in, const Draft& draft, const Judged& judged, std::string_view url) const {
  const mcp::ClientCapabilities& client = in.conversation->session.client;
  if (in.era() != mcp::Era::legacy || !in.channel.streams() || in.channel.gone()) return Carrier::none;
  const bool form = judged.decision.approval->self && client.form_elicitation && draft.canonical.size() <= most_in_form;
  if (form && in.revision >= mcp::Revision::r2025_06_18) return Carrier::form;
  return client.url_elicitation && !url.empty() && in.revision >= mcp::Revision::r2025_11_25 ? Carrier::url : Carrier::none;
}

/// The form shows what would run. Beside a link no argument is said: the client may
/// show it, log it, or hand it to a model.
std::string Gate::question_text(const Draft& draft, const Judged& judged, Carrier carrier) const {
  const std::string what = fmt::format("An agent wants to use `{}` of `{}`. {}", approval::visible(draft.subject), server_.name,
                                       judged.decision.has_author_reason ? judged.decision.reason.view() : std::string_view("A person has to approve it."));
  if (carrier == Carrier::form) return fmt::format("{}\nArguments: {}", what, approval::visible(draft.canonical));
  return fmt::format("{}\nThe page shows exactly what would run, and asks for a yes or a no.", what);
}

net::Task<void> Gate::put_to_client(Inbound& in, Carrier carrier, OwnAsk& ask, const approval::Approval& approval, std::string_view text) {
  ask.id = json::quoted(fmt::format("callgate-{}-{}", approval.id, random_hex(4)));
  in.conversation->own_asks.push_back(ask);
  const std::string url = approval_url(approval.id);
  const std::string request = carrier == Carrier::form ? mcp::elicitation_request(ask.id, mcp::ApproveForm{.message = text})
                                                       : mcp::elicitation_request(ask.id, mcp::UrlElicitation{.id = approval.id, .url = url, .message = text});
  co_await in.channel.event(request, {});
}

/// The client need not show any longer what waits no longer.
net::Task<void> Gate::take_back(Inbound& in, Carrier carrier, OwnAsk& ask, const approval::Approval& approval, bool answered) {
  const bool unanswered = ask.linked();
  in.conversation->forget_own_ask(ask);
  if (carrier == Carrier::url && answered) co_await in.channel.event(mcp::elicitation_complete(approval.id), {});
  if (unanswered) co_await in.channel.event(mcp::cancelled_notification(ask.id, answered ? "it was answered" : "the call waits no longer"), {});
}

/// A client's "accept" of a link says that somebody looked, and nothing more. A form
/// is there only where the rule lets whoever sits at the client answer: then it is
/// an answer like any other, on record as theirs; without the tick, in whatever way,
/// it is a no, as the form says.
net::Task<void> Gate::hear_client(Carrier carrier, const mcp::Elicited& said, Held& held, const approval::Approval& approval) {
  using enum mcp::Elicited::Action;
  held.declined = said.action == decline || said.action == cancel;
  if (carrier != Carrier::form || said.action != accept) co_return;
  constexpr std::string_view by = "requester (form in the client)";
  const auto answer = said.approve.value_or(false) ? approval::Answer::yes : approval::Answer::no;
  const auto answered = co_await parts_.questions.answer(approval.id, answer, std::string(by), {}, approval::Moment::of(parts_.clock));
  if (answered) parts_.log.info("approval_answered", {{"approval", approval.id}, {"state", word(answered->state)}, {"by", by}});
  else parts_.log.warn("approval_not_answered", {{"approval", approval.id}, {"fault", answered.error().message}});
}

/// Until the question is answered, the call is over, or its time is up.
net::Task<void> Gate::hold(Inbound& in, InFlight& flight, Held& held, const Draft& draft, const Judged& judged, const approval::Approval& approval, net::Instant until) {
  // A closed stream is a cancel in the stateless era; else the call goes on without its reader.
  net::TaskGroup watch;
  if (in.era() == mcp::Era::modern) watch.spawn(cancel_when_gone(in.channel, flight, held.wake));
  const std::string url = approval_url(approval.id);
  const bool waits = !held.is_told && until > parts_.loop.now();
  const Carrier carrier = waits ? carrier_for(in, draft, judged, url) : Carrier::none;
  OwnAsk ask(held.wake);
  if (carrier != Carrier::none) co_await put_to_client(in, carrier, ask, approval, question_text(draft, judged, carrier));
  Signs signs(in, url);
  const net::Duration pause = between_signs(until - parts_.loop.now());
  net::Instant next_sign = parts_.loop.now();
  while (!held.is_told && !held.declined && !held.grant_is_over && !in.conversation->closed && !flight.cancelled && !stopping_) {
    const net::Instant now = parts_.loop.now();
    if (now >= until) break;
    if (ask.said) {
      const mcp::Elicited said = *std::exchange(ask.said, std::nullopt);
      co_await hear_client(carrier, said, held, approval);
      continue;
    }
    if (now >= next_sign) {
      next_sign = now + pause;
      co_await signs.give();
      continue;
    }
    co_await held.wake.wait(std::min(until, next_sign) - now);
  }
  if (carrier != Carrier::none) co_await take_back(in, carrier, ask, approval, held.is_told);
}

}  // namespace callgate::gateway
