// The policy in force, held against its own file and against the tools that the server lists.
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

void Gate::note_policy(Tables others) {
  policy_as_file_.set(parts_.policies.is_as_read(server_.policy) ? 1 : 0);
  Tested now{.policy = policy(), .tables = {}, .others = std::move(others)};
  for (const mcp::Era era : {mcp::Era::legacy, mcp::Era::modern}) {
    if (const auto& table = tools_.known(era).table) now.tables.push_back(table);
  }
  if (now == tested_) return;
  tested_ = std::move(now);
  test_policy();
}

/// Whether the tool's absence, or what it is now, is the policy's concern.
bool Gate::may_be_unmet(const policy::Expectation& test, const registry::ToolTable& table) const {
  const std::string_view tool = test.call.name;
  if (is_in_doubt(table, tool)) return false;
  const auto lists_it = [tool](const auto& other) { return !other || other->find(tool) != nullptr; };
  return table.find(tool) != nullptr || (std::ranges::none_of(tested_.others, lists_it) && std::ranges::none_of(tested_.tables, lists_it));
}

/// What the file alone says was tried when it was read (`policy::broken`). A test that the tools break refuses
/// nothing: calls go on by the policy as it stands, and its author hears of it.
void Gate::test_policy() {
  std::vector<Error> unmet;
  for (const policy::Expectation& each : parts_.policies.expectations(server_.policy)) {
    if (!tested_.policy || each.call.action != policy::Action::tool_call) continue;
    for (const auto& table : tested_.tables) {
      const policy::Outcome outcome = policy::run(*tested_.policy, each, facts_of(table->find(each.call.name), server_.name));
      if (outcome.held || !may_be_unmet(each, *table)) continue;
      unmet.push_back({ErrorKind::invalid, fmt::format("{}: {}", called(each.call), outcome.message), each.where});
      break;
    }
  }
  const bool told = std::ranges::equal(unmet, unmet_tests_, [](const Error& a, const Error& b) { return a.where == b.where && a.message == b.message; });
  unmet_tests_ = std::move(unmet);
  tests_unmet_.set(static_cast<std::int64_t>(unmet_tests_.size()));
  if (told) return;
  if (unmet_tests_.empty()) return parts_.log.info("policy_tests_met", {{"server", server_.name}, {"file", server_.policy.string()}});
  parts_.log.warn("policy_tests_unmet", {{"server", server_.name}, {"file", server_.policy.string()}, {"count", unmet_tests_.size()}, {"where", unmet_tests_.front().where},
                                         {"first", unmet_tests_.front().message}, {"effect", fmt::format("the policy is in force as it stands; see `callgate policy test FILE --server {}`", server_.name)}});
}

}  // namespace callgate::gateway
