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
}

RuleSet::Choice RuleSet::choose(std::string_view name) const {
  if (const auto found = exact_.find(name); found != exact_.end()) return {.rule = found->second};
  Choice choice;
  std::size_t literals = 0;
  for (const GlobRule& each : globs_) {
    if (choice.rule != nullptr && each.glob.literals() < literals) break;
    if (!each.glob.matches(name)) continue;
    if (choice.rule != nullptr) {
      choice.tie = each.rule;
      break;
    }
    choice.rule = each.rule;
    literals = each.glob.literals();
  }
  return choice;
}

RuleSet::Choice choose_resource(const RuleSet& rules, std::string_view normal) {
  const RuleSet::Choice whole = rules.choose(normal);
  const std::string_view bare = without_fragment(normal);
  if (bare.size() == normal.size() || whole.tie != nullptr) return whole;
  const RuleSet::Choice other = rules.choose(bare);
  if (other.rule == nullptr) return whole;
  if (other.tie != nullptr) return other;
  if (whole.rule == nullptr) return other.rule->action < Verdict::require_approval ? other : whole;
  return other.rule->action < whole.rule->action ? other : whole;
}

}  // namespace callgate::policy
