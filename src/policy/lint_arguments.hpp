#pragma once

#include "base/yaml.hpp"
#include "policy/program.hpp"
#include "policy/report.hpp"
#include "policy/tool_list.hpp"

namespace callgate::policy {

/// Warns of `arguments` that no call of the tool can fit beside the tool's own
/// schema: an argument that is of another kind in each, a closed list of which
/// the other knows no value, a required one that the rule takes none of. `file`
/// is the policy; what neither schema says plainly is taken for right.
void check_arguments_fit(const Rule& rule, const KnownTool& tool, const yaml::Node& file, Report& report);

}  // namespace callgate::policy
