#pragma once

#include <cstdint>
#include <string_view>

#include "base/yaml.hpp"
#include "policy/report.hpp"

/// The keys of the policy language and where each may stand.
namespace callgate::policy {

enum class Place : std::uint8_t { file, tool_rule, prompt_rule, resource_rule, rule_case, everywhere, rate_limit, approval, expectation, call };

/// Reports every key of `mapping` that this place does not take: one of the
/// language that this version cannot do yet, one that stands elsewhere, or an
/// unknown one with the nearest known. Pre: a mapping.
void check_keys(const yaml::Node& mapping, Place place, Report& report);

/// The message for what the language has and this version does not do.
std::string not_supported(std::string_view what);

}  // namespace callgate::policy
