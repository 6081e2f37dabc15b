#include "policy/argument_types.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

namespace callgate::policy {
namespace {

using cel::bit;
using cel::Kind;
using cel::Kinds;
using cel::Type;

constexpr int deepest = 12;           // schemas within one another, references included
constexpr std::size_t most_subschemas = 20'000;  // subschemas looked at and texts held: alternatives and references multiply
constexpr std::size_t bytes_at_once = 64;  // of a text; a longer one counts as several

Kinds kinds_of_word(std::string_view word) {
  struct Row {
    std::string_view word;
    Kind kind;
  };
  static constexpr std::array<Row, 7> rows = {{{"string", Kind::text},    {"number", Kind::number}, {"integer", Kind::number}, {"boolean", Kind::boolean},
                                               {"null", Kind::null},      {"array", Kind::list},    {"object", Kind::map}}};
  const auto row = std::ranges::find(rows, word, &Row::word);
  return row == rows.end() ? cel::any_kind : bit(row->kind);
}

class TypeReader {
 public:
  explicit TypeReader(json::Value root) : root_(root) {}

  Type read(json::Value schema, int depth) {
    Type type;
    if (!schema.is_object() || depth > deepest || ++looked_at_ > most_subschemas) return type;
    if (const auto reference = schema.find("$ref")) return follow(*reference, depth);
    read_kinds(schema, type);
    read_alternatives(schema, type, depth);
    read_members(schema, type, depth);
    if (const auto items = schema.find("items"); items && items->is_object()) type.element = std::make_shared<Type>(read(*items, depth + 1));
    return type;
  }

 private:
  Type follow(json::Value reference, int depth) {
    std::optional<json::Value> at = root_;
    std::string pointer = reference.is_string() ? reference.string() : "";
    if (!pointer.starts_with("#/") || pointer.find_first_of("~%") != std::string::npos) return {};
    pointer.erase(0, 2);
    while (at && !pointer.empty()) {
      const std::size_t slash = std::min(pointer.find('/'), pointer.size());
      at = at->find(pointer.substr(0, slash));
      pointer.erase(0, std::min(slash + 1, pointer.size()));
    }
    return at ? read(*at, depth + 1) : Type{};
  }

  void read_kinds(json::Value schema, Type& type) {
    if (const auto named = schema.find("type")) {
      std::string scratch;
      Kinds kinds = named->is_string() ? kinds_of_word(named->string(scratch)) : Kinds{0};
      if (named->is_array()) {
        for (const json::Value each : named->elements()) kinds |= each.is_string() ? kinds_of_word(each.string(scratch)) : cel::any_kind;
      }
      type.kinds = kinds != 0 ? kinds : cel::any_kind;
    }
    Kinds listed = 0;
    if (const auto constant = schema.find("const")) listed = bit(cel::Value::document(*constant).kind());
    if (const auto values = schema.find("enum"); values && values->is_array()) {
      for (const json::Value each : values->elements()) listed |= bit(cel::Value::document(each).kind());
    }
    if ((listed & type.kinds) != 0) type.kinds &= listed;
    read_words(schema, type);
  }

  /// Whether a text may be held as well: each place that refers to a schema holds its texts anew.
  bool affords(std::size_t texts, std::size_t bytes) {
    const std::size_t cost = texts + bytes / bytes_at_once;
    if (looked_at_ + cost > most_subschemas) return false;
    looked_at_ += cost;
    return true;
  }

  /// The texts of a closed list: all of them or, where they are too many to hold, none, so that any is taken for right.
  void read_words(json::Value schema, Type& type) {
    if (const auto constant = schema.find("const"); constant && constant->is_string()) {
      if (affords(1, constant->raw_string().size())) type.words = {constant->string()};
      return;
    }
    const auto values = schema.find("enum");
    if (!values || !values->is_array() || !affords(values->size(), values->text().size())) return;
    for (const json::Value each : values->elements()) {
      if (each.is_string()) type.words.push_back(each.string());
    }
  }

  /// Of alternatives any may hold; what they say of members is left aside, but for a single one beside null.
  void read_alternatives(json::Value schema, Type& type, int depth) {
    for (const std::string_view key : {"anyOf", "oneOf"}) {
      const auto list = schema.find(key);
      if (!list || !list->is_array()) continue;
      Kinds kinds = 0;
      std::optional<Type> only;
      std::size_t others = 0;
      for (const json::Value each : list->elements()) {
        Type one = read(each, depth + 1);
        kinds |= one.kinds;
        if (one.kinds == bit(Kind::null)) continue;
        ++others;
        only = std::move(one);
      }
      if ((kinds & type.kinds) != 0) type.kinds &= kinds;
      if (others != 1) continue;
      type.fields = std::move(only->fields);
      type.knows_fields = only->knows_fields;
      if (type.words.empty()) type.words = std::move(only->words);
      type.element = std::move(only->element);
    }
  }

  static std::size_t names_of(json::Value properties) {
    std::size_t bytes = 0;
    for (const json::Member member : properties.members()) bytes += member.key.raw_string().size();
    return bytes;
  }

  /// An object whose schema names members knows them all, unless it says that there may be others.
  void read_members(json::Value schema, Type& type, int depth) {
    const auto properties = schema.find("properties");
    if (!properties || !properties->is_object()) return;
    // Names that are not held are not known to be missing either.
    if (!affords(0, names_of(*properties))) return;
    for (const json::Member member : properties->members()) {
      type.fields.push_back({.name = member.key.string(), .type = read(member.value, depth + 1), .required = false});
    }
    if (const auto required = schema.find("required"); required && required->is_array()) {
      for (const json::Value name : required->elements()) {
        const auto field = std::ranges::find_if(type.fields, [&](const cel::Field& each) { return name.equals(each.name); });
        if (field != type.fields.end()) field->required = true;
      }
    }
    static constexpr std::array<std::string_view, 9> more = {"$dynamicRef", "allOf", "anyOf", "oneOf", "if", "dependentSchemas", "patternProperties", "dependencies", "not"};
    const bool may_say_more = std::ranges::any_of(more, [&](std::string_view key) { return schema.find(key).has_value(); });
    const auto others = schema.find("additionalProperties");
    const bool takes_others = others && !(others->is_boolean() && !others->boolean());
    type.knows_fields = !type.fields.empty() && !may_say_more && !takes_others;
  }

  json::Value root_;
  std::size_t looked_at_ = 0;
};

}  // namespace

cel::Type type_of_schema(json::Value schema) { return TypeReader(schema).read(schema, 0); }

}  // namespace callgate::policy
