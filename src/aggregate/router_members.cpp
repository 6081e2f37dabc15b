// The conversations of a session with each server, opened at the servers' gates.
#include <algorithm>

#include <fmt/format.h>

#include "aggregate/names.hpp"
#include "aggregate/questions.hpp"
#include "aggregate/router.hpp"
#include "base/random.hpp"
#include "mcp/handshake.hpp"
#include "mcp/own_messages.hpp"
#include "upstream/link.hpp"

namespace callgate::aggregate {

/// A conversation that is being opened, however that ends.
class Router::Opening {
 public:
  Opening(std::shared_ptr<Company> company, const std::string& server) : company_(std::move(company)), member_(company_->members[server]) {
    member_.opening = true;
    member_.fault.clear();
    member_.words.clear();
  }
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;
  ~Opening() {
    member_.opening = false;
    company_->changed.notify();
  }
  Member& member() { return member_; }

 private:
  std::shared_ptr<Company> company_;
  Member& member_;  ///< members stay as long as the company does
};

namespace {

/// The frame of one request that stands alone.
std::shared_ptr<gateway::Conversation> alone(const session::Caller& caller) {
  auto conversation = std::make_shared<gateway::Conversation>();
  conversation->session.grant = caller.grant;
  conversation->session.principal = caller.principal;
  conversation->session.grant_policy = caller.policy;
  conversation->session.revision = mcp::latest_revision;
  return conversation;
}

/// An id that is none of the client's: its own may be under way again.
std::string level_request(std::string_view level) {
  return fmt::format(R"({{"jsonrpc":"2.0","id":"callgate-{}","method":"logging/setLevel","params":{{"level":"{}"}}}})", random_hex(16), level);
}

}  // namespace

/// The conversation with that server if it is open still; null otherwise.
std::shared_ptr<gateway::Conversation> Router::open_now(const Company& company, std::string_view server) const {
  const auto member = company.members.find(server);
  const auto caller = company.callers.find(server);
  const gateway::Gate* gate = gates_.find(server);
  if (company.stateless()) return caller != company.callers.end() && gate != nullptr ? alone(caller->second) : nullptr;
  if (member == company.members.end() || !member->second.conversation || caller == company.callers.end() || gate == nullptr) return nullptr;
  const auto& conversation = member->second.conversation;
  // A gate of that name may be another one by now, and ends sessions by itself.
  if (gate->find_session(conversation->session.id, caller->second.grant) != conversation) return nullptr;
  conversation->session.grant_policy = caller->second.policy;
  return conversation;
}

/// The conversation with that server, opened where it is not; null where it cannot
/// be had by then, and the member's `fault` says why.
net::Task<std::shared_ptr<gateway::Conversation>> Router::reach(std::shared_ptr<Company> company, std::string server, net::Instant until) {
  for (bool tried = false;;) {
    if (auto conversation = open_now(*company, server)) co_return conversation;
    if (company->stateless()) co_return nullptr;
    const bool opening = company->members[server].opening;
    if (!opening && tried) co_return nullptr;
    if (!opening) {
      tried = true;
      tasks_.spawn(open(company, server));
      continue;
    }
    tried = true;
    if (!co_await company->changed.wait(until - parts_.loop.now()) && parts_.loop.now() >= until) co_return nullptr;
  }
}

net::Task<void> Router::reach_all(std::shared_ptr<Company> company, net::Instant until) {
  for (const auto& [server, caller] : company->callers) {
    if (!open_now(*company, server) && !company->members[server].opening) tasks_.spawn(open(company, server));
  }
  const auto is_waited_for = [&](const auto& each) { return each.second.opening && !is_silent(*company, each.first, mcp::MethodId::initialize); };
  const auto any_opening = [&] { return std::ranges::any_of(company->members, is_waited_for); };
  while (any_opening() && parts_.loop.now() < until) co_await company->changed.wait(until - parts_.loop.now());
  if (company->client.closed) co_return;
  for (const auto& each : company->members) {
    if (is_waited_for(each)) note_silent(company, each.first, mcp::MethodId::initialize);
  }
}

/// Opens it with the client's own `initialize`, so that the server learns what
/// this client can do.
net::Task<void> Router::open(std::shared_ptr<Company> company, std::string server) {
  Opening opening(company, server);
  const auto caller = company->callers.find(server);
  if (caller == company->callers.end() || gates_.find(server) == nullptr) {
    opening.member().fault = "this server is not served any more";
    co_return;
  }
  auto conversation = std::make_shared<gateway::Conversation>();
  conversation->session.grant = caller->second.grant;
  conversation->session.principal = caller->second.principal;
  conversation->session.grant_policy = caller->second.policy;
  conversation->stream = std::make_shared<MemberStream>(company, server);
  if (!co_await introduce(company, server, conversation)) {
    parts_.log.warn("aggregate_member_missing", {{"server", server}, {"fault", opening.member().fault}, {"words", opening.member().words}});
    co_return;
  }
  // Limits, approvals and tasks of a session go on where its conversation is another one.
  conversation->session.name = company->client.session.name;
  opening.member().conversation = std::move(conversation);
  if (company->client.closed) co_return end_members(*company);
  if (company->initialized) [[maybe_unused]] const std::string nothing = co_await say(company, server, mcp::initialized_notification(), {});
  if (!company->level.empty()) [[maybe_unused]] const std::string nothing = co_await say(company, server, level_request(company->level), {});
}

net::Task<bool> Router::introduce(std::shared_ptr<Company> company, std::string server, std::shared_ptr<gateway::Conversation> conversation) {
  Member& member = company->members[server];
  json::Document document;
  const auto message = mcp::read_message(company->opening, document, mcp::Direction::from_client);
  gateway::Gate* gate = gates_.find(server);
  if (!message || gate == nullptr) co_return false;
  KeptAnswer kept(company, server);
  std::string failure;
  co_await gate->handle({.conversation = conversation, .message = *message, .revision = mcp::latest_legacy, .channel = kept, .failure = &failure});
  json::Document read;
  const auto answer = mcp::read_message(kept.text(), read, mcp::Direction::from_server, upstream::whole_answer);
  const auto opened = answer ? mcp::read_initialized(*answer) : std::unexpected(answer.error());
  if (!opened || conversation->session.id.empty()) {
    member.fault = reason_of(answer, failure);
    member.words = words_of(answer);
    co_return false;
  }
  member.capabilities = opened->capabilities.text();
  const auto instructions = answer->result.find("instructions");
  member.instructions = instructions && instructions->is_string() ? instructions->string() : std::string();
  co_return true;
}

/// Hands one message to a server whose conversation is open; its answer, or an empty text.
/// It is asked no longer once `over` is set. `failure` takes why there is no answer of the server's.
net::Task<std::string> Router::say(std::shared_ptr<Company> company, std::string server, std::string bytes, Origin origin, std::shared_ptr<const bool> over, std::string* failure) {
  const auto conversation = open_now(*company, server);
  gateway::Gate* gate = gates_.find(server);
  json::Document document;
  const auto message = mcp::read_message(bytes, document, mcp::Direction::from_client);
  if (!conversation || gate == nullptr || !message || (over && *over)) co_return std::string();
  KeptAnswer kept(company, server, std::move(origin.client), std::move(over));
  co_await gate->handle({.conversation = conversation, .message = *message, .revision = conversation->session.revision, .channel = kept, .trace = std::move(origin.trace), .failure = failure});
  co_return kept.text();
}

net::Task<void> Router::say_and_keep(std::shared_ptr<Company> company, std::shared_ptr<Questions> all, std::size_t which, std::string bytes, Expects expects) {
  const Questions::Over over(*all);
  const std::shared_ptr<const bool> no_longer(all, &all->given_up);
  Question& question = all->each[which];
  question.answer = co_await say(company, question.server, std::move(bytes), question.origin, expects == Expects::answer ? no_longer : nullptr);
  question.over = true;
}

/// To all that are open; returns when they have it, or the time for a slow one is
/// over. An answer is waited for no longer; a notification is still delivered.
net::Task<std::shared_ptr<Router::Questions>> Router::say_to_all(std::shared_ptr<Company> company, std::string bytes, Origin origin, Expects expects) {
  const auto all = std::make_shared<Questions>(parts_.loop);
  for (const auto& [server, member] : company->members) {
    if (open_now(*company, server)) all->each.push_back({.server = server, .origin = origin, .pages = {}, .answer = {}, .fault = {}});
  }
  all->under_way = all->each.size();
  for (std::size_t i = 0; i < all->each.size(); ++i) tasks_.spawn(say_and_keep(company, all, i, bytes, expects));
  co_await all->wait(parts_.loop, parts_.config.aggregate_wait);
  if (expects == Expects::answer) give_up(company, *all, bytes);
  co_return all;
}

void Router::end_members(Company& company) {
  for (auto& [server, member] : company.members) {
    gateway::Gate* gate = gates_.find(server);
    const auto conversation = std::exchange(member.conversation, nullptr);
    if (gate == nullptr || !conversation || conversation->closed) continue;
    if (gate->find_session(conversation->session.id, conversation->session.grant) == conversation) gate->end_session(conversation);
  }
}

}  // namespace callgate::aggregate
