#include "cli/wish_worker.hpp"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "base/sha256.hpp"
#include "cli/kept_list.hpp"
#include "config/text_file.hpp"

namespace callgate::cli {
namespace {

/// As `policy::Policy::hash`.
std::string hash_of(std::string_view text) { return "sha256:" + sha256_hex(text); }

Result<std::string> policy_text(const config::Server& server) {
  auto text = config::read_text(server.policy, config::Writers::owner_only);
  if (!text && text.error().kind == ErrorKind::not_found) return std::string();
  return text;
}

Result<void> unchanged(const admin::DraftBase& then, const admin::DraftBase& now) {
  if (then.policy != now.policy) return fail(ErrorKind::conflict, "the policy file has changed since the draft was made: look at it, and make a new draft");
  if (then.tools != now.tools) return fail(ErrorKind::conflict, "the server's tools have changed since the draft was made: make a new one");
  return {};
}

}  // namespace

Result<WishOrder> WishWorker::order_for(std::string_view name) const {
  const config::Server* server = parts_.config.find_server(name);
  if (server == nullptr) return fail(ErrorKind::not_found, fmt::format("there is no server `{}`", name));
  const auto list = newest_pinned(parts_.store, server->name, server->address());
  if (!list) return std::unexpected(list.error());
  if (!*list) return fail(ErrorKind::conflict, fmt::format("no tools of `{}` are pinned yet: let it be listed once", name));
  auto in_force = policy_text(*server);
  if (!in_force) return std::unexpected(in_force.error());
  WishOrder order{.server = server->name, .tools = pinned_array(**list), .rules = ClassRules::of(*server), .in_force = std::move(*in_force), .model = parts_.model};
  order.base = {.policy = hash_of(order.in_force), .tools = hash_of(server->address() + '\n' + order.tools)};
  return order;
}

Result<void> WishWorker::begin(std::string_view server, std::string wish, Done done) {
  auto order = order_for(server);
  if (!order) return std::unexpected(order.error());
  order->wish = std::move(wish);
  const auto place = running_.emplace(running_.end());
  *place = std::jthread([this, place, inbox = parts_.loop.inbox(), order = std::move(*order), done = std::move(done)](const std::stop_token& stop) {
    auto draft = std::make_shared<admin::PolicyDraft>(draft_wish(order, stop));
    // Runs on the loop, or never: then the worker is about to go.
    inbox->post([this, place, draft, done] {
      running_.erase(place);
      parts_.log.info("wish_drafted", {{"server", draft->server}, {"made_by", draft->made_by}, {"tests", draft->tests.size()}, {"faults", draft->faults.size()}});
      done(std::move(*draft));
    });
  });
  return {};
}

/// A file that several stand behind is not replaced for one of them.
Result<void> WishWorker::nobody_elses(const config::Server& server) const {
  const auto shared_with = [&](std::string_view kind, std::string_view name) {
    return fail(ErrorKind::conflict, fmt::format("the policy file of `{}` is that of {} `{}` too: give the server a file of its own", server.name, kind, name));
  };
  for (const config::Server& other : parts_.config.servers) {
    if (other.name != server.name && other.policy == server.policy) return shared_with("server", other.name);
  }
  const auto grants = parts_.store.grants().list();
  if (!grants) return std::unexpected(grants.error());
  for (const store::Grant& grant : *grants) {
    if (grant.policy == server.policy && !grant.revoked_ms) return shared_with("grant", grant.name);
  }
  return {};
}

Result<std::string> WishWorker::apply(const admin::PolicyDraft& draft) {
  if (!draft.faults.empty() || draft.text.empty()) return fail(ErrorKind::conflict, "the draft has faults");
  const auto now = order_for(draft.server);
  if (!now) return std::unexpected(now.error());
  // A copy: taking the policy up may take up other servers as well.
  const config::Server server = *parts_.config.find_server(draft.server);
  // What was checked when it was drafted holds as long as both are the same.
  for (const auto& step : {unchanged(draft.base, now->base), nobody_elses(server)}) {
    if (!step) return std::unexpected(step.error());
  }
  if (!now->in_force.empty()) {
    if (auto kept = config::write_text(server.policy.string() + ".before", now->in_force); !kept) return std::unexpected(kept.error());
  }
  if (auto written = config::write_text(server.policy, draft.text); !written) return std::unexpected(written.error());
  parts_.policy_written(server.policy);
  const std::string hash = hash_of(draft.text);
  const auto in_force = parts_.policies.find(server.policy);
  if (!in_force || in_force->hash() != hash)
    return fail(ErrorKind::unavailable, fmt::format("the policy is written, but not in force: see `callgate policy check {}`", server.policy.string()));
  parts_.log.info("wish_applied", {{"server", server.name}, {"file", server.policy.string()}, {"before", draft.base.policy}, {"policy", hash}});
  return hash;
}

}  // namespace callgate::cli
