#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/yaml.hpp"
#include "policy/program.hpp"
#include "policy/report.hpp"

namespace callgate::policy {

/// The parts of a file that hold rules.
enum class Part : std::uint8_t { tools, classes, resources, prompts };
std::string_view word(Part part);         ///< the key: `tools`
std::string_view thing(Part part);        ///< one of them: `tool`

/// Compiles one rule; reports everything wrong with it. Nothing where no rule
/// came of it; one with faults may come back to be checked further. The limits of
/// `everywhere`, if there is one, count for it too.
std::optional<Rule> read_rule(const yaml::Member& member, Part part, const Rule* everywhere, Report& report);

/// Adds the names that the rule's cases read to those that no object may hold twice.
void name_case_keys(Rule& rule);

/// The longest name that a call may carry (MCP messages with longer ones are refused).
inline constexpr std::size_t longest_tool_name = 128;

}  // namespace callgate::policy
