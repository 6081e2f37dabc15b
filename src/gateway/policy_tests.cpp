#include "gateway/policy_tests.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "gateway/gate_draft.hpp"

namespace callgate::gateway {

namespace {

/// Its definition is another one than the pinned, or it is missing at this moment: that is told elsewhere, and says
/// nothing of the policy.
bool is_in_doubt(const registry::ToolTable& table, std::string_view name) {
  if (const registry::Tool* tool = table.find(name)) return tool->state != registry::Tool::State::known;
  return std::ranges::any_of(table.drift(), [name](const registry::Drift& each) { return each.kind == registry::Drift::Kind::removed && each.tool == name; });
}

}  // namespace

PolicyTests::PolicyTests(const Parts& parts, const config::Server& server)
    : parts_(parts),
      server_(server),
      policy_as_file_(parts.metrics.gauge("callgate_policy_as_file", "1 while the policy in force of the server is its file as it was read last, 0 while that was refused.",
                                          {{"server", server.name}})),
      tests_unmet_(parts.metrics.gauge("callgate_policy_tests_unmet", "Tests in the policy file of the server (`expect`) that do not hold with the tools that it lists.",
                                       {{"server", server.name}})) {}

/// Of a server that is not served nothing is refused.
PolicyTests::~PolicyTests() {
  policy_as_file_.set(1);
  tests_unmet_.set(0);
}

void PolicyTests::look(std::shared_ptr<const policy::Policy> policy, Tables listed, Tables others) {
  policy_as_file_.set(parts_.policies.is_as_read(server_.policy) ? 1 : 0);
  Tested now{.policy = std::move(policy), .listed = std::move(listed), .others = std::move(others)};
  if (now == tested_) return;
  tested_ = std::move(now);
  std::vector<Error> unmet = run();
  const bool told = std::ranges::equal(unmet, unmet_, [](const Error& a, const Error& b) { return a.where == b.where && a.message == b.message; });
  unmet_ = std::move(unmet);
  tests_unmet_.set(static_cast<std::int64_t>(unmet_.size()));
  if (!told) tell();
}

/// Whether the tool's absence, or what it is now, is the policy's concern.
bool PolicyTests::may_be_unmet(const policy::Expectation& test, const registry::ToolTable& table) const {
  const std::string_view tool = test.call.name;
  if (is_in_doubt(table, tool)) return false;
  const auto lists_it = [tool](const auto& other) { return !other || other->find(tool) != nullptr; };
  return table.find(tool) != nullptr || (std::ranges::none_of(tested_.others, lists_it) && std::ranges::none_of(tested_.listed, lists_it));
}

/// What the file alone says was tried when it was read (`policy::broken`).
std::vector<Error> PolicyTests::run() const {
  std::vector<Error> unmet;
  for (const policy::Expectation& each : parts_.policies.expectations(server_.policy)) {
    if (!tested_.policy || each.call.action != policy::Action::tool_call) continue;
    for (const auto& table : tested_.listed) {
      const policy::Outcome outcome = policy::run(*tested_.policy, each, facts_of(table->find(each.call.name), server_.name));
      if (outcome.held || !may_be_unmet(each, *table)) continue;
      unmet.push_back({ErrorKind::invalid, fmt::format("{}: {}", called(each.call), outcome.message), each.where});
      break;
    }
  }
  return unmet;
}

void PolicyTests::tell() const {
  if (unmet_.empty()) return parts_.log.info("policy_tests_met", {{"server", server_.name}, {"file", server_.policy.string()}});
  parts_.log.warn("policy_tests_unmet", {{"server", server_.name}, {"file", server_.policy.string()}, {"count", unmet_.size()}, {"where", unmet_.front().where},
                                         {"first", unmet_.front().message}, {"effect", fmt::format("the policy is in force as it stands; see `callgate policy test FILE --server {}`", server_.name)}});
}

}  // namespace callgate::gateway
