#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/yaml.hpp"
#include "policy/program.hpp"
#include "policy/report.hpp"

namespace callgate::policy {

/// The three parts of a file that hold rules.
enum class Part : std::uint8_t { tools, resources, prompts };
std::string_view word(Part part);         ///< the key: `tools`
std::string_view thing(Part part);        ///< one of them: `tool`

/// Compiles one rule; reports everything wrong with it. Nothing where no rule
/// came of it; one with faults may come back to be checked further.
std::optional<Rule> read_rule(const yaml::Member& member, Part part, Report& report);

/// The longest name that a call may carry (MCP messages with longer ones are refused).
inline constexpr std::size_t longest_tool_name = 128;

}  // namespace callgate::policy
