#include "gateway/links.hpp"

#include <fmt/format.h>

namespace callgate::gateway {

Links::Links(const Parts& parts, const config::Server& server, std::size_t& children)
    : parts_(parts), server_(server), children_(children) {}

Result<upstream::HttpOrigin*> Links::origin() {
  if (!origin_) {
    auto made = upstream::HttpOrigin::make(parts_.loop, server_, parts_.config.limits.result);
    if (!made) return std::unexpected(made.error());
    origin_ = std::move(*made);
  }
  return origin_.get();
}

Result<std::shared_ptr<upstream::Link>> Links::child(upstream::Ids ids) {
  if (children_ >= parts_.config.limits.children)
    return fail(ErrorKind::unavailable, fmt::format("all {} child processes are in use: raise `limits.children` or wait", children_));
  auto link = upstream::StdioLink::start(parts_.loop, server_, parts_.config.limits.result, ids, parts_.log);
  if (!link) return std::unexpected(link.error());
  ++children_;
  std::size_t& children = children_;
  return std::shared_ptr<upstream::Link>(link->release(), [&children](upstream::Link* done) {
    --children;
    delete done;
  });
}

Result<std::shared_ptr<upstream::Link>> Links::for_session() {
  if (!over_http()) return child(upstream::Ids::as_sent);
  auto where = origin();
  if (!where) return std::unexpected(where.error());
  return std::make_shared<upstream::HttpLink>(**where);
}

Result<std::shared_ptr<upstream::Link>> Links::stateless() {
  if (shared_ && shared_->alive()) return shared_;
  if (!over_http()) {
    auto started = child(upstream::Ids::own);
    if (!started) return started;
    shared_ = std::move(*started);
    return shared_;
  }
  auto where = origin();
  if (!where) return std::unexpected(where.error());
  shared_ = std::make_shared<upstream::HttpLink>(**where);
  return shared_;
}

}  // namespace callgate::gateway
