#pragma once

#include <list>

#include "upstream/stateless_bridge.hpp"

/// The parts of the stateless bridge that its three files share.
namespace callgate::upstream {

/// One call at the server, attended by a request of the client or parked until
/// the client's next one.
struct StatelessBridge::Running {
  explicit Running(net::Loop& loop) : wake(loop) {}

  BehindRef behind;
  std::shared_ptr<Link> link;  ///< that carries it
  std::string own_id;         ///< of the call at the server; its progress token too
  std::string client_id;      ///< of the request that attends it, as written
  std::string client_token;   ///< likewise; empty where it wants no progress
  std::string caller;         ///< whose a large answer counts as
  bool wants_log = false;
  mcp::MethodId method = mcp::MethodId::unknown;
  std::string digest;         ///< of what was asked: a state is good for nothing else
  WrittenPool::Ref written;   ///< as sent to the server
  std::optional<policy::Permit> permit;
  std::list<std::string> events;
  std::vector<Ask> asks;
  int asked = 0;              ///< how often, all in all
  std::optional<Forwarded> outcome;
  net::Signal wake;
  net::Instant parked_until{};
  bool over = false;          ///< nothing of it is to be cancelled any more
  net::TaskGroup task;        ///< the exchange with the server; ends with this object
};

/// What a client subscribed to, for as long as it listens.
struct StatelessBridge::Subscription {
  Subscription(StatelessBridge& its_bridge, BehindRef at) : bridge(its_bridge), behind(std::move(at)), wake(bridge.parts_.loop) { behind->subscriptions.push_back(this); }
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription();

  StatelessBridge& bridge;
  BehindRef behind;
  std::string id;  ///< as written
  bool tools = false;
  bool prompts = false;
  bool resources = false;
  std::vector<std::string> uris;
  std::deque<std::string> events;
  std::size_t waiting = 0;                        ///< bytes of those
  std::unique_ptr<net::ReplyPart> part;           ///< of the room, that they take up
  const net::ReplyOwner* owner = nullptr;         ///< whose they are
  net::Signal wake;

  /// False: there is no room, and nothing was taken.
  bool take(std::string event);
};

}  // namespace callgate::upstream
