// Sessions with all servers at once: opened, found, ended.
#include <algorithm>

#include <fmt/format.h>

#include "aggregate/names.hpp"
#include "aggregate/questions.hpp"
#include "aggregate/router.hpp"
#include "base/sha256.hpp"
#include "mcp/codes.hpp"
#include "mcp/handshake.hpp"
#include "mcp/own_messages.hpp"

namespace callgate::aggregate {

namespace {

constexpr net::Duration idle_session = std::chrono::minutes(60);  ///< as at each gate, and the next
constexpr net::Duration idle_here = std::chrono::minutes(65);
constexpr std::string_view address = "all servers";

/// The client's revision if it is one with sessions, else the newest of those: what
/// a server agrees on with its gate is between the two.
mcp::Revision agreed_revision(std::string_view wanted) {
  const auto revision = mcp::parse_revision(wanted);
  return revision && mcp::era_of(*revision) == mcp::Era::legacy ? *revision : mcp::latest_legacy;
}

std::string initialized_answer(std::string_view id_text, mcp::Revision revision, const Capabilities& capabilities, std::span<const Introduction> servers) {
  const std::string instructions = merged_instructions(servers);
  return fmt::format(R"({{"jsonrpc":"2.0","id":{},"result":{{"protocolVersion":"{}","capabilities":{},"serverInfo":{{"name":"callgate","version":"{}"}}{}{}}}}})",
                     id_text, mcp::word(revision), capabilities.text(), CALLGATE_VERSION,
                     instructions.empty() ? "" : R"(,"instructions":)", instructions);
}

/// Conversations of a session that did not come to be end with it.
template <class End>
class Unless {
 public:
  explicit Unless(End end) : end_(std::move(end)) {}
  Unless(const Unless&) = delete;
  Unless& operator=(const Unless&) = delete;
  ~Unless() {
    if (!done_) end_();
  }
  void done() { done_ = true; }

 private:
  End end_;
  bool done_ = false;
};

}  // namespace

/// Opens a conversation with every server of the caller. Those that are not there
/// in time are opened when they are needed.
net::Task<void> Router::handle_initialize(Incoming& in) {
  const std::shared_ptr<Company> company = in.company;
  const auto opening = mcp::read_initialize(in.message);
  if (!opening) co_return co_await refuse(in, mcp::code::invalid_params, opening.error().message);
  if (const std::string_view full = no_room(company->client.session.grant); !full.empty())
    co_return static_cast<void>(co_await in.channel.answer(mcp::rpc_error(in.message.id_text, mcp::code::internal_error, full), {}, 503));
  company->opening = in.message.bytes();
  // Its conversations go by its name from the first; the id is the client's once there is an answer.
  std::string id = session::new_session_id();
  company->client.session.name = session::session_name(id);
  Unless end_again([this, company] {
    company->client.closed = true;
    company->changed.notify();
    end_members(*company);
  });
  co_await reach_all(company, parts_.loop.now() + parts_.config.aggregate_wait);
  std::vector<std::string> slugs;
  std::vector<Introduction> servers;
  std::string fault;
  slugs.reserve(company->members.size());
  for (const auto& [server, member] : company->members) {
    if (!member.conversation) {
      fault = fmt::format("`{}`: {}", server, member.opening ? "it did not answer in time" : member.fault);
      continue;
    }
    servers.push_back({.slug = slugs.emplace_back(slug_of(server)), .capabilities = member.capabilities, .instructions = member.instructions});
  }
  if (servers.empty())
    co_return static_cast<void>(co_await in.channel.answer(mcp::rpc_error(in.message.id_text, mcp::code::internal_error, fmt::format("none of the servers can be reached; {}", fault))));
  company->client.session.revision = agreed_revision(opening->protocol_version.view());
  const Capabilities capabilities = merged_capabilities(servers);
  company->lists_prompts = capabilities.prompts;
  company->lists_resources = capabilities.resources;
  const std::string answer = initialized_answer(in.message.id_text, company->client.session.revision, capabilities, servers);
  enter(company, std::move(id));
  end_again.done();
  co_await keep(company);
  co_await in.channel.answer(answer);
}

std::shared_ptr<Company> Router::find(std::string_view id, std::string_view grant) const {
  const auto found = companies_.find(std::string(id));
  if (found == companies_.end() || found->second->client.session.grant != grant) return nullptr;
  return found->second;
}

void Router::enter(const std::shared_ptr<Company>& company, std::string id) {
  company->client.session.id = std::move(id);
  companies_.emplace(company->client.session.id, company);
}

/// As at each gate: a bounded number in all, and of one grant; the one longest
/// unused makes room.
std::string_view Router::no_room(std::string_view grant) {
  if (stopping_) return "the gateway is stopping";
  if (companies_.size() >= parts_.config.limits.sessions) reap_idle(parts_.loop.now());
  if (companies_.size() >= parts_.config.limits.sessions) return "too many sessions are open: try again later";
  if (grant.empty()) return {};
  std::size_t count = 0;
  std::shared_ptr<Company> oldest;
  for (const auto& [id, each] : companies_) {
    if (each->client.session.grant != grant) continue;
    ++count;
    if (!each->client.in_flight.linked() && (!oldest || each->client.last_used < oldest->client.last_used)) oldest = each;
  }
  if (count < parts_.config.limits.sessions_per_grant) return {};
  if (!oldest) return "this grant has too many sessions with calls under way: try again later";
  end(oldest);
  return {};
}

void Router::end(const std::shared_ptr<Company>& company) { close(company, Ending::for_all); }

/// A session is over here: for everybody, as was heard, or only here.
void Router::close(const std::shared_ptr<Company>& company, Ending ending) {
  if (company->client.closed) return;
  company->client.closed = true;
  company->changed.notify();
  if (company->client.stream) company->client.stream->close();
  if (company->kept && ending == Ending::for_all) parts_.sessions.end(company->client.session.name);
  if (company->kept && ending != Ending::for_all) parts_.sessions.serves_no_longer(company->client.session.name);
  end_members(*company);
  companies_.erase(company->client.session.id);
}

void Router::ended_elsewhere(std::string_view name) {
  const auto found = std::ranges::find_if(companies_, [name](const auto& each) { return each.second->client.session.name == name; });
  if (found == companies_.end()) return;
  const std::shared_ptr<Company> company = found->second;
  close(company, Ending::heard);
}

bool Router::is_busy(std::string_view name) const {
  const auto found = std::ranges::find_if(companies_, [name](const auto& each) { return each.second->client.session.name == name; });
  return found != companies_.end() && found->second->client.in_flight.linked();
}

/// What opens it anew. No server has an empty name, so no gate takes it for its own.
net::Task<void> Router::keep(std::shared_ptr<Company> company) {
  if (!parts_.sessions.keeps() || company->opening.size() > session::SessionStore::max_opening) co_return;
  company->kept = true;
  company->told = parts_.loop.now();
  const session::Session& session = company->client.session;
  session::KeptSession kept{.name = session.name, .digest = sha256_hex(session.id), .server = {}, .address = std::string(address), .grant = session.grant,
                            .principal = session.principal, .revision = std::string(mcp::word(session.revision)), .opening = company->opening};
  const session::Kept done = co_await parts_.sessions.keep(std::move(kept), parts_.config.limits.sessions_per_grant);
  if (done == session::Kept::now) co_return;
  parts_.log.debug(done == session::Kept::later ? "session_not_shared_yet" : "session_not_kept", {{"session", session.name}});
  if (done == session::Kept::no) company->kept = false;  // it lives and ends here like one that no store knows
}

Result<std::shared_ptr<Company>> Router::take_over(std::string_view id, const session::Caller& caller, const session::KeptSession& kept) {
  if (auto here = find(id, caller.grant)) return here;  // another request was faster
  const auto revision = mcp::parse_revision(kept.revision);
  const bool ours = kept.server.empty() && kept.address == address && kept.grant == caller.grant;
  if (!ours || !revision || mcp::era_of(*revision) == mcp::Era::modern || companies_.contains(std::string(id))) return nullptr;
  if (const std::string_view full = no_room(caller.grant); !full.empty()) return fail(ErrorKind::unavailable, std::string(full));
  auto company = new_company(caller.grant);
  company->client.session = {.id = std::string(id), .name = kept.name, .grant = caller.grant, .principal = caller.principal, .grant_policy = {}, .revision = *revision, .client = {}};
  company->client.last_used = parts_.loop.now();
  company->opening = kept.opening;
  company->initialized = true;
  company->kept = true;
  company->told = parts_.loop.now();
  companies_.emplace(company->client.session.id, company);
  parts_.sessions.serves(kept);
  parts_.log.info("session_taken_over", {{"session", kept.name}});
  return company;
}

void Router::end_sessions(const std::function<bool(std::string_view grant)>& may_stay) {
  std::vector<std::shared_ptr<Company>> over;
  for (const auto& [id, each] : companies_) {
    if (!may_stay(each->client.session.grant)) over.push_back(each);
  }
  for (const auto& each : over) end(each);
  forget_silent(may_stay);
}

void Router::reap_idle(net::Instant now) {
  std::vector<std::shared_ptr<Company>> idle;
  for (const auto& [id, each] : companies_) {
    if (each->client.busy == 0 && now - each->client.last_used > (each->kept ? idle_here : idle_session)) idle.push_back(each);
  }
  for (const auto& each : idle) close(each, each->kept ? Ending::here : Ending::for_all);
  // Nobody but the map holds one that no request is under way of.
  std::erase_if(stateless_, [now](const auto& each) { return each.second.use_count() == 1 && now - each.second->client.last_used > idle_session; });
}

void Router::stop() {
  stopping_ = true;
  for (const auto& [id, each] : companies_) {
    if (each->client.stream) each->client.stream->close();
  }
}

void Router::servers_changed() {
  tell_subscribers();
  using enum mcp::MethodId;
  for (const auto& [id, each] : companies_) {
    if (!each->client.stream) continue;
    each->client.stream->push(mcp::plain_notification(notifications_tools_list_changed), {});
    if (each->lists_prompts) each->client.stream->push(mcp::plain_notification(notifications_prompts_list_changed), {});
    if (each->lists_resources) each->client.stream->push(mcp::plain_notification(notifications_resources_list_changed), {});
  }
}

}  // namespace callgate::aggregate
