#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "catalogue/blocks.hpp"
#include "catalogue/tool_page.hpp"

/// The sections of a tool's page, each by what it draws; nothing where there is
/// nothing to draw. Pure functions of the view.
namespace callgate::catalogue {

inline constexpr std::size_t longest_quote = 300;

/// Cut at a character after `most` bytes, with a sign.
std::string bounded(std::string_view text, std::size_t most);
/// A word of ours with a small letter in front.
std::string lower(std::string_view word);
bool has_signal(const classify::Classification& tool, std::string_view signal);

// tool_evidence.cpp: why it is judged so
Section why_section(const ToolView& view);
std::optional<Section> signals_section(const ToolView& view);
Line risk_answer(const ToolView& view);

/// What to copy into the configuration where the class is wrong; nothing where the configuration has said it.
std::optional<Block> correction(const ToolView& view);

// tool_control.cpp: what can go wrong, and what a policy makes of it
/// A kind of attack, folded.
Block attack_block(const Attack& attack);
/// From a policy in a file to a gate before the server, with its name filled in.
Block steps_with(const ServerFacts& server, std::string_view file);
/// Whether commands and files can be told with this name as it stands.
bool is_plain_name(std::string_view name);
std::optional<Section> modes_section(const ToolView& view);
Section attacks_section(const ToolView& view);
Section control_section(const ToolView& view);
/// The arguments that a rule speaks of, in words.
std::string restricted(const generate::Rule& rule);

// tool_surroundings.cpp: its parameters, its neighbours, what is known of its past
std::optional<Section> parameters_section(const ToolView& view);
std::optional<Section> siblings_section(const ToolView& view);
std::optional<Section> history_section(const ToolView& view);

}  // namespace callgate::catalogue
