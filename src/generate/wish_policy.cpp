#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "classify/classification.hpp"
#include "generate/policy_text.hpp"
#include "generate/trial.hpp"
#include "generate/wish.hpp"
#include "generate/wish_condition.hpp"
#include "generate/wish_standing.hpp"
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
    case Wish::On::everything:
    case Wish::On::rest: return 1;
    case Wish::On::category: return classify::word(tool.category) == target.name ? 2 : 0;
    case Wish::On::risk: return tool.risk >= classify::risk_of(target.name).value_or(classify::Risk::critical) ? 2 : 0;
    case Wish::On::pattern:
      if (!policy::Glob(target.name).matches(tool.tool)) return 0;
      return 3 + static_cast<std::size_t>(std::ranges::count_if(target.name, [](char c) { return c != '*' && c != '?'; }));
    case Wish::On::tool: return target.name == tool.tool ? SIZE_MAX : 0;
  }
  return 0;
}

/// `everything else` is nothing here: see `nearest_of`.
std::size_t nearness(const Wish& wish, const classify::Classification& tool) {
  std::size_t nearest = 0;
  for (const Wish::Target& target : wish.except) {
    if (nearness(target, tool) > 0) return 0;
  }
  for (const Wish::Target& target : wish.targets) nearest = std::max(nearest, target.on == Wish::On::rest ? 0 : nearness(target, tool));
  return nearest;
}

/// How near each of the wishes is to a tool. What no wish speaks of is what those mean that say `everything else`.
std::vector<std::size_t> nearness_of_all(std::span<const Wish> wishes, const classify::Classification& tool) {
  std::vector<std::size_t> all;
  for (const Wish& wish : wishes) all.push_back(nearness(wish, tool));
  if (std::ranges::any_of(all, [](std::size_t near) { return near > 0; })) return all;
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    const auto means = [&](const Wish::Target& target) { return nearness(target, tool) > 0; };
    if (std::ranges::any_of(wishes[i].targets, means) && std::ranges::none_of(wishes[i].except, means)) all[i] = 1;
  }
  return all;
}

class Granting {
 public:
  Granting(std::span<const Wish> wishes, const Standing* standing, Wished& wished) : wishes_(wishes), standing_(standing), wished_(wished), used_(wishes.size()) {}

  /// The rule of one tool; nothing where no clause speaks of it, or only a limit of what nobody lets it do.
  std::optional<Rule> rule_for(json::Value definition, const classify::Classification& tool) {
    const std::vector<std::size_t> near = nearness_of_all(wishes_, tool);
    const std::size_t nearest = near.empty() ? 0 : std::ranges::max(near);
    if (nearest == 0) return std::nullopt;
    Rule rule{.tool = tool.tool};
    std::size_t action_near = 0;
    for (std::size_t i = 0; i < wishes_.size(); ++i) {
      const Wish& wish = wishes_[i];
      if (near[i] == 0 || !wish.action) continue;
      used_[i] = true;
      if (near[i] == action_near && rule.action != *wish.action) conflict(tool, rule.action, *wish.action);
      if (near[i] <= action_near) continue;
      rule.action = *wish.action;
      action_near = near[i];
    }
    // A limit grants nothing: it bounds what is let through already.
    if (action_near == 0 && !stands(rule)) return std::nullopt;
    if (action_near == 0) only_limited_.insert(rule.tool);
    take_limit(rule, near);
    for (std::size_t i = 0; i < wishes_.size(); ++i) {
      if (near[i] == nearest) add_conditions(rule, wishes_[i], definition, tool);
    }
    if (rule.action <= Verdict::deny) {
      rule.limit.reset();
      rule.clauses.clear();
    }
    try_rule(rule, definition);
    return rule;
  }

  /// Tools whose action no clause speaks of.
  const std::set<std::string>& only_limited() const { return only_limited_; }

  /// Clauses that meant nothing are not passed over.
  void tell_unused() {
    for (std::size_t i = 0; i < wishes_.size(); ++i) {
      if (used_[i]) continue;
      wished_.faults.push_back(wishes_[i].limit && !wishes_[i].action
                                   ? fmt::format("the limit of {} in {} limits nothing: no tool that it speaks of is let through by {}; a limit grants nothing, so say `allow` or `ask before` as well", wishes_[i].limit->max,
                                                 window_text(wishes_[i].limit->window), standing_ == nullptr ? "another clause" : "another clause or by the policy in force")
                                   : "a clause means no listed tool: " + targets_of(wishes_[i]));
    }
    if (limits_) wished_.notes.emplace_back("a wished limit counts each tool by itself, in each session: `per` in the policy counts otherwise");
  }

 private:
  static std::string targets_of(const Wish& wish) {
    std::string text;
    for (const Wish::Target& target : wish.targets) text += fmt::format("{}`{}`", text.empty() ? "" : ", ", target.name.empty() ? std::string("everything") : comment_line(target.name));
    return text;
  }

  /// What the policy in force does with a tool; false where that lets no call through.
  bool stands(Rule& rule) const {
    if (standing_ == nullptr) return false;
    rule.action = standing_action(*standing_, rule.tool);
    return rule.action > Verdict::deny;
  }

  void take_limit(Rule& rule, std::span<const std::size_t> near) {
    std::size_t limit_near = 0;
    for (std::size_t i = 0; i < wishes_.size(); ++i) {
      if (near[i] == 0 || !wishes_[i].limit || rule.action <= Verdict::deny) continue;
      used_[i] = true;
      limits_ = true;
      if (near[i] < limit_near) continue;
      rule.limit = wishes_[i].limit;
      limit_near = near[i];
    }
  }

  void conflict(const classify::Classification& tool, Verdict one, Verdict other) {
    wished_.faults.push_back(fmt::format("`{}` would be both `{}` and `{}`: name it in one clause", comment_line(tool.tool), policy::word(one), policy::word(other)));
  }

  void add_conditions(Rule& rule, const Wish& wish, json::Value definition, const classify::Classification& tool) {
    const auto schema = definition.find("inputSchema");
    const auto properties = schema && schema->is_object() ? schema->find("properties") : std::nullopt;
    std::vector<WishCondition> all;
    for (const Clause& clause : rule.clauses) all.push_back({clause.argument, clause.schema});
    for (const WishCondition& condition : wish.conditions) add_condition(all, condition);
    rule.clauses.clear();
    for (const WishCondition& condition : all) {
      const auto property = properties && properties->is_object() ? properties->find(condition.argument) : std::nullopt;
      if (!property) {
        wished_.faults.push_back(fmt::format("`{}` has no argument `{}`", comment_line(tool.tool), comment_line(condition.argument)));
        continue;
      }
      const ExampleMaker maker(*schema);
      TriedCondition tried = try_condition(condition, tool.tool, *property, maker);
      if (!tried.fault.empty()) wished_.faults.push_back(std::move(tried.fault));
      // Kept also where no call can show what it does.
      rule.clauses.push_back({.argument = condition.argument, .schema = condition.schema, .comment = "as wished", .good = std::move(tried.good), .bad = std::move(tried.bad), .required = true, .kept = true});
    }
  }

  /// Gives it tests: of a call at the border of what is wished, where the tool takes one.
  static void try_rule(Rule& rule, json::Value definition) {
    const auto schema = definition.find("inputSchema");
    const bool usable = schema && schema->is_object();
    std::shared_ptr<const schema::Schema> own;
    if (schema) own = schema::Schema::compile(*schema).value_or(nullptr);
    ExampleMaker maker(usable ? *schema : definition);
    std::optional<Arguments> base = usable ? maker.required_arguments(*schema) : Arguments{};
    if (base) {
      Arguments border = *base;
      for (const Clause& clause : rule.clauses) {
        if (!clause.good.empty()) set_member(border, clause.argument, clause.good);
      }
      const auto document = json::OwnedDocument::parse(json_of(border));
      if (document && (own == nullptr || !own->validate((*document)->root()))) base = std::move(border);
    }
    Trial(own.get(), std::move(base)).run(rule, usable ? *schema : definition);
  }

  std::span<const Wish> wishes_;
  const Standing* standing_;
  Wished& wished_;
  std::vector<bool> used_;  ///< each wish: did it decide anything
  std::set<std::string> only_limited_;
  bool limits_ = false;
};

}  // namespace

Wished wish_policy(std::string_view sentence, std::string_view server, std::span<const json::Value> definitions, std::span<const classify::Classification> tools, std::string_view said, const Standing* standing) {
  Wished wished;
  const registry::Listing listing = registry::read_listing(definitions);
  std::vector<std::string> names;
  for (const registry::Listed& each : listing.tools) names.push_back(each.name);
  ReadWish read = read_wish(sentence, names);
  wished.faults = std::move(read.not_understood);
  Granting granting(read.wishes, standing, wished);
  std::string list;
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    if (std::ranges::find(names, tools[i].tool) == names.end()) continue;
    list += (list.empty() ? "" : ",") + std::string(definitions[i].text());
    if (auto rule = granting.rule_for(definitions[i], tools[i])) wished.policy.rules.push_back(std::move(*rule));
  }
  if (wished.faults.empty()) granting.tell_unused();
  if (wished.faults.empty() && wished.policy.rules.empty()) wished.faults.emplace_back("no listed tool is meant by it");
  if (!wished.faults.empty()) {
    wished.policy = {};
    return wished;
  }
  const std::string own = said.empty() ? std::string() : fmt::format("{}\nwhich a model put as:\n  ", comment_line(said, 400));
  const std::string wish = own + comment_line(sentence, 400);
  if (standing != nullptr) {
    lay_over(wished, *standing, fmt::format("Changed, for server `{}`, by the wish:\n  {}\nWhat it does not speak of is as it was.", comment_line(server), wish), granting.only_limited());
  } else {
    const std::string heading = fmt::format("A draft, for server `{}`, of the wish:\n  {}\nTools that it does not speak of are refused.", comment_line(server), wish);
    std::vector<std::string> reduced;
    wished.policy.text = checked_text(wished.policy.rules, heading, "{\"tools\":[" + list + "]}", &reduced);
    // A wish is kept whole or not at all.
    for (const std::string& each : reduced) wished.faults.push_back(fmt::format("what is wished for `{}` cannot be written as a rule that holds", comment_line(each)));
  }
  if (!wished.faults.empty()) wished.policy = {};
  return wished;
}

}  // namespace callgate::generate
