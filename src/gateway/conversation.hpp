#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/channel.hpp"
#include "gateway/client_stream.hpp"
#include "mcp/elicitation.hpp"
#include "mcp/methods.hpp"
#include "mcp/requests.hpp"
#include "base/ids.hpp"
#include "net/list.hpp"
#include "net/loop.hpp"
#include "session/session.hpp"
#include "upstream/link.hpp"

namespace callgate::gateway {

/// A request of the client that is not answered yet.
struct InFlight : net::ListNode {
  std::string id;                  ///< as written
  net::Signal* waiting = nullptr;  ///< raised by a cancel while people are asked
  Channel* channel = nullptr;
  bool cancelled = false;
  bool forwarded = false;
};

/// What the gate itself asks the client while a call waits. Its answer comes as a
/// message of its own and is nobody else's.
struct OwnAsk : net::ListNode {
  explicit OwnAsk(net::Signal& raised_by_the_answer) : wake(raised_by_the_answer) {}
  std::string id;                     ///< of the request, as JSON text
  std::optional<mcp::Elicited> said;  ///< once it came
  net::Signal& wake;
};

/// A request whose stream broke off; a stream that resumes it may bring the answer.
struct Resumable {
  std::string id;  ///< as written
  Ulid decision;   ///< of its record
  mcp::MethodId method = mcp::MethodId::unknown;
  std::string tool;  ///< of a call that may begin a task; empty: it may not
  std::string last_event;    ///< that the client heard of the stream
  std::string failed = {};   ///< why no answer comes any more, for the next stream that its client opens
  std::weak_ptr<QueuedStream> on = {};  ///< the stream that resumes it
  std::chrono::milliseconds wish{0};    ///< of its server, between two questions for the rest; zero: it has none
};

/// One client's dealings with one server: a legacy session with the link that
/// belongs to it, or the frame of one stateless request.
struct Conversation {
  session::Session session;
  std::unique_ptr<upstream::Sink> unsolicited;  ///< takes what a child says unasked; outlives the link
  std::shared_ptr<upstream::Link> link;
  std::string opening;              ///< the client's `initialize`, to open a new link in its place
  std::vector<std::string> watched;  ///< URIs that it subscribed to; bounded: the oldest goes
  std::string log_level;            ///< JSON text of the level that it set; empty: none
  net::ListNode in_flight;
  net::ListNode own_asks;
  std::vector<std::string> asked_before;  ///< ids of own requests that wait no longer; bounded: the oldest goes
  std::vector<std::string> server_requests;  ///< ids, as written, of requests that the server waits on
  std::vector<Resumable> resumable;          ///< bounded: the oldest goes
  std::shared_ptr<ClientStream> stream;      ///< null: the client has none open
  std::shared_ptr<QueuedStream> pipe;        ///< HTTP+SSE: all that the client hears; the session ends with it
  net::TaskGroup* pipe_tasks = nullptr;      ///< end with the pipe; null when it is over
  std::size_t piped = 0;                     ///< messages of the pipe under way
  std::size_t piped_bytes = 0;
  net::Instant last_used;
  std::size_t busy = 0;             ///< exchanges under way, open streams included
  std::size_t declines = 0;         ///< refusals of the server's requests that are on their way to it
  bool reviving = false;            ///< the link is being opened anew
  bool unproven = false;            ///< it was, and nothing was answered over it yet
  mcp::Lists lists{.tools = true};  ///< that the server says it has
  bool list_change_waits = false;   ///< the client will hear that the list is another one
  bool closed = false;
  bool runs_tasks = false;          ///< the server said that its clients may ask for tasks of calls (2025-11-25)
  bool kept = false;                ///< other gateways know the session
  net::Instant told;                ///< when they were told last that it is used

  InFlight* find_in_flight(std::string_view id);
  /// Takes an answer to a request of the gate's own, one that comes too late as well;
  /// false: it is to none.
  bool take_own_answer(std::string_view id, json::Value result);
  void forget_own_ask(OwnAsk& ask);
  /// Whether the server waits on a request of that id.
  bool is_asked(std::string_view id) const;
  /// Takes the id of a request that the server waits on; false where there is none.
  bool take_server_request(std::string_view id);
};

}  // namespace callgate::gateway
