#include "policy/lint_everywhere.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "policy/expression_place.hpp"

namespace callgate::policy {
namespace {

bool lets_pass(const Rule& rule) { return rule.action >= Verdict::require_approval; }

/// What passes that may have no arguments: "resources", "prompts and resources", …; empty: nothing.
std::string passing(const Program& program) {
  if (lets_pass(program.default_rule)) return "resources, prompts and whatever else `default` lets pass";
  const bool resources = std::ranges::any_of(program.resources.rules(), lets_pass);
  const bool prompts = std::ranges::any_of(program.prompts.rules(), lets_pass);
  return resources && prompts ? "resources and prompts" : resources ? "resources" : prompts ? "prompts" : "";
}

/// Every argument that it names need not be there, and nothing else is known of it.
cel::Scope scope_of(const cel::Expression& condition) {
  cel::Type arguments{.kinds = cel::bit(cel::Kind::map)};
  for (const std::string& name : condition.names_read().names) arguments.fields.push_back({.name = name});
  return case_scope(std::move(arguments));
}

/// The condition, behind a question for each of those members; as much of it as can stand in one line.
std::string mended(const std::string& text, const std::vector<std::string>& members) {
  std::string asked;
  for (const std::string& member : members) asked += fmt::format("has({}) && ", member);
  if (text.contains('\n') || text.contains("//")) return asked + "(…)";
  return asked + (text.contains("||") ? "(" + text + ")" : text);
}

}  // namespace

void check_everywhere(const Program& program, const yaml::Node& file, Report& report) {
  if (program.everywhere == nullptr) return;
  const std::string passes = passing(program);
  if (passes.empty()) return;
  cel::Present present;
  for (const Case& each : program.everywhere->cases) {
    if (each.reads_tool) continue;  // asked for tools only
    const cel::Scope scope = scope_of(each.when);
    const cel::Findings findings = each.when.check(scope, present);
    std::vector<std::string> members;
    for (const cel::Notice& notice : findings.warnings) {
      if (!notice.missing.empty() && std::ranges::find(members, notice.missing) == members.end()) members.push_back(notice.missing);
    }
    present.merge(each.when.present_after(scope, false));  // a later case is asked only then
    if (members.empty()) continue;
    const yaml::Mark mark = place_in_scalar(report.text(), yaml::at_pointer(file, each.pointer + "/when"), findings.warnings.front().at);
    report.warn(mark, fmt::format("`everywhere` is asked for {} too, which end as a fault without `{}`: write `{}`", passes, members.front(),
                                  mended(each.when.text(), members)));
  }
}

}  // namespace callgate::policy
