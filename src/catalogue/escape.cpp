#include "catalogue/escape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/characters.hpp"
#include "base/sha256.hpp"
#include "registry/difference.hpp"

namespace callgate::catalogue {
namespace {

constexpr std::size_t longest_file_name = 120;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_plain(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '-'; }
char lower_letter(char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c); }

std::string_view entity(char c) {
  switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return {};
  }
}

/// Calls `plain` with what may stand as it is and `odd` with what has to be shown.
template <class Plain, class Odd>
void each_character(std::string_view text, Plain plain, Odd odd) {
  while (!text.empty()) {
    const auto character = first_character(text);
    const std::string_view raw = text.substr(0, character.size);
    const bool blank = raw == "\n" || raw == "\t";
    std::string shown;
    if (!blank && (character.code < 0x20 || character.code >= 0x7F)) shown = registry::visible(raw);
    if (blank || shown.empty() || shown == raw) {
      plain(raw);
    } else {
      odd(shown);
    }
    text.remove_prefix(character.size);
  }
}

std::string percent(std::string_view text, bool dots) {
  std::string out;
  for (const char c : text) {
    const bool keep = is_plain(c) && (dots || c != '.' || !out.empty());
    out += keep ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

}  // namespace

std::string html_text(std::string_view text) {
  std::string out;
  each_character(
      text,
      [&out](std::string_view raw) {
        const std::string_view written = raw.size() == 1 ? entity(raw[0]) : std::string_view{};
        out += written.empty() ? raw : written;
      },
      [&out](std::string_view shown) { out.append("<span class=\"odd\">").append(shown).append("</span>"); });
  return out;
}

std::string html_attribute(std::string_view text) {
  std::string out;
  each_character(
      text,
      [&out](std::string_view raw) {
        const std::string_view written = raw.size() == 1 ? entity(raw[0]) : std::string_view{};
        out += written.empty() ? (raw == "\n" || raw == "\t" ? " " : raw) : written;
      },
      [&out](std::string_view shown) { out += shown; });
  return out;
}

std::string url_segment(std::string_view text) { return percent(text, true); }

std::string markdown_line(std::string_view text) {
  std::string out;
  const std::string visible = registry::visible(text);
  for (const char c : visible) {
    constexpr std::string_view special = "\\`*_{}[]()<>#|!~";
    if (special.find(c) != std::string_view::npos) out += '\\';
    out += c == '\n' || c == '\t' ? ' ' : c;
  }
  return out;
}

bool needs_digest(std::string_view name) {
  static constexpr std::array<std::string_view, 8> reserved{"con", "prn", "aux", "nul", "com", "lpt", "index", "policy"};
  static constexpr std::array<std::string_view, 4> files{"style.css", "page.js", "search.js", "llms.txt"};
  std::string small(name.substr(0, name.find('.')));
  std::ranges::transform(small, small.begin(), lower_letter);
  if (small.size() == 4 && is_digit(small[3])) small.pop_back();
  return percent(name, false).size() > longest_file_name || name.empty() || name.ends_with('.') || std::ranges::find(reserved, small) != reserved.end() ||
         std::ranges::find(files, name) != files.end();
}

std::string file_name(std::string_view name, bool distinct) {
  std::string out = percent(name, false);
  if (!distinct && !needs_digest(name)) return out;
  out.resize(std::min(out.size(), longest_file_name - 10));
  return out + "-" + sha256_hex(name).substr(0, 8);
}

std::string without_secrets(std::string_view text) {
  static constexpr std::array<std::string_view, 7> beginnings{"sk-", "ghp_", "gho_", "xox", "AKIA", "eyJ", "-----BEGIN"};
  const bool begins = std::ranges::any_of(beginnings, [&](std::string_view each) { return text.find(each) != std::string_view::npos; });
  std::size_t run = 0;
  std::size_t digits = 0;
  bool opaque = false;
  for (const char c : text) {
    run = is_letter(c) || is_digit(c) ? run + 1 : 0;
    digits = run == 0 ? 0 : digits + (is_digit(c) ? 1U : 0U);
    opaque = opaque || (run >= 24 && digits >= 4);
  }
  return (begins && text.size() > 12) || opaque ? "***" : std::string(text);
}

}  // namespace callgate::catalogue
