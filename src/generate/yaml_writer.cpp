#include "generate/yaml_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

#include "base/characters.hpp"
#include "registry/difference.hpp"
#include "registry/fingerprint.hpp"

namespace callgate::generate {
namespace {

/// Words that some reader of YAML takes for something other than text.
constexpr std::array<std::string_view, 12> reserved{"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf", "infinity"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_plain(std::string_view text) {
  if (text.empty() || text.size() > 64 || !(is_letter(text.front()) || text.front() == '_')) return false;
  if (!std::ranges::all_of(text, [](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '/'; })) return false;
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(is_letter(c) ? c | 0x20 : c);
  return std::ranges::find(reserved, lower) == reserved.end();
}

void append_flow(std::string& out, json::Value value) {
  if (value.is_string()) {
    out += yaml_string(value.string());
  } else if (value.is_array()) {
    out += '[';
    for (const json::Value each : value.elements()) {
      if (out.back() != '[') out += ", ";
      append_flow(out, each);
    }
    out += ']';
  } else if (value.is_object()) {
    out += '{';
    for (const json::Member member : value.members()) {
      if (out.back() != '{') out += ", ";
      out += yaml_string(member.key.string());
      out += ": ";
      append_flow(out, member.value);
    }
    out += '}';
  } else {
    out += value.text();
  }
}

}  // namespace

std::string yaml_string(std::string_view text) {
  if (is_plain(text)) return std::string(text);
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const auto [code, size, broken] = first_character(text.substr(at));
    if (code == '"' || code == '\\') {
      out += '\\';
      out += static_cast<char>(code);
    } else if (code == '\n') {
      out += "\\n";
    } else if (code == '\t') {
      out += "\\t";
    } else if (code >= 0x20 && code < 0x7F) {
      out += static_cast<char>(code);
    } else if (const std::string_view raw = text.substr(at, size); !broken && code >= 0xA0 && registry::visible(raw) == raw) {
      out += raw;
    } else {
      out += code > 0xFFFF ? fmt::format("\\U{:08X}", static_cast<std::uint32_t>(code)) : fmt::format("\\u{:04X}", static_cast<std::uint32_t>(code));
    }
    at += size;
  }
  return out + '"';
}

std::string yaml_flow(json::Value value) {
  std::string out;
  append_flow(out, value);
  return out;
}

std::string yaml_flow(std::string_view json) {
  const auto document = json::OwnedDocument::parse(std::string(json), registry::definition_limits);
  return document ? yaml_flow((*document)->root()) : "null";
}

std::string comment_line(std::string_view text, std::size_t most) {
  std::string line;
  for (const char c : text.substr(0, most * 4)) {
    const bool blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (!blank) line += c;
    if (blank && !line.empty() && line.back() != ' ') line += ' ';
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  line = registry::visible(line);
  if (line.size() <= most) return line;
  std::size_t cut = most;
  while (cut > 0 && (static_cast<unsigned char>(line[cut]) & 0xC0U) == 0x80U) --cut;
  return line.substr(0, cut) + "…";
}

}  // namespace callgate::generate
