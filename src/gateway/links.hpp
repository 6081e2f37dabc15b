#pragma once

#include <map>
#include <memory>
#include <string>

#include "gateway/parts.hpp"
#include "upstream/http_link.hpp"
#include "upstream/stdio_link.hpp"

namespace callgate::gateway {

/// What all gates of a process share the bounds of.
struct Totals {
  std::size_t children = 0;  ///< child processes
  std::size_t sessions = 0;  ///< legacy sessions
};

/// Makes links to one server and bounds how many children it may have.
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
  bool over_http() const { return !server_.url.empty(); }
  const config::Server& server() const { return server_; }

 private:
  Result<std::shared_ptr<upstream::Link>> child(upstream::Ids ids);
  Result<upstream::HttpOrigin*> origin();

  Parts parts_;
  const config::Server& server_;
  Totals& totals_;
  std::unique_ptr<upstream::HttpOrigin> origin_;
  std::map<std::string, std::shared_ptr<upstream::Link>> shared_;  ///< by grant; over HTTP one for all
};

}  // namespace callgate::gateway
