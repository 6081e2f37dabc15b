// Keywords that hold subschemas, and those about the members of an object.

#include <fmt/format.h>

#include "schema/compiler.hpp"
#include "schema/pointer.hpp"

namespace callgate::schema {

Result<void> Compiler::reference(json::Value value) {
  if (!value.is_string()) return wrong(value, "must be a string");
  auto target = resources_.find(schema_, value.string());
  if (!target) {
    if (target.error().where.empty()) target.error().where = pointer_to(root_, value);
    return std::unexpected(std::move(target.error()));
  }
  return into(need(block_.combination).reference, *target);
}

Result<void> Compiler::dynamic_reference(json::Value value) {
  return wrong(value, "is not supported; use `$ref`", ErrorKind::unsupported);
}

/// It may switch keywords off that are checked here, or on that are not known.
Result<void> Compiler::vocabulary(json::Value value) {
  return wrong(value, "is not supported; leave it out", ErrorKind::unsupported);
}

Result<void> Compiler::branches(json::Value value) {
  auto ids = subschemas(value);
  if (!ids) return std::unexpected(ids.error());
  if (ids->empty()) return wrong(value, "must have at least one schema");
  Combination& combination = need(block_.combination);
  auto& slot = keyword_ == "allOf" ? combination.all_of : keyword_ == "anyOf" ? combination.any_of : combination.one_of;
  slot = std::move(*ids);
  return {};
}

Result<void> Compiler::branch(json::Value value) {
  Combination& combination = need(block_.combination);
  auto& slot = keyword_ == "not"    ? combination.negated
               : keyword_ == "if"   ? combination.condition
               : keyword_ == "then" ? combination.consequence
                                    : combination.alternative;
  return into(slot, value);
}

Result<void> Compiler::unique_items(json::Value value) {
  if (!value.is_boolean()) return wrong(value, "must be true or false");
  need(block_.array).unique = value.boolean();
  return {};
}

Result<void> Compiler::item_list(json::Value value) {
  auto ids = subschemas(value);
  if (!ids) return std::unexpected(ids.error());
  need(block_.array).prefix = std::move(*ids);
  return {};
}

Result<void> Compiler::items(json::Value value) {
  if (value.is_array()) {
    if (dialect_ == Dialect::draft7) return item_list(value);
    return wrong(value, "must be one schema in draft 2020-12; a list stands in `prefixItems`");
  }
  return into(need(block_.array).rest, value);
}

/// Draft-07: counts only behind a list of `items`.
Result<void> Compiler::additional_items(json::Value value) {
  const auto items = schema_.find("items");
  if (!items || !items->is_array()) return {};
  return into(need(block_.array).rest, value);
}

Result<void> Compiler::contains(json::Value value) {
  ArrayRules& rules = need(block_.array);
  rules.contains_marks = dialect_ == Dialect::draft2020_12;
  return into(rules.contains, value);
}

Result<std::vector<std::string>> Compiler::names(json::Value value) const {
  if (!value.is_array()) return wrong(value, "must be an array of strings");
  std::vector<std::string> texts;
  texts.reserve(value.size());
  for (const json::Value each : value.elements()) {
    if (!each.is_string()) return wrong(each, "must hold strings only");
    texts.push_back(each.string());
  }
  return texts;
}

Property& Compiler::property(std::string_view name) {
  ObjectRules& rules = need(block_.object);
  const auto [place, added] = property_index_.emplace(name, rules.properties.size());
  if (added) rules.properties.push_back({.name = std::string(name)});
  return rules.properties[place->second];
}

Result<void> Compiler::required(json::Value value) {
  const auto listed = names(value);
  if (!listed) return std::unexpected(listed.error());
  for (const std::string& name : *listed) property(name).required = true;
  return {};
}

Result<void> Compiler::properties(json::Value value) {
  if (!value.is_object()) return wrong(value, "must be an object of schemas");
  for (const json::Member member : value.members()) {
    if (!note(into(property(member.key.string()).schema, member.value))) break;
  }
  return {};
}

Result<void> Compiler::pattern_properties(json::Value value) {
  if (!value.is_object()) return wrong(value, "must be an object of schemas");
  ObjectRules& rules = need(block_.object);
  for (const json::Member member : value.members()) {
    auto compiled = expression(member.key.string(), member.value);
    PatternProperty& added = rules.patterns.emplace_back(compiled.value_or(nullptr), no_block);
    if (!compiled && !note(std::unexpected(std::move(compiled.error())))) break;
    if (!note(into(added.schema, member.value))) break;
  }
  return {};
}

Result<void> Compiler::object_subschema(json::Value value) {
  ObjectRules& rules = need(block_.object);
  return into(keyword_ == "propertyNames" ? rules.names : rules.additional, value);
}

Result<void> Compiler::unevaluated(json::Value value) {
  block_.marks = true;
  return into(keyword_ == "unevaluatedItems" ? need(block_.array).unevaluated : need(block_.object).unevaluated, value);
}

Result<void> Compiler::dependencies(json::Value value) {
  if (!value.is_object()) return wrong(value, "must be an object");
  const char* keyword = keyword_ == "dependencies"        ? "dependencies"
                        : keyword_ == "dependentRequired" ? "dependentRequired"
                                                          : "dependentSchemas";
  for (const json::Member member : value.members()) {
    Dependency dependency{.keyword = keyword};
    const bool by_name = keyword_ == "dependentRequired" || (keyword_ == "dependencies" && member.value.is_array());
    if (by_name) {
      auto listed = names(member.value);
      if (!listed && !note(std::unexpected(std::move(listed.error())))) break;
      dependency.required = std::move(listed).value_or(std::vector<std::string>());
    } else if (!note(into(dependency.schema, member.value))) {
      break;
    }
    property(member.key.string()).dependencies.push_back(std::move(dependency));
  }
  return {};
}

}  // namespace callgate::schema
