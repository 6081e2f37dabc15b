// How a call waits for a person, and what its client hears meanwhile.
#include <algorithm>

#include <fmt/format.h>

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
  Signs(const Inbound& in, std::string_view url) : channel_(in.channel) {
    const auto meta = mcp::read_request_meta(in.message);
    if (meta) token_ = meta->progress_token;
    message_ = url.empty() ? std::string("waiting for a person to approve this call") : fmt::format("waiting for a person to approve this call at {}", url);
  }
  net::Task<void> give() {
    if (!channel_.streams() || channel_.gone()) co_return;
    std::string comment;
    if (token_.empty()) mcp::append_sse_comment(comment, "");
    const std::string note = token_.empty() ? std::string() : mcp::waiting_notification(token_, turn_, message_);
    // The first sign would make a stream of an answer that may come at once: only who asked for progress gets it.
    if (turn_++ > 0 || !note.empty()) co_await channel_.event(note, comment);
  }

 private:
  Channel& channel_;
  std::string_view token_;
  std::string message_;
  std::uint64_t turn_ = 0;
};

/// Clients give up after a minute or so; a short wait has its signs all the same.
net::Duration between_signs(net::Duration wait) { return std::clamp<net::Duration>(wait / 4, std::chrono::milliseconds(20), std::chrono::seconds(10)); }

}  // namespace

/// Until the question is answered, the call is over, or its time is up.
net::Task<void> Gate::hold(Inbound& in, InFlight& flight, Held& held, const approval::Approval& approval, net::Instant until) {
  // A closed stream is a cancel in the stateless era; else the call goes on without its reader.
  net::TaskGroup watch;
  if (in.era() == mcp::Era::modern) watch.spawn(cancel_when_gone(in.channel, flight, held.wake));
  Signs signs(in, approval_url(approval.id));
  const net::Duration pause = between_signs(until - parts_.loop.now());
  net::Instant next_sign = parts_.loop.now();
  while (!held.is_told && !held.grant_is_over && !in.conversation->closed && !flight.cancelled && !stopping_) {
    const net::Instant now = parts_.loop.now();
    if (now >= until) break;
    if (now >= next_sign) {
      next_sign = now + pause;
      co_await signs.give();
      continue;
    }
    co_await held.wake.wait(std::min(until, next_sign) - now);
  }
}

}  // namespace callgate::gateway
