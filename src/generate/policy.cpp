#include "generate/policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "generate/policy_text.hpp"
#include "generate/suggest.hpp"
#include "generate/yaml_writer.hpp"
#include "policy/load.hpp"
#include "registry/fingerprint.hpp"
#include "registry/listing.hpp"

namespace callgate::generate {
namespace {

constexpr std::size_t many_rules = 500;  ///< from here on the tests of all may be too much for one file

/// The definitions of a list stand two levels below its root.
constexpr json::Limits list_limits = [] {
  json::Limits limits = registry::definition_limits;
  limits.max_depth += 2;
  return limits;
}();

bool is_clean(const std::string& text, const std::string& definition_list) {
  const auto list = policy::ToolList::parse(definition_list);
  if (!list) return false;
  const policy::Loaded loaded = policy::load(text, "policy", &*list);
  if (loaded.policy == nullptr || !loaded.warnings.empty()) return false;
  return std::ranges::all_of(loaded.expectations, [&](const policy::Expectation& each) { return policy::run(*loaded.policy, each, &*list).held; });
}

std::string list_of(std::string_view definition) { return fmt::format("{{\"tools\":[{}]}}", definition); }

/// What is left of a rule that did not hold: its action, which needs no more than the name.
void reduce(Rule& rule) {
  if (!rule.clauses.empty() || rule.closed || !rule.cases.empty()) rule.notes.emplace_back("its argument rules did not hold and were left out");
  rule.clauses.clear();
  rule.other_arguments.clear();
  rule.closed = false;
  rule.tests.clear();
  if (!rule.cases.empty() || rule.action == policy::Verdict::allow) rule.action = policy::Verdict::require_approval;
  rule.cases.clear();
  if (rule.reason == reason_of_modes) rule.reason.clear();
  // Nothing else holds off the modes that are refused.
  if (rule.leaves_out) {
    rule.action = std::min(rule.action, policy::Verdict::deny);
    rule.reason = "one of its acts does too much harm in one call";
  }
  if (rule.action <= policy::Verdict::deny) rule.limit.reset();
}

std::string name_of(json::Value definition) {
  const auto name = definition.find("name");
  return name && name->is_string() ? name->string() : std::string();
}

void reduce_faulty(std::vector<Rule>& rules, const std::string& definition_list, std::vector<std::string>& reduced) {
  const auto document = json::OwnedDocument::parse(definition_list, list_limits);
  const auto listed = document ? (*document)->root().find("tools") : std::nullopt;
  if (!listed) return;
  std::unordered_map<std::string, json::Value> by_name;
  for (const json::Value each : listed->elements()) by_name.emplace(name_of(each), each);
  for (Rule& rule : rules) {
    const auto definition = by_name.find(rule.tool);
    if (definition == by_name.end() || is_clean(policy_text({&rule, 1}, ""), list_of(definition->second.text()))) continue;
    reduce(rule);
    reduced.push_back(rule.tool);
  }
}

/// A file has a bound on its size, and tests are most of it: those beyond the first few of each rule go.
void thin_out(std::vector<Rule>& rules, std::size_t kept) {
  for (Rule& rule : rules) rule.tests.resize(std::min(rule.tests.size(), kept));
}

std::string plural(std::size_t count, std::string_view word) { return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s"); }

}  // namespace

std::string checked_text(std::vector<Rule>& rules, std::string_view heading, const std::string& definition_list, std::vector<std::string>* reduced) {
  std::string text = policy_text(rules, heading);
  for (const std::size_t kept : {3U, 1U, 0U}) {
    if (is_clean(text, definition_list)) return text;
    if (rules.size() < many_rules) break;
    thin_out(rules, kept);
    text = policy_text(rules, heading);
  }
  if (is_clean(text, definition_list)) return text;
  std::vector<std::string> names;
  reduce_faulty(rules, definition_list, names);
  text = policy_text(rules, heading);
  if (!is_clean(text, definition_list)) {
    // Each holds by itself and all together do not: none is believed.
    for (Rule& rule : rules) {
      if (rule.clauses.empty() && rule.cases.empty() && rule.tests.empty()) continue;
      reduce(rule);
      names.push_back(rule.tool);
    }
    text = policy_text(rules, heading);
  }
  if (reduced != nullptr) *reduced = std::move(names);
  return text;
}

namespace {

/// The definitions that can have a rule, each with what is said of it.
struct Listed {
  std::vector<std::size_t> proper;  ///< indices
  std::vector<std::string> left_out;
  std::string list;  ///< `{"tools": [...]}` of the proper ones
};

Listed proper_tools(std::span<const json::Value> definitions) {
  Listed listed;
  const registry::Listing listing = registry::read_listing(definitions);
  std::unordered_set<std::string_view> names;
  for (const registry::Listed& each : listing.tools) names.insert(each.name);
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    std::string name = name_of(definitions[i]);
    if (!names.contains(name)) {
      listed.left_out.push_back(std::move(name));
      continue;
    }
    listed.proper.push_back(i);
    listed.list += (listed.list.empty() ? "" : ",") + std::string(definitions[i].text());
  }
  listed.list = list_of(listed.list);
  return listed;
}

enum class Ranges : std::uint8_t { none, learned };

std::string heading(std::string_view server, std::size_t tools, bool learned, Ranges ranges = Ranges::none) {
  std::string text = fmt::format("A policy to start from, for {} of server `{}`.\n", plural(tools, "tool"), comment_line(server));
  text += "Made from what each tool does (docs/classification.md): reading is allowed, changing is limited, what runs\n";
  text += "or cannot be taken back asks a person or is refused. Read it, change it, then put it in force.";
  if (!learned) return text;
  text += "\nNarrowed to the calls of a journal: other tools, and arguments that were never sent, are refused.";
  text += ranges == Ranges::learned ? "\nRanges come from the shapes of arguments that it tells, with room."
                                    : "\nNo ranges are learned: they need `audit: {shapes: true}` while the calls are made.";
  return text;
}

/// How a rule was narrowed, in one line; empty where it was not.
std::string change_of(const Rule& before, const Rule& after, const Seen& seen) {
  std::string line;
  const auto add = [&line](const std::string& part) { line += (line.empty() ? "" : "; ") + part; };
  if (before.action != after.action) add(fmt::format("{} becomes {}", policy::word(before.action), policy::word(after.action)));
  if (after.limit && (!before.limit || before.limit->max != after.limit->max)) {
    const std::string from = before.limit ? fmt::format("{} in {}", before.limit->max, window_text(before.limit->window)) : "no limit";
    add(fmt::format("{} becomes {} in {}", from, after.limit->max, window_text(after.limit->window)));
  }
  std::string unused;
  for (const auto& [name, value] : after.outsiders) {
    if (name != "no_such_argument") unused += (unused.empty() ? "" : ", ") + comment_line(name, 60);
  }
  if (after.closed && !unused.empty()) add(fmt::format("no longer takes {}", unused));
  for (const Clause& clause : after.clauses) {
    if (!clause.learned.empty()) add(fmt::format("{}: {}", comment_line(clause.argument, 60), clause.learned));
  }
  return line.empty() ? line : fmt::format("~ {} (called {}): {}", after.tool, plural(seen.count(), "time"), line);
}

}  // namespace

Generated generate_policy(std::string_view server, std::span<const json::Value> definitions, std::span<const classify::Classification> tools, Language language) {
  Listed listed = proper_tools(definitions);
  const Siblings siblings(tools);
  Generated made{.left_out = std::move(listed.left_out)};
  for (const std::size_t i : listed.proper) made.rules.push_back(suggest(definitions[i], tools[i], siblings, language));
  made.text = checked_text(made.rules, heading(server, made.rules.size(), false), listed.list);
  return made;
}

Learned learn_policy(std::string_view server, std::span<const json::Value> definitions, std::span<const classify::Classification> tools,
                     const SeenTools& seen, Language language) {
  Listed listed = proper_tools(definitions);
  const Siblings siblings(tools);
  Learned learned{.policy = {.left_out = std::move(listed.left_out)}};
  const Ranges ranges = std::ranges::any_of(seen, [](const auto& each) { return each.second.shaped > 0; }) ? Ranges::learned : Ranges::none;
  for (const std::size_t i : listed.proper) {
    const Rule before = suggest(definitions[i], tools[i], siblings, language);
    const auto found = seen.find(before.tool);
    if (found == seen.end()) {
      if (before.action > policy::Verdict::deny) learned.changes.push_back(fmt::format("- {}: never called, so no rule: refused", before.tool));
      continue;
    }
    Rule after = suggest(definitions[i], tools[i], siblings, language, &found->second);
    if (std::string line = change_of(before, after, found->second); !line.empty()) learned.changes.push_back(std::move(line));
    learned.policy.rules.push_back(std::move(after));
  }
  learned.policy.text = checked_text(learned.policy.rules, heading(server, learned.policy.rules.size(), true, ranges), listed.list);
  return learned;
}

Effect effect_of(std::span<const Rule> rules, std::size_t listed) {
  Effect effect{.refused = listed - std::min(listed, rules.size())};
  for (const Rule& rule : rules) {
    if (rule.action == policy::Verdict::allow) ++effect.allowed;
    if (rule.action == policy::Verdict::require_approval) ++effect.asked;
    if (rule.action == policy::Verdict::deny) ++effect.refused;
    if (rule.action == policy::Verdict::hide) ++effect.hidden;
    if (rule.action <= policy::Verdict::deny) continue;
    effect.checked += rule.clauses.empty() ? 0U : 1U;
    effect.limited += rule.limit || std::ranges::any_of(rule.cases, [](const Case& each) { return each.limit.has_value(); }) ? 1U : 0U;
  }
  return effect;
}

std::string sentence(const Effect& effect) {
  return fmt::format("{} callable, {} {} a person, {} refused, {} hidden", plural(effect.allowed, "tool"), effect.asked, effect.asked == 1 ? "asks" : "ask",
                     effect.refused, effect.hidden);
}

}  // namespace callgate::generate
