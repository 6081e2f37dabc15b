#pragma once

#include <cstddef>
#include <string_view>

namespace callgate::registry {

inline constexpr std::size_t longest_tool_name = 128;

/// Whether a tool may have this name: [A-Za-z0-9_.-]{1,128}.
bool is_tool_name(std::string_view name);

}  // namespace callgate::registry
