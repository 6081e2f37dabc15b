#include "policy/program.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "policy/resource_uri.hpp"

namespace callgate::policy {

void RuleSet::add(Rule rule) {
  const Rule& kept = rules_.emplace_back(std::move(rule));
  hides_ = hides_ || kept.action == Verdict::hide;
  if (!Glob::is_glob(kept.key)) {
    exact_.emplace(kept.key, &kept);
    return;
  }
  globs_.push_back({Glob(kept.key), &kept});
}

void RuleSet::seal() {
  // Nearest first; of equals the one that stands first in the file, so that a tie always names the same two.
  std::ranges::sort(globs_, [](const GlobRule& a, const GlobRule& b) {
    if (a.glob.literals() != b.glob.literals()) return a.glob.literals() > b.glob.literals();
    return std::tie(a.rule->mark.line, a.rule->mark.column) < std::tie(b.rule->mark.line, b.rule->mark.column);
  });
  for (std::uint32_t number = 0; number < globs_.size(); ++number) index_.add(globs_[number].glob.pattern(), number);
}

RuleSet::Choice RuleSet::choose(std::string_view name, Hiding hiding) const {
  const auto counts = [hiding](const Rule* rule) { return hiding == Hiding::counts || rule->action != Verdict::hide; };
  if (const auto found = exact_.find(name); found != exact_.end() && counts(found->second)) return {.rule = found->second};
  // The nearest glob that matches has the lowest number; one as near that has the next is a tie.
  constexpr std::uint32_t none = UINT32_MAX;
  std::uint32_t nearest = none;
  std::uint32_t second = none;
  index_.for_candidates(name, [&](std::uint32_t number) {
    if (number > second || !counts(globs_[number].rule) || !globs_[number].glob.matches(name)) return;
    if (number < nearest) {
      second = nearest;
      nearest = number;
    } else {
      second = number;
    }
  });
  if (nearest == none) return {};
  Choice choice{.rule = globs_[nearest].rule};
  if (second != none && globs_[second].glob.literals() == globs_[nearest].glob.literals()) choice.tie = globs_[second].rule;
  return choice;
}

std::span<const std::string_view> class_keys() {
  static constexpr std::array<std::string_view, 9> keys = {"Read",      "Write",        "Execute",    "Destructive",   "Financial",
                                                           "risk>=Low", "risk>=Medium", "risk>=High", "risk>=Critical"};
  return keys;
}

void ClassRules::add(Rule rule) {
  const Rule& kept = rules_.emplace_back(std::move(rule));
  hides_ = hides_ || kept.hides();
  const std::size_t number = static_cast<std::size_t>(std::ranges::find(class_keys(), kept.key) - class_keys().begin());
  if (number < by_category_.size()) {
    by_category_[number] = &kept;
    return;
  }
  // It also holds for every higher risk, up to one that has a rule of its own.
  const std::size_t least = number - by_category_.size();
  const Rule* const was = by_risk_[least];
  for (std::size_t risk = least; risk < by_risk_.size() && by_risk_[risk] == was; ++risk) by_risk_[risk] = &kept;
}

const Rule* ClassRules::of_category(std::string_view category) const {
  const auto found = std::ranges::find(category_words, category);
  return found == category_words.end() ? nullptr : by_category_[static_cast<std::size_t>(found - category_words.begin())];
}

Deciding deciding_rules(const Program& program, std::string_view tool, const ToolClass& is) {
  const RuleSet::Choice choice = program.tools.choose(tool);
  if (choice.rule != nullptr) return {.first = choice.rule, .tie = choice.tie};
  if (program.classes == nullptr) return {.first = &program.default_rule};
  const Rule* const category = program.classes->of_category(is.category);
  const Rule* const risk = program.classes->of_risk(is.risk);
  if (category != nullptr) return {.first = category, .second = risk};
  return {.first = risk != nullptr ? risk : &program.default_rule};
}

RuleSet::Choice choose_resource(const Program& program, std::string_view normal, Hiding hiding) {
  RuleSet::Choice best = program.resources.choose(normal, hiding);
  for (const std::string& reading : other_readings(normal)) {
    if (best.tie != nullptr) return best;
    const RuleSet::Choice other = program.resources.choose(reading, hiding);
    if (other.rule == nullptr) continue;
    if (other.tie != nullptr) return other;
    const Verdict stands = best.rule != nullptr ? best.rule->action : program.default_rule.action;
    // As strict as the default, a rule still says more: its reason and its limits.
    if (other.rule->action < stands || (best.rule == nullptr && other.rule->action == stands)) best = other;
  }
  return best;
}

}  // namespace callgate::policy
