#include "policy/schema_keywords.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include <fmt/format.h>

#include "base/suggest.hpp"

namespace callgate::policy {
namespace {

/// Where subschemas stand in a keyword's value.
enum class Shape : std::uint8_t { value, schema, list, map };

struct Keyword {
  std::string_view name;
  Shape shape;
  std::string_view kind;  ///< the type it speaks of; empty: any, or it says nothing about the value
};

/// JSON Schema 2020-12, core to content vocabulary (json-schema.org/draft/2020-12).
constexpr auto keywords = std::to_array<Keyword>({
    {"$schema", Shape::value, ""}, {"$id", Shape::value, ""}, {"$anchor", Shape::value, ""}, {"$ref", Shape::value, ""},
    {"$dynamicRef", Shape::value, ""}, {"$dynamicAnchor", Shape::value, ""}, {"$vocabulary", Shape::value, ""},
    {"$comment", Shape::value, ""}, {"$defs", Shape::map, ""},
    {"allOf", Shape::list, ""}, {"anyOf", Shape::list, ""}, {"oneOf", Shape::list, ""}, {"not", Shape::schema, ""},
    {"if", Shape::schema, ""}, {"then", Shape::schema, ""}, {"else", Shape::schema, ""},
    {"type", Shape::value, ""}, {"enum", Shape::value, ""}, {"const", Shape::value, ""},
    {"properties", Shape::map, "object"}, {"patternProperties", Shape::map, "object"},
    {"additionalProperties", Shape::schema, "object"}, {"unevaluatedProperties", Shape::schema, "object"},
    {"propertyNames", Shape::schema, "object"}, {"dependentSchemas", Shape::map, "object"},
    {"dependentRequired", Shape::value, "object"}, {"required", Shape::value, "object"},
    {"maxProperties", Shape::value, "object"}, {"minProperties", Shape::value, "object"},
    {"items", Shape::schema, "array"}, {"prefixItems", Shape::list, "array"}, {"contains", Shape::schema, "array"},
    {"unevaluatedItems", Shape::schema, "array"}, {"maxItems", Shape::value, "array"}, {"minItems", Shape::value, "array"},
    {"uniqueItems", Shape::value, "array"}, {"maxContains", Shape::value, "array"}, {"minContains", Shape::value, "array"},
    {"multipleOf", Shape::value, "number"}, {"maximum", Shape::value, "number"}, {"minimum", Shape::value, "number"},
    {"exclusiveMaximum", Shape::value, "number"}, {"exclusiveMinimum", Shape::value, "number"},
    {"maxLength", Shape::value, "string"}, {"minLength", Shape::value, "string"}, {"pattern", Shape::value, "string"},
    {"format", Shape::value, ""}, {"contentEncoding", Shape::value, ""}, {"contentMediaType", Shape::value, ""},
    {"contentSchema", Shape::value, ""},
    {"title", Shape::value, ""}, {"description", Shape::value, ""}, {"default", Shape::value, ""},
    {"examples", Shape::value, ""}, {"deprecated", Shape::value, ""}, {"readOnly", Shape::value, ""},
    {"writeOnly", Shape::value, ""}, {"$recursiveRef", Shape::value, ""},
});

/// Keywords of earlier drafts, which 2020-12 ignores.
struct Renamed {
  std::string_view old_name;
  std::string_view instead;
};
constexpr std::array<Renamed, 4> renamed = {{
    {"definitions", "`$defs`"},
    {"dependencies", "`dependentRequired` or `dependentSchemas`"},
    {"additionalItems", "`items` beside `prefixItems`"},
    {"$recursiveRef", "`$ref`"},
}};

const Keyword* known(std::string_view name) {
  const auto found = std::ranges::find(keywords, name, &Keyword::name);
  return found == keywords.end() ? nullptr : &*found;
}

bool has_any(const yaml::Node& schema, std::span<const std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view name) { return schema.find(name) != nullptr; });
}

class KeywordWalk {
 public:
  KeywordWalk(Report& report, SchemaWords& words) : report_(report), words_(words) {}

  /// Whether something around the schema says what type the value has.
  enum class ValueType : std::uint8_t { open, known };

  void schema(const yaml::Node& node, ValueType around) {
    if (!node.is_mapping()) return;  // booleans are schemas too; the compiler refuses the rest
    static constexpr std::array<std::string_view, 7> typing = {"type", "enum", "const", "$ref", "allOf", "anyOf", "oneOf"};
    const ValueType type = has_any(node, typing) ? ValueType::known : around;
    for (const yaml::Member& member : node.members) {
      const Keyword* keyword = known(member.key);
      if (keyword == nullptr || !renamed_to(member.key).empty()) {
        unknown(member);
        continue;
      }
      collect_names(member);
      warn_without_effect(member, *keyword, node, type);
      below(member.value, keyword->shape, looks_at_same_value(member.key) ? type : ValueType::open);
    }
  }

 private:
  static std::string_view renamed_to(std::string_view name) {
    const auto found = std::ranges::find(renamed, name, &Renamed::old_name);
    return found == renamed.end() ? std::string_view{} : found->instead;
  }

  void unknown(const yaml::Member& member) {
    if (const std::string_view instead = renamed_to(member.key); !instead.empty()) {
      return report_.fault(member.key_mark,
                           fmt::format("`{}` is not of JSON Schema 2020-12: write {}", member.key, instead));
    }
    std::array<std::string_view, keywords.size()> names{};
    std::ranges::transform(keywords, names.begin(), &Keyword::name);
    const std::string nearest = did_you_mean(member.key, names);
    report_.fault(member.key_mark,
                  fmt::format("unknown JSON Schema keyword {}{}", yaml::ticked(member.key),
                              nearest.empty() ? "; names of arguments stand under `properties`" : nearest));
  }

  /// Keywords whose subschemas judge the value itself, not a part of it (`$defs`: who refers to them decides).
  static bool looks_at_same_value(std::string_view key) {
    static constexpr std::array<std::string_view, 9> same = {"$defs", "allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas"};
    return std::ranges::find(same, key) != same.end();
  }

  void below(const yaml::Node& value, Shape shape, ValueType type) {
    if (shape == Shape::schema) schema(value, type);
    if (shape == Shape::list) {
      for (const yaml::Node& item : value.items) schema(item, type);
    }
    if (shape == Shape::map) {
      for (const yaml::Member& member : value.members) schema(member.value, type);
    }
  }

  void collect_names(const yaml::Member& member) {
    if (member.key == "patternProperties" || member.key == "propertyNames") words_.names_by_pattern = true;
    const bool names_keys = member.key == "properties" || member.key == "dependentSchemas" || member.key == "dependentRequired";
    if (names_keys) {
      for (const yaml::Member& each : member.value.members) {
        words_.names.push_back(each.key);
        if (member.key == "dependentRequired") collect_list(each.value);
      }
    }
    if (member.key == "required") collect_list(member.value);
  }

  void collect_list(const yaml::Node& list) {
    for (const yaml::Node& item : list.items) words_.names.push_back(item.text);
  }

  void warn_without_effect(const yaml::Member& member, const Keyword& keyword, const yaml::Node& schema, ValueType type) {
    static constexpr std::array<std::string_view, 4> annotations = {"format", "contentEncoding", "contentMediaType",
                                                                    "contentSchema"};
    if (std::ranges::find(annotations, member.key) != annotations.end()) {
      report_.warn(member.key_mark, fmt::format("`{}` has no effect: use `pattern`", member.key));
    }
    if ((member.key == "then" || member.key == "else") && schema.find("if") == nullptr) {
      report_.warn(member.key_mark, fmt::format("`{}` has no effect without `if`", member.key));
    }
    if (type == ValueType::known || keyword.kind.empty()) return;
    if (keyword.kind == "object" && !is_rule_of_names(member.key)) return;
    report_.warn(member.key_mark, fmt::format("`{}` lets every value pass that is no {}: add `type: {}`", member.key,
                                              keyword.kind, keyword.kind));
  }

  /// Those that the author of a nested object surely means to be checked.
  static bool is_rule_of_names(std::string_view key) { return key == "required" || key == "additionalProperties"; }

  Report& report_;
  SchemaWords& words_;
};

}  // namespace

SchemaWords walk_schema(const yaml::Node& schema, Report& report) {
  SchemaWords words;
  KeywordWalk(report, words).schema(schema, KeywordWalk::ValueType::known);  // arguments are an object, always
  return words;
}

}  // namespace callgate::policy
