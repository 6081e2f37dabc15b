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
  if (!link) return std::unexpected(link.error());
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
