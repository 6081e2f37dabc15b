#include "classify/schema_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/json_pointer.hpp"

namespace callgate::classify {
namespace {

std::uint8_t type_bit(std::string_view word) {
  if (word == "string") return static_cast<std::uint8_t>(Type::string);
  if (word == "number" || word == "integer") return static_cast<std::uint8_t>(Type::number);
  if (word == "boolean") return static_cast<std::uint8_t>(Type::boolean);
  if (word == "array") return static_cast<std::uint8_t>(Type::array);
  if (word == "object") return static_cast<std::uint8_t>(Type::object);
  return 0;
}

std::uint8_t types_of(json::Value schema) {
  const auto type = schema.find("type");
  if (!type) return 0;
  if (type->is_string()) return type_bit(type->string());
  std::uint8_t bits = 0;
  if (type->is_array()) {
    for (const json::Value each : type->elements()) {
      if (each.is_string()) bits |= type_bit(each.string());
    }
  }
  return bits;
}

bool names(json::Value list, std::string_view name) {
  if (!list.is_array()) return false;
  for (const json::Value each : list.elements()) {
    if (each.is_string() && each.equals(name)) return true;
  }
  return false;
}

/// Whether a choice lets only named values through, as far as it says so itself; choices within it are read by themselves.
bool bounds_values(json::Value choice, bool nested_are_read) {
  if (!choice.is_object()) return choice.is_boolean() && !choice.boolean();
  if (choice.find("enum") || choice.find("const")) return true;
  const auto type = choice.find("type");
  if (type && type->equals("null")) return true;
  const auto items = choice.find("items");
  if (type && type->equals("array") && items) return bounds_values(*items, false);
  return nested_are_read && (choice.find("anyOf") || choice.find("oneOf"));
}

constexpr std::uint32_t max_alternative_depth = 3;
constexpr std::size_t max_visits = 2048;

}  // namespace

void SchemaReader::read() {
  const auto schema = definition_.find("inputSchema");
  if (!schema || !schema->is_object()) {
    out_.open_arguments = true;
    return;
  }
  std::string at = "/inputSchema";
  const json::Value resolved = resolve(*schema, at);
  const auto properties = resolved.find("properties");
  const bool has_properties = properties && properties->is_object();
  out_.has_schema = types_of(resolved) != 0 || has_properties;
  // Properties without `additionalProperties: false` are the rule in the field, so that alone says nothing.
  out_.open_arguments = types_of(resolved) == 0 || !has_properties;
  read_object(resolved, at, {});
}

json::Value SchemaReader::resolve(json::Value schema, std::string& at) const {
  for (int hops = 0; hops < 8; ++hops) {
    const auto reference = schema.is_object() ? schema.find("$ref") : std::nullopt;
    if (!reference || !reference->is_string()) return schema;
    const std::string target = reference->string();
    constexpr std::array<std::string_view, 2> places{"#/$defs/", "#/definitions/"};
    const auto place = std::ranges::find_if(places, [&](std::string_view each) { return target.starts_with(each); });
    if (place == places.end()) return schema;
    const std::string_view key = std::string_view(*place).substr(2, place->size() - 3);
    const std::string_view name = std::string_view(target).substr(place->size());
    const auto input = definition_.find("inputSchema");
    const auto shelf = input ? input->find(key) : std::nullopt;
    const auto found = shelf ? shelf->find(name) : std::nullopt;
    if (!found || !found->is_object()) return schema;
    at = fmt::format("/inputSchema/{}/{}", key, json::pointer_token(name));
    schema = *found;
  }
  return schema;
}

void SchemaReader::read_object(json::Value schema, const std::string& at, Within within) {
  const auto properties = schema.find("properties");
  if (!properties || !properties->is_object() || within.depth >= max_parameter_depth) return;
  const auto required = schema.find("required");
  for (const json::Member property : properties->members()) {
    if (out_.parameters.size() >= max_parameters) {
      out_.cut = true;
      return;
    }
    const bool needed = required && required->is_array() && required->size() < 64 && names(*required, property.key.string());
    read_property(property, at + "/properties/", within, needed);
  }
}

void SchemaReader::read_property(json::Member property, const std::string& at, Within within, bool required) {
  bool cut = false;
  const auto index = static_cast<std::uint32_t>(out_.parameters.size());
  Parameter& made = out_.parameters.emplace_back();
  made.name = out_.keep(property.key, 128, cut);
  made.above = within.above;
  made.depth = within.depth;
  made.array_item = within.array_item;
  made.required = required;
  made.at = at + json::pointer_token(property.key.string());
  if (property.value.is_object()) read_facts(property.value, made.at, index, 0);
}

void SchemaReader::read_facts(json::Value schema, const std::string& at, std::uint32_t parameter, std::uint32_t alternatives) {
  if (++visits_ > max_visits) {
    out_.cut = true;
    out_.parameters[parameter].values_cut = true;
    return;
  }
  std::string place = at;
  const json::Value facts = resolve(schema, place);
  bool cut = false;
  Parameter& mine = out_.parameters[parameter];
  for (const auto& [each, where] : {std::pair(schema, at), std::pair(facts, place)}) {
    const auto description = each.find("description");
    if (!mine.description.empty() || !description || !description->is_string()) continue;
    mine.description = out_.keep(*description, max_parameter_text_bytes, cut);
    mine.description_at = where + "/description";
  }
  if (const auto fallback = schema.find("default"); fallback && mine.fallback.empty()) mine.fallback = fallback->text();
  mine.types |= types_of(facts);
  read_values(facts, place, parameter);
  if (alternatives < max_alternative_depth) read_alternatives(facts, place, parameter, alternatives);
  const std::uint32_t depth = out_.parameters[parameter].depth;
  const bool array_item = out_.parameters[parameter].array_item;
  const auto properties = facts.find("properties");
  if (out_.parameters[parameter].is(Type::object) && !properties) out_.parameters[parameter].open_object = true;
  read_object(facts, place, {parameter, depth + 1, array_item});
  const auto items = facts.find("items");
  if (!items || !items->is_object()) return;
  std::string items_at = place + "/items";
  const json::Value element = resolve(*items, items_at);
  // They bound the elements of a list, and a text that may stand in its place not at all.
  const bool bounded = out_.parameters[parameter].bounded;
  read_values(element, items_at, parameter);
  if (out_.parameters[parameter].types != static_cast<std::uint8_t>(Type::array)) out_.parameters[parameter].bounded = bounded;
  read_object(element, items_at, {parameter, depth + 1, true});
}

void SchemaReader::read_alternatives(json::Value schema, const std::string& at, std::uint32_t parameter, std::uint32_t depth) {
  for (const std::string_view key : {"anyOf", "oneOf", "allOf"}) {
    const auto list = schema.find(key);
    if (!list || !list->is_array()) continue;
    const bool may_open = key != "allOf" && !schema.find("enum") && !schema.find("const");
    std::size_t number = 0;
    for (const json::Value each : list->elements()) {
      std::string place = at;
      if (may_open && !bounds_values(resolve(each, place), depth + 1 < max_alternative_depth)) out_.parameters[parameter].open_alternative = true;
      if (number >= max_values) out_.parameters[parameter].values_cut = true;
      if (number >= max_values || out_.parameters.size() >= max_parameters) break;
      if (each.is_object()) read_facts(each, fmt::format("{}/{}/{}", at, key, number), parameter, depth + 1);
      ++number;
    }
  }
}

void SchemaReader::read_values(json::Value schema, const std::string& at, std::uint32_t parameter) {
  if (const auto only = schema.find("const")) add_value(*only, at + "/const", parameter);
  const auto list = schema.find("enum");
  if (!list || !list->is_array()) return;
  std::size_t number = 0;
  for (const json::Value each : list->elements()) {
    add_value(each, fmt::format("{}/enum/{}", at, number), parameter);
    if (++number < max_values) continue;
    if (list->size() > max_values) out_.parameters[parameter].values_cut = true;
    break;
  }
}

void SchemaReader::add_value(json::Value value, std::string at, std::uint32_t parameter) {
  Parameter& mine = out_.parameters[parameter];
  if (value.is_null()) return;  // chooses nothing
  if (!value.is_string() || mine.values.size() >= max_values) {
    mine.values_cut = true;
    return;
  }
  bool cut = false;
  mine.values.push_back({out_.keep(value, 64, cut), std::move(at)});
  mine.values_cut |= cut;
  mine.bounded = true;
}

}  // namespace callgate::classify
