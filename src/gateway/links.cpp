#include "gateway/links.hpp"

#include <fmt/format.h>

namespace callgate::gateway {

Links::Links(const Parts& parts, const config::Server& server, Totals& totals)
    : parts_(parts), server_(server), totals_(totals) {}

Result<upstream::HttpOrigin*> Links::origin() {
  if (!origin_) {
    auto made = upstream::HttpOrigin::make(parts_.loop, server_, parts_.config.limits.result);
    if (!made) return std::unexpected(made.error());
    origin_ = std::move(*made);
  }
  return origin_.get();
}

Result<std::shared_ptr<upstream::Link>> Links::child(upstream::Ids ids) {
  if (totals_.children >= parts_.config.limits.children)
    return fail(ErrorKind::unavailable, fmt::format("all {} child processes are in use: raise `limits.children` or wait", totals_.children));
  auto link = upstream::StdioLink::start(parts_.loop, server_, parts_.config.limits.result, ids, parts_.log);
  // Which program, and why, is for the log and not for an agent.
  if (!link) return fail(link.error().kind, "the server could not be started", link.error().message);
  Totals& totals = totals_;
  ++totals.children;
  return std::shared_ptr<upstream::Link>(link->release(), [&totals](upstream::Link* done) {
    --totals.children;
    delete done;
  });
}

Result<std::shared_ptr<upstream::Link>> Links::for_session() {
  if (!over_http()) return child(upstream::Ids::as_sent);
  auto where = origin();
  if (!where) return std::unexpected(where.error());
  return std::make_shared<upstream::HttpLink>(**where, upstream::HttpLink::Sessions::one);
}

Result<std::shared_ptr<upstream::Link>> Links::stateless(const std::string& grant) {
  std::shared_ptr<upstream::Link>& shared = shared_[over_http() ? std::string() : grant];
  if (shared && shared->alive()) return shared;
  if (!over_http()) {
    auto started = child(upstream::Ids::own);
    if (!started) return started;
    shared = std::move(*started);
    return shared;
  }
  auto where = origin();
  if (!where) return std::unexpected(where.error());
  shared = std::make_shared<upstream::HttpLink>(**where, upstream::HttpLink::Sessions::none);
  return shared;
}

}  // namespace callgate::gateway
