#include "policy/lint_cases.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "policy/expression_place.hpp"

namespace callgate::policy {

/// The tool's own schema, and what the rule's `arguments` ask for on top of it.
cel::Type CaseLint::arguments_of(const Rule& rule, const KnownTool& tool) const {
  cel::Type type = tool.arguments;
  type.kinds = cel::bit(cel::Kind::map);
  const yaml::Node& schema = yaml::at_pointer(file_, rule.arguments_pointer);
  if (rule.arguments == nullptr || !schema.is_mapping()) return type;
  const auto field = [&](const std::string& name) {
    const auto found = std::ranges::find(type.fields, name, &cel::Field::name);
    return found != type.fields.end() ? &*found : &type.fields.emplace_back(cel::Field{.name = name});
  };
  if (const yaml::Member* properties = schema.find("properties")) {
    for (const yaml::Member& each : properties->value.members) field(each.key);
  }
  if (const yaml::Member* required = schema.find("required")) {
    for (const yaml::Node& each : required->value.items) field(each.text)->required = true;
  }
  return type;
}

void CaseLint::check(const Rule& rule, const KnownTool& tool, bool shared) {
  if (rule.cases.empty() || !rule.checks_own_schema) return;
  cel::Scope scope = case_scope(arguments_of(rule, tool));
  const std::string owner = fmt::format("the tool {}", yaml::ticked(tool.name));
  scope.owner = owner;
  scope.serves_many = shared;
  cel::Present present;
  for (const Case& each : rule.cases) {
    const cel::Findings findings = each.when.check(scope, present);
    for (const cel::Notice& notice : findings.faults) say(each, tool, notice, shared, true);
    for (const cel::Notice& notice : findings.warnings) say(each, tool, notice, shared, false);
    present.merge(each.when.present_after(scope, false));  // a later case is asked only then
  }
}

void CaseLint::say(const Case& each, const KnownTool& tool, const cel::Notice& notice, bool shared, bool is_fault) {
  if (!said_.insert({&each, notice.at}).second) return;
  const yaml::Node& scalar = yaml::at_pointer(file_, each.pointer + "/when");
  const yaml::Mark mark = place_in_scalar(report_.text(), scalar, notice.at);
  if (is_fault && !shared) return report_.fault(mark, notice.message, notice.kind);
  report_.warn(mark, shared ? fmt::format("for the tool {}: {}", yaml::ticked(tool.name), notice.message) : notice.message);
}

}  // namespace callgate::policy
