#pragma once

#include <string>
#include <string_view>

/// Texts of servers are written by the other side. One function for each place
/// that such a text may stand in; nothing else puts one there.
namespace callgate::catalogue {

/// Between tags. Characters that hide or turn text become visible marks.
std::string html_text(std::string_view text);
/// Within the double quotes of an attribute.
std::string html_attribute(std::string_view text);
/// One segment of a relative address, percent-encoded.
std::string url_segment(std::string_view text);
/// One line of Markdown (llms.txt): no mark-up, no links, no line breaks.
std::string markdown_line(std::string_view text);

/// The name of a file for a tool or server, without its ending: what is outside
/// [A-Za-z0-9_.-] percent-encoded; `distinct` adds a short digest of the name,
/// for names that another one is too near to.
std::string file_name(std::string_view name, bool distinct);
/// Whether a name needs that anyway: it is reserved somewhere, or very long.
bool needs_digest(std::string_view name);

/// A default or example as it may be shown: what looks like a key is masked.
std::string without_secrets(std::string_view text);

}  // namespace callgate::catalogue
