#include "policy/decision.hpp"

#include <algorithm>
#include <utility>

#include "base/json.hpp"

namespace callgate::policy {
namespace {

bool may_pass(Verdict verdict) { return verdict >= Verdict::require_approval; }

}  // namespace

std::string_view word(Per per) {
  switch (per) {
    case Per::session: return "session";
    case Per::grant: return "grant";
    case Per::server: return "server";
  }
  return "";
}

ApprovalRule joined(const ApprovalRule& first, const ApprovalRule& second) {
  return {.timeout = std::min(first.timeout, second.timeout),
          .self = first.self && second.self,
          .rule_digest = json::quoted(first.rule_digest) + json::quoted(second.rule_digest)};
}

void join_approvals(Decision& stands, const Decision& first, const Decision& second) {
  if (first.approval == nullptr || second.approval == nullptr || stands.verdict != Verdict::require_approval) return;
  auto both = std::make_shared<const ApprovalRule>(joined(*first.approval, *second.approval));
  stands.approval = both.get();
  stands.own_approval = std::move(both);
}

Decision stricter(Decision server, Decision grant) {
  const auto server_limits = server.limits;
  const auto grant_limits = grant.limits;
  auto own_limits = std::move(server.own_limits);
  auto own_grant_limits = std::move(grant.own_limits);
  const bool server_stands = server.verdict <= grant.verdict;
  join_approvals(server_stands ? server : grant, server, grant);
  Decision stands = server_stands ? std::move(server) : std::move(grant);
  Decision& other = server_stands ? grant : server;
  stands.by_grant = !server_stands;

  // What could not be evaluated stays on record, whoever decided.
  for (std::string& fault : other.faults) stands.faults.push_back(std::move(fault));
  stands.limits = stands.grant_limits = {};
  if (!may_pass(stands.verdict)) return stands;
  stands.limits = server_limits;
  stands.grant_limits = grant_limits;
  stands.own_limits = std::move(own_limits);
  stands.own_grant_limits = std::move(own_grant_limits);
  return stands;
}

Decision denied_without_policy() {
  return {.verdict = Verdict::deny, .reason = "no policy allows this: the gateway has none for this caller"};
}

}  // namespace callgate::policy
