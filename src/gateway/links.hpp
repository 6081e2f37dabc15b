#pragma once

#include <memory>

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
  /// The link that stateless requests share; a dead child is started anew.
  Result<std::shared_ptr<upstream::Link>> stateless();
  bool over_http() const { return !server_.url.empty(); }
  const config::Server& server() const { return server_; }

 private:
  Result<std::shared_ptr<upstream::Link>> child(upstream::Ids ids);
  Result<upstream::HttpOrigin*> origin();

  Parts parts_;
  const config::Server& server_;
  Totals& totals_;
  std::unique_ptr<upstream::HttpOrigin> origin_;
  std::shared_ptr<upstream::Link> shared_;
};

}  // namespace callgate::gateway
