#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.hpp"
#include "net/list.hpp"
#include "upstream/link.hpp"

namespace callgate::upstream {

/// Whether ids are those of one client, or of many that share the link.
enum class Ids : std::uint8_t {
  as_sent,  ///< one session, one link: the bytes stay as they are
  own,      ///< shared: ids and progress tokens are replaced by ours, and put back
};

/// Which message of a server belongs to which call, on a link where all of them
/// come one behind the other: a pipe, or the stream of HTTP+SSE. What belongs to
/// no call goes to whoever listens, in order, at most `max_unrelated` waiting; on a
/// link that many share, what names a call that is not under way is dropped.
/// Threads: the loop's.
class CallRouter {
 public:
  struct Call;
  /// `max_result`: bytes of one answer with its events; `room`: for large ones.
  CallRouter(net::Loop& loop, net::ServerRoom room, std::size_t max_result, Ids ids, Log& log);
  ~CallRouter() { tasks_.cancel(); }
  CallRouter(const CallRouter&) = delete;
  CallRouter& operator=(const CallRouter&) = delete;

  void on_unsolicited(Sink* sink) { unsolicited_ = sink; }
  /// From now on; nothing is under way.
  void use(Ids ids) { ids_ = ids; }

  /// What is to be sent for a message; from here on what answers a request is
  /// kept for it, and counts as the sink's caller's. The view holds as long as `out`
  /// and `call` do. Nothing: it cancels no call that is under way here.
  std::optional<std::string_view> begin(const Outbound& out, Call& call, const Sink& sink);
  /// Waits for the answer to a request that was sent; its events go to `sink`.
  net::Task<Forwarded> answer(Call& call, std::chrono::milliseconds time, Sink& sink);

  /// Takes what the server wrote. Errors: it is no message, and why; the call
  /// whose answer it seems to be has failed then.
  Result<void> take(std::string_view text);
  /// Whatever is under way will not be answered any more.
  void fail_all(const Error& error);

 private:
  net::Task<void> pump();
  void route(const mcp::Message& message);
  void answered(const mcp::Message& message);
  void happened(Call& call, const mcp::Message& message);
  Call* find_call(std::string_view id);
  Call* call_of(const mcp::Message& message);
  std::optional<std::string> with_own_request(const mcp::Message& cancel, Ulid decision) const;

  net::Loop& loop_;
  net::ServerRoom room_;
  std::size_t max_result_;
  Ids ids_;
  Log& log_;
  std::uint64_t next_id_ = 1;
  json::Document document_;
  net::ListNode calls_;  ///< in the order in which they were sent
  Sink* unsolicited_ = nullptr;
  std::deque<std::string> unrelated_;
  net::Signal has_unrelated_;
  std::uint64_t unexpected_ = 0;  ///< answers that nobody waits for
  net::TaskGroup tasks_;
};

/// A message on its way; of a request, what came for it. Stands in the frame that
/// sends it, and is listened for until that ends.
struct CallRouter::Call : net::ListNode {
  explicit Call(net::Loop& loop) : wake(loop) {}
  void fail(Failure why) {
    failure = std::move(why);
    wake.raise();
  }

  std::string id;     ///< as the server sees it; empty: no request
  std::string token;  ///< likewise; empty without one
  std::string client_id;
  std::string client_token;
  Ulid decision;      ///< by which a cancel names it
  std::string text;   ///< what is sent in the message's place
  net::Signal wake;
  std::deque<std::string> events;
  std::size_t bytes = 0;  ///< of all events so far; of a subscription's, those not taken yet
  std::size_t waiting = 0;  ///< of those not taken yet
  const net::ReplyOwner* owner = nullptr;
  std::unique_ptr<net::ReplyPart> part;  ///< of the room, that answer and events take up
  bool endless = false;
  std::string answer;
  bool answered = false;
  mcp::AnswerLook look{};  ///< at `answer`
  int status = 200;
  std::optional<Failure> failure;
};

}  // namespace callgate::upstream
