#include "mcp/one_line.hpp"

#include <algorithm>

namespace callgate::mcp {

namespace {

/// The escape for the line end that stands at the front of `text`; empty where there is none.
std::string_view escape_for(std::string_view text) {
  if (text.starts_with("\u0085")) return R"(\u0085)";
  if (text.starts_with("\u2028")) return R"(\u2028)";
  if (text.starts_with("\u2029")) return R"(\u2029)";
  return {};
}

/// Where `first` stands, and behind it what makes it a line end.
bool has_line_end_after(std::string_view text, char first) {
  for (std::size_t at = text.find(first); at != std::string_view::npos; at = text.find(first, at + 1)) {
    if (!escape_for(text.substr(at, 3)).empty()) return true;
  }
  return false;
}

}  // namespace

bool has_unusual_line_end(std::string_view text) { return has_line_end_after(text, '\xc2') || has_line_end_after(text, '\xe2'); }

std::string_view as_one_line(std::string_view text, std::string& flat) {
  const bool unusual = has_unusual_line_end(text);
  if (!unusual && !text.contains('\n') && !text.contains('\r')) return text;
  flat.clear();
  flat.reserve(text.size() + 16);
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const std::string_view escape = c == '\xc2' || c == '\xe2' ? escape_for(text.substr(at, 3)) : std::string_view();
    if (escape.empty()) {
      flat += c == '\n' || c == '\r' ? ' ' : c;
    } else {
      flat += escape;
      at += c == '\xc2' ? 1 : 2;
    }
  }
  return flat;
}

}  // namespace callgate::mcp
