#pragma once

#include <cstdint>
#include <vector>

#include "base/yaml.hpp"
#include "policy/program.hpp"
#include "policy/report.hpp"

namespace callgate::policy {

/// Whether an `allow` decides, or only takes nothing away.
enum class CasesOf : std::uint8_t { rule, everywhere };

/// Reads `cases` of a rule whose pointer, limits and approval are there. Cases
/// with faults are left out.
std::vector<Case> read_cases(const yaml::Member& member, const Rule& rule, CasesOf of, Report& report);

/// Everything of the cases that an approval was given for.
std::string cases_text(const std::vector<Case>& cases);

/// Reads `approval`; nothing where no timeout came of it.
std::optional<ApprovalRule> read_approval(const yaml::Member& member, Report& report);

}  // namespace callgate::policy
