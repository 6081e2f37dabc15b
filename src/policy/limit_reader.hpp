#pragma once

#include <string_view>
#include <vector>

#include "base/yaml.hpp"
#include "policy/decision.hpp"
#include "policy/report.hpp"

namespace callgate::policy {

/// Reads `rate_limit`, one or a list, of the rule at `rule_pointer`. Limits with faults are left out.
std::vector<RateLimit> read_limits(const yaml::Member& member, std::string_view rule_pointer, Report& report);

}  // namespace callgate::policy
