#include "cli/wish_draft.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <utility>

#include "cli/granted_wish.hpp"
#include "cli/policy_files.hpp"
#include "cli/tool_classes.hpp"
#include "cli/tool_lists.hpp"
#include "generate/example.hpp"
#include "generate/wish_standing.hpp"
#include "policy/load.hpp"
#include "registry/difference.hpp"

namespace callgate::cli {
namespace {

using admin::PolicyDraft;
using policy::Verdict;

std::string line_of(const Error& error) { return error.where.empty() ? error.message : error.where + ": " + error.message; }

/// What only says that a rule of the policy in force stands for no tool that is listed: one
/// that comes later may still be judged by it.
bool is_idle(const std::string& warning) { return warning.ends_with("never decides: every listed tool that it matches has a nearer rule") || warning.ends_with("decides for no listed tool"); }

/// Faults, warnings (as `--strict` has it) and tests of the draft's own text. What the policy in force
/// was warned of before is no reason against the draft.
policy::Loaded check_draft(PolicyDraft& draft, const policy::ToolList& tools, const policy::Loaded& old) {
  policy::Loaded loaded = policy::load(draft.text, "draft", &tools);
  for (const Error& each : loaded.faults) draft.faults.push_back(line_of(each));
  for (const Error& each : loaded.warnings) {
    const bool was_there = std::ranges::find(old.warnings, each.message, &Error::message) != old.warnings.end();
    (old.policy != nullptr && (was_there || is_idle(each.message)) ? draft.findings : draft.faults).push_back(line_of(each));
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

/// Tells calls that are judged otherwise than now: of each tool the ordinary one, and
/// the calls of both policies' own tests where they say more.
class Comparison {
 public:
  Comparison(PolicyDraft& draft, const policy::Policy* old, const policy::Policy& fresh, const policy::ToolList& tools) : draft_(draft), old_(old), fresh_(fresh), tools_(tools) {}

  void ordinary(const std::string& tool, const policy::Call& call) {
    if (judge(call, registry::visible(tool))) ++changed_;
  }

  void tests(std::span<const policy::Expectation> expectations) {
    for (const policy::Expectation& each : expectations) {
      const bool tool = each.call.action == policy::Action::tool_call;
      const std::string with = each.call.arguments == nullptr ? "" : fmt::format(" {}", shortened((*each.call.arguments).root().text()));
      // One refusal in the place of another lets nobody do more or less.
      if (verdict_of(old_, each.call, tools_) < Verdict::rate_limited && verdict_of(&fresh_, each.call, tools_) < Verdict::rate_limited) continue;
      judge(each.call, tool ? registry::visible(each.call.name) + with : called(each.call));
    }
  }

  std::size_t changed() const { return changed_; }

 private:
  static std::string shortened(std::string_view text) {
    constexpr std::size_t most = 120;
    return registry::visible(text.size() <= most ? text : text.substr(0, most)) + (text.size() <= most ? "" : "…");
  }

  bool judge(const policy::Call& call, const std::string& shown) {
    const Verdict before = verdict_of(old_, call, tools_);
    const Verdict after = verdict_of(&fresh_, call, tools_);
    if (before == after || !told_.emplace(call.name, before, after).second) return false;
    draft_.changes.push_back(fmt::format("{}: `{}` -> `{}`", shown, policy::word(before), policy::word(after)));
    return true;
  }

  PolicyDraft& draft_;
  const policy::Policy* old_;
  const policy::Policy& fresh_;
  const policy::ToolList& tools_;
  std::set<std::tuple<std::string, Verdict, Verdict>> told_;
  std::size_t changed_ = 0;
};

std::size_t compare(PolicyDraft& draft, const policy::Loaded& old, const policy::Loaded& fresh, const policy::ToolList& tools, const Definitions& definitions) {
  Comparison comparison(draft, old.policy.get(), *fresh.policy, tools);
  const OrdinaryCalls calls(fresh.expectations);
  for (const json::Value definition : definitions.each) {
    const auto name = definition.is_object() ? definition.find("name") : std::nullopt;
    if (!name || !name->is_string()) continue;
    if (const auto call = calls.of(name->string(), definition)) comparison.ordinary(name->string(), *call);
  }
  comparison.tests(fresh.expectations);
  comparison.tests(old.expectations);
  return comparison.changed();
}

/// What the draft takes from the policy in force, beside what single calls show.
std::string taken_text(bool stands, std::size_t dropped) {
  if (!stands) return "there is no policy to lay it over: without one nothing is callable";
  if (dropped == 0) return "of the policy in force nothing is dropped or replaced";
  return fmt::format("{} of the policy in force {} dropped, replaced or loosened: see the changes", dropped == 1 ? "1 part" : fmt::format("{} parts", dropped), dropped == 1 ? "is" : "are");
}

}  // namespace

generate::Effect effect_of(const policy::Loaded& policy, const policy::ToolList& tools, std::size_t listed) {
  generate::Effect effect;
  for (const policy::KnownTool& tool : tools.tools()) {
    const Verdict most = generate::standing_action({{}, policy, tools}, tool.name);
    ++(most == Verdict::allow ? effect.allowed : most == Verdict::require_approval ? effect.asked : most == Verdict::hide ? effect.hidden : effect.refused);
  }
  effect.refused += listed - std::min(listed, tools.tools().size());
  return effect;
}

admin::PolicyDraft draft_wish(const WishOrder& order, const std::stop_token& stop) {
  PolicyDraft draft{.server = order.server, .base = order.base};
  const auto definitions = read_definitions(order.tools);
  auto tools = policy::ToolList::parse(fmt::format(R"({{"tools":{}}})", order.tools), listed_tool_classes(order.rules));
  if (!definitions || !tools) {
    draft.faults.push_back(definitions ? tools.error().message : definitions.error().message);
    return draft;
  }
  const policy::Loaded old = order.in_force.empty() ? policy::Loaded{} : policy::load(order.in_force, "policy", &*tools);
  if (!order.in_force.empty() && old.policy == nullptr) {
    draft.faults.emplace_back("the policy in force has faults of its own, so no wish can be laid over it: mend it first, see `callgate policy check`");
    return draft;
  }
  const generate::Standing standing{order.in_force, old, *tools};
  ServerClasses judged = judge_tools(classify::Classifier(), definitions->each, order.rules);
  draft.findings = std::move(judged.lapsed);
  GrantedWish granted = grant_wish(order.wish, order.server, definitions->each, judged.tools, order.model, stop, old.policy == nullptr ? nullptr : &standing);
  generate::Wished& wished = granted.wished;
  draft.made_by = std::move(granted.made_by);
  draft.findings.insert(draft.findings.begin(), granted.notes.begin(), granted.notes.end());
  draft.findings.insert(draft.findings.end(), wished.notes.begin(), wished.notes.end());
  draft.faults = std::move(wished.faults);
  if (!draft.faults.empty()) return draft;
  draft.text = std::move(wished.policy.text);
  for (const std::string& name : wished.policy.left_out) draft.findings.push_back(fmt::format("no rule for `{}`: its name is no tool name or stands in the list twice, so it is refused", registry::visible(name)));
  const policy::Loaded fresh = check_draft(draft, *tools, old);
  if (fresh.policy == nullptr) return draft;
  const std::size_t changed = compare(draft, old, fresh, *tools, *definitions);
  for (const std::string& each : wished.dropped) draft.changes.push_back(registry::visible(each));
  draft.effect = fmt::format("{}; {} of {} tools judged otherwise than now; {}", generate::sentence(effect_of(fresh, *tools, definitions->each.size())), changed, definitions->each.size(),
                             taken_text(old.policy != nullptr, wished.dropped.size()));
  return draft;
}

}  // namespace callgate::cli
