#pragma once

#include <string>
#include <string_view>

/// JSON text for those who cut what they read into lines. Beside LF and CR there are
/// readers that end a line at U+0085, U+2028 or U+2029 (Node's readline, Python's
/// str.splitlines), all of which may stand in a JSON string: what follows would be a
/// line of its own there, of whoever wrote the string, and judged by nobody. Pure; any
/// thread.
namespace callgate::mcp {

/// Whether the text holds U+0085, U+2028 or U+2029.
bool has_unusual_line_end(std::string_view text);

/// The same JSON text in one line for every reader: line ends between its tokens as
/// blanks, those in its strings as escapes. Nothing is copied where it is that already;
/// else it is written to `flat`, which the outcome points into.
/// Pre: `text` is JSON, in which LF and CR stand between tokens only.
std::string_view as_one_line(std::string_view text, std::string& flat);

}  // namespace callgate::mcp
