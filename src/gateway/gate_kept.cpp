// Sessions that several gateways share: kept when they are opened, taken over where they are used.
#include "base/sha256.hpp"
#include "gateway/gate.hpp"
#include "mcp/handshake.hpp"

namespace callgate::gateway {

namespace {

/// What is used all the time is told as used so often.
constexpr net::Duration between_uses = std::chrono::seconds(10);

}  // namespace

session::KeptSession Gate::kept_of(const Conversation& conversation) const {
  const session::Session& session = conversation.session;
  return {.name = session.name,
          .digest = sha256_hex(session.id),
          .server = server_.name,
          .address = server_.address(),
          .grant = session.grant,
          .principal = session.principal,
          .revision = std::string(mcp::word(session.revision)),
          .opening = conversation.opening};
}

/// From here on it can go on at another gateway. Where nobody can be told now it
/// is this gateway's own for a while.
net::Task<void> Gate::keep_session(std::shared_ptr<Conversation> conversation) {
  if (conversation->opening.size() > session::SessionStore::max_opening) co_return;
  note_kept(*conversation);
  const session::Kept kept = co_await parts_.sessions.keep(kept_of(*conversation), parts_.config.limits.sessions_per_grant);
  if (kept == session::Kept::now) co_return;
  parts_.log.debug(kept == session::Kept::later ? "session_not_shared_yet" : "session_not_kept", {{"server", server_.name}, {"session", conversation->session.name}});
  if (kept == session::Kept::later) co_return;
  conversation->kept = false;  // it lives and ends here like one that no store knows
  sessions_.forget_kept(*conversation);
}

void Gate::note_kept(Conversation& conversation) {
  conversation.kept = true;
  conversation.told = parts_.loop.now();
  sessions_.note_kept(conversation);
}

Result<std::shared_ptr<Conversation>> Gate::take_over(std::string_view id, const session::Caller& caller, const session::KeptSession& kept) {
  if (auto here = find_session(id, caller.grant)) return here;  // another request was faster
  const auto revision = mcp::parse_revision(kept.revision);
  const bool ours = kept.server == server_.name && config::shown_address(kept.address) == server_.address() &&
                    kept.grant == caller.grant;
  if (!ours || !revision || mcp::era_of(*revision) == mcp::Era::modern || sessions_.contains(id)) return nullptr;
  json::Document document;
  const auto message = mcp::read_message(kept.opening, document, mcp::Direction::from_client);
  const auto opening = message ? mcp::read_initialize(*message) : std::unexpected(message.error());
  if (!opening) return nullptr;
  if (totals_.sessions >= parts_.config.limits.sessions) reap_idle(parts_.loop.now());
  if (totals_.sessions >= parts_.config.limits.sessions) return fail(ErrorKind::unavailable, "too many sessions are open: try again later");

  auto conversation = std::make_shared<Conversation>();
  conversation->session = {.id = std::string(id), .name = kept.name, .grant = caller.grant, .principal = caller.principal,
                           .grant_policy = caller.policy, .revision = *revision, .client = mcp::read_client_capabilities(opening->capabilities)};
  conversation->opening = kept.opening;
  conversation->last_used = parts_.loop.now();
  sessions_.enter(conversation);
  note_kept(*conversation);
  parts_.sessions.serves(kept);
  tools_.want(mcp::Era::legacy);
  parts_.log.info("session_taken_over", {{"server", server_.name}, {"session", kept.name}});
  return conversation;
}

void Gate::note_use(Conversation& conversation) {
  if (parts_.loop.now() - conversation.told < between_uses) return;
  conversation.told = parts_.loop.now();
  parts_.sessions.used(conversation.session.name);
}

bool Gate::is_busy(std::string_view name) const {
  const auto conversation = sessions_.find_kept(name);
  return conversation && conversation->in_flight.linked();
}

void Gate::ended_elsewhere(std::string_view name) {
  if (const auto conversation = sessions_.find_kept(name)) close_session(conversation, Ending::heard);
}

/// A session is over here: for everybody, as was heard, or only here.
void Gate::close_session(const std::shared_ptr<Conversation>& conversation, Ending ending) {
  if (conversation->closed) return;
  conversation->closed = true;
  if (conversation->stream) conversation->stream->close();
  wake_held(*conversation);
  if (!conversation->resumable.empty()) resumable_over_.notify();
  if (conversation->kept) {
    sessions_.forget_kept(*conversation);
    if (ending == Ending::for_all) parts_.sessions.end(conversation->session.name);
    else parts_.sessions.serves_no_longer(conversation->session.name);
  }
  if (conversation->kept && ending == Ending::here) sessions_.leave(*conversation);
  else leave_session(conversation);
  tasks_.spawn(delete_upstream_session(conversation));
}

}  // namespace callgate::gateway
