#include "policy/difference.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/yaml.hpp"
#include "policy/glob_overlap.hpp"
#include "policy/program.hpp"
#include "policy/resource_uri.hpp"

namespace callgate::policy {
namespace {

/// The rules that judge one thing.
using Rules = std::vector<const Rule*>;

Verdict most_of(const Rule& rule) {
  Verdict most = rule.action;
  if (rule.hides()) return most;
  for (const Case& each : rule.cases) most = std::max(most, each.action);
  const bool shut = std::ranges::any_of(rule.limits, [](const RateLimit& limit) { return limit.max == 0; });
  return shut ? std::min(most, Verdict::rate_limited) : most;
}

Verdict most_of(const Rules& rules) {
  Verdict most = Verdict::allow;
  for (const Rule* rule : rules) most = std::min(most, most_of(*rule));
  return most;
}

/// Without what names its counters: the same limit under another key is none less.
std::string text_of(const std::vector<RateLimit>& limits) {
  std::vector<std::string> all;
  for (const RateLimit& limit : limits) {
    std::string text = fmt::format("{} in {}", limit.max, limit.window.count());
    for (const Per per : limit.per) text += fmt::format(" per {}", static_cast<int>(per));
    all.push_back(std::move(text));
  }
  std::ranges::sort(all);
  return fmt::format("{}", fmt::join(all, "; "));
}

std::string text_of(const std::optional<ApprovalRule>& approval) {
  return approval ? fmt::format("{} {}", approval->timeout.count(), approval->self) : std::string();
}

std::string text_of(const std::vector<Case>& cases) {
  std::string text;
  for (const Case& each : cases)
    text += fmt::format("{} -> {}; {}; {}\n", each.when.normal(), word(each.action), text_of(each.limits), text_of(each.approval));
  return text;
}

/// What is compared of some rules, by the key that says it.
struct RuleParts {
  std::string action, validate, arguments, rate_limit, cases, approval;
};

/// One of the two files, while they are compared.
class File {
 public:
  File(const Side& side, std::optional<yaml::Node> root) : side_(side), root_(std::move(root)) {}

  const Program& program() const { return side_.loaded.policy->program(); }
  const Loaded& loaded() const { return side_.loaded; }

  Rules of_tool(const std::string& name, const ToolClass& is) const {
    const Deciding by = deciding_rules(program(), name, is);
    Rules rules = {by.first};
    for (const Rule* more : {by.second, by.tie}) {
      if (more != nullptr) rules.push_back(more);
    }
    return rules;
  }

  Rules of_unknown_tool(const std::string& name) const { return of_tool(name, {}); }

  Rules of_resource(const std::string& key) const {
    const auto normal = normal_uri(key);
    return of(choose_resource(program(), normal ? *normal : key));
  }

  Rules of_prompt(const std::string& key) const { return of(program().prompts.choose(key)); }

  RuleParts parts(const Rules& rules) const {
    RuleParts parts;
    for (const Rule* rule : rules) {
      parts.action += fmt::format("{}\n", word(rule->action));
      parts.validate += fmt::format("{}\n", rule->checks_own_schema);
      parts.arguments += arguments_of(*rule) + "\n";
      parts.rate_limit += text_of(rule->limits) + "\n";
      parts.cases += text_of(rule->cases) + "\n";
      parts.approval += text_of(rule->approval) + "\n";
    }
    return parts;
  }

 private:
  Rules of(const RuleSet::Choice& choice) const {
    Rules rules = {choice.rule != nullptr ? choice.rule : &program().default_rule};
    if (choice.tie != nullptr) rules.push_back(choice.tie);
    return rules;
  }

  /// The schema, however its members are ordered and its texts are quoted.
  std::string arguments_of(const Rule& rule) const {
    if (rule.arguments == nullptr || !root_) return {};
    std::vector<Error> faults;
    const auto schema = json::OwnedDocument::parse(yaml::to_json(yaml::at_pointer(*root_, rule.arguments_pointer), "", faults));
    std::string text;
    if (schema) json::append_canonical(text, (*schema)->root());
    return text;
  }

  const Side& side_;
  std::optional<yaml::Node> root_;
};

/// One thing that calls name, and what judges it in either file.
struct Named {
  std::string what;
  std::string name;
  Rules before, after;
  bool is_example = false;  ///< of the names that two patterns match
  bool passes() const { return most_of(before) >= Verdict::require_approval && most_of(after) >= Verdict::require_approval; }
};

/// Which of the things that pass share a limit: by its id, their names.
using Sharing = std::map<std::string, std::set<std::string>, std::less<>>;

void each_limit(const Rules& rules, const auto& take) {
  for (const Rule* rule : rules) {
    for (const RateLimit& limit : rule->limits) take(limit);
    for (const Case& one : rule->cases) {
      for (const RateLimit& limit : one.limits) take(limit);
    }
  }
}

/// With whom each of the limits is shared, whatever they are called.
std::multiset<std::set<std::string>> shared(const Rules& rules, const Sharing& sharing) {
  std::multiset<std::set<std::string>> all;
  each_limit(rules, [&](const RateLimit& limit) {
    if (const auto found = sharing.find(limit.id); found != sharing.end()) all.insert(found->second);
  });
  return all;
}

class Comparison {
 public:
  Comparison(File before, File after, const ToolList* tools) : before_(std::move(before)), after_(std::move(after)), tools_(tools) {}

  std::vector<Difference> run() {
    tools();
    classes();
    things("resource", [](const Program& program) -> const RuleSet& { return program.resources; }, &File::of_resource);
    things("prompt", [](const Program& program) -> const RuleSet& { return program.prompts; }, &File::of_prompt);
    rules("whatever no rule names", {&before_.program().default_rule}, {&after_.program().default_rule});
    everywhere();
    requests("sampling", before_.program().sampling, after_.program().sampling);
    requests("elicitation", before_.program().elicitation, after_.program().elicitation);
    requests("roots", before_.program().roots, after_.program().roots);
    for (const File* file : {&before_, &after_}) tests(file->loaded().expectations);
    return std::move(found_);
  }

 private:
  template <class Part>
  std::set<std::string> keys(Part part) const {
    std::set<std::string> keys;
    for (const File* file : {&before_, &after_}) {
      for (const Rule& rule : part(file->program()).rules()) keys.insert(rule.key);
    }
    return keys;
  }

  void tools() {
    if (tools_ == nullptr) return things("tool", [](const Program& program) -> const RuleSet& { return program.tools; }, &File::of_unknown_tool);
    std::vector<Named> all;
    for (const KnownTool& tool : tools_->tools())
      all.push_back({.what = "tool " + yaml::ticked(tool.name), .name = tool.name, .before = before_.of_tool(tool.name, tool.is), .after = after_.of_tool(tool.name, tool.is)});
    compare(all);
  }

  /// What either file names. A pattern stands for the names that look like it: its own text is one, and for those
  /// that another pattern matches as well one of these.
  template <class Part>
  void things(std::string_view kind, Part part, Rules (File::*rules_of)(const std::string&) const) {
    const std::set<std::string> named = keys(part);
    std::vector<Named> all;
    const auto add = [&](const std::string& name, bool is_example) {
      all.push_back({fmt::format("{} {}", kind, yaml::ticked(name)), name, (before_.*rules_of)(name), (after_.*rules_of)(name), is_example});
    };
    for (const std::string& name : named) add(name, false);
    for (const std::string& name : matched_by_two(named)) {
      if (!named.contains(name)) add(name, true);
    }
    compare(all);
  }

  static std::set<std::string> matched_by_two(const std::set<std::string>& named) {
    std::vector<Glob> patterns;
    for (const std::string& each : named) {
      if (Glob::is_glob(each)) patterns.emplace_back(each);
    }
    std::set<std::string> found;
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (auto both = matched_by_both(patterns[i], patterns[j])) found.insert(*std::move(both));
      }
    }
    return found;
  }

  void compare(const std::vector<Named>& all) {
    Sharing before;
    Sharing after;
    std::set<std::pair<Rules, Rules>> told;  // by the patterns themselves
    for (const Named& each : all) {
      if (!each.is_example) told.emplace(each.before, each.after);
      if (!each.passes()) continue;
      each_limit(each.before, [&](const RateLimit& limit) { before[limit.id].insert(each.name); });
      each_limit(each.after, [&](const RateLimit& limit) { after[limit.id].insert(each.name); });
    }
    for (const Named& each : all) {
      if (each.is_example && told.contains({each.before, each.after})) continue;
      rules(each.what, each.before, each.after, shared(each.before, before) != shared(each.after, after));
    }
  }

  /// Rules for classes, where no tool is known that they would judge.
  void classes() {
    if (tools_ != nullptr) return;
    for (const std::string_view key : class_keys()) {
      if (!names_class(before_.program(), key) && !names_class(after_.program(), key)) continue;
      const Rule* before = of_class(before_.program(), key);
      const Rule* after = of_class(after_.program(), key);
      const auto or_default = [](const Rule* rule, const File& file) { return Rules{rule != nullptr ? rule : &file.program().default_rule}; };
      rules(fmt::format("class {}", yaml::ticked(key)), or_default(before, before_), or_default(after, after_));
    }
  }

  static bool names_class(const Program& program, std::string_view key) {
    return program.classes != nullptr && std::ranges::find(program.classes->rules(), key, &Rule::key) != program.classes->rules().end();
  }

  static const Rule* of_class(const Program& program, std::string_view key) {
    if (program.classes == nullptr) return nullptr;
    if (const auto category = std::ranges::find(category_words, key); category != category_words.end()) return program.classes->of_category(key);
    // A rule for a risk holds for those above it that have none of their own.
    const auto number = std::ranges::find(class_keys(), key) - class_keys().begin() - std::ssize(category_words);
    return program.classes->of_risk(static_cast<Risk>(number));
  }

  void everywhere() {
    static const Rule nothing = [] {
      Rule rule;
      rule.action = Verdict::allow;
      return rule;
    }();
    const auto of = [](const File& file) { return Rules{file.program().everywhere ? file.program().everywhere.get() : &nothing}; };
    rules("`everywhere`", of(before_), of(after_));
  }

  void rules(std::string what, const Rules& before, const Rules& after, bool shared_otherwise = false) {
    Difference difference{.what = std::move(what), .before = most_of(before), .after = most_of(after)};
    const bool refused = difference.before < Verdict::require_approval && difference.after < Verdict::require_approval;
    if (refused) return;
    if (difference.before == difference.after) {
      const RuleParts one = before_.parts(before);
      const RuleParts other = after_.parts(after);
      const auto note = [&](std::string_view key, std::string RuleParts::*part) {
        if (one.*part != other.*part) difference.parts.emplace_back(key);
      };
      note("action", &RuleParts::action);
      note("validate", &RuleParts::validate);
      note("arguments", &RuleParts::arguments);
      note("rate_limit", &RuleParts::rate_limit);
      note("cases", &RuleParts::cases);
      note("approval", &RuleParts::approval);
      if (shared_otherwise && one.rate_limit == other.rate_limit && one.cases == other.cases) difference.parts.emplace_back("what else its limit counts");
      if (difference.parts.empty()) return;
    }
    found_.push_back(std::move(difference));
  }

  void requests(std::string_view what, bool before, bool after) {
    if (before == after) return;
    const auto verdict = [](bool allowed) { return allowed ? Verdict::allow : Verdict::deny; };
    found_.push_back({.what = fmt::format("{} that the server starts", what), .before = verdict(before), .after = verdict(after)});
  }

  void tests(const std::vector<Expectation>& expectations) {
    for (const Expectation& each : expectations) {
      const Verdict before = judge_fresh(*before_.loaded().policy, each.call, tools_).verdict;
      const Verdict after = judge_fresh(*after_.loaded().policy, each.call, tools_).verdict;
      if (before == after || (before < Verdict::require_approval && after < Verdict::require_approval)) continue;
      std::string arguments;
      if (each.call.arguments != nullptr) json::append_canonical(arguments, each.call.arguments->root());
      if (!told_.emplace(called(each.call), arguments).second) continue;
      found_.push_back({.what = called(each.call), .call = arguments.empty() ? "{}" : arguments, .before = before, .after = after, .where = each.where});
    }
  }

  File before_;
  File after_;
  const ToolList* tools_;
  std::vector<Difference> found_;
  std::set<std::pair<std::string, std::string>> told_;
};

}  // namespace

std::vector<Difference> differences(const Side& before, const Side& after, const ToolList* tools) {
  return Comparison(File(before, yaml::parse(before.text, "before").root), File(after, yaml::parse(after.text, "after").root), tools).run();
}

}  // namespace callgate::policy
