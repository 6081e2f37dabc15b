#include "registry/difference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>
#include <unordered_map>
#include <utility>

#include "base/characters.hpp"
#include "registry/changed_parts.hpp"

namespace callgate::registry {
namespace {

/// Where one of two values is longer than this, what is the same in both is left out.
constexpr std::size_t whole_bytes = 4000;

/// What is left to show is cut here, with the number of bytes that are missing:
/// far beyond what a description needs, and what a terminal still shows.
constexpr std::size_t max_shown_bytes = std::size_t{64} * 1024;

constexpr std::array hidden{
    CharacterRange{0x0000, 0x001F}, CharacterRange{0x007F, 0x009F}, CharacterRange{0x00AD, 0x00AD}, CharacterRange{0x034F, 0x034F},   CharacterRange{0x061C, 0x061C},
    CharacterRange{0x115F, 0x1160}, CharacterRange{0x17B4, 0x17B5}, CharacterRange{0x180B, 0x180F}, CharacterRange{0x200B, 0x200F},   CharacterRange{0x2028, 0x202E},
    CharacterRange{0x2060, 0x206F}, CharacterRange{0x3164, 0x3164}, CharacterRange{0xFE00, 0xFE0F}, CharacterRange{0xFEFF, 0xFEFF},   CharacterRange{0xFFA0, 0xFFA0},
    CharacterRange{0xFFF0, 0xFFFB}, CharacterRange{0xE0000, 0xE0FFF},
};

bool is_hidden(char32_t c) {
  return std::ranges::any_of(hidden, [c](const CharacterRange& range) { return range.first <= c && c <= range.last; });
}

/// A value as one line: its canonical text, made visible.
std::string line_of(json::Value value) {
  std::string text;
  json::append_canonical(text, value);
  return visible(text);
}

std::string bounded(std::string text) {
  if (text.size() <= max_shown_bytes) return text;
  std::size_t end = max_shown_bytes;
  while ((static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  const std::size_t missing = text.size() - end;
  text.resize(end);
  return fmt::format("{} … ({} bytes more)", text, missing);
}

struct Writer {
  std::string out;

  void line(char sign, const std::string& path, std::string value) {
    fmt::format_to(std::back_inserter(out), "  {} {}: {}\n", sign, path, bounded(std::move(value)));
  }
  void added(const std::string& path, json::Value value) { line('+', path, line_of(value)); }
  void removed(const std::string& path, json::Value value) { line('-', path, line_of(value)); }

  void compare(const std::string& path, json::Value before, json::Value after);
  void compare_objects(const std::string& path, json::Value before, json::Value after);
};

using Members = std::unordered_map<std::string, json::Value>;

Members members_of(json::Value object) {
  Members members;
  members.reserve(object.size());
  for (const json::Member& member : object.members()) members.emplace(member.key.string(), member.value);
  return members;
}

bool counts(const std::string& path, std::string_view key) { return !path.empty() || key != "_meta"; }

std::string below(const std::string& path, std::string_view key) {
  const std::string name = visible(key);
  return path.empty() ? name : path + "." + name;
}

void Writer::compare(const std::string& path, json::Value before, json::Value after) {
  if (before.is_object() && after.is_object()) return compare_objects(path, before, after);
  if (json::equal(before, after)) return;
  std::string old = line_of(before);
  std::string now = line_of(after);
  if (old.size() > whole_bytes || now.size() > whole_bytes) {
    ChangedParts parts = changed_parts(old, now);
    old = std::move(parts.before);
    now = std::move(parts.after);
  }
  line('-', path, std::move(old));
  line('+', path, std::move(now));
}

void Writer::compare_objects(const std::string& path, json::Value before, json::Value after) {
  // By the keys, not by `find`: an object may hold as many members as a list has bytes for.
  Members others = members_of(after);
  for (const json::Member& member : before.members()) {
    const std::string key = member.key.string();
    const auto other = others.find(key);
    if (other == others.end()) {
      if (counts(path, key)) removed(below(path, key), member.value);
      continue;
    }
    if (counts(path, key)) compare(below(path, key), member.value, other->second);
    others.erase(other);
  }
  for (const json::Member& member : after.members()) {
    const std::string key = member.key.string();
    if (counts(path, key) && others.contains(key)) added(below(path, key), member.value);
  }
}

}  // namespace

std::string visible(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character next = first_character(text);
    if (next.broken || is_hidden(next.code)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<std::uint32_t>(next.code));
    } else {
      out.append(text.substr(0, next.size));
    }
    text.remove_prefix(next.size);
  }
  return out;
}

std::string difference(json::Value before, json::Value after) {
  Writer writer;
  writer.compare_objects("", before, after);
  return std::move(writer.out);
}

std::string description(json::Value definition) {
  Writer writer;
  for (const json::Member& member : definition.members()) {
    if (!member.key.equals("_meta")) writer.added(visible(member.key.string()), member.value);
  }
  return std::move(writer.out);
}

}  // namespace callgate::registry
