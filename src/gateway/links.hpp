#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "gateway/parts.hpp"
#include "mcp/param_headers.hpp"
#include "upstream/bridge.hpp"
#include "upstream/http_link.hpp"
#include "upstream/restarts.hpp"
#include "upstream/sse_link.hpp"
#include "upstream/stdio_link.hpp"

namespace callgate::gateway {

/// What all gates of a process share the bounds of.
struct Totals {
  std::size_t children = 0;  ///< child processes
  std::size_t sessions = 0;  ///< legacy sessions
  std::size_t piped_bytes = 0;  ///< of messages over HTTP+SSE under way
};

/// Makes links to one server and bounds how many children it may have. Knows
/// which eras the server speaks (protocol item 12): where it does not speak the
/// caller's, the link is a bridge.
class Links {
 public:
  Links(const Parts& parts, const config::Server& server, Totals& totals);

  /// A link for one session, whose ids stay as the client sends them.
  Result<std::shared_ptr<upstream::Link>> for_session();
  /// The link that a grant's stateless requests share (the child's state is one
  /// caller's, protocol item 80); a dead child is started anew.
  Result<std::shared_ptr<upstream::Link>> stateless(const std::string& grant);
  /// Lets go of the child of a grant that may call no longer.
  void forget(const std::string& grant) { shared_.erase(grant); }
  /// The server refused a handshake. True where it speaks 2026-07-28 instead: sessions are bridged from now on.
  net::Task<bool> handshake_refused();
  bool bridges_sessions() const { return only_modern_; }
  /// Whether the server speaks 2026-07-28 is known.
  bool knows_modern() const { return modern_ != Speaks::unknown; }
  /// Asks the server, once; a server that cannot be reached is asked again next time.
  net::Task<void> learn_modern();
  /// What the server was last known to speak may have changed.
  void forget_eras();
  /// Where the headers of a call that a bridge makes modern come from.
  void take_params_from(std::function<std::vector<mcp::ParamHeader>(const mcp::Message&)> params) { params_ = std::move(params); }
  bool over_http() const { return !server_.url.empty(); }
  const config::Server& server() const { return server_; }

 private:
  enum class Speaks : std::uint8_t { unknown, no, yes };
  Result<std::shared_ptr<upstream::Link>> native(upstream::Ids ids, upstream::HttpLink::Sessions sessions);
  Result<std::shared_ptr<upstream::Link>> child(upstream::Ids ids);
  std::shared_ptr<upstream::Link> session_over_http(upstream::HttpOrigin& origin);
  std::unique_ptr<upstream::SseLink> over_sse(upstream::HttpOrigin& origin);
  net::Task<Result<policy::Permit>> permit_to_open();
  upstream::BridgeParts bridge_parts();
  net::Task<Speaks> ask_modern();
  net::Task<Result<policy::Permit>> permit_for(upstream::Own own);
  std::string mirror(const mcp::Message& request) const;
  Result<upstream::HttpOrigin*> origin();

  Parts parts_;
  const config::Server& server_;
  Totals& totals_;
  std::unique_ptr<upstream::HttpOrigin> origin_;
  std::map<std::string, std::shared_ptr<upstream::Link>> shared_;  ///< by grant; over HTTP one for all
  std::function<std::vector<mcp::ParamHeader>(const mcp::Message&)> params_;
  const std::shared_ptr<upstream::Restarts> restarts_ = std::make_shared<upstream::Restarts>();  ///< links may outlive this
  Counter& skipped_;  ///< lines of children that are no messages
  bool is_sse_;  ///< the server speaks HTTP+SSE: it is set, or was found out
  Speaks modern_ = Speaks::unknown;
  bool only_modern_ = false;
  bool learning_ = false;
  net::Broadcast learned_;
};

}  // namespace callgate::gateway
