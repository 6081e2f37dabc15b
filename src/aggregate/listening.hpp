#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "aggregate/router.hpp"
#include "gateway/client_stream.hpp"
#include "mcp/requests.hpp"

namespace callgate::aggregate {

/// One subscription of 2026-07-28 with several servers: a subscription with each,
/// acknowledged together and over when all of them are. Threads: the loop's.
class Router::Listening : public net::ListNode {
 public:
  Listening(net::Loop& loop, const std::shared_ptr<Company>& company, std::string_view id) : stream(loop), gone(loop), over(loop), company_(company), id_(id) {}

  const std::string& id() const { return id_; }
  const std::string& grant() const { return company_->client.session.grant; }
  /// What one server carries out of what was asked for; the client hears of it with the last.
  void acknowledged_by(const std::string& server, const mcp::Message& acknowledgement);
  /// A server's subscription ended, with this answer.
  void ended(std::string_view answer);
  /// Tells the client what is carried, as far as it is known now.
  void acknowledge();
  /// A message of a server, which waits until the client knows what is carried.
  /// False: it has no room, which ends that server's subscription.
  bool push(std::string bytes);
  /// The answer of the last server, where none of them carried anything.
  const std::string& refusal() const { return refusal_; }

  mcp::Lists changes;           ///< it wants to hear of
  std::set<std::pair<std::string, std::string>> wrapped;  ///< server and URI of what it named in the wrapped form
  Origin origin;
  bool leaving = false;         ///< the client left
  std::size_t under_way = 0;    ///< servers whose subscription goes on
  std::size_t unacknowledged = 0;
  gateway::QueuedStream stream;
  net::Broadcast gone;          ///< the client left
  net::Broadcast over;          ///< a server's subscription ended

 private:
  std::shared_ptr<Company> company_;
  std::string id_;  ///< as written
  bool acknowledged_ = false;
  bool flags_[3] = {};
  std::string uris_;
  std::string tasks_;
  std::vector<std::string> held_;  ///< until the acknowledgement
  std::size_t held_bytes_ = 0;
  std::string refusal_;
};

}  // namespace callgate::aggregate
