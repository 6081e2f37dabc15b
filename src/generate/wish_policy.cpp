#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "classify/classification.hpp"
#include "generate/policy_text.hpp"
#include "generate/property.hpp"
#include "generate/trial.hpp"
#include "generate/wish.hpp"
#include "generate/yaml_writer.hpp"
#include "policy/glob.hpp"
#include "registry/listing.hpp"
#include "schema/schema.hpp"

namespace callgate::generate {
namespace {

using policy::Verdict;

/// How near a target is to a tool; 0: not about it. Among patterns the one with the most plain characters.
std::size_t nearness(const Wish::Target& target, const classify::Classification& tool) {
  switch (target.on) {
    case Wish::On::everything: return 1;
    case Wish::On::category: return classify::word(tool.category) == target.name ? 2 : 0;
    case Wish::On::risk: return tool.risk >= classify::risk_of(target.name).value_or(classify::Risk::critical) ? 2 : 0;
    case Wish::On::pattern:
      if (!policy::Glob(target.name).matches(tool.tool)) return 0;
      return 3 + static_cast<std::size_t>(std::ranges::count_if(target.name, [](char c) { return c != '*' && c != '?'; }));
    case Wish::On::tool: return target.name == tool.tool ? SIZE_MAX : 0;
  }
  return 0;
}

std::size_t nearness(const Wish& wish, const classify::Classification& tool) {
  std::size_t nearest = 0;
  for (const Wish::Target& target : wish.targets) nearest = std::max(nearest, nearness(target, tool));
  return nearest;
}

class Granting {
 public:
  Granting(std::span<const Wish> wishes, std::vector<std::string>& faults) : wishes_(wishes), faults_(faults) {}

  /// The rule of one tool; nothing where no clause speaks of it.
  std::optional<Rule> rule_for(json::Value definition, const classify::Classification& tool) {
    Rule rule{.tool = tool.tool};
    std::size_t action_near = 0;
    std::size_t limit_near = 0;
    std::size_t nearest = 0;
    for (const Wish& wish : wishes_) nearest = std::max(nearest, nearness(wish, tool));
    if (nearest == 0) return std::nullopt;
    rule.action = Verdict::allow;
    for (const Wish& wish : wishes_) {
      const std::size_t near = nearness(wish, tool);
      if (near == 0) continue;
      if (wish.action && near == action_near && rule.action != *wish.action) conflict(tool, rule.action, *wish.action);
      if (wish.action && near > action_near) {
        rule.action = *wish.action;
        action_near = near;
      }
      if (wish.limit && near >= limit_near) {
        rule.limit = wish.limit;
        limit_near = near;
      }
      if (near == nearest) add_conditions(rule, wish, definition, tool);
    }
    if (rule.action <= Verdict::deny) {
      rule.limit.reset();
      rule.clauses.clear();
    }
    try_rule(rule, definition);
    return rule;
  }

 private:
  void conflict(const classify::Classification& tool, Verdict one, Verdict other) {
    faults_.push_back(fmt::format("`{}` would be both `{}` and `{}`: name it in one clause", comment_line(tool.tool), policy::word(one), policy::word(other)));
  }

  void add_conditions(Rule& rule, const Wish& wish, json::Value definition, const classify::Classification& tool) {
    const auto schema = definition.find("inputSchema");
    const auto properties = schema ? schema->find("properties") : std::nullopt;
    for (const WishCondition& condition : wish.conditions) {
      if (properties && properties->find(condition.argument)) {
        rule.clauses.push_back({.argument = condition.argument, .schema = condition.schema, .comment = "as wished", .required = true});
      } else {
        faults_.push_back(fmt::format("`{}` has no argument `{}`", comment_line(tool.tool), comment_line(condition.argument)));
      }
    }
  }

  /// Gives it tests. A condition is kept also where no call can show what it does.
  static void try_rule(Rule& rule, json::Value definition) {
    const auto schema = definition.find("inputSchema");
    const bool usable = schema && schema->is_object();
    std::shared_ptr<const schema::Schema> own;
    if (schema) own = schema::Schema::compile(*schema).value_or(nullptr);
    ExampleMaker maker(usable ? *schema : definition);
    const std::vector<Clause> wished = rule.clauses;
    Trial(own.get(), usable ? maker.required_arguments(*schema) : Arguments{}).run(rule, usable ? *schema : definition);
    if (rule.clauses.size() == wished.size()) return;
    rule.clauses = wished;
    rule.tests.clear();
  }

  std::span<const Wish> wishes_;
  std::vector<std::string>& faults_;
};

}  // namespace

Wished wish_policy(std::string_view sentence, std::string_view server, std::span<const json::Value> definitions, std::span<const classify::Classification> tools, std::string_view said) {
  Wished wished;
  const registry::Listing listing = registry::read_listing(definitions);
  std::vector<std::string> names;
  for (const registry::Listed& each : listing.tools) names.push_back(each.name);
  ReadWish read = read_wish(sentence, names);
  wished.faults = std::move(read.not_understood);
  Granting granting(read.wishes, wished.faults);
  std::string list;
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    if (std::ranges::find(names, tools[i].tool) == names.end()) continue;
    list += (list.empty() ? "" : ",") + std::string(definitions[i].text());
    if (auto rule = granting.rule_for(definitions[i], tools[i])) wished.policy.rules.push_back(std::move(*rule));
  }
  if (wished.faults.empty() && wished.policy.rules.empty()) wished.faults.emplace_back("no listed tool is meant by it");
  if (!wished.faults.empty()) {
    wished.policy = {};
    return wished;
  }
  const std::string own = said.empty() ? std::string() : fmt::format("{}\nwhich a model put as:\n  ", comment_line(said, 400));
  const std::string heading = fmt::format("A draft, for server `{}`, of the wish:\n  {}{}\nTools that it does not speak of are refused.", comment_line(server), own, comment_line(sentence, 400));
  std::vector<std::string> reduced;
  wished.policy.text = checked_text(wished.policy.rules, heading, "{\"tools\":[" + list + "]}", &reduced);
  // A wish is kept whole or not at all.
  for (const std::string& each : reduced) wished.faults.push_back(fmt::format("what is wished for `{}` cannot be written as a rule that holds", comment_line(each)));
  if (!wished.faults.empty()) wished.policy = {};
  return wished;
}

}  // namespace callgate::generate
