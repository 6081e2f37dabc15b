#include "classify/definition.hpp"

#include <algorithm>

#include "classify/schema_reader.hpp"

namespace callgate::classify {
namespace {

/// Cuts at a character's beginning, so that what is quoted stays UTF-8.
std::string_view cut_text(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
  return text.substr(0, limit);
}

bool is_first_of_a_pair(std::string_view escape) {
  return escape.starts_with("\\u") && escape.size() > 3 && (escape[2] == 'd' || escape[2] == 'D') && std::string_view("89abAB").contains(escape[3]);
}

/// As much of an escaped text as makes more than `limit` bytes; no escape, nor a pair of them, is parted.
std::string_view enough_of(std::string_view raw, std::size_t limit) {
  std::size_t at = 0;
  for (std::size_t made = 0; at < raw.size() && made <= limit; ++made) {
    if (raw[at] != '\\') {
      ++at;
    } else if (raw[at + 1] != 'u') {
      at += 2;
    } else {
      at += is_first_of_a_pair(raw.substr(at)) ? 12 : 6;
    }
  }
  return raw.substr(0, at);
}

std::optional<bool> flag(json::Value object, std::string_view key) {
  const auto value = object.find(key);
  if (!value || !value->is_boolean()) return std::nullopt;
  return value->boolean();
}

}  // namespace

Definition::Definition(json::Value definition) : written(definition) {
  if (!definition.is_object()) return;
  name = text(definition, "name", 256);
  title = text(definition, "title", 256);
  description = text(definition, "description", max_text_bytes);
  read_hints(definition);
  SchemaReader(*this, definition).read();
}

std::string_view Definition::keep(json::Value string, std::size_t limit, bool& was_cut) {
  std::string_view whole;
  if (string.has_escapes()) {
    const std::string_view raw = string.raw_string();
    const std::string_view piece = enough_of(raw, limit);
    was_cut |= piece.size() < raw.size();
    json::append_unescaped(unescaped_.emplace_back(), piece);
    whole = unescaped_.back();
  } else {
    whole = string.raw_string();
  }
  if (whole.size() > limit) was_cut = true;
  return cut_text(whole, limit);
}

Text Definition::text(json::Value object, std::string_view key, std::size_t limit) {
  const auto value = object.find(key);
  if (!value || !value->is_string()) return {};
  Text found{.pointer = "/" + std::string(key)};
  found.text = keep(*value, limit, found.cut);
  cut |= found.cut;
  return found;
}

void Definition::read_hints(json::Value definition) {
  const auto annotations = definition.find("annotations");
  if (!annotations || !annotations->is_object()) return;
  hints = {.read_only = flag(*annotations, "readOnlyHint"),
           .destructive = flag(*annotations, "destructiveHint"),
           .idempotent = flag(*annotations, "idempotentHint"),
           .open_world = flag(*annotations, "openWorldHint")};
  if (!title.pointer.empty()) return;
  title = text(*annotations, "title", 256);
  if (!title.pointer.empty()) title.pointer = "/annotations/title";
}

}  // namespace callgate::classify
