#pragma once

#include <memory>

#include "gateway/parts.hpp"
#include "upstream/http_link.hpp"
#include "upstream/stdio_link.hpp"

namespace callgate::gateway {

/// Makes links to one server and bounds how many children it may have.
class Links {
 public:
  Links(const Parts& parts, const config::Server& server, std::size_t& children);

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
  std::size_t& children_;  ///< of the whole process
  std::unique_ptr<upstream::HttpOrigin> origin_;
  std::shared_ptr<upstream::Link> shared_;
};

}  // namespace callgate::gateway
