#include "gateway/links.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/outbound.hpp"
#include "gateway/recorder.hpp"
#include "mcp/handshake.hpp"
#include "mcp/own_messages.hpp"
#include "upstream/either_link.hpp"
#include "upstream/session_bridge.hpp"
#include "upstream/stateless_bridge.hpp"

namespace callgate::gateway {

namespace {

/// A server that does not know the question may not answer it at all.
constexpr std::chrono::seconds patience{10};

}  // namespace

Links::Links(const Parts& parts, const config::Server& server, Totals& totals)
    : parts_(parts), server_(server), totals_(totals),
      skipped_(parts.metrics.counter("callgate_upstream_lines_skipped_total", "Lines of child processes that are no messages.", {{"server", server.name}})),
      is_sse_(server.transport == config::Transport::sse), learned_(parts.loop) {}

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
  if (const net::Duration left = restarts_->wait(parts_.loop.now()); left > net::Duration::zero())
    // A program that cannot work is not started as often as clients ask for it.
    return fail(ErrorKind::unavailable, fmt::format("the server's program ended {} times in a row before it said anything: try again in {} s", restarts_->in_a_row(),
                                                    std::chrono::ceil<std::chrono::seconds>(left).count()));
  upstream::StdioLink::Hearers hearers{.spoke = [restarts = restarts_] { restarts->spoke(); },
                                       .ended_unheard = [restarts = restarts_, &loop = parts_.loop] { restarts->ended_unheard(loop.now()); },
                                       .skipped = [&skipped = skipped_] { skipped.add(); }};
  auto link = upstream::StdioLink::start(parts_.loop, server_, parts_.config.limits.result, ids, parts_.log, std::move(hearers));
  // Which program, and why, is for the log and not for an agent.
  if (!link) return fail(link.error().kind, "the server could not be started", link.error().message);
  Totals& totals = totals_;
  ++totals.children;
  return std::shared_ptr<upstream::Link>(link->release(), [&totals](upstream::Link* done) {
    --totals.children;
    delete done;
  });
}

Result<std::shared_ptr<upstream::Link>> Links::native(upstream::Ids ids, upstream::HttpLink::Sessions sessions) {
  if (!over_http()) return child(ids);
  auto where = origin();
  if (!where) return std::unexpected(where.error());
  if (sessions == upstream::HttpLink::Sessions::one) return session_over_http(**where);
  return std::make_shared<upstream::HttpLink>(**where, sessions);
}

/// Which of the two transports it is, is found out by each session that is opened,
/// until one was opened over HTTP+SSE.
std::shared_ptr<upstream::Link> Links::session_over_http(upstream::HttpOrigin& origin) {
  using upstream::HttpLink;
  if (is_sse_) return over_sse(origin);
  if (server_.transport == config::Transport::streamable_http) return std::make_shared<HttpLink>(origin, HttpLink::Sessions::one);
  upstream::EitherLink::Parts parts{.make_sse = [this, &origin] { return over_sse(origin); },
                                    .permit = [this] { return permit_to_open(); },
                                    .is_sse = [this] {
                                      if (!std::exchange(is_sse_, true)) parts_.log.info("upstream_speaks_sse", {{"server", server_.name}});
                                    }};
  return std::make_shared<upstream::EitherLink>(std::make_unique<HttpLink>(origin, HttpLink::Sessions::one), std::move(parts));
}

std::unique_ptr<upstream::SseLink> Links::over_sse(upstream::HttpOrigin& origin) {
  const bool is_set = server_.transport == config::Transport::sse;
  upstream::SseLink::Options options{.server = server_.name,
                                     .patience = is_set ? server_.start_timeout : std::min<std::chrono::milliseconds>(server_.start_timeout, patience),
                                     // It may have been replaced by one that speaks Streamable HTTP.
                                     .not_opened = [this, is_set] { is_sse_ = is_set; }};
  return std::make_unique<upstream::SseLink>(origin, std::move(options), parts_.log);
}

net::Task<Result<policy::Permit>> Links::permit_to_open() {
  return permit_after_record(parts_.loop, parts_.journal, parts_.journal.record_internal(audit::Internal::initialize, server_.name));
}

Result<std::shared_ptr<upstream::Link>> Links::for_session() {
  if (!only_modern_) return native(upstream::Ids::as_sent, upstream::HttpLink::Sessions::one);
  auto server = native(upstream::Ids::as_sent, upstream::HttpLink::Sessions::none);
  if (!server) return server;
  return std::make_shared<upstream::SessionBridge>(bridge_parts(), std::move(*server));
}

Result<std::shared_ptr<upstream::Link>> Links::stateless(const std::string& grant) {
  const bool bridged = modern_ == Speaks::no;
  std::shared_ptr<upstream::Link>& shared = shared_[over_http() && !bridged ? std::string() : grant];
  if (shared && shared->alive()) return shared;
  if (bridged) {
    auto session = [this] { return native(upstream::Ids::as_sent, upstream::HttpLink::Sessions::one); };
    shared = std::make_shared<upstream::StatelessBridge>(bridge_parts(), std::move(session), [this] { forget_eras(); });
    return shared;
  }
  auto made = native(upstream::Ids::own, upstream::HttpLink::Sessions::none);
  if (made) shared = *made;
  return made;
}

void Links::forget_eras() {
  modern_ = Speaks::unknown;
  only_modern_ = false;
  is_sse_ = server_.transport == config::Transport::sse;
  // What is under way keeps its link.
  shared_.clear();
}

net::Task<bool> Links::handshake_refused() {
  co_await learn_modern();
  only_modern_ = modern_ == Speaks::yes;
  co_return only_modern_;
}

net::Task<void> Links::learn_modern() {
  while (learning_) co_await learned_.wait(server_.start_timeout);
  if (knows_modern()) co_return;
  learning_ = true;
  modern_ = co_await ask_modern();
  if (modern_ == Speaks::no) shared_.clear();
  learning_ = false;
  learned_.notify();
}

/// Any answer but one to the question means no; no answer from a server that
/// cannot be reached means nothing.
net::Task<Links::Speaks> Links::ask_modern() {
  if (is_sse_) co_return Speaks::no;
  auto link = native(upstream::Ids::own, upstream::HttpLink::Sessions::none);
  if (!link) co_return Speaks::unknown;
  const std::string text = mcp::plain_request("\"callgate-discover\"", mcp::MethodId::server_discover, mcp::latest_revision, {}, mcp::all_capabilities);
  json::Document document;
  const auto question = mcp::read_message(text, document, mcp::Direction::from_client);
  auto permit = co_await permit_for(upstream::Own::open);
  if (!question || !permit) co_return Speaks::unknown;
  const std::string headers = mirror(*question);
  upstream::NobodyListens sink;
  const auto time = std::min<std::chrono::milliseconds>(server_.start_timeout, patience);
  auto answer = co_await (*link)->forward(std::move(*permit), {.bytes = text, .message = &*question, .headers = headers, .time = time}, sink);
  if (!answer) co_return answer.error().sent ? Speaks::no : Speaks::unknown;
  json::Document read;
  const auto message = mcp::read_message(answer->bytes, read, mcp::Direction::from_server, upstream::whole_answer);
  co_return message && mcp::read_discovered(*message) ? Speaks::yes : Speaks::no;
}

upstream::BridgeParts Links::bridge_parts() {
  return {.loop = parts_.loop,
          .server = server_.name,
          .start_time = server_.start_timeout,
          .permit = [this](upstream::Own own) { return permit_for(own); },
          .mirror = [this](const mcp::Message& request) { return mirror(request); }};
}

net::Task<Result<policy::Permit>> Links::permit_for(upstream::Own own) {
  using audit::Internal;
  const Internal kind = own == upstream::Own::open        ? Internal::server_discover
                        : own == upstream::Own::subscribe ? Internal::subscribe
                        : own == upstream::Own::answer    ? Internal::input
                                                          : Internal::cancel;
  return permit_after_record(parts_.loop, parts_.journal, parts_.journal.record_internal(kind, server_.name));
}

std::string Links::mirror(const mcp::Message& request) const {
  if (!over_http()) return {};
  const bool call = request.method_id == mcp::MethodId::tools_call && params_;
  return mirrored_lines(request, mcp::latest_revision, call ? params_(request) : std::vector<mcp::ParamHeader>{});
}

}  // namespace callgate::gateway
