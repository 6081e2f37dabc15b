#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "approval/round_state.hpp"
#include "gateway/channel.hpp"
#include "gateway/conversation.hpp"
#include "gateway/own_tasks.hpp"
#include "mcp/message.hpp"
#include "policy/policy.hpp"
#include "registry/tool_table.hpp"
#include "session/round_store.hpp"

/// One message of a client on its way through the gate, and what was decided about
/// it. Values; the references live as long as the message is worked on. Threads: the
/// loop's.
namespace callgate::gateway {

/// What a stateless client brought back of an earlier round in which a person was asked.
struct AskedBefore {
  approval::RoundState state;
  bool declined = false;  ///< by whoever sits at the client
};

/// One message of a client on its way through the gate. The references live as
/// long as the message is worked on.
struct Inbound {
  std::shared_ptr<Conversation> conversation;
  const mcp::Message& message;
  mcp::Revision revision;
  Channel& channel;
  bool further = false;      ///< the next round of a call: `so_far` knows its earlier ones
  session::CallSoFar so_far{};  ///< its earlier rounds, and the yes that lets it go
  std::optional<AskedBefore> asked_before{};
  std::uint64_t signs = 0;   ///< of life that its client got while it waited here
  std::string trace{};       ///< that the request's own head names; what the message says goes before it
  std::string called{};      ///< the name by which its client knows the tool or prompt; empty: that in the message
  std::string account{};     ///< digest of its server's exact address, once somebody needed it (`know_account`)
  OwnTask* task = nullptr;   ///< that the call runs as; null: it is answered itself
  net::Instant begin_until = net::Instant::max();  ///< what has to be known of its server first is known by then, or not waited for
  bool unheard = false;      ///< its server left the first question unanswered: nothing more is sent there for it
  std::string* failure = nullptr;  ///< takes why there is no answer of the server's, in the gate's words; null: nobody asks

  /// The same request as another text: how it came, and how long it has waited, stay.
  Inbound as(const mcp::Message& text) const {
    return {.conversation = conversation, .message = text, .revision = revision, .channel = channel, .asked_before = asked_before, .signs = signs,
            .trace = trace, .called = called, .account = account, .begin_until = begin_until, .unheard = unheard, .failure = failure};
  }
  mcp::Era era() const { return mcp::era_of(revision); }
  /// HTTP statuses of 2026-07-28 that differ from 200; legacy clients get 200.
  int status(int modern_status) const { return era() == mcp::Era::modern ? modern_status : 200; }
};

/// A message that came by itself: its answer goes another way than it came (HTTP+SSE).
/// Stays where it is, since the message points into it.
struct Piped {
  std::string bytes;
  json::Document document;
  mcp::Message message;

  std::size_t memory() const { return bytes.size() + document.memory(); }
};

/// One message under way, counted while it is.
class Busy {
 public:
  explicit Busy(std::size_t& count) : count_(count) { ++count_; }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;
  ~Busy() { --count_; }

 private:
  std::size_t& count_;
};

/// What was decided about one request, and the snapshots it was decided by.
struct Judged {
  policy::Decision decision;
  std::string next = {};  ///< of a call that waits for a person: what its caller can do, beside the decision's reason
  std::optional<policy::Decision> unhidden;  ///< of a hidden prompt or resource: what one that does not exist would get
  std::shared_ptr<const policy::Policy> policy;        ///< of the server
  std::shared_ptr<const policy::Policy> grant_policy;
  std::shared_ptr<const registry::ToolTable> table;
  const registry::Tool* tool = nullptr;
  std::uint64_t openings = 0;  ///< of the server, until then

  /// The policy that `decision.rule` points into; null where none decided.
  const policy::Policy* deciding() const { return decision.by_grant ? grant_policy.get() : policy.get(); }
};

/// The policies that count for this caller; null where one is missing, which denies everything.
struct PolicyPair {
  std::shared_ptr<const policy::Policy> server;
  std::shared_ptr<const policy::Policy> grant;
  bool asks_grant = false;  ///< the caller has a grant: its policy counts too
  bool missing() const { return !server || (asks_grant && !grant); }
  template <class Test>
  bool any(Test test) const { return (server && test(*server)) || (grant && test(*grant)); }
  template <class Test>
  bool all(Test test) const { return !missing() && test(*server) && (!grant || test(*grant)); }
};

}  // namespace callgate::gateway
