// Checks of the members of objects and the elements of arrays.

#include <algorithm>
#include <cstring>

#include "schema/evaluator.hpp"

namespace callgate::schema {

const Property* ObjectRules::find(std::string_view name) const {
  if (properties.size() <= 16) {
    // Few names have one length, so hardly any bytes are compared, and longer ones are not looked at.
    for (const Property& property : properties) {
      if (property.name.size() < name.size()) continue;
      if (property.name.size() > name.size()) break;
      if (std::memcmp(property.name.data(), name.data(), name.size()) == 0) return &property;
    }
    return nullptr;
  }
  const auto place = std::ranges::lower_bound(
      properties, name,
      [](std::string_view a, std::string_view b) { return a.size() != b.size() ? a.size() < b.size() : a < b; },
      &Property::name);
  return place != properties.end() && place->name == name ? &*place : nullptr;
}

bool Evaluator::check_object(const Block& block, json::Value value, Marks* marks) {
  const ObjectRules& rules = *block.object;
  if (value.size() < rules.min) return failed(block, value, "minProperties");
  if (value.size() > rules.max) return failed(block, value, "maxProperties");
  std::size_t required_seen = 0;
  std::size_t i = 0;
  for (const json::Member member : value.members()) {
    if (!check_member(block, value, member, i++, marks, required_seen)) return false;
  }
  // Keys are unique, so counting tells whether all are there.
  return required_seen == rules.required_count || report_missing(block, value);
}

bool Evaluator::check_member(const Block& block, json::Value object, json::Member member, std::size_t i, Marks* marks,
                             std::size_t& required_seen) {
  if (!spend(1, block, member.key)) return false;
  // Hardly any name holds an escape: the others need no text of their own.
  if (!member.key.has_escapes())
    return check_named(block, object, member, member.key.raw_string(), i, marks, required_seen);
  std::string scratch;
  const auto name = read_string(block, member.key, scratch);
  return name && check_named(block, object, member, *name, i, marks, required_seen);
}

bool Evaluator::check_named(const Block& block, json::Value object, json::Member member, std::string_view name,
                            std::size_t i, Marks* marks, std::size_t& required_seen) {
  const ObjectRules& rules = *block.object;
  bool evaluated = false;
  if (const Property* property = rules.find(name)) {
    if (property->required) ++required_seen;
    if (!property->dependencies.empty() && !check_dependencies(block, *property, object, marks)) return false;
    evaluated = property->schema != no_block;
    if (evaluated && !evaluate(property->schema, member.value, nullptr)) return false;
  }
  for (const auto& [pattern, schema] : rules.patterns) {
    const bool matched = matches(block, *pattern, name, member.key, "patternProperties");
    if (gave_up_) return false;
    if (matched && !evaluate(schema, member.value, nullptr)) return false;
    evaluated = evaluated || matched;
  }
  if (!evaluated && rules.additional != no_block) {
    if (!evaluate(rules.additional, member.value, nullptr)) return false;
    evaluated = true;
  }
  if (rules.names != no_block && !evaluate(rules.names, member.key, nullptr)) return false;
  if (evaluated && marks != nullptr) marks->set(i);
  return true;
}

bool Evaluator::check_dependencies(const Block& block, const Property& property, json::Value object, Marks* marks) {
  for (const Dependency& dependency : property.dependencies) {
    for (const std::string& name : dependency.required) {
      if (!spend(1 + object.size(), block, object)) return false;
      if (!object.find(name)) return failed(block, object, dependency.keyword, name);
    }
    if (dependency.schema != no_block && !evaluate(dependency.schema, object, marks)) return false;
  }
  return true;
}

bool Evaluator::report_missing(const Block& block, json::Value object) {
  for (const Property& property : block.object->properties) {
    if (!property.required) continue;
    if (!spend(1 + object.size(), block, object)) return false;
    if (!object.find(property.name)) return failed(block, object, "required", property.name);
  }
  return failed(block, object, "required");
}

bool Evaluator::check_array(const Block& block, json::Value value, Marks* marks) {
  const ArrayRules& rules = *block.array;
  if (value.size() < rules.min) return failed(block, value, "minItems");
  if (value.size() > rules.max) return failed(block, value, "maxItems");
  if (!rules.prefix.empty() || rules.rest != no_block) {
    std::size_t i = 0;
    for (const json::Value element : value.elements()) {
      const BlockId schema = i < rules.prefix.size() ? rules.prefix[i] : rules.rest;
      if (schema == no_block) break;
      if (!evaluate(schema, element, nullptr)) return false;
      if (marks != nullptr) marks->set(i);
      ++i;
    }
  }
  if (rules.contains != no_block && !check_contains(block, value, marks)) return false;
  return !rules.unique || check_unique(block, value);
}

bool Evaluator::check_contains(const Block& block, json::Value value, Marks* marks) {
  const ArrayRules& rules = *block.array;
  const bool count_all = rules.max_contains != unbounded || (marks != nullptr && rules.contains_marks);
  std::uint64_t count = 0;
  std::size_t i = 0;
  for (const json::Value element : value.elements()) {
    if (!count_all && count >= rules.min_contains) break;
    if (try_branch(rules.contains, element, nullptr)) {
      ++count;
      if (marks != nullptr && rules.contains_marks) marks->set(i);
    }
    if (gave_up_) return false;
    ++i;
  }
  if (count > rules.max_contains) return failed(block, value, "maxContains");
  if (count >= rules.min_contains) return true;
  return failed(block, value, count == 0 || rules.min_contains == 1 ? "contains" : "minContains");
}

namespace {

bool all_scalar(json::Value array) {
  for (const json::Value element : array.elements()) {
    if (element.is_array() || element.is_object()) return false;
  }
  return true;
}

bool all_differ(json::Value array) {
  const json::Elements elements = array.elements();
  for (auto a = elements.begin(); a != elements.end(); ++a) {
    auto b = a;
    for (++b; b != elements.end(); ++b) {
      if (json::equal(*a, *b)) return false;
    }
  }
  return true;
}

}  // namespace

/// Sorts canonical texts, so that many elements stay cheap and none can be
/// made to collide; few scalars are compared one with another.
bool Evaluator::check_unique(const Block& block, json::Value value) {
  constexpr std::size_t few = 8;
  const std::size_t size = value.size();
  if (size < 2) return true;
  if (!spend(size + value.text().size() / 16, block, value)) return false;
  if (size <= few && all_scalar(value)) return all_differ(value) || failed(block, value, "uniqueItems");
  std::vector<std::string> texts;
  texts.reserve(size);
  for (const json::Value element : value.elements()) json::append_canonical(texts.emplace_back(), element);
  std::ranges::sort(texts);
  return std::ranges::adjacent_find(texts) == texts.end() || failed(block, value, "uniqueItems");
}

bool Evaluator::check_unevaluated(const Block& block, json::Value value, const Marks& marks) {
  std::size_t i = 0;
  if (value.is_object()) {
    if (!block.object || block.object->unevaluated == no_block) return true;
    for (const json::Member member : value.members()) {
      if (!marks.test(i++) && !evaluate(block.object->unevaluated, member.value, nullptr)) return false;
    }
    return true;
  }
  if (!block.array || block.array->unevaluated == no_block) return true;
  for (const json::Value element : value.elements()) {
    if (!marks.test(i++) && !evaluate(block.array->unevaluated, element, nullptr)) return false;
  }
  return true;
}

}  // namespace callgate::schema
