#pragma once

#include "base/yaml.hpp"
#include "policy/program.hpp"
#include "policy/report.hpp"

namespace callgate::policy {

/// Warns of conditions of `everywhere` that read an argument without asking whether it
/// is there, where the policy lets calls pass that have none: each of those would end
/// as a fault.
void check_everywhere(const Program& program, const yaml::Node& file, Report& report);

}  // namespace callgate::policy
