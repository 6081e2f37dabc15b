#pragma once

#include <vector>

#include "base/yaml.hpp"
#include "policy/expect.hpp"
#include "policy/report.hpp"

namespace callgate::policy {

/// Reads the `expect` part; entries with faults are left out.
std::vector<Expectation> read_expectations(const yaml::Member& member, Report& report);

}  // namespace callgate::policy
