#pragma once

#include "base/yaml.hpp"
#include "policy/program.hpp"
#include "policy/report.hpp"
#include "policy/tool_list.hpp"

namespace callgate::policy {

/// Holds a policy against the tools of its server: globs that tie on one are
/// faults; keys that match none, rules that never get to decide, arguments that
/// the tool does not have and schemas that do not compile are warnings.
void check_against_tools(const Program& program, const yaml::Node& file, const ToolList& tools, Report& report);

}  // namespace callgate::policy
