#include "admin/html.hpp"

#include <algorithm>

#include "approval/display.hpp"

namespace callgate::admin {
namespace {

/// Deeper than this the lines are not moved to the right any more.
constexpr std::size_t max_indent = 24;

/// INVARIANT: the only place where text that is not the program's own gets into a page.
void append_escaped(std::string& out, char c) {
  switch (c) {
    case '&': out += "&amp;"; break;
    case '<': out += "&lt;"; break;
    case '>': out += "&gt;"; break;
    case '"': out += "&quot;"; break;
    case '\'': out += "&#39;"; break;
    default: out += c;
  }
}

void append_line(std::string& out, std::size_t depth) {
  out += '\n';
  out.append(2 * std::min(depth, max_indent), ' ');
}

}  // namespace

Html& Html::text(std::string_view text) {
  for (const char c : approval::visible(text)) append_escaped(out_, c);
  return *this;
}

Html& Html::json(std::string_view canonical) {
  const std::string shown = approval::visible(canonical);
  bool in_string = false;
  std::size_t depth = 0;
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const char c = shown[i];
    if (in_string) {
      append_escaped(out_, c);
      if (c == '\\' && i + 1 < shown.size()) append_escaped(out_, shown[++i]);
      in_string = c != '"';
      continue;
    }
    const bool opens = c == '{' || c == '[';
    const bool closes = c == '}' || c == ']';
    const bool empty = closes && i > 0 && (shown[i - 1] == '{' || shown[i - 1] == '[');
    if (closes && depth > 0) --depth;
    if (closes && !empty) append_line(out_, depth);
    append_escaped(out_, c);
    in_string = c == '"';
    if (c == ':') out_ += ' ';
    if (opens) ++depth;
    const bool before_end = i + 1 < shown.size() && (shown[i + 1] == '}' || shown[i + 1] == ']');
    if (c == ',' || (opens && !before_end)) append_line(out_, depth);
  }
  return *this;
}

}  // namespace callgate::admin
