#include "gateway/links.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "gateway/recorder.hpp"
#include "mcp/handshake.hpp"
#include "mcp/headers.hpp"
#include "mcp/own_messages.hpp"
#include "upstream/either_link.hpp"
#include "upstream/session_bridge.hpp"
#include "upstream/stateless_bridge.hpp"

namespace callgate::gateway {

namespace {

/// A server that does not know the question may not answer it at all.
constexpr std::chrono::seconds patience{10};
/// Beside the one that reads the list of sessions: one is asked for the era, and
/// serves then, one more is needed for the caller or for its list.
constexpr std::size_t side_by_side = 2;
/// Behind the start of the last of these, for whoever comes next.
constexpr std::chrono::seconds spares_stay{30};

}  // namespace

Links::Links(const Parts& parts, const config::Server& server, Totals& totals)
    : parts_(parts),
      server_(server),
      totals_(totals),
      stderr_(std::make_shared<upstream::StderrLog>(parts.log, server.name, server.secrets())),
      skipped_(parts.metrics.counter("callgate_upstream_lines_skipped_total",
                                     "Lines of child processes that are no messages.", {{"server", server.name}})),
      is_sse_(server.transport == config::Transport::sse),
      eras_(parts, server,
            {.link = [this](mcp::Era era) {
               const bool modern = era == mcp::Era::modern;
               return native(modern ? upstream::SpareChildren::For::modern : upstream::SpareChildren::For::session, modern ? upstream::Ids::own : upstream::Ids::as_sent, {});
             },
             .mirror = [this](const mcp::Message& request) { return mirror(request); },
             .has_sessions_only = [this] { return is_sse_; },
             .start_took = [this] { return *start_took_; },
             .answered = [this](std::shared_ptr<upstream::Link> link, mcp::Era era) {
               if (!over_http() && !retired_ && link->alive()) spares_.add_asked(std::static_pointer_cast<upstream::StdioLink>(std::move(link)), era);
             },
             // What is under way keeps its link.
             .changed = [this] { let_go([](const auto&) { return true; }); }}) {}

void Links::retire() {
  retired_ = true;
  spares_.clear();
  timers_.cancel();
  common_.clear();
  let_go([](const auto&) { return true; });
}

Result<upstream::HttpOrigin*> Links::origin() {
  if (!origin_) {
    auto made = upstream::HttpOrigin::make(parts_.loop, server_, parts_.config.limits.result, parts_.replies);
    if (!made) return std::unexpected(made.error());
    origin_ = std::move(*made);
  }
  return origin_.get();
}

bool Links::is_full() const {
  return totals_.children >= parts_.config.limits.children || (server_.max_children != 0 && *children_ >= server_.max_children);
}

net::Task<bool> Links::learn_modern(net::Duration time) {
  co_await eras_.learn_modern(time);
  co_return knows_modern();
}

/// A spare one takes no room that others will need soon: it is there while less than half of all is in use.
bool Links::start_spare() {
  if (retired_ || over_http() || is_full() || totals_.children * 2 >= parts_.config.limits.children) return false;
  auto made = new_child(upstream::Ids::as_sent, {});
  if (made) spares_.add(std::move(*made));
  return made.has_value();
}

void Links::stand_ready() {
  if (!server_.start_ahead || retired_ || over_http()) return;
  if (server_.shared && !eras_.only_modern()) return common_child(mcp::latest_legacy)->start();
  if (spares_.untouched() == 0) start_spare();
}

net::Task<void> Links::stand_ready_soon() {
  co_await parts_.loop.next_turn();
  stand_ready();
}

void Links::start_side_by_side() {
  if (over_http() || spares_end_ || eras_.only_sessions()) return;
  while (spares_.untouched() < side_by_side && start_spare()) {
  }
  if (!std::exchange(spares_end_, true)) timers_.spawn(end_spares_later());
}

net::Task<void> Links::end_spares_later() {
  co_await parts_.loop.sleep(server_.start_timeout + spares_stay);
  spares_end_ = false;
  spares_.forget_asked();
  spares_.keep(server_.start_ahead ? 1 : 0);
}

std::shared_ptr<upstream::CommonChild> Links::common_child(mcp::Revision revision) {
  Common of_one_session;
  Common& common = retired_ ? of_one_session : common_[revision];
  common.last_used = parts_.loop.now();
  if (common.child && common.child->alive()) return common.child;
  upstream::BridgeParts parts = bridge_parts();
  parts.permit = [this](upstream::Own own) { return own == upstream::Own::open ? permit_to_open() : permit_for(own); };
  auto make = [this] { return native(upstream::SpareChildren::For::session, upstream::Ids::own, {}); };
  return common.child = std::make_shared<upstream::CommonChild>(std::move(parts), revision, std::move(make));
}

Result<std::shared_ptr<upstream::Link>> Links::child(upstream::SpareChildren::For use, upstream::Ids ids, const std::string& caller) {
  if (auto share = share_of(caller); !share) return std::unexpected(std::move(share.error()));
  auto ready = spares_.take(use, ids);
  if (server_.start_ahead) tasks_.spawn(stand_ready_soon());
  if (ready) return held_by(caller, std::move(ready));
  if (is_full()) spares_.clear();  // who needs one now comes first
  auto made = new_child(ids, caller);
  if (!made) return std::unexpected(std::move(made.error()));
  return held_by(caller, std::move(*made));
}

/// Sessions with many servers, or many sessions, of one grant leave room for others.
Result<void> Links::share_of(const std::string& grant) const {
  const std::size_t all = parts_.config.limits.children;
  const auto held = totals_.children_of.find(grant);
  if (grant.empty() || held == totals_.children_of.end() || held->second < all - all / 2) return {};
  return fail(ErrorKind::unavailable,
              fmt::format("this grant has {} of the {} child processes, half of all and so the most it may: end a session, or raise `limits.children`", held->second, all));
}

/// The child as one that counts for the grant as long as it is held.
std::shared_ptr<upstream::Link> Links::held_by(const std::string& grant, std::shared_ptr<upstream::Link> child) {
  if (grant.empty()) return child;
  ++totals_.children_of[grant];
  upstream::Link* const link = child.get();
  return {link, [&totals = totals_, grant, child = std::move(child)](upstream::Link* /*of `child`*/) mutable {
            child.reset();
            const auto held = totals.children_of.find(grant);
            if (--held->second == 0) totals.children_of.erase(held);
          }};
}

/// `caller`: the grant that asks, or nothing: the gateway itself, or whoever comes without one.
Result<std::shared_ptr<upstream::StdioLink>> Links::new_child(upstream::Ids ids, const std::string& caller) {
  const std::size_t beyond = readings_ != 0 ? 1 : 0;
  if (totals_.children >= parts_.config.limits.children + beyond)
    return fail(ErrorKind::unavailable, fmt::format("all {} child processes are in use: raise `limits.children` or wait", totals_.children));
  if (server_.max_children != 0 && *children_ >= server_.max_children + beyond)
    return fail(ErrorKind::unavailable, fmt::format("all {} child processes of this server are in use: raise its `max_children` or wait", *children_));
  if (const net::Duration left = restarts_->wait(caller, parts_.loop.now()); left > net::Duration::zero()) {
    // A program that cannot work is not started as often as clients ask for it.
    const unsigned times = restarts_->in_a_row(caller);
    return fail(ErrorKind::unavailable,
                fmt::format("the server's program ended {} before it said anything: try again in {} s",
                            times > 1 ? fmt::format("{} times in a row", times) : "too often",
                            std::chrono::ceil<std::chrono::seconds>(left).count()),
                *last_end_);
  }
  upstream::StdioLink::Hearers hearers{
      .spoke =
          [restarts = restarts_, took = start_took_, caller](net::Duration now) {
            restarts->spoke(caller);
            *took = now;
          },
      .ended_unheard = [restarts = restarts_, caller,
                        &loop = parts_.loop] { restarts->ended_unheard(caller, loop.now()); },
      .ended = [last = last_end_](const std::string& how) { *last = how; },
      .skipped = [&skipped = skipped_] { skipped.add(); },
      .errors = stderr_};
  auto link = upstream::StdioLink::start(parts_.loop, server_, parts_.config.limits.result, parts_.replies, ids, parts_.log,
                                         std::move(hearers));
  // Which program, and why, is for the log and not for an agent.
  if (!link) return fail(link.error().kind, "the server could not be started", link.error().message);
  Totals& totals = totals_;
  ++totals.children;
  ++*children_;
  return std::shared_ptr<upstream::StdioLink>(link->release(), [&totals, children = children_](upstream::StdioLink* done) {
    --totals.children;
    --*children;
    delete done;
  });
}

Result<std::shared_ptr<upstream::Link>> Links::native(upstream::SpareChildren::For use, upstream::Ids ids, const std::string& caller) {
  if (!over_http()) return child(use, ids, caller);
  auto where = origin();
  if (!where) return std::unexpected(where.error());
  if (use != upstream::SpareChildren::For::modern) return session_over_http(**where);
  return std::make_shared<upstream::HttpLink>(**where, upstream::HttpLink::Sessions::none);
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
  return permit_for_own(parts_, audit::Internal::initialize, server_.name);
}

Result<std::shared_ptr<upstream::Link>> Links::for_session(const std::string& grant) {
  if (!eras_.only_modern()) {
    if (server_.shared && !over_http())
      return std::make_shared<upstream::CommonSession>([this](mcp::Revision revision) { return common_child(revision); }, server_.start_timeout);
    return native(upstream::SpareChildren::For::session, upstream::Ids::as_sent, grant);
  }
  auto server = native(upstream::SpareChildren::For::modern, upstream::Ids::as_sent, grant);
  if (!server) return server;
  return std::make_shared<upstream::SessionBridge>(bridge_parts(), std::move(*server), [this] { forget_eras(); });
}

Result<std::shared_ptr<upstream::Link>> Links::stateless(const std::string& grant) {
  const bool bridged = eras_.only_sessions();
  Shared of_one_request;
  Shared& shared = retired_ ? of_one_request : shared_[over_http() && !bridged ? std::string() : grant];
  shared.last_used = parts_.loop.now();
  if (shared.link && shared.link->alive()) return shared.link;
  std::exchange(shared.link, nullptr).reset();  // what is gone takes nobody's room
  auto made = bridged ? Result<std::shared_ptr<upstream::Link>>(bridge_to_sessions(grant)) : native(upstream::SpareChildren::For::modern, upstream::Ids::own, grant);
  if (!made) return made;
  shared.link = *made;
  const bool anew = std::exchange(shared.was_open, true);
  // Whoever hears it asks for the link at once.
  if (anew && opened_anew_) opened_anew_(readings_ != 0 ? upstream::Reader::gateway : upstream::Reader::client);
  return made;
}

/// A child ends with its link; sessions at a server have to be ended by a word. It
/// is said when the last who used the bridge is done.
std::shared_ptr<upstream::Link> Links::bridge_to_sessions(const std::string& grant) {
  auto session = [this, grant] { return native(upstream::SpareChildren::For::bridged, upstream::Ids::as_sent, grant); };
  auto bridge = std::make_unique<upstream::StatelessBridge>(bridge_parts(), std::move(session), [this] { forget_eras(); });
  return {bridge.release(), [here = std::weak_ptr<Links*>(here_)](upstream::Link* done) {
            std::unique_ptr<upstream::Link> over(done);
            if (const auto links = here.lock()) (*links)->tasks_.spawn((*links)->end_sessions_of(std::move(over)));
          }};
}

void Links::forget_eras() {
  is_sse_ = server_.transport == config::Transport::sse;
  spares_.forget_asked();
  eras_.forget();
}

/// Whoever is let go of may say a last word, and that may come back here: so none
/// ends while the others are looked at.
void Links::let_go(const std::function<bool(const SharedOf& each)>& is_over) {
  std::vector<std::shared_ptr<upstream::Link>> gone;
  std::erase_if(shared_, [&](auto& each) {
    if (!is_over(each)) return false;
    gone.push_back(std::move(each.second.link));
    return true;
  });
}

void Links::end_grants(const std::function<bool(std::string_view grant)>& may_stay) {
  let_go([&](const SharedOf& each) {
    const std::string& grant = each.first;
    return !grant.empty() && !may_stay(grant);
  });
}

/// A link that somebody holds is in use, however long ago that began.
void Links::end_unused(net::Instant since) {
  std::erase_if(common_, [since](const auto& each) { return each.second.last_used < since && each.second.child.use_count() <= 1; });
  stand_ready();
  let_go([&](const SharedOf& each) {
    const Shared& shared = each.second;
    if (shared.link) shared.link->end_unused(since);
    return shared.last_used < since && shared.link.use_count() <= 1;
  });
}

net::Task<void> Links::end_sessions_of(std::unique_ptr<upstream::Link> bridge) {
  auto permit = co_await permit_for(upstream::Own::end);
  upstream::NobodyListens sink;
  if (permit) [[maybe_unused]] const auto ended = co_await bridge->forward(std::move(*permit), {.form = upstream::Form::end_session}, sink);
}

upstream::BridgeParts Links::bridge_parts() {
  return {.loop = parts_.loop,
          .server = server_.name,
          .start_time = server_.start_timeout,
          .starts_programs = !over_http(),
          .permit = [this](upstream::Own own) { return permit_for(own); },
          .mirror = [this](const mcp::Message& request) { return mirror(request); },
          .opened_anew =
              [this](upstream::Reader met_by) {
                if (opened_anew_) opened_anew_(met_by);
              },
          .room = {parts_.replies, server_.name},
          .written = written_};
}

net::Task<Result<policy::Permit>> Links::permit_for(upstream::Own own) {
  using audit::Internal;
  const Internal kind = own == upstream::Own::open        ? Internal::server_discover
                        : own == upstream::Own::subscribe ? Internal::subscribe
                        : own == upstream::Own::answer    ? Internal::input
                        : own == upstream::Own::end       ? Internal::session_delete
                                                          : Internal::cancel;
  return permit_for_own(parts_, kind, server_.name);
}

std::string Links::mirror(const mcp::Message& request) const {
  if (!over_http()) return {};
  const bool call = request.method_id == mcp::MethodId::tools_call && params_;
  return mcp::mirrored_lines(request, mcp::latest_revision, call ? params_(request) : std::vector<mcp::ParamHeader>{});
}

}  // namespace callgate::gateway
