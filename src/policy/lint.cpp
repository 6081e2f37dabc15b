#include "policy/lint.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/suggest.hpp"

namespace callgate::policy {
namespace {

class Lint {
 public:
  Lint(const Program& program, const yaml::Node& file, const ToolList& tools, Report& report)
      : program_(program), file_(file), tools_(tools), report_(report) {}

  void run() {
    for (const KnownTool& tool : tools_.tools()) look_at(tool);
    for (const Rule& rule : program_.tools.rules()) {
      if (!decides_.contains(&rule)) idle(rule);
    }
  }

 private:
  void look_at(const KnownTool& tool) {
    const RuleSet::Choice choice = program_.tools.choose(tool.name);
    if (choice.tie != nullptr) return tie(tool, *choice.rule, *choice.tie);
    const Rule& rule = choice.rule != nullptr ? *choice.rule : program_.default_rule;
    decides_.insert(&rule);
    if (rule.action <= Verdict::deny) return;
    if (!tool.schema_fault.empty() && rule.checks_own_schema) {
      report_.warn(rule.mark, fmt::format("every call of {} ends as a fault, its own schema is not usable ({}): `validate: false` "
                                          "switches that check off",
                                          yaml::ticked(tool.name), tool.schema_fault));
    }
    if (choice.rule != nullptr && rule.key == tool.name) unknown_arguments(tool, rule);
  }

  void tie(const KnownTool& tool, const Rule& first, const Rule& second) {
    decides_.insert(&first);
    decides_.insert(&second);
    if (!ties_.insert({&first, &second}).second) return;
    report_.fault(second.mark,
                  fmt::format("{} and {} (line {}) match the tool {} equally well: name the tool, or write more of it in one of them",
                              yaml::ticked(second.key), yaml::ticked(first.key), first.mark.line, yaml::ticked(tool.name)));
  }

  void idle(const Rule& rule) {
    const auto matches = [glob = Glob(rule.key)](const KnownTool& tool) { return glob.matches(tool.name); };
    if (Glob::is_glob(rule.key) && std::ranges::any_of(tools_.tools(), matches)) {
      report_.warn(rule.mark, fmt::format("{} never decides: every listed tool that it matches has a nearer rule", yaml::ticked(rule.key)));
      return;
    }
    std::vector<std::string_view> names;
    for (const KnownTool& tool : tools_.tools()) names.push_back(tool.name);
    report_.warn(rule.mark, fmt::format("{} matches no listed tool{}", yaml::ticked(rule.key), did_you_mean(rule.key, names)));
  }

  void unknown_arguments(const KnownTool& tool, const Rule& rule) {
    if (rule.arguments == nullptr || tool.input_schema == nullptr) return;
    const std::vector<std::string> known = tool.input_schema->property_names();
    if (known.empty()) return;  // it says nothing of names
    const std::vector<std::string_view> names(known.begin(), known.end());
    for (const std::string& name : rule.arguments->property_names()) {
      if (std::ranges::binary_search(known, name)) continue;
      report_.warn(place(rule, name), fmt::format("the tool {} has no argument {}{}", yaml::ticked(tool.name), yaml::ticked(name),
                                                  did_you_mean(name, names)));
    }
  }

  yaml::Mark place(const Rule& rule, std::string_view name) const {
    const yaml::Member* property = yaml::at_pointer(file_, rule.arguments_pointer + "/properties").find(name);
    return property != nullptr ? property->key_mark : yaml::at_pointer(file_, rule.arguments_pointer).mark;
  }

  const Program& program_;
  const yaml::Node& file_;
  const ToolList& tools_;
  Report& report_;
  std::unordered_set<const Rule*> decides_;
  std::set<std::pair<const Rule*, const Rule*>> ties_;
};

}  // namespace

void check_against_tools(const Program& program, const yaml::Node& file, const ToolList& tools, Report& report) {
  Lint(program, file, tools, report).run();
}

}  // namespace callgate::policy
