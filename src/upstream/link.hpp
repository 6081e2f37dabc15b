#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/ids.hpp"
#include "mcp/answer_look.hpp"
#include "mcp/message.hpp"
#include "net/http_client.hpp"
#include "net/loop.hpp"
#include "policy/permit.hpp"
#include "upstream/seen_answer.hpp"

/// The way to one server, whatever its transport.
namespace callgate::upstream {

/// A message that a server sent besides the answer, or an SSE event without
/// one (priming, keep-alive).
struct Event {
  const mcp::Message* message = nullptr;  ///< null where the event holds none
  std::string_view bytes;                 ///< of the message
  std::string_view raw;                   ///< the SSE event, as received or written anew; empty over stdio
  std::string_view id;                    ///< of the SSE event; a stream that ended is resumed behind it
  std::string_view retry{};               ///< of the SSE event, digits: milliseconds until then
};

/// For whom an exchange is: a client, or the gateway that reads a list for itself.
enum class Reader : std::uint8_t { client, gateway };

/// Takes what arrives before the answer, in order; a large answer counts as its caller's.
class Sink : public net::ReplyOwner {
 public:
  /// A stream was opened (Form::open_stream); its events follow.
  virtual net::Task<bool> opened() { co_return true; }
  /// False: nobody listens any more, the exchange is to be given up.
  virtual net::Task<bool> event(const Event& event) = 0;
  /// A server of 2026-07-28 sent a request, which its revision does not have. False as with `event`.
  virtual net::Task<bool> pushed(const Event& /*event*/) { co_return false; }
  /// Asked before a further round of a call that was decided (2026-07-28): whether it is allowed still.
  virtual net::Task<bool> may_go_on() { co_return true; }
  /// Whether the server may ask the client for this.
  virtual bool may_ask(mcp::MethodId /*method*/, std::string_view /*name*/) { return true; }
  virtual Reader reader() const { return Reader::client; }
  /// Nobody waits any more for the answer to that request of the server.
  virtual void question_over(std::string_view /*id*/) {}
};

/// Nobody hears what comes beside the answer: a request of the server goes
/// unanswered, a notification is dropped.
class NobodyListens final : public Sink {
 public:
  net::Task<bool> event(const Event& /*event*/) override { co_return true; }
};

enum class Form : std::uint8_t {
  message,      ///< a request, notification or response
  open_stream,  ///< the GET stream of a legacy session
  end_session,  ///< DELETE of a legacy session
};

/// What is sent, once.
struct Outbound {
  Form form = Form::message;
  std::string_view bytes;                  ///< of the message, as judged
  const mcp::Message* message = nullptr;   ///< the same, read
  std::string_view headers;                ///< ready lines, e.g. those that mirror a modern body
  std::string_view last_event_id;          ///< of a stream that is resumed
  std::chrono::milliseconds time{40'000};  ///< until the answer; progress starts it again, ten times at most
  bool may_resume = false;  ///< a stream that ends without the answer may be resumed by the client
  bool endless = false;     ///< a subscription: only who asked or the server ends it
  const SeenAnswer* seen = nullptr;  ///< an answer to such a request that was read before; no error, and nothing in it may go on
  /// The call's decision. A cancel has that of the call it is about, by which a link
  /// that callers share finds it: two of them may have calls of one id under way.
  Ulid call{};
  /// What `forward` was given, for a link that sends by another link.
  std::optional<policy::Permit> permit{};
};

/// The answer of a server.
struct Delivery {
  enum class Kind : std::uint8_t {
    answer,    ///< `bytes` is the response to the request
    accepted,  ///< nothing was to be answered, or the stream is over
    resumable, ///< the stream ended without the answer, which its session will give to who resumes it
  };
  Kind kind = Kind::accepted;
  std::string_view bytes;   ///< points into one of the two owners below; of a `resumable` stream the id of its last event
  std::string_view raw;     ///< the SSE event it came in; empty otherwise
  int http_status = 200;
  mcp::AnswerLook look{};   ///< at `bytes`, by whoever read them
  bool session_lost = false;  ///< the server no longer knows the session
  bool seen = false;          ///< it is `Outbound::seen` but for the id
  bool asks_decided = false;  ///< what it asks of the client went through `Sink::may_ask`, and on record, already
  std::unique_ptr<net::HttpReply> reply;
  std::unique_ptr<net::ReplyPart> part;  ///< of the room for large answers, where the reply does not hold it
  std::unique_ptr<const std::string> owned;  ///< on the heap: the views survive a move
};

struct Failure {
  Error error;
  bool sent = true;  ///< false: surely no byte of the message reached the server
  /// The server answered that it does not know the session, so it says that it
  /// did not run the message.
  bool session_unknown = false;
  int http_status = 0;  ///< of a server over HTTP that refused it; 0: it did not come to that
  bool broken_off = false;  ///< the sink wanted no more
};

/// The message may have reached the server.
inline Failure failed(ErrorKind kind, std::string message) { return {.error = {kind, std::move(message), {}}}; }
/// The sink wanted no more of an exchange.
inline Failure broken_off() { return {.error = {ErrorKind::closed, "the exchange was broken off here", {}}, .broken_off = true}; }

using Forwarded = std::expected<Delivery, Failure>;

/// One conversation with a server: a session, a child process, or the stateless
/// form. `forward` is the only function of the program through which bytes can
/// reach a server, and it takes a permit.
class Link {
 public:
  Link() = default;
  virtual ~Link() = default;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Sends one message and waits for what answers it. Everything that comes
  /// before the answer goes to `sink`. Errors carry a sentence for the caller.
  net::Task<Forwarded> forward(policy::Permit permit, Outbound&& out, Sink& sink);

  /// Where messages go that belong to no call (stdio only); may be null.
  virtual void on_unsolicited(Sink* sink) = 0;
  /// The revision that the two sides agreed on, sent as a header from then on.
  virtual void agreed(std::string_view revision) = 0;
  /// False: a new link is needed (the child is gone, the session is over).
  virtual bool alive() const = 0;
  /// What the server says unasked comes to a stream that has to be opened; false:
  /// it comes to `on_unsolicited` by itself.
  virtual bool has_stream() const { return false; }
  /// Ends what nobody used since then, where callers come and go without a word.
  virtual void end_unused(net::Instant /*since*/) {}
  /// What is behind it was started and has not said anything yet.
  virtual bool starting() const { return false; }
  /// Before whoever has it now, the gate asked it something, and it answered.
  virtual bool was_asked() const { return false; }
  /// A call that nobody waits for any more has to be cancelled by a message.
  virtual bool hears_cancels() const { return true; }

 protected:
  virtual net::Task<Forwarded> transmit(Outbound out, Sink& sink) = 0;
};

/// The deadline of one call: progress for it starts it again, up to ten times.
class CallDeadline {
 public:
  CallDeadline(const net::Loop& loop, std::chrono::milliseconds time) : loop_(loop), time_(time), until_(loop.now() + time) {}
  net::Duration left() const { return std::max<net::Duration>(until_ - loop_.now(), net::Duration::zero()); }
  void progress() {
    if (++renewed_ <= 10) until_ = loop_.now() + time_;
  }

 private:
  const net::Loop& loop_;
  std::chrono::milliseconds time_;
  net::Instant until_;
  int renewed_ = 0;
};

/// Whether a response says that the call failed.
bool says_error(const mcp::Message& response);

/// Whether the message is progress for the call with this token (as written).
bool is_progress_for(const mcp::Message& message, std::string_view token);

/// The progress token of a request as written; empty where it has none.
std::string_view progress_token(const mcp::Message& request);

/// Responses are read to this depth; deeper values are checked, not kept.
inline constexpr json::Limits answer_limits{.max_depth = 512, .max_keys = 4'000'000, .check_number_range = false, .keep_depth = 3};

/// The same limits for an answer whose every value is looked at.
inline constexpr json::Limits whole_answer{.max_depth = 512, .max_keys = 4'000'000, .check_number_range = false};

}  // namespace callgate::upstream
