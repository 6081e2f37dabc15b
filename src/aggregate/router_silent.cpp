// Servers that did not answer in time: nobody waits for them again before they do.
#include <algorithm>

#include "aggregate/listening.hpp"
#include "aggregate/questions.hpp"
#include "base/random.hpp"
#include "mcp/own_messages.hpp"

namespace callgate::aggregate {

namespace {

constexpr std::size_t most_silent = 1000;  ///< that are looked after; others are waited for each time
constexpr net::Duration shortest_pause = std::chrono::seconds(1);
constexpr net::Duration longest_pause = std::chrono::minutes(5);
/// Whoever asked for nothing so long will not hear that the server is back.
constexpr net::Duration longest_unused = std::chrono::minutes(10);

/// What a client that hears of the list would ask for again.
mcp::Lists lists_behind(mcp::MethodId method) {
  using enum mcp::MethodId;
  const bool all = method == initialize || method == server_discover;
  return {.tools = all || method == tools_list, .prompts = all || method == prompts_list, .resources = all || method == resources_list || method == resources_templates_list};
}

}  // namespace

/// A session has conversations of its own, so one of them that hangs is silent for
/// that session; whether a server opens any is the same for all of a caller's.
Router::Silent Router::silent_key(const Company& company, std::string_view server, mcp::MethodId method) {
  const bool of_caller = company.stateless() || method == mcp::MethodId::initialize;
  return {.whose = of_caller ? "grant " + company.client.session.grant : "session " + company.client.session.name, .server = std::string(server), .method = method};
}

bool Router::is_silent(const Company& company, std::string_view server, mcp::MethodId method) const {
  const auto known = [&](mcp::MethodId asked) {
    const auto found = silent_.find(silent_key(company, server, asked));
    return found != silent_.end() && found->second == Silence::known;
  };
  return known(method) || (!company.stateless() && !open_now(company, server) && known(mcp::MethodId::initialize));
}

/// Requests that stand alone come of many clients, all of whom are one caller where nobody has a grant: what one of
/// them asked in its own words may be slow for these words alone. Until the gate's own words are not answered either,
/// the others ask as before.
void Router::note_silent(const std::shared_ptr<Company>& company, const std::string& server, mcp::MethodId method) {
  if (stopping_ || silent_.size() >= most_silent) return;
  const Silent key = silent_key(*company, server, method);
  if (!silent_.emplace(key, Silence::doubted).second) return;
  if (!company->stateless()) know_silent(key);
  tasks_.spawn(look_again(company, server, method));
}

void Router::know_silent(const Silent& key) {
  silent_[key] = Silence::known;
  parts_.log.warn("aggregate_server_silent", {{"server", key.server}, {"method", mcp::method_name(key.method)}});
}

/// Asks a silent server again, less and less often, until it answers, or nobody is
/// there to hear of it. Its gate decides and records that as any other request.
net::Task<void> Router::look_again(std::shared_ptr<Company> company, std::string server, mcp::MethodId method) {
  const Silent key = silent_key(*company, server, method);
  const mcp::MethodId list = method == mcp::MethodId::initialize ? mcp::MethodId::tools_list : method;
  net::Duration pause = std::max<net::Duration>(parts_.config.aggregate_wait, shortest_pause);
  for (;;) {
    const auto found = silent_.find(key);
    if (found != silent_.end() && found->second == Silence::known) {
      co_await parts_.loop.sleep(pause);
      pause = std::min<net::Duration>(pause * 2, longest_pause);
    }
    const bool wanted = !stopping_ && silent_.contains(key) && !company->client.closed && company->callers.contains(server) && gates_.find(server) != nullptr &&
                        parts_.loop.now() - company->client.last_used < longest_unused;
    if (!wanted) break;
    const bool answered = co_await answers_the_gate(company, server, list);
    const auto still = silent_.find(key);
    if (still == silent_.end()) co_return;
    const bool was_known = still->second == Silence::known;
    if (!answered) {
      if (!was_known) know_silent(key);
      continue;
    }
    silent_.erase(still);
    // Who lists without a server that was only doubted asks for it again by itself.
    if (!was_known) co_return;
    parts_.log.info("aggregate_server_back", {{"server", server}, {"method", mcp::method_name(method)}});
    co_return tell_back(company->client.session.grant, lists_behind(method));
  }
  silent_.erase(key);
}

/// Whether it answers what the gate asks in its own words, in time.
net::Task<bool> Router::answers_the_gate(std::shared_ptr<Company> company, std::string server, mcp::MethodId list) {
  const auto all = std::make_shared<Questions>(parts_.loop);
  all->method = list;
  all->each.push_back({.server = server, .pages = {}, .answer = {}, .fault = {}});
  all->under_way = 1;
  const std::string request = mcp::plain_request(json::quoted("callgate-" + random_hex(16)), list, company->client.session.revision);
  tasks_.spawn(ask(company, all, 0, request));
  co_await all->wait(parts_.loop, parts_.config.aggregate_wait);
  const bool answered = all->each.front().over;
  give_up(company, *all, request);
  co_return answered;
}

/// To all of that caller: their lists lacked what the server has.
void Router::tell_back(std::string_view grant, mcp::Lists of) {
  for (const auto& [id, each] : companies_) {
    if (!each->client.stream || each->client.session.grant != grant) continue;
    const mcp::Lists theirs{.tools = true, .prompts = each->lists_prompts, .resources = each->lists_resources};
    for (const mcp::MethodId changed : theirs.among(of).changed()) each->client.stream->push(mcp::plain_notification(changed), {});
  }
  for (net::ListNode* node = listening_.next; node != &listening_; node = node->next) {
    auto& each = static_cast<Listening&>(*node);
    if (each.grant() != grant) continue;
    for (const mcp::MethodId changed : each.changes.among(of).changed()) [[maybe_unused]] const bool heard = each.push(mcp::subscribed_notification(changed, each.id()));
  }
}

void Router::forget_silent(const std::function<bool(std::string_view grant)>& may_stay) {
  std::erase_if(silent_, [&](const auto& each) {
    constexpr std::string_view of_grant = "grant ";
    const std::string& whose = each.first.whose;
    return whose.starts_with(of_grant) && !may_stay(std::string_view(whose).substr(of_grant.size()));
  });
}

}  // namespace callgate::aggregate
