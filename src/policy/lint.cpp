#include "policy/lint.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/suggest.hpp"
#include "policy/lint_arguments.hpp"
#include "policy/lint_cases.hpp"

namespace callgate::policy {
namespace {

class Lint {
 public:
  Lint(const Program& program, const yaml::Node& file, const ToolList& tools, Report& report)
      : program_(program), file_(file), tools_(tools), report_(report), cases_(file, report) {}

  void run() {
    for (const KnownTool& tool : tools_.tools()) look_at(tool);
    for (const Rule& rule : program_.tools.rules()) {
      if (!decides_.contains(&rule)) idle(rule);
    }
    if (program_.classes == nullptr) return;
    for (const Rule& rule : program_.classes->rules()) {
      if (!decides_.contains(&rule)) report_.warn(rule.mark, fmt::format("{} decides for no listed tool", yaml::ticked(rule.key)));
    }
  }

 private:
  void look_at(const KnownTool& tool) {
    const Deciding by = deciding_rules(program_, tool.name, tool.is);
    if (by.tie != nullptr) return tie(tool, *by.first, *by.tie);
    bool refused = false;
    for (const Rule* rule : {by.first, by.second}) {
      if (rule == nullptr) continue;
      decides_.insert(rule);
      refused = refused || rule->hides() || rule->denies_outright();
    }
    if (refused) return;
    for (const Rule* rule : {by.first, by.second}) {
      if (rule != nullptr) look_at(tool, *rule);
    }
    if (program_.everywhere != nullptr && by.first->checks_own_schema) cases_.check_shared(*program_.everywhere, tool);
  }

  void look_at(const KnownTool& tool, const Rule& rule) {
    if (!tool.schema_fault.empty() && rule.checks_own_schema) {
      report_.warn(rule.mark, fmt::format("every call of {} ends as a fault, its own schema is not usable ({}): `validate: false` "
                                          "switches that check off",
                                          yaml::ticked(tool.name), tool.schema_fault));
    }
    if (rule.key != tool.name || !rule.pointer.starts_with("/tools/")) return cases_.check_shared(rule, tool);
    unknown_arguments(tool, rule);
    check_arguments_fit(rule, tool, file_, report_);
    cases_.check_named(rule, tool);
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
  CaseLint cases_;
  std::unordered_set<const Rule*> decides_;
  std::set<std::pair<const Rule*, const Rule*>> ties_;
};

}  // namespace

void check_against_tools(const Program& program, const yaml::Node& file, const ToolList& tools, Report& report) {
  Lint(program, file, tools, report).run();
}

}  // namespace callgate::policy
