#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aggregate/books.hpp"
#include "gateway/conversation.hpp"
#include "net/loop.hpp"
#include "session/caller.hpp"

namespace callgate::aggregate {

/// What a client is to one of the servers: the caller that its token makes it there.
using Callers = std::map<std::string, session::Caller, std::less<>>;

/// One server's part in a company.
struct Member {
  std::shared_ptr<gateway::Conversation> conversation;  ///< at its gate; null: not opened yet
  bool opening = false;
  std::string fault;         ///< why the last try to open it failed
  std::string words;         ///< what the server said of that, for the log
  std::string capabilities;  ///< JSON text, as the server said
  std::string instructions;
  std::size_t lists_asked = 0;      ///< questions for lists that are under way there
  std::vector<std::string> tokens;  ///< of progress on the client's requests that are under way there, as written
};

/// A request of a server, under the id that the client knows it by.
struct Asked {
  std::string id;              ///< shown to the client, JSON text
  std::string server;
  std::weak_ptr<gateway::Conversation> conversation;
  std::string original;        ///< the server's id, as written
  std::string progress_token;  ///< the server's, as written; empty: it asked for none. The client knows it as `id`
};

/// One client's session with several servers at once: a conversation with each,
/// opened at the server's gate when it is needed, and what is to be mapped back.
/// Everything that is decided, is decided by those gates; here is nothing but the
/// way to them. Threads: the loop's.
struct Company {
  /// Its books take their room of `shelf`, under the grant.
  Company(net::Loop& loop, const Shelf& shelf, std::string_view grant) : changed(loop), uris(shelf, std::string(grant)), prompts(shelf, std::string(grant)) {}

  /// Whose it is, its id, what is under way, and its open stream. Never at a gate.
  gateway::Conversation client;
  Callers callers;     ///< as of the last request
  std::string opening; ///< the client's `initialize`
  std::map<std::string, Member, std::less<>> members;
  std::deque<Asked> asked;  ///< bounded: the oldest of the same server goes
  std::uint64_t asks = 0;
  bool initialized = false;
  std::string level;        ///< that the client wants logged, for servers that are opened later; empty: it said nothing
  net::Broadcast changed;   ///< a member was opened or could not be, a lesson is over, or nobody waits for an answer any more
  UriBook uris;
  CutNames prompts;
  /// When all servers were asked last for what the client never listed.
  struct Lesson {
    net::Instant at{};
    bool under_way = false;
  };
  Lesson prompts_learned;
  Lesson resources_learned;
  bool lists_prompts = false;    ///< it was told that there may be some
  bool lists_resources = false;
  bool kept = false;             ///< it goes on after a restart, and at other gateways
  net::Instant told{};           ///< when its keeper was told last that it is used

  /// Of requests that stand alone: no conversation outlives one (2026-07-28).
  bool stateless() const { return mcp::era_of(client.session.revision) == mcp::Era::modern; }

  /// The request of a server that the client knows by this id; taken out.
  std::optional<Asked> take_asked(std::string_view id);
  const Asked* find_asked(std::string_view id) const;
  /// The server asks no longer.
  std::optional<Asked> take_original(const gateway::Conversation& conversation, std::string_view original);
  void remember(Asked each);
};

}  // namespace callgate::aggregate
