#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "gateway/eras.hpp"
#include "gateway/parts.hpp"
#include "mcp/param_headers.hpp"
#include "upstream/bridge.hpp"
#include "upstream/common_child.hpp"
#include "upstream/http_link.hpp"
#include "upstream/restarts.hpp"
#include "upstream/spare_children.hpp"
#include "upstream/sse_link.hpp"
#include "upstream/stderr_log.hpp"
#include "upstream/stdio_link.hpp"

namespace callgate::gateway {

/// What all gates of a process share the bounds of.
struct Totals {
  std::size_t children = 0;  ///< child processes
  std::size_t sessions = 0;  ///< legacy sessions
  std::size_t piped_bytes = 0;  ///< of messages over HTTP+SSE under way
  std::map<std::string, std::size_t> children_of;  ///< those of `children` that grants hold, by grant
};

/// Makes links to one server and bounds how many children it may have, and how many
/// of all one grant may have. Knows
/// which eras the server speaks (protocol item 12): where it does not speak the
/// caller's, the link is a bridge.
class Links {
 public:
  Links(const Parts& parts, const config::Server& server, Totals& totals);

  /// A link for one session of that grant, whose ids stay as the client sends them.
  Result<std::shared_ptr<upstream::Link>> for_session(const std::string& grant);
  /// Where the server says so: a child stands ready for whoever needs the next.
  void stand_ready();
  /// A stateless caller is about to ask a server of which little is known: the
  /// question for its era, the list, and the call need a child each, and start side
  /// by side. Those that nobody took are ended after a while.
  void start_side_by_side();
  /// The link that a grant's stateless requests share (the child's state is one
  /// caller's, protocol item 80); a dead child is started anew.
  Result<std::shared_ptr<upstream::Link>> stateless(const std::string& grant);
  /// Lets go of what grants shared that may call no longer: children, and sessions of
  /// bridges, which end at the server once nothing is under way there.
  void end_grants(const std::function<bool(std::string_view grant)>& may_stay);
  /// The same of what no stateless request used since then.
  void end_unused(net::Instant since);
  /// The same of all; nothing is shared any more.
  void retire();
  bool at_rest() const { return tasks_.empty(); }
  /// The server refused a handshake. True where sessions are bridged from now on.
  net::Task<bool> handshake_refused() { return eras_.handshake_refused(server_.start_timeout); }
  /// It opened one for a link that is no bridge.
  void session_opened() { eras_.session_opened(); }
  bool bridges_sessions() const { return eras_.only_modern(); }
  /// Whether the server speaks 2026-07-28 is known.
  bool knows_modern() const { return eras_.knows_modern(); }
  /// It has not answered the question for that in time.
  bool is_silent() const { return eras_.is_silent(); }
  /// Asks the server; `time`: until the caller goes on without an answer.
  net::Task<bool> learn_modern(net::Duration time);
  /// Where the headers of a call that a bridge makes modern come from.
  void take_params_from(std::function<std::vector<mcp::ParamHeader>(const mcp::Message&)> params) { params_ = std::move(params); }
  /// Hears that a server which has answered before is opened again.
  void on_opened_anew(std::function<void(upstream::Reader met_by)> hear) { opened_anew_ = std::move(hear); }
  /// While the gateway opens a link to read lists for itself: one child beyond the bounds may
  /// start for it, or a server whose children are all in use could not be read.
  class ForReading {
   public:
    explicit ForReading(Links& links) : links_(links) { ++links_.readings_; }
    ForReading(const ForReading&) = delete;
    ForReading& operator=(const ForReading&) = delete;
    ~ForReading() { --links_.readings_; }

   private:
    Links& links_;
  };
  bool over_http() const { return !server_.url.empty(); }
  const config::Server& server() const { return server_; }

 private:
  /// What the stateless requests of a grant share.
  struct Shared {
    std::shared_ptr<upstream::Link> link;
    net::Instant last_used{};
    bool was_open = false;  ///< there was one before, alive or not
  };
  using SharedOf = std::map<std::string, Shared>::value_type;
  /// The child that sessions of one revision share.
  struct Common {
    std::shared_ptr<upstream::CommonChild> child;
    net::Instant last_used{};
  };
  std::shared_ptr<upstream::CommonChild> common_child(mcp::Revision revision);
  net::Task<void> stand_ready_soon();
  bool is_full() const;
  void forget_eras();
  void let_go(const std::function<bool(const SharedOf& each)>& is_over);
  std::shared_ptr<upstream::Link> bridge_to_sessions(const std::string& grant);
  net::Task<void> end_sessions_of(std::unique_ptr<upstream::Link> bridge);
  net::Task<void> end_spares_later();
  Result<std::shared_ptr<upstream::Link>> native(upstream::SpareChildren::For use, upstream::Ids ids, const std::string& caller);
  Result<std::shared_ptr<upstream::Link>> child(upstream::SpareChildren::For use, upstream::Ids ids, const std::string& caller);
  Result<void> share_of(const std::string& grant) const;
  std::shared_ptr<upstream::Link> held_by(const std::string& grant, std::shared_ptr<upstream::Link> child);
  Result<std::shared_ptr<upstream::StdioLink>> new_child(upstream::Ids ids, const std::string& caller);
  bool start_spare();
  std::shared_ptr<upstream::Link> session_over_http(upstream::HttpOrigin& origin);
  std::unique_ptr<upstream::SseLink> over_sse(upstream::HttpOrigin& origin);
  net::Task<Result<policy::Permit>> permit_to_open();
  upstream::BridgeParts bridge_parts();
  net::Task<Result<policy::Permit>> permit_for(upstream::Own own);
  std::string mirror(const mcp::Message& request) const;
  Result<upstream::HttpOrigin*> origin();

  Parts parts_;
  const config::Server& server_;
  Totals& totals_;
  std::unique_ptr<upstream::HttpOrigin> origin_;
  std::map<std::string, Shared> shared_;  ///< by grant; over HTTP one for all, where nothing is bridged
  std::function<std::vector<mcp::ParamHeader>(const mcp::Message&)> params_;
  std::function<void(upstream::Reader met_by)> opened_anew_;
  std::size_t readings_ = 0;  ///< links that are being opened for them
  const std::shared_ptr<upstream::Restarts> restarts_ = std::make_shared<upstream::Restarts>();  ///< links may outlive this
  const std::shared_ptr<std::size_t> children_ = std::make_shared<std::size_t>(0);  ///< of this server; likewise
  const std::shared_ptr<upstream::StderrLog> stderr_;  ///< likewise
  /// How a child ended that had said nothing, for operators; likewise.
  const std::shared_ptr<std::string> last_end_ = std::make_shared<std::string>();
  Counter& skipped_;                        ///< lines of children that are no messages
  bool is_sse_;                             ///< the server speaks HTTP+SSE: it is set, or was found out
  std::map<mcp::Revision, Common> common_;  ///< of a server that sessions share
  upstream::SpareChildren spares_;
  bool spares_end_ = false;  ///< those that nobody takes, in a while
  const std::shared_ptr<net::Duration> start_took_ = std::make_shared<net::Duration>(0);  ///< from the start of a child to its first message, last
  bool retired_ = false;
  Eras eras_;
  std::shared_ptr<upstream::WrittenPool> written_ = std::make_shared<upstream::WrittenPool>();
  net::TaskGroup tasks_;
  net::TaskGroup timers_;  ///< nobody waits for these
  const std::shared_ptr<Links*> here_ = std::make_shared<Links*>(this);  ///< last: bridges that outlive this find it gone
};

}  // namespace callgate::gateway
