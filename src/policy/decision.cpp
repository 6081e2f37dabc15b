#include "policy/decision.hpp"

#include <utility>

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

Decision stricter(Decision server, Decision grant) {
  const auto server_limits = server.limits;
  const auto grant_limits = grant.limits;
  auto own_limits = std::move(server.own_limits);
  auto own_grant_limits = std::move(grant.own_limits);
  const bool server_stands = server.verdict <= grant.verdict;
  Decision stands = server_stands ? std::move(server) : std::move(grant);
  Decision& other = server_stands ? grant : server;
  stands.by_grant = !server_stands;
  // Where both ask for a person, one answer serves both: it has to be good enough for either.
  if (other.verdict == Verdict::require_approval) stands.self_approval = stands.self_approval && other.self_approval;

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
