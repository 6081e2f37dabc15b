#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json.hpp"
#include "base/yaml.hpp"
#include "policy/case.hpp"
#include "policy/decision.hpp"
#include "policy/glob.hpp"
#include "policy/glob_index.hpp"
#include "policy/named_keys.hpp"
#include "schema/schema.hpp"

/// A compiled policy file; `load` fills it, `Policy` reads it.
namespace callgate::policy {

/// One key under `tools`, `classes`, `resources` or `prompts`, or `default`, or `everywhere`. Texts that a
/// decision needs are made when it is compiled, not at each call.
struct Rule {
  Rule() = default;
  Rule(Rule&&) = default;  // `limit_list` leads into `limits`, which a move keeps in place
  Rule& operator=(Rule&&) = default;

  std::string key;
  std::string pointer;            ///< `/tools/KEY`
  std::string arguments_pointer;  ///< `/tools/KEY/arguments`
  std::string names_pointer;  ///< what speaks of `named_keys`: `/tools/KEY/arguments` or the first case that reads one
  Verdict action = Verdict::deny;  ///< allow, deny, hide or require_approval
  std::string reason;  ///< the author's sentence, else a generated one
  bool has_author_reason = false;
  bool checks_own_schema = true;  ///< `validate`
  std::shared_ptr<const schema::Schema> arguments;
  NamedKeys named_keys;
  std::vector<Case> cases;  ///< the first that is true decides instead of the action
  std::vector<RateLimit> limits;
  LimitList limit_list;  ///< to each of `limits`, then to those of `everywhere`
  std::optional<ApprovalRule> approval;      ///< set exactly when the action asks for it
  yaml::Mark mark;  ///< of its key in the file

  bool hides() const { return action == Verdict::hide; }
  /// Decides before any argument is looked at.
  bool denies_outright() const { return action == Verdict::deny && cases.empty(); }
};

/// Whether rules with `action: hide` count.
enum class Hiding : std::uint8_t { counts, is_left_out };

/// The rules of one part. Rules for other names cost nothing: exact names are
/// hashed, and of the globs only those are tried whose plain ends fit.
class RuleSet {
 public:
  struct Choice {
    const Rule* rule = nullptr;  ///< null: no key matches
    const Rule* tie = nullptr;   ///< a second glob that is as near: nobody can say which one counts
  };

  RuleSet() = default;
  RuleSet(const RuleSet&) = delete;
  RuleSet& operator=(const RuleSet&) = delete;

  void add(Rule rule);  ///< pre: its key is new
  void seal();          ///< after the last `add`, before the first `choose`
  Choice choose(std::string_view name, Hiding hiding = Hiding::counts) const;
  const std::deque<Rule>& rules() const { return rules_; }
  std::size_t size() const { return rules_.size(); }
  bool hides() const { return hides_; }  ///< has a rule with `action: hide`

 private:
  struct GlobRule {
    Glob glob;
    const Rule* rule;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  std::deque<Rule> rules_;  ///< in the order of the file; addresses stay
  std::unordered_map<std::string, const Rule*, Hash, std::equal_to<>> exact_;
  std::vector<GlobRule> globs_;  ///< most literal characters first
  GlobIndex index_;              ///< numbers of `globs_`
  bool hides_ = false;
};

/// The rules of `classes`, for tools that no key under `tools` matches.
class ClassRules {
 public:
  ClassRules() = default;
  ClassRules(const ClassRules&) = delete;
  ClassRules& operator=(const ClassRules&) = delete;

  void add(Rule rule);  ///< pre: its key is new and one of `class_keys`
  const std::deque<Rule>& rules() const { return rules_; }
  bool hides() const { return hides_; }

  const Rule* of_category(std::string_view category) const;  ///< null: none
  const Rule* of_risk(Risk risk) const { return by_risk_[static_cast<std::size_t>(risk)]; }  ///< the highest that matches; null: none

 private:
  std::deque<Rule> rules_;
  std::array<const Rule*, category_words.size()> by_category_{};
  std::array<const Rule*, risk_words.size()> by_risk_{};
  bool hides_ = false;
};

/// The keys that `classes` may hold: the categories, and `risk>=` with each risk.
std::span<const std::string_view> class_keys();

struct Program {
  std::string hash;
  Rule default_rule;
  std::unique_ptr<Rule> everywhere;  ///< null: there is none; its cases and limits count besides those of the rule that decides
  RuleSet tools;
  std::unique_ptr<ClassRules> classes;  ///< null: there are none
  RuleSet resources;
  RuleSet prompts;
  bool sampling = false;
  bool elicitation = false;
  bool roots = false;
  std::unique_ptr<json::OwnedDocument> no_arguments;  ///< `{}`
};

/// Which rules speak of an action.
inline const RuleSet& rules_for(const Program& program, Action action) {
  if (action == Action::tool_call) return program.tools;
  return action == Action::prompt_get || action == Action::prompt_complete ? program.prompts : program.resources;
}

/// The rules that speak of a tool. Two where a category and a risk meet: both judge, the stricter verdict stands.
struct Deciding {
  const Rule* first = nullptr;   ///< never null
  const Rule* second = nullptr;
  const Rule* tie = nullptr;     ///< a second glob that is as near as the first
};
Deciding deciding_rules(const Program& program, std::string_view tool, const ToolClass& is);

/// The rule that names a resource, `normal` being its normal address: of the
/// address as it is and of what servers may also read in it (`other_readings`) the
/// strictest one, the default standing for an address that no rule names.
RuleSet::Choice choose_resource(const Program& program, std::string_view normal, Hiding hiding = Hiding::counts);

}  // namespace callgate::policy
