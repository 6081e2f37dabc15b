#pragma once

#include <string>
#include <string_view>

namespace callgate::registry {

/// Whether a tool may have this name: [A-Za-z0-9_.-]{1,128}.
bool is_tool_name(std::string_view name);

/// What a hurried reader sees of a name: lower case, full-width and
/// mathematical letters, Cyrillic and Greek twins of Latin ones brought to
/// ASCII, accents, blanks and invisible characters dropped, `-` and `.` as `_`.
/// Only for warnings: names are compared byte for byte (S7).
std::string folded_name(std::string_view name);

}  // namespace callgate::registry
