#include "cli/wish_draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "cli/granted_wish.hpp"
#include "cli/policy_files.hpp"
#include "cli/tool_classes.hpp"
#include "cli/tool_lists.hpp"
#include "generate/example.hpp"
#include "policy/load.hpp"
#include "registry/difference.hpp"

namespace callgate::cli {
namespace {

using admin::PolicyDraft;
using policy::Verdict;

std::string line_of(const Error& error) { return error.where.empty() ? error.message : error.where + ": " + error.message; }

/// Faults, warnings (as `--strict` has it) and tests of the draft's own text.
policy::Loaded check(PolicyDraft& draft, const policy::ToolList& tools) {
  policy::Loaded loaded = policy::load(draft.text, "draft", &tools);
  for (const auto* list : {&loaded.faults, &loaded.warnings}) {
    for (const Error& each : *list) draft.faults.push_back(line_of(each));
  }
  for (const policy::Expectation& each : loaded.expectations) {
    const policy::Outcome outcome = policy::run(*loaded.policy, each, &tools);
    draft.tests.push_back({.call = called(each.call), .verdict = std::string(policy::word(each.verdict)), .held = outcome.held});
    if (!outcome.held) draft.faults.push_back(fmt::format("{}: {}: {}", each.where, called(each.call), outcome.message));
  }
  return loaded;
}

/// One call of each tool as it is ordinarily made: one that the draft lets pass,
/// else one with the arguments that the tool's schema asks for.
class OrdinaryCalls {
 public:
  explicit OrdinaryCalls(std::span<const policy::Expectation> tests) : tests_(tests) {}

  std::optional<policy::Call> of(const std::string& tool, json::Value definition) const {
    const auto passes = std::ranges::find_if(tests_, [&](const policy::Expectation& each) {
      return each.call.name == tool && (each.verdict == Verdict::allow || each.verdict == Verdict::require_approval);
    });
    if (passes != tests_.end()) return passes->call;
    const auto schema = definition.find("inputSchema");
    const auto arguments = schema && schema->is_object() ? generate::ExampleMaker(*schema).required_arguments(*schema) : std::optional(generate::Arguments{});
    auto call = policy::parse_call(fmt::format(R"({{"tool":{},"arguments":{}}})", json::quoted(tool), generate::json_of(arguments.value_or(generate::Arguments{}))));
    return call ? std::optional(std::move(*call)) : std::nullopt;
  }

 private:
  std::span<const policy::Expectation> tests_;
};

Verdict verdict_of(const policy::Policy* policy, const policy::Call& call, const policy::ToolList& tools) {
  return policy == nullptr ? Verdict::deny : policy::judge_fresh(*policy, call, &tools).verdict;
}

void compare(PolicyDraft& draft, const policy::Loaded& fresh, const WishOrder& order, const policy::ToolList& tools, const Definitions& definitions) {
  const auto old = order.in_force.empty() ? policy::Loaded{} : policy::load(order.in_force, "policy", &tools);
  if (!order.in_force.empty() && old.policy == nullptr) draft.findings.emplace_back("the policy that it would replace has faults of its own: it is compared with one that refuses everything");
  const OrdinaryCalls calls(fresh.expectations);
  for (const json::Value definition : definitions.each) {
    const auto name = definition.is_object() ? definition.find("name") : std::nullopt;
    if (!name || !name->is_string()) continue;
    const auto call = calls.of(name->string(), definition);
    if (!call) continue;
    const Verdict before = verdict_of(old.policy.get(), *call, tools);
    const Verdict after = verdict_of(fresh.policy.get(), *call, tools);
    if (before != after) draft.changes.push_back(fmt::format("{}: `{}` -> `{}`", registry::visible(name->string()), policy::word(before), policy::word(after)));
  }
}

std::string effect_text(const generate::Generated& made, std::size_t listed, std::size_t changes) {
  return fmt::format("{}; {} of {} tools judged otherwise than now", generate::sentence(generate::effect_of(made.rules, listed)), changes, listed);
}

}  // namespace

admin::PolicyDraft draft_wish(const WishOrder& order, const std::stop_token& stop) {
  PolicyDraft draft{.server = order.server, .base = order.base};
  const auto definitions = read_definitions(order.tools);
  auto tools = policy::ToolList::parse(fmt::format(R"({{"tools":{}}})", order.tools), listed_tool_classes(order.rules));
  if (!definitions || !tools) {
    draft.faults.push_back(definitions ? tools.error().message : definitions.error().message);
    return draft;
  }
  ServerClasses judged = judge_tools(classify::Classifier(), definitions->each, order.rules);
  draft.findings = std::move(judged.lapsed);
  GrantedWish granted = grant_wish(order.wish, order.server, definitions->each, judged.tools, order.model, stop);
  generate::Wished& wished = granted.wished;
  draft.made_by = std::move(granted.made_by);
  draft.findings.insert(draft.findings.begin(), granted.notes.begin(), granted.notes.end());
  draft.faults = std::move(wished.faults);
  if (!draft.faults.empty()) return draft;
  draft.text = std::move(wished.policy.text);
  for (const std::string& name : wished.policy.left_out) draft.findings.push_back(fmt::format("no rule for `{}`: its name is no tool name or stands in the list twice, so it is refused", registry::visible(name)));
  const policy::Loaded fresh = check(draft, *tools);
  compare(draft, fresh, order, *tools, *definitions);
  draft.effect = effect_text(wished.policy, definitions->each.size(), draft.changes.size());
  return draft;
}

}  // namespace callgate::cli
